#include "meter/billing/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "meter/billing/window.h"
#include "meter/store/store_models.h"

/* An alarm that is being told. */
struct running {
	struct budget_alarm alarm;
	struct arena texts;
	struct hook_run *run; /* NULL: there is none, or it could not be started */
};

struct budgets {
	struct spending *spending;
	struct running *running[HOOKS_AT_ONCE];
	size_t running_count;
};

struct budgets *budgets_open(struct store *s)
{
	struct budgets *b = mem_zalloc(sizeof *b);
	b->spending = spending_open(s);
	return b;
}

static void close_running(struct running *r)
{
	hook_close(r->run);
	arena_release(&r->texts);
	free(r);
}

void budgets_close(struct budgets *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->running_count; i++)
		close_running(b->running[i]);
	spending_close(b->spending);
	free(b);
}

bool budget_failure_is_general(const struct err *e)
{
	return e->code == ERR_STORE || e->code == ERR_BUSY || e->code == ERR_SYSTEM;
}

int budget_soft_parse(struct budget *b, const char *list, struct err *e)
{
	int last = 0;
	b->soft_count = 0;
	while (*list) {
		char *end;
		long n = strtol(list, &end, 10);
		end += end > list && *end == '%';
		if (end == list || (*end && *end != ',') || n <= last || n > 1000 ||
		    b->soft_count == BUDGET_SOFT_MAX)
			return err_set(
				e, ERR_USAGE,
				ASKED("soft") ": ascending percentages such as 50,80,100, at most %d "
					      "of them",
				BUDGET_SOFT_MAX);
		b->soft[b->soft_count++] = last = (int)n;
		list = *end ? end + 1 : end;
	}
	return 0;
}

int budget_soft_amounts_parse(struct budget *b, const char *list, struct err *e)
{
	struct money last = { 0 };
	b->soft_amounts = 0;
	while (*list) {
		const size_t n = strcspn(list, ",");
		struct decimal d;
		struct money m;
		if (b->soft_amounts == BUDGET_SOFT_MAX ||
		    decimal_parse(&d, (struct text){ list, n }, NULL) != 0 ||
		    money_from_decimal(&m, d, NULL) != 0 || m.pico <= last.pico)
			return err_set(
				e, ERR_USAGE,
				ASKED("soft-amounts") ": ascending amounts such as 25,99.50, at most %d "
						      "of them",
				BUDGET_SOFT_MAX);
		b->soft_amount[b->soft_amounts++] = last = m;
		list += n + (list[n] == ',');
	}
	return 0;
}

static int evaluate(struct spending *sp, const struct budget *b, struct instant now,
		    struct scope_state *out, struct err *e)
{
	const struct spending_scope scope = { b->customer, b->project, b->model,
					      b->currency, b->period,  b->zone };
	if (b->damage.n)
		return err_set(e, ERR_INVALID, "budget '%.*s': %.*s", (int)b->name.n, b->name.p,
			       (int)b->damage.n, b->damage.p);
	int rc = spending_of(sp, &scope, now, out, e);
	if (rc == 0 && out->foreign)
		rc = err_set(e, ERR_INVALID,
			     "budget '%.*s' is in %.*s, and %s of its period in another "
			     "currency",
			     (int)b->name.n, b->name.p, (int)b->currency.n, b->currency.p,
			     COUNTED(out->foreign, "record"));
	if (rc == 0 && out->held_foreign)
		rc = err_set(e, ERR_INVALID,
			     "budget '%.*s' is in %.*s, and open holds in another currency",
			     (int)b->name.n, b->name.p, (int)b->currency.n, b->currency.p);
	return rc;
}

