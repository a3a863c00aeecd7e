/* The replay of packs: from their sums where one price holds for each, else from their rows. */
#include <stdlib.h>

#include "sim/replay_run.h"

enum { QUARTER_US = 900 * 1000000 };

static void set_subject(struct record_batch *b, size_t row, const struct work_subject *s)
{
	b->text[FIELD_PROVIDER][row] = s->provider;
	b->text[FIELD_MODEL][row] = s->model;
	b->text[FIELD_SERVICE_TIER][row] = s->service_tier;
	b->text[FIELD_REGION][row] = s->region;
}

/* The columns that name what the price book is asked for. */
static uint64_t names_of(const struct pack *p)
{
	uint64_t c = (uint64_t)1 << FIELD_MODEL;
	for (size_t i = 0; i < pack_subjects(p); i++) {
		const struct work_subject *s = pack_subject(p, i);
		c |= s->provider.n ? (uint64_t)1 << FIELD_PROVIDER : 0;
		c |= s->service_tier.n ? (uint64_t)1 << FIELD_SERVICE_TIER : 0;
		c |= s->region.n ? (uint64_t)1 << FIELD_REGION : 0;
	}
	return c;
}

/* --- from the sums --- */

/* Until when the price of each subject cannot change, as last asked. */
struct steady {
	int64_t from_us, until_us;
};

static bool is_steady(const struct run *run, const struct subject *s, struct steady *known,
		      int64_t first_us, int64_t last_us)
{
	struct price_match m;
	if (first_us < known->from_us || first_us >= known->until_us) {
		const struct price_query q = { .provider = s->provider,
					       .model = s->model,
					       .service_tier = s->service_tier,
					       .region = s->region,
					       .currency = run->o->currency,
					       .at = { first_us } };
		if (book_find(run->o->book, &q, &m, NULL) != 0)
			return false;
		*known = (struct steady){ first_us, m.until.us };
	}
	return last_us < known->until_us;
}

static bool add_sums(struct worker *w, const struct pack *p, struct record_batch *b)
{
	const struct replay_options *o = w->run->o;
	size_t count;
	const struct pack_rollup *r = pack_rollups(p, &count);
	struct steady *steady = mem_zalloc((pack_subjects(p) + 1) * sizeof *steady);
	int64_t records[BATCH_ROWS];
	uint64_t subject[BATCH_ROWS];
	bool ok = count > 0 || pack_calls(p) == 0;
	for (size_t at = 0; ok && at < count;) {
		b->n = 0;
		b->columns = names_of(p) | (uint64_t)1 << FIELD_TIME;
		for (int k = 0; k < BUCKET_COMMON; k++)
			b->columns |= (uint64_t)1 << (FIELD_COUNTS + k);
		for (; at < count && b->n < BATCH_ROWS; at++) {
			const int64_t first = r[at].first_us + w->run->times.shift_us,
				      last = r[at].last_us + w->run->times.shift_us;
			if (last < o->since.us || first >= o->until.us) {
				w->outside += r[at].records;
				continue;
			}
			ok &= first >= o->since.us && last < o->until.us;
			const size_t row = b->n++;
			w->us[row] = first;
			b->time_us[row] = first;
			for (int k = 0; k < BUCKET_COMMON; k++)
				b->tokens[k][row] = r[at].tokens[k];
			set_subject(b, row, pack_subject(p, r[at].subject));
			records[row] = r[at].records;
			subject[row] = r[at].subject;
			w->span.first_us = first < w->span.first_us ? first : w->span.first_us;
			w->span.last_us = last > w->span.last_us ? last : w->span.last_us;
			b->completed_us[row] = last;
		}
		ok = ok && replay_accept_sums(w, b, records);
		for (size_t i = 0; ok && i < b->n; i++)
			ok = is_steady(w->run, w->subject[i], &steady[subject[i]], w->us[i],
				       b->completed_us[i]);
	}
	free(steady);
	return ok;
}

/* False when only the rows can tell. */
static bool from_sums(struct run *run, struct worker *w)
{
	struct record_batch *b = mem_zalloc(sizeof *b);
	bool ok = run->group_by_answer && !run->o->plan;
	for (size_t i = 0; ok && i < run->in.packs; i++)
		ok = add_sums(w, run->in.pack[i], b);
	free(b);
	return ok;
}

