#include "sim/workload_build.h"

#include <stdlib.h>
#include <string.h>

/* Prompts are sums of three or four counts; none may be so large that they do not fit. */
static const int64_t tokens_most = INT64_MAX / 8;

#define TOO_LARGE "a count is too large for a what-if"

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
		if (w->names + 1 >= b->name_room) {
			b->name_room = b->name_room ? b->name_room * 2 : 256;
			w->name = mem_grow(w->name, b->name_room * sizeof *w->name);
			b->conversation =
				mem_grow(b->conversation, b->name_room * sizeof *b->conversation);
		}
		b->name_first = note_first(b, b->name_first, w->names, w->count);
		w->name[++w->names] = dict_key(&w->dict, name).p;
		b->conversation[w->names] = 0;
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
		b->subject_first = note_first(b, b->subject_first, w->subjects, w->count);
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

/* Until its first call comes. */
static const struct work_talk no_talk = { WORK_OF_CONVERSATION, WORK_OF_CONVERSATION };

bool build_talk(struct workload *w, uint32_t conversation, struct work_talk talk)
{
	struct work_talk *known = &w->talk[conversation];
	if (known->task == no_talk.task)
		*known = talk;
	return known->task == talk.task && known->session == talk.session;
}

static uint32_t new_conversation(struct workload_build *b, struct conversation_id id)
{
	struct workload *w = b->w;
	const struct text name = text_of(id.name ? w->name[id.name] : "");
	if (w->conversations == b->conversation_room) {
		b->conversation_room = b->conversation_room ? b->conversation_room * 2 : 256;
		w->conversation_id = mem_grow(w->conversation_id,
					      b->conversation_room * sizeof *w->conversation_id);
		w->conversation_name = mem_grow(
			w->conversation_name, b->conversation_room * sizeof *w->conversation_name);
		w->talk = mem_grow(w->talk, b->conversation_room * sizeof *w->talk);
		b->id = mem_grow(b->id, b->conversation_room * sizeof *b->id);
	}
	w->conversation_name[w->conversations] = name.n ? name.p : NULL;
	b->id[w->conversations] = id;
	b->conversation_first = note_first(b, b->conversation_first, w->conversations, w->count);
	w->conversation_id[w->conversations] = id_of(name, w->conversations);
	w->talk[w->conversations] = no_talk;
	return (uint32_t)w->conversations++;
}

uint32_t build_conversation(struct workload_build *b, struct conversation_id id)
{
	if (!id.name)
		return new_conversation(b, id);
	b->w->has_conversations = true;
	const uint32_t first = b->conversation[id.name];
	if (!first)
		return (b->conversation[id.name] = new_conversation(b, id) + 1) - 1;
	if (conversation_is(b->id[first - 1], id))
		return first - 1;
	uint64_t *other = conversation_need(&b->namesakes, id);
	if (!*other)
		*other = new_conversation(b, id) + (uint64_t)1;
	return (uint32_t)*other - 1;
}

uint32_t build_who(struct workload_build *b, const struct work_who *who)
{
	struct workload *w = b->w;
	uint64_t *n =
		dict_need(&w->who_dict, (struct text){ (const char *)who, sizeof *who }, NULL);
	if (!*n) {
		w->who = more(w->who, w->whos, &b->who_room, sizeof *w->who);
		w->who[w->whos] = *who;
		*n = ++w->whos;
	}
	return (uint32_t)(*n - 1);
}

static struct packed_call *add_call(struct workload_build *b)
{
	struct workload *w = b->w;
	if (!w->parts) {
		w->part = mem_zalloc(sizeof *w->part);
		w->parts = 1;
	}
	struct work_part *p = w->part;
	if (p->count == p->blocks * WORK_BLOCK) {
		p->block = more(p->block, p->blocks, &b->block_room, sizeof *p->block);
		p->block[p->blocks++] = mem_pages(WORK_BLOCK_BYTES);
	}
	w->count++;
	return work_part_call(p, p->count++);
}

/* Counts as they are, where those of a packed call are too small or something rare is counted; what
 * its requests are then. */
static uint32_t add_odd(struct workload_build *b, const struct work_odd *odd)
{
	struct workload *w = b->w;
	w->odd = more(w->odd, w->odds, &b->odd_room, sizeof *w->odd);
	CHECK(w->odds < CALL_ODD);
	w->odd[w->odds] = *odd;
	return CALL_ODD + (uint32_t)w->odds++;
}