static const struct sql sql_budget_set = {
	.text = "INSERT INTO budget(name,customer,project,model,currency,pico,period,zone,soft,"
		"hard,hook,set_at,soft_amounts) VALUES(:name,:customer,:project,:model,:currency,"
		":pico,:period,:zone,:soft,:hard,:hook,:now,:soft_amounts) ON CONFLICT(name) DO UPDATE "
		"SET customer=excluded.customer,project=excluded.project,model=excluded.model,"
		"currency=excluded.currency,pico=excluded.pico,period=excluded.period,"
		"zone=excluded.zone,soft=excluded.soft,hard=excluded.hard,hook=excluded.hook,"
		"set_at=excluded.set_at,soft_amounts=excluded.soft_amounts",
};

static void put_soft(const struct budget *b, struct buf *percents, struct buf *amounts)
{
	char text[DECIMAL_TEXT_MAX];
	buf_puts(percents, "");
	buf_puts(amounts, "");
	for (int i = 0; i < b->soft_count; i++)
		buf_printf(percents, "%s%d", i ? "," : "", b->soft[i]);
	for (int i = 0; i < b->soft_amounts; i++)
		buf_printf(amounts, "%s%s", i ? "," : "", money_format(b->soft_amount[i], text));
}

int budget_set(struct store *s, const struct budget *b, struct instant now, struct err *e)
{
	struct query *q;
	struct buf soft = { 0 }, amounts = { 0 };
	struct scope_state state;
	struct window w;
	struct spending *sp = spending_open(s);
	int rc = evaluate(sp, b, now, &state, e);
	spending_close(sp);
	if (rc == 0)
		rc = window_parse(&w, b->period, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_budget_set, &q, e);
	if (rc != 0)
		return rc;
	put_soft(b, &soft, &amounts);
	db_bind_text(q, ":name", b->name);
	db_bind_text(q, ":customer", b->customer);
	db_bind_text(q, ":project", b->project);
	db_bind_text(q, ":model", b->model);
	db_bind_text(q, ":currency", b->currency);
	db_bind_int(q, ":pico", b->amount.pico);
	db_bind_text(q, ":period", text_of(w.text));
	db_bind_text(q, ":zone", b->zone);
	db_bind_text(q, ":soft", (struct text){ soft.p, soft.n });
	db_bind_text(q, ":soft_amounts", (struct text){ amounts.p, amounts.n });
	db_bind_int(q, ":hard", b->hard);
	db_bind_text(q, ":hook", b->hook);
	db_bind_int(q, ":now", now.us);
	rc = db_done(store_db(s), q, e);
	buf_release(&soft);
	buf_release(&amounts);
	return rc;
}

static const struct sql sql_budget_clear = {
	.text = "DELETE FROM budget WHERE name=:name",
};

int budget_clear(struct store *s, const char *name, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_budget_clear, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":name", text_of(name));
	rc = db_done(store_db(s), q, e);
	if (rc == 0 && db_changes(store_db(s)) == 0)
		rc = err_set(e, ERR_NOT_FOUND, "no budget named '%s'", name);
	return rc;
}

static struct text keep(struct arena *a, struct text t)
{
	return (struct text){ arena_text(a, t.n ? t.p : "", t.n), t.n };
}

static void read_budget(struct arena *a, struct query *q, struct budget *b)
{
	struct err e;
	*b = (struct budget){ .id = db_int(q, 0),
			      .name = keep(a, db_text(q, 1)),
			      .customer = keep(a, db_text(q, 2)),
			      .project = keep(a, db_text(q, 3)),
			      .model = keep(a, db_text(q, 4)),
			      .currency = keep(a, db_text(q, 5)),
			      .amount = { db_int(q, 6) },
			      .period = keep(a, db_text(q, 7)),
			      .zone = keep(a, db_text(q, 8)),
			      .hard = db_int(q, 10) != 0,
			      .hook = keep(a, db_text(q, 11)) };
	if (budget_soft_parse(b, keep(a, db_text(q, 9)).p, &e) != 0 ||
	    budget_soft_amounts_parse(b, keep(a, db_text(q, 12)).p, &e) != 0) {
		b->soft_count = b->soft_amounts = 0;
		b->damage = keep(a, text_of(e.message));
	}
}

