#include "meter/ledger/draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "base/json.h"
#include "base/zone.h"
#include "meter/store/archived.h"
#include "pricing/tariffs.h"
#include "meter/ledger/hours.h"
#include "meter/store/sums_sql.h"

/* A plan, opened once for all accounts that have it. */
struct opened_plan {
	struct plan_file *file;
	const struct plan *plan;
	struct tariffs *tariffs;
};

enum { PLANS_MOST = 16, SERIES_MOST = 1 << 28 };

/* What is known of an account. */
struct plan_of {
	int64_t account;
	struct {
		size_t opened; /* its place */
		int64_t until_us;
	} version[PLANS_MOST]; /* one after another */
	size_t versions;
	struct hours hours;
	bool has_borders; /* of this sweep */
};

/* What an account's usage of one local day, series and rate comes to. */
struct day_cell {
	int64_t account, day, series, rate;
	int64_t records, requests, tokens[BUCKET_COMMON];
	struct credits_total sum;
};

/* What an account's usage of one hour comes to, or of a part of it. */
struct cell {
	int64_t account, from_us, to_us;
	struct credits_total sum;
	int64_t at_us, first, last; /* latest instant; rows */
};

/* What is known of a series in a sweep: who draws under what, and what its last row went into. */
struct drawn_series {
	int64_t number;
	const struct account *account; /* NULL: none */
	int64_t after, since_us;       /* rows behind that one draw, and calls from then on */
	bool ready;		       /* the rest is known */
	size_t plan;		       /* its place */
	struct tariffs *tariffs;       /* NULL: it had other plans, and each row is looked at */
	struct subject *subject;
	size_t cell, day; /* 1 + their places; 0: none yet */
};

struct drawer {
	struct ledger *ledger;
	const struct book *book;
	struct opened_plan *opened;
	size_t opened_count;
	struct dict by_plan; /* its name and file to 1 + its place */
	struct plan_of *plan;
	size_t plans;
	/* of a sweep */
	size_t *by_series; /* the number of a series, which are given out one by one, to 1 + place
			    */
	size_t by_series_room;
	struct drawn_series *series;
	size_t serieses;
	struct dict by_account; /* account to 1 + place of its plan */
	struct dict by_cell;
	struct cell *cell;
	size_t cells;
	struct dict by_day;
	struct day_cell *day;
	size_t days;
	struct dict rates; /* text of rates to its number */
	struct draw_counts *counts;
	bool again;	    /* what waits is looked at, too */
	int64_t repair;	    /* an account that gives back what is left; 0: none */
	struct dict faults; /* accounts that are left out */
	struct err *e;
};

int drawer_open(struct drawer **out, struct ledger *l, const struct book *book, struct err *e)
{
	(void)e;
	struct drawer *d = mem_zalloc(sizeof *d);
	d->ledger = l;
	d->book = book;
	*out = d;
	return 0;
}

static void close_plans(struct drawer *d)
{
	for (size_t i = 0; i < d->plans; i++) {
		zone_close(d->plan[i].hours.zone);
		hours_release(&d->plan[i].hours);
	}
	for (size_t i = 0; i < d->opened_count; i++) {
		tariffs_close(d->opened[i].tariffs);
		plan_file_close(d->opened[i].file);
	}
	d->plans = d->opened_count = 0;
	dict_clear(&d->by_plan);
	dict_clear(&d->by_account);
	dict_clear(&d->rates);
}

static void forget_series(struct drawer *d)
{
	for (size_t i = 0; i < d->serieses; i++)
		d->by_series[d->series[i].number] = 0;
	d->serieses = 0;
}

void drawer_forget(struct drawer *d)
{
	close_plans(d);
	forget_series(d);
}

void drawer_use_book(struct drawer *d, const struct book *book)
{
	drawer_forget(d);
	d->book = book;
}

void drawer_look_again(struct drawer *d)
{
	d->again = true;
}

void drawer_repair(struct drawer *d, int64_t account)
{
	d->repair = account;
}

void drawer_close(struct drawer *d)
{
	if (!d)
		return;
	close_plans(d);
	free(d->plan);
	free(d->opened);
	free(d->series);
	free(d->cell);
	free(d->day);
	free(d->by_series);
	dict_release(&d->by_account);
	dict_release(&d->by_plan);
	dict_release(&d->by_cell);
	dict_release(&d->by_day);
	dict_release(&d->rates);
	dict_release(&d->faults);
	free(d);
}

/* A shipped plan by its name, or the one that was given with the account. */
static int open_plan(struct text name, struct text file, struct opened_plan *p, struct err *e)
{
	if (file.n == 0)
		return plan_open(&p->file, &p->plan, name.p, e);
	int rc = plan_file_parse(&p->file, file, "the account's plan", e);
	for (size_t i = 0; rc == 0 && i < plan_file_count(p->file); i++)
		if (text_is(name, plan_name(plan_file_plan(p->file, i))))
			p->plan = plan_file_plan(p->file, i);
	if (rc == 0 && !p->plan)
		rc = err_set(e, ERR_NOT_FOUND, "the account's plan '%.*s' is not in its file",
			     (int)name.n, name.p);
	return rc;
}

