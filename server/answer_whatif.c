/* What the same work would have cost: of the database, or of a trace that comes with the question.
 * Bounded in calls, scenarios and time, for it runs among everything else. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/when.h"
#include "reports/html_report.h"
#include "reports/whatif_answer.h"
#include "server/answers.h"
#include "server/body.h"
#include "sim/cache_words.h"
#include "sim/pack.h"
#include "sim/workload_read.h"
#include "sim/workload_store.h"

enum {
	CALLS_MOST = 2000000,
	MODELS_MOST = 2000,
	SCENARIOS_MOST = 20,
	SECONDS_MOST = 120,
	RESAMPLES = 1000
};

struct asked {
	struct reader *r;
	const struct http_question *q;
	struct http_reply *out;
	struct whatif_options o;
	struct scenario_list list;
	struct plan_file *plans;
	struct zone *zone;
	struct instant since, until;
	const char *customer, *project, *at;
	struct arena texts;
	int64_t until_us;
	bool html;
};

static bool must_stop(void *user)
{
	const struct asked *a = user;
	return clock_monotonic_us() > a->until_us ||
	       (a->r->o->ending && atomic_load(a->r->o->ending));
}

static int text_of_setting(struct asked *a, const char *name, const char **out, struct err *e)
{
	struct text t;
	int rc = setting_text(a->q, name, false, &t, e);
	*out = rc == 0 && t.n ? arena_text(&a->texts, t.p, t.n) : NULL;
	return rc;
}

static int read_instant(struct asked *a, const char *name, struct instant *out, struct err *e)
{
	const char *text;
	int rc = text_of_setting(a, name, &text, e);
	return rc == 0 && text ? asked_instant(name, text, a->r->now, a->zone, out, e) : rc;
}

/* Files of the server are none of a question's. */
static bool names_a_file(struct text s)
{
	const char *equals = s.n ? memchr(s.p, '=', s.n) : NULL;
	struct text spec = s;
	if (equals)
		spec = (struct text){ equals + 1, s.n - (size_t)(equals + 1 - s.p) };
	return (spec.n > 6 && memcmp(spec.p, "rules:", 6) == 0) ||
	       (spec.n > 8 && memcmp(spec.p, "cascade:", 8) == 0);
}

static int read_scenarios(struct asked *a, struct err *e)
{
	enum { SPEC_MOST = 500 };
	int n = 0, rc = 0;
	for (json_value *m = json_first(setting(a->q, "scenarios")); rc == 0 && m;
	     m = json_next(m)) {
		const struct text s = json_string(m);
		if (++n > SCENARIOS_MOST)
			rc = err_set(e, ERR_USAGE, "at most %d scenarios at once", SCENARIOS_MOST);
		else if (s.n > SPEC_MOST || names_a_file(s))
			rc = err_set(e, ERR_USAGE,
				     "scenarios with files are for the command line: tally whatif");
		else
			rc = scenario_add(&a->list, arena_text(&a->texts, s.p ? s.p : "", s.n),
					  a->r->book, e);
	}
	if (rc == 0)
		rc = scenario_list_known(&a->list, a->r->book, e);
	return rc == 0 && n == 0 ? err_set(e, ERR_USAGE, "'scenarios' is a list of NAME=SPEC") : rc;
}

static int read_plan(struct asked *a, struct err *e)
{
	const char *plan;
	int rc = text_of_setting(a, "plan", &plan, e);
	if (rc != 0 || !plan)
		return rc;
	if (strpbrk(plan, "/."))
		return err_set(e, ERR_USAGE, "'plan' is the name of a shipped plan here");
	return plan_open(&a->plans, &a->o.plan, plan, e);
}

static int read_budget(struct asked *a, struct err *e)
{
	const char *text;
	struct decimal d;
	struct money m = { 0 };
	int rc = text_of_setting(a, "budget", &text, e);
	if (rc != 0 || !text)
		return rc;
	if (decimal_parse(&d, text_of(text), NULL) != 0 || money_from_decimal(&m, d, NULL) != 0 ||
	    m.pico <= 0)
		return err_set(e, ERR_USAGE, "'budget' is an amount above 0, not '%s'", text);
	a->o.has_budget = true;
	a->o.budget.atto = (int128)m.pico * 1000000;
	return 0;
}

