#include "sim/block_trace.h"

#include <stdlib.h>

#include "base/instant.h"
#include "meter/read/trace_reader.h"
#include "sim/block_numbers.h"
#include "sim/conversation.h"

/* What blocks are in the traces of a shape. */
static const struct block_kind {
	const char *shape;
	int64_t tokens; /* of a block */
	bool local;	/* ids count within a conversation, and the partial last block has none */
	enum record_field conversation;
	const char *named; /* by its source */
	bool needed;
	const char *time, *blocks;
} kinds[] = {
	{ "agent", 64, true, FIELD_TASK, "c", true, "t", "h" },
	{ "bailian", 16, false, FIELD_CHAT, "chat_id", true, "timestamp", "hash_ids" },
	/* of sessions the first gives their shape; their turns may also be without blocks */
	{ "sessions", 512, false, FIELD_SESSION, "session_id", false, "timestamp", "hash_ids" },
	{ "mooncake", 512, false, FIELD_SESSION, "session_id", false, "timestamp", "hash_ids" },
};

/* of one request: sixteen million tokens in the smallest blocks */
enum { REQUEST_BLOCKS_MOST = 1 << 20 };

/* 1 + dense number of each small id of one conversation; ids from `room` on are in the dict. All
 * tables together have room for so many times the blocks that were named, however few each
 * conversation names. */
struct small_ids {
	uint32_t *number;
	size_t room;
};

enum { SMALL_IDS = 1 << 20, SMALL_ROOM = 16, SMALL_ROOM_FIRST = 1 << 16 };

/* Row `at` of a batch. */
struct row {
	const struct record_batch *batch;
	size_t at;
};

struct reader {
	struct block_trace *t;
	const struct block_kind *kind;
	struct trace_reader *lines;
	struct err failure;  /* that ended the reading */
	struct dict numbers; /* (conversation, id) to 1 + dense number, where the id is not small */
	struct small_ids *small;
	size_t small_room;	   /* conversations that have a table */
	size_t small_ids;	   /* room of all tables */
	struct dict conversations; /* to the number of each */
	struct dict chats;	   /* Bailian: likewise to that of its root */
	uint32_t *calls;	   /* by conversation, how many so far */
	int64_t *last_us;	   /* likewise: when the last one began */
	bool waits;		   /* some requests say how long after the one before they came */
	uint32_t *numbered;	   /* by request: how many blocks had numbers before it */
	const struct block_trace_options *o;
	size_t calls_room, room;
};

static struct text text_in(const struct row *w, enum record_field f)
{
	return record_text(w->batch, f, w->at);
}

static struct text aside_in(const struct row *w, enum record_field f)
{
	const struct text v = w->batch->aside[f - FIELD_ASIDE][w->at];
	return w->batch->has_asides && !text_is(v, "null") ? v : (struct text){ 0 };
}

static int64_t count_in(const struct row *w, enum bucket b)
{
	return w->batch->columns >> (FIELD_COUNTS + b) & 1 ? w->batch->tokens[b][w->at] : 0;
}

static struct small_ids *small_ids_of(struct reader *r, uint32_t conversation)
{
	if (conversation >= r->small_room) {
		size_t room = conversation + (size_t)conversation / 2 + 64;
		r->small = mem_grow(r->small, room * sizeof *r->small);
		memset(r->small + r->small_room, 0, (room - r->small_room) * sizeof *r->small);
		r->small_room = room;
	}
	return &r->small[conversation];
}

/* The number that the dict has for an id; NULL: none. */
static const uint64_t *number_in_dict(const struct reader *r, uint32_t conversation, int64_t id)
{
	const int64_t key[2] = { conversation, id };
	return r->numbers.count
		       ? dict_find(&r->numbers, (struct text){ (const char *)key, sizeof key })
		       : NULL;
}

/* Room for ids up to that one, and what the dict had of them; ids that leave most of all tables
 * empty stay in the dict. */
static bool small_enough(struct reader *r, struct small_ids *s, uint32_t conversation, int64_t id)
{
	if (id < (int64_t)s->room)
		return true;
	const size_t room = (size_t)id + (size_t)id / 2 + 256;
	if (id >= SMALL_IDS ||
	    r->small_ids + room - s->room > r->t->blocks * SMALL_ROOM + SMALL_ROOM_FIRST)
		return false;
	r->small_ids += room - s->room;
	s->number = mem_grow(s->number, room * sizeof *s->number);
	for (size_t k = s->room; k < room; k++) {
		const uint64_t *known = number_in_dict(r, conversation, (int64_t)k);
		s->number[k] = known ? (uint32_t)*known : 0;
	}
	s->room = room;
	return true;
}

