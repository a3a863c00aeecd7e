#include "server/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "meter/store/record_id.h"
#include "meter/store/rollup.h"
#include "meter/store/store_models.h"
#include "server/hold_request.h"
#include "server/langfuse_answer.h"
#include "server/otlp_answer.h"

enum { RECORDS_A_COMMIT = 20000, IDLE_MS = 500 };

struct items {
	struct buf json;
	struct job *job;
	int64_t index;
	struct buf reason; /* the first, of what was not taken */
};

struct writer {
	struct writer_options o;
	struct store *store;
	const struct book *book;
	bool renames; /* holds are open whose models may mean others by the prices of now */
	struct ingest *in;
	struct spending *spending;
	struct ledger *ledger;
	struct drawer *drawer;
	struct items items; /* of the job at work */
	int64_t appended;   /* beside others, since the rollups were looked at */
	struct writer_stats stats;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	bool stop;
};

struct job *job_open(enum job_kind kind)
{
	struct job *j = mem_zalloc(sizeof *j);
	j->kind = kind;
	j->calls = assembly_open(false);
	return j;
}

void job_close(struct job *j)
{
	if (!j)
		return;
	assembly_close(j->calls);
	json_close(j->json);
	free(j->item);
	free(j->event);
	arena_release(&j->arena);
	buf_release(&j->answer);
	doubts_release(&j->doubts);
	free(j);
}

enum { JSON_GROWS = 32 }; /* bytes of memory for a byte of text */

int job_take_request(struct job *j, struct text request, struct err *e)
{
	j->request = (struct text){ arena_text(&j->arena, request.p, request.n), request.n };
	return json_open(&j->json, j->request, e);
}

static struct job_item *add_item(struct job *j)
{
	if ((j->item_count & (j->item_count - 1)) == 0)
		j->item = mem_grow(j->item,
				   (j->item_count ? j->item_count * 2 : 1) * sizeof *j->item);
	struct job_item *it = &j->item[j->item_count++];
	*it = (struct job_item){ 0 };
	return it;
}

static void take(void *user, const struct metered *m)
{
	struct job *j = user;
	size_t before = assembly_count(j->calls);
	if (j->records_most && before >= j->records_most) {
		j->too_many = true;
		return;
	}
	assembly_add(j->calls, m);
	if (assembly_count(j->calls) > before)
		add_item(j)->call = before;
	j->bytes += sizeof *m + m->raw.n;
}

static struct text keep(struct job *j, const char *p, size_t n)
{
	return (struct text){ arena_text(&j->arena, n ? p : "", n), n };
}

static void refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct job *j = user;
	if (j->item_count >= REFUSALS_KEPT + 2 * assembly_count(j->calls)) {
		j->not_kept++;
		j->not_kept_bytes += raw.n;
		return;
	}
	struct job_item *it = add_item(j);
	it->refused = true;
	it->line = line;
	it->raw = keep(j, raw.p, raw.n);
	it->why = keep(j, why->message, strlen(why->message));
	j->bytes += sizeof *it + raw.n;
}

void job_add_event(struct job *j, struct text id)
{
	const size_t n = j->event_count;
	if ((n & (n - 1)) == 0)
		j->event = mem_grow(j->event, (n ? n * 2 : 1) * sizeof *j->event);
	j->event[j->event_count++] = (struct job_event){ .id = keep(j, id.p, id.n) };
	j->bytes += sizeof *j->event + id.n;
}

void job_sum_up(struct job *j)
{
	char why[160];
	if (j->not_kept == 0)
		return;
	snprintf(why, sizeof why,
		 "%lld more records of this body were refused and not kept: nearly all of it was "
		 "invalid",
		 (long long)j->not_kept);
	struct job_item *it = add_item(j);
	it->refused = true;
	it->raw = TEXT("");
	it->why = keep(j, why, strlen(why));
}

struct payload_sink job_sink(struct job *j)
{
	return (struct payload_sink){ j, take, refuse };
}

static void put_error(struct job *j, const struct err *e)
{
	j->status = err_http_status(e->code);
	j->answer.n = 0;
	if (j->signal) {
		otlp_answer_error(&j->answer, j->protobuf, j->status, err_name(e->code),
				  e->message);
		return;
	}
	buf_printf(&j->answer, "{\"error\":{\"code\":\"%s\",\"message\":", err_name(e->code));
	json_put_string(&j->answer, text_of(e->message));
	buf_puts(&j->answer, "}}\n");
}

/* --- usage --- */

