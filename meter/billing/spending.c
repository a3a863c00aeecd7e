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
	bool keeps_held;
};

struct spending *spending_open(struct store *s)
{
	struct spending *sp = mem_zalloc(sizeof *sp);
	sp->store = s;
	return sp;
}

void spending_close(struct spending *sp)
{
	if (!sp)
		return;
	dict_release(&sp->index);
	buf_release(&sp->key);
	buf_release(&sp->means);
	free(sp->spent);
	free(sp);
}

void spending_keep_held(struct spending *sp)
{
	sp->keeps_held = true;
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
	int rc = store_flush(st, e);
	if (rc == 0)
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

/* --- what is held --- */

struct held_part held_part_of(struct money amount, struct nano_credits credits)
{
	return (struct held_part){ .millions = amount.pico / 1000000,
				   .rest = amount.pico % 1000000,
				   .credit_millions = credits.nano / 1000000,
				   .credit_rest = credits.nano % 1000000 };
}

#define HELD_SCOPES \
	"WHERE customer IN ('',:customer) AND project IN ('',:project) " \
	"AND model IN ('',:model) "
static const struct sql sql_held_need = {
	.text = "INSERT INTO held SELECT DISTINCT customer,project,model,:currency,0,0,0,0 "
		"FROM held h " HELD_SCOPES
		"AND NOT EXISTS(SELECT 1 FROM held o WHERE o.customer=h.customer "
		"AND o.project=h.project AND o.model=h.model AND o.currency=:currency)",
};
static const struct sql sql_held_add = {
	.text = "UPDATE held SET millions=millions+:millions,rest=rest+:rest,"
		"credit_millions=credit_millions+:credit_millions,"
		"credit_rest=credit_rest+:credit_rest " HELD_SCOPES "AND currency=:currency",
};

int spending_held_changed(struct store *st, const struct held_part *p, int sign, struct err *e)
{
	static const struct sql *const both[] = { &sql_held_need, &sql_held_add };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof both / sizeof *both; i++) {
		struct query *q;
		rc = db_statement(store_db(st), both[i], &q, e);
		if (rc != 0)
			break;
		db_bind_text(q, ":customer", p->customer);
		db_bind_text(q, ":project", p->project);
		db_bind_text(q, ":model", p->model);
		db_bind_text(q, ":currency", p->currency);
		if (both[i] == &sql_held_add) {
			db_bind_int(q, ":millions", sign * p->millions);
			db_bind_int(q, ":rest", sign * p->rest);
			db_bind_int(q, ":credit_millions", sign * p->credit_millions);
			db_bind_int(q, ":credit_rest", sign * p->credit_rest);
		}
		rc = db_done(store_db(st), q, e);
	}
	return rc;
}

static const struct sql sql_held_due = {
	.text = "SELECT currency,sum(pico/1000000),sum(pico%1000000),sum(credits/1000000),"
		"sum(credits%1000000),customer,project,model FROM hold INDEXED BY hold_expiry "
		"WHERE state='open' AND expires<=:now GROUP BY currency,customer,project,model",
};

int spending_held_expires(struct store *st, struct instant now, struct err *e)
{
	struct db *db = store_db(st);
	struct held_part *list = NULL;
	struct arena texts = { 0 };
	struct query *q;
	size_t n = 0;
	int rc = db_statement(db, &sql_held_due, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":now", now.us);
	while ((rc = db_step(db, q, e)) == 1) {
		struct text name[4];
		static const int places[4] = { 5, 6, 7, 0 };
		for (int i = 0; i < 4; i++) {
			struct text t = db_text(q, places[i]);
			name[i] = (struct text){ arena_text(&texts, t.n ? t.p : "", t.n), t.n };
		}
		if ((n & (n - 1)) == 0)
			list = mem_grow(list, (n ? n * 2 : 1) * sizeof *list);
		list[n++] = (struct held_part){ name[0],      name[1],	    name[2],
						name[3],      db_int(q, 1), db_int(q, 2),
						db_int(q, 3), db_int(q, 4) };
	}
	db_reset(q);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = spending_held_changed(st, &list[i], -1, e);
	free(list);
	arena_release(&texts);
	return rc;
}

int spending_held_rebuild(struct store *st, struct err *e)
{
	return db_run(store_db(st), "DELETE FROM held", e);
}

/* Sums of holds, in the order of their parts; of other currencies only that there are any. */
struct held_sums {
	int128 pico, nano, foreign;
	bool any;
};

