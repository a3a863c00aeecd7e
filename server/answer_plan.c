/* What work that does not exist yet will cost: the question of `tally plan`, as a JSON object. */
#include <stdlib.h>
#include <string.h>

#include "reports/json_out.h"
#include "reports/work_question.h"
#include "server/answers.h"

struct asked {
	const struct http_question *q;
	struct http_reply *out;
	struct work_question p;
};

/* Names of options have -, members of the object _. */
static const char *value_of(void *user, const char *name)
{
	struct asked *a = user;
	char key[TAKEN_NAME_ROOM];
	snprintf(key, sizeof key, "%s", name);
	for (char *p = key; *p; p++)
		*p = *p == '-' ? '_' : *p;
	const struct text t = json_number_or_string(setting(a->q, key));
	return t.n && t.n <= QUESTION_TEXT_MAX ? arena_text(&a->p.arena, t.p, t.n) : NULL;
}

static int show(void *user, const struct plan_report *report, struct err *e)
{
	struct asked *a = user;
	struct json_out j;
	(void)e;
	json_out_open(&j, NULL);
	plan_report_put(&j, report);
	json_out_take(&j, &a->out->body);
	return 0;
}

/* Members are numbers or texts, and the scenarios an object: another value would pass for none. */
static int check_values(const struct http_question *q, struct err *e)
{
	int rc = 0;
	for (json_value *m = json_first(q->settings); rc == 0 && m; m = json_next(m)) {
		const bool scenarios = strcmp(json_key(m), "scenarios") == 0;
		const enum json_kind kind = json_kind(m);
		if (scenarios ? kind != JSON_OBJECT : kind != JSON_NUMBER && kind != JSON_STRING)
			rc = err_set(e, ERR_INVALID, "'%s' must be %s, and is %s", json_key(m),
				     scenarios ? "an object" : "a number or text",
				     json_kind_name(m));
	}
	return rc;
}

int answer_plan(struct reader *r, const struct http_question *q, struct http_reply *out,
		struct err *e)
{
	/* large: it is no thing for a stack */
	struct asked *a = mem_zalloc(sizeof *a);
	struct plan_file *plans = NULL;
	bool incomplete;
	*a = (struct asked){ .q = q, .out = out };
	a->p.asked = value_of;
	a->p.user = a;
	a->p.now = r->now;
	const char *zone = value_of(a, "timezone"), *currency = value_of(a, "currency"),
		   *plan = value_of(a, "plan");
	a->p.timezone = zone ? zone : "UTC";
	a->p.prices.currency = currency ? currency : r->o->currency;
	int rc = plan && strpbrk(plan, "/.")
			 ? err_set(e, ERR_USAGE, "'plan' is the name of a shipped plan here")
			 : check_values(q, e);
	if (rc == 0)
		rc = work_question_open(&a->p, e);
	if (rc == 0)
		rc = work_question_add_all(&a->p, setting(q, "scenarios"), e);
	if (rc == 0 && plan)
		rc = plan_open(&plans, &a->p.prices.plan, plan, e);
	a->p.prices.book = r->book;
	if (rc == 0)
		rc = work_question_answer(&a->p, show, a, &incomplete, e);
	plan_file_close(plans);
	work_question_release(&a->p);
	free(a);
	return rc;
}