static int need_plan(struct drawer *d, struct text name, struct text file, size_t *place,
		     struct err *e)
{
	struct buf key = { 0 };
	struct opened_plan p = { 0 };
	buf_add(&key, name.p, name.n);
	buf_add(&key, "", 1);
	const size_t n = key.n;
	buf_add(&key, file.n ? file.p : "", file.n);
	const uint64_t *known = dict_find(&d->by_plan, (struct text){ key.p, key.n });
	int rc = known ? 0 : open_plan((struct text){ key.p, n - 1 }, file, &p, e);
	if (rc == 0 && !known) {
		p.tariffs = tariffs_open(d->book, p.plan, plan_currency(p.plan));
		d->opened = mem_grow(d->opened, (d->opened_count + 1) * sizeof *d->opened);
		d->opened[d->opened_count++] = p;
		*dict_need(&d->by_plan, (struct text){ key.p, key.n }, NULL) = d->opened_count;
	}
	if (rc == 0)
		*place = (known ? *known : d->opened_count) - 1;
	else
		plan_file_close(p.file);
	buf_release(&key);
	return rc;
}

static const struct sql sql_plans_before = {
	.text = "SELECT until,plan,plan_text FROM credit_plan_before WHERE account=:account "
		"ORDER BY until",
};

/* Those that the account had, then the one that it has. */
static int need_versions(struct drawer *d, const struct account *a, struct plan_of *p,
			 struct err *e)
{
	struct db *db = store_db(ledger_store(d->ledger));
	struct query *q;
	int rc = db_statement(db, &sql_plans_before, &q, e), more = 0;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	while (rc == 0 && p->versions + 1 < PLANS_MOST && (more = db_step(db, q, e)) == 1) {
		p->version[p->versions].until_us = db_int(q, 0);
		rc = need_plan(d, db_text(q, 1), db_text(q, 2), &p->version[p->versions++].opened,
			       e);
	}
	db_reset(q);
	if (rc == 0)
		rc = more < 0 ? more : 0;
	p->version[p->versions].until_us = INT64_MAX;
	return rc == 0 ? need_plan(d, a->plan, a->plan_text, &p->version[p->versions++].opened, e)
		       : rc;
}

/* The plan of usage at that instant. */
static const struct opened_plan *plan_at(const struct drawer *d, const struct plan_of *p,
					 int64_t us)
{
	size_t k = 0;
	while (us >= p->version[k].until_us && k + 1 < p->versions)
		k++;
	return &d->opened[p->version[k].opened];
}

static int plan_for(struct drawer *d, const struct account *a, struct plan_of **out, struct err *e)
{
	const struct text key = { (const char *)&a->id, sizeof a->id };
	const uint64_t *known = dict_find(&d->by_account, key);
	if (known) {
		*out = &d->plan[*known - 1];
		return 0;
	}
	struct plan_of p = { .account = a->id };
	int rc = need_versions(d, a, &p, e);
	if (rc == 0)
		rc = zone_open(&p.hours.zone, a->zone.p, e);
	if (rc != 0)
		return rc;
	d->plan = mem_grow(d->plan, (d->plans + 1) * sizeof *d->plan);
	d->plan[d->plans] = p;
	*out = &d->plan[d->plans++];
	*dict_need(&d->by_account, key, NULL) = d->plans;
	return 0;
}

/*
 * Credits of one row, whose counts are u, at the instant under which it is priced. used: the rates
 * behind them; may be NULL. Errors: ERR_UNPRICED when it is not covered, or when it is a bucket of
 * time that has no rates of its own.
 */
static int rate(struct tariffs *t, const struct usage_row *row, struct usage *u,
		struct credits_total *out, struct credit_rates *used, struct err *e)
{
	const struct record *r = &row->record;
	struct subject *s = tariffs_subject(t, r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
					    r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION]);
	const int64_t requests = u->requests;
	if (row->flags & USAGE_AGGREGATE &&
	    !tariffs_same_credits(t, s, r->time_us, r->completed_us))
		return err_set(e, ERR_UNPRICED,
			       "a time bucket over hours with different credit rates: how much "
			       "fell into which is unknown");
	const struct credited what = { s, usage_row_decides_us(row), u };
	const struct tariff_answer *a = tariffs_ask(t, s, what.time_us);
	/* how long each prompt of a bucket was is not told */
	if (row->flags & USAGE_AGGREGATE && a->credits_by_prompt && requests < 2) {
		struct credits_total any;
		u->requests = 2;
		int rc = tariffs_credits(t, a, &what, &any, NULL, e);
		u->requests = requests;
		if (rc != 0)
			return rc;
	}
	return tariffs_credits(t, a, &what, out, used, e);
}

static int rate_row(struct drawer *d, const struct account *a, const struct usage_row *row,
		    struct credits_total *out, struct credit_rates *used, struct err *e)
{
	struct plan_of *p;
	struct usage u = { .requests = row->record.requests };
	memcpy(u.counts, row->record.counts, sizeof u.counts);
	int rc = plan_for(d, a, &p, e);
	return rc == 0 ? rate(plan_at(d, p, row->record.time_us)->tariffs, row, &u, out, used, e)
		       : rc;
}

int drawer_credits(struct drawer *d, const struct account *a, const struct usage_row *row,
		   struct credits_total *out, struct err *e)
{
	return rate_row(d, a, row, out, NULL, e);
}

int drawer_rates(struct drawer *d, const struct account *a, const struct usage_row *row,
		 struct credit_rates *out, struct err *e)
{
	struct credits_total ignored;
	return rate_row(d, a, row, &ignored, out, e);
}

int drawer_plan(struct drawer *d, const struct account *a, struct instant at,
		const struct plan **out, struct err *e)
{
	struct plan_of *p;
	int rc = plan_for(d, a, &p, e);
	*out = rc == 0 ? plan_at(d, p, at.us)->plan : NULL;
	return rc;
}