/* What was refused of an event's; 0: of which is not known, and so of each. */
static void note_event(struct job *j, int64_t number, const struct ingest_item *item)
{
	const int status = item->result == INGEST_CONFLICT ? 409 : 400;
	for (size_t i = 0; i < j->event_count; i++)
		if ((number == 0 || (size_t)number == i + 1) && !j->event[i].status)
			j->event[i] =
				(struct job_event){ j->event[i].id, status,
						    keep(j, item->reason, strlen(item->reason)) };
}

static void put_item(void *user, const struct ingest_item *item)
{
	struct items *it = user;
	const struct job_item *of = &it->job->item[it->index];
	if (it->job->observations && item->reason)
		note_event(it->job,
			   of->refused ? of->line : assembly_call(it->job->calls, of->call)->line,
			   item);
	buf_puts(&it->json, it->index ? ",{\"index\":" : "{\"index\":");
	buf_int(&it->json, it->index);
	buf_puts(&it->json, ",\"id\":");
	if (item->id.n)
		json_put_string(&it->json, item->id);
	else
		buf_puts(&it->json, "null");
	buf_puts(&it->json, ",\"result\":\"");
	buf_puts(&it->json, ingest_result_name(item->result));
	buf_puts(&it->json, "\"");
	if (item->reason) {
		buf_puts(&it->json, ",\"reason\":");
		json_put_string(&it->json, text_of(item->reason));
		if (it->reason.n == 0)
			buf_puts(&it->reason, item->reason);
	}
	buf_puts(&it->json, "}");
	it->index++;
}

/* A token that is bound to a customer speaks for no other. */
static bool is_foreign(const struct job *j, const struct metered *m)
{
	struct text named = m->record.text[FIELD_CUSTOMER];
	return j->customer && named.n && !text_is(named, j->customer);
}

static int take_items(struct writer *w, struct job *j, struct instant now, struct err *e)
{
	int rc = 0;
	w->items.json.n = w->items.reason.n = 0;
	w->items.index = 0;
	w->items.job = j;
	for (size_t i = 0; i < j->event_count; i++)
		j->event[i].status = 0;
	ingest_next_source(w->in, j->customer, now, &w->items);
	for (size_t i = 0; rc == 0 && i < j->item_count; i++) {
		const struct job_item *it = &j->item[i];
		const struct metered *m = it->refused ? NULL : assembly_call(j->calls, it->call);
		if (m && is_foreign(j, m))
			rc = ingest_refuse_call(w->in, m, INGEST_FOREIGN, now, e);
		else if (m)
			rc = ingest_take_as(w->in, m, it->id.n ? it->id : ingest_id(w->in, m), now,
					    e);
		else
			rc = ingest_refuse(w->in,
					   &(struct refused_line){ .line = it->line,
								   .raw = it->raw,
								   .why = it->why.p },
					   now, e);
	}
	return rc;
}

/* What became of the job's records; those that were summed up are each counted. */
static struct ingest_counts counts_of(const struct writer *w, const struct job *j)
{
	struct ingest_counts c = *ingest_counts(w->in);
	if (j->not_kept) {
		c.read += j->not_kept - 1;
		c.quarantined += j->not_kept - 1;
	}
	return c;
}

static void put_counts(struct buf *b, const struct ingest_counts *c, int64_t passed_over)
{
	const struct {
		const char *key;
		int64_t n;
	} count[] = { { "\"schema\":\"tally.ingest/1\",\"read\":", c->read },
		      { ",\"accepted\":", c->accepted },
		      { ",\"duplicates\":", c->duplicates },
		      { ",\"conflicts\":", c->conflicts },
		      { ",\"quarantined\":", c->quarantined },
		      { ",\"unpriced\":", c->unpriced },
		      { ",\"grown\":", c->grown },
		      { ",\"passed_over\":", passed_over } };
	for (size_t i = 0; i < sizeof count / sizeof *count; i++) {
		buf_puts(b, count[i].key);
		buf_int(b, count[i].n);
	}
}

/* The same members as the command line's (reports/left_out). */
static void put_doubts(struct buf *b, const struct doubts *d)
{
	const struct text columns = { d->columns.p, d->columns.n };
	struct text name;
	buf_printf(b, ",\"partial\":%s,\"columns_in_doubt\":[",
		   page_list_is_part(&d->pages) ? "true" : "false");
	for (size_t at = 0, n = 0; doubts_next_column(columns, &at, &name); n++) {
		buf_puts(b, n ? "," : "");
		json_put_string(b, name);
	}
	buf_puts(b, "]");
}

