/* Usage of a period as charges: by the prices that rated it, or by the credits that it drew. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "meter/billing/charge.h"
#include "meter/billing/invoice_parts.h"
#include "meter/store/store_models.h"
#include "meter/store/sums_sql.h"

struct text invoice_keep(struct arena *a, struct text t)
{
	return (struct text){ arena_text(a, t.n ? t.p : "", t.n), t.n };
}

bool invoice_in_credits(const struct invoice *i)
{
	return text_is(i->terms.currency, "credits");
}

bool invoice_by_credits(const struct invoice *i)
{
	return invoice_in_credits(i) || i->terms.credit_price.n;
}

static void put_key(struct buf *key, const struct charge *c)
{
	char text[DECIMAL_TEXT_MAX];
	buf_puts(key, c->negotiated ? "n" : "");
	buf_puts(key, decimal_format(c->markup, text));
	const struct text part[] = { c->provider, c->project,	 c->model,
				     c->bucket,	  c->unit_price, c->currency };
	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		buf_add(key, part[i].p, part[i].n);
		buf_add(key, "", 1);
	}
}

/* "a", "b": "a, b"; what is in the list already is not added. */
static struct text joined(struct arena *a, struct text list, struct text more)
{
	for (size_t at = 0; at <= list.n && more.n;) {
		const char *comma = list.n ? memchr(list.p + at, ',', list.n - at) : NULL;
		const size_t end = comma ? (size_t)(comma - list.p) : list.n;
		if (text_eq((struct text){ list.p + at, end - at }, more))
			return list;
		at = end + 2;
	}
	if (list.n == 0 || more.n == 0)
		return list.n ? list : invoice_keep(a, more);
	const char *both = arena_printf(a, "%.*s, %.*s", (int)list.n, list.p, (int)more.n, more.p);
	return text_of(both);
}

static void add_why(struct arena *a, struct charge_why *to, const struct charge_why *more)
{
	to->window = joined(a, to->window, more->window);
	to->since = joined(a, to->since, more->since);
	to->special = joined(a, to->special, more->special);
	if (more->first_day && (!to->first_day || more->first_day < to->first_day))
		to->first_day = more->first_day;
	if (more->last_day > to->last_day)
		to->last_day = more->last_day;
}

/* "vendor/model@2026-08-16T16:00:00Z/USD/batch/eu", as cards without ids of their own are named:
 * the day, and what follows the currency. */
static struct charge_why why_of(const struct stored_price *p)
{
	struct charge_why why = { .window = p->window };
	const char *at = p->ref.n ? memchr(p->ref.p, '@', p->ref.n) : NULL;
	const char *end = p->ref.p + p->ref.n;
	if (!at) {
		why.special = p->ref;
		return why;
	}
	const char *slash = memchr(at, '/', (size_t)(end - at));
	if (end - at > 10 && at[5] == '-')
		why.since = (struct text){ at + 1, 10 };
	slash = slash ? memchr(slash + 1, '/', (size_t)(end - slash - 1)) : NULL;
	if (slash)
		why.special = (struct text){ slash + 1, (size_t)(end - slash - 1) };
	return why;
}

static int add_charge(struct charges *all, struct charge *c, struct err *e)
{
	struct buf key = { 0 };
	c->markup = c->negotiated || text_is(all->terms->currency, "credits")
			    ? (struct decimal){ 0 }
			    : terms_markup(all->terms, all->day,
					   &(struct priced_use){ c->provider, c->model, TEXT(""),
								 all->names, all->names_at });
	if (all->divided && !c->why.first_day) {
		c->why.first_day = all->day;
		c->why.last_day = all->last_day;
	}
	put_key(&key, c);
	uint64_t *at = dict_need(&all->index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((all->count & (all->count - 1)) == 0)
			all->charge = mem_grow(all->charge, (all->count ? all->count * 2 : 16) *
								    sizeof *all->charge);
		struct charge *fresh = &all->charge[all->count];
		*fresh = (struct charge){ .provider = invoice_keep(all->arena, c->provider),
					  .project = invoice_keep(all->arena, c->project),
					  .model = invoice_keep(all->arena, c->model),
					  .bucket = invoice_keep(all->arena, c->bucket),
					  .currency = invoice_keep(all->arena, c->currency),
					  .unit_price = invoice_keep(all->arena, c->unit_price),
					  .negotiated = c->negotiated,
					  .markup = c->markup };
		*at = ++all->count;
	}
	struct charge *to = &all->charge[*at - 1];
	add_why(all->arena, &to->why, &c->why);
	if (__builtin_add_overflow(to->quantity, c->quantity, &to->quantity) ||
	    !money_total_add(&to->amount, c->amount))
		return err_set(e, ERR_RANGE, "the usage is out of range for an invoice");
	return 0;
}

