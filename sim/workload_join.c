#include "sim/workload_join.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The numbers that a part's own have in the whole, and how far it is read. */
struct numbers {
	struct workload_build *b;
	uint32_t *name, *subject, *conversation;
	bool *apart; /* conversations whose task or session is another in the whole */
	size_t names, subjects, conversations; /* that have one */
	uint32_t rares, odds;		       /* of the parts before */
	uint32_t *who;
	pthread_t thread;
};

static int by_place(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;
	if (x->trace != y->trace)
		return x->trace < y->trace ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
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
		const struct conversation_id id = n->b->id[n->conversations];
		n->conversation[n->conversations] = build_conversation(
			to, (struct conversation_id){ n->name[id.customer], n->name[id.name] });
		const struct work_talk talk = w->talk[n->conversations];
		n->apart[n->conversations] = !build_talk(
			to->w, n->conversation[n->conversations],
			(struct work_talk){ n->name[talk.task], n->name[talk.session] });
	}
}

static void join_rares(struct workload *to, struct numbers *n, size_t parts)
{
	size_t rares = 0, odds = 0;
	for (size_t i = 0; i < parts; i++) {
		n[i].rares = (uint32_t)rares;
		n[i].odds = (uint32_t)odds;
		rares += n[i].b->w->rares;
		odds += n[i].b->w->odds;
	}
	CHECK(odds <= CALL_ODD);
	to->rare = mem_alloc((rares + 1) * sizeof *to->rare);
	to->odd = mem_alloc((odds + 1) * sizeof *to->odd);
	for (size_t i = 0; i < parts; i++) {
		const struct workload *of = n[i].b->w;
		if (of->rares)
			memcpy(to->rare + n[i].rares, of->rare, of->rares * sizeof *to->rare);
		for (size_t k = 0; k < of->odds; k++) {
			struct work_odd *odd = &to->odd[n[i].odds + k];
			*odd = of->odd[k];
			odd->rare += odd->rare ? n[i].rares : 0;
		}
	}
	to->rares = rares;
	to->odds = odds;
}

/* Calls whose conversation began in another part with another task or session have their own. */
static void tell_apart(struct numbers *n)
{
	const struct workload *w = n->b->w;
	const bool any = memchr(n->apart, 1, w->conversations) != NULL;
	for (size_t i = 0; any && w->part && i < w->part->count; i++) {
		struct packed_call *p = work_part_call(w->part, i);
		struct work_who who = w->who[p->who];
		if (!n->apart[p->conversation] || who.task != WORK_OF_CONVERSATION)
			continue;
		who.task = w->talk[p->conversation].task;
		who.session = w->talk[p->conversation].session;
		p->who = build_who(n->b, &who);
	}
}

static void number_whos(struct workload_build *to, struct numbers *n)
{
	const struct workload *w = n->b->w;
	for (size_t i = 0; i < w->whos; i++) {
		const struct work_who *p = &w->who[i];
		const bool of_conversation = p->task == WORK_OF_CONVERSATION;
		const struct work_who who = {
			n->subject[p->subject],
			n->name[p->customer],
			n->name[p->project],
			n->name[p->workload],
			of_conversation ? p->task : n->name[p->task],
			n->name[p->effort],
			of_conversation ? p->session : n->name[p->session],
		};
		n->who[i] = build_who(to, &who);
	}
}

/* One part's calls, where they lie. */
static void *number_calls(void *user)
{
	const struct numbers *n = user;
	const struct work_part *part = n->b->w->part;
	for (size_t i = 0; part && i < part->count; i++) {
		struct packed_call *p = work_part_call(part, i);
		p->conversation = n->conversation[p->conversation];
		p->who = n->who[p->who];
		p->requests += p->requests >= CALL_ODD ? n->odds : 0;
	}
	return NULL;
}

/* The parts' calls become the whole's. */
static void take_calls(struct workload *to, struct numbers *n, size_t parts)
{
	for (size_t i = 0; i < parts; i++)
		CHECK(pthread_create(&n[i].thread, NULL, number_calls, &n[i]) == 0);
	to->part = mem_zalloc((parts + 1) * sizeof *to->part);
	to->parts = parts;
	for (size_t i = 0; i < parts; i++) {
		struct workload *of = n[i].b->w;
		pthread_join(n[i].thread, NULL);
		if (!of->part)
			continue;
		to->part[i] = of->part[0];
		of->part[0] = (struct work_part){ 0 };
		of->count = 0;
	}
}

void workload_join(struct workload_build *to, struct workload_build *const *part, size_t parts,
		   struct stretch *stretch, size_t stretches)
{
	struct workload *w = to->w;
	struct numbers *n = mem_zalloc(parts * sizeof *n);
	for (size_t i = 0; i < parts; i++) {
		const struct workload *of = part[i]->w;
		n[i] = (struct numbers){ .b = part[i] };
		build_forget_texts(part[i]);
		dict_close(&part[i]->w->dict);
		n[i].name = mem_zalloc((of->names + 1) * sizeof *n[i].name);
		n[i].subject = mem_alloc((of->subjects + 1) * sizeof *n[i].subject);
		n[i].conversation = mem_alloc((of->conversations + 1) * sizeof *n[i].conversation);
		n[i].apart = mem_alloc((of->conversations + 1) * sizeof *n[i].apart);
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
	for (size_t i = 0; i < parts; i++) {
		tell_apart(&n[i]);
		n[i].who = mem_alloc((part[i]->w->whos + 1) * sizeof *n[i].who);
		number_whos(to, &n[i]);
	}
	join_rares(w, n, parts);
	take_calls(w, n, parts);
	to->stretch = stretch;
	to->stretches = stretches;
	for (size_t i = 0; i < parts; i++) {
		free(n[i].name);
		free(n[i].subject);
		free(n[i].conversation);
		free(n[i].apart);
		free(n[i].who);
	}
	free(n);
}