struct budget_list {
	struct budget *budget;
	size_t count;
	struct arena texts;
};

static void release_list(struct budget_list *l)
{
	free(l->budget);
	arena_release(&l->texts);
}

/* All budgets of a statement, read before anything else is asked. */
static int list_budgets(struct db *db, struct query *q, struct budget_list *l, struct err *e)
{
	int rc;
	while ((rc = db_step(db, q, e)) == 1) {
		if ((l->count & (l->count - 1)) == 0)
			l->budget = mem_grow(l->budget,
					     (l->count ? l->count * 2 : 1) * sizeof *l->budget);
		read_budget(&l->texts, q, &l->budget[l->count++]);
	}
	db_reset(q);
	return rc;
}

static struct db *db_of(const struct budgets *b)
{
	return store_db(spending_store(b->spending));
}

#define BUDGET \
	"SELECT id,name,customer,project,model,currency,pico,period,zone,soft,hard,hook," \
	"soft_amounts FROM budget "
static const struct sql sql_budgets = {
	.text = BUDGET "ORDER BY name",
};

int budgets_each(struct budgets *b, int (*take)(void *user, const struct budget *b), void *user,
		 struct err *e)
{
	struct query *q;
	struct budget_list l = { 0 };
	int rc = db_statement(db_of(b), &sql_budgets, &q, e);
	if (rc == 0)
		rc = list_budgets(db_of(b), q, &l, e);
	for (size_t i = 0; rc == 0 && i < l.count; i++)
		rc = take(user, &l.budget[i]);
	release_list(&l);
	return rc;
}

int budget_state_of(struct budgets *all, const struct budget *b, struct instant now,
		    struct budget_state *out, struct err *e)
{
	struct scope_state s;
	int rc = evaluate(all->spending, b, now, &s, e);
	if (rc != 0)
		return rc;
	*out = (struct budget_state){
		.from = s.from,
		.to = s.to,
		.apart = s.apart,
		.spent = s.spent,
		.held = s.held,
		.unpriced = s.unpriced,
		.placeholders = s.placeholders,
	};
	int128 percent = s.spent.atto / 1000000 * 100 / b->amount.pico;
	out->percent = (int)(percent > 1000000 ? 1000000 : percent);
	return 0;
}

static int covers(struct store *s, const struct budget *b, const struct budget_call *c,
		  struct instant now, bool *out, struct err *e)
{
	*out = (!b->customer.n || text_eq(b->customer, c->customer)) &&
	       (!b->project.n || text_eq(b->project, c->project));
	if (!*out || !b->model.n)
		return 0;
	*out = c->model.n != 0;
	return *out ? store_same_model(s, b->model, c->model, now, out, e) : 0;
}

/* Whether one budget allows it: everything that is open within its scope is counted in full. */
static int allow(struct spending *sp, const struct budget *b, const struct budget_call *c,
		 struct instant now, struct err *e)
{
	struct scope_state s;
	struct err why;
	char text[4][DECIMAL_TEXT_MAX];
	if (c->amount.pico && !text_eq(b->currency, c->currency))
		return err_set(e, ERR_LIMIT,
			       "budget '%.*s' is in %.*s and cannot judge a hold in %.*s",
			       (int)b->name.n, b->name.p, (int)b->currency.n, b->currency.p,
			       (int)c->currency.n, c->currency.p);
	int rc = evaluate(sp, b, now, &s, &why);
	if (rc != 0 && budget_failure_is_general(&why)) {
		*e = why;
		return rc;
	}
	if (rc != 0)
		return err_set(e, ERR_LIMIT, "budget '%.*s' cannot judge the hold: %s",
			       (int)b->name.n, b->name.p, why.message);
	int128 sum = s.spent.atto + s.held.atto + (int128)c->amount.pico * 1000000;
	if (sum <= (int128)b->amount.pico * 1000000)
		return 0;
	return err_set(e, ERR_LIMIT,
		       "budget '%.*s' does not allow it: %s of %s spent, %s held, %s requested",
		       (int)b->name.n, b->name.p, money_total_format(s.spent, text[0]),
		       money_format(b->amount, text[1]), money_total_format(s.held, text[2]),
		       money_format(c->amount, text[3]));
}

