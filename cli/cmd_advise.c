/* Questions about caches: what to pay for, stay or switch, at what share of hits two models cost
 * the same. */
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/cache_rules.h"
#include "cli/workload_options.h"
#include "reports/advice_report.h"
#include "sim/cache_words.h"

/* What the three share. */
struct question {
	struct book *book;
	struct workload *workload;
	struct scenario_list models; /* by name */
	struct cache_rules rules;
	struct refusals refusals;
};

static void question_release(struct question *q)
{
	workload_close(q->workload);
	scenario_list_release(&q->models);
	book_close(q->book);
}

static int begin(struct cli *cli, struct question *q, struct err *e)
{
	int rc = cli_book(cli, &q->book, e);
	return rc == 0 ? cli_cache_rules(cli, &q->rules, e) : rc;
}

static int read_trace(struct cli *cli, struct question *q, struct err *e)
{
	struct cli_workload w;
	struct zone *zone = NULL;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_workload_read(cli, zone, &w, e);
	if (rc == 0) {
		w.o.threads = 1;
		rc = workload_read(&q->workload, &w.o, e);
		q->refusals = w.refusals;
	}
	zone_close(zone);
	return rc;
}

/* The model that an option names. */
static int model_of(struct cli *cli, struct question *q, const char *option,
		    struct route_target *out, struct err *e)
{
	const char *name = cli_value(cli, option);
	if (!name)
		return err_set(e, ERR_USAGE, "--%s MODEL is needed", option);
	struct buf spec = { 0 };
	buf_printf(&spec, "%s=%s", option, name);
	int rc = scenario_add(&q->models, spec.p, q->book, e);
	buf_release(&spec);
	if (rc != 0)
		return rc;
	const struct route *r = &q->models.scenario[q->models.count - 1].route;
	if (r->kind != ROUTE_MODEL || r->service_tier.n)
		return err_set(e, ERR_USAGE, "--%s is a model, not '%s'", option, name);
	*out = r->target[0];
	return route_target_known(out, q->book, e) == 0 ? 0 : err_context(e, "--%s", option);
}

static int span_option(struct cli *cli, const char *name, int64_t missing, int64_t *out,
		       struct err *e)
{
	const char *text = cli_value(cli, name);
	*out = missing;
	if (text && (span_parse(out, text_of(text), US_PER_SECOND, NULL) != 0 || *out <= 0))
		return err_set(e, ERR_USAGE, "--%s is a number of seconds above 0, not '%s'", name,
			       text);
	return 0;
}

/* --- advise cache --- */

static const struct option cache_options[] = {
	{ "on", 0, "MODEL", "the model that answers every call", false },
	{ "every", 0, "SECONDS",
	  "between pings (default ten seconds less than the cache keeps a prompt)", false },
	{ "pings", 0, "N", "at most N per pause (default: several numbers are compared)", false },
	{ "ping-output", 0, "N", "tokens that a ping is answered with (default 1)", false },
	WORKLOAD_OPTIONS,
	WORKLOAD_AT,
	{ 0 },
};

static int run_cache(struct cli *cli, struct err *e)
{
	struct question q = { 0 };
	struct whatif_options o = { .currency = cli_currency(cli), .seed = 1, .threads = 1 };
	struct advice_cache_asked asked = { .options = &o };
	struct route_target on = { 0 };
	struct advice_cache answer = { 0 };
	int64_t unpriced = 0;
	int rc = begin(cli, &q, e);
	if (rc == 0)
		rc = model_of(cli, &q, "on", &on, e);
	if (rc == 0)
		rc = span_option(cli, "every", 0, &asked.every_us, e);
	if (rc == 0)
		rc = cli_count(cli, "pings", 0, &asked.pings, e);
	if (rc == 0)
		rc = cli_count(cli, "ping-output", 1, &asked.ping_output, e);
	if (rc == 0 && asked.pings > ADVICE_PINGS_MOST)
		rc = err_set(e, ERR_USAGE, "--pings is at most %d", ADVICE_PINGS_MOST);
	if (rc == 0)
		rc = read_trace(cli, &q, e);
	o.book = q.book;
	o.workload = q.workload;
	o.rules = q.rules;
	if (rc == 0)
		rc = cache_words_parse(q.workload->blocks ? "vendor" : NULL,
				       q.workload->blocks != NULL, &o.cache, &o.rules, e);
	asked.provider = on.provider;
	asked.model = on.model;
	if (rc == 0)
		rc = advice_cache_run(&answer, &asked, e);
	if (rc == -ERR_UNPRICED) {
		const struct err why = *e;
		rc = err_set(e, ERR_UNPRICED,
			     "%s; --at DATE starts the trace at a date that has one (`tally price "
			     "history MODEL` lists them)",
			     why.message);
	}
	for (size_t i = 0; rc == 0 && i < answer.choices; i++)
		unpriced += answer.choice[i].unpriced;
	if (rc == 0) {
		advice_cache_report(&answer, &asked, cli->json);
		rc = cli_workload_told(&q.refusals, q.workload, "counted");
	}
	question_release(&q);
	return rc ? rc : unpriced ? 3 : 0;
}