void build_call(struct workload_build *b, const struct work_call *c)
{
	struct work_who who = { c->subject, c->customer, c->project, c->workload,
				c->task,    c->effort,	 c->session };
	if (build_talk(b->w, c->conversation, (struct work_talk){ c->task, c->session }))
		who.task = who.session = WORK_OF_CONVERSATION;
	const uint32_t number = build_who(b, &who);
	bool odd = c->rare || c->placeholder || c->unsplit || c->undivided ||
		   (uint64_t)c->requests >= CALL_ODD;
	struct packed_call *p = add_call(b);
	*p = (struct packed_call){ .time_us = c->time_us,
				   .requests = (uint32_t)c->requests,
				   .conversation = c->conversation,
				   .who = number };
	for (int k = 0; k < BUCKET_COMMON; k++) {
		p->tokens[k] = (uint32_t)c->tokens[k];
		odd |= c->tokens[k] != p->tokens[k];
	}
	if (odd) {
		struct work_odd counts = { .requests = c->requests,
					   .rare = c->rare,
					   .placeholder = c->placeholder,
					   .unsplit = c->unsplit,
					   .undivided = c->undivided };
		memcpy(counts.tokens, c->tokens, sizeof counts.tokens);
		p->requests = add_odd(b, &counts);
	}
}

bool build_takes(int64_t tokens)
{
	return tokens <= tokens_most;
}

static uint32_t rare_of(struct workload_build *b, const struct record *r)
{
	struct workload *w = b->w;
	bool rare = false;
	for (int k = BUCKET_COMMON; k < COUNT_KINDS; k++)
		rare |= r->counts[k] != 0;
	if (!rare)
		return 0;
	w->rare = more(w->rare, w->rares, &b->rare_room, sizeof *w->rare);
	memcpy(w->rare[w->rares].counts, r->counts + BUCKET_COMMON, sizeof w->rare->counts);
	return (uint32_t)++w->rares;
}

static bool is_wanted(struct workload_build *b, struct text customer, struct text project)
{
	const bool wanted = (!b->customer || text_is(customer, b->customer)) &&
			    (!b->project || text_is(project, b->project));
	b->w->outside += !wanted;
	return wanted;
}

/* The number of a text that may be the one that has a number already. */
static inline uint32_t name_of(struct workload_build *b, struct text name, struct text known,
			       uint32_t number)
{
	return name.p == known.p && name.n == known.n ? number : build_name(b, name);
}

/* What the texts of a call say of its conversation. */
struct talk_texts {
	struct text session, task, chat, customer;
	uint32_t customer_number;
};
struct talk_told {
	uint32_t conversation;
	struct work_talk talk;
};

static struct talk_told tell_talk(struct workload_build *b, const struct talk_texts *t)
{
	struct text name = t->session.n ? t->session : t->task;
	if (name.n == 0 && t->chat.n)
		name = b->chats ? conversations_root(b->chats, t->customer, t->chat) : t->chat;
	const uint32_t named = build_name(b, name);
	struct talk_told told = {
		build_conversation(b, (struct conversation_id){ t->customer_number, named }),
		{ name_of(b, t->task, name, named), name_of(b, t->session, name, named) }
	};
	if (!told.talk.task && t->chat.n) /* a chat is one task */
		told.talk.task = named;
	return told;
}

const char *build_record(struct workload_build *b, const struct record *r, bool placeholder,
			 int64_t us)
{
	struct work_subject s = { r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
				  r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION] };
	if (!is_wanted(b, r->text[FIELD_CUSTOMER], r->text[FIELD_PROJECT]))
		return NULL;
	for (int k = 0; k < COUNT_KINDS; k++)
		if (!build_takes(r->counts[k]))
			return TOO_LARGE;
	if (s.model.n == 0 && b->model)
		s.model = text_of(b->model);
	if (s.provider.n == 0 && b->provider)
		s.provider = text_of(b->provider);
	const uint32_t customer = build_name(b, r->text[FIELD_CUSTOMER]);
	const struct talk_told told = tell_talk(
		b, &(struct talk_texts){ r->text[FIELD_SESSION], r->text[FIELD_TASK],
					 r->text[FIELD_CHAT], r->text[FIELD_CUSTOMER], customer });
	struct work_call c = { .time_us = us,
			       .requests = r->requests,
			       .conversation = told.conversation,
			       .subject = build_subject(b, s),
			       .customer = customer,
			       .project = build_name(b, r->text[FIELD_PROJECT]),
			       .workload = build_name(b, r->text[FIELD_WORKLOAD]),
			       .task = told.talk.task,
			       .effort = build_name(b, r->text[FIELD_EFFORT]),
			       .session = told.talk.session,
			       .rare = rare_of(b, r),
			       .placeholder = placeholder,
			       .unsplit = r->unsplit,
			       .undivided = r->undivided };
	memcpy(c.tokens, r->tokens, sizeof c.tokens);
	build_call(b, &c);
	return NULL;
}

