#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/cache_rules.h"
#include "cli/metering.h"
#include "cli/progress.h"
#include "cli/refusals.h"
#include "sim/cache_words.h"
#include "cli/sources.h"
#include "reports/replay_report.h"
#include "reports/table.h"
#include "sim/route.h"

static const struct option options[] = {
	OPTIONS_OF_FORMATS,
	{ "model", 'm', "MODEL", "the model of records that name none", false },
	{ "remodel", 0, "MODEL", "price every record as this model", false },
	{ "provider", 'p', "VENDOR", "the vendor of records that name none, or of --remodel",
	  false },
	{ "at", 0, "WHEN", "start the trace at WHEN, keeping all intervals", false },
	{ "by", 0, "KEYS",
	  "group by task, workload, model, customer, project, session, day, week, month, hour, window (a,b,c)",
	  false },
	{ "order", 0, "key|cost|records", "order of the groups (default key)", false },
	{ "limit", 0, "N", "show the first N groups only", false },
	{ "cache", 0, "CACHE",
	  "none (hits as recorded), or for traces with prompt blocks: vendor (they stay as "
	  "long as the model's card says), infinite or a number of blocks, with ,ttl=SECONDS where they "
	  "expire",
	  false },
	{ "block", 0, "N", "tokens of a block (default the trace's own)", false, OPTION_ADVANCED },
	{ "plan", 0, "PLAN", "also credits under this plan (see `tally credit plan`)", false },
	{ "byo", 0, NULL, "bring your own key: the vendors bill you, no credits are drawn", false },
	RECORDED_COST_OPTION,
	{ "threads", 0, "N", "worker threads (default one a processor)", false, OPTION_ADVANCED },
	{ "reference", 0, NULL, "read every record with libcsv or cJSON (slow; same result)", false,
	  OPTION_ADVANCED },
	CACHE_RULE_OPTIONS,
	{ 0 },
};

static void show_progress(void *user, int64_t done, int64_t total)
{
	struct progress *p = user;
	char note[64];
	const double seconds = (double)(clock_monotonic_us() - p->began_us + 1) / 1e6;
	const double mb = (double)done / 1e6;
	snprintf(note, sizeof note, "%.0f MB, %.0f MB/s", mb, mb / seconds);
	progress_show(p, done, total, note);
}

static void warn(const struct replay_result *r, bool quiet)
{
	struct refusals refusals = { 0 };
	for (size_t i = 0; i < replay_refusal_count(r); i++) {
		const struct replay_refusal *f = replay_refusal(r, i);
		refusals_add(&refusals, f->path, f->line, f->message);
	}
	if (replay_damage(r)) {
		print_notice("tally: %s\n", replay_damage(r));
		refusals.named++;
	}
	refusals_sum(&refusals, replay_refused(r), "counted");
	refusals_zeros(replay_zeros(r));
	if (refusals_columns(text_of(replay_doubtful_columns(r))) == 0 && !quiet &&
	    replay_unused_columns(r))
		print_notice("tally: note: columns not used: %s\n", replay_unused_columns(r));
	if (!quiet && replay_ignored_blocks(r))
		print_notice("tally: note: prompts name their blocks and record no hits, so "
			     "they are priced as input throughout; --cache vendor replays "
			     "each model's own cache\n");
}

/* --cache and the rules behind it. */
static int take_cache(struct cli *cli, struct replay_options *o, struct err *e)
{
	const char *cache = cli_value(cli, "cache");
	enum whatif_cache kind = WHATIF_CACHE_NONE;
	int rc = cli_cache_rules(cli, &o->cache, e);
	if (rc == 0 && cache)
		rc = cache_words_parse(cache, true, &kind, &o->cache, e);
	if (rc == 0 && (kind == WHATIF_CACHE_RECORDED || kind == WHATIF_CACHE_REBUILT))
		rc = err_set(e, ERR_USAGE,
			     "--cache recorded is for tally whatif, where models differ; here none "
			     "takes the hits as recorded");
	if (rc == 0)
		rc = cli_count(cli, "block", 0, &o->block_tokens, e);
	o->has_cache = kind == WHATIF_CACHE_BLOCKS;
	static const char *const block[] = { "block", NULL };
	if (rc == 0 && !o->has_cache)
		rc = cli_no_cache_rules(cli, e);
	if (rc == 0 && !o->has_cache)
		rc = cli_none_of(cli, block, "applies to a cache: add --cache", e);
	return rc;
}