static int take_usage(struct writer *w, struct job *j, struct instant now, struct err *e)
{
	int rc = take_items(w, j, now, e);
	if (rc == 0) {
		const struct ingest_counts counts = counts_of(w, j), *c = &counts;
		/* nothing of it could be read: the sender should look at it */
		j->status = c->read && c->read == c->quarantined ? 422 : 200;
		j->answer.n = 0;
		if (j->observations) {
			langfuse_answer(j);
			return 0;
		}
		if (j->signal)
			j->status = 200; /* what was rejected is told, and not sent again */
		const int64_t rejected = c->quarantined + c->conflicts;
		const char *reason = rejected ? w->items.reason.p : NULL;
		if (j->protobuf) {
			otlp_answer_taken(&j->answer, rejected, reason);
			return 0;
		}
		buf_puts(&j->answer, "{");
		put_counts(&j->answer, c, j->passed_over);
		put_doubts(&j->answer, &j->doubts);
		buf_puts(&j->answer, ",\"items\":[");
		buf_add(&j->answer, w->items.json.p, w->items.json.n);
		buf_puts(&j->answer, "]");
		if (j->signal)
			otlp_answer_partial(&j->answer, j->signal, rejected, reason);
		buf_puts(&j->answer, "}\n");
	}
	return rc;
}

/* --- holds --- */

/* A hold of a customer's token has its id in the customer's own space, as records have theirs.
 * Those of the common space are the token's too where they are of its customer; of others it learns
 * nothing. */
static int find_hold(struct writer *w, struct job *j, struct text id, struct hold *out,
		     struct err *e)
{
	struct buf own = { 0 };
	int rc = -ERR_NOT_FOUND;
	if (j->customer) {
		record_id_put_own(&own, text_of(j->customer), id);
		rc = hold_find(w->store, (struct text){ own.p, own.n }, out, &j->arena, e);
		buf_release(&own);
	}
	if (rc == -ERR_NOT_FOUND)
		rc = hold_find(w->store, id, out, &j->arena, e);
	if (rc == 0 && j->customer && !text_is(out->customer, j->customer))
		rc = err_set(e, ERR_NOT_FOUND, "no hold '%.*s'", (int)id.n, id.p);
	return rc;
}

/* The full name of the id that a hold is asked for with. */
static int own_hold_id(struct writer *w, struct job *j, struct hold *h, struct err *e)
{
	struct hold known;
	struct buf own = { 0 };
	int rc = find_hold(w, j, h->id, &known, e);
	if (rc == 0)
		h->id = known.id;
	if (rc != -ERR_NOT_FOUND)
		return rc;
	record_id_put_own(&own, text_of(j->customer), h->id);
	h->id = keep(j, own.p, own.n);
	buf_release(&own);
	return h->id.n <= RECORD_TEXT_MAX
		       ? 0
		       : err_set(e, ERR_INVALID,
				 "fields 'id' and 'customer' are too long together");
}

/* of_token: its id as the customer's token sent it. */
static void put_hold(struct buf *b, const struct hold *h, const struct standing *st, bool of_token)
{
	char text[DECIMAL_TEXT_MAX], when[INSTANT_TEXT_MAX];
	buf_puts(b, "\"schema\":\"tally.hold/1\",\"id\":");
	json_put_string(b, of_token ? record_id_as_sent(h->customer, h->id) : h->id);
	buf_puts(b, ",\"customer\":");
	json_put_string(b, h->customer);
	buf_printf(b, ",\"amount\":\"%s\",\"currency\":", money_format(h->amount, text));
	json_put_string(b, h->currency);
	buf_puts(b, ",\"state\":");
	json_put_string(b, h->state);
	buf_printf(b, ",\"expires\":\"%s\"", instant_format(h->expires, when));
	if (!st)
		return;
	buf_printf(b, ",\"spent\":\"%s\"", money_total_format(st->of.spent, text));
	buf_printf(b, ",\"held\":\"%s\"", money_total_format(st->of.held, text));
	if (st->limited)
		buf_printf(b, ",\"limit\":\"%s\"", money_format(st->limit, text));
	else
		buf_puts(b, ",\"limit\":null");
	buf_printf(b, ",\"unpriced\":%lld", (long long)st->of.unpriced);
}

