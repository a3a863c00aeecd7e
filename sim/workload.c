#include "sim/workload.h"

#include <stdlib.h>

#include "meter/read/trace.h"
#include "sim/call_log.h"
#include "sim/conversation.h"
#include "sim/pack.h"

/* Prompts are sums of three or four counts; none may be so large that they do not fit. */
static const int64_t tokens_most = INT64_MAX / 8;

struct loader {
	struct workload *w;
	const struct workload_options *o;
	size_t room, subject_room, name_room, rare_room, conversation_room, metered_room;
	uint32_t *calls; /* of each conversation so far */
	int64_t shift_us;
	bool find_first;
	int64_t first_us;
	struct conversations *chats;
	bool find_chats;
	int64_t without_time;
	const struct trace_block *block;
	const char *path;
	struct err failure;
};

static void *more(void *p, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return p;
	*room = *room ? *room * 2 : 256;
	return mem_grow(p, *room * size);
}

static uint32_t name_number(struct loader *l, struct text name)
{
	struct workload *w = l->w;
	if (name.n == 0)
		return 0;
	uint64_t *n = dict_need(&w->dict, name, NULL);
	if (!*n) {
		w->name = more(w->name, w->names + 1, &l->name_room, sizeof *w->name);
		w->name[++w->names] = dict_key(&w->dict, name).p;
		*n = w->names;
	}
	return (uint32_t)*n;
}

static uint32_t subject_number(struct loader *l, struct work_subject s)
{
	struct workload *w = l->w;
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
		w->subject = more(w->subject, w->subjects, &l->subject_room, sizeof *w->subject);
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

static uint32_t new_conversation(struct loader *l, struct text name)
{
	struct workload *w = l->w;
	if (w->conversations == l->conversation_room) {
		l->conversation_room = l->conversation_room ? l->conversation_room * 2 : 256;
		w->conversation_id = mem_grow(w->conversation_id,
					      l->conversation_room * sizeof *w->conversation_id);
		w->conversation_name = mem_grow(
			w->conversation_name, l->conversation_room * sizeof *w->conversation_name);
		l->calls = mem_grow(l->calls, l->conversation_room * sizeof *l->calls);
	}
	w->conversation_name[w->conversations] =
		name.n ? dict_key(&w->conversation_dict, name).p : NULL;
	l->calls[w->conversations] = 0;
	w->conversation_id[w->conversations] = id_of(name, w->conversations);
	return (uint32_t)w->conversations++;
}

static uint32_t conversation_number(struct loader *l, struct text name)
{
	struct workload *w = l->w;
	if (name.n == 0)
		return new_conversation(l, name);
	uint64_t *n = dict_need(&w->conversation_dict, name, NULL);
	if (!*n)
		*n = (uint64_t)new_conversation(l, name) + 1;
	w->has_conversations = true;
	return (uint32_t)(*n - 1);
}

static struct work_call *add_call(struct loader *l, uint32_t conversation)
{
	struct workload *w = l->w;
	w->call = more(w->call, w->count, &l->room, sizeof *w->call);
	struct work_call *c = &w->call[w->count++];
	*c = (struct work_call){ .conversation = conversation,
				 .call = l->calls[conversation]++,
				 .requests = 1 };
	return c;
}

static void tell_refusal(struct loader *l, int64_t line, const char *why)
{
	l->w->refused++;
	if (l->o->refused)
		l->o->refused(l->o->refused_user, l->path, line, why);
}

static void refuse_record(struct loader *l, const char *at, const char *why)
{
	const struct trace_block *b = l->block;
	int64_t line = b ? b->line : 0;
	for (const char *p = b ? b->p : NULL; b && b->line >= 0 && p < at; p++)
		line += *p == '\n';
	tell_refusal(l, line, why);
}

static void refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct loader *l = user;
	(void)n;
	if (!l->find_first && !l->find_chats)
		refuse_record(l, at, why->message);
}

