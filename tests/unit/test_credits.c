/*
 * Credit, rating and rounding scenarios as data (facts restated from other engines): each kind of
 * scenario runs on the part of the program that does it: the timeline, the ledger on a real
 * database, the pricing of quantities, billing cycles. TALLY_CREDIT_SCENARIOS names a file of the
 * same schema; without it the default is used where it exists.
 */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/json.h"
#include "meter/billing/cycle.h"
#include "meter/billing/dated.h"
#include "meter/hold.h"
#include "meter/ledger/batch.h"
#include "pricing/rate.h"
#include "reports/focus.h"
#include "tests/support/difference.h"
#include "tests/support/pricing_kinds.h"
#include "tests/support/test_database.h"
#include "tests/support/timeline.h"

static const int128 atto = 1000000000000000000;

/* --- the scenario at work --- */

static json_value *scenario, *given, *when, *expect;
static char complaint[2000];
static struct store *store;
static struct ledger *ledger;
static struct spending *spending;
static int accounts;

#define COMPLAIN(...) \
	do { \
		size_t said = strlen(complaint); \
		snprintf(complaint + said, sizeof complaint - said, "%s", said ? "; " : ""); \
		said = strlen(complaint); \
		snprintf(complaint + said, sizeof complaint - said, __VA_ARGS__); \
	} while (0)

static struct text member_text(json_value *v, const char *key)
{
	json_value *m = json_member(v, key);
	return json_kind(m) == JSON_NUMBER ? json_number(m) : json_string(m);
}

static bool is(json_value *v, const char *key, const char *word)
{
	return text_is(member_text(v, key), word);
}

/* A number with any unit behind it ("640 by estimate"), "" is 0. */
static struct decimal number_in(struct text s)
{
	struct decimal d = { 0, 0 };
	size_t n = 0;
	if (s.n && *s.p == '+') {
		s.p++;
		s.n--;
	}
	while (n < s.n && strchr("-0123456789.", s.p[n]))
		n++;
	if (n && decimal_parse(&d, (struct text){ s.p, n }, NULL) != 0)
		COMPLAIN("'%.*s' is not a number", (int)s.n, s.p);
	return d;
}

static int128 at_scale(struct decimal d, int scale)
{
	int128 v = d.digits;
	for (int i = d.scale; i < scale; i++)
		v *= 10;
	return v;
}

static int128 amount_in(json_value *v, const char *key)
{
	return at_scale(number_in(member_text(v, key)), 18);
}

static int128 value_of(json_value *v)
{
	return at_scale(number_in(json_kind(v) == JSON_NUMBER ? json_number(v) : json_string(v)),
			18);
}

static struct nano_credits nano(int128 a)
{
	return (struct nano_credits){ (int64_t)(a / 1000000000) };
}

static struct quantity quantity_in(json_value *v, const char *key)
{
	return (struct quantity){ at_scale(number_in(member_text(v, key)), 9) };
}

static void same(const char *what, int128 got, int128 want)
{
	char a[DECIMAL_TEXT_MAX], b[DECIMAL_TEXT_MAX];
	if (got == want)
		return;
	decimal_format_fixed(a, got, 18);
	decimal_format_fixed(b, want, 18);
	COMPLAIN("%s is %s, not %s", what, a, b);
}

