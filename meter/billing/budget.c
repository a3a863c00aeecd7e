#include "meter/billing/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "meter/billing/cycle.h"
#include "meter/store/store_sql.h"
#include "meter/store/usage_query.h"

/* What a budget's period has spent, up to a row. */
struct spent {
	int64_t budget;
	struct instant from;
	int64_t seq;
	struct money_total amount;
	int64_t unpriced;
};

struct budgets {
	struct store *store;
	struct spent *spent;
	size_t count;
	struct arena arena;
};

struct budgets *budgets_open(struct store *s)
{
	struct budgets *b = mem_zalloc(sizeof *b);
	b->store = s;
	return b;
}

void budgets_close(struct budgets *b)
{
	if (!b)
		return;
	free(b->spent);
	arena_release(&b->arena);
	free(b);
}

int budget_soft_parse(struct budget *b, const char *list, struct err *e)
{
	int last = 0;
	b->soft_count = 0;
	while (*list) {
		char *end;
		long n = strtol(list, &end, 10);
		if (end == list || (*end && *end != ',') || n <= last || n > 1000 ||
		    b->soft_count == BUDGET_SOFT_MAX)
			return err_set(
				e, ERR_USAGE,
				"--soft: ascending percentages such as 50,80,100, at most %d "
				"of them",
				BUDGET_SOFT_MAX);
		b->soft[b->soft_count++] = last = (int)n;
		list = *end ? end + 1 : end;
	}
	return 0;
}

int budget_set(struct store *s, const struct budget *b, struct instant now, struct err *e)
{
	struct query *q;
	struct buf soft = { 0 };
	int rc = db_statement(store_db(s), BUDGET_SET, &q, e);
	if (rc != 0)
		return rc;
	buf_need(&soft, 1);
	soft.p[0] = 0;
	for (int i = 0; i < b->soft_count; i++)
		buf_printf(&soft, "%s%d", i ? "," : "", b->soft[i]);
	db_bind_text(q, ":name", b->name);
	db_bind_text(q, ":customer", b->customer);
	db_bind_text(q, ":project", b->project);
	db_bind_text(q, ":model", b->model);
	db_bind_text(q, ":currency", b->currency);
	db_bind_int(q, ":pico", b->amount.pico);
	db_bind_text(q, ":period", b->period);
	db_bind_text(q, ":zone", b->zone);
	db_bind_text(q, ":soft", (struct text){ soft.p, soft.n });
	db_bind_int(q, ":hard", b->hard);
	db_bind_text(q, ":hook", b->hook);
	db_bind_int(q, ":now", now.us);
	rc = db_done(store_db(s), q, e);
	buf_release(&soft);
	return rc;
}

int budget_clear(struct store *s, const char *name, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), BUDGET_CLEAR, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":name", text_of(name));
	rc = db_done(store_db(s), q, e);
	if (rc == 0 && db_changes(store_db(s)) == 0)
		rc = err_set(e, ERR_NOT_FOUND, "there is no budget '%s'", name);
	return rc;
}

static struct text keep(struct budgets *b, struct text t)
{
	return (struct text){ arena_text(&b->arena, t.n ? t.p : "", t.n), t.n };
}

static int read_budget(struct budgets *all, struct query *q, struct budget *b, struct err *e)
{
	*b = (struct budget){ .id = db_int(q, 0),
			      .name = keep(all, db_text(q, 1)),
			      .customer = keep(all, db_text(q, 2)),
			      .project = keep(all, db_text(q, 3)),
			      .model = keep(all, db_text(q, 4)),
			      .currency = keep(all, db_text(q, 5)),
			      .amount = { db_int(q, 6) },
			      .period = keep(all, db_text(q, 7)),
			      .zone = keep(all, db_text(q, 8)),
			      .hard = db_int(q, 10) != 0,
			      .hook = keep(all, db_text(q, 11)) };
	return budget_soft_parse(b, keep(all, db_text(q, 9)).p, e);
}

/* All budgets of a statement, read before anything else is asked. */
static int list_budgets(struct budgets *all, struct query *q, struct budget **out, size_t *count,
			struct err *e)
{
	int rc;
	*out = NULL;
	*count = 0;
	while ((rc = db_step(store_db(all->store), q, e)) == 1) {
		*out = mem_grow(*out, (*count + 1) * sizeof **out);
		if ((rc = read_budget(all, q, &(*out)[*count], e)) != 0)
			break;
		++*count;
	}
	db_reset(q);
	return rc;
}