static int take_hold(struct writer *w, struct job *j, struct instant now, struct err *e)
{
	json_value *request = json_root(j->json);
	struct hold h = { .request = j->request };
	struct standing st;
	const struct hold_asked asked = { .in = w->in,
					  .store = w->store,
					  .ledger = w->ledger,
					  .drawer = w->drawer,
					  .currency = w->o.currency,
					  .customer = j->customer,
					  .now = now,
					  .arena = &j->arena };
	int rc = hold_request_read(&asked, request, &h, e);
	/* one that is made here is like no other */
	if (rc == 0 && j->customer && json_string(json_member(request, "id")).n)
		rc = own_hold_id(w, j, &h, e);
	if (rc == 0)
		rc = hold_open(w->spending, w->ledger, &h, now, &st, e);
	/* what is stored is the answer, also to a request that comes again when prices have changed
	 */
	if (rc == 0)
		rc = hold_find(w->store, h.id, &h, &j->arena, e);
	if (rc == 0) {
		j->status = 201;
		buf_puts(&j->answer, "{");
		put_hold(&j->answer, &h, &st, j->customer);
		buf_puts(&j->answer, "}\n");
	}
	return rc;
}

/* The id of a settlement's record that has none. */
static struct text hold_record_id(struct job *j, const struct hold *h)
{
	const struct text id = j->customer ? record_id_as_sent(h->customer, h->id) : h->id;
	return text_of(arena_printf(&j->arena, "hold:%.*s", (int)id.n, id.p));
}

/* The estimate as usage, for a stream that broke off with nothing metered. */
static int add_estimate(struct job *j, const struct hold *h, struct err *e)
{
	struct json_document *d;
	int rc = json_open(&d, h->request, e);
	if (rc != 0)
		return rc;
	struct payload_sink sink = job_sink(j);
	struct payload_reader *r = payload_open(&sink);
	payload_value(r, json_root(d), 0);
	payload_finish(r);
	payload_close(r);
	json_close(d);
	if (assembly_count(j->calls) == 0)
		return err_set(e, ERR_INVALID,
			       "the hold has an amount and no tokens: send the usage of the call");
	struct metered *m = assembly_call(j->calls, 0);
	m->record.text[FIELD_ID] = hold_record_id(j, h);
	m->record.present |= (uint64_t)1 << FIELD_ID;
	m->shape = "hold.estimate";
	return 0;
}

static int take_settlement(struct writer *w, struct job *j, struct instant now, struct err *e)
{
	struct hold h;
	struct standing st;
	int rc = find_hold(w, j, j->hold_id, &h, e);
	if (rc == 0 && assembly_count(j->calls) == 0 && j->broken_off)
		rc = add_estimate(j, &h, e);
	if (rc == 0 && (assembly_count(j->calls) != 1 || j->item_count != 1))
		rc = err_set(e, ERR_INVALID, "a settlement is one usage record: %s",
			     j->item_count && j->item[0].refused
				     ? j->item[0].why.p
				     : "the body holds none or several");
	if (rc == 0) {
		struct metered *m = assembly_call(j->calls, 0);
		m->broken_off |= j->broken_off;
		if (m->record.text[FIELD_ID].n == 0) {
			m->record.text[FIELD_ID] = hold_record_id(j, &h);
			m->record.present |= (uint64_t)1 << FIELD_ID;
		}
		if (m->record.text[FIELD_CUSTOMER].n == 0) {
			m->record.text[FIELD_CUSTOMER] = h.customer;
			m->record.present |= (uint64_t)1 << FIELD_CUSTOMER;
		}
		struct text usage = m->record.text[FIELD_ID];
		rc = hold_can_end(w->spending, h.id, "settled", usage, e);
		if (rc == 0)
			rc = take_items(w, j, now, e);
		if (rc == 0 && ingest_counts(w->in)->quarantined)
			rc = err_set(e, ERR_INVALID,
				     "the usage record was refused; the hold stays "
				     "open");
		/* how it counts is seen from the record */
		if (rc == 0)
			rc = hold_end(w->spending, h.id, "settled", ingest_last_id(w->in), now, e);
		if (rc == 0)
			rc = standing_of(w->spending, h.customer, h.currency, now, &st, e);
		if (rc == 0 && (rc = hold_find(w->store, h.id, &h, &j->arena, e)) == 0) {
			j->status = 200;
			buf_puts(&j->answer, "{");
			put_hold(&j->answer, &h, &st, j->customer);
			buf_puts(&j->answer, ",\"usage\":");
			json_put_string(&j->answer, usage);
			buf_puts(&j->answer, ",\"items\":[");
			buf_add(&j->answer, w->items.json.p, w->items.json.n);
			buf_puts(&j->answer, "]}\n");
		}
	}
	return rc;
}