int drawer_credits_for(struct drawer *d, const struct account *a, struct money amount,
		       struct text currency, struct credits_total *out, struct err *e)
{
	struct plan_of *p;
	struct decimal product;
	int rc = plan_for(d, a, &p, e);
	if (rc != 0)
		return rc;
	const struct plan *plan = plan_at(d, p, INT64_MAX)->plan;
	if (!text_is(currency, plan_currency(plan)))
		return err_set(e, ERR_INVALID, "the account's plan counts in %s, not %.*s",
			       plan_currency(plan), (int)currency.n, currency.p);
	if (!decimal_multiply((struct decimal){ amount.pico, MONEY_PLACES },
			      plan_credits_per_unit(plan), &product) ||
	    product.scale > MONEY_TOTAL_PLACES)
		return err_set(e, ERR_RANGE, "the amount is not an exact number of credits");
	out->atto = product.digits;
	for (int i = product.scale; i < MONEY_TOTAL_PLACES; i++)
		if (__builtin_mul_overflow(out->atto, 10, &out->atto))
			return err_set(e, ERR_RANGE, "the amount is too large");
	return 0;
}

static bool is_at_fault(const struct drawer *d, int64_t account)
{
	return dict_find(&d->faults, (struct text){ (const char *)&account, sizeof account });
}

static bool known_series(const struct drawer *d, int64_t series, struct drawn_series **out)
{
	const bool known =
		series >= 0 && (size_t)series < d->by_series_room && d->by_series[series] != 0;
	if (known)
		*out = &d->series[d->by_series[series] - 1];
	return known;
}

/* The series with its account; customer: where it is not asked for the first time, not needed. */
static int series_of(struct drawer *d, int64_t series, struct text customer,
		     struct drawn_series **out, struct err *e)
{
	const struct account *account;
	if (known_series(d, series, out))
		return 0;
	if (series < 0 || series > SERIES_MOST)
		return err_set(e, ERR_STORE, "there is no series %lld", (long long)series);
	int rc = ledger_find_account(d->ledger, customer, &account, e);
	if (rc != 0)
		return rc;
	if ((d->serieses & (d->serieses - 1)) == 0)
		d->series = mem_grow(d->series,
				     (d->serieses ? d->serieses * 2 : 64) * sizeof *d->series);
	if ((size_t)series >= d->by_series_room) {
		const size_t was = d->by_series_room;
		d->by_series_room = (size_t)series * 2 + 64;
		d->by_series = mem_grow(d->by_series, d->by_series_room * sizeof *d->by_series);
		memset(d->by_series + was, 0, (d->by_series_room - was) * sizeof *d->by_series);
	}
	const bool draws =
		account && !account->byo && !(d->faults.count && is_at_fault(d, account->id));
	*out = &d->series[d->serieses++];
	**out = (struct drawn_series){ .number = series,
				       .account = account,
				       .after = draws ? account->drawn_to : INT64_MAX,
				       .since_us = draws ? account->since.us : INT64_MAX };
	d->by_series[series] = d->serieses;
	return 0;
}

static int account_of(struct drawer *d, int64_t series, struct text customer,
		      const struct account **out, struct err *e)
{
	struct drawn_series *of;
	int rc = series_of(d, series, customer, &of, e);
	*out = rc == 0 ? of->account : NULL;
	return rc;
}

static int need_borders(struct drawer *d, struct plan_of *p, struct err *e)
{
	int rc = p->has_borders
			 ? 0
			 : hours_read(&p->hours, store_db(ledger_store(d->ledger)), p->account, e);
	p->has_borders = rc == 0;
	return rc;
}

/* The part of an hour that an instant is in. */
static struct cell *cell_of(struct drawer *d, struct plan_of *p, int64_t us)
{
	struct instant from, to;
	hours_part(&p->hours, us, &from, &to);
	const int64_t key[2] = { p->account, from.us };
	uint64_t *at = dict_need(&d->by_cell, (struct text){ (const char *)key, sizeof key }, NULL);
	if (!*at) {
		if ((d->cells & (d->cells - 1)) == 0)
			d->cell =
				mem_grow(d->cell, (d->cells ? d->cells * 2 : 64) * sizeof *d->cell);
		d->cell[d->cells] = (struct cell){ .account = p->account,
						   .from_us = from.us,
						   .to_us = to.us,
						   .at_us = INT64_MIN };
		*at = ++d->cells;
	}
	return &d->cell[*at - 1];
}

static void add_to_cell(struct cell *c, int64_t seq, int64_t us, struct credits_total credits)
{
	c->sum.atto += credits.atto;
	c->at_us = us > c->at_us ? us : c->at_us;
	c->first = c->first && c->first < seq ? c->first : seq;
	c->last = seq > c->last ? seq : c->last;
}

static const struct sql sql_find_rate = {
	.text = "SELECT id FROM credit_rate WHERE rates=:rates",
};
static const struct sql sql_add_rate = {
	.text = "INSERT INTO credit_rate(rates) VALUES(:rates) RETURNING id",
};

