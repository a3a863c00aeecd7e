#include "sim/workload_join.h"

#include <pthread.h>
#include <stdlib.h>

/* The numbers that a part's own have in the whole, and how far it is read. */
struct numbers {
	struct workload_build *b;
	uint32_t *name, *subject, *conversation;
	size_t names, subjects, conversations; /* that have one */
	uint32_t rares;			       /* of the parts before */
};

static int by_place(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;
	if (x->trace != y->trace)
		return x->trace < y->trace ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void number_names(struct workload_build *to, struct numbers *n, size_t until)
{
	const struct workload *w = n->b->w;
	for (; n->names < w->names && n->b->name_first[n->names] < until; n->names++)
		n->name[n->names + 1] = build_name(to, text_of(w->name[n->names + 1]));
}

static void number_subjects(struct workload_build *to, struct numbers *n, size_t until)
{
	const struct workload *w = n->b->w;
	for (; n->subjects < w->subjects && n->b->subject_first[n->subjects] < until; n->subjects++)
		n->subject[n->subjects] = build_subject(to, w->subject[n->subjects]);
}

static void number_conversations(struct workload_build *to, struct numbers *n, size_t until)
{
	const struct workload *w = n->b->w;
	for (; n->conversations < w->conversations &&
	       n->b->conversation_first[n->conversations] < until;
	     n->conversations++) {
		const char *name = w->conversation_name[n->conversations];
		n->conversation[n->conversations] =
			build_conversation(to, text_of(name ? name : ""));
	}
}

/* One part's calls, to where its stretches lie in the whole. */
struct move {
	pthread_t thread;
	const struct numbers *of;
	struct workload *to;
	const struct stretch *stretch;
	size_t stretches, part;
};

static void *move_calls(void *user)
{
	const struct move *m = user;
	const struct numbers *n = m->of;
	size_t at = 0;
	for (size_t i = 0; i < m->stretches; i++) {
		const struct stretch *s = &m->stretch[i];
		for (size_t k = s->from; s->part == m->part && k < s->to; k++) {
			struct work_call c = n->b->w->call[k];
			c.conversation = n->conversation[c.conversation];
			c.subject = n->subject[c.subject];
			c.customer = n->name[c.customer];
			c.project = n->name[c.project];
			c.workload = n->name[c.workload];
			c.task = n->name[c.task];
			c.effort = n->name[c.effort];
			c.session = n->name[c.session];
			c.rare += c.rare ? n->rares : 0;
			m->to->call[at + k - s->from] = c;
		}
		at += s->to - s->from;
	}
	return NULL;
}

static void join_rares(struct workload *to, struct numbers *n, size_t parts)
{
	size_t rares = 0;
	for (size_t i = 0; i < parts; i++) {
		n[i].rares = (uint32_t)rares;
		rares += n[i].b->w->rares;
	}
	to->rare = mem_alloc((rares + 1) * sizeof *to->rare);
	for (size_t i = 0; i < parts; i++)
		if (n[i].b->w->rares)
			memcpy(to->rare + n[i].rares, n[i].b->w->rare,
			       n[i].b->w->rares * sizeof *to->rare);
	to->rares = rares;
}

static void move_all(struct workload *to, const struct numbers *n, size_t parts,
		     const struct stretch *stretch, size_t stretches)
{
	struct move *move = mem_alloc(parts * sizeof *move);
	for (size_t i = 0; i < parts; i++) {
		move[i] = (struct move){ 0, &n[i], to, stretch, stretches, i };
		CHECK(pthread_create(&move[i].thread, NULL, move_calls, &move[i]) == 0);
	}
	for (size_t i = 0; i < parts; i++)
		pthread_join(move[i].thread, NULL);
	free(move);
}

/* Calls along conversations, which every part counted by itself. */
static void count_calls(struct workload_build *to)
{
	struct workload *w = to->w;
	for (size_t i = 0; i < w->count; i++)
		w->call[i].call = to->calls[w->call[i].conversation]++;
}

void workload_join(struct workload_build *to, struct workload_build *const *part, size_t parts,
		   struct stretch *stretch, size_t stretches)
{
	struct workload *w = to->w;
	struct numbers *n = mem_zalloc(parts * sizeof *n);
	for (size_t i = 0; i < parts; i++) {
		const struct workload *of = part[i]->w;
		n[i] = (struct numbers){ .b = part[i] };
		n[i].name = mem_zalloc((of->names + 1) * sizeof *n[i].name);
		n[i].subject = mem_alloc((of->subjects + 1) * sizeof *n[i].subject);
		n[i].conversation = mem_alloc((of->conversations + 1) * sizeof *n[i].conversation);
		w->count += of->count;
		w->outside += of->outside;
	}
	if (stretches)
		qsort(stretch, stretches, sizeof *stretch, by_place);
	for (size_t i = 0; i < stretches; i++) {
		struct numbers *of = &n[stretch[i].part];
		number_names(to, of, stretch[i].to);
		number_subjects(to, of, stretch[i].to);
		number_conversations(to, of, stretch[i].to);
	}
	join_rares(w, n, parts);
	w->call = mem_alloc((w->count + 1) * sizeof *w->call);
	move_all(w, n, parts, stretch, stretches);
	count_calls(to);
	for (size_t i = 0; i < parts; i++) {
		free(n[i].name);
		free(n[i].subject);
		free(n[i].conversation);
	}
	free(n);
}