/* --- from the rows --- */

struct columns {
	int64_t *wide[PACK_CONVERSATION];
	uint32_t *narrow[PACK_COLUMNS]; /* of the columns from PACK_CONVERSATION on */
	int64_t *scratch;
};

static const struct {
	enum record_field field;
	enum pack_column column;
} names[] = {
	{ FIELD_CUSTOMER, PACK_CUSTOMER }, { FIELD_PROJECT, PACK_PROJECT },
	{ FIELD_WORKLOAD, PACK_WORKLOAD }, { FIELD_TASK, PACK_TASK },
	{ FIELD_SESSION, PACK_SESSION },
};

/* Only what the price and the grouping look at. */
static uint64_t needed_columns(const struct run *run, const struct pack *p, size_t chunk)
{
	uint64_t needed = (uint64_t)1 << PACK_TIME | (uint64_t)1 << PACK_SUBJECT;
	if (!pack_column_is(p, chunk, PACK_REQUESTS, 1))
		needed |= (uint64_t)1 << PACK_REQUESTS;
	for (int k = 0; k < BUCKET_COMMON; k++)
		if (!pack_column_is(p, chunk, PACK_TOKENS + (enum pack_column)k, 0))
			needed |= (uint64_t)1 << (PACK_TOKENS + k);
	if (pack_rares(p))
		needed |= (uint64_t)1 << PACK_RARE;
	for (size_t i = 0; i < run->o->dim_count; i++)
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			if (grouping_field(run->o->dim[i]) == names[k].field)
				needed |= (uint64_t)1 << names[k].column;
	if (pack_has_blocks(p))
		needed |= (uint64_t)1 << PACK_CONVERSATION;
	return needed;
}

static void fill(struct record_batch *b, const struct pack *p, const struct columns *c,
		 uint64_t needed, size_t from)
{
	b->columns = names_of(p) | (uint64_t)1 << FIELD_TIME;
	b->roomy = true;
	memcpy(b->time_us, c->wide[PACK_TIME] + from, b->n * sizeof *b->time_us);
	if (needed >> PACK_REQUESTS & 1) {
		b->columns |= (uint64_t)1 << FIELD_REQUESTS;
		memcpy(b->requests, c->wide[PACK_REQUESTS] + from, b->n * sizeof *b->requests);
	}
	for (int k = 0; k < BUCKET_COMMON; k++)
		if (needed >> (PACK_TOKENS + k) & 1) {
			b->columns |= (uint64_t)1 << (FIELD_COUNTS + k);
			memcpy(b->tokens[k], c->wide[PACK_TOKENS + k] + from,
			       b->n * sizeof *b->tokens[k]);
		}
	for (size_t i = 0; i < b->n; i++)
		set_subject(b, i, pack_subject(p, c->narrow[PACK_SUBJECT][from + i]));
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		if (!(needed >> names[k].column & 1))
			continue;
		b->columns |= (uint64_t)1 << names[k].field;
		for (size_t i = 0; i < b->n; i++) {
			uint32_t n = c->narrow[names[k].column][from + i];
			b->text[names[k].field][i] = n ? pack_name(p, n) : (struct text){ "", 0 };
		}
	}
	if (pack_has_blocks(p)) { /* a conversation is a task and a session */
		b->columns |= (uint64_t)1 << FIELD_TASK | (uint64_t)1 << FIELD_SESSION;
		for (size_t i = 0; i < b->n; i++)
			b->text[FIELD_TASK][i] = b->text[FIELD_SESSION][i] =
				pack_conversation(p, c->narrow[PACK_CONVERSATION][from + i]);
	}
	for (int k = BUCKET_COMMON; pack_rares(p) && k < COUNT_KINDS; k++) {
		b->columns |= (uint64_t)1 << (FIELD_COUNTS + k);
		for (size_t i = 0; i < b->n; i++) {
			uint32_t n = c->narrow[PACK_RARE][from + i];
			b->counts[k][i] = n ? pack_rare(p, n - 1)->counts[k - BUCKET_COMMON] : 0;
		}
	}
}