static void put_reason(struct buf *b, const char *key, struct text value)
{
	buf_printf(b, "%s\"%s\":", b->n ? "," : "{", key);
	json_put_string(b, value);
}

static void put_day(struct buf *b, const char *key, int64_t day)
{
	char text[DAY_TEXT_MAX];
	put_reason(b, key, text_of(day_format(day, text)));
}

/* Days say why where no day of one price is one of another. */
static bool days_apart(const struct charge *c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++)
			if (!c[i].why.first_day ||
			    (i != k && c[i].why.first_day <= c[k].why.last_day &&
			     c[k].why.first_day <= c[i].why.last_day))
				return false;
	return true;
}

/* Whether the terms themselves ask for it at several prices. */
static bool terms_differ(const struct charge *c, size_t count)
{
	bool differ = false;
	for (size_t k = 1; k < count; k++)
		differ |= c[k].negotiated != c->negotiated ||
			  decimal_cmp(c[k].markup, c->markup) != 0;
	return differ;
}

static void put_days(struct buf *b, const struct charge *c)
{
	put_day(b, "first_day", c->why.first_day);
	put_day(b, "last_day", c->why.last_day);
}

static void put_reasons(struct buf *b, const struct charge *c, size_t count, size_t at)
{
	bool provider = false, window = false, since = false, special = false;
	if (terms_differ(c, count) && days_apart(c, count)) {
		put_days(b, &c[at]);
		return;
	}
	for (size_t k = 1; k < count; k++) {
		provider |= !text_eq(c[k].provider, c->provider);
		window |= !text_eq(c[k].why.window, c->why.window);
		since |= !text_eq(c[k].why.since, c->why.since);
		special |= !text_eq(c[k].why.special, c->why.special);
	}
	const struct charge *is = &c[at];
	if (provider)
		put_reason(b, "provider", is->provider);
	if (window && is->why.window.n)
		put_reason(b, "window", is->why.window);
	if (since && is->why.since.n)
		put_reason(b, "since", is->why.since);
	if (special)
		put_reason(b, "special", is->why.special.n ? is->why.special : TEXT("standard"));
	if (b->n == 0 && days_apart(c, count))
		put_days(b, is);
}

struct text charge_reason(const struct charge *c, size_t count, size_t at, struct arena *a)
{
	struct buf b = { 0 };
	size_t same = 0, before = 0;
	if (count < 2)
		return TEXT("");
	put_reasons(&b, c, count, at);
	/* what is left is the length of the prompt: charges are in the order of their prices */
	for (size_t k = 0; k < count; k++) {
		struct buf other = { 0 };
		put_reasons(&other, c, count, k);
		if (other.n == b.n && (b.n == 0 || memcmp(other.p, b.p, b.n) == 0)) {
			same++;
			before += k < at;
		}
		buf_release(&other);
	}
	if (same > 1)
		buf_printf(&b, "%s\"step\":\"%zu\"", b.n ? "," : "{", before + 1);
	if (b.n)
		buf_puts(&b, "}");
	struct text out = invoice_keep(a, (struct text){ b.p, b.n });
	buf_release(&b);
	return out;
}

void charges_release(struct charges *c)
{
	free(c->charge);
	dict_release(&c->index);
}