static const struct sql sql_budgets_hard = {
	.text = BUDGET "WHERE hard=1 AND customer IN ('',:customer) ORDER BY name",
};

int budgets_allow(struct spending *sp, const struct budget_call *c, struct instant now,
		  struct err *e)
{
	struct db *db = store_db(spending_store(sp));
	struct query *q;
	struct budget_list l = { 0 };
	int rc = db_statement(db, &sql_budgets_hard, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", c->customer);
	rc = list_budgets(db, q, &l, e);
	for (size_t i = 0; rc == 0 && i < l.count; i++) {
		bool covered = false;
		rc = covers(spending_store(sp), &l.budget[i], c, now, &covered, e);
		if (rc == 0 && covered)
			rc = allow(sp, &l.budget[i], c, now, e);
	}
	release_list(&l);
	return rc;
}

/* --- alarms --- */

struct raising {
	struct budgets *all;
	struct instant now;
	const struct budget_listener *listener;
	int64_t *raised;
	struct err *e;
};

/* A threshold: so many percent of an amount or, with 0, the amount. */
struct threshold {
	int percent;
	struct money amount;
};

static const struct sql sql_budget_alarm_at = {
	.text = "SELECT 1 FROM budget_alarm WHERE budget=:budget AND period_from>:apart "
		"AND percent=:percent AND pico=:pico",
};
static const struct sql sql_budget_raise = {
	.text = "INSERT INTO budget_alarm VALUES(:budget,:from,:percent,:pico,:now,:spent,NULL,0)",
};

static int raise_one(struct raising *x, const struct budget *b, const struct budget_state *state,
		     struct threshold t)
{
	struct db *db = db_of(x->all);
	char spent[DECIMAL_TEXT_MAX];
	struct query *q;
	int rc = db_statement(db, &sql_budget_alarm_at, &q, x->e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":budget", b->id);
	db_bind_int(q, ":apart", state->apart.us);
	db_bind_int(q, ":percent", t.percent);
	db_bind_int(q, ":pico", t.amount.pico);
	rc = db_step(db, q, x->e);
	db_reset(q);
	if (rc != 0) /* known, or failed */
		return rc < 0 ? rc : 0;
	rc = db_statement(db, &sql_budget_raise, &q, x->e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":budget", b->id);
	db_bind_int(q, ":from", state->from.us);
	db_bind_int(q, ":percent", t.percent);
	db_bind_int(q, ":pico", t.amount.pico);
	db_bind_int(q, ":now", x->now.us);
	db_bind_text(q, ":spent", text_of(money_total_format(state->spent, spent)));
	++*x->raised;
	return db_done(db, q, x->e);
}

static int raise_of(void *user, const struct budget *b)
{
	struct raising *x = user;
	struct budget_state state;
	struct err why;
	int rc = budget_state_of(x->all, b, x->now, &state, &why);
	if (rc != 0 && budget_failure_is_general(&why)) {
		*x->e = why;
		return rc;
	}
	if (rc != 0) {
		x->listener->failed(x->listener->user, b, &why);
		return 0;
	}
	for (int i = 0; rc == 0 && i < b->soft_count; i++)
		if (state.percent >= b->soft[i])
			rc = raise_one(x, b, &state, (struct threshold){ b->soft[i], b->amount });
	for (int i = 0; rc == 0 && i < b->soft_amounts; i++)
		if (state.spent.atto >= (int128)b->soft_amount[i].pico * 1000000)
			rc = raise_one(x, b, &state, (struct threshold){ 0, b->soft_amount[i] });
	return rc;
}

int budgets_raise(struct budgets *b, struct instant now, const struct budget_listener *l,
		  int64_t *raised, struct err *e)
{
	struct raising x = { b, now, l, raised, e };
	*raised = 0;
	return budgets_each(b, raise_of, &x, e);
}

static bool is_running(const struct budgets *all, const struct budget_alarm *a)
{
	for (size_t i = 0; i < all->running_count; i++) {
		const struct budget_alarm *r = &all->running[i]->alarm;
		if (r->budget.id == a->budget.id && r->period_from.us == a->period_from.us &&
		    r->percent == a->percent && r->amount.pico == a->amount.pico)
			return true;
	}
	return false;
}

static const struct sql sql_budget_waiting = {
	.text = "SELECT budget,period_from,percent,raised,spent,tries,name,hook,customer,project,"
		"model,currency,budget_alarm.pico,period,budget.pico FROM budget_alarm JOIN budget "
		"ON id=budget WHERE told IS NULL AND (hook<>'' AND tries<:most OR hook='' AND "
		"raised>:recent) ORDER BY tries,raised,percent",
};

/* Those that do not run yet, each in memory of its own. */
static int read_waiting(struct budgets *all, struct instant now, struct running ***out,
			size_t *count, struct err *e)
{
	struct query *q;
	int rc = db_statement(db_of(all), &sql_budget_waiting, &q, e);
	*out = NULL;
	*count = 0;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":most", BUDGET_HOOK_TRIES);
	db_bind_int(q, ":recent", now.us - US_PER_DAY);
	while ((rc = db_step(db_of(all), q, e)) == 1) {
		struct running *r = mem_zalloc(sizeof *r);
		struct arena *t = &r->texts;
		r->alarm = (struct budget_alarm){ .budget = { .id = db_int(q, 0),
							      .name = keep(t, db_text(q, 6)),
							      .hook = keep(t, db_text(q, 7)),
							      .customer = keep(t, db_text(q, 8)),
							      .project = keep(t, db_text(q, 9)),
							      .model = keep(t, db_text(q, 10)),
							      .currency = keep(t, db_text(q, 11)),
							      .amount = { db_int(q, 14) },
							      .period = keep(t, db_text(q, 13)) },
						  .period_from = { db_int(q, 1) },
						  .percent = (int)db_int(q, 2),
						  .amount = { db_int(q, 12) },
						  .raised = { db_int(q, 3) },
						  .spent = keep(t, db_text(q, 4)) };
		if (is_running(all, &r->alarm)) {
			close_running(r);
			continue;
		}
		if ((*count & (*count - 1)) == 0)
			*out = mem_grow(*out, (*count ? *count * 2 : 1) * sizeof **out);
		(*out)[(*count)++] = r;
	}
	db_reset(q);
	return rc;
}

