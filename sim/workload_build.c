#include "sim/workload_build.h"

#include <stdlib.h>

/* Prompts are sums of three or four counts; none may be so large that they do not fit. */
static const int64_t tokens_most = INT64_MAX / 8;

static void *more(void *p, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return p;
	*room = *room ? *room * 2 : 256;
	return mem_grow(p, *room * size);
}

/* Of parts: which call the next of a list came with. Rooms are powers of two. */
static uint32_t *note_first(const struct workload_build *b, uint32_t *first, size_t count,
			    size_t call)
{
	if (!b->is_part)
		return NULL;
	if ((count & (count - 1)) == 0)
		first = mem_grow(first, (count ? count * 2 : 1) * sizeof *first);
	first[count] = (uint32_t)call;
	return first;
}

uint32_t build_name(struct workload_build *b, struct text name)
{
	struct workload *w = b->w;
	if (name.n == 0)
		return 0;
	uint64_t *n = dict_need(&w->dict, name, NULL);
	if (!*n) {
		w->name = more(w->name, w->names + 1, &b->name_room, sizeof *w->name);
		b->name_first = note_first(b, b->name_first, w->names, w->count - 1);
		w->name[++w->names] = dict_key(&w->dict, name).p;
		*n = w->names;
	}
	return (uint32_t)*n;
}

static uint32_t find_subject(struct workload_build *b, struct work_subject s)
{
	struct workload *w = b->w;
	struct buf key = { 0 };
	const struct text part[4] = { s.provider, s.model, s.service_tier, s.region };
	for (int i = 0; i < 4; i++) {
		buf_add(&key, part[i].p, part[i].n);
		buf_add(&key, "", 1);
	}
	uint64_t *n = dict_need(&w->subject_dict, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*n) {
		struct text *to[4];
		b->subject_first = note_first(b, b->subject_first, w->subjects, w->count - 1);
		w->subject = more(w->subject, w->subjects, &b->subject_room, sizeof *w->subject);
		struct work_subject *kept = &w->subject[w->subjects];
		to[0] = &kept->provider;
		to[1] = &kept->model;
		to[2] = &kept->service_tier;
		to[3] = &kept->region;
		for (int i = 0; i < 4; i++)
			*to[i] = (struct text){ arena_text(&w->arena, part[i].p, part[i].n),
						part[i].n };
		*n = ++w->subjects;
	}
	return (uint32_t)(*n - 1);
}

static size_t quick_hash(struct text model)
{
	const unsigned char *p = (const unsigned char *)model.p;
	return model.n ? (model.n * 7 + p[model.n - 1] + p[model.n / 2] * (size_t)5) % 64 : 0;
}

uint32_t build_subject(struct workload_build *b, struct work_subject s)
{
	uint32_t *recent = &b->recent[quick_hash(s.model)];
	if (*recent) {
		const struct work_subject *known = &b->w->subject[*recent - 1];
		if (text_eq(known->model, s.model) && text_eq(known->provider, s.provider) &&
		    text_eq(known->service_tier, s.service_tier) &&
		    text_eq(known->region, s.region))
			return *recent - 1;
	}
	*recent = find_subject(b, s) + 1;
	return *recent - 1;
}

/* Names that are whole numbers keep them, so that a rule over conversations means the trace's. */
static int64_t id_of(struct text name, size_t place)
{
	int64_t v = 0;
	if (name.n == 0 || name.n > 18)
		return (int64_t)place;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] < '0' || name.p[i] > '9')
			return (int64_t)place;
		v = v * 10 + (name.p[i] - '0');
	}
	return v;
}

