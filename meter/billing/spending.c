#include "meter/billing/spending.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "meter/billing/window.h"
#include "meter/store/store_models.h"
#include "meter/store/usage_query.h"

/* What a scope's period has spent, up to a row. */
struct spent {
	struct instant from;
	int64_t seq;   /* rows up to that one are in it; below 0: nothing is known */
	int64_t apart; /* settlements kept apart up to that one are in `carried` */
	int64_t turn;  /* of what names of models mean */
	struct money_total amount, carried;
	int64_t unpriced, placeholders, foreign;
};

struct spending {
	struct store *store;
	struct dict index; /* scope to 1 + place */
	struct spent *spent;
	size_t count;
	struct buf key, means; /* means: the model of the scope that is asked for */
	struct instant now;    /* of the question */
	struct held *held;
};

struct spending *spending_open(struct store *s)
{
	struct spending *sp = mem_zalloc(sizeof *sp);
	sp->store = s;
	sp->held = held_open(s);
	return sp;
}

void spending_close(struct spending *sp)
{
	if (!sp)
		return;
	held_close(sp->held);
	dict_release(&sp->index);
	buf_release(&sp->key);
	buf_release(&sp->means);
	free(sp->spent);
	free(sp);
}

void spending_keep_held(struct spending *sp)
{
	held_keep(sp->held);
}

struct held *spending_held(const struct spending *sp)
{
	return sp->held;
}

struct store *spending_store(const struct spending *sp)
{
	return sp->store;
}

static const struct sql sql_zone_of = {
	.text = "SELECT zone FROM credit_account WHERE customer=:customer",
};

/* The zone that is named, else that of the customer's account, else UTC. */
static int name_zone(struct spending *sp, const struct spending_scope *c, char out[ZONE_NAME_MAX],
		     struct err *e)
{
	struct query *q;
	snprintf(out, ZONE_NAME_MAX, "%.*s", (int)c->zone.n, c->zone.n ? c->zone.p : "");
	int rc = c->zone.n ? 0 : db_statement(store_db(sp->store), &sql_zone_of, &q, e);
	if (rc != 0 || c->zone.n)
		return rc;
	db_bind_text(q, ":customer", c->customer);
	rc = db_step(store_db(sp->store), q, e);
	const struct text zone = rc == 1 ? db_text(q, 0) : TEXT("UTC");
	snprintf(out, ZONE_NAME_MAX, "%.*s", (int)zone.n, zone.p);
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static int find_period(struct spending *sp, const struct spending_scope *c, struct instant now,
		       struct scope_state *out, struct err *e)
{
	struct window w;
	struct zone *z = NULL;
	char name[ZONE_NAME_MAX];
	int rc = window_parse(&w, c->period, e);
	if (rc == 0 && window_needs_zone(&w)) {
		rc = name_zone(sp, c, name, e);
		if (rc == 0)
			rc = zone_open(&z, name, e);
	}
	if (rc != 0)
		return rc;
	const struct window_span span = window_span(&w, z, now);
	out->from = span.from;
	out->to = span.to;
	out->apart = span.apart;
	zone_close(z);
	return 0;
}

static struct spent *spent_of(struct spending *sp, const struct spending_scope *c)
{
	const struct text parts[] = { c->customer, c->project, c->model,
				      c->currency, c->period,  c->zone };
	sp->key.n = 0;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		buf_add(&sp->key, parts[i].p, parts[i].n);
		buf_add(&sp->key, "", 1);
	}
	uint64_t *at = dict_need(&sp->index, (struct text){ sp->key.p, sp->key.n }, NULL);
	if (!*at) {
		if ((sp->count & (sp->count - 1)) == 0)
			sp->spent = mem_grow(sp->spent,
					     (sp->count ? sp->count * 2 : 1) * sizeof *sp->spent);
		sp->spent[sp->count] = (struct spent){ .seq = -1 };
		*at = ++sp->count;
	}
	return &sp->spent[*at - 1];
}

/* --- usage --- */

/* The usage of the period, as `tally usage` and invoices add it up: all, or the rows after the last
 * one that is known. */
static int add_usage(struct spending *sp, const struct spending_scope *c,
		     const struct scope_state *period, struct spent *s, struct err *e)
{
	struct usage_result *r;
	struct zone *utc;
	struct arena texts = { 0 };
	const struct text wanted[] = { c->customer, c->project, c->model, c->currency };
	const char *word[4];
	for (int i = 0; i < 4; i++)
		word[i] = wanted[i].n ? arena_text(&texts, wanted[i].p, wanted[i].n) : NULL;
	const struct usage_filter f = { .since = period->from,
					.until = period->to,
					.customer = word[0],
					.project = word[1],
					.model = word[2],
					.names_at = sp->now,
					.currency = word[3] ? word[3] : "",
					.seq_from = s->seq > 0 ? s->seq + 1 : 0 };
	int rc = zone_open(&utc, "UTC", e);
	if (rc == 0) {
		rc = usage_query(&r, sp->store, &f, &(struct usage_grouping){ .zone = utc }, e);
		zone_close(utc);
	}
	arena_release(&texts);
	if (rc != 0)
		return rc;
	const struct usage_sums *sum = usage_total(r);
	if (!money_total_add(&s->amount, sum->cost))
		rc = err_set(e, ERR_RANGE, "the spending is larger than a total can hold");
	s->unpriced += sum->unpriced;
	s->placeholders += sum->placeholders;
	s->foreign += sum->foreign;
	usage_result_close(r);
	return rc;
}