/* The number of those rates in the database. */
static int rate_number(struct drawer *d, const struct credit_rates *r, int64_t *out, struct err *e)
{
	struct db *db = store_db(ledger_store(d->ledger));
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	struct query *q;
	/* for a million tokens: 12 decimals of the 1e-18 that one token has */
	buf_puts(&b, r->scope == SCOPE_NONE ? "{\"linear\":true" : "{\"linear\":false");
	for (int k = 0; k < BUCKET_COMMON; k++)
		if (r->known >> k & 1) {
			decimal_format_fixed(text, r->atto_per_token[k], 12);
			buf_printf(&b, ",\"%s\":\"%s\"", bucket_name((enum bucket)k), text);
		}
	if (r->atto_per_request) {
		decimal_format_fixed(text, r->atto_per_request, 18);
		buf_printf(&b, ",\"request\":\"%s\"", text);
	}
	buf_puts(&b, "}");
	uint64_t *known = dict_need(&d->rates, (struct text){ b.p, b.n }, NULL);
	int rc = 0;
	if (!*known) {
		rc = db_statement(db, &sql_find_rate, &q, e);
		if (rc == 0) {
			db_bind_text(q, ":rates", (struct text){ b.p, b.n });
			rc = db_step(db, q, e);
			*known = rc == 1 ? (uint64_t)db_int(q, 0) : 0;
			rc = rc < 0 ? rc : 0;
			db_reset(q);
		}
	}
	if (rc == 0 && !*known) {
		rc = db_statement(db, &sql_add_rate, &q, e);
		if (rc == 0) {
			db_bind_text(q, ":rates", (struct text){ b.p, b.n });
			int64_t id = 0;
			rc = db_returned(db, q, &id, e);
			*known = (uint64_t)id;
		}
	}
	*out = (int64_t)*known;
	buf_release(&b);
	return rc;
}

static struct day_cell *day_of(struct drawer *d, int64_t account, int64_t day, int64_t series,
			       int64_t rate)
{
	const int64_t key[4] = { account, day, series, rate };
	uint64_t *at = dict_need(&d->by_day, (struct text){ (const char *)key, sizeof key }, NULL);
	if (!*at) {
		if ((d->days & (d->days - 1)) == 0)
			d->day = mem_grow(d->day, (d->days ? d->days * 2 : 64) * sizeof *d->day);
		d->day[d->days] =
			(struct day_cell){ account, day, series, rate, 0, 0, { 0 }, { 0 } };
		*at = ++d->days;
	}
	return &d->day[*at - 1];
}

/* The day's sums for invoices. */
static int add_to_day(struct drawer *d, struct plan_of *p, const struct usage_row *row,
		      const struct credit_rates *rates, struct credits_total credits, struct err *e)
{
	const struct record *r = &row->record;
	int64_t number;
	int rc = rate_number(d, rates, &number, e);
	if (rc != 0)
		return rc;
	struct day_cell *c =
		day_of(d, p->account, hours_day(&p->hours, r->time_us), row->series, number);
	c->records += row->kind == USAGE_REVERSAL ? -1 : 1;
	c->requests += r->requests;
	for (int b = 0; b < BUCKET_COMMON; b++)
		c->tokens[b] += r->tokens[b];
	c->sum.atto += credits.atto;
	return 0;
}

static const struct sql sql_day = {
	.text = "SELECT nano,rest FROM credit_day WHERE account=:account AND day=:day "
		"AND series=:series AND rate=:rate",
};
static const struct sql sql_add_day = {
	.text = "INSERT INTO credit_day VALUES(:account,:day,:series,:rate," SUM_VALUES
		",:nano,:rest) ON CONFLICT(account,day,series,rate) DO UPDATE SET " ADD_SUMS(
			"credit_day") ",nano=excluded.nano,rest=excluded.rest",
};

static int write_days(struct drawer *d, struct err *e)
{
	static const char *const bucket_parameter[BUCKET_COMMON] = {
		":input",	   ":cache_read", ":cache_write_5m",
		":cache_write_1h", ":output",	  ":reasoning"
	};
	struct db *db = store_db(ledger_store(d->ledger));
	struct query *q;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->days; i++) {
		const struct day_cell *c = &d->day[i];
		int128 sum = c->sum.atto;
		ledger_work_on(d->ledger, c->account);
		rc = db_statement(db, &sql_day, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":account", c->account);
		db_bind_int(q, ":day", c->day);
		db_bind_int(q, ":series", c->series);
		db_bind_int(q, ":rate", c->rate);
		rc = db_step(db, q, e);
		if (rc == 1)
			sum += (int128)db_int(q, 0) * 1000000000 + db_int(q, 1);
		db_reset(q);
		if (rc >= 0)
			rc = db_statement(db, &sql_add_day, &q, e);
		if (rc != 0)
			return rc;
		int128 nano = sum / 1000000000;
		nano -= sum % 1000000000 < 0;
		if (nano > INT64_MAX / 4 || nano < INT64_MIN / 4)
			return err_set(e, ERR_RANGE, "too many credits in a day");
		db_bind_int(q, ":account", c->account);
		db_bind_int(q, ":day", c->day);
		db_bind_int(q, ":series", c->series);
		db_bind_int(q, ":rate", c->rate);
		db_bind_int(q, ":records", c->records);
		db_bind_int(q, ":requests", c->requests);
		for (int b = 0; b < BUCKET_COMMON; b++)
			db_bind_int(q, bucket_parameter[b], c->tokens[b]);
		db_bind_int(q, ":nano", (int64_t)nano);
		db_bind_int(q, ":rest", (int64_t)(sum - nano * 1000000000));
		rc = db_done(db, q, e);
	}
	return rc;
}