static int add_chunk(struct worker *w, const struct pack *p, size_t chunk, struct columns *c,
		     struct record_batch *b, struct err *e)
{
	const uint64_t needed = needed_columns(w->run, p, chunk);
	const size_t n = pack_chunk_calls(p, chunk);
	int rc = 0;
	for (int k = 0; rc == 0 && k < PACK_COLUMNS; k++)
		if (needed >> k & 1)
			rc = pack_read_column(p, chunk, (enum pack_column)k,
					      k < PACK_CONVERSATION ? (void *)c->wide[k]
								    : (void *)c->narrow[k],
					      c->scratch, e);
	const size_t first = chunk * PACK_CHUNK;
	for (size_t from = 0, rows; rc == 0 && from < n; from += rows) {
		/* a call whose answer lacks its end comes by itself */
		const size_t cut = pack_placeholder_from(p, first + from) - first;
		rows = cut == from ? 1 : cut < n ? cut - from : n - from;
		b->n = rows = rows < BATCH_ROWS ? rows : BATCH_ROWS;
		fill(b, p, c, needed, from);
		if (replay_accept(w, b) && cut == from)
			replay_bound(w, b);
	}
	return rc;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct run *run = w->run;
	struct record_batch *b = mem_zalloc(sizeof *b);
	struct columns c = { 0 };
	struct err e = { 0 };
	int rc = 0;
	for (int k = 0; k < PACK_COLUMNS; k++)
		if (k < PACK_CONVERSATION)
			c.wide[k] = mem_alloc(PACK_CHUNK * sizeof *c.wide[k]);
		else
			c.narrow[k] = mem_alloc(PACK_CHUNK * sizeof *c.narrow[k]);
	c.scratch = mem_alloc(PACK_CHUNK * sizeof *c.scratch);
	while (rc == 0) {
		size_t n = atomic_fetch_add(&run->next_chunk, 1), i = 0;
		while (i < run->in.packs && n >= pack_chunks(run->in.pack[i]))
			n -= pack_chunks(run->in.pack[i++]);
		if (i == run->in.packs)
			break;
		w->file = i;
		rc = add_chunk(w, run->in.pack[i], n, &c, b, &e);
	}
	if (rc != 0) {
		pthread_mutex_lock(&run->lock);
		run->failure = e;
		pthread_mutex_unlock(&run->lock);
	}
	for (int k = 0; k < PACK_COLUMNS; k++)
		free(k < PACK_CONVERSATION ? (void *)c.wide[k] : (void *)c.narrow[k]);
	free(c.scratch);
	free(b);
	return NULL;
}

static int from_rows(struct run *run, struct worker *worker, int threads, struct err *e)
{
	run->failure.code = ERR_NONE;
	atomic_store(&run->next_chunk, 0);
	for (size_t i = 0; i < run->in.packs; i++) {
		int rc = pack_need_names(run->in.pack[i], e);
		if (rc != 0) {
			for (int k = 0; k < threads; k++)
				replay_start_worker(run, &worker[k], k);
			return rc;
		}
	}
	for (int i = 0; i < threads; i++) {
		replay_start_worker(run, &worker[i], i);
		CHECK(pthread_create(&worker[i].thread, NULL, work, &worker[i]) == 0);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(worker[i].thread, NULL);
	if (run->failure.code == ERR_NONE)
		return 0;
	return err_pass(e, &run->failure);
}

int replay_packs(struct replay_result **out, struct run *run, struct worker *worker, int threads,
		 struct err *e)
{
	int rc = 0;
	if (run->o->boundary == BOUNDARY_COMPLETION)
		return err_set(e, ERR_USAGE, "a pack keeps no instants of completion");
	run->pass = PASS_PRICE;
	for (int k = 0; k < BUCKET_COMMON; k++)
		run->layout.bucket[run->layout.bucket_count++] = (uint8_t)k;
	run->layout.credits = run->o->plan != NULL;
	call_times_begin(&run->times, run->in.relative, call_source_first_us(&run->in));
	replay_start_worker(run, &worker[0], 0);
	int used = 1;
	if (!from_sums(run, &worker[0])) {
		replay_worker_release(&worker[0]);
		rc = from_rows(run, worker, threads, e);
		used = threads;
	}
	for (int i = 0; rc == 0 && i < used; i++)
		replay_settle(&worker[i]);
	if (rc == 0)
		rc = replay_collect(out, run, worker, used, e);
	for (int i = 0; i < used; i++)
		replay_worker_release(&worker[i]);
	return rc;
}