static bool has_rare(const struct record *r, int64_t web_searches)
{
	bool rare = web_searches != 0;
	for (int k = BUCKET_COMMON; k < BUCKET_COUNT; k++)
		rare |= r->tokens[k] != 0;
	return rare;
}

static void take_record(struct loader *l, const struct record *r, int64_t web_searches)
{
	struct workload *w = l->w;
	const struct workload_options *o = l->o;
	struct text session =
		r->text[FIELD_SESSION].n ? r->text[FIELD_SESSION] : r->text[FIELD_TASK];
	struct work_subject s = { r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
				  r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION] };
	int64_t us = r->time_us;
	us = us != TIME_ABSENT ? us + l->shift_us : o->has_at ? o->at.us : TIME_ABSENT;
	if (us == TIME_ABSENT) {
		l->without_time++;
		refuse_record(l, r->at,
			      "field 'time' is missing, and without its instant a call has no "
			      "price (see --at)");
		return;
	}
	if (us < o->since.us || us >= o->until.us ||
	    (o->customer && !text_is(r->text[FIELD_CUSTOMER], o->customer)) ||
	    (o->project && !text_is(r->text[FIELD_PROJECT], o->project))) {
		w->outside++;
		return;
	}
	for (int k = 0; k < BUCKET_COUNT; k++)
		if (r->tokens[k] > tokens_most) {
			refuse_record(l, r->at, "a count is too large for a what-if");
			return;
		}
	if (session.n == 0 && r->text[FIELD_CHAT].n)
		session = l->chats ? conversations_root(l->chats, r->text[FIELD_CHAT])
				   : r->text[FIELD_CHAT];
	if (s.model.n == 0 && o->model)
		s.model = text_of(o->model);
	if (s.provider.n == 0 && o->provider)
		s.provider = text_of(o->provider);
	struct work_call *c = add_call(l, conversation_number(l, session));
	c->time_us = us;
	memcpy(c->tokens, r->tokens, sizeof c->tokens);
	c->requests = r->requests;
	c->subject = subject_number(l, s);
	c->customer = name_number(l, r->text[FIELD_CUSTOMER]);
	c->project = name_number(l, r->text[FIELD_PROJECT]);
	c->workload = name_number(l, r->text[FIELD_WORKLOAD]);
	c->task = name_number(l, r->text[FIELD_TASK]);
	c->effort = name_number(l, r->text[FIELD_EFFORT]);
	c->session = name_number(l, r->text[FIELD_SESSION]);
	if (!c->task && r->text[FIELD_CHAT].n) /* a chat is one task */
		c->task = name_number(l, session);
	if (has_rare(r, web_searches)) {
		w->rare = more(w->rare, w->rares, &l->rare_room, sizeof *w->rare);
		struct work_rare *rare = &w->rare[w->rares];
		memcpy(rare->tokens, r->tokens + BUCKET_COMMON, sizeof rare->tokens);
		rare->web_searches = web_searches;
		c->rare = (uint32_t)++w->rares;
	}
}

static void accept(void *user, struct record_batch *b)
{
	struct loader *l = user;
	struct record r;
	for (size_t i = 0; i < b->n; i++) {
		record_from_batch(&r, b, i);
		if (l->find_first) {
			if (r.time_us != TIME_ABSENT && r.time_us < l->first_us)
				l->first_us = r.time_us;
		} else if (l->find_chats) {
			conversations_add(l->chats, r.text[FIELD_CHAT], r.text[FIELD_PARENT]);
		} else if (b->unread) {
			refuse_record(l, r.at, b->unread);
		} else {
			take_record(l, &r, 0);
		}
	}
}

