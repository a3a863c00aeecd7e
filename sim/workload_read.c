#include "sim/workload_read.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/processor.h"
#include "meter/read/trace_reader.h"
#include "sim/call_source.h"
#include "sim/workload_build.h"
#include "sim/workload_join.h"

enum { THREADS_MAX = 64, WORTH_THREADS = 4 * TRACE_BLOCK };

/* What a part refuses, to be told in the order of the traces. */
struct refusal_kept {
	int64_t trace, offset, line; /* line: -1 where it has to be counted */
	char *why;
};

struct loading {
	struct workload_build b;
	const struct workload_options *o;
	struct call_source in;
	struct call_times times;
	struct conversations *chats;
	int64_t first_us; /* of all traces */
	int64_t without_time;
	int64_t us[BATCH_ROWS];	     /* of the batch at work */
	struct trace_reader *reader; /* NULL: of no trace */
	const char *path;
	/* a thread's part of the traces */
	bool is_part;
	int64_t trace; /* that is read */
	int index;
	atomic_bool *torn; /* a record spans lines, so that blocks have to come in order */
	pthread_t thread;
	struct record_sink sink;
	struct stretch *stretch;
	size_t stretches, stretch_room;
	struct refusal_kept *refusal;
	size_t refusals, refusal_room;
	struct err failure;
};

static void refuse(struct loading *l, int64_t line, const char *why)
{
	l->b.w->refused++;
	if (l->o->refused)
		l->o->refused(l->o->refused_user, l->path, line, why);
}

static void keep_refusal(struct loading *l, int64_t offset, int64_t line, const char *why)
{
	if (l->refusals == l->refusal_room) {
		l->refusal_room = l->refusal_room ? l->refusal_room * 2 : 64;
		l->refusal = mem_grow(l->refusal, l->refusal_room * sizeof *l->refusal);
	}
	l->refusal[l->refusals++] = (struct refusal_kept){ l->trace, offset, line, mem_text(why) };
}

/* --- traces --- */

/* What begins at that byte of the block at work. */
static void refuse_at(struct loading *l, const char *at, const char *why)
{
	const int64_t line = trace_reader_line(l->reader, at);
	if (l->is_part)
		keep_refusal(l, trace_reader_offset(l->reader, at), line, why);
	else
		refuse(l, line, why);
}

static void refuse_record(void *user, const char *at, size_t n, const struct err *why)
{
	(void)n;
	refuse_at(user, at, why->message);
}

static void leave(void *user, const struct record_batch *b, size_t row, enum call_place why)
{
	struct loading *l = user;
	l->without_time += why == CALL_WITHOUT_INSTANT;
	l->b.w->outside += why == CALL_OUTSIDE;
	if (why != CALL_OUTSIDE)
		refuse_at(l, b->at[row], call_place_reason(why));
}

static void note_stretch(struct loading *l, size_t from, int64_t offset)
{
	if (l->stretches == l->stretch_room) {
		l->stretch_room = l->stretch_room ? l->stretch_room * 2 : 256;
		l->stretch = mem_grow(l->stretch, l->stretch_room * sizeof *l->stretch);
	}
	l->stretch[l->stretches++] =
		(struct stretch){ l->trace, offset, (size_t)l->index, from, l->b.w->count };
}

static void take(void *user, struct record_batch *b)
{
	struct loading *l = user;
	struct call_span span = { 0 };
	const size_t from = l->b.w->count;
	const int64_t offset = trace_reader_offset(l->reader, b->at[0]);
	call_times_batch(&l->times, b, l->us, &span, leave, l);
	build_look_up(&l->b, b);
	for (size_t i = 0; i < b->n; i++) {
		const char *why = b->unread ? b->unread : build_row(&l->b, b, i, l->us[i]);
		if (why)
			refuse_at(l, b->at[i], why);
	}
	if (l->is_part && l->b.w->count > from)
		note_stretch(l, from, offset);
}

static void see_first(void *user, struct record_batch *b)
{
	struct loading *l = user;
	call_times_see_first(b, &l->first_us);
}