static int take_release(struct writer *w, struct job *j, struct instant now, struct err *e)
{
	struct hold h;
	int rc = find_hold(w, j, j->hold_id, &h, e);
	if (rc == 0)
		rc = hold_end(w->spending, h.id, "released", TEXT(""), now, e);
	if (rc == 0)
		rc = hold_find(w->store, h.id, &h, &j->arena, e);
	if (rc == 0) {
		j->status = 200;
		buf_puts(&j->answer, "{");
		put_hold(&j->answer, &h, NULL, j->customer);
		buf_puts(&j->answer, "}\n");
	}
	return rc;
}

/* --- the thread --- */

static bool is_store_failure(const struct err *e)
{
	return e->code == ERR_STORE || e->code == ERR_BUSY || e->code == ERR_SYSTEM;
}

static int find_row(struct writer *w, struct job *j, struct err *e)
{
	struct known_id known = { 0 };
	int rc = store_find(w->store, j->record_id, &known, e);
	j->first = known.first;
	j->status = 200;
	return rc;
}

/* One job inside the transaction. What is wrong with the job itself is its answer; the others go
 * on. */
static int take_job(struct writer *w, struct job *j, struct instant now, struct err *e)
{
	struct err own = { 0 };
	int rc;
	if (j->kind == JOB_USAGE)
		return take_usage(w, j, now, e);
	if (j->kind == JOB_FIND)
		return find_row(w, j, e);
	if (j->kind == JOB_PROBE) {
		rc = store_probe(w->store, now, e);
		j->status = 200;
		j->answer.n = 0;
		buf_puts(&j->answer, "{\"ready\":true}\n");
		/* others of the transaction may still find room */
		if (rc == 0 && db_room(store_db(w->store), &own) != 0)
			put_error(j, &own);
		return rc;
	}
	rc = j->kind == JOB_HOLD     ? take_hold(w, j, now, &own)
	     : j->kind == JOB_SETTLE ? take_settlement(w, j, now, &own)
				     : take_release(w, j, now, &own);
	if (rc != 0 && is_store_failure(&own)) {
		*e = own;
		return rc;
	}
	if (rc != 0)
		put_error(j, &own);
	return 0;
}

static void count(struct writer_stats *s, const struct ingest_counts *c)
{
	atomic_fetch_add(&s->accepted, c->accepted);
	atomic_fetch_add(&s->duplicates, c->duplicates);
	atomic_fetch_add(&s->conflicts, c->conflicts);
	atomic_fetch_add(&s->quarantined, c->quarantined);
	atomic_fetch_add(&s->unpriced, c->unpriced);
}

static void add_counts(struct ingest_counts *to, const struct ingest_counts *c)
{
	to->accepted += c->accepted;
	to->duplicates += c->duplicates;
	to->conflicts += c->conflicts;
	to->quarantined += c->quarantined;
	to->unpriced += c->unpriced;
}

/* What the jobs' usage draws belongs to the same transaction as the usage. */
static int draw_credits(struct writer *w, struct instant now, struct err *e)
{
	struct draw_counts counts;
	bool behind;
	int rc = store_flush(w->store, e);
	if (rc == 0)
		rc = drawer_is_behind(w->drawer, now, &behind, e);
	if (rc == 0 && behind)
		rc = drawer_sweep(w->drawer, now, &counts, e);
	return rc == 0 ? ledger_end(w->ledger, e) : rc;
}

/* The ids of a job, ahead of its turn; a settlement's are known only then. */
static void prefetch(struct writer *w, struct job *j, struct instant now)
{
	if (j->kind != JOB_USAGE)
		return;
	ingest_next_source(w->in, j->customer, now, &w->items);
	for (size_t i = 0; i < j->item_count; i++) {
		struct job_item *it = &j->item[i];
		const struct metered *m = it->refused ? NULL : assembly_call(j->calls, it->call);
		if (!m || is_foreign(j, m))
			continue;
		if (!it->id.n) {
			const struct text id = ingest_id(w->in, m);
			it->id = m->record.text[FIELD_ID].n ? id : keep(j, id.p, id.n);
		}
		ingest_prefetch(w->in, m, it->id);
	}
}