/* At the price that the terms have for it; text keeps it. */
static int at_negotiated_price(const struct charges *all, struct charge *c,
			       char text[DECIMAL_TEXT_MAX], struct err *e)
{
	struct money price;
	const int kind = count_by_name(c->bucket.p, c->bucket.n);
	if (!terms_price(all->terms, all->day,
			 &(struct priced_use){ c->provider, c->model, c->bucket, all->names,
					       all->names_at },
			 &price))
		return 0;
	c->negotiated = true;
	c->currency = all->terms->currency;
	c->unit_price = text_of(money_format(price, text));
	c->why = (struct charge_why){ 0 };
	c->amount = (struct money_total){ 0 };
	return money_total_add_units(&c->amount, price, c->quantity,
				     kind >= 0 && kind < COUNT_TOKENS ? PER_MILLION : 1)
		       ? 0
		       : err_set(e, ERR_RANGE, "the usage is out of range for an invoice");
}

/* Usage that no card prices is priced where the terms have a price for all of it. */
static bool all_negotiated(const struct charges *all, const struct charge *like,
			   const struct usage_sums *sums)
{
	struct money price;
	bool any = false;
	for (int b = 0; b < COUNT_KINDS; b++) {
		const bool counts = b != BUCKET_REASONING && sums->counts[b];
		any |= counts;
		const struct priced_use of = { like->provider, like->model, text_of(count_name(b)),
					       all->names, all->names_at };
		if (counts && !terms_price(all->terms, all->day, &of, &price))
			return false;
	}
	return any;
}

static int charge_unpriced(struct charges *all, const struct charge *like,
			   const struct usage_sums *sums, struct err *e)
{
	char text[DECIMAL_TEXT_MAX];
	int rc = 0;
	if (!all_negotiated(all, like, sums)) {
		all->unpriced += sums->records;
		return 0;
	}
	for (int b = 0; rc == 0 && b <= COUNT_KINDS; b++) {
		struct charge c = *like;
		c.bucket = b < COUNT_KINDS ? text_of(count_name(b)) : TEXT("request");
		c.quantity = b < COUNT_KINDS ? sums->counts[b] : sums->requests;
		rc = at_negotiated_price(all, &c, text, e);
		if (rc == 0 && c.negotiated && c.quantity && b != BUCKET_REASONING)
			rc = add_charge(all, &c, e);
	}
	return rc;
}

static const enum grouping charged_by[] = { BY_CUSTOMER, BY_PROJECT, BY_MODEL, BY_PRICE };
enum { G_CUSTOMER, G_PROJECT, G_MODEL, G_PRICE, CHARGED_BY }; /* their places */

/* One group of usage into charges by bucket. */
static int charge_group(struct charges *all, struct store *s, const struct usage_result *r,
			size_t group, struct err *e)
{
	const struct text project = usage_label(r, group, G_PROJECT),
			  model = usage_label(r, group, G_MODEL);
	const struct usage_sums *sums = usage_group(r, group);
	const struct stored_price *p;
	struct charge_part part[CHARGE_PARTS_MAX];
	char text[2][DECIMAL_TEXT_MAX];
	size_t n;
	int rc = store_stored_price(s, strtoll(usage_label(r, group, G_PRICE).p, NULL, 10), &p, e);
	if (rc == 0)
		rc = charge_parts(p, sums, part, &n, e);
	if (rc == 0 && p->reason.n)
		return charge_unpriced(all,
				       &(struct charge){ .provider = p->vendor,
							 .project = project,
							 .model = model },
				       sums, e);
	for (size_t k = 0; rc == 0 && k < n; k++) {
		struct charge c = { p->vendor,
				    project,
				    model,
				    text_of(part[k].bucket),
				    p->currency,
				    text_of(money_format(part[k].price, text[0])),
				    part[k].quantity,
				    part[k].amount,
				    why_of(p),
				    false };
		rc = at_negotiated_price(all, &c, text[1], e);
		if (rc == 0)
			rc = add_charge(all, &c, e);
	}
	return rc;
}