static int read_trace(struct loader *l, struct trace *t, struct err *e)
{
	const struct record_sink sink = { l, accept, refuse };
	const struct shape *shape = trace_shape(t);
	struct csv_reader *csv = NULL;
	struct jsonl_reader *jsonl = NULL;
	struct trace_block b = { 0 };
	int rc = trace_rewind(t, true, e);
	const struct csv_layout layout = trace_csv_layout(t, 0, false);
	if (shape->container == CONTAINER_CSV)
		csv = csv_reader_open(&layout);
	else
		jsonl = jsonl_reader_open(
			&(struct jsonl_layout){ shape, l->o->map, l->o->map_count, false });
	l->path = trace_path(t);
	l->block = &b;
	while (rc == 0 && (rc = trace_next(t, &b, e)) == 1) {
		struct record_block block = { b.p, b.n, b.in_order, b.span, b.span_count };
		const char *nl = b.cut ? memrchr(b.p, '\n', b.n) : NULL;
		rc = 0;
		if (b.cut)
			block.n = nl ? (size_t)(nl + 1 - b.p) : 0;
		if (csv)
			CHECK(csv_reader_run(csv, &block, &sink));
		else
			jsonl_reader_run(jsonl, &block, &sink);
		if (b.cut && !l->find_first && !l->find_chats)
			refuse_record(l, b.p + block.n, "the line is too long");
	}
	l->block = NULL;
	csv_reader_close(csv);
	jsonl_reader_close(jsonl);
	trace_block_release(&b);
	return rc;
}

static int read_traces(struct loader *l, struct err *e)
{
	const struct workload_options *o = l->o;
	struct trace_options to = { o->format, o->map, o->map_count, true };
	struct trace **trace = mem_zalloc(o->path_count * sizeof *trace);
	bool absolute = false, relative = false, chats = false;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < o->path_count; i++) {
		rc = trace_open(&trace[i], o->path[i], &to, e);
		if (rc != 0)
			break;
		const struct shape *s = trace_shape(trace[i]);
		absolute |= s->time == TIME_INSTANT;
		relative |= s->time != TIME_INSTANT;
		chats |= trace_may_have(trace[i], FIELD_CHAT);
		l->w->shape = s->name;
		if (!o->has_at &&
		    (s->time != TIME_INSTANT || !trace_may_have(trace[i], FIELD_TIME)))
			rc = err_set(e, ERR_USAGE,
				     "%s: the trace has no instants of its own; say when it begins "
				     "with --at, for example --at 2026-06-15",
				     o->path[i]);
	}
	if (rc == 0 && absolute && relative)
		rc = err_set(e, ERR_USAGE,
			     "some of the traces have instants and some count from their own "
			     "start; replay them one after the other");
	l->shift_us = o->has_at ? o->at.us : 0;
	if (rc == 0 && o->has_at && absolute) {
		l->find_first = true;
		l->first_us = INT64_MAX;
		for (size_t i = 0; rc == 0 && i < o->path_count; i++)
			rc = read_trace(l, trace[i], e);
		l->find_first = false;
		l->shift_us = l->first_us == INT64_MAX ? 0 : o->at.us - l->first_us;
	}
	if (rc == 0 && chats) {
		l->chats = conversations_open();
		l->find_chats = true;
		for (size_t i = 0; rc == 0 && i < o->path_count; i++)
			rc = read_trace(l, trace[i], e);
		l->find_chats = false;
	}
	for (size_t i = 0; rc == 0 && i < o->path_count; i++)
		rc = read_trace(l, trace[i], e);
	for (size_t i = 0; i < o->path_count; i++)
		trace_close(trace[i]);
	free(trace);
	conversations_close(l->chats);
	return rc;
}

#define NO_BUCKETS \
	"the row stands for all calls of a bucket of time: how they would have been priced " \
	"elsewhere is not told"

