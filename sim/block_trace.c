#include "sim/block_trace.h"

#include <stdlib.h>

#include "base/instant.h"
#include "base/json.h"
#include "meter/read/columns.h"
#include "meter/read/source.h"

enum { MOONCAKE_TOKENS = 512, BAILIAN_TOKENS = 16, AGENT_TOKENS = 64 };
/* of one request: sixteen million tokens in the smallest blocks */
enum { REQUEST_BLOCKS_MOST = 1 << 20 };

struct fields {
	struct text time, delay, input, output, blocks, conversation, session, model, chat, parent,
		customer, breakpoints, contents;
	bool agent, bailian;
};

/* 1 + dense number of each small id of one conversation. All tables together have room for so many
 * times the blocks that were named, however few each conversation names. */
struct small_ids {
	uint32_t *number;
	size_t room;
};

enum { SMALL_IDS = 1 << 20, SMALL_ROOM = 16, SMALL_ROOM_FIRST = 1 << 16 };

struct reader {
	struct block_trace *t;
	struct dict numbers; /* (conversation, id) to 1 + dense number, where the id is not small */
	struct small_ids *small;
	size_t small_room; /* conversations that have a table */
	size_t small_ids;  /* room of all tables */
	struct dict chats; /* Bailian: chat to the number of its root */
	uint32_t *calls;   /* by conversation, how many so far */
	int64_t *last_us;  /* likewise: when the last one began */
	bool waits;	   /* some requests say how long after the one before they came */
	const struct block_trace_options *o;
	size_t calls_room, room, block_room;
};

static int whole(struct text v, const char *name, int64_t *out, struct err *e)
{
	int64_t n = 0;
	if (v.n == 0)
		return err_set(e, ERR_INVALID, "field '%s' is missing", name);
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, v.p[i] - '0', &n))
			return err_set(e, ERR_INVALID,
				       "field '%s': '%.*s' is not a whole number from 0", name,
				       (int)(v.n > 40 ? 40 : v.n), v.p);
	*out = n;
	return 0;
}

static struct text unquoted(struct text v)
{
	return v.n >= 2 && *v.p == '"' ? (struct text){ v.p + 1, v.n - 2 } : v;
}

/* A key of a name that speaks of money: what it counts is in no cache. */
static void see_unknown(struct reader *r, struct text key, struct text value)
{
	bool none = value_is_nothing(value) || column_is_harmless(key);
	for (size_t i = 0; !none && i < r->o->map_count; i++)
		none = text_is(key, r->o->map[i].column);
	if (!none)
		doubts_add_column(&r->t->doubts, key);
}