/* --- rows of a batch --- */

#define BIT(f) ((uint64_t)1 << (f))
/* The texts that name a conversation and its task, and those that say what else a call has in
 * common with others. */
static const uint8_t talk_fields[] = { FIELD_SESSION, FIELD_TASK, FIELD_CHAT, FIELD_CUSTOMER },
		     who_fields[] = { FIELD_PROVIDER, FIELD_MODEL,    FIELD_CUSTOMER,
				      FIELD_PROJECT,  FIELD_WORKLOAD, FIELD_SERVICE_TIER,
				      FIELD_REGION,   FIELD_EFFORT };
/* Which call it was, and what it goes on from, is not what it has in common with others. */
_Static_assert(sizeof talk_fields + sizeof who_fields - 1 + 2 == FIELD_TEXTS, "the texts of a row");
/* The counts that lie in a packed call. */
#define FIELDS_PACKED ((BIT(BUCKET_COMMON) - 1) << FIELD_COUNTS)
#define FIELDS_RARE ((BIT(COUNT_KINDS) - 1) << FIELD_COUNTS & ~FIELDS_PACKED)

void build_look_up(struct workload_build *b, const struct record_batch *rows)
{
	if (!b->rows) {
		b->rows = mem_zalloc(sizeof *b->rows);
		seen_texts_open(&b->rows->talk, talk_fields, sizeof talk_fields);
		seen_texts_open(&b->rows->who, who_fields, sizeof who_fields);
	}
	seen_texts_look_up(&b->rows->talk, rows, b->w->count);
	seen_texts_look_up(&b->rows->who, rows, b->w->count);
}

/* Whether its counts fit into a packed call. */
static bool take_counts(struct packed_call *p, const struct record_batch *rows, size_t i)
{
	uint64_t high = 0;
	for (uint64_t left = rows->columns & FIELDS_RARE; left; left &= left - 1)
		if (rows->counts[__builtin_ctzll(left) - FIELD_COUNTS][i])
			return false;
	for (uint64_t left = rows->columns & FIELDS_PACKED; left; left &= left - 1) {
		const int k = __builtin_ctzll(left) - FIELD_COUNTS;
		high |= (uint64_t)rows->counts[k][i];
		p->tokens[k] = (uint32_t)rows->counts[k][i];
	}
	const int64_t requests = rows->columns & BIT(FIELD_REQUESTS) ? rows->requests[i] : 1;
	p->requests = (uint32_t)requests;
	return high <= UINT32_MAX && (uint64_t)requests < CALL_ODD;
}

static bool has_conversation(const struct record_batch *rows, size_t i)
{
	return record_text(rows, FIELD_SESSION, i).n || record_text(rows, FIELD_TASK, i).n ||
	       record_text(rows, FIELD_CHAT, i).n;
}

#define OTHER_TALK ((uint64_t)1 << 32)

/* What is kept of texts that name a conversation. */
static uint64_t keep_talk(struct workload_build *b, const struct talk_told *told,
			  bool of_conversation)
{
	struct seen_rows *s = b->rows;
	if (of_conversation)
		return told->conversation + (uint64_t)1;
	s->other = more(s->other, s->others, &s->other_room, sizeof *s->other);
	s->other[s->others] = (struct other_talk){ told->conversation, told->talk };
	return OTHER_TALK | ++s->others;
}