/* Rates as they were stored; what is not in them (how to round) is from `as`. */
static int read_rates(struct text json, struct credit_rates *as, struct err *e)
{
	struct json_document *doc;
	int rc = json_open(&doc, json, e);
	if (rc != 0)
		return rc;
	memset(as->atto_per_token, 0, sizeof as->atto_per_token);
	as->atto_per_request = 0;
	as->known = 0;
	for (json_value *v = json_first(json_root(doc)); rc == 0 && v; v = json_next(v)) {
		struct decimal d;
		const bool request = strcmp(json_key(v), "request") == 0;
		if (json_kind(v) != JSON_STRING)
			continue;
		rc = decimal_parse(&d, json_string(v), e);
		for (int places = request ? 18 : 12; rc == 0 && d.scale < places; d.scale++)
			d.digits *= 10;
		const int b = bucket_by_name(json_key(v), strlen(json_key(v)));
		if (request) {
			as->atto_per_request = d.digits;
		} else if (rc == 0 && b >= 0) {
			as->atto_per_token[b] = d.digits;
			as->known |= 1u << b;
		}
	}
	if (json_true(json_member(json_root(doc), "linear")))
		as->scope = SCOPE_NONE;
	else if (as->scope == SCOPE_NONE)
		rc = err_set(e, ERR_UNPRICED, "the plan's rounding depends on its price cards");
	json_close(doc);
	return rc;
}

/* the rates that usage of a day drew under, and has not given back */
static const struct sql sql_day_rates = {
	.text = "SELECT r.id,r.rates FROM credit_day d JOIN credit_rate r ON r.id=d.rate "
		"WHERE d.account=:account AND d.day=:day AND d.series=:series AND d.records>0 "
		"ORDER BY r.id",
};

/*
 * The rates that the reversed usage drew under: those of its day, whatever cards are at hand now.
 * known: `rates` are what the cards of today say. Errors: ERR_UNPRICED when neither says anything.
 */