static int read_vary(struct asked *a, int *permille, struct err *e)
{
	const char *text;
	struct decimal d;
	int64_t v = 0;
	int rc = text_of_setting(a, "sensitivity", &text, e);
	if (rc == 0 && text &&
	    (decimal_parse(&d, text_of(text), NULL) != 0 || !decimal_to_int64(d, 3, &v) || v < 1 ||
	     v > 999))
		rc = err_set(e, ERR_USAGE, "'sensitivity' is from 0.001 to 0.999, not '%s'", text);
	*permille = (int)v;
	return rc;
}

/* A customer's token asks about its own calls. */
static int read_whose(struct asked *a, struct err *e)
{
	int rc = text_of_setting(a, "customer", &a->customer, e);
	if (rc == 0 && a->customer)
		rc = question_is_of(a->q, text_of(a->customer), e);
	if (rc == 0 && a->q->customer)
		a->customer = a->q->customer;
	return rc == 0 ? text_of_setting(a, "project", &a->project, e) : rc;
}

static int read_asked(struct asked *a, int *vary, struct err *e)
{
	const char *zone, *scope;
	int rc = text_of_setting(a, "timezone", &zone, e);
	if (rc == 0)
		rc = zone_open(&a->zone, zone ? zone : "UTC", e);
	if (rc == 0)
		rc = read_instant(a, "since", &a->since, e);
	if (rc == 0)
		rc = read_instant(a, "until", &a->until, e);
	if (rc == 0)
		rc = read_whose(a, e);
	if (rc == 0)
		rc = text_of_setting(a, "scope", &scope, e);
	if (rc == 0)
		rc = cache_scope_parse(scope, &a->o.rules.scope, e);
	if (rc == 0)
		rc = read_budget(a, e);
	if (rc == 0)
		rc = read_vary(a, vary, e);
	if (rc == 0)
		rc = read_plan(a, e);
	a->html = json_true(setting(a->q, "html"));
	return rc == 0 ? read_scenarios(a, e) : rc;
}

/* --- the calls --- */

static int check_count(int64_t calls, struct err *e)
{
	return calls <= CALLS_MOST
		       ? 0
		       : err_set(e, ERR_RANGE,
				 "%lld calls are more than the %d that are compared here: choose a "
				 "shorter period, or use the command line (tally whatif)",
				 (long long)calls, CALLS_MOST);
}

/* Every model is looked for in the cards, at every vendor, tier and region that calls name. */
static int check_calls(const struct workload *w, struct err *e)
{
	return w->subjects <= MODELS_MOST
		       ? check_count((int64_t)w->count, e)
		       : err_set(e, ERR_TOO_LARGE,
				 "%zu models, tiers and regions are more than the %d that are "
				 "compared here: use the command line (tally whatif)",
				 w->subjects, MODELS_MOST);
}

static int read_database(struct asked *a, struct workload **out, struct err *e)
{
	const struct usage_filter f = { .since = a->since,
					.until = a->until,
					.customer = a->customer,
					.project = a->project,
					.currency = "any" /* nothing is summed */ };
	const struct workload_of of = {
		.customer = a->customer,
		.project = a->project,
		.order = WORK_PACKED,
		.since = a->since,
		.until = a->until,
	};
	struct usage_result *all = NULL;
	int rc = usage_query(&all, a->r->store, &f, &(struct usage_grouping){ .zone = a->zone }, e);
	if (rc == 0)
		rc = check_count(usage_total(all)->records, e);
	usage_result_close(all);
	if (rc == 0)
		rc = workload_of_store(out, a->r->store, &of, e);
	return rc == 0 ? check_calls(*out, e) : rc;
}