static int read_calls(struct loader *l, struct err *e)
{
	struct call_log *calls;
	const struct workload_options *o = l->o;
	const char *path;
	int64_t first_us = INT64_MAX;
	if (o->map_count)
		return err_set(e, ERR_USAGE, MAP_IS_FOR_TRACES, o->path[0]);
	int rc = call_log_open(&calls, o->path, o->path_count, 2, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < call_log_refusal_count(calls); i++) {
		const struct call_refusal *r = call_log_refusal(calls, i);
		l->w->refused++;
		if (o->refused)
			o->refused(o->refused_user, r->path, r->line, r->message);
	}
	for (size_t i = 0; i < call_log_count(calls); i++) {
		int64_t us = call_log_call(calls, i, &path)->record.time_us;
		first_us = us != TIME_ABSENT && us < first_us ? us : first_us;
	}
	l->shift_us = o->has_at && first_us != INT64_MAX ? o->at.us - first_us : 0;
	l->w->shape = "log";
	for (size_t i = 0; i < call_log_count(calls); i++) {
		const struct metered *m = call_log_call(calls, i, &l->path);
		if (m->unread || m->aggregate)
			tell_refusal(l, m->line, m->unread ? m->unread : NO_BUCKETS);
		else if (!m->conflict)
			take_record(l, &m->record, m->web_searches);
	}
	call_log_close(calls);
	return 0;
}

/* Block traces, whose prompts can be replayed through a cache. */
static int read_blocks(struct loader *l, struct err *e)
{
	const struct workload_options *o = l->o;
	struct workload *w = l->w;
	if (o->path_count > 1)
		return err_set(e, ERR_USAGE,
			       "traces that name their blocks are replayed one at a time: block "
			       "ids of different files do not mean the same");
	if (o->map_count || o->customer || o->project)
		return err_set(
			e, ERR_USAGE,
			"'%s' names the blocks of its prompts: its fields have names of their "
			"own, and there is no customer or project among them",
			o->path[0]);
	int rc = block_trace_open(&w->blocks, o->path[0], o->format, o->block_tokens, e);
	if (rc != 0)
		return rc;
	struct block_trace *t = w->blocks;
	size_t kept = 0;
	w->shape = t->shape;
	w->refused = t->refused;
	for (int64_t i = 0; o->refused && i < t->refused; i++)
		o->refused(o->refused_user, o->path[0],
			   i < BLOCK_REFUSALS_KEPT ? t->refusal[i].line : 0,
			   i < BLOCK_REFUSALS_KEPT ? t->refusal[i].why : "");
	if (!o->has_at)
		return err_set(e, ERR_USAGE, TRACE_NEEDS_AT, o->path[0], t->shape);
	struct text *names = mem_zalloc((t->conversations.count + 1) * sizeof *names);
	for (size_t i = 0; i < t->conversations.room; i++) {
		const struct dict_slot *s = &t->conversations.slot[i];
		if (s->value)
			names[s->value] = (struct text){ s->key, s->n };
	}
	struct text *customers = mem_zalloc((t->customers.count + 1) * sizeof *customers);
	for (size_t i = 0; i < t->customers.room; i++) {
		const struct dict_slot *s = &t->customers.slot[i];
		if (s->value)
			customers[s->value] = (struct text){ s->key, s->n };
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		const int64_t us = o->at.us + q->time_us;
		if (us < o->since.us || us >= o->until.us) {
			t->input_tokens -= q->input;
			w->outside++;
			continue;
		}
		struct work_subject s = { .provider = text_of(o->provider),
					  .model = text_of(q->model ? t->model_name[q->model]
								    : o->model) };
		struct work_call *c =
			add_call(l, q->conversation ? conversation_number(l, names[q->conversation])
						    : new_conversation(l, (struct text){ 0 }));
		c->time_us = us;
		c->customer = name_number(l, customers[q->customer]);
		c->tokens[BUCKET_INPUT] = q->input;
		c->tokens[BUCKET_OUTPUT] = q->output;
		c->subject = subject_number(l, s);
		if (q->input > tokens_most || q->output > tokens_most)
			rc = err_set(e, ERR_RANGE, "%s: request %zu: a count is too large",
				     o->path[0], i + 1);
		t->request[kept++] = *q;
	}
	t->count = kept;
	free(names);
	free(customers);
	return rc;
}