int budgets_each(struct budgets *b, int (*take)(void *user, const struct budget *b), void *user,
		 struct err *e)
{
	struct query *q;
	struct budget *list;
	size_t n;
	int rc = db_statement(store_db(b->store), BUDGETS, &q, e);
	if (rc == 0)
		rc = list_budgets(b, q, &list, &n, e);
	else
		return rc;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = take(user, &list[i]);
	free(list);
	return rc;
}

static int period_of(const struct budget *b, struct instant now, struct budget_state *out,
		     struct err *e)
{
	struct zone *z;
	int rc = zone_open(&z, b->zone.p, e);
	if (rc != 0)
		return rc;
	int64_t day = floor_div(now.us + zone_offset(z, now, NULL) * US_PER_SECOND, US_PER_DAY);
	if (text_is(b->period, "month")) {
		cycle_period(z, 1, now, &out->from, &out->to);
	} else if (text_is(b->period, "week")) {
		day -= weekday_of_day(day);
		out->from = cycle_midnight(z, day);
		out->to = cycle_midnight(z, day + 7);
	} else if (text_is(b->period, "day")) {
		out->from = cycle_midnight(z, day);
		out->to = cycle_midnight(z, day + 1);
	} else {
		out->from = INSTANT_MIN;
		out->to = INSTANT_MAX;
	}
	zone_close(z);
	return 0;
}

static const char *or_null(struct text t)
{
	return t.n ? t.p : NULL;
}

/* The whole period from the rollups. */
static int read_all(struct budgets *all, const struct budget *b, const struct budget_state *period,
		    struct spent *s, struct err *e)
{
	struct usage_result *r;
	struct zone *utc;
	const struct usage_filter f = { .since = period->from,
					.until = period->to,
					.customer = or_null(b->customer),
					.project = or_null(b->project),
					.model = or_null(b->model) };
	int rc = zone_open(&utc, "UTC", e);
	if (rc != 0)
		return rc;
	rc = usage_query(&r, all->store, NULL, 0, &f, utc, e);
	zone_close(utc);
	if (rc != 0)
		return rc;
	if (usage_total(r)->records > usage_total(r)->unpriced &&
	    !text_is(b->currency, usage_currency(r)))
		rc = err_set(e, ERR_INVALID, "budget '%.*s' is in %.*s, and its usage in %s",
			     (int)b->name.n, b->name.p, (int)b->currency.n, b->currency.p,
			     usage_currency(r));
	s->amount = usage_total(r)->cost;
	s->unpriced = usage_total(r)->unpriced;
	s->seq = store_last_seq(all->store);
	usage_result_close(r);
	return rc;
}