static const struct sql sql_held_kept = {
	.text = "SELECT currency,millions,rest,credit_millions,credit_rest FROM held "
		"WHERE customer=:customer AND project=:project AND model=:model",
};

static int sum_held(struct spending *sp, const struct spending_scope *c, const struct sql *which,
		    struct instant now, struct held_sums *out, struct err *e)
{
	struct db *db = store_db(sp->store);
	struct query *q;
	int rc = db_statement(db, which, &q, e);
	*out = (struct held_sums){ 0 };
	if (rc != 0)
		return rc;
	db_bind_text(q, ":project", c->project);
	db_bind_text(q, ":model", c->model);
	db_bind_text(q, ":customer", c->customer);
	if (which != &sql_held_kept)
		db_bind_int(q, ":now", now.us);
	while ((rc = db_step(db, q, e)) == 1) {
		const int128 pico = (int128)db_int(q, 1) * 1000000 + db_int(q, 2);
		out->any = true;
		out->nano += (int128)db_int(q, 3) * 1000000 + db_int(q, 4);
		*(text_eq(db_text(q, 0), c->currency) ? &out->pico : &out->foreign) += pico;
	}
	db_reset(q);
	return rc;
}

#define HELD_SUMS \
	"sum(pico/1000000),sum(pico%1000000),sum(credits/1000000),sum(credits%1000000) " \
	"FROM hold "
/* Holds and scopes name a model by what its name means (hold_open). */
#define IN_SCOPE "AND :project IN ('',project) AND :model IN ('',model) "
#define HELD_IN "WHERE state='open' AND :customer IN ('',customer) " IN_SCOPE
static const struct sql sql_keep_held = {
	.text = "INSERT INTO held SELECT :customer,:project,:model,currency," HELD_SUMS HELD_IN
		"GROUP BY currency",
};
static const struct sql sql_keep_none = {
	.text = "INSERT INTO held VALUES(:customer,:project,:model,:currency,0,0,0,0)",
};

/* The sum of a scope that is not kept yet. */
static int keep_held(struct spending *sp, const struct spending_scope *c, struct err *e)
{
	struct db *db = store_db(sp->store);
	struct query *q;
	int rc = db_statement(db, &sql_keep_held, &q, e);
	for (int i = 0; rc == 0 && i < 2; i++) {
		db_bind_text(q, ":customer", c->customer);
		db_bind_text(q, ":project", c->project);
		db_bind_text(q, ":model", c->model);
		if (i)
			db_bind_text(q, ":currency", c->currency);
		rc = db_done(db, q, e);
		if (rc != 0 || db_changes(db))
			break;
		rc = i ? 0 : db_statement(db, &sql_keep_none, &q, e);
	}
	return rc;
}

static const struct sql sql_held_late = {
	.text = "SELECT currency," HELD_SUMS "INDEXED BY hold_expiry " HELD_IN
		"AND expires<=:now GROUP BY currency",
};
static const struct sql sql_held = {
	.text = "SELECT currency," HELD_SUMS HELD_IN "AND expires>:now GROUP BY currency",
};
static const struct sql sql_held_of = {
	.text = "SELECT currency," HELD_SUMS
		"INDEXED BY hold_open WHERE state='open' AND customer=:customer " IN_SCOPE
		"AND expires>:now GROUP BY currency",
};

static int add_held(struct spending *sp, const struct spending_scope *c, struct instant now,
		    struct scope_state *out, struct err *e)
{
	struct held_sums all, late = { 0 };
	int rc = sum_held(sp, c, &sql_held_kept, now, &all, e);
	if (rc == 0 && !all.any && sp->keeps_held) {
		rc = keep_held(sp, c, e);
		if (rc == 0)
			rc = sum_held(sp, c, &sql_held_kept, now, &all, e);
	}
	if (rc == 0 && all.any) /* what is over, but has not been marked so */
		rc = sum_held(sp, c, &sql_held_late, now, &late, e);
	else if (rc == 0)
		rc = sum_held(sp, c, c->customer.n ? &sql_held_of : &sql_held, now, &all, e);
	if (rc != 0)
		return rc;
	const int128 credits = all.nano - late.nano;
	out->held.atto = (all.pico - late.pico) * 1000000;
	out->held_foreign = all.foreign > late.foreign;
	out->held_credits.nano = credits > INT64_MAX ? INT64_MAX : (int64_t)credits;
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