/* Errors: ERR_INVALID where the line is no JSON object. */
static int walk(struct reader *r, struct text line, struct fields *f, struct err *e)
{
	struct text key, value;
	const char *p = line.p + 1, *end = line.p + line.n, *rest = p;
	*f = (struct fields){ 0 };
	while ((p = json_walk(p, end, &key, &value))) {
		rest = p;
		if (text_is(key, "timestamp") || text_is(key, "t"))
			f->time = value;
		else if (text_is(key, "input_length") || text_is(key, "in"))
			f->input = value;
		else if (text_is(key, "output_length") || text_is(key, "out"))
			f->output = value;
		else if (text_is(key, "hash_ids") || text_is(key, "h"))
			f->blocks = value;
		else if (text_is(key, "delay"))
			f->delay = value;
		else if (text_is(key, "session_id"))
			f->session = value;
		else if (text_is(key, "c"))
			f->conversation = value;
		else if (text_is(key, "m") || text_is(key, "model"))
			f->model = value;
		else if (text_is(key, "customer") || text_is(key, "user_id") ||
			 text_is(key, "cache_salt"))
			f->customer = value;
		else if (text_is(key, "breakpoints"))
			f->breakpoints = value;
		else if (text_is(key, "content_blocks"))
			f->contents = value;
		else if (text_is(key, "chat_id"))
			f->chat = value;
		else if (text_is(key, "parent_chat_id"))
			f->parent = value;
		else if (name_speaks_of_money(key))
			see_unknown(r, key, unquoted(value));
		f->agent |= text_is(key, "h");
	}
	f->bailian = f->chat.n != 0;
	rest = json_skip_space(rest, end);
	if (value.p && rest + 1 == end)
		return 0;
	struct json_document *d;
	int rc = json_open(&d, line, e);
	if (rc != 0)
		return rc;
	json_close(d);
	return err_set(e, ERR_INVALID, "the line is not one JSON object");
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

/* Room for ids up to that one; ids that leave most of a table empty go to the dict instead. */
static bool small_enough(struct reader *r, struct small_ids *s, int64_t id)
{
	if (id < (int64_t)s->room)
		return true;
	const size_t room = (size_t)id + (size_t)id / 2 + 256;
	if (id >= SMALL_IDS || id > (int64_t)s->room * 4 + 4096 ||
	    r->small_ids + room - s->room > r->t->blocks * SMALL_ROOM + SMALL_ROOM_FIRST)
		return false;
	r->small_ids += room - s->room;
	s->number = mem_grow(s->number, room * sizeof *s->number);
	memset(s->number + s->room, 0, (room - s->room) * sizeof *s->number);
	s->room = room;
	return true;
}

static uint32_t number_block(struct reader *r, struct small_ids *s, uint32_t conversation,
			     int64_t id)
{
	const int64_t key[2] = { conversation, id };
	/* an id that came before the table reached it stays in the dict */
	uint64_t *known =
		r->numbers.count
			? dict_find(&r->numbers, (struct text){ (const char *)key, sizeof key })
			: NULL;
	if (known)
		return (uint32_t)*known;
	if (small_enough(r, s, id)) {
		if (!s->number[id])
			s->number[id] = (uint32_t)++r->t->distinct;
		return s->number[id];
	}
	return (uint32_t)(*dict_need(&r->numbers, (struct text){ (const char *)key, sizeof key },
				     NULL) = ++r->t->distinct);
}

static void add_range(struct reader *r, uint32_t conversation, int64_t from, int64_t to)
{
	struct block_trace *t = r->t;
	struct small_ids *s = small_ids_of(r, conversation);
	size_t count = (size_t)(to - from + 1);
	if (t->blocks + count > r->block_room) {
		r->block_room = (t->blocks + count) / 2 * 3 + 4096;
		t->block = mem_grow(t->block, r->block_room * sizeof *t->block);
	}
	for (int64_t id = from; id <= to; id++)
		t->block[t->blocks++] = number_block(r, s, conversation, id) - 1;
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

/* "1-1112,1200" or [0, 1, 2]; ids of agent sessions count within their conversation. */
static int add_blocks(struct reader *r, struct text list, uint32_t conversation, struct err *e)
{
	const char *p = list.p, *end = list.p + list.n;
	const size_t before = r->t->blocks;
	while (p < end) {
		int64_t from = 0, to;
		if (*p < '0' || *p > '9') {
			if (!strchr("[], \"\t", *p))
				break;
			p++;
			continue;
		}
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			if (__builtin_mul_overflow(from, 10, &from) ||
			    __builtin_add_overflow(from, *p - '0', &from))
				return err_set(e, ERR_INVALID, "a block id is larger than 63 bits");
		to = from;
		if (p < end && *p == '-') {
			for (to = 0, p++; p < end && *p >= '0' && *p <= '9'; p++)
				if (__builtin_mul_overflow(to, 10, &to) ||
				    __builtin_add_overflow(to, *p - '0', &to))
					return err_set(e, ERR_INVALID,
						       "a block id is larger than 63 bits");
		}
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
		add_range(r, conversation, from, to);
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

/* The conversation of a Bailian chat is its root. */
static uint32_t root_of(struct reader *r, struct text chat, struct text parent)
{
	uint64_t *own = dict_need(&r->chats, chat, NULL);
	if (*own)
		return (uint32_t)*own;
	uint64_t *up = text_is(parent, "-1") || parent.n == 0 ? NULL : dict_find(&r->chats, parent);
	uint64_t root = up ? *up : number_of(&r->t->conversations, chat);
	*dict_need(&r->chats, chat, NULL) = root;
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
		const char *digits = p;
		if (strchr("[], \t", *p)) {
			p++;
			continue;
		}
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		if (whole((struct text){ digits, (size_t)(p - digits) }, name, &at, e) != 0 ||
		    at <= before || at > input || *count == UINT16_MAX)
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
static int take_time(struct reader *r, const struct fields *f, struct block_request *q,
		     struct err *e)
{
	const int64_t per = f->agent || f->bailian ? US_PER_SECOND : US_PER_SECOND / 1000;
	const bool goes_on = q->conversation && r->calls[q->conversation];
	int64_t waited_us = 0;
	if (f->time.n)
		return span_parse(&q->time_us, f->time, per, e);
	if (!f->session.n || (goes_on && !f->delay.n))
		return err_set(e, ERR_INVALID,
			       "field '%s' is missing, and without its instant a request finds no "
			       "cache",
			       f->agent ? "t" : "timestamp");
	if (f->delay.n && !text_is(f->delay, "null") &&
	    span_parse(&waited_us, f->delay, per, NULL) != 0)
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

/* The first request tells what shape the trace has. */
static void take_shape(struct reader *r, const struct fields *f)
{
	struct block_trace *t = r->t;
	t->shape = f->agent	  ? "agent"
		   : f->bailian	  ? "bailian"
		   : f->session.n ? "sessions"
				  : "mooncake";
	t->has_partial = !f->agent;
	t->local = f->agent;
	t->block_tokens = r->o->block_tokens ? r->o->block_tokens
			  : f->agent	     ? AGENT_TOKENS
			  : f->bailian	     ? BAILIAN_TOKENS
					     : MOONCAKE_TOKENS;
}

/* Its conversation and model, by number. */
static void take_names(struct reader *r, const struct fields *f, struct block_request *q)
{
	struct block_trace *t = r->t;
	if (f->agent)
		q->conversation = number_of(&t->conversations, unquoted(f->conversation));
	else if (f->bailian)
		q->conversation = root_of(r, f->chat, f->parent);
	else if (unquoted(f->session).n)
		q->conversation = number_of(&t->conversations, unquoted(f->session));
	if (f->model.n) {
		q->model = number_of(&t->models, unquoted(f->model));
		if (q->model > t->model_count) {
			t->model_name =
				mem_grow(t->model_name, (q->model + 1) * sizeof *t->model_name);
			t->model_name[q->model] = dict_key(&t->models, unquoted(f->model)).p;
			t->model_count = q->model;
		}
	}
	if (q->conversation)
		make_room_for(r, q->conversation);
}

static int add_request(struct reader *r, struct text line, struct err *e)
{
	struct block_trace *t = r->t;
	struct fields f;
	struct block_request q = { 0 };
	int rc = walk(r, line, &f, e);
	if (rc != 0)
		return rc;
	if (t->count == 0)
		take_shape(r, &f);
	rc = whole(f.input, f.agent ? "in" : "input_length", &q.input, e);
	if (rc == 0)
		rc = whole(f.output, f.agent ? "out" : "output_length", &q.output, e);
	if (rc == 0 && f.agent && unquoted(f.conversation).n == 0)
		rc = err_set(e, ERR_INVALID,
			     "field 'c' is missing: block ids count within a conversation");
	t->names_blocks |= f.blocks.n != 0;
	if (rc == 0 && f.blocks.n == 0 && (f.agent || !f.session.n))
		rc = err_set(e, ERR_INVALID, "field '%s' is missing: the trace names no blocks",
			     f.agent ? "h" : "hash_ids");
	if (rc != 0)
		return rc;
	take_names(r, &f, &q);
	rc = take_time(r, &f, &q, e);
	if (rc != 0)
		return rc;
	if (q.conversation) {
		r->last_us[q.conversation] = q.time_us;
		q.call = r->calls[q.conversation]++;
	}
	q.first = (uint32_t)t->blocks;
	rc = add_blocks(r, f.blocks, f.agent ? q.conversation : 0, e);
	q.count = (uint32_t)t->blocks - q.first;
	/* more blocks than the prompt has would be hits of tokens that do not exist */
	int64_t most = t->has_partial ? (q.input + t->block_tokens - 1) / t->block_tokens
				      : q.input / t->block_tokens;
	if (rc == 0 && q.count > most)
		rc = err_set(e, ERR_INVALID,
			     "the prompt of %lld tokens has %u blocks, and %lld tokens a block "
			     "allow %lld (see " ASKED("block") ")",
			     (long long)q.input, q.count, (long long)t->block_tokens,
			     (long long)most);
	q.first_break = (uint32_t)t->breakpoints;
	if (rc == 0)
		rc = add_places(r, f.breakpoints, "breakpoints", q.input, &q.breaks, e);
	if (rc == 0)
		rc = add_places(r, f.contents, "content_blocks", q.input, &q.contents, e);
	if (rc == 0 && unquoted(f.customer).n && !text_is(f.customer, "null"))
		q.customer = number_of(&t->customers, unquoted(f.customer));
	if (rc != 0) {
		t->blocks = q.first;
		t->breakpoints = q.first_break;
		if (q.conversation)
			r->calls[q.conversation]--;
		return rc;
	}
	if (t->count == r->room) {
		r->room = r->room ? r->room * 2 : 1024;
		t->request = mem_grow(t->request, r->room * sizeof *t->request);
	}
	t->request[t->count++] = q;
	if (__builtin_add_overflow(t->input_tokens, q.input, &t->input_tokens))
		return err_set(e, ERR_RANGE, "the prompts add up to more than 63 bits");
	return 0;
}

/* A line without blanks at its end. Errors: ERR_INVALID where it is no request. */
static int add_line(struct reader *r, struct text line, struct err *e)
{
	while (line.n && strchr(" \t\r", line.p[line.n - 1]))
		line.n--;
	if (line.n == 0)
		return 0;
	return *line.p == '{' ? add_request(r, line, e)
			      : err_set(e, ERR_INVALID,
					"a request that names its blocks is a JSON object with "
					"'hash_ids' (Mooncake, Qwen-Bailian) or 'h' (agent "
					"sessions)");
}

static int read_lines(struct reader *r, struct source *s, const char *path, struct err *e)
{
	struct block_trace *t = r->t;
	struct text line;
	struct err why = { 0 };
	int got, rc = 0;
	while (rc == 0 && (got = source_line(s, &line, false, e)) != 0) {
		if (got < 0)
			return got;
		rc = add_line(r, line, &why);
		if (rc == -(int)ERR_INVALID) {
			if (t->refused < BLOCK_REFUSALS_KEPT)
				t->refusal[t->refused] =
					(struct block_refusal){ source_number(s),
								mem_text(why.message) };
			t->refused++;
			rc = 0;
		}
	}
	if (rc != 0)
		return err_set(e, why.code, "%s", why.message);
	if (t->count)
		return 0;
	return t->refused ? err_set(e, ERR_INVALID, "%s:%lld: %s", path,
				    (long long)t->refusal[0].line, t->refusal[0].why)
			  : err_set(e, ERR_INVALID, "'%s' holds no request", path);
}

int block_trace_open(struct block_trace **out, const char *path,
		     const struct block_trace_options *o, struct err *e)
{
	struct source *s;
	int rc = source_open(&s, path, e);
	if (rc != 0)
		return rc;
	struct reader r = { .t = mem_zalloc(sizeof *r.t), .o = o };
	r.t->block = mem_alloc(sizeof *r.t->block); /* prompts may all be without blocks */
	rc = read_lines(&r, s, path, e);
	source_close(s);
	if (rc == 0 && r.waits)
		qsort(r.t->request, r.t->count, sizeof *r.t->request, by_time);
	dict_release(&r.numbers);
	for (size_t i = 0; i < r.small_room; i++)
		free(r.small[i].number);
	free(r.small);
	dict_release(&r.chats);
	free(r.calls);
	free(r.last_us);
	/* a Mooncake trace may have sessions */
	const char *format = o->format;
	if (rc == 0 && format && strcmp(format, "auto") != 0 && strcmp(format, r.t->shape) != 0 &&
	    !(strcmp(format, "mooncake") == 0 && strcmp(r.t->shape, "sessions") == 0))
		rc = err_set(e, ERR_INVALID, "'%s' is a %s trace, not %s", path, r.t->shape,
			     format);
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
	free(t->block);
	free(t->model_name);
	for (size_t i = 0; i < BLOCK_REFUSALS_KEPT; i++)
		free(t->refusal[i].why);
	dict_release(&t->conversations);
	dict_release(&t->models);
	dict_release(&t->customers);
	free(t->breakpoint);
	doubts_release(&t->doubts);
	free(t);
}