static void add_chats(void *user, struct record_batch *b)
{
	struct loading *l = user;
	struct record r;
	for (size_t i = 0; i < b->n; i++) {
		record_from_batch(&r, b, i);
		conversations_add(l->chats, r.text[FIELD_CUSTOMER], r.text[FIELD_CHAT],
				  r.text[FIELD_PARENT]);
	}
}

/* What is refused is told by the pass that takes. */
static void not_now(void *user, const char *at, size_t n, const struct err *why)
{
	(void)user;
	(void)at;
	(void)n;
	(void)why;
}

static void tell_progress(void *user)
{
	const struct loading *l = user;
	int64_t done = 0, of = 0;
	for (size_t i = 0; l->o->progress && i < l->in.traces; i++) {
		done += trace_progress(l->in.trace[i]);
		of += trace_size(l->in.trace[i]);
	}
	if (l->o->progress)
		l->o->progress(l->o->progress_user, done, of);
}

/* What no other thread took of the traces. */
static int read_blocks_left(struct loading *l, const struct record_sink *sink, struct err *e)
{
	const struct trace_reading how = { .map = l->o->map, .map_count = l->o->map_count };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->in.traces; i++) {
		struct trace *t = l->in.trace[i];
		l->trace = (int64_t)i;
		l->path = trace_path(t);
		l->reader = trace_reader_open(t, &how, sink);
		while (rc == 0 && !atomic_load_explicit(l->torn, memory_order_relaxed) &&
		       (rc = trace_reader_next(l->reader, e)) == 1) {
			rc = 0;
			if (!l->is_part)
				tell_progress(l);
		}
		if (rc == TRACE_TORN)
			atomic_store(l->torn, true);
		trace_reader_close(l->reader);
		l->reader = NULL;
	}
	return rc;
}

static void *read_part(void *user)
{
	struct loading *l = user;
	processor_pin(l->index);
	read_blocks_left(l, &l->sink, &l->failure);
	return NULL;
}

static int rewind_all(struct loading *l, bool in_order, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->in.traces; i++)
		rc = trace_rewind(l->in.trace[i], in_order, e);
	return rc;
}

/* All traces once: by l itself, or by its parts. TRACE_TORN: only in order they can be read. */
static int pass(struct loading *l, struct loading *part, int parts, bool in_order,
		const struct record_sink *sink, struct err *e)
{
	atomic_bool torn = false;
	int rc = rewind_all(l, in_order, e);
	l->torn = &torn;
	if (rc == 0 && !parts)
		rc = read_blocks_left(l, sink, e);
	for (int i = 0; rc == 0 && i < parts; i++) {
		part[i].torn = &torn;
		part[i].sink = *sink;
		part[i].sink.user = &part[i];
		CHECK(pthread_create(&part[i].thread, NULL, read_part, &part[i]) == 0);
	}
	for (int i = 0; rc == 0 && i < parts; i++)
		processor_wait(part[i].thread, tell_progress, l);
	for (int i = 0; rc == 0 && i < parts; i++)
		if (part[i].failure.code != ERR_NONE)
			rc = err_pass(e, &part[i].failure);
	l->torn = NULL;
	CHECK(!(in_order && atomic_load(&torn)));
	return rc == 0 && atomic_load(&torn) ? TRACE_TORN : rc;
}

static int parts_of(const struct loading *l)
{
	int64_t size = 0, threads = l->o->threads ? l->o->threads : sysconf(_SC_NPROCESSORS_ONLN);
	for (size_t i = 0; i < l->in.traces; i++)
		size += trace_size(l->in.trace[i]);
	threads = threads > THREADS_MAX ? THREADS_MAX : threads;
	return threads > 1 && size >= WORTH_THREADS ? (int)threads : 0;
}

static struct loading *open_parts(const struct loading *l, int parts)
{
	struct loading *part = mem_alloc((size_t)(parts + 1) * sizeof *part);
	for (int i = 0; i < parts; i++) {
		part[i] = *l;
		part[i].is_part = part[i].b.is_part = true;
		part[i].index = i;
		part[i].b.w = mem_zalloc(sizeof *part[i].b.w);
	}
	return part;
}