/* How many of n ids have numbers that follow each other; those that had none get such ones. */
static size_t number_run(struct reader *r, uint32_t *number, size_t n)
{
	const uint32_t from = number[0];
	size_t k = 0;
	if (from == 0) {
		for (; k < n && number[k] == 0; k++)
			number[k] = (uint32_t)++r->t->distinct;
		return k;
	}
	uint64_t two, wanted;
	memcpy(&wanted, (const uint32_t[2]){ from, from + 1 }, sizeof wanted);
	for (; k + 2 <= n; k += 2, wanted += UINT64_C(0x200000002)) {
		memcpy(&two, number + k, sizeof two);
		if (two != wanted)
			break;
	}
	while (k < n && number[k] == from + k)
		k++;
	return k;
}

static uint32_t number_large(struct reader *r, uint32_t conversation, int64_t id)
{
	const int64_t key[2] = { conversation, id };
	uint64_t *n = dict_need(&r->numbers, (struct text){ (const char *)key, sizeof key }, NULL);
	if (!*n)
		*n = ++r->t->distinct;
	return (uint32_t)*n;
}

/* Ids of the prompt whose runs begin at `begun`. */
static void add_range(struct reader *r, uint32_t conversation, size_t begun, int64_t from,
		      int64_t to)
{
	struct block_trace *t = r->t;
	struct small_ids *s = small_ids_of(r, conversation);
	for (int64_t id = from; id <= to;) {
		struct block_run run = { 0, 1 };
		if (small_enough(r, s, conversation, id)) {
			const int64_t end = to < (int64_t)s->room ? to + 1 : (int64_t)s->room;
			run.count = (uint32_t)number_run(r, &s->number[id], (size_t)(end - id));
			run.from = s->number[id] - 1;
		} else {
			run.from = number_large(r, conversation, id) - 1;
		}
		block_runs_add(&t->runs, begun, run);
		t->blocks += run.count;
		id += run.count;
	}
}

/* So many blocks are named then. */
static int check_blocks(const struct reader *r, size_t named, struct err *e)
{
	const size_t most = r->o->sent ? BLOCKS_SENT_MOST : BLOCKS_MOST;
	const size_t different = r->o->sent ? most / BLOCKS_SENT_ALIKE : most;
	if (named <= most && r->t->distinct <= different)
		return 0;
	return err_set(e, ERR_TOO_LARGE, "the trace names more than %zu %sblocks%s",
		       named > most ? most : different, named > most ? "" : "different ",
		       r->o->sent ? ": that is for the command line (tally whatif)" : "");
}

/* The digits at p; what follows them, or NULL where they are more than 63 bits. */
static const char *take_number(const char *p, const char *end, int64_t *out)
{
	for (*out = 0; p < end && is_digit(*p); p++)
		if (__builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, *p - '0', out))
			return NULL;
	return p;
}

/* "1-1112,1200" or [0, 1, 2]; ids of agent sessions count within their conversation. */
static int add_blocks(struct reader *r, struct text list, uint32_t conversation, struct err *e)
{
	const char *p = list.p, *end = list.p + list.n;
	const size_t before = r->t->blocks, begun = r->t->runs.count;
	while (p < end) {
		int64_t from, to;
		if (*p < '0' || *p > '9') {
			if (!strchr("[], \"\t", *p))
				break;
			p++;
			continue;
		}
		p = take_number(p, end, &from);
		to = from;
		if (p && p < end && *p == '-')
			p = take_number(p + 1, end, &to);
		if (!p)
			return err_set(e, ERR_INVALID, "a block id is larger than 63 bits");
		if (to < from)
			return err_set(e, ERR_INVALID, "the blocks %lld-%lld are not a range",
				       (long long)from, (long long)to);
		if (to - from >= REQUEST_BLOCKS_MOST ||
		    r->t->blocks - before + (size_t)(to - from) >= REQUEST_BLOCKS_MOST)
			return err_set(e, ERR_INVALID, "a request names more than %d blocks",
				       REQUEST_BLOCKS_MOST);
		int rc = check_blocks(r, r->t->blocks + (size_t)(to - from) + 1, e);
		if (rc != 0)
			return rc;
		add_range(r, conversation, begun, from, to);
	}
	return p < end ? err_set(e, ERR_INVALID, "the block ids cannot be read at '%.10s'", p) : 0;
}