/* Only the rows that came since. */
static int read_on(struct budgets *all, const struct budget *b, const struct budget_state *period,
		   struct spent *s, struct err *e)
{
	struct db *db = store_db(all->store);
	const int64_t last = store_last_seq(all->store);
	struct query *q;
	int rc = store_flush(all->store, e);
	if (rc == 0)
		rc = db_statement(db, BUDGET_ROWS, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", s->seq + 1);
	db_bind_int(q, ":to", last);
	db_bind_int(q, ":since", period->from.us);
	db_bind_int(q, ":until", period->to.us);
	db_bind_text(q, ":customer", b->customer);
	db_bind_text(q, ":project", b->project);
	db_bind_text(q, ":model", b->model);
	while ((rc = db_step(db, q, e)) == 1) {
		const struct stored_price *p;
		struct money_total amount;
		int64_t tokens[BUCKET_COUNT] = { 0 };
		for (int k = 0; k < BUCKET_COMMON; k++)
			tokens[k] = db_int(q, 3 + k);
		rc = store_stored_price(all->store, db_int(q, 0), &p, e);
		if (rc == 0)
			rc = stored_price_amount(p, tokens, db_int(q, 2), 0, &amount, e);
		if (rc == 0 && !money_total_add(&s->amount, amount))
			rc = err_set(e, ERR_RANGE, "the spending is larger than can be held");
		if (rc != 0)
			break;
		s->unpriced += p->reason.n ? db_int(q, 1) : 0;
	}
	db_reset(q);
	s->seq = last;
	return rc;
}

int budget_state_of(struct budgets *all, const struct budget *b, struct instant now,
		    struct budget_state *out, struct err *e)
{
	struct spent *s = NULL;
	*out = (struct budget_state){ 0 };
	int rc = period_of(b, now, out, e);
	if (rc == 0)
		rc = store_refresh(all->store, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < all->count; i++)
		if (all->spent[i].budget == b->id)
			s = &all->spent[i];
	if (!s) {
		all->spent = mem_grow(all->spent, (all->count + 1) * sizeof *all->spent);
		s = &all->spent[all->count++];
		*s = (struct spent){ .budget = b->id, .seq = -1 };
	}
	if (s->seq < 0 || s->from.us != out->from.us) {
		s->from = out->from;
		rc = read_all(all, b, out, s, e);
	} else if (s->seq < store_last_seq(all->store)) {
		rc = read_on(all, b, out, s, e);
	}
	if (rc != 0 || !store_rows_are_settled(all->store))
		s->seq = -1;
	if (rc != 0)
		return rc;
	out->spent = s->amount;
	out->unpriced = s->unpriced;
	int128 percent = s->amount.atto / 1000000 * 100 / b->amount.pico;
	out->percent = (int)(percent > 1000000 ? 1000000 : percent);
	return 0;
}

int budgets_allow(struct budgets *all, struct text customer, struct text project, struct text model,
		  struct text currency, struct money more, struct money_total held,
		  struct instant now, struct err *e)
{
	struct query *q;
	struct budget *list;
	size_t n;
	int rc = db_statement(store_db(all->store), BUDGETS_HARD, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	rc = list_budgets(all, q, &list, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct budget *b = &list[i];
		struct budget_state state;
		char text[3][DECIMAL_TEXT_MAX];
		if ((b->project.n && !text_eq(b->project, project)) ||
		    (b->model.n && !text_eq(b->model, model)) || !text_eq(b->currency, currency))
			continue;
		rc = budget_state_of(all, b, now, &state, e);
		/* what is held by others of the customer counts against it in full */
		int128 sum = state.spent.atto + held.atto + (int128)more.pico * 1000000;
		if (rc == 0 && sum > (int128)b->amount.pico * 1000000)
			rc = err_set(e, ERR_LIMIT,
				     "budget '%.*s' does not allow it: %s of %s is spent, %s asked",
				     (int)b->name.n, b->name.p,
				     money_total_format(state.spent, text[0]),
				     money_format(b->amount, text[1]), money_format(more, text[2]));
	}
	free(list);
	return rc;
}

/* --- alarms --- */

static int raise_one(struct budgets *all, const struct budget *b, const struct budget_state *state,
		     int percent, struct instant now, int64_t *raised, struct err *e)
{
	struct db *db = store_db(all->store);
	char spent[DECIMAL_TEXT_MAX];
	struct query *q;
	int rc = db_statement(db, BUDGET_ALARM_AT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":budget", b->id);
	db_bind_int(q, ":from", state->from.us);
	db_bind_int(q, ":percent", percent);
	rc = db_step(db, q, e);
	db_reset(q);
	if (rc != 0) /* known, or failed */
		return rc < 0 ? rc : 0;
	rc = db_statement(db, BUDGET_RAISE, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":budget", b->id);
	db_bind_int(q, ":from", state->from.us);
	db_bind_int(q, ":percent", percent);
	db_bind_int(q, ":now", now.us);
	db_bind_text(q, ":spent", text_of(money_total_format(state->spent, spent)));
	++*raised;
	return db_done(db, q, e);
}

struct raising {
	struct budgets *all;
	struct instant now;
	int64_t *raised;
	struct err *e;
};

static int raise_of(void *user, const struct budget *b)
{
	struct raising *x = user;
	struct budget_state state;
	int rc = budget_state_of(x->all, b, x->now, &state, x->e);
	for (int i = 0; rc == 0 && i < b->soft_count; i++)
		if (state.percent >= b->soft[i])
			rc = raise_one(x->all, b, &state, b->soft[i], x->now, x->raised, x->e);
	return rc;
}

int budgets_raise(struct budgets *b, struct instant now, int64_t *raised, struct err *e)
{
	struct raising x = { b, now, raised, e };
	*raised = 0;
	return budgets_each(b, raise_of, &x, e);
}

static int read_waiting(struct budgets *all, struct budget_alarm **out, size_t *count,
			struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(all->store), BUDGET_WAITING, &q, e);
	*out = NULL;
	*count = 0;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":most", BUDGET_HOOK_TRIES);
	while ((rc = db_step(store_db(all->store), q, e)) == 1) {
		*out = mem_grow(*out, (*count + 1) * sizeof **out);
		(*out)[(*count)++] =
			(struct budget_alarm){ .budget = { .id = db_int(q, 0),
							   .name = keep(all, db_text(q, 6)),
							   .hook = keep(all, db_text(q, 7)),
							   .customer = keep(all, db_text(q, 8)),
							   .project = keep(all, db_text(q, 9)),
							   .model = keep(all, db_text(q, 10)),
							   .currency = keep(all, db_text(q, 11)),
							   .amount = { db_int(q, 12) },
							   .period = keep(all, db_text(q, 13)) },
					       .period_from = { db_int(q, 1) },
					       .percent = (int)db_int(q, 2),
					       .raised = { db_int(q, 3) },
					       .spent = keep(all, db_text(q, 4)) };
	}
	db_reset(q);
	return rc;
}