static int query_usage(struct invoicer *v, const char *customer, struct instant from,
		       struct instant to, struct usage_result **out, struct err *e)
{
	const struct usage_filter f = {
		.since = from, .until = to, .customer = customer, .costs_apart = true
	};
	return usage_query(out, ledger_store(v->ledger), &f,
			   &(struct usage_grouping){ charged_by, CHARGED_BY, v->zone }, e);
}

/* The groups of one customer lie together. */
static int charge_customer(struct charges *all, struct store *s, const struct usage_result *r,
			   struct text customer, struct err *e)
{
	size_t low = 0, high = usage_group_count(r);
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (text_cmp(usage_label(r, mid, G_CUSTOMER), customer) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	int rc = 0;
	for (; rc == 0 && low < usage_group_count(r) &&
	       text_eq(usage_label(r, low, G_CUSTOMER), customer);
	     low++)
		rc = charge_group(all, s, r, low, e);
	return rc;
}

static int charge_money(struct invoicer *v, struct charges *all, const struct account *a,
			struct instant from, struct instant to, struct err *e)
{
	struct store *s = ledger_store(v->ledger);
	struct usage_result *r = NULL;
	int rc;
	if (!v->for_all) {
		rc = query_usage(v, a->customer.p, from, to, &r, e);
		if (rc == 0)
			rc = charge_customer(all, s, r, a->customer, e);
		usage_result_close(r);
		return rc;
	}
	for (size_t i = 0; i < v->cached && !r; i++)
		if (v->cache[i].from.us == from.us && v->cache[i].to.us == to.us &&
		    strcmp(v->cache[i].zone, v->zone_name) == 0)
			r = v->cache[i].usage;
	if (!r) {
		rc = query_usage(v, NULL, from, to, &r, e);
		if (rc != 0)
			return rc;
		v->cache = mem_grow(v->cache, (v->cached + 1) * sizeof *v->cache);
		struct cached *c = &v->cache[v->cached++];
		*c = (struct cached){ .from = from, .to = to, .usage = r };
		memcpy(c->zone, v->zone_name, sizeof c->zone);
	}
	return charge_customer(all, s, r, a->customer, e);
}

/* A quantity in credits at its price for `per` of it; nothing where there is no price or nothing of
 * it. */
static int add_at_rate(struct charges *all, struct charge *c, int64_t per, struct err *e)
{
	struct decimal d;
	struct money_total rate;
	if (c->quantity == 0 || c->unit_price.n == 0)
		return 0;
	int rc = decimal_parse(&d, c->unit_price, e);
	if (rc == 0)
		rc = amount_from_decimal(&rate, d, e);
	if (rc != 0)
		return rc;
	c->currency = TEXT("credits");
	c->amount.atto = rate.atto / per * c->quantity;
	return add_charge(all, c, e);
}

/* One day's sums under one credit rate. */
static int charge_credits_row(struct invoicer *v, struct charges *all, struct query *q,
			      json_value *rates, struct err *e)
{
	enum {
		D_DAY,
		D_SERIES,
		D_RATE,
		D_RECORDS,
		D_REQUESTS,
		D_TOKENS,
		D_NANO = D_TOKENS + BUCKET_COMMON,
		D_REST
	};
	const struct series_names *names;
	const struct subject_names *subject;
	int rc = store_names_of(ledger_store(v->ledger), db_int(q, D_SERIES), &names, &subject, e);
	if (rc != 0)
		return rc;
	const struct charge_why why = {
		.special = subject->service_tier.n && !text_is(subject->service_tier, "standard")
				   ? subject->service_tier
				   : subject->region,
		.first_day = db_int(q, D_DAY),
		.last_day = db_int(q, D_DAY),
	};
	if (!json_true(json_member(rates, "linear")))
		/* rounded record by record: there is no price of a unit */
		return add_charge(all,
				  &(struct charge){ subject->provider,
						    names->project,
						    subject->model,
						    TEXT("record"),
						    TEXT("credits"),
						    TEXT(""),
						    db_int(q, D_RECORDS),
						    { (int128)db_int(q, D_NANO) * 1000000000 +
						      db_int(q, D_REST) },
						    why },
				  e);
	struct charge c = { .provider = subject->provider,
			    .project = names->project,
			    .model = subject->model,
			    .why = why };
	for (int b = 0; rc == 0 && b < BUCKET_REASONING; b++) {
		c.bucket = text_of(bucket_name((enum bucket)b));
		c.unit_price = json_string(json_member(rates, c.bucket.p));
		c.quantity = db_int(q, D_TOKENS + b);
		rc = add_at_rate(all, &c, PER_MILLION, e);
	}
	c.bucket = TEXT("request");
	c.unit_price = json_string(json_member(rates, "request"));
	c.quantity = db_int(q, D_REQUESTS);
	if (rc == 0)
		rc = add_at_rate(all, &c, 1, e);
	return rc;
}

static const struct sql sql_rate_at = {
	.text = "SELECT rates FROM credit_rate WHERE id=:id",
};

static int rates_of(struct invoicer *v, int64_t rate, struct json_document **out, struct err *e)
{
	struct db *db = store_db(ledger_store(v->ledger));
	struct query *q;
	int rc = db_statement(db, &sql_rate_at, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", rate);
	rc = db_step(db, q, e);
	rc = rc == 1   ? json_open(out, db_text(q, 0), e)
	     : rc == 0 ? err_set(e, ERR_STORE, "a credit rate is missing from the database")
		       : rc;
	db_reset(q);
	return rc;
}

static const struct sql sql_days = {
	.text = "SELECT day,series,rate," SUM_COLUMNS
		",nano,rest FROM credit_day WHERE account=:account AND day>=:from AND day<:to",
};

static int charge_credits(struct invoicer *v, struct charges *all, const struct account *a,
			  struct instant from, struct instant to, struct err *e)
{
	struct db *db = store_db(ledger_store(v->ledger));
	struct json_document *rates = NULL;
	struct query *q;
	int64_t rate = 0;
	int rc = db_statement(db, &sql_days, &q, e), more = 0;
	if (rc != 0)
		return rc;
	/* periods begin at midnight in the account's zone, as its days do */
	db_bind_int(q, ":account", a->id);
	db_bind_int(q, ":from", zone_day(v->zone, from));
	db_bind_int(q, ":to", zone_day(v->zone, to));
	while (rc == 0 && (more = db_step(db, q, e)) == 1) {
		if (db_int(q, 2) != rate) {
			json_close(rates);
			rates = NULL;
			rate = db_int(q, 2);
			rc = rates_of(v, rate, &rates, e);
		}
		if (rc == 0)
			rc = charge_credits_row(v, all, q, json_root(rates), e);
	}
	json_close(rates);
	db_reset(q);
	return rc == 0 && more < 0 ? more : rc;
}

/* Divided where a price or a markup of the terms begins or ends within it. */
int charges_of(struct invoicer *v, const struct invoice *i, struct charges *all,
	       const struct account *a, struct err *e)
{
	const struct instant to = i->to;
	struct instant until;
	int rc = 0;
	if (invoice_by_credits(i) && a->byo)
		return 0;
	all->names_at = to;
	rc = store_model_names(ledger_store(v->ledger), &all->names, e);
	for (struct instant from = i->from; rc == 0 && from.us < to.us; from = until) {
		all->day = zone_day(v->zone, from);
		const int64_t next = terms_change_after(all->terms, all->day);
		until = next == DAY_OPEN_AFTER ? to : zone_midnight(v->zone, next);
		if (until.us >= to.us)
			until = to;
		else
			all->divided = true;
		all->last_day = zone_day(v->zone, (struct instant){ until.us - 1 });
		rc = invoice_by_credits(i) ? charge_credits(v, all, a, from, until, e)
					   : charge_money(v, all, a, from, until, e);
	}
	return rc;
}