/* --- settlements that the usage does not show --- */

struct apart {
	int64_t no, row;
	struct money estimate;
};

/* What a record counts for in the scope and period beyond what the usage shows of it. */
static int beyond_usage(struct spending *sp, const struct spending_scope *c,
			const struct scope_state *period, const struct apart *a,
			struct money_total *out, struct err *e)
{
	struct store *st = sp->store;
	struct usage_row row;
	const struct stored_price *p;
	const struct series_names *names;
	const struct subject_names *subject;
	struct known_id known = { .first = a->row, .current = a->row };
	*out = (struct money_total){ 0 };
	int rc = a->row ? store_find_row(st, a->row, &known, e) : 0;
	if (rc != 0 || (a->row && !known.current)) /* reversed */
		return rc;
	if (!a->row) {
		money_total_add_units(out, a->estimate, 1, 1);
		return 0;
	}
	rc = store_row(st, known.current, &row, e);
	if (rc == 0)
		rc = store_stored_price(st, row.price, &p, e);
	if (rc == 0)
		rc = store_names_of(st, row.series, &names, &subject, e);
	if (rc != 0)
		return rc;
	if (p->reason.n || !text_eq(p->currency, c->currency)) {
		money_total_add_units(out, a->estimate, 1, 1);
		return 0;
	}
	bool shown = row.record.time_us >= period->from.us && row.record.time_us < period->to.us &&
		     (!c->customer.n || text_eq(c->customer, names->customer)) &&
		     (!c->project.n || text_eq(c->project, names->project));
	if (shown && c->model.n)
		rc = store_is_model(st, c->model, &(struct recorded_model){ subject, p, sp->now },
				    &shown, e);
	return rc != 0 || shown
		       ? rc
		       : stored_price_amount(p, row.record.counts, row.record.requests, out, e);
}

static const struct sql sql_apart_changed = {
	.text = "SELECT 1 FROM usage u CROSS JOIN settled_apart a WHERE u.seq BETWEEN :from AND "
		":to AND u.of IS NOT NULL AND a.first=u.of LIMIT 1",
};

/* Whether a correction among the rows [from, to] is of a settlement that is kept apart. */
static int apart_changed(struct spending *sp, int64_t from, int64_t to, bool *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(sp->store), &sql_apart_changed, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	rc = db_step(store_db(sp->store), q, e);
	*out = rc == 1;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_apart = {
	.text = "SELECT no,first,pico,model FROM settled_apart WHERE no>:after AND created>=:from "
		"AND created<:to AND :customer IN ('',customer) AND :project IN ('',project) "
		"AND currency=:currency ORDER BY no",
};

static int add_apart(struct spending *sp, const struct spending_scope *c,
		     const struct scope_state *period, struct spent *s, struct err *e)
{
	struct db *db = store_db(sp->store);
	struct apart *list = NULL;
	struct query *q;
	size_t n = 0;
	int rc = db_statement(db, &sql_apart, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":after", s->apart);
	db_bind_int(q, ":from", period->from.us);
	db_bind_int(q, ":to", period->to.us);
	db_bind_text(q, ":customer", c->customer);
	db_bind_text(q, ":project", c->project);
	db_bind_text(q, ":currency", c->currency);
	while ((rc = db_step(db, q, e)) == 1) {
		bool wanted = true;
		if (c->model.n && (rc = store_same_model(sp->store, c->model, db_text(q, 3),
							 sp->now, &wanted, e)) != 0)
			break;
		if (!wanted)
			continue;
		if ((n & (n - 1)) == 0)
			list = mem_grow(list, (n ? n * 2 : 1) * sizeof *list);
		list[n++] = (struct apart){ db_int(q, 0), db_int(q, 1), { db_int(q, 2) } };
	}
	db_reset(q);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct money_total more;
		rc = beyond_usage(sp, c, period, &list[i], &more, e);
		if (rc == 0 && !money_total_add(&s->carried, more))
			rc = err_set(e, ERR_RANGE, "the spending is larger than a total can hold");
		s->apart = list[i].no;
	}
	free(list);
	return rc;
}

static const struct sql sql_add_apart = {
	.text = "INSERT INTO settled_apart(no,hold,customer,project,model,currency,pico,created,"
		"first) SELECT coalesce(max(no),0)+1,:hold,:customer,:project,:model,:currency,"
		":pico,:created,:first FROM settled_apart WHERE 1=1 ON CONFLICT(hold) DO NOTHING",
};