static uint32_t new_conversation(struct workload_build *b, struct text name)
{
	struct workload *w = b->w;
	if (w->conversations == b->conversation_room) {
		b->conversation_room = b->conversation_room ? b->conversation_room * 2 : 256;
		w->conversation_id = mem_grow(w->conversation_id,
					      b->conversation_room * sizeof *w->conversation_id);
		w->conversation_name = mem_grow(
			w->conversation_name, b->conversation_room * sizeof *w->conversation_name);
		b->calls = mem_grow(b->calls, b->conversation_room * sizeof *b->calls);
		b->task = mem_grow(b->task, b->conversation_room * sizeof *b->task);
	}
	w->conversation_name[w->conversations] =
		name.n ? dict_key(&w->conversation_dict, name).p : NULL;
	b->calls[w->conversations] = b->task[w->conversations] = 0;
	b->conversation_first = note_first(b, b->conversation_first, w->conversations, w->count);
	w->conversation_id[w->conversations] = id_of(name, w->conversations);
	return (uint32_t)w->conversations++;
}

uint32_t build_conversation(struct workload_build *b, struct text name)
{
	struct workload *w = b->w;
	if (name.n == 0)
		return new_conversation(b, name);
	uint64_t *n = dict_need(&w->conversation_dict, name, NULL);
	if (!*n)
		*n = (uint64_t)new_conversation(b, name) + 1;
	w->has_conversations = true;
	return (uint32_t)(*n - 1);
}

struct work_call *build_call(struct workload_build *b, uint32_t conversation)
{
	struct workload *w = b->w;
	w->call = more(w->call, w->count, &b->room, sizeof *w->call);
	struct work_call *c = &w->call[w->count++];
	*c = (struct work_call){ .conversation = conversation,
				 .call = b->calls[conversation]++,
				 .requests = 1 };
	return c;
}

bool build_takes(int64_t tokens)
{
	return tokens <= tokens_most;
}

static bool has_rare(const struct record *r)
{
	bool rare = false;
	for (int k = BUCKET_COMMON; k < COUNT_KINDS; k++)
		rare |= r->counts[k] != 0;
	return rare;
}

/* Most tasks are what their conversation is called after. */
static uint32_t task_name(struct workload_build *b, uint32_t conversation, struct text session,
			  struct text task)
{
	if (task.n == 0 || task.p != session.p)
		return build_name(b, task);
	if (!b->task[conversation])
		b->task[conversation] = build_name(b, task);
	return b->task[conversation];
}

const char *build_record(struct workload_build *b, const struct record *r, int64_t us)
{
	struct workload *w = b->w;
	struct text session =
		r->text[FIELD_SESSION].n ? r->text[FIELD_SESSION] : r->text[FIELD_TASK];
	struct work_subject s = { r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
				  r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION] };
	if ((b->customer && !text_is(r->text[FIELD_CUSTOMER], b->customer)) ||
	    (b->project && !text_is(r->text[FIELD_PROJECT], b->project))) {
		w->outside++;
		return NULL;
	}
	for (int k = 0; k < COUNT_KINDS; k++)
		if (!build_takes(r->counts[k]))
			return "a count is too large for a what-if";
	if (session.n == 0 && r->text[FIELD_CHAT].n)
		session = b->chats ? conversations_root(b->chats, r->text[FIELD_CHAT])
				   : r->text[FIELD_CHAT];
	if (s.model.n == 0 && b->model)
		s.model = text_of(b->model);
	if (s.provider.n == 0 && b->provider)
		s.provider = text_of(b->provider);
	struct work_call *c = build_call(b, build_conversation(b, session));
	c->time_us = us;
	memcpy(c->tokens, r->tokens, sizeof c->tokens);
	c->requests = r->requests;
	c->subject = build_subject(b, s);
	c->customer = build_name(b, r->text[FIELD_CUSTOMER]);
	c->project = build_name(b, r->text[FIELD_PROJECT]);
	c->workload = build_name(b, r->text[FIELD_WORKLOAD]);
	c->task = task_name(b, c->conversation, session, r->text[FIELD_TASK]);
	c->effort = build_name(b, r->text[FIELD_EFFORT]);
	c->session = build_name(b, r->text[FIELD_SESSION]);
	if (!c->task && r->text[FIELD_CHAT].n) /* a chat is one task */
		c->task = build_name(b, session);
	if (has_rare(r)) {
		w->rare = more(w->rare, w->rares, &b->rare_room, sizeof *w->rare);
		struct work_rare *rare = &w->rare[w->rares];
		memcpy(rare->counts, r->counts + BUCKET_COMMON, sizeof rare->counts);
		c->rare = (uint32_t)++w->rares;
	}
	return NULL;
}