const struct command command_advise_cache = {
	.name = "advise cache",
	.place = HELP_PLAN + 16,
	.summary =
		"which cache to pay for: none, five minutes, an hour, or pings that keep it warm",
	.arguments = "TRACE...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description =
		"Replays the calls on one model under its vendor's cache, once for each thing that a client may pay for, and adds what pings cost: reads of the whole prompt that keep it from expiring in pauses. Pings are also sent after the last call of a conversation, because nobody knows that it is over. Exit status 3 where calls have no price.",
	.examples =
		"  tally advise cache week.csv --on claude-sonnet-4-6\n"
		"  tally advise cache ~/.claude/projects --on claude-opus-4-5 --every 240 --pings 5\n",
	.options = cache_options,
	.common = TAKES_PRICES | TAKES_PERIOD | TAKES_ZONE | TAKES_CURRENCY,
	.run = run_cache,
};

/* --- advise switch --- */

static const struct option switch_options[] = {
	{ "from", 0, "MODEL", "the model that has answered so far", false },
	{ "to", 0, "MODEL", "the one that would answer from now on", false },
	{ "prompt", 0, "N", "tokens of the prompt that was answered last", false },
	{ "output", 0, "N", "tokens of an answer (default 500)", false },
	{ "added", 0, "N", "tokens that each turn adds beside the answer (default 0)", false },
	{ "turns", 0, "N", "that are still to come (default 10)", false },
	{ "gap", 0, "SECONDS", "between calls (default 60)", false },
	{ "writes", 0, "none|5m|1h", "what the client pays for where writes are billed", false },
	{ "at", 0, "WHEN", "when the last prompt was answered (default now)", false },
	{ 0 },
};

static int read_switch(struct cli *cli, struct advice_switch_asked *a, struct err *e)
{
	struct instant at = clock_now();
	int rc = cli_count(cli, "prompt", 0, &a->prompt, e);
	if (rc == 0)
		rc = cli_count(cli, "output", 500, &a->output, e);
	if (rc == 0)
		rc = cli_count(cli, "added", 0, &a->added, e);
	if (rc == 0)
		rc = cli_count(cli, "turns", 10, &a->turns, e);
	if (rc == 0)
		rc = span_option(cli, "gap", 60 * US_PER_SECOND, &a->gap_us, e);
	if (rc == 0 && cli_value(cli, "at"))
		rc = cli_instant("at", cli_value(cli, "at"), NULL, &at, e);
	a->at_us = at.us;
	a->from = cli_value(cli, "from");
	a->to = cli_value(cli, "to");
	if (rc == 0 && a->prompt == 0)
		rc = err_set(e, ERR_USAGE,
			     "--prompt N is needed: how long the conversation is by now");
	if (rc == 0 && (a->turns < 1 || a->turns > ADVICE_TURNS_MOST))
		rc = err_set(e, ERR_USAGE, "--turns is 1 to %d", ADVICE_TURNS_MOST);
	return rc;
}

static int run_switch(struct cli *cli, struct err *e)
{
	struct question q = { 0 };
	struct advice_switch_asked asked = { .currency = cli_currency(cli) };
	struct advice_switch answer = { 0 };
	struct route_target from, to;
	int rc = begin(cli, &q, e);
	if (rc == 0)
		rc = model_of(cli, &q, "from", &from, e);
	if (rc == 0)
		rc = model_of(cli, &q, "to", &to, e);
	if (rc == 0)
		rc = read_switch(cli, &asked, e);
	enum whatif_cache cache;
	if (rc == 0)
		rc = cache_words_parse(NULL, false, &cache, &q.rules, e);
	asked.book = q.book;
	asked.rules = &q.rules;
	if (rc == 0)
		rc = advice_switch_run(&answer, &asked, e);
	if (rc == 0)
		advice_switch_report(&answer, &asked, cli->json);
	const bool unpriced = answer.unpriced > 0;
	advice_switch_release(&answer);
	question_release(&q);
	return rc ? rc : unpriced ? 3 : 0;
}