int spending_settled(struct store *st, const struct settled_hold *h, struct err *e)
{
	struct known_id known = { 0 };
	struct usage_row row = { 0 };
	const struct stored_price *p = NULL;
	const struct series_names *names = NULL;
	const struct subject_names *subject = NULL;
	struct query *q;
	bool shown = false;
	int rc = h->usage.n ? store_flush(st, e) : 0;
	if (rc == 0 && h->usage.n)
		rc = store_find(st, h->usage, &known, e);
	if (rc == 0 && known.current) {
		rc = store_row(st, known.current, &row, e);
		if (rc == 0)
			rc = store_stored_price(st, row.price, &p, e);
		if (rc == 0)
			rc = store_names_of(st, row.series, &names, &subject, e);
		/* no period of any zone begins within a quarter of an hour */
		const int64_t quarter = 900 * US_PER_SECOND;
		shown = rc == 0 && !p->reason.n && text_eq(p->currency, h->currency) &&
			floor_div(row.record.time_us, quarter) ==
				floor_div(h->created.us, quarter) &&
			(!h->customer.n || text_eq(h->customer, names->customer)) &&
			(!h->project.n || text_eq(h->project, names->project));
		if (shown && h->model.n)
			rc = store_is_model(st, h->model,
					    &(struct recorded_model){ subject, p, h->created },
					    &shown, e);
	}
	/* credits that are settled by hand reserve no money */
	shown |= !known.first && h->estimate.pico == 0;
	if (rc == 0 && !shown)
		rc = db_statement(store_db(st), &sql_add_apart, &q, e);
	if (rc != 0 || shown)
		return rc;
	db_bind_text(q, ":hold", h->id);
	db_bind_text(q, ":customer", h->customer);
	db_bind_text(q, ":project", h->project);
	db_bind_text(q, ":model", h->model);
	db_bind_text(q, ":currency", h->currency);
	db_bind_int(q, ":pico", h->estimate.pico);
	db_bind_int(q, ":created", h->created.us);
	db_bind_int(q, ":first", known.first);
	return db_done(store_db(st), q, e);
}

static int add_held(struct spending *sp, const struct spending_scope *c, struct instant now,
		    struct scope_state *out, struct err *e)
{
	struct held_sums sums;
	const struct held_scope of = { c->customer, c->project, c->model };
	int rc = held_sum(sp->held, &of, c->currency, now, &sums, e);
	if (rc != 0)
		return rc;
	out->held.atto = sums.pico * 1000000;
	out->held_foreign = sums.foreign > 0;
	out->held_credits.nano = sums.nano > INT64_MAX ? INT64_MAX : (int64_t)sums.nano;
	return 0;
}

/* The scope with what its model means, as holds have it. */
static int scope_of_holds(struct spending *sp, const struct spending_scope *c,
			  struct spending_scope *out, struct err *e)
{
	struct text means;
	*out = *c;
	int rc = c->model.n ? store_model_name(sp->store,
					       &(struct named_model){ TEXT(""), c->model, sp->now },
					       &means, e)
			    : 0;
	if (rc != 0 || !c->model.n)
		return rc;
	sp->means.n = 0;
	buf_add(&sp->means, means.p, means.n);
	out->model = (struct text){ sp->means.p, sp->means.n };
	return 0;
}

static int catch_up(struct spending *sp, const struct spending_scope *c,
		    const struct scope_state *period, struct spent *s, struct err *e)
{
	const int64_t last = store_last_seq(sp->store);
	bool changed = false;
	int64_t turn = 0;
	int rc = c->model.n ? store_models_turn(sp->store, sp->now, &turn, e) : 0;
	if (rc != 0)
		return rc;
	if (turn != s->turn || s->seq < 0 || s->from.us != period->from.us) {
		*s = (struct spent){ .from = period->from, .seq = -1, .turn = turn };
		rc = add_usage(sp, c, period, s, e);
	} else if (s->seq < last) {
		if (s->apart)
			rc = apart_changed(sp, s->seq + 1, last, &changed, e);
		if (rc == 0)
			rc = add_usage(sp, c, period, s, e);
	}
	if (changed) {
		s->carried = (struct money_total){ 0 };
		s->apart = 0;
	}
	if (rc == 0)
		rc = add_apart(sp, c, period, s, e);
	s->seq = rc == 0 && store_rows_are_settled(sp->store) ? last : -1;
	return rc;
}

int spending_of(struct spending *sp, const struct spending_scope *scope, struct instant now,
		struct scope_state *out, struct err *e)
{
	*out = (struct scope_state){ 0 };
	sp->now = now;
	int rc = find_period(sp, scope, now, out, e);
	if (rc == 0)
		rc = store_flush(sp->store, e);
	if (rc == 0)
		rc = store_refresh(sp->store, e);
	if (rc != 0)
		return rc;
	struct spent *s = spent_of(sp, scope);
	rc = catch_up(sp, scope, out, s, e);
	out->spent = s->amount;
	if (rc == 0 && !money_total_add(&out->spent, s->carried))
		rc = err_set(e, ERR_RANGE, "the spending is larger than a total can hold");
	out->unpriced = s->unpriced;
	out->placeholders = s->placeholders;
	out->foreign = s->foreign;
	struct spending_scope held;
	if (rc == 0)
		rc = scope_of_holds(sp, scope, &held, e);
	return rc == 0 ? add_held(sp, &held, now, out, e) : rc;
}