/* A record's columns in the order of pack_column. */
static void set_column(struct work_call *c, enum pack_column k, const int64_t *wide,
		       const uint32_t *narrow, const uint32_t *subject, const uint32_t *name)
{
	switch (k) {
	case PACK_TIME:
		c->time_us = *wide;
		return;
	case PACK_REQUESTS:
		c->requests = *wide;
		return;
	case PACK_CONVERSATION:
		c->conversation = *narrow;
		return;
	case PACK_CALL:
		c->call = *narrow;
		return;
	case PACK_SUBJECT:
		c->subject = subject[*narrow];
		return;
	case PACK_CUSTOMER:
		c->customer = name[*narrow];
		return;
	case PACK_PROJECT:
		c->project = name[*narrow];
		return;
	case PACK_WORKLOAD:
		c->workload = name[*narrow];
		return;
	case PACK_TASK:
		c->task = name[*narrow];
		return;
	case PACK_EFFORT:
		c->effort = name[*narrow];
		return;
	case PACK_SESSION:
		c->session = name[*narrow];
		return;
	case PACK_RARE:
		c->rare = *narrow;
		return;
	default:
		c->tokens[k - PACK_TOKENS] = *wide;
	}
}

static int read_columns(struct loader *l, const struct pack *p, const uint32_t *subject,
			const uint32_t *name, struct err *e)
{
	struct workload *w = l->w;
	int64_t *wide = mem_alloc(PACK_CHUNK * sizeof *wide),
		*scratch = mem_alloc(PACK_CHUNK * sizeof *wide);
	int rc = 0;
	for (size_t chunk = 0; rc == 0 && chunk < pack_chunks(p); chunk++) {
		struct work_call *c = w->call + chunk * PACK_CHUNK;
		const uint32_t *narrow = (const uint32_t *)(const void *)wide;
		for (int k = 0; rc == 0 && k < PACK_COLUMNS; k++) {
			rc = pack_read_column(p, chunk, (enum pack_column)k, wide, scratch, e);
			for (size_t i = 0; rc == 0 && i < pack_chunk_calls(p, chunk); i++)
				set_column(&c[i], (enum pack_column)k, &wide[i], &narrow[i],
					   subject, name);
		}
	}
	free(wide);
	free(scratch);
	return rc;
}

/* The number of a name; UINT32_MAX where there is none. */
static uint32_t known_name(const struct workload *w, const char *name)
{
	uint64_t *n = name ? dict_find(&w->dict, text_of(name)) : NULL;
	return n ? (uint32_t)*n : UINT32_MAX;
}

/* Calls outside the period leave; conversations are those of the calls that stay, counted as a
 * reader of the trace would, and so are the calls along them. */
static void keep_period(struct loader *l, const struct pack *p)
{
	struct workload *w = l->w;
	const struct workload_options *o = l->o;
	const uint32_t customer = known_name(w, o->customer), project = known_name(w, o->project);
	uint32_t *number = mem_zalloc((pack_conversations(p) + 1) * sizeof *number); /* and 1 */
	size_t kept = 0;
	for (size_t i = 0; i < w->count; i++) {
		struct work_call c = w->call[i];
		c.time_us += l->shift_us;
		if (c.time_us >= o->since.us && c.time_us < o->until.us &&
		    (!o->customer || c.customer == customer) &&
		    (!o->project || c.project == project))
			w->call[kept++] = c;
	}
	w->outside = (int64_t)(w->count - kept);
	w->count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct work_call *c = &w->call[i];
		uint32_t *n = &number[c->conversation];
		if (!*n)
			*n = conversation_number(l, pack_conversation(p, c->conversation)) + 1;
		c->conversation = *n - 1;
		c->call = l->calls[c->conversation]++;
	}
	w->has_conversations = pack_has_conversations(p);
	free(number);
}