static const struct sql sql_budget_told = {
	.text = "UPDATE budget_alarm SET tries=tries+1,told=CASE WHEN :ok=1 "
		"THEN CAST(:now AS BIGINT) END WHERE budget=:budget AND period_from=:from "
		"AND percent=:percent AND pico=:pico",
};

static int mark(struct budgets *all, const struct budget_alarm *a, bool ok, struct instant now,
		struct err *e)
{
	struct query *q;
	struct store *s = spending_store(all->spending);
	int rc = store_begin(s, now, e);
	if (rc != 0)
		return rc;
	rc = db_statement(db_of(all), &sql_budget_told, &q, e);
	if (rc == 0) {
		db_bind_int(q, ":budget", a->budget.id);
		db_bind_int(q, ":from", a->period_from.us);
		db_bind_int(q, ":percent", a->percent);
		db_bind_int(q, ":pico", a->amount.pico);
		db_bind_int(q, ":ok", ok);
		db_bind_int(q, ":now", now.us);
		rc = db_done(db_of(all), q, e);
	}
	if (rc == 0)
		return store_commit(s, e);
	store_rollback(s);
	return rc;
}

char *budget_alarm_passed(const struct budget_alarm *a, char out[BUDGET_PASSED_MAX])
{
	char text[DECIMAL_TEXT_MAX];
	if (a->percent)
		snprintf(out, BUDGET_PASSED_MAX, "%d %%", a->percent);
	else
		snprintf(out, BUDGET_PASSED_MAX, "%s %.8s", money_format(a->amount, text),
			 a->budget.currency.p);
	return out;
}