static int rates_drawn(struct drawer *d, struct plan_of *p, const struct usage_row *row, bool known,
		       struct credit_rates *rates, struct err *e)
{
	struct db *db = store_db(ledger_store(d->ledger));
	int64_t key[4] = { p->account, hours_day(&p->hours, row->record.time_us), row->series, 0 };
	struct buf stored = { 0 };
	struct query *q;
	int rc = known ? rate_number(d, rates, &key[3], e) : 0;
	if (rc == 0 && known &&
	    dict_find(&d->by_day, (struct text){ (const char *)key, sizeof key }))
		return 0;
	if (rc == 0)
		rc = db_statement(db, &sql_day_rates, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", key[0]);
	db_bind_int(q, ":day", key[1]);
	db_bind_int(q, ":series", key[2]);
	bool same = false;
	while (!same && (rc = db_step(db, q, e)) == 1) {
		struct text t = db_text(q, 1);
		stored.n = 0;
		buf_add(&stored, t.p, t.n);
		same = known && db_int(q, 0) == key[3];
	}
	db_reset(q);
	if (rc >= 0 && !same && stored.n)
		rc = read_rates((struct text){ stored.p, stored.n }, rates, e);
	else if (rc >= 0 && !same && !known)
		rc = err_set(e, ERR_UNPRICED, "there is no record of what was drawn for it");
	buf_release(&stored);
	return rc < 0 ? rc : 0;
}

static int credits_of_row(struct drawer *d, struct plan_of *p, const struct usage_row *row,
			  struct credits_total *out, struct credit_rates *rates, struct err *e)
{
	const int sign = row->kind == USAGE_REVERSAL ? -1 : 1;
	struct err none = { 0 };
	struct usage u = { .requests = sign * row->record.requests };
	for (int k = 0; k < COUNT_TOKENS; k++)
		u.counts[k] = sign * row->record.counts[k];
	struct tariffs *t = plan_at(d, p, row->record.time_us)->tariffs;
	if (sign > 0)
		return rate(t, row, &u, out, rates, e);
	*rates = (struct credit_rates){ 0 };
	int rc = rate(t, row, &u, out, rates, &none);
	if (rc != 0 && none.code != ERR_UNPRICED) {
		*e = none;
		return rc;
	}
	rc = rates_drawn(d, p, row, rc == 0, rates, e);
	if (rc == 0)
		rc = credits_of(rates, u.counts, u.requests, out, e);
	out->atto = -out->atto;
	return rc;
}

/* A row that its account's plan covers is drawn; any other waits until the plan or a card does. */
static int draw_row(struct drawer *d, const struct account *a, const struct usage_row *row,
		    bool *waits)
{
	struct plan_of *p;
	struct credits_total credits;
	struct credit_rates rates;
	struct err why = { 0 };
	bool waited = false;
	*waits = false;
	ledger_work_on(d->ledger, a->id);
	int rc = plan_for(d, a, &p, d->e);
	if (rc == 0)
		rc = need_borders(d, p, d->e);
	/* what drew nothing is reversed by nothing */
	if (rc == 0 && row->kind == USAGE_REVERSAL)
		rc = ledger_drop_reversed(d->ledger, row->of, row->seq, &waited, d->e);
	if (rc != 0 || waited)
		return rc;
	rc = credits_of_row(d, p, row, &credits, &rates, &why);
	if (rc != 0 && why.code != ERR_UNPRICED) {
		*d->e = why;
		return rc;
	}
	if (rc != 0) {
		*waits = true;
		d->counts->uncovered += row->kind != USAGE_REVERSAL;
		return ledger_add_uncovered(d->ledger, a->id, row->seq, why.message, d->e);
	}
	add_to_cell(cell_of(d, p, row->record.time_us), row->seq, row->record.time_us, credits);
	return add_to_day(d, p, row, &rates, credits, d->e);
}

/* Whatever has to be looked at with its names, or is not plain. */
static int draw_whole_row(struct drawer *d, const struct account *a, int64_t seq)
{
	struct usage_row row;
	bool waits;
	int rc = store_row(ledger_store(d->ledger), seq, &row, d->e);
	return rc == 0 ? draw_row(d, a, &row, &waits) : rc;
}

static int make_ready(struct drawer *d, struct drawn_series *of, int64_t series)
{
	struct store *s = ledger_store(d->ledger);
	const struct series_names *names;
	const struct subject_names *n;
	struct plan_of *p;
	int rc = plan_for(d, of->account, &p, d->e);
	if (rc == 0)
		rc = need_borders(d, p, d->e);
	if (rc == 0)
		rc = store_names_of(s, series, &names, &n, d->e);
	if (rc != 0)
		return rc;
	of->plan = (size_t)(p - d->plan);
	of->tariffs = p->versions == 1 ? plan_at(d, p, 0)->tariffs : NULL;
	of->subject = !of->tariffs ? NULL
				   : tariffs_subject(of->tariffs, n->provider, n->model,
						     n->service_tier, n->region);
	of->ready = true;
	return 0;
}

static void add_counts(struct drawer *d, struct drawn_series *of, const struct usage_counts *c,
		       int64_t rate, struct credits_total credits)
{
	struct plan_of *p = &d->plan[of->plan];
	const struct cell *cell = of->cell ? &d->cell[of->cell - 1] : NULL;
	if (!cell || c->time_us < cell->from_us || c->time_us >= cell->to_us)
		of->cell = (size_t)(cell_of(d, p, c->time_us) - d->cell) + 1;
	add_to_cell(&d->cell[of->cell - 1], c->seq, c->time_us, credits);
	const int64_t day = hours_day(&p->hours, c->time_us);
	struct day_cell *to = of->day ? &d->day[of->day - 1] : NULL;
	if (!to || to->day != day || to->rate != rate) {
		to = day_of(d, p->account, day, c->series, rate);
		of->day = (size_t)(to - d->day) + 1;
	}
	to->records++;
	to->requests += c->requests;
	for (int b = 0; b < BUCKET_COMMON; b++)
		to->tokens[b] += c->tokens[b];
	to->sum.atto += credits.atto;
}

/* As draw_row, for the many whose counts are all that matters; another row goes that way. */
static int draw_plain(struct drawer *d, struct drawn_series *of, const struct usage_counts *c)
{
	int64_t counts[COUNT_TOKENS] = { 0 };
	struct credits_total credits;
	struct err why = { 0 };
	int rc = of->ready ? 0 : make_ready(d, of, c->series);
	if (rc != 0)
		return rc;
	if (!of->tariffs)
		return draw_whole_row(d, of->account, c->seq);
	struct tariff_answer *a =
		tariffs_ask(of->tariffs, of->subject,
			    c->flags & USAGE_BY_COMPLETION ? c->completed_us : c->time_us);
	memcpy(counts, c->tokens, sizeof c->tokens);
	if (!a->has_credits || a->credits_by_prompt ||
	    credits_of(&a->credits, counts, c->requests, &credits, &why) != 0)
		return draw_whole_row(d, of->account, c->seq);
	if (!a->number)
		rc = rate_number(d, &a->credits, &a->number, d->e);
	if (rc == 0)
		add_counts(d, of, c, a->number, credits);
	return rc;
}

static int take_counts(void *user, const struct usage_counts *c)
{
	struct drawer *d = user;
	struct drawn_series *of;
	if (!known_series(d, c->series, &of)) {
		const struct series_names *names;
		int rc = store_series_names(ledger_store(d->ledger), c->series, &names, d->e);
		if (rc == 0)
			rc = series_of(d, c->series, names->customer, &of, d->e);
		if (rc != 0)
			return rc;
	}
	if (c->seq <= of->after || c->time_us < of->since_us)
		return 0;
	const struct account *a = of->account;
	d->counts->rows++;
	ledger_work_on(d->ledger, a->id);
	if (c->kind == USAGE_RECORD && !c->more && !(c->flags & USAGE_AGGREGATE))
		return draw_plain(d, of, c);
	return draw_whole_row(d, a, c->seq);
}

struct ids {
	int64_t *id;
	size_t n;
};

static void add_id(struct ids *list, int64_t id)
{
	list->id = mem_grow(list->id, (list->n + 1) * sizeof *list->id);
	list->id[list->n++] = id;
}

static const struct sql sql_waiting = {
	.text = "SELECT seq FROM credit_uncovered ORDER BY seq",
};

/* What waited for a card or for its plan is looked at once more. */
static int take_waiting(struct drawer *d, struct err *e)
{
	struct store *s = ledger_store(d->ledger);
	struct ids waiting = { 0 };
	struct query *q;
	int rc = db_statement(store_db(s), &sql_waiting, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1)
		add_id(&waiting, db_int(q, 0));
	db_reset(q);
	for (size_t i = 0; rc == 0 && i < waiting.n; i++) {
		struct usage_row row;
		const struct account *a;
		bool waits = false, was;
		rc = store_row(s, waiting.id[i], &row, e);
		if (rc == 0)
			rc = account_of(d, row.series, row.record.text[FIELD_CUSTOMER], &a, e);
		if (rc == 0 && a && is_at_fault(d, a->id))
			continue;
		if (rc == 0 && a && !a->byo)
			rc = draw_row(d, a, &row, &waits);
		if (rc == 0 && !waits)
			rc = ledger_drop_uncovered(d->ledger, waiting.id[i], &was, e);
	}
	free(waiting.id);
	return rc;
}

static int by_time(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;
	if (x->from_us != y->from_us)
		return x->from_us < y->from_us ? -1 : 1;
	return x->account < y->account ? -1 : x->account > y->account;
}

/* What is bought by itself is there before it is used. */
static int top_up_for(struct drawer *d, const struct cell *c, struct instant now, struct err *e)
{
	const int128 nano = (c->sum.atto + 999999999) / 1000000000;
	if (nano > INT64_MAX)
		return 0;
	return ledger_top_up(d->ledger, c->account,
			     &(struct topping){ { (int64_t)nano }, { c->from_us }, now }, e);
}

static int draw_cells(struct drawer *d, struct instant now, struct err *e)
{
	struct draw_counts *n = d->counts;
	int rc = 0;
	if (d->cells > 1)
		qsort(d->cell, d->cells, sizeof *d->cell, by_time);
	for (size_t i = 0; rc == 0 && i < d->cells; i++) {
		const struct cell *c = &d->cell[i];
		struct drawn out;
		/* recurring grants come, and roll over, in between */
		rc = ledger_recur(d->ledger, (struct instant){ c->from_us }, now, e);
		if (rc == 0 && c->sum.atto > 0)
			rc = top_up_for(d, c, now, e);
		if (rc != 0)
			break;
		rc = ledger_draw_exact(d->ledger, c->account, c->sum,
				       &(struct draw){ .at = { c->at_us },
						       .now = now,
						       .part_from = { c->from_us },
						       .part_to = { c->to_us },
						       .usage_from = c->first,
						       .usage_to = c->last,
						       .policy = SHORT_PARTIAL,
						       .what_is_left = c->account == d->repair },
				       &out, e);
		n->transactions += out.txn != 0;
		n->drawn.nano += out.from_lots.nano + out.overage.nano;
		n->overage.nano += out.overage.nano;
		if (c->sum.atto < 0)
			n->refunded.nano += (int64_t)(-c->sum.atto / 1000000000);
	}
	struct nano_credits lacks = { 0 };
	if (rc == 0)
		rc = ledger_redo_all(d->ledger, &lacks, e);
	n->overage.nano += lacks.nano > -n->overage.nano ? lacks.nano : -n->overage.nano;
	return rc;
}

static int add_account(void *user, const struct account *a)
{
	add_id(user, a->id);
	return 0;
}

static const struct sql sql_state = {
	.text = "SELECT min(drawn_to) FROM credit_state WHERE account NOT IN (SELECT account "
		"FROM credit_fault)",
};

static int drawn_to(struct drawer *d, bool *any, int64_t *out, struct err *e)
{
	struct db *db = store_db(ledger_store(d->ledger));
	struct query *q;
	int rc = db_statement(db, &sql_state, &q, e);
	if (rc != 0)
		return rc;
	rc = db_step(db, q, e);
	*any = rc == 1 && !db_is_null(q, 0);
	*out = *any ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int drawer_has_accounts(struct drawer *d, bool *any, struct err *e)
{
	int64_t to;
	return drawn_to(d, any, &to, e);
}

int drawer_is_behind(struct drawer *d, struct instant now, bool *behind, struct err *e)
{
	bool any;
	int64_t to;
	int rc = drawn_to(d, &any, &to, e);
	*behind = rc == 0 && any && to < store_last_seq(ledger_store(d->ledger));
	return rc == 0 && !*behind ? ledger_recurs_by(d->ledger, now, behind, e) : rc;
}

/* What waits behind `from`, for all accounts that are not at fault. */
static int sweep(struct drawer *d, int64_t from, struct instant now, struct draw_counts *out,
		 struct err *e)
{
	struct store *s = ledger_store(d->ledger);
	const int64_t last = store_last_seq(s);
	struct ids accounts = { 0 };
	*out = (struct draw_counts){ 0 };
	for (size_t i = 0; i < d->plans; i++)
		d->plan[i].has_borders = false;
	d->counts = out;
	d->e = e;
	d->cells = d->days = 0;
	dict_clear(&d->by_cell);
	dict_clear(&d->by_day);
	forget_series(d);
	ledger_work_on(d->ledger, 0);
	if (from >= last && !d->again)
		return ledger_advance(d->ledger, now, e);
	int rc = d->again ? take_waiting(d, e) : 0;
	if (rc == 0 && from < last)
		/* accounts that need archived rows are left out */
		rc = store_each_counts(s,
				       &(struct row_span){ from + 1, last, INT64_MAX, INT64_MIN },
				       take_counts, d, e);
	if (rc == 0)
		rc = draw_cells(d, now, e);
	if (rc == 0)
		rc = write_days(d, e);
	if (rc == 0)
		rc = ledger_each_account(d->ledger, add_account, &accounts, e);
	for (size_t i = 0; rc == 0 && i < accounts.n; i++)
		if (!is_at_fault(d, accounts.id[i]))
			rc = ledger_set_drawn_to(d->ledger, accounts.id[i], last, e);
	if (rc == 0)
		rc = ledger_advance(d->ledger, now, e);
	free(accounts.id);
	forget_series(d);
	return rc;
}

static int add_fault(void *user, const struct account_fault *f)
{
	struct drawer *d = user;
	dict_need(&d->faults, (struct text){ (const char *)&f->account, sizeof f->account }, NULL);
	return 0;
}

static int add_fault_id(void *user, const struct account_fault *f)
{
	add_id(user, f->account);
	return 0;
}

static const struct sql sql_archived = {
	.text = "SELECT a.id FROM credit_account a JOIN credit_state s ON s.account=a.id WHERE "
		"s.drawn_to<(SELECT max(last) FROM archive) AND a.id NOT IN (SELECT account FROM "
		"credit_fault) AND EXISTS (SELECT 1 FROM archived_cell c JOIN series r ON "
		"r.id=c.series WHERE r.customer=a.customer AND (c.quarter+1)*900000000>a.since)",
};

/* Accounts whose usage has yet to draw and is archived (a new account of an old customer) wait for
 * it. */
static int leave_out_archived(struct drawer *d, struct instant now, struct err *e)
{
	struct store *s = ledger_store(d->ledger);
	struct ids lack = { 0 };
	struct query *q;
	if (!archived_lacks(store_archived(s), &(struct row_span){ 1, INT64_MAX, ROWS_OF_ANY_TIME },
			    NULL))
		return 0;
	int rc = db_statement(store_db(s), &sql_archived, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1)
		add_id(&lack, db_int(q, 0));
	db_reset(q);
	for (size_t i = 0; rc == 0 && i < lack.n; i++) {
		rc = ledger_add_fault(d->ledger, lack.id[i],
				      "its usage from before is archived: `tally db restore` the "
				      "months first",
				      now, e);
		if (rc == 0)
			rc = add_fault(d, &(struct account_fault){ .account = lack.id[i] });
	}
	free(lack.id);
	return rc;
}

/* Those that were at fault are tried again, where that is asked for; the others are left out. */
static int begin_faults(struct drawer *d, struct err *e)
{
	struct store *s = ledger_store(d->ledger);
	struct ids known = { 0 };
	dict_clear(&d->faults);
	int rc = ledger_each_fault(s, add_fault_id, &known, e);
	for (size_t i = 0; rc == 0 && i < known.n; i++)
		if (d->again || known.id[i] == d->repair)
			rc = ledger_drop_fault(d->ledger, known.id[i], e);
	free(known.id);
	return rc == 0 ? ledger_each_fault(s, add_fault, d, e) : rc;
}

static bool is_of_account(const struct drawer *d, const struct err *e)
{
	return e->code != ERR_STORE && e->code != ERR_BUSY && e->code != ERR_SYSTEM &&
	       ledger_worked_on(d->ledger) && !is_at_fault(d, ledger_worked_on(d->ledger));
}

/* What one account cannot do is undone and noted, and the others go on without it. */
static int leave_out(struct drawer *d, struct instant now, const struct err *why, struct err *e)
{
	const int64_t account = ledger_worked_on(d->ledger);
	int rc = ledger_undo(d->ledger, e);
	drawer_forget(d);
	if (rc == 0)
		rc = ledger_add_fault(d->ledger, account, why->message, now, e);
	return rc == 0 ? add_fault(d, &(struct account_fault){ .account = account }) : rc;
}

int drawer_sweep(struct drawer *d, struct instant now, struct draw_counts *out, struct err *e)
{
	bool any = false;
	int64_t from = 0, left_out = 0;
	*out = (struct draw_counts){ 0 };
	int rc = begin_faults(d, e);
	if (rc == 0)
		rc = leave_out_archived(d, now, e);
	if (rc == 0)
		rc = drawn_to(d, &any, &from, e);
	out->at_fault = (int64_t)d->faults.count;
	/* rows that still wait in memory are not the draws', and stay when these are undone */
	if (rc == 0 && any)
		rc = store_flush(ledger_store(d->ledger), e);
	if (rc != 0 || !any)
		return rc;
	for (;;) {
		struct err why = { 0 };
		rc = ledger_mark(d->ledger, e);
		if (rc == 0 && (rc = sweep(d, from, now, out, &why)) != 0 &&
		    is_of_account(d, &why)) {
			rc = leave_out(d, now, &why, e);
			left_out++;
			if (rc == 0)
				rc = ledger_pass(d->ledger, e);
			if (rc == 0)
				continue;
		} else if (rc != 0 && why.code != ERR_NONE) {
			*e = why;
		}
		out->at_fault = (int64_t)d->faults.count;
		out->left_out = left_out;
		return rc == 0 ? ledger_pass(d->ledger, e) : rc;
	}
}

int draw_all(struct store *s, const struct book *book, struct instant now, struct draw_counts *out,
	     struct err *e)
{
	struct ledger *l;
	struct drawer *d;
	bool any;
	int64_t from;
	*out = (struct draw_counts){ 0 };
	int rc = ledger_open(&l, s, e);
	if (rc != 0)
		return rc;
	rc = drawer_open(&d, l, book, e);
	if (rc == 0)
		rc = drawn_to(d, &any, &from, e);
	if (rc == 0 && any) {
		rc = store_begin(s, now, e);
		if (rc == 0) {
			rc = ledger_begin(l, e);
			if (rc == 0)
				rc = drawer_sweep(d, now, out, e);
			if (rc == 0)
				rc = ledger_end(l, e);
			if (rc == 0)
				rc = store_commit(s, e);
			else
				store_rollback(s);
		}
	}
	drawer_close(d);
	ledger_close(l);
	return rc;
}