static int read_pack(struct loader *l, struct pack *p, struct err *e)
{
	const struct workload_options *o = l->o;
	struct workload *w = l->w;
	if (o->map_count)
		return err_set(e, ERR_USAGE, "the columns of a pack have their names already");
	if (pack_is_relative(p) && !o->has_at)
		return err_set(e, ERR_USAGE, TRACE_NEEDS_AT, o->path[0], pack_shape(p));
	int rc = pack_need_names(p, e);
	if (rc != 0)
		return rc;
	w->shape = arena_text(&w->arena, pack_shape(p), strlen(pack_shape(p)));
	l->shift_us = !o->has_at ? 0 : o->at.us - (pack_is_relative(p) ? 0 : pack_first_us(p));
	uint32_t *subject = mem_alloc((pack_subjects(p) + 1) * sizeof *subject),
		 *name = mem_zalloc((pack_names(p) + 1) * sizeof *name);
	for (size_t i = 0; i < pack_subjects(p); i++) {
		struct work_subject s = *pack_subject(p, i);
		if (s.model.n == 0 && o->model)
			s.model = text_of(o->model);
		if (s.provider.n == 0 && o->provider)
			s.provider = text_of(o->provider);
		subject[i] = subject_number(l, s);
	}
	for (size_t i = 1; i <= pack_names(p); i++)
		name[i] = name_number(l, pack_name(p, (uint32_t)i));
	w->rares = pack_rares(p);
	w->rare = mem_alloc((w->rares + 1) * sizeof *w->rare);
	if (w->rares)
		memcpy(w->rare, pack_rare(p, 0), w->rares * sizeof *w->rare);
	w->count = pack_calls(p);
	w->call = mem_zalloc((w->count + 1) * sizeof *w->call);
	if (rc == 0)
		rc = read_columns(l, p, subject, name, e);
	if (rc == 0)
		keep_period(l, p);
	free(subject);
	free(name);
	return rc;
}

/* Whether the file names the blocks of its prompts. */
static int names_blocks(const struct workload_options *o, bool *out, struct err *e)
{
	struct trace *t;
	*out = false;
	if (call_log_wanted(o->path[0], o->format))
		return 0;
	if (strcmp(o->path[0], "-") == 0)
		return err_set(e, ERR_USAGE,
			       "the trace is read more than once here; give a file instead of "
			       "standard input");
	int rc = trace_open(&t, o->path[0],
			    &(struct trace_options){ o->format, o->map, o->map_count, false }, e);
	if (rc != 0)
		return rc;
	*out = trace_shape(t)->blocks;
	trace_close(t);
	return 0;
}