struct order {
	int64_t time_us;
	size_t place;
};

static int by_time(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	return x->time_us != y->time_us ? x->time_us < y->time_us ? -1 : 1
	       : x->place < y->place	? -1
					: x->place > y->place;
}

static void *permuted(void *array, const uint32_t *to, size_t count, size_t size)
{
	char *out = mem_alloc((count + 1) * size);
	for (size_t i = 0; i < count; i++)
		memcpy(out + to[i] * size, (char *)array + i * size, size);
	free(array);
	return out;
}

/* Numbers the calls in the order of time, which is what a cache and a position in a conversation
 * mean. */
static void number_calls(struct workload *w)
{
	bool sorted = true;
	for (size_t i = 0; i < w->count; i++)
		w->call[i].order = (uint32_t)i;
	for (size_t i = 1; i < w->count; i++)
		sorted &= w->call[i - 1].time_us <= w->call[i].time_us;
	if (sorted)
		return;
	struct order *o = mem_alloc(w->count * sizeof *o);
	for (size_t i = 0; i < w->count; i++)
		o[i] = (struct order){ w->call[i].time_us, i };
	qsort(o, w->count, sizeof *o, by_time);
	for (size_t i = 0; i < w->count; i++)
		w->call[o[i].place].order = (uint32_t)i;
	free(o);
}

/* Lays the calls of each conversation beside each other, in the order of time. */
static void group_calls(struct workload *w)
{
	uint32_t *to = mem_alloc((w->count + 1) * sizeof *to),
		 *in_order = mem_alloc((w->count + 1) * sizeof *in_order);
	const size_t all = w->conversations;
	w->first = mem_zalloc((all + 2) * sizeof *w->first);
	for (size_t i = 0; i < w->count; i++) {
		in_order[w->call[i].order] = (uint32_t)i;
		w->first[w->call[i].conversation + 2]++;
	}
	for (size_t k = 1; k < all; k++)
		w->first[k + 1] += w->first[k];
	for (size_t k = 0; k < w->count; k++) {
		const uint32_t i = in_order[k];
		to[i] = w->first[w->call[i].conversation + 1]++;
	}
	free(in_order);
	w->call = permuted(w->call, to, w->count, sizeof *w->call);
	if (w->metered) {
		w->metered = permuted(w->metered, to, w->count, sizeof *w->metered);
		w->metered_unpriced =
			permuted(w->metered_unpriced, to, w->count, sizeof *w->metered_unpriced);
	}
	free(to);
	for (size_t k = 0; k < all; k++)
		for (size_t i = w->first[k]; i < w->first[k + 1]; i++)
			w->call[i].call = (uint32_t)(i - w->first[k]);
}

void build_release(struct workload_build *b)
{
	free(b->calls);
	free(b->task);
	free(b->name_first);
	free(b->subject_first);
	free(b->conversation_first);
	b->calls = b->task = b->name_first = b->subject_first = b->conversation_first = NULL;
}

/* Where calls belong to no conversation, they are counted through the whole workload. Calls of
 * traces in blocks keep their order, as every replay of them does. */
void build_finish(struct workload_build *b, bool as_written)
{
	struct workload *w = b->w;
	if (as_written || w->blocks) {
		for (size_t i = 0; i < w->count; i++)
			w->call[i].order = (uint32_t)i;
	} else {
		number_calls(w);
		group_calls(w);
	}
	for (size_t i = 0; !w->has_conversations && i < w->count; i++)
		w->call[i].call = w->call[i].order;
	build_release(b);
}
