#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cache_rules.h"
#include "cli/look_source.h"
#include "cli/progress.h"
#include "cli/typed.h"
#include "sim/cache_words.h"
#include "cli/metering.h"
#include "cli/workload_options.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/zone.h"
#include "reports/html_report.h"
#include "reports/left_out.h"
#include "reports/whatif_answer.h"
#include "sim/scenario.h"

static const struct option options[] = {
	{ "scenario", 's', "NAME=SPEC",
	  "a scenario: MODEL, recorded, every:K:A:B, conversation:K:A:B, from:N:A:B, share:P:A:B, offpeak:MAXDELAY:MODEL, batch:MODEL, rules:FILE or cascade:FILE",
	  true },
	{ "scenarios", 0, "FILE", "scenarios from a JSON file", true },
	{ "baseline", 0, "NAME",
	  "the scenario the others are compared with (default the first); best: "
	  "the cheapest single model, which answers everything "
	  "and stays warm",
	  false },
	{ "cache", 0, "CACHE",
	  "for traces with token counts: none, recorded or rebuilt (default); for traces with prompt blocks: none, vendor (default: blocks stay as long as the model's card says), infinite or a number of blocks, with ,ttl=SECONDS for expiry",
	  false },
	WORKLOAD_OPTIONS,
	WORKLOAD_AT,
	OPTION_LOGS,
	{ "customer", 0, "NAME", "only this customer's calls", false },
	{ "project", 0, "NAME", "only this project's calls", false },
	{ "plan", 0, "PLAN", "also credits under this plan (see `tally credit plan`)", false },
	{ "byo", 0, NULL, "bring your own key: the vendors bill you, no credits are drawn", false },
	{ "seed", 0, "N", "of shares and resamples (default 1)", false, OPTION_ADVANCED },
	{ "resamples", 0, "N", "for the intervals (default 1000; 0: none)", false,
	  OPTION_ADVANCED },
	{ "level", 0, "P", "of the intervals (default 0.95)", false, OPTION_ADVANCED },
	{ "sample", 0, "N", "replay N conversations only, and estimate the whole from them", false,
	  OPTION_ADVANCED },
	{ "budget", 0, "AMOUNT", "also the probability that a scenario exceeds it", false },
	{ "sensitivity", 0, "P",
	  "vary each assumption by the fraction P (0.1: a tenth) and show the effect", false },
	{ "html", 0, "FILE", "also write one self-contained HTML file with charts", false },
	{ "save", 0, "FILE", "also keep the result as a baseline for later", false },
	{ "against", 0, "FILE", "compare with a result that --save wrote", false },
	{ "threads", 0, "N", "worker threads (default one a processor)", false, OPTION_ADVANCED },
	CACHE_RULE_OPTIONS,
	{ 0 },
};

static int read_numbers(struct cli *cli, struct whatif_options *o, struct err *e)
{
	const char *level = cli_value(cli, "level");
	int64_t seed = 1, threads = 0, permille = 950;
	struct decimal d;
	int rc = cli_count(cli, "seed", 1, &seed, e);
	if (rc == 0)
		rc = cli_count(cli, "resamples", 1000, &o->resamples, e);
	if (rc == 0)
		rc = cli_count(cli, "threads", sysconf(_SC_NPROCESSORS_ONLN), &threads, e);
	if (rc == 0 && level &&
	    (decimal_parse(&d, text_of(level), NULL) != 0 || !decimal_to_int64(d, 3, &permille) ||
	     permille < 1 || permille > 999))
		rc = err_set(
			e, ERR_USAGE,
			"--level is a number from 0.001 to 0.999 with three decimals, not '%s'",
			level);
	const char *budget = cli_value(cli, "budget");
	if (rc == 0 && budget) {
		struct money m = { 0 };
		rc = cli_amount_of("--budget", budget, cli_currency(cli), &d, e);
		if (rc == 0)
			rc = money_from_decimal(&m, d, e);
		if (rc == 0 && m.pico <= 0)
			rc = err_set(e, ERR_USAGE, "--budget is an amount above 0, not '%s'",
				     budget);
		if (rc == 0 && o->resamples == 0)
			rc = err_set(e, ERR_USAGE, "--budget needs --resamples");
		o->has_budget = true;
		o->budget.atto = (int128)m.pico * 1000000;
	}
	o->seed = (uint64_t)seed;
	o->threads = (int)(threads > 64 ? 64 : threads);
	o->level_permille = (int)permille;
	return rc;
}

/* 0 when it is not asked for. */
static int read_vary(struct cli *cli, int *permille, struct err *e)
{
	const char *text = cli_value(cli, "sensitivity");
	struct decimal d;
	int64_t v = 0;
	if (text && (decimal_parse(&d, text_of(text), NULL) != 0 || !decimal_to_int64(d, 3, &v) ||
		     v < 1 || v > 999))
		return err_set(e, ERR_USAGE,
			       "--sensitivity is a number from 0.001 to 0.999 with three decimals, "
			       "not '%s'",
			       text);
	*permille = (int)v;
	return 0;
}