int workload_is_relative(const struct workload_options *o, bool *out, struct err *e)
{
	struct trace *t;
	*out = false;
	if (call_log_wanted(o->path[0], o->format))
		return 0;
	int rc = trace_open(&t, o->path[0],
			    &(struct trace_options){ o->format, o->map, o->map_count, false }, e);
	if (rc != 0)
		return rc;
	*out = trace_shape(t)->time != TIME_INSTANT;
	trace_close(t);
	return 0;
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

static void *permuted(void *array, const struct order *o, size_t count, size_t size)
{
	char *out = mem_alloc((count + 1) * size);
	for (size_t i = 0; i < count; i++)
		memcpy(out + i * size, (char *)array + o[i].place * size, size);
	free(array);
	return out;
}

/* Calls in the order of time, which is what a cache and a position in a conversation mean. Block
 * traces keep their order, as every replay of them does. */
static void sort_calls(struct loader *l)
{
	struct workload *w = l->w;
	bool sorted = true;
	for (size_t i = 1; i < w->count; i++)
		sorted &= w->call[i - 1].time_us <= w->call[i].time_us;
	if (sorted || w->blocks)
		return;
	struct order *o = mem_alloc(w->count * sizeof *o);
	for (size_t i = 0; i < w->count; i++)
		o[i] = (struct order){ w->call[i].time_us, i };
	qsort(o, w->count, sizeof *o, by_time);
	w->call = permuted(w->call, o, w->count, sizeof *w->call);
	if (w->metered) {
		w->metered = permuted(w->metered, o, w->count, sizeof *w->metered);
		w->metered_unpriced =
			permuted(w->metered_unpriced, o, w->count, sizeof *w->metered_unpriced);
	}
	free(o);
	memset(l->calls, 0, w->conversations * sizeof *l->calls);
	for (size_t i = 0; i < w->count; i++)
		w->call[i].call = l->calls[w->call[i].conversation]++;
}

/* Where calls belong to no conversation, they are counted through the whole workload. */
static void finish(struct loader *l)
{
	if (!l->o->as_written)
		sort_calls(l);
	for (size_t i = 0; !l->w->has_conversations && i < l->w->count; i++)
		l->w->call[i].call = (uint32_t)i;
	free(l->calls);
}

int workload_read(struct workload **out, const struct workload_options *o, struct err *e)
{
	struct loader l = { .o = o, .w = mem_zalloc(sizeof *l.w) };
	struct pack *pack = NULL;
	bool blocks = false;
	int rc =
		pack_is(o->path[0]) ? pack_open(&pack, o->path[0], e) : names_blocks(o, &blocks, e);
	for (size_t i = 1; rc == 0 && i < o->path_count; i++)
		if (pack || pack_is(o->path[i]))
			rc = err_set(e, ERR_USAGE, "packs are read one at a time");
	if (rc == 0 && pack)
		rc = pack_check_format(pack, o->format, e);
	if (rc == 0 && o->block_tokens && !(pack ? pack_has_blocks(pack) : blocks))
		rc = err_set(e, ERR_USAGE, "'%s' names no blocks: leave --block out", o->path[0]);
	if (rc == 0 && (pack ? pack_has_blocks(pack) : blocks))
		rc = read_blocks(&l, e);
	else if (rc == 0 && pack)
		rc = read_pack(&l, pack, e);
	else if (rc == 0 && call_log_wanted(o->path[0], o->format))
		rc = read_calls(&l, e);
	else if (rc == 0)
		rc = read_traces(&l, e);
	if (rc == 0 && l.w->count == 0)
		rc = l.without_time
			     ? err_set(e, ERR_USAGE,
				       "%s: the trace has no instants, and a price without a "
				       "date is not a price; give one with --at",
				       o->path[0])
			     : err_set(e, ERR_INVALID, "'%s' holds no call%s", o->path[0],
				       l.w->outside ? " of that kind and period" : "");
	pack_close(pack);
	finish(&l);
	if (rc != 0) {
		workload_close(l.w);
		return rc;
	}
	*out = l.w;
	return 0;
}

/* --- the metered database --- */

struct standing {
	struct loader *l;
	struct store *s;
	const char *customer, *project;
	int64_t *seq;	  /* of each call */
	struct dict last; /* record's own row to 1 + place of the call that stands for it */
	bool *gone;
	size_t room;
	struct err e;
};

static size_t place_of(struct standing *st, int64_t first)
{
	uint64_t *known = dict_find(&st->last, (struct text){ (const char *)&first, sizeof first });
	if (known)
		return (size_t)*known - 1;
	size_t low = 0, high = st->l->w->count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (st->seq[mid] < first)
			low = mid + 1;
		else
			high = mid;
	}
	return low < st->l->w->count && st->seq[low] == first ? low : SIZE_MAX;
}