const struct command command_advise_switch = {
	.name = "advise switch",
	.place = HELP_PLAN + 18,
	.summary = "stay with the model whose cache is warm, or switch to another",
	.arguments = "",
	.description =
		"Compares the remaining turns on the model that has answered so far, whose cache is warm, with another one, which must read (and, where billed, write) the whole prompt once. Each turn's prompt is the previous prompt, its answer and what is added. Both caches follow their vendors' contracts, and all prices hold when the calls are made. Exit status 3 where calls have no price.",
	.examples =
		"  tally advise switch --from claude-opus-4-5 --to claude-haiku-4-5 --prompt 120000 --turns 20\n",
	.options = switch_options,
	.common = TAKES_PRICES | TAKES_CURRENCY,
	.run = run_switch,
};

/* --- advise hits --- */

static const struct option hits_options[] = {
	{ "from", 0, "MODEL", "one model", false },
	{ "to", 0, "MODEL", "the other", false },
	{ "prompt", 0, "N", "tokens of a prompt, in place of a trace", false },
	{ "output", 0, "N", "tokens of an answer, in place of a trace", false },
	{ "hit-ratio", 0, "P", "the share of hits that --from has (default as recorded)", false },
	{ "writes", 0, "none|5m|1h",
	  "none: what is missed is not written where that is billed (default 5m)", false },
	WORKLOAD_OPTIONS,
	WORKLOAD_AT,
	{ 0 },
};

static int read_calls(struct cli *cli, struct question *q, struct err *e)
{
	int64_t prompt, output;
	struct instant at = clock_now();
	int rc = cli_count(cli, "prompt", 0, &prompt, e);
	if (rc == 0)
		rc = cli_count(cli, "output", 0, &output, e);
	if (rc == 0 && cli->argument_count &&
	    (cli_value(cli, "prompt") || cli_value(cli, "output")))
		rc = err_set(e, ERR_USAGE, "give either a trace or --prompt and --output");
	if (rc != 0 || cli->argument_count)
		return rc ? rc : read_trace(cli, q, e);
	if (!prompt)
		return err_set(e, ERR_USAGE, "a trace is needed, or --prompt and --output");
	if (cli_value(cli, "at"))
		rc = cli_instant("at", cli_value(cli, "at"), NULL, &at, e);
	if (rc == 0)
		q->workload = advice_workload(prompt, output, at.us);
	return rc;
}

static int run_hits(struct cli *cli, struct err *e)
{
	struct question q = { 0 };
	struct advice_hits answer = { 0 };
	struct route_target side[2] = { 0 };
	const char *ratio = cli_value(cli, "hit-ratio");
	struct decimal d;
	int64_t own = -1;
	int rc = begin(cli, &q, e);
	if (rc == 0)
		rc = model_of(cli, &q, "from", &side[0], e);
	if (rc == 0)
		rc = model_of(cli, &q, "to", &side[1], e);
	if (rc == 0 && ratio &&
	    (decimal_parse(&d, text_of(ratio), NULL) != 0 || !decimal_to_int64(d, 9, &own) ||
	     own < 0 || own > 1000000000))
		rc = err_set(e, ERR_USAGE,
			     "--hit-ratio is a number from 0 to 1 with at most nine decimals, not "
			     "'%s'",
			     ratio);
	if (rc == 0)
		rc = read_calls(cli, &q, e);
	for (int i = 0; i < 2; i++)
		answer.side[i] = (struct advice_side){ .provider = side[i].provider,
						       .model = side[i].model };
	if (rc == 0)
		rc = advice_hits_run(&answer, q.workload, q.book, cli_currency(cli),
				     q.rules.writes != CACHE_WRITES_NONE, e);
	if (rc == 0) {
		advice_hits_report(&answer, cli_currency(cli), own, cli->json);
		rc = cli_workload_told(&q.refusals, q.workload, "counted");
	}
	question_release(&q);
	return rc ? rc : answer.side[0].unpriced || answer.side[1].unpriced ? 3 : 0;
}

const struct command command_advise_hits = {
	.name = "advise hits",
	.place = HELP_PLAN + 20,
	.summary = "the cache-hit ratio at which two models cost the same",
	.arguments = "[TRACE...]",
	.arguments_min = 0,
	.arguments_max = -1,
	.description =
		"Prices the calls on both models with no hits and with all hits; cost is linear in between, so the break-even share is exact. Misses are written to the cache where the vendor bills writes, unless --writes none. Also shows the share that the second model needs to match the first at --hit-ratio. Exit status 3 where calls have no price.",
	.examples =
		"  tally advise hits --from claude-haiku-4-5 --to gpt-4o --prompt 20000 --output 400\n"
		"  tally advise hits week.csv --from claude-sonnet-4-6 --to deepseek-v4-pro\n",
	.options = hits_options,
	.common = TAKES_PRICES | TAKES_PERIOD | TAKES_ZONE | TAKES_CURRENCY,
	.run = run_hits,
};