/* "T0+1d-1s", "T7" (the seventh of an ordered row), an instant, null. */
static struct instant instant_in(struct text s)
{
	const int64_t t0 = INT64_C(1704067200000000); /* 2024-01-01 */
	struct instant t = { t0 };
	size_t i = 0;
	if (s.n == 0)
		return INSTANT_MAX;
	if (*s.p != 'T') {
		if (instant_parse(&t, s, NULL) != 0)
			COMPLAIN("'%.*s' is no instant", (int)s.n, s.p);
		return t;
	}
	int64_t nth = 0;
	for (i = 1; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		nth = nth * 10 + (s.p[i] - '0');
	t.us += nth * US_PER_DAY;
	while (i < s.n) {
		int sign = s.p[i++] == '-' ? -1 : 1;
		int64_t n = 0;
		/* "1h30m" is one offset of two parts */
		do {
			for (n = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
				n = n * 10 + (s.p[i] - '0');
			int64_t per = s.p[i] == 's'   ? US_PER_SECOND
				      : s.p[i] == 'm' ? 60 * US_PER_SECOND
				      : s.p[i] == 'h' ? US_PER_HOUR
				      : s.p[i] == 'd' ? US_PER_DAY
				      : s.p[i] == 'w' ? 7 * US_PER_DAY
						      : 365 * US_PER_DAY;
			t.us += sign * n * per;
			i++;
		} while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9');
	}
	return t;
}

static struct instant instant_at(json_value *v, const char *key)
{
	return instant_in(member_text(v, key));
}

static struct instant t0(void)
{
	return instant_in(TEXT("T0"));
}

/* --- the timeline --- */

enum { GRANTS_MAX = 64, EVENTS_MAX = 256 };

struct run {
	struct timeline_grant grant[GRANTS_MAX];
	size_t grants;
	struct timeline_event event[EVENTS_MAX];
	size_t events;
	struct timeline o;
	struct timeline_result result;
	struct err e;
	int rc;
};

static void read_grants(struct run *r)
{
	for (json_value *g = json_first(json_member(given, "grants")); g; g = json_next(g)) {
		struct timeline_grant *t = &r->grant[r->grants++];
		json_value *again = json_member(g, "recurrence"),
			   *over = json_member(g, "rollover");
		*t = (struct timeline_grant){
			.lot = { .id = member_text(g, "id"),
				 .amount = { amount_in(g, "amount") },
				 .cap = { -1 },
				 .priority = (int64_t)(amount_in(g, "priority") / atto),
				 .effective = instant_at(g, "effective_at"),
				 .expires = instant_at(g, "expires_at"),
				 .created = instant_at(g, "created_at") },
			.voided = instant_at(g, "voided_at"),
			.recurs = again != NULL,
			.rollover_min = { amount_in(over, "min") },
			.rollover_max = { amount_in(over, "max") },
		};
		if (again && recurrence_parse(&t->recurrence, member_text(again, "every"),
					      instant_at(again, "anchor"), &r->e) != 0)
			COMPLAIN("%s", r->e.message);
	}
	json_value *snapshot = json_member(given, "start_balances");
	r->o.has_snapshot = snapshot != NULL;
	for (json_value *b = json_first(snapshot); b; b = json_next(b))
		if (timeline_snapshot(r->grant, r->grants, text_of(json_key(b)),
				      (struct credits_total){ value_of(b) }, &r->e) != 0)
			COMPLAIN("%s", r->e.message);
}

static struct burn_order default_order(void)
{
	struct burn_order o;
	struct err e;
	if (burn_order_parse(&o, BURN_ORDER_DEFAULT, &e) != 0)
		fail_msg("%s", e.message);
	return o;
}

static void run_timeline(struct run *r)
{
	*r = (struct run){ .o = { .order = default_order(), .repay = true } };
	struct instant last;
	r->o.start = json_member(given, "start") ? instant_at(given, "start") : t0();
	last = r->o.start;
	read_grants(r);
	for (json_value *w = json_first(when); w; w = json_next(w)) {
		struct timeline_event *v = &r->event[r->events++];
		v->op = is(w, "op", "reset") ? TIMELINE_RESET : TIMELINE_USE;
		v->amount.atto = amount_in(w, "qty");
		v->at = is(w, "at", "recurrence instant")
				? recurrence_from(&r->grant[0].recurrence,
						  (struct instant){ r->o.start.us + 1 })
				: instant_at(w, "at");
		last = v->at.us > last.us ? v->at : last;
	}
	r->o.until = json_member(given, "until") ? instant_at(given, "until") : last;
	r->o.grant = r->grant;
	r->o.grants = r->grants;
	r->o.event = r->event;
	r->o.events = r->events;
	r->rc = timeline_run(&r->result, &r->o, &r->e);
}

static size_t find_grant(const struct run *r, struct text id)
{
	for (size_t i = 0; i < r->grants; i++)
		if (text_eq(r->grant[i].lot.id, id))
			return i;
	COMPLAIN("no grant '%.*s'", (int)id.n, id.p);
	return 0;
}

static void check_segment(const struct run *r, json_value *want)
{
	struct instant from = instant_at(want, "from");
	for (size_t i = 0; i < r->result.segments; i++) {
		const struct timeline_segment *s = &r->result.segment[i];
		if (s->from.us != from.us)
			continue;
		for (json_value *m = json_first(want); m; m = json_next(m)) {
			const char *key = json_key(m);
			if (strcmp(key, "overage") == 0)
				same(key, s->overage.atto, value_of(m));
			else if (strcmp(key, "overage_at_start") == 0)
				same(key, s->overage_at_start.atto, value_of(m));
			else if (strcmp(key, "balance_at_start") == 0)
				same(key, s->balance_at_start.atto, value_of(m));
			else if (strncmp(key, "balance_at_start_", 17) == 0)
				same(key,
				     r->result
					     .start_balance[i * r->grants +
							    find_grant(r, text_of(key + 17))]
					     .atto,
				     value_of(m));
		}
		return;
	}
	COMPLAIN("no segment from %.*s", (int)member_text(want, "from").n,
		 member_text(want, "from").p);
}

static void kind_credit_run(void)
{
	struct run r;
	run_timeline(&r);
	if (json_true(json_member(expect, "error"))) {
		if (r.rc == 0)
			COMPLAIN("nothing was refused");
	} else if (r.rc != 0) {
		COMPLAIN("%s", r.e.message);
	} else {
		for (json_value *b = json_first(json_member(expect, "balances")); b;
		     b = json_next(b))
			same(json_key(b),
			     r.grant[find_grant(&r, text_of(json_key(b)))].lot.left.atto,
			     value_of(b));
		if (json_member(expect, "overage"))
			same("overage", r.result.overage.atto, amount_in(expect, "overage"));
		for (json_value *s = json_first(json_member(expect, "segments")); s;
		     s = json_next(s))
			check_segment(&r, s);
	}
	timeline_release(&r.result);
}

static void kind_credit_run_error(void)
{
	for (json_value *c = json_first(json_member(given, "cases")); c; c = json_next(c)) {
		struct timeline_grant grant[GRANTS_MAX] = { 0 };
		struct timeline_result result = { 0 };
		struct err e = { 0 };
		size_t n = 0;
		int rc = 0;
		for (json_value *g = json_first(json_member(c, "grants")); g; g = json_next(g))
			grant[n++] = (struct timeline_grant){ .lot = { .id = json_string(g),
								       .amount = { 100 * atto },
								       .effective = t0(),
								       .expires = INSTANT_MAX },
							      .voided = INSTANT_MAX };
		for (json_value *b = json_first(json_member(c, "start_balances")); b && rc == 0;
		     b = json_next(b))
			rc = timeline_snapshot(grant, n, text_of(json_key(b)),
					       (struct credits_total){ value_of(b) }, &e);
		const struct timeline o = { .grant = grant,
					    .grants = n,
					    .start = t0(),
					    .until = t0(),
					    .order = default_order(),
					    .repay = true,
					    .has_snapshot = true };
		if (rc == 0)
			rc = timeline_run(&result, &o, &e);
		if (rc == 0)
			COMPLAIN("a snapshot that does not fit was taken");
		timeline_release(&result);
	}
}

/* --- the ledger --- */

static const char *new_account(enum overage_policy overage)
{
	static char name[40];
	struct err e = { 0 };
	snprintf(name, sizeof name, "customer-%d", accounts++);
	const struct account a = { .customer = text_of(name),
				   .plan = TEXT("vm0"),
				   .plan_text = TEXT(""),
				   .zone = TEXT("UTC"),
				   .terms = TEXT("{}"),
				   .burn_order = TEXT("priority,expiry,class,cost-basis,effective,"
						      "created,id"),
				   .overage = overage,
				   .anchor_day = 1,
				   .since = t0(),
				   .opened = t0() };
	if (ledger_set_account(ledger, &a, t0(), &e) != 0)
		COMPLAIN("%s", e.message);
	return name;
}

static const struct account *account(const char *customer)
{
	const struct account *a = NULL;
	struct err e = { 0 };
	if (ledger_account(ledger, text_of(customer), &a, &e) != 0)
		COMPLAIN("%s", e.message);
	return a;
}

static int give(const char *customer, struct text id, int128 amount, json_value *more,
		struct err *e)
{
	int64_t grant;
	json_value *expires = json_member(more, "expires_at");
	struct text class = member_text(more, "class");
	const struct grant g = {
		.account = account(customer)->id,
		.name = id,
		.amount = nano(amount),
		.kind = text_is(class, "purchased") || text_is(class, "paid") ? LOT_PAID
									      : LOT_GRANTED,
		.priority = (int64_t)(amount_in(more, "priority") / atto),
		.effective = t0(),
		.created = { t0().us + (int64_t)(amount_in(more, "seq") / atto) },
		.expires = expires ? instant_in(json_string(expires)) : INSTANT_MAX,
		.currency = TEXT(""),
		.note = TEXT(""),
	};
	return amount == 0 ? 0 : ledger_grant(ledger, &g, t0(), &grant, e);
}

/* Pools become grants in their order. */
static const char *pools_in(const char *key, const char *amount_key, enum overage_policy overage)
{
	static char customer[40];
	struct err e = { 0 };
	strcpy(customer, new_account(overage));
	for (json_value *p = json_first(json_member(given, key)); p; p = json_next(p)) {
		json_value *id = json_member(p, "id");
		if (give(customer, id ? json_string(id) : TEXT("p"), amount_in(p, amount_key), p,
			 &e) != 0)
			COMPLAIN("%s", e.message);
	}
	return customer;
}

static int128 left_of(const char *customer, struct text id)
{
	struct grant g;
	struct err e;
	if (ledger_find_grant(ledger, account(customer)->id, id, &g, &e) != 0)
		return 0;
	return (int128)g.left.nano * 1000000000;
}

static int128 balance_of(const char *customer, struct instant now)
{
	struct balance b = { 0 };
	struct err e = { 0 };
	if (ledger_balance(ledger, account(customer), now, &b, &e) != 0)
		COMPLAIN("%s", e.message);
	return (int128)b.available.nano * 1000000000;
}

static void check_left(const char *customer, json_value *want)
{
	for (json_value *m = json_first(want); m; m = json_next(m))
		same(json_key(m), left_of(customer, text_of(json_key(m))), value_of(m));
}

struct moves {
	struct text pot[GRANTS_MAX];
	int128 amount[GRANTS_MAX];
	size_t n;
	struct arena arena;
};

static int add_move(void *user, const struct ledger_entry *en)
{
	struct moves *m = user;
	if (!text_is(en->pot, "grant"))
		return 0;
	m->pot[m->n] =
		(struct text){ arena_text(&m->arena, en->grant.p, en->grant.n), en->grant.n };
	m->amount[m->n++] = (int128)en->amount.nano * -1000000000;
	return 0;
}

static void check_moves(const struct moves *m, json_value *want, int sign)
{
	size_t i = 0;
	for (json_value *pair = json_first(want); pair; pair = json_next(pair), i++) {
		json_value *id = json_first(pair);
		if (i >= m->n || !text_eq(m->pot[i], json_string(id))) {
			COMPLAIN("move %zu is not from '%s'", i, json_string(id).p);
			return;
		}
		same(json_string(id).p, m->amount[i] * sign, value_of(json_next(id)));
	}
	if (i != m->n)
		COMPLAIN("%zu moves, not %zu", m->n, i);
}

static int draw(const char *customer, int128 amount, struct instant at, bool no_overage,
		struct drawn *out, struct moves *m, struct err *e)
{
	int rc = ledger_draw(ledger, account(customer)->id, nano(amount),
			     &(struct draw){ .at = at,
					     .now = at,
					     .policy = SHORT_PARTIAL,
					     .no_overage = no_overage,
					     .note = TEXT("") },
			     out, e);
	if (m && rc == 0 && out->txn)
		rc = ledger_each_entry(ledger, out->txn, add_move, m, e);
	return rc;
}

static void kind_collect(void)
{
	const char *customer = pools_in("pools", "available", OVERAGE_REFUSE);
	json_value *each = json_first(json_member(expect, "taken_each"));
	for (json_value *w = json_first(when); w; w = json_next(w)) {
		struct drawn d;
		struct moves m = { 0 };
		struct err e = { 0 };
		if (draw(customer, amount_in(w, "qty"), t0(), true, &d, &m, &e) != 0)
			COMPLAIN("%s", e.message);
		if (json_member(expect, "taken"))
			check_moves(&m, json_member(expect, "taken"), 1);
		if (each) {
			check_moves(&m, each, 1);
			each = json_next(each);
		}
		arena_release(&m.arena);
	}
	check_left(customer, json_member(expect, "remaining"));
}

static void kind_collect_short(void)
{
	bool advance = is(given, "mode", "credit_only");
	const char *customer =
		pools_in("pools", "available", advance ? OVERAGE_DEBT : OVERAGE_LIMIT);
	for (json_value *w = json_first(when); w; w = json_next(w)) {
		struct drawn d;
		struct moves m = { 0 };
		struct err e = { 0 };
		if (draw(customer, amount_in(w, "qty"), t0(), !advance, &d, &m, &e) != 0)
			COMPLAIN("%s", e.message);
		check_moves(&m, json_member(expect, "taken"), 1);
		if (json_member(expect, "advance"))
			same("advance", (int128)d.overage.nano * 1000000000,
			     amount_in(expect, "advance"));
		if (json_member(expect, "to_invoice"))
			same("to_invoice", (int128)d.rest.nano * 1000000000,
			     amount_in(expect, "to_invoice"));
		arena_release(&m.arena);
	}
}

static void check_asof(const char *customer)
{
	for (json_value *pair = json_first(json_member(expect, "asof")); pair;
	     pair = json_next(pair)) {
		struct past_balance b;
		struct err e = { 0 };
		struct text at = json_string(json_first(pair));
		if (ledger_balance_at(ledger, account(customer)->id, instant_in(at), &b, &e) != 0)
			COMPLAIN("%s", e.message);
		same(at.p, (int128)b.left.nano * 1000000000, value_of(json_next(json_first(pair))));
	}
}

static void kind_collect_asof(void)
{
	const char *customer = pools_in("pools", "available", OVERAGE_REFUSE);
	for (json_value *f = json_first(json_member(given, "future_booked")); f; f = json_next(f)) {
		struct drawn d;
		struct err e = { 0 };
		if (draw(customer, amount_in(f, "qty"), instant_at(f, "at"), true, &d, NULL, &e) !=
		    0)
			COMPLAIN("%s", e.message);
	}
	check_asof(customer);
}

static void kind_asof_balance(void)
{
	char customer[40];
	struct err e = { 0 };
	int n = 0;
	strcpy(customer, new_account(OVERAGE_REFUSE));
	for (json_value *w = json_first(json_member(given, "entries")); w; w = json_next(w), n++) {
		struct instant at = instant_at(w, "at");
		char name[20];
		int64_t id;
		struct drawn d;
		snprintf(name, sizeof name, "g%d", n);
		if (json_member(w, "grant") &&
		    ledger_grant(ledger,
				 &(struct grant){ .account = account(customer)->id,
						  .name = text_of(name),
						  .amount = nano(amount_in(w, "grant")),
						  .effective = at,
						  .expires = instant_at(w, "expires_at"),
						  .currency = TEXT(""),
						  .note = TEXT("") },
				 at, &id, &e) != 0)
			COMPLAIN("%s", e.message);
		if (json_member(w, "use") &&
		    draw(customer, amount_in(w, "use"), at, false, &d, NULL, &e) != 0)
			COMPLAIN("%s", e.message);
	}
	if (ledger_expire(ledger, account(customer)->id, instant_in(TEXT("T0+90d")), &e) != 0)
		COMPLAIN("%s", e.message);
	check_asof(customer);
}

static void kind_correction_lifo(void)
{
	for (json_value *c = json_first(json_member(expect, "cases")); c; c = json_next(c)) {
		char customer[40];
		struct err e = { 0 };
		struct drawn d;
		struct moves m = { 0 };
		int128 all = 0;
		int64_t txn;
		strcpy(customer, new_account(OVERAGE_REFUSE));
		for (json_value *p = json_first(json_member(given, "collected")); p;
		     p = json_next(p)) {
			struct text id = json_string(json_first(p));
			int64_t grant;
			int128 used = value_of(json_next(json_first(p)));
			all += used;
			if (ledger_grant(ledger,
					 &(struct grant){ .account = account(customer)->id,
							  .name = id,
							  .amount = nano(used),
							  .effective = t0(),
							  .expires = instant_in(id),
							  .currency = TEXT(""),
							  .note = TEXT("") },
					 t0(), &grant, &e) != 0)
				COMPLAIN("%s", e.message);
		}
		if (draw(customer, all, t0(), false, &d, NULL, &e) != 0 ||
		    ledger_refund(ledger, account(customer)->id, nano(amount_in(c, "correct")),
				  &(struct draw){ .at = t0(), .now = t0(), .note = TEXT("") }, &txn,
				  &e) != 0 ||
		    ledger_each_entry(ledger, txn, add_move, &m, &e) != 0)
			COMPLAIN("%s", e.message);
		check_moves(&m, json_member(c, "restored"), -1);
		for (json_value *u = json_first(json_member(c, "remaining_used")); u;
		     u = json_next(u)) {
			struct grant g;
			if (ledger_find_grant(ledger, account(customer)->id, text_of(json_key(u)),
					      &g, &e) == 0)
				same(json_key(u),
				     (int128)(g.amount.nano - g.left.nano) * 1000000000,
				     value_of(u));
		}
		arena_release(&m.arena);
	}
}

/* What expires: the plan less what was used in time, plus what was given back too late. */
static void kind_breakage(void)
{
	char customer[40];
	struct err e = { 0 };
	struct drawn d;
	struct past_balance b;
	int64_t grant, id;
	strcpy(customer, new_account(OVERAGE_REFUSE));
	id = account(customer)->id;
	const struct instant end = instant_in(TEXT("T10")), late = instant_in(TEXT("T11"));
	if (ledger_grant(ledger,
			 &(struct grant){ .account = id,
					  .name = TEXT("g"),
					  .amount = nano(amount_in(given, "plan")),
					  .effective = t0(),
					  .expires = end,
					  .currency = TEXT(""),
					  .note = TEXT("") },
			 t0(), &grant, &e) != 0 ||
	    draw(customer, amount_in(given, "release"), t0(), false, &d, NULL, &e) != 0 ||
	    ledger_expire(ledger, id, late, &e) != 0 ||
	    ledger_refund(ledger, id, nano(amount_in(given, "reopen")),
			  &(struct draw){ .at = late, .now = late, .note = TEXT("") }, NULL,
			  &e) != 0 ||
	    ledger_expire(ledger, id, late, &e) != 0 ||
	    ledger_balance_at(ledger, id, late, &b, &e) != 0)
		COMPLAIN("%s", e.message);
	same("expired_impact", -(int128)b.expired.nano * 1000000000,
	     amount_in(expect, "expired_impact"));
}

static void kind_burn_order(void)
{
	static const struct {
		const char *says, *key;
	} words[] = {
		{ "priority asc", "priority" },
		{ "expires_at asc nulls last (second precision)", "expiry-second" },
		{ "expires_at asc nulls last", "expiry" },
		{ "created_at asc", "created" },
		{ "effective_at asc", "effective" },
		{ "id asc", "id" },
		{ "category: promotional before paid", "class" },
		{ "category: granted before paid", "class" },
		{ "cost_basis asc", "cost-basis" },
		{ "amount desc", "largest" },
	};
	struct buf list = { 0 };
	struct burn_order order;
	struct err e = { 0 };
	struct lot lot[GRANTS_MAX];
	size_t n = 0;
	for (json_value *k = json_first(json_member(given, "order_by")); k; k = json_next(k)) {
		const char *key = NULL;
		for (size_t i = 0; i < COUNT(words) && !key; i++)
			if (text_is(json_string(k), words[i].says))
				key = words[i].key;
		if (!key) {
			COMPLAIN("the order '%s' is not known", json_string(k).p);
			return;
		}
		buf_printf(&list, "%s%s", list.n ? "," : "", key);
	}
	if (burn_order_parse(&order, list.p, &e) != 0)
		COMPLAIN("%s", e.message);
	buf_release(&list);
	for (json_value *g = json_first(json_member(given, "grants")); g; g = json_next(g), n++) {
		struct text class = member_text(g, "category");
		lot[n] = (struct lot){ .id = member_text(g, "id"),
				       .number = (int64_t)n,
				       .amount = { amount_in(g, "amount") },
				       .left = { amount_in(g, "amount") },
				       .cap = { -1 },
				       .kind = text_is(class, "paid") ? LOT_PAID : LOT_GRANTED,
				       .priority = (int64_t)(amount_in(g, "priority") / atto),
				       .expires = instant_at(g, "expires_at"),
				       .created = instant_at(g, "created_at"),
				       .effective = instant_at(g, "effective_at"),
				       .has_cost_basis = json_member(g, "cost_basis") != NULL,
				       .cost_basis = { amount_in(g, "cost_basis") } };
	}
	lots_sort(lot, n, &order);
	n = 0;
	for (json_value *id = json_first(json_member(expect, "order")); id; id = json_next(id), n++)
		if (!text_eq(lot[n].id, json_string(id)))
			COMPLAIN("place %zu has %.*s, not %s", n, (int)lot[n].id.n, lot[n].id.p,
				 json_string(id).p);
}

/* Many grants through the burner; the database would only add to it. */
static void kind_credit_run_scale(void)
{
	json_value *gen = json_member(given, "grant_generator");
	json_value *odd = json_first(json_member(gen, "except"));
	const size_t n = (size_t)(amount_in(gen, "count") / atto);
	struct timeline_grant *grant = mem_zalloc(n * sizeof *grant);
	struct timeline_result result = { 0 };
	struct err e = { 0 };
	char(*name)[24] = mem_alloc(n * sizeof *name);
	for (size_t i = 0; i < n; i++) {
		snprintf(name[i], sizeof name[i], "g%zu", i);
		grant[i] = (struct timeline_grant){ .lot = { .id = text_of(name[i]),
							     .amount = { amount_in(gen, "amount") },
							     .cap = { -1 },
							     .effective = t0(),
							     .created = t0(),
							     .expires = instant_at(gen,
										   "expires_at") },
						    .voided = INSTANT_MAX };
	}
	const size_t one = n * 2 / 3;
	grant[one].lot.expires = instant_in(json_string(odd));
	struct timeline_event use = { TIMELINE_USE,
				      instant_at(json_first(when), "at"),
				      { amount_in(json_first(when), "qty") } };
	const struct timeline o = { .grant = grant,
				    .grants = n,
				    .event = &use,
				    .events = 1,
				    .start = t0(),
				    .until = use.at,
				    .order = default_order(),
				    .repay = true };
	if (timeline_run(&result, &o, &e) != 0)
		COMPLAIN("%s", e.message);
	json_value *changed = json_first(json_member(expect, "changed"));
	for (size_t i = 0; i < n; i++)
		same(i == one ? "the one" : "another", grant[i].lot.left.atto,
		     i == one ? value_of(changed) : amount_in(expect, "all_others"));
	timeline_release(&result);
	free(grant);
	free(name);
}

/* --- wallets --- */

static int128 rate_in(void)
{
	return json_member(given, "rate") ? amount_in(given, "rate") : atto;
}

static int128 money_of(int128 credits)
{
	return credits / 1000000000 * (rate_in() / 1000000000);
}

static int add_class(void *user, const struct ledger_entry *en)
{
	int128 *by_class = user;
	enum lot_class kind = LOT_GRANTED;
	if (!text_is(en->pot, "grant"))
		return 0;
	for (json_value *p = json_first(json_member(given, "inbound")); p; p = json_next(p))
		if (text_eq(member_text(p, "id"), en->grant) && is(p, "class", "purchased"))
			kind = LOT_PAID;
	by_class[kind] += (int128)en->amount.nano * -1000000000;
	return 0;
}

static void scoped_wallets(void)
{
	char name[8][40];
	struct text metric[8];
	int n = 0;
	int128 applied = 0;
	for (json_value *w = json_first(json_member(given, "wallets")); w; w = json_next(w), n++) {
		struct err e = { 0 };
		strcpy(name[n], new_account(OVERAGE_REFUSE));
		metric[n] = member_text(w, "metric");
		if (give(name[n], member_text(w, "id"), amount_in(w, "amount"), w, &e) != 0)
			COMPLAIN("%s", e.message);
	}
	for (json_value *w = json_first(when); w; w = json_next(w))
		for (int i = 0; i < n; i++) {
			struct drawn d;
			struct err e = { 0 };
			if (!is(w, "op", "use") || !text_eq(metric[i], member_text(w, "metric")))
				continue;
			if (draw(name[i], amount_in(w, "amount"), t0(), true, &d, NULL, &e) != 0)
				COMPLAIN("%s", e.message);
			applied += (int128)d.from_lots.nano * 1000000000;
		}
	for (json_value *m = json_first(json_member(expect, "remaining")); m; m = json_next(m))
		for (int i = 0; i < n; i++)
			if (left_of(name[i], text_of(json_key(m))) || i == n - 1) {
				same(json_key(m), left_of(name[i], text_of(json_key(m))),
				     value_of(m));
				break;
			}
	same("prepaid_applied", applied, amount_in(expect, "prepaid_applied"));
}

static void kind_wallet(void)
{
	if (json_member(given, "wallets")) {
		scoped_wallets();
		return;
	}
	json_value *first = json_first(json_member(given, "inbound"));
	const char *customer = pools_in(
		"inbound", json_member(first, "credits") ? "credits" : "amount", OVERAGE_REFUSE);
	json_value *voided = json_first(json_member(expect, "money_voided"));
	int128 by_class[2] = { 0 };
	bool refused = false;
	if (json_member(expect, "money_before"))
		same("money_before", money_of(balance_of(customer, t0())),
		     amount_in(expect, "money_before"));
	struct moves m = { 0 };
	for (json_value *w = json_first(when); w; w = json_next(w)) {
		struct drawn d;
		struct err e = { 0 };
		int128 amount = amount_in(w, json_member(w, "credits") ? "credits" : "amount");
		int rc = ledger_draw(ledger, account(customer)->id, nano(amount),
				     &(struct draw){ .at = t0(),
						     .now = t0(),
						     .policy = is(w, "op", "void") ? SHORT_REFUSE
										   : SHORT_PARTIAL,
						     .no_overage = true,
						     .note = TEXT("") },
				     &d, &e);
		refused |= rc != 0;
		if (rc == 0 && d.txn) {
			ledger_each_entry(ledger, d.txn, add_move, &m, &e);
			ledger_each_entry(ledger, d.txn, add_class, by_class, &e);
		}
		if (voided) {
			same("money_voided", money_of((int128)d.from_lots.nano * 1000000000),
			     value_of(voided));
			voided = json_next(voided);
		}
	}
	if (json_true(json_member(expect, "error")) != refused)
		COMPLAIN(refused ? "it was refused" : "it was not refused");
	if (json_member(expect, "taken"))
		check_moves(&m, json_member(expect, "taken"), 1);
	json_value *split = json_member(expect, "invoice_split");
	if (split) {
		same("granted", by_class[LOT_GRANTED], amount_in(split, "granted"));
		same("purchased", by_class[LOT_PAID], amount_in(split, "purchased"));
	}
	check_left(customer, json_member(expect, "remaining"));
	if (json_member(expect, "money_remaining"))
		same("money_remaining", money_of(balance_of(customer, t0())),
		     amount_in(expect, "money_remaining"));
	arena_release(&m.arena);
}

/* --- holds --- */

static int hold_credits(const char *customer, const char *id, int128 amount, struct instant now,
			struct instant expires, struct err *e)
{
	struct standing after;
	char request[80];
	snprintf(request, sizeof request, "{\"id\":\"%s\"}", id);
	const struct hold h = { .id = text_of(id),
				.customer = text_of(customer),
				.currency = TEXT("USD"),
				.request = text_of(request),
				.credits = nano(amount),
				.expires = expires };
	if (amount < 0)
		return err_set(e, ERR_INVALID, "a hold cannot be negative");
	return hold_open(spending, ledger, &h, now, &after, e);
}

static int128 pending_of(const char *customer, struct instant now)
{
	struct balance b = { 0 };
	struct err e = { 0 };
	if (ledger_balance(ledger, account(customer), now, &b, &e) != 0)
		COMPLAIN("%s", e.message);
	return (int128)b.held.nano * 1000000000;
}

static int128 used_of(const char *customer)
{
	struct past_balance b = { 0 };
	struct err e = { 0 };
	if (ledger_balance_at(ledger, account(customer)->id, instant_in(TEXT("T0+90d")), &b, &e) !=
	    0)
		COMPLAIN("%s", e.message);
	return (int128)b.used.nano * 1000000000;
}

static char *hold_name(const char *customer, const char *id)
{
	static char name[80];
	snprintf(name, sizeof name, "%s/%s", customer, id);
	return name;
}

static void do_hold_op(const char *customer, const char *op, const char *id, int128 amount,
		       struct err *e)
{
	const struct instant now = t0(), later = { now.us + 600 * US_PER_SECOND };
	struct drawn d;
	int64_t n;
	if (strcmp(op, "use") == 0 || strcmp(op, "post") == 0)
		draw(customer, amount, now, false, &d, NULL, e);
	else if (strcmp(op, "hold") == 0)
		hold_credits(customer, hold_name(customer, id), amount, now, later, e);
	else if (strcmp(op, "release") == 0 || strcmp(op, "void") == 0)
		hold_end(spending, text_of(hold_name(customer, id)), "released", TEXT(""), now, e);
	else if (strcmp(op, "expire") == 0)
		hold_expire(spending, (struct instant){ later.us + 1 }, &n, e);
	else if (strcmp(op, "settle") == 0 && amount < 0) {
		/* what comes back is a refund of its own */
		if (hold_end(spending, text_of(hold_name(customer, id)), "released", TEXT(""), now,
			     e) == 0)
			ledger_refund(ledger, account(customer)->id, nano(-amount),
				      &(struct draw){ .at = now, .now = now, .note = TEXT("") },
				      NULL, e);
	} else if (strcmp(op, "settle") == 0)
		hold_settle_credits(spending, ledger,
				    &(struct hold_settlement){ text_of(hold_name(customer, id)),
							       nano(amount), false },
				    now, &d, e);
	else
		err_set(e, ERR_USAGE, "the operation '%s' is not known", op);
}

static void kind_hold(void)
{
	json_value *cases = json_first(json_member(expect, "cases"));
	struct err e = { 0 };
	if (!cases) {
		const char *customer = pools_in("pools", "amount", OVERAGE_DEBT);
		for (json_value *w = json_first(when); w; w = json_next(w)) {
			do_hold_op(customer, member_text(w, "op").p, "h", amount_in(w, "qty"), &e);
			if (e.code != ERR_NONE)
				COMPLAIN("%s", e.message);
		}
		same("remaining", balance_of(customer, t0()), amount_in(expect, "remaining"));
		return;
	}
	for (; cases; cases = json_next(cases)) {
		const char *customer = pools_in("pools", "amount", OVERAGE_DEBT);
		for (json_value *o = json_first(json_member(cases, "ops")); o; o = json_next(o)) {
			do_hold_op(customer, json_string(json_first(o)).p, "h",
				   json_next(json_first(o)) ? value_of(json_next(json_first(o)))
							    : 0,
				   &e);
			if (e.code != ERR_NONE)
				COMPLAIN("%s", e.message);
		}
		same("remaining", balance_of(customer, t0()), amount_in(cases, "remaining"));
	}
}

/* The strict rules: no more than was held, and once. */
static void two_phase_case(json_value *c)
{
	struct err e = { 0 };
	struct drawn d;
	char customer[40];
	const struct instant now = t0();
	struct text want = member_text(c, "result");
	int rc = 0;
	strcpy(customer, new_account(OVERAGE_DEBT));
	char *name = hold_name(customer, "h");
	int128 held = amount_in(given, "hold");
	if (hold_credits(customer, name, held, now, (struct instant){ now.us + US_PER_HOUR }, &e) !=
	    0)
		COMPLAIN("%s", e.message);
	if (json_member(c, "settle"))
		rc = hold_settle_credits(spending, ledger,
					 &(struct hold_settlement){ text_of(name),
								    nano(amount_in(c, "settle")),
								    true },
					 now, &d, &e);
	for (json_value *o = json_first(json_member(c, "ops")); o && rc == 0; o = json_next(o))
		rc = text_is(json_string(o), "settle")
			     ? hold_settle_credits(spending, ledger,
						   &(struct hold_settlement){ text_of(name),
									      nano(held), true },
						   now, &d, &e)
			     : hold_end(spending, text_of(name), "released", TEXT(""), now, &e);
	const char *got = rc == 0			  ? "done"
			  : e.code == ERR_LIMIT		  ? "exceeds_pending_transfer_amount"
			  : strstr(e.message, "settled")  ? "pending_transfer_already_posted"
			  : strstr(e.message, "released") ? "pending_transfer_already_voided"
			  : strstr(e.message, "expired")  ? "pending_transfer_expired"
							  : e.message;
	if (!text_is(want, got))
		COMPLAIN("%s, not %.*s", got, (int)want.n, want.p);
}

static void kind_two_phase(void)
{
	struct err e = { 0 };
	struct drawn d;
	char customer[40];
	struct instant now = t0();
	if (json_member(expect, "cases")) {
		for (json_value *c = json_first(json_member(expect, "cases")); c; c = json_next(c))
			two_phase_case(c);
		return;
	}
	int128 held = amount_in(given, "hold"), posted = 0;
	strcpy(customer, new_account(OVERAGE_DEBT));
	if (json_member(given, "timeout_s")) {
		char *name = hold_name(customer, "h");
		struct instant end = { now.us + (int64_t)(amount_in(given, "timeout_s") /
							  (atto / US_PER_SECOND)) };
		if (hold_credits(customer, name, held, now, end, &e) != 0)
			COMPLAIN("%s", e.message);
		same("returned", held - pending_of(customer, end), amount_in(expect, "returned"));
		if (hold_settle_credits(spending, ledger,
					&(struct hold_settlement){ text_of(name), nano(held),
								   true },
					end, &d, &e) == 0 ||
		    !strstr(e.message, "expired"))
			COMPLAIN("an expired hold was settled");
		return;
	}
	for (json_value *w = json_first(when); w; w = json_next(w)) {
		struct text id = member_text(w, "id");
		do_hold_op(customer, member_text(w, "op").p, id.n ? id.p : "h", amount_in(w, "qty"),
			   &e);
		if (e.code != ERR_NONE)
			COMPLAIN("%s", e.message);
	}
	posted = used_of(customer);
	same("posted", posted, amount_in(expect, "posted"));
	if (json_member(expect, "returned"))
		same("returned", held - posted - pending_of(customer, now),
		     amount_in(expect, "returned"));
	same("pending", pending_of(customer, now), amount_in(expect, "pending"));
}

static void check_sums(const char *customer, json_value *want, struct instant now)
{
	same("pending", pending_of(customer, now), amount_in(want, "pending"));
	same("posted", used_of(customer), amount_in(want, "posted"));
}

static void kind_two_phase_table(void)
{
	char customer[40];
	struct err e = { 0 };
	int n = 0, check_after = (int)(amount_in(given, "checkpoint_after") / atto);
	strcpy(customer, new_account(OVERAGE_DEBT));
	for (json_value *o = json_first(json_member(given, "ops")); o; o = json_next(o), n++) {
		json_value *op = json_first(o), *id = json_next(op), *amount = json_next(id);
		/* only the named one expires */
		if (text_is(json_string(op), "expire"))
			do_hold_op(customer, "release", json_string(id).p, 0, &e);
		else
			do_hold_op(customer, json_string(op).p, json_string(id).p,
				   amount ? value_of(amount) : 0, &e);
		if (e.code != ERR_NONE)
			COMPLAIN("%s", e.message);
		if (n == check_after)
			check_sums(customer, json_member(expect, "checkpoint"), t0());
	}
	check_sums(customer, json_member(expect, "final"), t0());
}

static void kind_admission(void)
{
	char customer[40];
	struct err e = { 0 };
	struct drawn d;
	bool rejected = false;
	strcpy(customer, new_account(OVERAGE_REFUSE));
	if (give(customer, TEXT("g"), amount_in(given, "credits"), NULL, &e) != 0 ||
	    draw(customer, amount_in(given, "debits_posted"), t0(), false, &d, NULL, &e) != 0)
		COMPLAIN("%s", e.message);
	for (json_value *w = json_first(when); w; w = json_next(w)) {
		int rc = hold_credits(customer, hold_name(customer, "h"), amount_in(w, "qty"), t0(),
				      instant_in(TEXT("T1")), &e);
		rejected |= rc != 0 && e.code == ERR_LIMIT;
	}
	if (rejected != is(expect, "result", "rejected"))
		COMPLAIN(rejected ? "it was rejected" : "it was admitted");
	same("debits_pending", pending_of(customer, t0()), amount_in(expect, "debits_pending"));
}

static void kind_idempotency(void)
{
	char customer[40], key[60];
	struct err e = { 0 };
	struct drawn d;
	json_value *first = json_member(given, "first");
	strcpy(customer, new_account(OVERAGE_REFUSE));
	snprintf(key, sizeof key, "%s/%s", customer, member_text(first, "id").p);
	const struct draw how = { .at = t0(),
				  .now = t0(),
				  .key = text_of(key),
				  .policy = SHORT_PARTIAL,
				  .no_overage = true,
				  .note = TEXT("") };
	if (give(customer, TEXT("g"), amount_in(first, "taken"), NULL, &e) != 0 ||
	    ledger_draw(ledger, account(customer)->id, nano(amount_in(first, "cap")), &how, &d,
			&e) != 0)
		COMPLAIN("%s", e.message);
	for (json_value *c = json_first(json_member(expect, "cases")); c; c = json_next(c)) {
		int rc = ledger_draw(ledger, account(customer)->id, nano(amount_in(c, "cap")), &how,
				     &d, &e);
		const char *got = rc == 0 && d.known ? "exists" : "exists_with_different_amount";
		if (!is(c, "result", got) || (rc != 0 && e.code != ERR_CONFLICT))
			COMPLAIN("cap %s: %s", member_text(c, "cap").p, got);
	}
	same("taken once", used_of(customer), amount_in(first, "taken"));
}

static void kind_hold_policy(void)
{
	char customer[40];
	struct err e = { 0 };
	struct drawn d;
	int128 held = amount_in(given, "hold"),
	       made = amount_in(given, "produced_before_disconnect");
	strcpy(customer, new_account(OVERAGE_REFUSE));
	char *name = hold_name(customer, "h");
	if (give(customer, TEXT("g"), held, NULL, &e) != 0 ||
	    hold_credits(customer, name, held, t0(), instant_in(TEXT("T1")), &e) != 0 ||
	    hold_settle_credits(spending, ledger,
				&(struct hold_settlement){ text_of(name), nano(made), false }, t0(),
				&d, &e) != 0)
		COMPLAIN("%s", e.message);
	same("settled", used_of(customer), amount_in(expect, "settled"));
	same("released", balance_of(customer, t0()), amount_in(expect, "released"));
}

static void kind_atomic_chain(void)
{
	char customer[40];
	struct err e = { 0 };
	struct buf b = { 0 };
	struct batch_result *r;
	size_t n, i = 0;
	strcpy(customer, new_account(OVERAGE_REFUSE));
	for (json_value *o = json_first(json_member(given, "batch")); o; o = json_next(o))
		buf_printf(&b,
			   "{\"op\":\"%s\",\"customer\":\"%s\",\"id\":\"%s/%s\",\"amount\":\"%d\","
			   "\"linked\":%s}\n",
			   json_true(json_member(o, "ok")) ? "grant" : "draw", customer, customer,
			   member_text(o, "id").p, json_true(json_member(o, "ok")) ? 5 : 500,
			   json_true(json_member(o, "linked")) ? "true" : "false");
	if (batch_run(ledger, (struct text){ b.p, b.n }, t0(), &r, &n, &e) != 0)
		COMPLAIN("%s", e.message);
	for (json_value *o = json_first(json_member(given, "batch")); o && i < n;
	     o = json_next(o), i++) {
		struct text want =
			member_text(json_member(expect, "results"), member_text(o, "id").p);
		const char *got = r[i].done	? "created"
				  : r[i].undone ? "linked_event_failed"
						: "its own error";
		if (!text_is(want, got))
			COMPLAIN("%s: %s, not %s", member_text(o, "id").p, got, want.p);
	}
	free(r);
	buf_release(&b);
}

static void kind_wallet_live(void)
{
	char customer[40];
	struct err e = { 0 };
	struct drawn d;
	int128 draft = 0, used = 0, next = 0;
	strcpy(customer, new_account(OVERAGE_REFUSE));
	if (give(customer, TEXT("g"), amount_in(given, "credits"), NULL, &e) != 0)
		COMPLAIN("%s", e.message);
	/* what is used and not settled is held; a draft replaces the estimate of its period */
	for (json_value *s = json_first(json_member(expect, "steps")); s; s = json_next(s)) {
		struct text after = member_text(s, "after");
		size_t digit = strcspn(after.p, "0123456789");
		int128 n =
			at_scale(number_in((struct text){ after.p + digit, after.n - digit }), 18);
		if (strstr(after.p, "next period"))
			next += n;
		else if (strncmp(after.p, "use", 3) == 0)
			used += n;
		else if (strstr(after.p, "drafted"))
			draft = n;
		else if (draw(customer, draft, t0(), false, &d, NULL, &e) == 0)
			draft = used = 0;
		char id[40];
		static int holds;
		int64_t expired;
		hold_expire(spending, instant_in(TEXT("T0+90d")), &expired, &e);
		snprintf(id, sizeof id, "live-%d", holds++);
		int128 pending = next + (draft ? draft : used);
		if (pending &&
		    hold_credits(customer, id, pending, t0(), instant_in(TEXT("T1")), &e) != 0)
			COMPLAIN("%s", e.message);
		same("live", balance_of(customer, t0()) - pending_of(customer, t0()),
		     amount_in(s, "live"));
		if (json_member(s, "settled"))
			same("settled", balance_of(customer, t0()), amount_in(s, "settled"));
	}
}

/* --- recurring pools --- */

static void add_monthly(const char *customer, struct text name, int128 amount, int128 rollover)
{
	struct err e = { 0 };
	if (ledger_add_rule(ledger,
			    &(struct credit_rule){ .account = account(customer)->id,
						   .name = name,
						   .every = TEXT("month"),
						   .lasts = TEXT(""),
						   .currency = TEXT(""),
						   .amount = nano(amount),
						   .anchor = t0(),
						   .next = t0(),
						   .until = INSTANT_MAX,
						   .rollover = nano(rollover) },
			    &e) != 0 ||
	    ledger_recur(ledger, t0(), t0(), &e) != 0)
		COMPLAIN("%s", e.message);
}

struct lefts {
	int64_t rule;
	int128 left[GRANTS_MAX];
	size_t n;
};

static int add_left(void *user, const struct grant *g)
{
	struct lefts *l = user;
	if (g->rule)
		l->left[l->n++] = (int128)g->left.nano * 1000000000;
	return 0;
}

/* "use 250, reset": walks the steps; now is moved by resets. */
static void do_step(const char *customer, struct text step, struct instant *now)
{
	struct err e = { 0 };
	struct drawn d;
	const char *use = strstr(step.p, "use ");
	if (use && draw(customer, at_scale(number_in(text_of(use + 4)), 18), *now, false, &d, NULL,
			&e) != 0)
		COMPLAIN("%s", e.message);
	if (strstr(step.p, "reset")) {
		now->us += 31 * US_PER_DAY;
		if (ledger_recur(ledger, *now, *now, &e) != 0 ||
		    ledger_expire(ledger, account(customer)->id, *now, &e) != 0)
			COMPLAIN("%s", e.message);
	}
}

static void kind_rollover_stack(void)
{
	char customer[40];
	struct err e = { 0 };
	struct instant now = t0();
	strcpy(customer, new_account(OVERAGE_REFUSE));
	add_monthly(customer, TEXT("allowance"), amount_in(given, "allowance"),
		    amount_in(given, "rollover_cap"));
	for (json_value *s = json_first(json_member(expect, "steps")); s; s = json_next(s)) {
		struct lefts l = { 0 };
		size_t i = 0;
		do_step(customer, member_text(s, "after"), &now);
		if (ledger_each_grant(ledger, account(customer)->id, now, add_left, &l, &e) != 0)
			COMPLAIN("%s", e.message);
		for (json_value *r = json_first(json_member(s, "rollovers")); r;
		     r = json_next(r), i++)
			same("rollover", i + 1 < l.n ? l.left[i] : -1, value_of(r));
		same("balance", balance_of(customer, now), amount_in(s, "balance"));
	}
}

static void kind_pools(void)
{
	char customer[40];
	struct err e = { 0 };
	struct instant now = t0();
	strcpy(customer, new_account(OVERAGE_REFUSE));
	for (json_value *p = json_first(json_member(given, "pools")); p; p = json_next(p)) {
		if (member_text(p, "resets").n)
			add_monthly(customer, member_text(p, "id"), amount_in(p, "amount"), 0);
		else if (give(customer, member_text(p, "id"), amount_in(p, "amount"), NULL, &e) !=
			 0)
			COMPLAIN("%s", e.message);
	}
	for (json_value *s = json_first(json_member(expect, "steps")); s; s = json_next(s)) {
		do_step(customer, member_text(s, "after"), &now);
		for (json_value *p = json_first(json_member(given, "pools")); p; p = json_next(p)) {
			struct text id = member_text(p, "id");
			struct lefts l = { 0 };
			ledger_each_grant(ledger, account(customer)->id, now, add_left, &l, &e);
			int128 left = member_text(p, "resets").n ? l.n ? l.left[l.n - 1] : 0
								 : left_of(customer, id);
			same(id.p, left, amount_in(s, id.p));
		}
	}
}

/* --- sources in a listed order --- */

static void waterfall_case(json_value *sources, struct text need, json_value *want,
			   struct text error)
{
	enum { HUGE = 1000000000 };
	struct lot lot[GRANTS_MAX];
	struct lot_use use[GRANTS_MAX];
	struct moves m = { 0 };
	struct err e = { 0 };
	size_t n = 0;
	for (json_value *s = json_first(sources); s; s = json_next(s), n++) {
		bool pair = json_kind(s) == JSON_ARRAY;
		struct text id = pair ? json_string(json_first(s)) : member_text(s, "id");
		int128 has = pair ? value_of(json_next(json_first(s)))
			     : is(s, "available", "unbounded")
				     ? HUGE * atto
				     : amount_in(s, "available") + amount_in(s, "overdraft");
		/* mentioned again, an account still has one overdraft: the larger of the two */
		for (size_t i = 0; i < n; i++)
			if (text_eq(lot[i].id, id))
				has = has > lot[i].left.atto ? has - lot[i].left.atto : 0;
		lot[n] = (struct lot){ .id = id,
				       .left = { has },
				       .cap = { json_member(s, "cap") && !pair ? amount_in(s, "cap")
									       : -1 },
				       .expires = INSTANT_MAX };
	}
	bool all = text_is(need, "*");
	const struct lot_demand demand = { t0(),
					   { all ? HUGE * atto : at_scale(number_in(need), 18) },
					   all ? SHORT_PARTIAL : SHORT_REFUSE };
	struct lots_taken taken = { .use = use };
	int rc = lots_take(lot, n, &demand, &taken, &e);
	if (error.n) {
		if (rc == 0 || e.code != ERR_LIMIT)
			COMPLAIN("it was not refused");
		return;
	}
	if (rc != 0)
		COMPLAIN("%s", e.message);
	for (size_t i = 0; rc == 0 && i < taken.uses; i++) {
		size_t k = 0;
		while (k < m.n && !text_eq(m.pot[k], lot[use[i].lot].id))
			k++;
		m.pot[k] = lot[use[i].lot].id;
		m.amount[k] += use[i].amount.atto;
		m.n = k == m.n ? k + 1 : m.n;
	}
	check_moves(&m, want, 1);
}

static void kind_waterfall(void)
{
	if (json_member(given, "limit")) { /* a top-up that a limit stops */
		for (json_value *c = json_first(json_member(expect, "cases")); c;
		     c = json_next(c)) {
			char customer[40];
			struct err e = { 0 };
			int64_t id;
			strcpy(customer, new_account(OVERAGE_REFUSE));
			if (give(customer, TEXT("had"), amount_in(c, "balance"), NULL, &e) != 0)
				COMPLAIN("%s", e.message);
			int rc = ledger_grant(
				ledger,
				&(struct grant){ .account = account(customer)->id,
						 .name = TEXT("top-up"),
						 .amount = nano(amount_in(given, "amount")),
						 .effective = t0(),
						 .expires = INSTANT_MAX,
						 .currency = TEXT(""),
						 .note = TEXT(""),
						 .balance_most = nano(amount_in(given, "limit")) },
				t0(), &id, &e);
			if ((rc != 0) != (member_text(c, "error").n > 0))
				COMPLAIN("balance %s: %s", member_text(c, "balance").p,
					 rc ? e.message : "it was taken");
		}
		return;
	}
	waterfall_case(json_member(given, "sources"), member_text(given, "need"),
		       json_member(expect, "taken"), member_text(expect, "error"));
}

/* --- prices of quantities --- */

static size_t read_tiers(json_value *list, struct tier tier[TIERS_MAX])
{
	size_t n = 0;
	for (json_value *t = json_first(list); t; t = json_next(t), n++)
		tier[n] = (struct tier){ member_text(t, "up_to").n > 0,
					 quantity_in(t, "up_to"),
					 { amount_in(t, "unit") },
					 { amount_in(t, "flat") } };
	return n;
}

static void check_parts(json_value *want, const struct money_total *part)
{
	size_t i = 0;
	for (json_value *p = json_first(want); p; p = json_next(p), i++)
		same("part", part[i].atto, value_of(p));
}

static void each_case(void (*check)(json_value *c))
{
	for (json_value *c = json_first(json_member(expect, "cases")); c; c = json_next(c))
		check(c);
}

static void graduated(json_value *c)
{
	struct tier tier[TIERS_MAX];
	struct money_total part[TIERS_MAX], total;
	struct err e = { 0 };
	size_t n = read_tiers(json_member(given, "tiers"), tier);
	if (tiers_graduated(tier, n, quantity_in(c, "qty"), part, &total, &e) != 0)
		COMPLAIN("%s", e.message);
	same("total", total.atto, amount_in(c, "total"));
	check_parts(json_member(c, "parts"), part);
}

static void volume(json_value *c)
{
	struct tier tier[TIERS_MAX];
	struct money_total total;
	struct err e = { 0 };
	size_t n = read_tiers(json_member(given, "tiers"), tier);
	if (tiers_volume(tier, n, quantity_in(c, "qty"), NULL, &total, &e) != 0)
		COMPLAIN("%s", e.message);
	same("total", total.atto, amount_in(c, "total"));
}

static struct money_total package(struct quantity q, struct quantity free_units)
{
	struct money_total total = { 0 };
	struct err e = { 0 };
	if (package_amount(quantity_in(given, "package_size"),
			   (struct money_total){ amount_in(given, "package_price") }, free_units, q,
			   &total, &e) != 0)
		COMPLAIN("%s", e.message);
	return total;
}

static void packages(json_value *c)
{
	same("total", package(quantity_in(c, "qty"), quantity_in(c, "free_units")).atto,
	     amount_in(c, "total"));
}

static void package_split(json_value *c)
{
	struct quantity before = quantity_in(c, "pre_qty"), q = quantity_in(c, "qty");
	same("total",
	     package((struct quantity){ before.nano + q.nano }, (struct quantity){ 0 }).atto -
		     package(before, (struct quantity){ 0 }).atto,
	     amount_in(c, "total"));
}

static size_t read_blocks(struct block_tier tier[TIERS_MAX])
{
	size_t n = 0;
	for (json_value *t = json_first(json_member(given, "tiers")); t; t = json_next(t), n++)
		tier[n] = (struct block_tier){ quantity_in(t, "block"),
					       (int64_t)(amount_in(t, "max_blocks") / atto),
					       { amount_in(t, "price") } };
	return n;
}

static void all_blocks(json_value *c)
{
	struct block_tier tier[TIERS_MAX];
	struct money_total part[TIERS_MAX], total;
	struct err e = { 0 };
	size_t n = read_blocks(tier);
	if (blocks_all(tier, n, quantity_in(c, "qty"), part, &total, &e) != 0)
		COMPLAIN("%s", e.message);
	same("total", total.atto, amount_in(c, "total"));
	check_parts(json_member(c, "parts"), part);
}

static void top_blocks(json_value *c)
{
	struct block_tier tier[TIERS_MAX];
	struct money_total total;
	struct err e = { 0 };
	size_t n = read_blocks(tier);
	if (blocks_top(tier, n, quantity_in(c, "qty"), &total, &e) != 0)
		COMPLAIN("%s", e.message);
	same("total", total.atto, amount_in(c, "total"));
}

static void kind_spend_cap(void)
{
	struct tier tier[TIERS_MAX];
	struct money_total before[TIERS_MAX], after[TIERS_MAX], part[TIERS_MAX], cut[TIERS_MAX];
	struct money_total total, gross = { 0 };
	struct err e = { 0 };
	struct quantity pre = quantity_in(given, "pre_qty"), q = quantity_in(given, "qty");
	size_t n = read_tiers(json_member(given, "tiers"), tier), parts = 0;
	if (tiers_graduated(tier, n, pre, before, &total, &e) != 0 ||
	    tiers_graduated(tier, n, (struct quantity){ pre.nano + q.nano }, after, &total, &e) !=
		    0)
		COMPLAIN("%s", e.message);
	for (size_t i = 0; i < n; i++)
		if (after[i].atto != before[i].atto) {
			part[parts] = money_total_minus(after[i], before[i]);
			gross.atto += part[parts++].atto;
		}
	struct money_total net =
		spend_cap(part, parts,
			  (struct money_total){ amount_in(given, "max_spend") -
						amount_in(given, "already_billed") },
			  cut);
	same("gross", gross.atto, amount_in(expect, "gross"));
	same("net", net.atto, amount_in(expect, "net"));
	check_parts(json_member(expect, "discounts"), cut);
}

static void kind_minimum_spend(void)
{
	struct tier tier[TIERS_MAX];
	struct money_total used, up = { 0 };
	struct err e = { 0 };
	size_t n = read_tiers(json_member(given, "tiers"), tier);
	if (tiers_graduated(tier, n, quantity_in(given, "qty"), NULL, &used, &e) != 0)
		COMPLAIN("%s", e.message);
	if (json_true(json_member(given, "last_line")))
		up = minimum_topup(used, (struct money_total){ amount_in(given, "min_spend") });
	same("usage", used.atto, amount_in(expect, "usage"));
	same("commitment_topup", up.atto, amount_in(expect, "commitment_topup"));
	same("total", used.atto + up.atto, amount_in(expect, "total"));
}

static void kind_usage_discount(void)
{
	struct quantity free_units = quantity_in(given, "free_units"),
			pre = quantity_in(given, "pre_qty"), none = { 0 };
	same("billable_pre", billable(free_units, none, pre).nano * 1000000000,
	     amount_in(expect, "billable_pre"));
	same("billable_qty", billable(free_units, pre, quantity_in(given, "qty")).nano * 1000000000,
	     amount_in(expect, "billable_qty"));
}

static void kind_delta_rating(void)
{
	struct tier tier[TIERS_MAX];
	json_value *price = json_member(given, "price");
	struct unit_price p = { .unit = { amount_in(price, "unit") } };
	struct difference d;
	const struct difference_line *line = d.line;
	struct err e = { 0 };
	size_t i = 0;
	p.tiers = read_tiers(json_member(price, "volume"), tier);
	p.volume = tier;
	if (difference_of(&d, &p, quantity_in(given, "billed_qty"),
			  quantity_in(given, "snapshot_qty"), &e) != 0)
		COMPLAIN("%s", e.message);
	for (json_value *w = json_first(json_member(expect, "lines")); w; w = json_next(w), i++) {
		struct text q = json_string(json_first(w));
		const char *unit = memchr(q.p, '@', q.n);
		if (i >= d.lines)
			break;
		same("quantity", line[i].quantity.nano * 1000000000, at_scale(number_in(q), 18));
		if (unit)
			same("unit", line[i].unit.atto, at_scale(number_in(text_of(unit + 1)), 18));
		same("amount", line[i].amount.atto, value_of(json_next(json_first(w))));
	}
	if (i != d.lines)
		COMPLAIN("%zu lines, not %zu", d.lines, i);
	same("net", d.net.atto, amount_in(expect, "net"));
}

static void kind_late_usage(void)
{
	struct unit_price p = { .unit = { amount_in(json_member(given, "price"), "unit") } };
	json_value *billed = json_member(given, "billed"), *now = json_member(given, "now");
	json_value *w = json_first(json_member(expect, "lines"));
	struct difference d;
	struct err e = { 0 };
	struct quantity before = { 0 };
	for (json_value *m = json_first(now); m && w; m = json_next(m), w = json_next(w)) {
		struct quantity q = { at_scale(number_in(json_string(m)), 9) };
		bool running = strstr(json_key(m), "_cumulative") != NULL;
		struct quantity known = running ? before : quantity_in(billed, json_key(m));
		if (difference_of(&d, &p, known, q, &e) != 0)
			COMPLAIN("%s", e.message);
		same("qty", d.lines ? d.line[0].quantity.nano * 1000000000 : 0,
		     amount_in(w, "qty"));
		same("amount", d.net.atto, amount_in(w, "amount"));
		bool corrects = !running && known.nano != 0;
		if (corrects != (member_text(w, "corrects").n > 0))
			COMPLAIN("%s: is it a correction?", json_key(m));
		before = q;
	}
}

static void kind_missing_items(void)
{
	for (json_value *p = json_first(json_member(given, "periods")); p; p = json_next(p)) {
		struct quantity all = { 0 };
		const struct block_tier tier = { quantity_in(given, "block"),
						 0,
						 { amount_in(given, "price") } };
		struct money_total total;
		struct err e = { 0 };
		for (json_value *u = json_first(json_member(p, "usage")); u; u = json_next(u))
			all.nano += at_scale(number_in(json_string(u)), 9);
		if (blocks_top(&tier, 1, all, &total, &e) != 0)
			COMPLAIN("%s", e.message);
		same(member_text(p, "id").p, total.atto - amount_in(p, "already_billed"),
		     amount_in(json_member(expect, "new_items"), member_text(p, "id").p));
	}
}

static void increments_of(json_value *c)
{
	struct quantity q = increments(quantity_in(given, "first"), quantity_in(given, "step"),
				       quantity_in(c, "qty"));
	struct money_total total;
	struct err e = { 0 };
	const int128 sixty = (int128)60 * 1000000000;
	if (amount_of((struct money_total){ amount_in(given, "per_60") }, q,
		      (struct quantity){ sixty }, &total, &e) != 0)
		COMPLAIN("%s", e.message);
	same("billed_qty", q.nano * 1000000000, amount_in(c, "billed_qty"));
	same("total", total.atto, amount_in(c, "total"));
}

static void kind_increment_granularity(void)
{
	struct quantity balance = quantity_in(given, "balance"), need = quantity_in(given, "need");
	struct quantity got = increments_covered(balance, quantity_in(given, "increment"), need);
	same("granted", got.nano * 1000000000, amount_in(expect, "granted"));
	same("balance", (balance.nano - got.nano) * 1000000000, amount_in(expect, "balance"));
	if ((got.nano < need.nano) != (member_text(expect, "error").n > 0))
		COMPLAIN("is it short?");
}

/* --- shares and roundings --- */

static enum rounding_mode mode_in(void)
{
	return is(given, "mode", "half_even") ? ROUND_HALF_EVEN
	       : is(given, "mode", "up")      ? ROUND_UP
	       : is(given, "mode", "down")    ? ROUND_DOWN
					      : ROUND_HALF_UP;
}

static int128 share_of(const char *key, int64_t num, int64_t den, int places)
{
	struct money_total out = { 0 };
	struct err e = { 0 };
	if (amount_share((struct money_total){ amount_in(given, key) }, num, den,
			 (struct rounding){ places, mode_in() }, &out, &e) != 0)
		COMPLAIN("%s", e.message);
	return out.atto;
}

static int64_t whole_in(json_value *v, const char *key)
{
	return (int64_t)(amount_in(v, key) / atto);
}

static void kind_proration(void)
{
	same("minor",
	     share_of("amount_minor", whole_in(given, "days_used"), whole_in(given, "days_total"),
		      0),
	     amount_in(expect, "minor"));
}

static void kind_proration_change(void)
{
	int64_t num = whole_in(given, "num"), den = whole_in(given, "den");
	int places = (int)whole_in(given, "scale");
	int128 credit = -share_of("old", num, den, places),
	       charge = share_of("new", num, den, places);
	same("credit", credit, amount_in(expect, "credit"));
	same("charge", charge, amount_in(expect, "charge"));
	same("net", credit + charge, amount_in(expect, "net"));
}

static void kind_tax_rounding(void)
{
	int128 balance = amount_in(given, "opening");
	struct decimal percent = number_in(member_text(given, "tax_percent"));
	for (json_value *i = json_first(json_member(expect, "invoices")); i; i = json_next(i)) {
		struct money_total net = { amount_in(i, "net") }, tax;
		struct err e = { 0 };
		if (amount_percent(net, percent,
				   (struct rounding){ (int)whole_in(given, "scale"), mode_in() },
				   &tax, &e) != 0)
			COMPLAIN("%s", e.message);
		same("gross", net.atto + tax.atto, amount_in(i, "gross"));
		balance -= net.atto + tax.atto;
		same("balance", balance, amount_in(i, "balance"));
	}
}

static void kind_allocation(void)
{
	int64_t num[GRANTS_MAX], den[GRANTS_MAX], part[GRANTS_MAX];
	struct err e = { 0 };
	size_t n = 0, i = 0;
	for (json_value *s = json_first(json_member(given, "shares")); s; s = json_next(s), n++) {
		char *end;
		num[n] = strtoll(json_string(s).p, &end, 10);
		den[n] = *end == '/' ? strtoll(end + 1, NULL, 10) : 1;
	}
	if (allocate(whole_in(given, "total"), num, den, n, part, &e) != 0)
		COMPLAIN("%s", e.message);
	for (json_value *p = json_first(json_member(expect, "parts")); p; p = json_next(p), i++)
		same("part", (int128)part[i] * atto, value_of(p));
}

static void capped_fee(json_value *c)
{
	struct money_total fee, amount = { amount_in(c, "amount") };
	struct err e = { 0 };
	if (fee_of(amount, number_in(member_text(given, "fee_percent")),
		   (struct money_total){ amount_in(given, "cap") }, &fee, &e) != 0)
		COMPLAIN("%s", e.message);
	same("fee", fee.atto, amount_in(c, "fee"));
	same("rest", amount.atto - fee.atto, amount_in(c, "rest"));
}

static int64_t day_in(json_value *v, const char *key)
{
	struct civil c;
	if (member_text(v, key).n == 0)
		return INT64_MAX;
	if (civil_parse(&c, member_text(v, key), NULL) != 0)
		COMPLAIN("'%s' is no day", member_text(v, key).p);
	return civil_to_day(c);
}

/* What a vendor counts otherwise than invoices do here, and why. */
static const struct {
	const char *vendor, *ours;
} divided[] = {
	/* Kill Bill takes a stub before 28 February, the billing day 31 of that month, as a part of
	   the days since 28 January; but its period began on 31 January and has 28 days, of which
	   14 until the 14th and 14 from then on are the whole */
	{ "14/31 + 1", "14/28 + 1" },
};

/* What invoices charge in advance on `target` (inclusive), as parts of their periods. */
static void cycles_of(json_value *c)
{
	struct zone *z;
	struct err e = { 0 };
	struct buf b = { 0 };
	const int day = (int)whole_in(c, "billing_day");
	const int64_t start = day_in(c, "start"), end = day_in(c, "end");
	const struct instant target = { (day_in(c, "target") + 1) * US_PER_DAY };
	struct dated held = dated_always;
	struct text expected = member_text(c, "cycles");
	int64_t whole = 0;
	if (zone_open(&z, "UTC", &e) != 0)
		COMPLAIN("%s", e.message);
	held.from.day = start;
	if (end != INT64_MAX)
		held.to.day = end;
	for (struct period p = cycle_period(z, day, (struct instant){ start * US_PER_DAY });
	     p.from.us < target.us; p = cycle_period(z, day, p.to)) {
		const struct dated_part of =
			dated_part(&held, &dated_always, z, p.from, p.to, PRORATE_DAY);
		whole += of.counted == of.of;
		if (whole && of.counted != of.of) {
			buf_printf(&b, "%s%lld", b.n ? " + " : "", (long long)whole);
			whole = 0;
		}
		if (of.counted && of.counted != of.of)
			buf_printf(&b, "%s%lld/%lld", b.n ? " + " : "", (long long)of.counted,
				   (long long)of.of);
	}
	if (whole)
		buf_printf(&b, "%s%lld", b.n ? " + " : "", (long long)whole);
	zone_close(z);
	for (size_t i = 0; i < sizeof divided / sizeof *divided; i++)
		if (text_is(expected, divided[i].vendor))
			expected = text_of(divided[i].ours);
	if (!text_is(expected, b.p ? b.p : ""))
		COMPLAIN("from %s: %s, not %s", member_text(c, "start").p, b.p ? b.p : "nothing",
			 expected.p);
	buf_release(&b);
}

/* --- money of tokens --- */

static int128 priced_tokens(json_value *rates, json_value *tokens, bool *priced)
{
	struct price p = { .id = "case", .model = "m", .provider = "p", .currency = "USD" };
	struct tariff t = { .window = "flat" };
	struct usage u = { .requests = 1 };
	struct rating rating;
	struct err e = { 0 };
	for (json_value *r = json_first(rates); r; r = json_next(r)) {
		int b = bucket_by_name(json_key(r), strlen(json_key(r)));
		CHECK(b >= 0);
		CHECK(money_from_decimal(&t.rates.per_million[b], number_in(json_string(r)), &e) ==
		      0);
		t.rates.known |= 1u << b;
	}
	for (json_value *n = json_first(tokens); n; n = json_next(n)) {
		int b = bucket_by_name(json_key(n), strlen(json_key(n)));
		CHECK(b >= 0);
		u.tokens[b] = (int64_t)(value_of(n) / atto);
	}
	p.tariff = &t;
	p.tariff_count = 1;
	*priced = rate_usage(&rating, &u, &p, &t, &e) == 0;
	return *priced ? rating.total.atto : -1;
}

static void kind_llm_cost(void)
{
	bool priced;
	if (!json_member(given, "rates_per_million")) {
		/* a shape whose cached tiers have no price is not a smaller bill: it has none */
		struct price p = { .id = "case", .model = "m", .provider = "p", .currency = "USD" };
		struct tariff t = { .window = "flat" };
		struct usage u = { .requests = 1 };
		struct rating rating;
		struct err e = { 0 };
		t.rates.known = 1u << BUCKET_INPUT | 1u << BUCKET_OUTPUT;
		u.tokens[BUCKET_INPUT] = 1;
		u.tokens[BUCKET_CACHE_READ] = 1000;
		if (rate_usage(&rating, &u, &p, &t, &e) == 0 || e.code != ERR_UNPRICED)
			COMPLAIN("cached tokens without a price cost nothing");
		return;
	}
	int128 total = priced_tokens(json_member(given, "rates_per_million"),
				     json_member(given, "tokens_disjoint"), &priced);
	same("total", total, amount_in(expect, "total"));
	if (total == amount_in(expect, "wrong_total_reported"))
		COMPLAIN("the total is the wrong one");
}

static void marked_up(json_value *c)
{
	bool priced;
	struct money_total base = { priced_tokens(json_member(given, "rates_per_million"),
						  json_member(given, "tokens_disjoint"), &priced) },
			   more;
	struct err e = { 0 };
	if (amount_percent(base, number_in(member_text(c, "markup_percent")), ROUND_EXACT, &more,
			   &e) != 0)
		COMPLAIN("%s", e.message);
	same("total", base.atto + more.atto, amount_in(c, "total"));
}

static void kind_settle_mode(void)
{
	char customer[40];
	struct err e = { 0 };
	struct drawn d;
	strcpy(customer, new_account(OVERAGE_LIMIT));
	if (give(customer, TEXT("g"), amount_in(given, "credit"), NULL, &e) != 0 ||
	    draw(customer, amount_in(given, "charge"), t0(), true, &d, NULL, &e) != 0)
		COMPLAIN("%s", e.message);
	same("credit_applied", (int128)d.from_lots.nano * 1000000000,
	     amount_in(expect, "credit_applied"));
	same("invoiced", (int128)d.rest.nano * 1000000000, amount_in(expect, "invoiced"));
}

/* Quote, hold, settlement and balance are one exact figure; money is a view of it. */
static void kind_rounding_drift(void)
{
	char customer[40];
	struct err e = { 0 };
	struct drawn d;
	bool balance = json_member(given, "balance") != NULL;
	int128 has = balance ? amount_in(given, "balance") : 100 * atto,
	       used = amount_in(given, balance ? "void" : "exact");
	strcpy(customer, new_account(OVERAGE_REFUSE));
	char *name = hold_name(customer, "h");
	if (give(customer, TEXT("g"), has, NULL, &e) != 0 ||
	    hold_credits(customer, name, used, t0(), instant_in(TEXT("T1")), &e) != 0)
		COMPLAIN("%s", e.message);
	same("held", pending_of(customer, t0()), used);
	if (hold_settle_credits(spending, ledger,
				&(struct hold_settlement){ text_of(name), nano(used), true }, t0(),
				&d, &e) != 0)
		COMPLAIN("%s", e.message);
	same("settled", used_of(customer), used);
	same("balance", balance_of(customer, t0()), has - used);
	static const char *const wrong[] = { "peer_credits_balance", "peer_money_balance",
					     "peer_get_cost", "peer_debit" };
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (json_member(expect, wrong[i]) &&
		    (amount_in(expect, wrong[i]) == balance_of(customer, t0()) ||
		     amount_in(expect, wrong[i]) == used_of(customer)))
			COMPLAIN("%s happens here too", wrong[i]);
}

/* --- FOCUS --- */

static void check_focus(json_value *want, const struct focus_row *row)
{
	char text[DECIMAL_TEXT_MAX];
	for (json_value *m = json_first(want); m; m = json_next(m)) {
		const char *got = focus_value(row, json_key(m), text);
		if (!got)
			COMPLAIN("there is no column %s", json_key(m));
		else if (json_string(m).n && strchr("0123456789-", *json_string(m).p))
			same(json_key(m), at_scale(number_in(text_of(got)), 18), value_of(m));
		else if (!text_is(json_string(m), got))
			COMPLAIN("%s is %s", json_key(m), got);
	}
}

static void focus_of(json_value *want, int128 quantity, int128 price)
{
	struct focus_row row;
	struct err e = { 0 };
	if (focus_purchase(&row, (struct quantity){ quantity / 1000000000 },
			   (struct money_total){ price }, "Token", "USD", &e) != 0)
		COMPLAIN("%s", e.message);
	else
		check_focus(want, &row);
}

static void kind_focus_rows(void)
{
	json_value *rows = json_first(json_member(expect, "rows"));
	if (json_member(expect, "row"))
		focus_of(json_member(expect, "row"), amount_in(given, "tokens"),
			 amount_in(given, "price_per_token"));
	if (!rows)
		return;
	focus_of(rows, amount_in(given, "overage_tokens"), amount_in(given, "token_price"));
	focus_of(json_next(rows), amount_in(given, "next_purchase_tokens"),
		 amount_in(given, "token_price"));
}

/* --- the file --- */

static void cases_graduated(void)
{
	each_case(graduated);
}
static void cases_volume(void)
{
	each_case(volume);
}
static void cases_package(void)
{
	each_case(packages);
}
static void cases_package_split(void)
{
	each_case(package_split);
}
static void cases_blocks_all(void)
{
	each_case(all_blocks);
}
static void cases_blocks_top(void)
{
	each_case(top_blocks);
}
static void cases_increments(void)
{
	each_case(increments_of);
}
static void cases_fee(void)
{
	each_case(capped_fee);
}
static void cases_cycles(void)
{
	each_case(cycles_of);
}
static void cases_markup(void)
{
	each_case(marked_up);
}

static const struct {
	const char *kind;
	void (*run)(void);
	const char *refused; /* why we do not do it */
} kinds[] = {
	{ "credit_run", kind_credit_run, NULL },
	{ "reset", kind_credit_run, NULL },
	{ "credit_run_scale", kind_credit_run_scale, NULL },
	{ "credit_run_error", kind_credit_run_error, NULL },
	{ "limit_meter", NULL, "usage is counted, and a gauge is not usage" },
	{ "burn_order", kind_burn_order, NULL },
	{ "collect", kind_collect, NULL },
	{ "collect_asof", kind_collect_asof, NULL },
	{ "collect_short", kind_collect_short, NULL },
	{ "asof_balance", kind_asof_balance, NULL },
	{ "correction_lifo", kind_correction_lifo, NULL },
	{ "breakage", kind_breakage, NULL },
	{ "tier_graduated", cases_graduated, NULL },
	{ "tier_volume", cases_volume, NULL },
	{ "package", cases_package, NULL },
	{ "package_split", cases_package_split, NULL },
	{ "block_tier_all", cases_blocks_all, NULL },
	{ "block_tier_top", cases_blocks_top, NULL },
	{ "spend_cap", kind_spend_cap, NULL },
	{ "minimum_spend", kind_minimum_spend, NULL },
	{ "usage_discount", kind_usage_discount, NULL },
	{ "delta_rating", kind_delta_rating, NULL },
	{ "late_usage", kind_late_usage, NULL },
	{ "missing_items", kind_missing_items, NULL },
	{ "increment_rounding", cases_increments, NULL },
	{ "increment_granularity", kind_increment_granularity, NULL },
	{ "proration", kind_proration, NULL },
	{ "proration_change", kind_proration_change, NULL },
	{ "tax_rounding", kind_tax_rounding, NULL },
	{ "allocation", kind_allocation, NULL },
	{ "fee_cap", cases_fee, NULL },
	{ "cycles_in_advance", cases_cycles, NULL },
	{ "wallet", kind_wallet, NULL },
	{ "wallet_live", kind_wallet_live, NULL },
	{ "rollover_stack", kind_rollover_stack, NULL },
	{ "pools", kind_pools, NULL },
	{ "hold", kind_hold, NULL },
	{ "two_phase", kind_two_phase, NULL },
	{ "two_phase_table", kind_two_phase_table, NULL },
	{ "admission", kind_admission, NULL },
	{ "idempotency", kind_idempotency, NULL },
	{ "hold_policy", kind_hold_policy, NULL },
	{ "atomic_chain", kind_atomic_chain, NULL },
	{ "waterfall", kind_waterfall, NULL },
	{ "blocker", NULL, "a pool that forbids the pools behind it is no burn order" },
	{ "settle_mode", kind_settle_mode, NULL },
	{ "llm_cost", kind_llm_cost, NULL },
	{ "llm_cost_markup", cases_markup, NULL },
	{ "rounding_drift", kind_rounding_drift, NULL },
	{ "focus_rows", kind_focus_rows, NULL },
	{ "price_history", NULL,
	  "a record keeps the price that rated it: test_store and meter.bats (rerate) show it" },
	{ "provider_reconcile", NULL,
	  "buckets are checked record by record, and `tally reconcile` shows the variance: "
	  "test_payload, credits.bats" },
};

static void refuse_or_run(size_t k, int *ran, int *refused)
{
	const char *why = kinds[k].refused;
	struct text id = member_text(scenario, "id");
	/* policies that one vendor chose and we did not */
	if (!why && is(scenario, "kind", "waterfall") && member_text(given, "policy").n)
		why = "the burn order is a list; no source is preferred for its size";
	if (!why && is(scenario, "kind", "hold") && json_member(expect, "cases"))
		why = "a hold cannot be negative: credit is given with a grant";
	if (why) {
		bool portable = is(scenario, "class", "portable");
		print_message("# refused on purpose: %.*s (%s)\n", (int)id.n, id.p, why);
		if (portable)
			COMPLAIN("a portable scenario is refused");
		(*refused)++;
		return;
	}
	kinds[k].run();
	(*ran)++;
}

static void run_file(const char *path)
{
	struct json_document *d;
	struct err e = { 0 };
	int ran = 0, refused = 0, failed = 0;
	if (json_open_file(&d, path, &e) != 0)
		fail_msg("%s", e.message);
	for (scenario = json_first(json_member(json_root(d), "scenarios")); scenario;
	     scenario = json_next(scenario)) {
		size_t k = 0;
		given = json_member(scenario, "given");
		when = json_member(scenario, "when");
		expect = json_member(scenario, "expect");
		*complaint = 0;
		while (k < COUNT(kinds) && !is(scenario, "kind", kinds[k].kind))
			k++;
		if (k == COUNT(kinds))
			COMPLAIN("the kind '%s' is not known", member_text(scenario, "kind").p);
		else
			refuse_or_run(k, &ran, &refused);
		if (*complaint) {
			failed++;
			print_message("# %s (%s): %s\n", member_text(scenario, "id").p,
				      member_text(scenario, "kind").p, complaint);
		}
	}
	json_close(d);
	print_message("# %d credit scenarios: %d hold, %d refused on purpose, %d do not hold\n",
		      ran + refused, ran - failed, refused, failed);
	assert_int_equal(failed, 0);
}

static void test_scenarios(void **state)
{
	(void)state;
	const char *path = getenv("TALLY_CREDIT_SCENARIOS");
	if (!path) {
		path = "../shared/facts/credit_scenarios.json";
		if (access(path, R_OK) != 0) {
			print_message("# skip: no credit scenarios (TALLY_CREDIT_SCENARIOS)\n");
			skip();
		}
	}
	run_file(path);
}

static void test_the_ledger_holds_after_all_of_it(void **state)
{
	(void)state;
	char fault[200];
	struct err e = { 0 };
	assert_int_equal(ledger_verify(ledger, fault, &e), 0);
	assert_string_equal(fault, "");
}

static char path[64];

static int open_all(void **state)
{
	(void)state;
	struct err e = { 0 };
	snprintf(path, sizeof path, "/tmp/tally-credits-%d.db", (int)getpid());
	test_database_forget(path);
	if (store_open(&store, test_database(path), DB_CREATE, &e) != 0 ||
	    ledger_open(&ledger, store, &e) != 0 || store_begin(store, t0(), &e) != 0 ||
	    ledger_begin(ledger, &e) != 0) {
		print_message("%s\n", e.message);
		return -1;
	}
	spending = spending_open(store);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	struct err e = { 0 };
	int rc = ledger_end(ledger, &e);
	if (rc == 0)
		rc = store_commit(store, &e);
	spending_close(spending);
	ledger_close(ledger);
	store_close(store);
	test_database_forget(path);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_the_ledger_holds_after_all_of_it),
	};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