/* What a workload is read with. */
struct reading {
	const struct zone *zone;
	const struct book *book;
	int threads;
	struct look_source *source; /* of calls where no trace is named */
};

static int read_workload(struct cli *cli, const struct reading *with, struct workload **out,
			 struct refusals *refusals, struct err *e)
{
	struct cli_workload w;
	struct look_source *source = with->source;
	int rc = cli_workload_read(cli, with->zone, &w, e);
	if (rc == 0 && w.o.path_count && cli_value(cli, "db"))
		rc = err_set(e, ERR_USAGE, "give either a trace or --db, not both");
	if (rc != 0)
		return rc;
	w.o.customer = cli_value(cli, "customer");
	w.o.project = cli_value(cli, "project");
	w.o.threads = with->threads;
	w.o.order = WORK_PACKED;
	if (w.o.path_count) {
		struct progress progress = progress_begin(cli, "reading");
		w.o.progress = progress.wanted ? progress_tell : NULL;
		w.o.progress_user = &progress;
		rc = workload_read(out, &w.o, e);
		progress_end(&progress);
		*refusals = w.refusals;
		return rc;
	}
	static const char *const of_traces[] = { "format",   "block", "map", "model",
						 "provider", "at",    NULL };
	rc = cli_none_of(cli, of_traces, "is for traces, and none was named", e);
	if (rc == 0)
		rc = look_source_open(source, cli, false, e);
	if (rc == 0)
		cli_tell_unknown(cli, source->store);
	const struct workload_of of = cli_workload_of(&w);
	if (rc == 0)
		rc = workload_of_store(out, source->store, &of, e);
	if (rc == -ERR_NOT_FOUND && source->store)
		err_context(e, "%s", source->words);
	if (rc == 0 && source->is_cache)
		(*out)->shape = "logs";
	else if (rc == 0)
		rc = cli_tell_other_cards(cli, source->store, with->book, e);
	*refusals = w.refusals;
	return rc;
}

static int read_scenarios(struct cli *cli, struct scenario_list *list, const struct book *book,
			  struct err *e)
{
	const char *text;
	int rc = 0;
	for (int i = 0; rc == 0 && (text = cli_value_at(cli, "scenarios", i)); i++)
		rc = scenario_add_file(list, text, book, clock_now(), e);
	for (int i = 0; rc == 0 && (text = cli_value_at(cli, "scenario", i)); i++)
		rc = scenario_add(list, text, book, e);
	if (rc == 0)
		rc = scenario_list_known(list, book, e);
	if (rc == 0 && list->count == 0)
		rc = err_set(e, ERR_USAGE,
			     "nothing to compare: name scenarios, for example --scenario "
			     "recorded --scenario flash=deepseek-v4-flash");
	return rc;
}

/* Who asks, and what they see until there is an answer. */
struct asker {
	struct cli *cli;
	struct progress *progress;
};

/* On the terminal, and in the files that were asked for. */
static int show(void *user, const struct whatif_report *report, struct err *e)
{
	const struct asker *asker = user;
	struct cli *cli = asker->cli;
	const char *html = cli_value(cli, "html"), *save = cli_value(cli, "save"),
		   *against = cli_value(cli, "against");
	const struct whatif_options *o = report->options;
	struct whatif_report full = *report;
	struct whatif_changes changes = { 0 };
	struct size_sweep sizes = { 0 };
	struct buf document = { 0 };
	progress_end(asker->progress);
	int rc = against ? whatif_changes_read(&changes, against, o, report->result, e) : 0;
	if (rc == 0 && against)
		full.against = &changes;
	if (rc == 0 && html && o->cache == WHATIF_CACHE_BLOCKS) {
		rc = size_sweep_run(&sizes, o, e);
		full.sizes = &sizes;
	}
	if (rc == 0)
		whatif_report_put(&document, &full);
	const struct text text = { document.p, document.n };
	if (rc == 0 && save)
		rc = file_write(save, text, e);
	if (rc == 0 && html)
		rc = html_report_write(html, "What the same work would have cost", text, e);
	if (rc == 0 && cli->json)
		rc = file_write(NULL, text, e);
	else if (rc == 0 && cli->csv)
		whatif_report_csv(&full);
	else if (rc == 0)
		whatif_report_table(&full);
	whatif_changes_release(&changes);
	size_sweep_release(&sizes);
	buf_release(&document);
	return rc;
}

/* Whether something of it could not be counted, which is told below the table. */
static bool close_source(const struct cli *cli, struct look_source *source, bool tell)
{
	const bool any = left_out_any(&source->left_out);
	if (tell && !cli->json && !cli->csv)
		print_left_out(&source->left_out);
	look_source_close(source);
	return any;
}