static uint64_t new_talk(struct workload_build *b, const struct record_batch *rows, size_t i,
			 uint32_t customer)
{
	const struct talk_told told = tell_talk(
		b, &(struct talk_texts){ record_text(rows, FIELD_SESSION, i),
					 record_text(rows, FIELD_TASK, i),
					 record_text(rows, FIELD_CHAT, i),
					 record_text(rows, FIELD_CUSTOMER, i), customer });
	return keep_talk(b, &told, build_talk(b->w, told.conversation, told.talk));
}

/* A row by its record, and what that says of what it has in common with others. */
static const char *build_unseen(struct workload_build *b, const struct record_batch *rows, size_t i,
				int64_t us, uint64_t *who)
{
	struct record r;
	const size_t before = b->w->count;
	record_from_batch(&r, rows, i);
	const char *why = build_record(b, &r, false, us);
	if (b->w->count == before || !who || *who)
		return why;
	const struct packed_call *last = work_part_call(b->w->part, b->w->part->count - 1);
	struct work_who of = b->w->who[last->who];
	of.task = of.session = WORK_OF_CONVERSATION;
	*who = build_who(b, &of) + (uint64_t)1;
	return why;
}

/* A call's conversation and what it has in common with others, by what was seen of its texts. */
static void place_call(struct workload_build *b, struct packed_call *p, uint64_t talk)
{
	p->conversation = (uint32_t)talk - 1;
	if (talk & OTHER_TALK) {
		const struct other_talk *other = &b->rows->other[(uint32_t)talk - 1];
		struct work_who own = b->w->who[p->who];
		own.task = other->talk.task;
		own.session = other->talk.session;
		p->who = build_who(b, &own);
		p->conversation = other->conversation;
	}
}

/* Rows whose texts were seen are taken from their columns. */
const char *build_row(struct workload_build *b, const struct record_batch *rows, size_t i,
		      int64_t us)
{
	struct packed_call p = { .time_us = us };
	uint64_t *talk = seen_texts_of(&b->rows->talk, i), *who = seen_texts_of(&b->rows->who, i);
	if (!talk || !who || !*who || !take_counts(&p, rows, i))
		return build_unseen(b, rows, i, us, who);
	if (!is_wanted(b, record_text(rows, FIELD_CUSTOMER, i),
		       record_text(rows, FIELD_PROJECT, i)))
		return NULL;
	p.who = (uint32_t)*who - 1;
	if (has_conversation(rows, i)) {
		if (!*talk)
			*talk = new_talk(b, rows, i, b->w->who[p.who].customer);
		place_call(b, &p, *talk);
	} else {
		p.conversation = build_conversation(b, (struct conversation_id){ 0 });
		build_talk(b->w, p.conversation, (struct work_talk){ 0, 0 });
	}
	*add_call(b) = p;
	return NULL;
}

/* --- when all calls are there --- */

/* Counts calls along conversations as they were written. */
static void number_calls(struct workload *w)
{
	uint32_t *calls = mem_zalloc((w->conversations + 1) * sizeof *calls);
	for (size_t i = 0; i < w->count; i++)
		w->call[i].call =
			w->has_conversations ? calls[w->call[i].conversation]++ : (uint32_t)i;
	free(calls);
}

void build_forget_texts(struct workload_build *b)
{
	if (!b->rows)
		return;
	seen_texts_release(&b->rows->talk);
	seen_texts_release(&b->rows->who);
	free(b->rows->other);
	free(b->rows);
	b->rows = NULL;
}

void build_release(struct workload_build *b)
{
	free(b->name_first);
	free(b->id);
	dict_release(&b->namesakes);
	free(b->conversation);
	free(b->subject_first);
	free(b->conversation_first);
	free(b->stretch);
	build_forget_texts(b);
	b->name_first = b->subject_first = b->conversation_first = NULL;
	b->conversation = NULL;
	b->id = NULL;
	b->stretch = NULL;
}

/* Where calls belong to no conversation, they are counted through the whole workload. Calls of
 * traces in blocks keep their order, as every replay of them does. */
void build_finish(struct workload_build *b, enum work_order order)
{
	struct workload *w = b->w;
	const struct written how = { b->stretch, b->stretches };
	if (order == WORK_AS_WRITTEN || w->blocks) {
		workload_as_written(w, &how);
		number_calls(w);
	} else {
		workload_group(w, &how);
		if (order != WORK_PACKED)
			workload_unpack(w);
	}
	build_release(b);
}