static int mark(struct budgets *all, const struct budget_alarm *a, bool ok, struct instant now,
		struct err *e)
{
	struct query *q;
	int rc = store_begin(all->store, now, e);
	if (rc != 0)
		return rc;
	rc = db_statement(store_db(all->store), BUDGET_TOLD, &q, e);
	if (rc == 0) {
		db_bind_int(q, ":budget", a->budget.id);
		db_bind_int(q, ":from", a->period_from.us);
		db_bind_int(q, ":percent", a->percent);
		db_bind_int(q, ":pico", a->budget.amount.pico);
		db_bind_int(q, ":ok", ok);
		db_bind_int(q, ":now", now.us);
		rc = db_done(store_db(all->store), q, e);
	}
	if (rc == 0)
		return store_commit(all->store, e);
	store_rollback(all->store);
	return rc;
}

int budgets_tell(struct budgets *b, struct instant now,
		 bool (*tell)(void *user, const struct budget_alarm *a), void *user, struct err *e)
{
	struct budget_alarm *list;
	size_t n;
	int rc = read_waiting(b, &list, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = mark(b, &list[i], tell(user, &list[i]), now, e);
	free(list);
	return rc;
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
	buf_printf(b, "{\"schema\":\"tally.budget-alarm/1\",\"id\":\"%lld-%lld-%d\",\"percent\":%d",
		   (long long)a->budget.id, (long long)(a->period_from.us / US_PER_SECOND),
		   a->percent, a->percent);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_printf(b, ",\"%s\":", texts[i].key);
		json_put_string(b, texts[i].value);
	}
	buf_printf(b, ",\"amount\":\"%s\"", money_format(a->budget.amount, text));
	if (a->period_from.us != INSTANT_MIN.us)
		buf_printf(b, ",\"period_from\":\"%s\"", instant_format(a->period_from, text));
	buf_printf(b, ",\"raised\":\"%s\"}\n", instant_format(a->raised, text));
}

/* The child's standard input is the document; what it prints goes to standard error. */
static bool run_with_input(char *const argv[], struct text input)
{
	int fd[2];
	if (pipe(fd) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fd[0], STDIN_FILENO);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fd[0]);
	/* an alarm is smaller than a pipe holds, so this does not wait for the reader */
	bool sent = pid > 0 && write(fd[1], input.p, input.n) == (ssize_t)input.n;
	close(fd[1]);
	int status = 1;
	if (pid > 0)
		waitpid(pid, &status, 0);
	return sent && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool budget_hook(const struct budget_alarm *a)
{
	struct buf b = { 0 };
	char *hook = mem_text(a->budget.hook.p);
	bool web = strncmp(hook, "http://", 7) == 0 || strncmp(hook, "https://", 8) == 0;
	char *const curl[] = { (char[]){ "curl" },
			       (char[]){ "-fsS" },
			       (char[]){ "-m" },
			       (char[]){ "20" },
			       (char[]){ "-H" },
			       (char[]){ "Content-Type: application/json" },
			       (char[]){ "--data-binary" },
			       (char[]){ "@-" },
			       hook,
			       NULL };
	char *const shell[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, hook, NULL };
	put_alarm(&b, a);
	bool ok = run_with_input(web ? curl : shell, (struct text){ b.p, b.n });
	buf_release(&b);
	free(hook);
	return ok;
}