static int by_place(const void *a, const void *b)
{
	const struct refusal_kept *x = a, *y = b;
	if (x->trace != y->trace)
		return x->trace < y->trace ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void tell_refusals(struct loading *l, const struct loading *part, int parts)
{
	struct refusal_kept *all;
	size_t n = 0, count = 0;
	for (int i = 0; i < parts; i++)
		count += part[i].refusals;
	all = mem_alloc((count + 1) * sizeof *all);
	for (int i = 0; i < parts; i++)
		for (size_t k = 0; k < part[i].refusals; k++)
			all[n++] = part[i].refusal[k];
	qsort(all, n, sizeof *all, by_place);
	struct refusal_kept last = { -1 };
	for (size_t i = 0; i < n; i++) {
		const struct trace *t = l->in.trace[all[i].trace];
		if (last.trace != all[i].trace)
			last = (struct refusal_kept){ all[i].trace, 0, 1, NULL };
		if (all[i].line < 0)
			all[i].line = trace_line_from(t, last.offset, last.line, all[i].offset);
		last = all[i];
		l->path = trace_path(t);
		refuse(l, last.line, last.why);
	}
	free(all);
}

/* The parts' calls, as if they had been read by one. */
static void join_parts(struct loading *l, struct loading *part, int parts)
{
	struct workload_build *b[THREADS_MAX];
	struct stretch *all;
	size_t n = 0, count = 0;
	for (int i = 0; i < parts; i++)
		count += part[i].stretches;
	all = mem_alloc((count + 1) * sizeof *all);
	for (int i = 0; i < parts; i++) {
		b[i] = &part[i].b;
		l->without_time += part[i].without_time;
		if (part[i].stretches)
			memcpy(all + n, part[i].stretch, part[i].stretches * sizeof *all);
		n += part[i].stretches;
	}
	workload_join(&l->b, b, (size_t)parts, all, n);
}

static void close_parts(struct loading *part, int parts)
{
	for (int i = 0; i < parts; i++) {
		build_release(&part[i].b);
		workload_close(part[i].b.w);
		for (size_t k = 0; k < part[i].refusals; k++)
			free(part[i].refusal[k].why);
		free(part[i].stretch);
		free(part[i].refusal);
	}
	free(part);
	malloc_trim(0);
}

/* The instant of the first call, and the chats, which have to be known before any call is taken. */
static int look_ahead(struct loading *l, struct loading *part, int parts, bool in_order,
		      struct err *e)
{
	bool chats = false;
	int rc = 0;
	for (size_t i = 0; i < l->in.traces; i++)
		chats |= trace_may_have(l->in.trace[i], FIELD_CHAT);
	l->first_us = INT64_MAX;
	for (int i = 0; i < parts; i++)
		part[i].first_us = INT64_MAX;
	if (l->times.has_at && !l->in.relative)
		rc = pass(l, part, parts, in_order, &(struct record_sink){ l, see_first, not_now },
			  e);
	for (int i = 0; i < parts; i++)
		l->first_us = part[i].first_us < l->first_us ? part[i].first_us : l->first_us;
	call_times_begin(&l->times, l->in.relative, l->first_us);
	if (rc == 0 && chats) {
		l->b.chats = l->chats = conversations_open();
		for (int i = 0; i < parts; i++)
			part[i].b.chats = part[i].chats = l->chats;
		rc = pass(l, part, parts, in_order, &(struct record_sink){ l, add_chats, not_now },
			  e);
	}
	for (int i = 0; i < parts; i++)
		part[i].times = l->times;
	return rc;
}

/* What was read by parts is only taken where it was not torn. */
static int read_in(struct loading *l, int parts, bool in_order, struct err *e)
{
	struct loading *part = open_parts(l, parts);
	int rc = look_ahead(l, part, parts, in_order, e);
	if (rc == 0)
		rc = pass(l, part, parts, in_order, &(struct record_sink){ l, take, refuse_record },
			  e);
	if (parts && rc != TRACE_TORN) {
		join_parts(l, part, parts);
		tell_refusals(l, part, parts);
	}
	close_parts(part, parts);
	conversations_close(l->chats);
	l->b.chats = l->chats = NULL;
	return rc;
}

/* Threads take blocks wherever they lie; where a quoted field spans lines, only reading in order
 * tells where records begin. */
static int read_traces(struct loading *l, struct err *e)
{
	const int parts = parts_of(l);
	for (size_t i = 0; i < l->in.traces; i++)
		l->b.w->shape = trace_shape(l->in.trace[i])->name;
	const int rc = read_in(l, parts, !parts, e);
	return rc == TRACE_TORN ? read_in(l, parts, true, e) : rc;
}

/* --- logs --- */

static void take_call(struct loading *l, const struct metered *m)
{
	int64_t us;
	const struct record *r = &m->record;
	const enum call_place place = call_times_place(&l->times, r->time_us, r->completed_us, &us);
	const char *why = m->unread ? m->unread : m->aggregate ? NO_BUCKETS : NULL;
	if (!why && m->conflict)
		return;
	if (!why && place == CALL_OUTSIDE) {
		l->b.w->outside++;
		return;
	}
	l->without_time += !why && place == CALL_WITHOUT_INSTANT;
	if (!why)
		why = place == CALL_INSIDE ? build_record(&l->b, r, metered_is_part(m), us)
					   : call_place_reason(place);
	if (why)
		refuse(l, m->line, why);
}

static void read_log(struct loading *l)
{
	const struct call_log *log = l->in.log;
	for (size_t i = 0; i < call_log_refusal_count(log); i++) {
		const struct call_refusal *r = call_log_refusal(log, i);
		l->path = r->path;
		refuse(l, r->line, r->message);
	}
	call_times_begin(&l->times, false, call_source_first_us(&l->in));
	l->b.w->shape = "log";
	for (size_t i = 0; i < call_log_count(log); i++)
		take_call(l, call_log_call(log, i, &l->path));
}

/* --- blocks and packs --- */

/* The names of a dict by their numbers from 1; free() them. */
static struct text *names_by_number(const struct dict *d)
{
	struct text *names = mem_zalloc((d->count + 1) * sizeof *names);
	for (size_t i = 0; i < d->room; i++)
		if (d->slot[i].value)
			names[d->slot[i].value] = (struct text){ d->slot[i].key, d->slot[i].n };
	return names;
}

/* Whether traces that name the blocks of their prompts can be read as the user asks. */
static int blocks_are_asked(const struct workload_options *o, struct err *e)
{
	if (o->path_count > 1)
		return err_set(e, ERR_USAGE,
			       "traces that name their blocks are replayed one at a time: block "
			       "ids of different files do not mean the same");
	if (field_map_names(o->map, o->map_count) || o->customer || o->project)
		return err_set(
			e, ERR_USAGE,
			"'%s' names the blocks of its prompts: its fields have names of their "
			"own, and there is no customer or project among them",
			file_title(o->path[0]));
	return 0;
}

/* Block traces, whose prompts can be replayed through a cache. */
static int read_blocks(struct loading *l, struct err *e)
{
	const struct workload_options *o = l->o;
	struct workload *w = l->b.w;
	const struct block_trace_options blocks = {
		.block_tokens = o->block_tokens,
		.sent = o->sent,
		.map = o->map,
		.map_count = o->map_count,
	};
	int rc = blocks_are_asked(o, e);
	if (rc == 0)
		rc = call_source_blocks(&w->blocks, &l->in, &blocks, e);
	if (rc != 0)
		return rc;
	struct block_trace *t = w->blocks;
	size_t kept = 0;
	call_times_begin(&l->times, true, INT64_MAX);
	w->shape = t->shape;
	w->refused = t->refused;
	for (int64_t i = 0; o->refused && i < t->refused; i++)
		o->refused(o->refused_user, o->path[0],
			   i < BLOCK_REFUSALS_KEPT ? t->refusal[i].line : 0,
			   i < BLOCK_REFUSALS_KEPT ? t->refusal[i].why : "");
	struct text *customers = names_by_number(&t->customers);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		int64_t us;
		if (call_times_place(&l->times, q->time_us, TIME_ABSENT, &us) != CALL_INSIDE) {
			t->input_tokens -= q->input;
			w->outside++;
			continue;
		}
		struct work_subject s = { .provider = text_of(o->provider),
					  .model = text_of(q->model ? t->model_name[q->model]
								    : o->model) };
		const uint32_t named =
			q->conversation ? build_name(&l->b, t->conversation_name[q->conversation])
					: 0;
		const uint32_t customer = build_name(&l->b, customers[q->customer]);
		struct work_call c = { .time_us = us,
				       .requests = 1,
				       .conversation = build_conversation(
					       &l->b, (struct conversation_id){ customer, named }),
				       .customer = customer,
				       /* without blocks they are records of their sessions */
				       .session = t->names_blocks ? 0 : named,
				       .subject = build_subject(&l->b, s) };
		c.tokens[BUCKET_INPUT] = q->input;
		c.tokens[BUCKET_OUTPUT] = q->output;
		build_call(&l->b, &c);
		if (!build_takes(q->input) || !build_takes(q->output))
			rc = err_set(e, ERR_RANGE, "%s: request %zu: a count is too large",
				     file_title(o->path[0]), i + 1);
		t->request[kept++] = *q;
	}
	t->count = kept;
	free(customers);
	if (!t->names_blocks) {
		block_trace_close(t);
		w->blocks = NULL;
	}
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

/* The number of a name; UINT32_MAX where there is none. */
static uint32_t known_name(const struct workload *w, const char *name)
{
	uint64_t *n = name ? dict_find(&w->dict, text_of(name)) : NULL;
	return n ? (uint32_t)*n : UINT32_MAX;
}

/* A pack's columns on their way into calls. */
struct unpacking {
	struct loading *l;
	const struct pack *p;
	uint32_t *subject, *name;   /* numbers of the pack's own */
	uint32_t *number;	    /* 1 + that of each conversation; 0: none yet */
	uint32_t customer, project; /* numbers of those that were asked for */
	int64_t *wide, *scratch;    /* a column */
	struct work_call *call;	    /* a chunk */
};

/* Calls outside the period leave; conversations are those of the calls that stay, counted as a
 * reader of the trace would. */
static void keep_call(struct unpacking *u, struct work_call *c)
{
	struct loading *l = u->l;
	const struct workload_options *o = l->o;
	const enum call_place place =
		call_times_place(&l->times, c->time_us, TIME_ABSENT, &c->time_us);
	if (place != CALL_INSIDE && place != CALL_OUTSIDE) {
		refuse(l, 0, call_place_reason(place));
		return;
	}
	if (place == CALL_OUTSIDE || (o->customer && c->customer != u->customer) ||
	    (o->project && c->project != u->project)) {
		l->b.w->outside++;
		return;
	}
	uint32_t *n = &u->number[c->conversation];
	if (!*n || l->b.id[*n - 1].customer != c->customer)
		*n = build_conversation(
			     &l->b,
			     (struct conversation_id){
				     c->customer,
				     build_name(&l->b,
						pack_conversation(u->p, c->conversation)) }) +
		     1;
	c->conversation = *n - 1;
	build_call(&l->b, c);
}

static int read_chunk(struct unpacking *u, size_t chunk, struct err *e)
{
	const uint32_t *narrow = (const uint32_t *)(const void *)u->wide;
	const size_t calls = pack_chunk_calls(u->p, chunk);
	size_t at = chunk * PACK_CHUNK;
	int rc = 0;
	memset(u->call, 0, calls * sizeof *u->call);
	for (int k = 0; rc == 0 && k < PACK_COLUMNS; k++) {
		rc = pack_read_column(u->p, chunk, (enum pack_column)k, u->wide, u->scratch, e);
		for (size_t i = 0; rc == 0 && i < calls; i++)
			set_column(&u->call[i], (enum pack_column)k, &u->wide[i], &narrow[i],
				   u->subject, u->name);
	}
	const size_t first = chunk * PACK_CHUNK;
	for (size_t i; rc == 0 && (i = pack_placeholder_from(u->p, at)) < first + calls; at = i + 1)
		u->call[i - first].placeholder = true;
	for (size_t i = 0; rc == 0 && i < calls; i++)
		keep_call(u, &u->call[i]);
	return rc;
}

static int read_columns(struct unpacking *u, struct err *e)
{
	struct workload *w = u->l->b.w;
	const struct workload_options *o = u->l->o;
	int rc = 0;
	u->customer = known_name(w, o->customer);
	u->project = known_name(w, o->project);
	u->number = mem_zalloc((pack_conversations(u->p) + 1) * sizeof *u->number);
	u->wide = mem_alloc(PACK_CHUNK * sizeof *u->wide);
	u->scratch = mem_alloc(PACK_CHUNK * sizeof *u->scratch);
	u->call = mem_alloc(PACK_CHUNK * sizeof *u->call);
	for (size_t chunk = 0; rc == 0 && chunk < pack_chunks(u->p); chunk++)
		rc = read_chunk(u, chunk, e);
	w->has_conversations = pack_has_conversations(u->p);
	free(u->number);
	free(u->wide);
	free(u->scratch);
	free(u->call);
	return rc;
}

static int read_pack(struct loading *l, struct err *e)
{
	const struct workload_options *o = l->o;
	struct workload *w = l->b.w;
	struct pack *p = l->in.pack[0];
	int rc = pack_need_names(p, e);
	if (rc != 0)
		return rc;
	l->path = o->path[0];
	w->shape = arena_text(&w->arena, pack_shape(p), strlen(pack_shape(p)));
	call_times_begin(&l->times, l->in.relative, call_source_first_us(&l->in));
	uint32_t *subject = mem_alloc((pack_subjects(p) + 1) * sizeof *subject),
		 *name = mem_zalloc((pack_names(p) + 1) * sizeof *name);
	for (size_t i = 0; i < pack_subjects(p); i++) {
		struct work_subject s = *pack_subject(p, i);
		if (s.model.n == 0 && o->model)
			s.model = text_of(o->model);
		if (s.provider.n == 0 && o->provider)
			s.provider = text_of(o->provider);
		subject[i] = build_subject(&l->b, s);
	}
	for (size_t i = 1; i <= pack_names(p); i++)
		name[i] = build_name(&l->b, pack_name(p, (uint32_t)i));
	w->rares = pack_rares(p);
	w->rare = mem_alloc((w->rares + 1) * sizeof *w->rare);
	if (w->rares)
		memcpy(w->rare, pack_rare(p, 0), w->rares * sizeof *w->rare);
	rc = read_columns(&(struct unpacking){ .l = l, .p = p, .subject = subject, .name = name },
			  e);
	free(subject);
	free(name);
	return rc;
}

static int read_source(struct loading *l, struct err *e)
{
	const struct workload_options *o = l->o;
	if (l->in.packs > 1)
		return err_set(e, ERR_USAGE, "packs are read one at a time");
	if (o->block_tokens && !l->in.blocks)
		return err_set(e, ERR_USAGE, "'%s' names no blocks: leave " ASKED("block") " out",
			       file_title(o->path[0]));
	if (l->in.blocks)
		return read_blocks(l, e);
	if (l->in.packs)
		return read_pack(l, e);
	if (!l->in.log)
		return read_traces(l, e);
	read_log(l);
	return 0;
}

int workload_read(struct workload **out, const struct workload_options *o, struct err *e)
{
	struct loading l = {
		.o = o,
		.b = { .w = mem_zalloc(sizeof *l.b.w),
		       .model = o->model,
		       .provider = o->provider,
		       .customer = o->customer,
		       .project = o->project },
		.times = { o->has_at, o->at, o->since, o->until, 0 },
	};
	const struct call_source_options in = { .path = o->path,
						.path_count = o->path_count,
						.format = o->format,
						.map = o->map,
						.map_count = o->map_count,
						.has_at = o->has_at,
						.from_zero = o->from_zero,
						.spool = true,
						.threads = 2 };
	int rc = call_source_open(&l.in, &in, e);
	struct workload *w = l.b.w;
	w->relative = l.in.relative;
	if (o->from_zero && w->relative)
		l.times.has_at = true;
	if (rc == 0)
		rc = read_source(&l, e);
	if (rc == 0 && w->count == 0)
		rc = l.without_time
			     ? err_set(e, ERR_USAGE, TRACE_HAS_NO_INSTANTS, file_title(o->path[0]))
			     : err_set(e, ERR_INVALID, "'%s' holds no call%s",
				       file_title(o->path[0]),
				       w->outside ? " of that kind and period" : "");
	call_source_doubts(&l.in, &w->doubts);
	call_source_close(&l.in);
	if (rc != 0) {
		build_release(&l.b);
		workload_close(w);
		return rc;
	}
	build_finish(&l.b, o->order);
	*out = w;
	return 0;
}