static int take_options(struct cli *cli, struct replay_options *o, struct replay_report *report,
			struct field_map *map, struct zone *zone, struct err *e)
{
	static const char *const orders[] = { "key", "cost", "records", NULL };
	static const char *const boundaries[] = { "start", "completion", NULL };
	const char *at = cli_value(cli, "at"), *by = cli_value(cli, "by"), *spec;
	int order, boundary, rc = 0;
	int64_t threads;
	o->format = cli_value(cli, "format");
	o->model = cli_value(cli, "model");
	o->remodel = cli_value(cli, "remodel");
	o->provider = cli_value(cli, "provider");
	o->currency = cli_currency(cli);
	o->strict_only = cli_flag(cli, "reference");
	o->map = map;
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "map", i)); i++)
		rc = field_map_parse(&map[o->map_count++], spec, e);
	if (rc == 0)
		rc = cli_standard_input(cli, e);
	if (rc == 0)
		rc = cli_paths(cli, false, &o->path, &o->path_count, e);
	if (rc == 0 && at) {
		o->has_at = true;
		rc = cli_instant("at", at, zone, &o->at, e);
	}
	if (rc == 0 && by)
		rc = groupings_parse(o->dim, &o->dim_count, by, GROUPS_OF_REPLAY, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &o->since, &o->until, e);
	if (rc == 0)
		rc = cli_choice(cli, "order", orders, &order, e);
	if (rc == 0)
		rc = cli_choice(cli, "boundary", boundaries, &boundary, e);
	if (rc == 0)
		rc = cli_count(cli, "limit", 0, &report->limit, e);
	if (rc == 0)
		rc = cli_count(cli, "threads", 0, &threads, e);
	if (rc == 0)
		rc = take_cache(cli, o, e);
	if (rc != 0)
		return rc;
	if (threads > 64)
		return err_set(e, ERR_USAGE, "--threads: at most 64");
	o->threads = (int)threads;
	o->boundary = (enum boundary)boundary;
	o->zone = zone;
	report->order = (enum report_order)order;
	report->byo = cli_flag(cli, "byo");
	report->quiet = cli->quiet;
	report->recorded = o->recorded = cli_flag(cli, "recorded-cost");
	return 0;
}

static int run(struct cli *cli, struct err *e)
{
	struct book *book = NULL;
	struct plan_file *plans = NULL;
	struct zone *zone = NULL;
	struct replay_result *result = NULL;
	struct replay_options o = { 0 };
	char zone_room[ZONE_NAME_MAX];
	struct replay_report report = { .options = &o, .timezone = cli_zone_name(cli, zone_room) };
	struct field_map map[OPTION_VALUES_MAX];
	const char *plan = cli_plan(cli);
	struct progress progress = progress_begin(cli, "");
	int status = 0;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = take_options(cli, &o, &report, map, zone, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0 && plan)
		rc = plan_open(&plans, &o.plan, plan, e);
	o.book = book;
	const struct route_target all = { text_of(o.provider ? o.provider : ""),
					  text_of(o.remodel ? o.remodel : "") };
	if (rc == 0 && o.remodel && route_target_known(&all, book, e) != 0)
		rc = err_context(e, "--remodel");
	if (progress.wanted) {
		o.progress = show_progress;
		o.progress_user = &progress;
	}
	if (rc == 0)
		rc = replay_run(&result, &o, e);
	progress_end(&progress);
	if (rc == 0) {
		report.result = result;
		if (cli->json)
			replay_report_json(&report);
		else if (cli->csv)
			replay_report_csv(&report);
		else
			replay_report_table(&report);
		fflush(stdout);
		warn(result, cli->quiet);
		const struct sums *total = replay_total(result);
		status = total->unpriced || (o.plan && total->uncredited) ||
					 replay_refused(result) ||
					 replay_doubtful_columns(result) ||
					 replay_lower_bound(result)->placeholders ||
					 lower_bound_is_uncertain(replay_lower_bound(result))
				 ? 3
				 : 0;
	}
	cli_tell_unread_input(cli);
	replay_result_close(result);
	plan_file_close(plans);
	zone_close(zone);
	book_close(book);
	return rc ? rc : status;
}

const struct command command_replay = {
	.name = "replay",
	.place = HELP_LOOK + 24,
	.summary = "the exact cost of a token trace, grouped as you like",
	.arguments = "[FILE|DIRECTORY...]",
	.arguments_min = 0,
	.arguments_max = -1,
	.description =
		"Prices every record of the traces at its own instant and adds up exactly. "
		"Files may be CSV or JSON Lines, plain, .gz or "
		".zst; - is standard input. The format is recognised from the content. "
		"Directories and files of agent logs (tally sources) and of provider "
		"answers are read whole, and each call counts once; without a path, those of every "
		"agent on this machine (tally sources).\n\n"
		"Native fields (CSV columns or JSON keys): id, time, completed, provider, "
		"model, customer, project, workload, task, "
		"session, service_tier, region, effort, input, cache_read, cache_write_5m, "
		"cache_write_1h, output, reasoning, requests; prompt (input "
		"with its cached parts) instead of input; total, which must equal the sum; "
		"input_audio and the like. Only a "
		"model (or --model) and one token field are required. The tokens of a row "
		"are its totals; requests says how many calls they "
		"were. Empty means zero.\n\n"
		"Traces that name the blocks of their prompts and record no hits can be "
		"replayed through a prefix cache (--cache), one for every model.\n\n"
		"Records that no price covers are counted and named and make the total a "
		"lower bound; lines that break the format are "
		"refused with file and line. Either gives exit status 3.",
	.examples = "  tally replay --by model,day\n"
		    "  tally replay trace.csv --by model,day\n"
		    "  tally replay calls.jsonl.gz --remodel deepseek-v4-flash --plan vm0\n"
		    "  tally replay azure.csv --model deepseek-v4-pro --at 2026-06-15 --by hour "
		    "--json\n"
		    "  tally replay sessions.jsonl --at 2026-06-15 --cache infinite --scope "
		    "conversation --by task\n"
		    "  tally replay export.csv --map prompt=prompt_tokens --map "
		    "cache_read=cached_tokens --map output=completion_tokens\n",
	.options = options,
	.common = TAKES_PRICES | TAKES_CSV | TAKES_PERIOD | TAKES_ZONE | TAKES_CURRENCY |
		  TAKES_BOUNDARY,
	.run = run,
};