/* In a file without a name that others could find: readers of traces read files. */
static int keep(struct text body, char path[64], struct err *e)
{
	strcpy(path, "/tmp/tally-upload-XXXXXX");
	const int fd = mkostemp(path, O_CLOEXEC);
	size_t done = 0;
	while (fd >= 0 && done < body.n) {
		const ssize_t n = write(fd, body.p + done, body.n - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	else
		*path = 0;
	return fd >= 0 && done == body.n
		       ? 0
		       : err_set(e, ERR_SYSTEM, "the trace could not be kept: %s", strerror(errno));
}

#define GZIP "\x1f\x8b"
#define ZSTD "\x28\xb5\x2f\xfd"

static bool starts(const struct buf *b, const char *with)
{
	return b->n >= strlen(with) && memcmp(b->p, with, strlen(with)) == 0;
}

/* Where it was kept is nobody's business. */
static void name_trace(struct err *e, const char *path)
{
	static const char name[] = "the trace";
	char *at = *path ? strstr(e->message, path) : NULL;
	if (!at)
		return;
	memmove(at + sizeof name - 1, at + strlen(path), strlen(at + strlen(path)) + 1);
	memcpy(at, name, sizeof name - 1);
}

static int read_trace(struct asked *a, struct workload **out, struct err *e)
{
	const struct text body = a->q->body;
	struct buf plain = { 0 };
	char path[64] = "";
	const char *const paths[] = { path };
	struct instant at = INSTANT_MIN;
	int rc = 0;
	buf_add(&plain, body.p, body.n);
	if (starts(&plain, GZIP) && !body_inflate(&plain, e))
		rc = -(int)e->code;
	if (rc == 0)
		rc = keep((struct text){ plain.p, plain.n }, path, e);
	/* what readers would unpack has no bound */
	if (rc == 0 && (starts(&plain, GZIP) || starts(&plain, ZSTD) || pack_is(path)))
		rc = err_set(e, ERR_INVALID, "send the trace as it is, or as gzip");
	buf_release(&plain);
	if (rc == 0)
		rc = read_instant(a, "at", &at, e);
	if (rc == 0)
		rc = workload_read(out,
				   &(struct workload_options){ .path = paths,
							       .path_count = 1,
							       .has_at = at.us != INSTANT_MIN.us,
							       .at = at,
							       .since = a->since,
							       .until = a->until,
							       .order = WORK_PACKED,
							       .sent = true,
							       .customer = a->customer,
							       .project = a->project },
				   e);
	if (*path)
		unlink(path);
	if (rc != 0)
		name_trace(e, path);
	return rc == 0 ? check_calls(*out, e) : rc;
}

static int show(void *user, const struct whatif_report *report, struct err *e)
{
	struct asked *a = user;
	struct buf document = { 0 };
	(void)e;
	whatif_report_put(&document, report);
	if (a->html) {
		html_report_put(&a->out->body, "What the same work would have cost",
				(struct text){ document.p, document.n });
		a->out->type = "text/html; charset=utf-8";
		a->out->filename = "whatif.html";
		buf_release(&document);
	} else {
		a->out->body = document;
	}
	return 0;
}

int answer_whatif(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	struct asked a = { .r = r,
			   .q = q,
			   .out = out,
			   .since = INSTANT_MIN,
			   .until = INSTANT_MAX,
			   .until_us = clock_monotonic_us() + SECONDS_MOST * US_PER_SECOND,
			   .o = { .currency = r->o->currency,
				  .book = r->book,
				  .rules = { .capacity = -1, .ttl_us = -1, .vendor = true },
				  .seed = 1,
				  .resamples = RESAMPLES,
				  .level_permille = 950,
				  .threads = 1,
				  .stops = must_stop } };
	struct workload *workload = NULL;
	const char *cache, *baseline;
	bool incomplete;
	int vary = 0;
	a.o.stops_user = &a;
	int rc = read_asked(&a, &vary, e);
	if (rc == 0)
		rc = text_of_setting(&a, "cache", &cache, e);
	if (rc == 0)
		rc = text_of_setting(&a, "baseline", &baseline, e);
	if (rc == 0)
		rc = q->uploaded ? read_trace(&a, &workload, e) : read_database(&a, &workload, e);
	if (rc == 0)
		rc = cache_words_parse(cache, workload->blocks != NULL, &a.o.cache, &a.o.rules, e);
	a.o.workload = workload;
	if (rc == 0) {
		const struct whatif_question w = { .options = &a.o,
						   .list = &a.list,
						   .baseline = baseline,
						   .cache = cache,
						   .vary_permille = vary,
						   .quiet = true };
		rc = whatif_answer(&w, show, &a, &incomplete, e);
	}
	if (workload)
		workload_close(workload);
	scenario_list_release(&a.list);
	plan_file_close(a.plans);
	zone_close(a.zone);
	arena_release(&a.texts);
	return rc;
}