static void put_alarm(struct buf *b, const struct budget_alarm *a)
{
	char text[INSTANT_TEXT_MAX + DECIMAL_TEXT_MAX];
	const struct {
		const char *key;
		struct text value;
	} texts[] = { { "budget", a->budget.name },
		      { "customer", a->budget.customer },
		      { "project", a->budget.project },
		      { "model", a->budget.model },
		      { "currency", a->budget.currency },
		      { "period", a->budget.period },
		      { "spent", a->spent } };
	/* the same alarm has the same id, should a hook hear of it twice */
	buf_printf(b, "{\"schema\":\"tally.budget-alarm/1\",\"id\":\"%lld-%lld-",
		   (long long)a->budget.id, (long long)(a->period_from.us / US_PER_SECOND));
	if (a->percent)
		buf_printf(b, "%d\",\"percent\":%d", a->percent, a->percent);
	else
		buf_printf(b, "at-%s\",\"passed\":\"%s\"", money_format(a->amount, text), text);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_printf(b, ",\"%s\":", texts[i].key);
		json_put_string(b, texts[i].value);
	}
	buf_printf(b, ",\"amount\":\"%s\"",
		   money_format(a->percent ? a->amount : a->budget.amount, text));
	if (a->period_from.us != INSTANT_MIN.us)
		buf_printf(b, ",\"period_from\":\"%s\"", instant_format(a->period_from, text));
	buf_printf(b, ",\"raised\":\"%s\"}\n", instant_format(a->raised, text));
}

static void start(struct budgets *all, struct running *r)
{
	struct buf document = { 0 };
	all->running[all->running_count++] = r;
	if (r->alarm.budget.hook.n == 0) /* whoever listens is all who hear of it */
		return;
	put_alarm(&document, &r->alarm);
	r->run = hook_start(r->alarm.budget.hook.p, (struct text){ document.p, document.n },
			    clock_monotonic_us());
	buf_release(&document);
}

/* Marks what has ended. */
static int collect(struct budgets *all, struct instant now, const struct budget_listener *l,
		   struct err *e)
{
	const int64_t now_us = clock_monotonic_us();
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < all->running_count;) {
		struct running *r = all->running[i];
		bool ok = r->alarm.budget.hook.n == 0;
		if (r->run && !hook_ended(r->run, now_us, &ok)) {
			i++;
			continue;
		}
		rc = mark(all, &r->alarm, ok, now, e);
		if (rc != 0) /* it is marked the next time */
			break;
		l->told(l->user, &r->alarm, ok);
		close_running(r);
		all->running[i] = all->running[--all->running_count];
	}
	return rc;
}

int budgets_tell(struct budgets *b, struct instant now, bool wait, const struct budget_listener *l,
		 struct err *e)
{
	const struct timespec moment = { 0, 10000000 };
	struct running **list;
	size_t n, next = 0;
	int rc = read_waiting(b, now, &list, &n, e);
	while (rc == 0) {
		while (next < n && b->running_count < HOOKS_AT_ONCE)
			start(b, list[next++]);
		rc = collect(b, now, l, e);
		if (!wait || (next == n && b->running_count == 0))
			break;
		nanosleep(&moment, NULL);
	}
	while (next < n)
		close_running(list[next++]);
	free(list);
	return rc;
}