static int run(struct cli *cli, struct err *e)
{
	struct book *book = NULL;
	struct plan_file *plans = NULL;
	struct zone *zone = NULL;
	struct workload *workload = NULL;
	struct scenario_list list = { 0 };
	struct look_source source = { 0 };
	struct whatif_options o = { .currency = cli_currency(cli) };
	const char *plan = cli_plan(cli), *cache = cli_value(cli, "cache");
	int64_t sample = 0;
	bool incomplete = false;
	struct refusals refusals = { 0 };
	int status = 0, vary = 0;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_cache_rules(cli, &o.rules, e);
	if (rc == 0)
		rc = read_numbers(cli, &o, e);
	if (rc == 0)
		rc = read_vary(cli, &vary, e);
	if (rc == 0)
		rc = cli->argument_count ? cli_book(cli, &book, e)
					 : cli_database_book(cli, DB_READ, &book, NULL, e);
	if (rc == 0)
		rc = read_scenarios(cli, &list, book, e);
	if (rc == 0 && plan)
		rc = plan_open(&plans, &o.plan, plan, e);
	if (rc == 0)
		rc = read_workload(cli, &(struct reading){ zone, book, o.threads, &source },
				   &workload, &refusals, e);
	if (rc == 0)
		rc = cache_words_parse(cache, workload->blocks != NULL, &o.cache, &o.rules, e);
	if (rc == 0 && o.cache == WHATIF_CACHE_REBUILT)
		rc = cli_no_block_rules(cli, e);
	else if (rc == 0 && o.cache != WHATIF_CACHE_BLOCKS)
		rc = cli_no_cache_rules(cli, e);
	if (rc == 0 && cli_value(cli, "sample"))
		rc = cli_count(cli, "sample", 0, &sample, e);
	struct progress progress = progress_begin(cli, "");
	struct asker asker = { cli, &progress };
	if (progress.wanted) {
		o.progress = progress_tell;
		o.progress_user = &progress;
	}
	o.workload = workload;
	o.book = book;
	if (rc == 0) {
		const struct whatif_question q = { .options = &o,
						   .list = &list,
						   .baseline = cli_value(cli, "baseline"),
						   .cache = cache,
						   .vary_permille = vary,
						   .samples = cli_value(cli, "sample") != NULL,
						   .sample = sample,
						   .byo = cli_flag(cli, "byo"),
						   .quiet = cli->quiet };
		rc = whatif_answer(&q, show, &asker, &incomplete, e);
		progress_end(&progress);
	}
	if (rc == 0)
		status = cli_workload_told(&refusals, workload, "counted");
	if (rc == 0 && incomplete)
		status = 3;
	if (close_source(cli, &source, rc == 0))
		status = 3;
	workload_close(workload);
	scenario_list_release(&list);
	plan_file_close(plans);
	zone_close(zone);
	book_close(book);
	return rc ? rc : status;
}

const struct command command_whatif = {
	.name = "whatif",
	.place = HELP_PLAN + 8,
	.summary = "what the same work would have cost on other models, routes and caches",
	.arguments = "[TRACE...]",
	.arguments_min = 0,
	.arguments_max = -1,
	.description =
		"Replays the calls of a trace, of agent logs or (without a path) of the database or "
		"the logs in their usual places under every scenario, call by call, and compares exact costs. Every "
		"model "
		"has a cache of its own, so that a route which switches models pays for reading "
		"the "
		"prefix again.\n\n"
		"every:K:A:B sends every K-th call of a conversation to A and the others to B; "
		"conversation:K:A:B every K-th conversation; from:N:A:B calls from the N-th on; "
		"share:P:A:B a seeded share of conversations; offpeak:MAXDELAY:MODEL lets calls "
		"wait for a cheaper hour; batch:MODEL makes the calls in batches. A model may be written PROVIDER/MODEL. Rules, cascades, "
		"factors for other tokenizers or wordier models, and speeds are in "
		"docs/whatif.md.\n\n"
		"Traces that name the blocks of their prompts are replayed through a cache "
		"(--cache vendor, infinite or N). Elsewhere what a model would have found is "
		"rebuilt from the conversation by its vendor's contract (docs/caches.md).",
	.examples = "  tally whatif sessions.jsonl --at 2026-06-15 --cache infinite --scope "
		    "conversation "
		    "-s pro=deepseek-v4-pro -s flash=deepseek-v4-flash -s "
		    "mix=every:5:deepseek-v4-pro:deepseek-v4-flash\n"
		    "  tally whatif ~/.claude/projects -s recorded -s flash=deepseek-v4-flash "
		    "--plan vm0\n"
		    "  tally whatif --since 2026-10-01 --until 2026-11-01 -s recorded -s "
		    "night=offpeak:8h:deepseek-v4-flash --json\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_PRICES | TAKES_CSV | TAKES_PERIOD | TAKES_ZONE |
		  TAKES_CURRENCY,
	.run = run,
};