static uint32_t number_of(struct dict *d, struct text name)
{
	uint64_t *n = dict_need(d, name, NULL);
	if (!*n)
		*n = d->count;
	return (uint32_t)*n;
}

static uint32_t conversation_of(struct reader *r, uint32_t customer, struct text name)
{
	struct block_trace *t = r->t;
	uint64_t *n =
		conversation_need(&r->conversations,
				  (struct conversation_id){ customer, number_of(&t->talks, name) });
	if (!*n) {
		*n = ++t->conversations;
		if ((*n & (*n - 1)) == 0)
			t->conversation_name = mem_grow(t->conversation_name,
							*n * 2 * sizeof *t->conversation_name);
		t->conversation_name[*n] = dict_key(&t->talks, name);
	}
	return (uint32_t)*n;
}

/* The conversation of a Bailian chat is its root. */
static uint32_t root_of(struct reader *r, uint32_t customer, struct text chat, struct text parent)
{
	const struct conversation_id own = { customer, number_of(&r->t->talks, chat) };
	uint64_t root = *conversation_need(&r->chats, own);
	if (!root && parent.n && !text_is(parent, "-1"))
		root = *conversation_need(
			&r->chats,
			(struct conversation_id){ customer, number_of(&r->t->talks, parent) });
	if (!root)
		root = conversation_of(r, customer, chat);
	*conversation_need(&r->chats, own) = root;
	return (uint32_t)root;
}

/* [4096, 8192]: rising, within the prompt; counts them. */
static int add_places(struct reader *r, struct text list, const char *name, int64_t input,
		      uint16_t *count, struct err *e)
{
	struct block_trace *t = r->t;
	int64_t before = 0, at;
	const char *p = list.n ? list.p : "", *end = p + list.n;
	while (p < end) {
		if (strchr("[], \t", *p)) {
			p++;
			continue;
		}
		const char *after = take_number(p, end, &at);
		if (!after || after == p || at <= before || at > input || *count == UINT16_MAX)
			return err_set(e, ERR_INVALID,
				       "field '%s' is a list of places in the prompt, in "
				       "tokens from its start and rising, %d at most",
				       name, UINT16_MAX);
		if ((t->breakpoints & (t->breakpoints - 1)) == 0)
			t->breakpoint =
				mem_grow(t->breakpoint, (t->breakpoints ? t->breakpoints * 2 : 1) *
								sizeof *t->breakpoint);
		t->breakpoint[t->breakpoints++] = before = at;
		(*count)++;
		p = after;
	}
	return 0;
}

static void make_room_for(struct reader *r, uint32_t conversation)
{
	while (conversation >= r->calls_room) {
		size_t room = r->calls_room ? r->calls_room * 2 : 256;
		r->calls = mem_grow(r->calls, room * sizeof *r->calls);
		r->last_us = mem_grow(r->last_us, room * sizeof *r->last_us);
		memset(r->calls + r->calls_room, 0, (room - r->calls_room) * sizeof *r->calls);
		r->calls_room = room;
	}
}

/*
 * When it came: as it says, or so long after the request before it of its session, whose first one
 * without an instant comes when the trace starts. A request that says neither has none.
 */
static int take_time(struct reader *r, const struct row *w, struct block_request *q, struct err *e)
{
	const bool goes_on = q->conversation && r->calls[q->conversation];
	const struct text delay = aside_in(w, FIELD_DELAY);
	int64_t waited_us = 0;
	q->time_us = w->batch->columns >> FIELD_TIME & 1 ? w->batch->time_us[w->at] : TIME_ABSENT;
	if (q->time_us != TIME_ABSENT)
		return 0;
	if (!text_in(w, FIELD_SESSION).n || (goes_on && !delay.n))
		return err_set(e, ERR_INVALID,
			       "field '%s' is missing, and without its instant a request finds no "
			       "cache",
			       r->kind->time);
	if (delay.n && span_parse(&waited_us, delay, US_PER_SECOND / 1000, NULL) != 0)
		return err_set(e, ERR_INVALID, "field 'delay' is a number of milliseconds");
	r->waits = true;
	if (__builtin_add_overflow(waited_us, goes_on ? r->last_us[q->conversation] : 0,
				   &q->time_us))
		return err_set(e, ERR_INVALID, "field 'delay' is out of range");
	return 0;
}