/* The series of the records of jobs, once their ids are known. */
static int make_series(struct writer *w, struct job *list, struct instant now, struct err *e)
{
	int rc = 0;
	for (struct job *j = list; rc == 0 && j; j = j->next) {
		if (j->kind != JOB_USAGE)
			continue;
		ingest_next_source(w->in, j->customer, now, &w->items);
		for (size_t i = 0; rc == 0 && i < j->item_count; i++) {
			const struct job_item *it = &j->item[i];
			const struct metered *m =
				it->refused ? NULL : assembly_call(j->calls, it->call);
			if (m && !is_foreign(j, m))
				rc = ingest_want_series(w->in, m, it->id, e);
		}
	}
	return rc == 0 ? store_make_series(w->store, e) : rc;
}

/* Whether each record of the job is told from others by its id. */
static bool stands_alone(const struct job *j)
{
	for (size_t i = 0; i < j->item_count; i++)
		if (!j->item[i].refused &&
		    !metered_stands_alone(assembly_call(j->calls, j->item[i].call)))
			return false;
	return true;
}

/* Whether all that the jobs do is to append records, which others may do at the same time. */
static int only_append(struct writer *w, const struct job *list, bool *out, struct err *e)
{
	bool draws;
	*out = false;
	for (const struct job *j = list; j; j = j->next)
		/* an id of a customer's own may be in the common space as well, and others write
		 * there */
		if (j->kind != JOB_USAGE || j->customer || !stands_alone(j))
			return 0;
	if (!db_on_server(store_db(w->store)))
		return 0;
	int rc = drawer_has_accounts(w->drawer, &draws, e);
	*out = rc == 0 && !draws;
	return rc;
}

/* All jobs of the list in one transaction; beside: what others append meanwhile does not matter. */
static int take_list(struct writer *w, struct job *list, bool beside, struct instant now,
		     struct ingest_counts *sum, struct err *e)
{
	*sum = (struct ingest_counts){ 0 };
	for (struct job *j = list; j; j = j->next)
		prefetch(w, j, now);
	int rc = beside ? store_begin_beside(w->store, now, &beside, e)
			: store_begin(w->store, now, e);
	if (rc != 0)
		return rc;
	if (!beside)
		rc = ledger_begin(w->ledger, e);
	const bool renames = w->renames && !beside;
	if (rc == 0 && renames)
		rc = hold_rename(w->store, now, e);
	if (rc == 0 && db_on_server(store_db(w->store)))
		rc = make_series(w, list, now, e);
	for (struct job *j = list; rc == 0 && j; j = j->next) {
		rc = take_job(w, j, now, e);
		if (j->kind == JOB_USAGE || j->kind == JOB_SETTLE) {
			const struct ingest_counts c = counts_of(w, j);
			add_counts(sum, &c);
		}
	}
	if (rc == 0 && !beside)
		rc = draw_credits(w, now, e);
	if (rc == 0 && !beside)
		rc = rollup_catch_up(w->store, ROLLUP_LAG_MOST, e);
	if (rc == 0) {
		rc = store_commit(w->store, e);
		w->renames &= rc != 0 || !renames;
		return rc;
	}
	store_rollback(w->store);
	return rc;
}

static void roll_up(struct writer *w, struct instant now)
{
	struct err e = { 0 };
	if (rollup_catch_up_beside(w->store, ROLLUP_LAG_MOST, now, &e) != 0)
		w->o.log(w->o.user, "store_failed", e.message);
}

static void forget_all(struct writer *w)
{
	ingest_back_to_mark(w->in);
	ledger_forget(w->ledger);
	drawer_forget(w->drawer);
	spending_close(w->spending);
	w->spending = spending_open(w->store);
	spending_keep_held(w->spending);
}

/* The end of each job: its answer, or why there is none. */
static void answer_all(struct writer *w, struct job *list, const struct err *why)
{
	for (struct job *j = list, *next; j; j = next) {
		next = j->next;
		if (why)
			put_error(j, why);
		atomic_fetch_sub(&w->stats.jobs_waiting, 1);
		atomic_fetch_sub(&w->stats.bytes_waiting, (int64_t)j->bytes);
		j->done(j);
	}
}

/* The prices of now, between two transactions; usage that no card covered may be covered by them.
 */
static void renew_prices(struct writer *w)
{
	const struct book *now = shelf_take(w->o.shelf), *before = w->book;
	if (now != before) {
		ingest_use_book(w->in, now);
		drawer_use_book(w->drawer, now);
		drawer_look_again(w->drawer);
		store_use_book(w->store, now);
		w->renames = true;
	}
	w->book = now;
	shelf_give(w->o.shelf, before);
}