static int take_row(void *user, const struct usage_row *row)
{
	struct standing *st = user;
	struct loader *l = st->l;
	struct workload *w = l->w;
	const int64_t first = row->of ? row->of : row->seq;
	if (row->kind == USAGE_REVERSAL) {
		size_t at = place_of(st, first);
		if (at != SIZE_MAX)
			st->gone[at] = true;
		return 0;
	}
	if ((st->customer && !text_is(row->record.text[FIELD_CUSTOMER], st->customer)) ||
	    (st->project && !text_is(row->record.text[FIELD_PROJECT], st->project)))
		return 0;
	if (row->flags & USAGE_AGGREGATE) {
		w->refused += row->kind == USAGE_RECORD;
		if (l->o->refused && row->kind == USAGE_RECORD)
			l->o->refused(l->o->refused_user, "database", row->seq, NO_BUCKETS);
		return 0;
	}
	size_t before = w->count;
	take_record(l, &row->record, row->web_searches);
	if (w->count == before)
		return 0;
	if (w->count > st->room) {
		st->room = st->room ? st->room * 2 : 1024;
		st->seq = mem_grow(st->seq, st->room * sizeof *st->seq);
		st->gone = mem_grow(st->gone, st->room * sizeof *st->gone);
		w->metered = mem_grow(w->metered, st->room * sizeof *w->metered);
		w->metered_unpriced =
			mem_grow(w->metered_unpriced, st->room * sizeof *w->metered_unpriced);
	}
	const struct stored_price *p;
	st->seq[before] = row->seq;
	st->gone[before] = false;
	if (row->of)
		*dict_need(&st->last, (struct text){ (const char *)&first, sizeof first }, NULL) =
			before + 1;
	int rc = store_stored_price(st->s, row->price, &p, &st->e);
	if (rc == 0)
		rc = stored_price_amount(p, row->record.tokens, row->record.requests,
					 row->web_searches, &w->metered[before], &st->e);
	if (rc != 0)
		return rc;
	w->metered_unpriced[before] = p->reason.n != 0;
	if (p->reason.n == 0 && !w->metered_currency)
		w->metered_currency = arena_text(&w->arena, p->currency.p, p->currency.n);
	if (p->reason.n == 0 && !text_is(p->currency, w->metered_currency))
		return err_set(&st->e, ERR_USAGE,
			       "the database holds records priced in %s and in %.*s; choose a "
			       "customer or a period with one currency",
			       w->metered_currency, (int)p->currency.n, p->currency.p);
	return 0;
}

/* Calls that were taken back leave; counts along conversations close up. */
static void drop_gone(struct standing *st)
{
	struct loader *l = st->l;
	struct workload *w = l->w;
	size_t kept = 0;
	for (size_t i = 0; i < w->conversations; i++)
		l->calls[i] = 0;
	for (size_t i = 0; i < w->count; i++) {
		if (st->gone[i])
			continue;
		w->call[kept] = w->call[i];
		w->call[kept].call = l->calls[w->call[i].conversation]++;
		w->metered[kept] = w->metered[i];
		w->metered_unpriced[kept++] = w->metered_unpriced[i];
	}
	w->count = kept;
}

int workload_of_store(struct workload **out, struct store *s, const char *customer,
		      const char *project, struct instant since, struct instant until,
		      struct err *e)
{
	const struct workload_options o = { .since = since, .until = until };
	struct loader l = { .o = &o, .w = mem_zalloc(sizeof *l.w) };
	struct standing st = { .l = &l, .s = s, .customer = customer, .project = project };
	l.w->shape = "database";
	int rc = store_each_row(s, 1, store_last_seq(s) + 1, take_row, &st, e);
	if (rc != 0 && st.e.code != ERR_NONE) {
		*e = st.e;
		rc = -(int)e->code;
	}
	if (rc == 0)
		drop_gone(&st);
	free(st.seq);
	free(st.gone);
	dict_release(&st.last);
	if (rc == 0 && l.w->count == 0)
		rc = err_set(e, ERR_NOT_FOUND, "'%s' holds no usage of that kind and period",
			     store_path(s));
	finish(&l);
	if (rc != 0) {
		workload_close(l.w);
		return rc;
	}
	*out = l.w;
	return 0;
}

void workload_close(struct workload *w)
{
	if (!w)
		return;
	block_trace_close(w->blocks);
	free(w->call);
	free(w->conversation_id);
	free(w->conversation_name);
	free(w->subject);
	free(w->name);
	free(w->rare);
	free(w->metered);
	free(w->metered_unpriced);
	dict_release(&w->dict);
	dict_release(&w->subject_dict);
	dict_release(&w->conversation_dict);
	arena_release(&w->arena);
	free(w);
}