/* Where requests say how long they wait, sessions lie one behind the other; caches see them in the
 * order of time, of one instant as they were written. */
static int by_time(const void *a, const void *b)
{
	const struct block_request *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return x->first != y->first		    ? x->first < y->first ? -1 : 1
	       : x->conversation != y->conversation ? x->conversation < y->conversation ? -1 : 1
	       : x->call < y->call		    ? -1
						    : x->call > y->call;
}

/* Its customer, conversation and model, by number. */
static void take_names(struct reader *r, const struct row *w, struct block_request *q)
{
	struct block_trace *t = r->t;
	const struct text conversation = text_in(w, r->kind->conversation),
			  model = text_in(w, FIELD_MODEL), customer = text_in(w, FIELD_CUSTOMER);
	if (customer.n)
		q->customer = number_of(&t->customers, customer);
	if (r->kind->conversation == FIELD_CHAT)
		q->conversation = root_of(r, q->customer, conversation, text_in(w, FIELD_PARENT));
	else if (conversation.n)
		q->conversation = conversation_of(r, q->customer, conversation);
	if (model.n) {
		q->model = number_of(&t->models, model);
		if (q->model > t->model_count) {
			t->model_name =
				mem_grow(t->model_name, (q->model + 1) * sizeof *t->model_name);
			t->model_name[q->model] = dict_key(&t->models, model).p;
			t->model_count = q->model;
		}
	}
	if (q->conversation)
		make_room_for(r, q->conversation);
}

/* What it lacks that no request can do without. */
static int check_given(struct reader *r, const struct row *w, struct err *e)
{
	const struct block_kind *k = r->kind;
	const bool named = text_in(w, k->conversation).n;
	if (k->needed && !named)
		return err_set(e, ERR_INVALID, "field '%s' is missing%s", k->named,
			       k->local ? ": block ids count within a conversation" : "");
	if (aside_in(w, FIELD_BLOCKS).n)
		r->t->names_blocks = true;
	else if (k->needed || !named)
		return err_set(e, ERR_INVALID, "field '%s' is missing: the trace names no blocks",
			       k->blocks);
	return 0;
}

/* Its blocks, and where the client marks them and its content ends. */
static int take_prompt(struct reader *r, const struct row *w, struct block_request *q,
		       struct err *e)
{
	struct block_trace *t = r->t;
	const size_t before = t->blocks;
	int rc = add_blocks(r, aside_in(w, FIELD_BLOCKS), t->local ? q->conversation : 0, e);
	q->count = (uint32_t)(t->blocks - before);
	/* more blocks than the prompt has would be hits of tokens that do not exist */
	int64_t most = t->has_partial ? (q->input + t->block_tokens - 1) / t->block_tokens
				      : q->input / t->block_tokens;
	if (rc == 0 && q->count > most)
		rc = err_set(e, ERR_INVALID,
			     "the prompt of %lld tokens has %u blocks, and %lld tokens a block "
			     "allow %lld (see " ASKED("block") ")",
			     (long long)q->input, q->count, (long long)t->block_tokens,
			     (long long)most);
	if (rc == 0)
		rc = add_places(r, aside_in(w, FIELD_BREAKPOINTS), "breakpoints", q->input,
				&q->breaks, e);
	if (rc == 0)
		rc = add_places(r, aside_in(w, FIELD_CONTENTS), "content_blocks", q->input,
				&q->contents, e);
	return rc;
}

static int add_request(struct reader *r, const struct row *w, struct err *e)
{
	struct block_trace *t = r->t;
	struct block_request q = { .input = count_in(w, BUCKET_INPUT),
				   .output = count_in(w, BUCKET_OUTPUT),
				   .first = (uint32_t)t->runs.count,
				   .first_break = (uint32_t)t->breakpoints };
	const size_t blocks = t->blocks;
	const uint32_t distinct = t->count ? (uint32_t)t->distinct : 0;
	int rc = check_given(r, w, e);
	if (rc != 0)
		return rc;
	take_names(r, w, &q);
	rc = take_time(r, w, &q, e);
	if (rc == 0)
		rc = take_prompt(r, w, &q, e);
	if (rc != 0) {
		t->runs.count = q.first;
		t->blocks = blocks;
		t->breakpoints = q.first_break;
		return rc;
	}
	if (q.conversation) {
		r->last_us[q.conversation] = q.time_us;
		q.call = r->calls[q.conversation]++;
	}
	if (t->count == r->room) {
		r->room = r->room ? r->room * 2 : 1024;
		t->request = mem_grow(t->request, r->room * sizeof *t->request);
		r->numbered = mem_grow(r->numbered, r->room * sizeof *r->numbered);
	}
	r->numbered[t->count] = distinct;
	t->request[t->count++] = q;
	if (__builtin_add_overflow(t->input_tokens, q.input, &t->input_tokens))
		return err_set(e, ERR_RANGE, "the prompts add up to more than 63 bits");
	return 0;
}