/* A list of jobs, and their answers after it. */
static int take_jobs(struct writer *w, struct job *list)
{
	struct err e = { 0 };
	struct instant now = clock_now();
	struct ingest_counts sum;
	int64_t began_us = clock_monotonic_us();
	bool beside;
	renew_prices(w);
	int rc = only_append(w, list, &beside, &e);
	if (rc == 0)
		rc = take_list(w, list, beside, now, &sum, &e);
	/* what turned out to be more than that is done in turn */
	if (rc != 0 && beside && e.code == ERR_BUSY) {
		forget_all(w);
		e.code = ERR_NONE;
		rc = take_list(w, list, false, now, &sum, &e);
	}
	if (rc != 0) {
		forget_all(w);
		atomic_fetch_add(&w->stats.failures, 1);
		w->o.log(w->o.user, "store_failed", e.message);
	} else {
		count(&w->stats, &sum);
		atomic_fetch_add(&w->stats.commits, 1);
		atomic_fetch_add(&w->stats.commit_us, clock_monotonic_us() - began_us);
		atomic_store(&w->stats.rows, store_last_seq(w->store));
	}
	answer_all(w, list, rc != 0 ? &e : NULL);
	if (rc == 0 && beside && (w->appended += sum.accepted) > ROLLUP_LAG_MOST / 4) {
		w->appended = 0;
		roll_up(w, now);
	}
	return rc;
}

/* Holds whose time is over, and rollups. */
static int tidy_rows(struct writer *w, struct instant now, struct err *e)
{
	int64_t rolled, expired = 0;
	int rc = rollup_rolled_to(w->store, &rolled, e);
	if (rc == 0)
		rc = store_begin(w->store, now, e);
	if (rc != 0)
		return rc;
	rc = hold_expire(w->spending, now, &expired, e);
	if (rc == 0)
		rc = rollup_catch_up(w->store, 0, e);
	if (rc == 0 && (expired || rolled != store_last_seq(w->store)))
		return store_commit(w->store, e);
	store_rollback(w->store);
	return rc;
}

/* Credits that begin, end or come again by themselves; an account that cannot is left out. */
static int tidy_ledger(struct writer *w, struct instant now, struct err *e)
{
	struct draw_counts counts = { 0 };
	int rc = store_begin(w->store, now, e);
	if (rc != 0)
		return rc;
	rc = ledger_begin(w->ledger, e);
	if (rc == 0)
		rc = drawer_sweep(w->drawer, now, &counts, e);
	bool moved = ledger_moved(w->ledger) || counts.rows || counts.left_out;
	if (rc == 0)
		rc = ledger_end(w->ledger, e);
	if (rc == 0 && moved) {
		rc = store_commit(w->store, e);
	} else {
		store_rollback(w->store);
		ledger_forget(w->ledger);
		drawer_forget(w->drawer);
	}
	return rc;
}

/* What can wait until nobody does; what fails of it does not keep the rest from being done. */
static void tidy(struct writer *w)
{
	renew_prices(w);
	int (*const parts[])(struct writer *, struct instant, struct err *) = { tidy_rows,
										tidy_ledger };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		struct err e = { 0 };
		if (parts[i](w, clock_now(), &e) != 0)
			w->o.log(w->o.user, "store_failed", e.message);
	}
}

/* A list of jobs that make one transaction, taken off the queue. */
static struct job *next_jobs(struct writer *w)
{
	struct job *list = w->first, *j = list;
	size_t records = 0;
	for (; j; j = j->next) {
		records += j->item_count + 1;
		if (!j->next || records >= RECORDS_A_COMMIT)
			break;
	}
	w->first = j ? j->next : NULL;
	if (!w->first)
		w->last = &w->first;
	if (j)
		j->next = NULL;
	return list;
}

static void *run(void *arg)
{
	struct writer *w = arg;
	static const struct err stopping = { .code = ERR_BUSY,
					     .message = "the server is stopping; try again" };
	bool tidied = false;
	int rc = 0;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		if (w->first) {
			struct job *list = next_jobs(w);
			/* a database that could not be written is waited for once, not once a list
			 */
			bool refuse = w->stop && rc != 0;
			pthread_mutex_unlock(&w->lock);
			if (refuse)
				answer_all(w, list, &stopping);
			else
				rc = take_jobs(w, list);
			tidied = false;
			pthread_mutex_lock(&w->lock);
			continue;
		}
		if (w->stop)
			break;
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += IDLE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0 && !w->first) {
			pthread_mutex_unlock(&w->lock);
			/* holds expire even when nothing else happens */
			static const int every = 4;
			static _Thread_local int turn;
			if (!tidied || ++turn % every == 0)
				tidy(w);
			tidied = true;
			pthread_mutex_lock(&w->lock);
		}
	}
	pthread_mutex_unlock(&w->lock);
	if (rc == 0)
		tidy(w);
	return NULL;
}