static void refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct reader *r = user;
	struct block_trace *t = r->t;
	(void)n;
	if (t->refused < BLOCK_REFUSALS_KEPT)
		t->refusal[t->refused] = (struct block_refusal){ trace_reader_line(r->lines, at),
								 mem_text(why->message) };
	t->refused++;
}

static void take(void *user, struct record_batch *b)
{
	struct reader *r = user;
	for (size_t i = 0; i < b->n && r->failure.code == ERR_NONE; i++) {
		struct err why = { 0 };
		const int rc = add_request(r, &(struct row){ b, i }, &why);
		if (rc == -(int)ERR_INVALID)
			refuse(r, b->at[i], 0, &why);
		else if (rc != 0)
			r->failure = why;
	}
}

static int read_lines(struct reader *r, struct trace *trace, struct err *e)
{
	struct block_trace *t = r->t;
	const struct trace_reading how = { .map = r->o->map,
					   .map_count = r->o->map_count,
					   .unpriced = true };
	int rc = trace_rewind(trace, true, e);
	if (rc != 0)
		return rc;
	r->lines = trace_reader_open(trace, &how, &(struct record_sink){ r, take, refuse });
	while (r->failure.code == ERR_NONE && (rc = trace_reader_next(r->lines, e)) == 1)
		;
	trace_reader_close(r->lines);
	if (rc >= 0 && r->failure.code != ERR_NONE)
		return err_pass(e, &r->failure);
	if (rc < 0 || t->count)
		return rc < 0 ? rc : 0;
	return t->refused ? err_set(e, ERR_INVALID, "%s:%lld: %s", trace_path(trace),
				    (long long)t->refusal[0].line, t->refusal[0].why)
			  : err_set(e, ERR_INVALID, "'%s' holds no request", trace_path(trace));
}

/* Of a shape that names none, what the lines of all others have. */
static const struct block_kind *kind_of(const struct shape *s)
{
	size_t k = 0;
	while (k + 1 < sizeof kinds / sizeof *kinds && strcmp(kinds[k].shape, s->name) != 0)
		k++;
	return &kinds[k];
}

int block_trace_read(struct block_trace **out, struct trace *trace,
		     const struct block_trace_options *o, struct err *e)
{
	const struct shape *s = trace_shape(trace);
	if (s->container != CONTAINER_JSONL)
		return err_set(e, ERR_INVALID,
			       "%s:1: a request that names its blocks is a JSON object with "
			       "'hash_ids' (Mooncake, Qwen-Bailian) or 'h' (agent sessions)",
			       trace_path(trace));
	struct reader r = { .t = mem_zalloc(sizeof *r.t), .kind = kind_of(s), .o = o };
	r.t->shape = s->name;
	r.t->has_partial = !r.kind->local;
	r.t->local = r.kind->local;
	r.t->block_tokens = o->block_tokens ? o->block_tokens : r.kind->tokens;
	int rc = read_lines(&r, trace, e);
	if (rc == 0)
		block_numbers_by_conversation(r.t, r.numbered);
	if (rc == 0 && r.waits)
		qsort(r.t->request, r.t->count, sizeof *r.t->request, by_time);
	dict_release(&r.numbers);
	for (size_t i = 0; i < r.small_room; i++)
		free(r.small[i].number);
	free(r.small);
	dict_release(&r.conversations);
	dict_release(&r.chats);
	free(r.calls);
	free(r.last_us);
	free(r.numbered);
	if (rc != 0) {
		block_trace_close(r.t);
		return rc;
	}
	*out = r.t;
	return 0;
}

void block_trace_close(struct block_trace *t)
{
	if (!t)
		return;
	free(t->request);
	free(t->runs.run);
	free(t->model_name);
	for (size_t i = 0; i < BLOCK_REFUSALS_KEPT; i++)
		free(t->refusal[i].why);
	free(t->conversation_name);
	dict_release(&t->talks);
	dict_release(&t->models);
	dict_release(&t->customers);
	free(t->breakpoint);
	free(t);
}