int writer_open(struct writer **out, const struct writer_options *o, struct err *e)
{
	struct writer *w = mem_zalloc(sizeof *w);
	const struct book *book = shelf_take(o->shelf);
	const struct ingest_options io = { .book = book,
					   .currency = o->currency,
					   .ahead_us_most = AHEAD_DAYS_MOST * US_PER_DAY,
					   .behind_us_most = BEHIND_DAYS_MOST * US_PER_DAY,
					   .by_completion = o->by_completion };
	w->o = *o;
	w->book = book;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	int rc = store_open(&w->store, o->path, DB_CREATE, e);
	if (rc == 0)
		rc = store_read_ids(w->store, e);
	if (rc == 0) {
		w->in = ingest_open(w->store, &io, "http", put_item, NULL);
		rc = ledger_open(&w->ledger, w->store, e);
	}
	if (rc == 0)
		rc = drawer_open(&w->drawer, w->ledger, w->book, e);
	if (rc == 0) {
		store_use_book(w->store, w->book);
		w->renames = true;
		w->spending = spending_open(w->store);
		spending_keep_held(w->spending);
		atomic_store(&w->stats.rows, store_last_seq(w->store));
		if (pthread_create(&w->thread, NULL, run, w) != 0)
			rc = err_set(e, ERR_SYSTEM, "no thread could be started");
	}
	if (rc != 0) {
		ingest_close(w->in);
		spending_close(w->spending);
		drawer_close(w->drawer);
		ledger_close(w->ledger);
		store_close(w->store);
		shelf_give(o->shelf, w->book);
		free(w);
		return rc;
	}
	*out = w;
	return 0;
}

void writer_stop(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	bool again = w->stop;
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (!again)
		pthread_join(w->thread, NULL);
}

void writer_close(struct writer *w)
{
	if (!w)
		return;
	writer_stop(w);
	ingest_close(w->in);
	spending_close(w->spending);
	drawer_close(w->drawer);
	ledger_close(w->ledger);
	store_close(w->store);
	shelf_give(w->o.shelf, w->book);
	buf_release(&w->items.json);
	buf_release(&w->items.reason);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
}

bool writer_submit(struct writer *w, struct job *j)
{
	/* a document that was read is so much larger at most */
	j->bytes += sizeof *j + (j->json ? JSON_GROWS : 1) * j->request.n;
	pthread_mutex_lock(&w->lock);
	bool room = !w->stop && (size_t)atomic_load(&w->stats.jobs_waiting) < w->o.jobs_most &&
		    ((size_t)atomic_load(&w->stats.bytes_waiting) + j->bytes <= w->o.bytes_most ||
		     !w->first);
	if (room) {
		atomic_fetch_add(&w->stats.jobs_waiting, 1);
		atomic_fetch_add(&w->stats.bytes_waiting, (int64_t)j->bytes);
		j->next = NULL;
		*w->last = j;
		w->last = &j->next;
		pthread_cond_signal(&w->wake);
	} else {
		atomic_fetch_add(&w->stats.refused_busy, 1);
	}
	pthread_mutex_unlock(&w->lock);
	return room;
}

/* Whoever waits for a job. */
struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
};

static void wake_waiting(struct job *j)
{
	struct waiting *x = j->user;
	pthread_mutex_lock(&x->lock);
	x->done = true;
	pthread_cond_signal(&x->wake);
	pthread_mutex_unlock(&x->lock);
}

int writer_find(void *writer, struct text id, int64_t *first, struct err *e)
{
	struct waiting x = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
	struct job *j = job_open(JOB_FIND);
	j->record_id = keep(j, id.p, id.n);
	j->done = wake_waiting;
	j->user = &x;
	const bool taken = writer_submit(writer, j);
	pthread_mutex_lock(&x.lock);
	while (taken && !x.done)
		pthread_cond_wait(&x.wake, &x.lock);
	pthread_mutex_unlock(&x.lock);
	const bool found = taken && j->status == 200;
	*first = found ? j->first : 0;
	job_close(j);
	return found ? 0 : err_set(e, ERR_BUSY, "the index of ids could not be asked; try again");
}

const struct writer_stats *writer_stats(const struct writer *w)
{
	return &w->stats;
}
