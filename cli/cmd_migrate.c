#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cache_rules.h"
#include "sim/cache_words.h"
#include "cli/look_source.h"
#include "cli/memo_output.h"
#include "cli/metering.h"
#include "cli/workload_options.h"
#include "reports/migration_report.h"
#include "sim/scenario.h"

static const struct option options[] = {
	{ "to", 0, "MODEL", "the model to move to, or PROVIDER/MODEL; may be repeated", true },
	{ "from", 0, "MODEL",
	  "move only calls of this model, as the records name it (default all); may be repeated",
	  true },
	{ "plan", 0, "PLAN", "also credits under this plan (see `tally credit plan`)", false },
	MEMO_OPTIONS,
	{ "start", 0, "DATE", "the date of the move (default tomorrow)", false },
	{ "tokenizer", 0, "N[:SOURCE]",
	  "tokens that the target makes of the same text, as a multiple (default 1)", false },
	{ "wordiness", 0, "N[:SOURCE]",
	  "length of its answers, as a multiple of the recorded ones (default 1)", false },
	{ "customer", 0, "NAME", "only this customer's calls", false },
	{ "project", 0, "NAME", "only this project's calls", false },
	{ "at", 0, "WHEN", "start the trace at WHEN, keeping all intervals", false },
	{ "cache", 0, "CACHE", "as in tally whatif (default: by each vendor's contract)", false },
	{ "model", 'm', "MODEL", "the model of records that name none", false },
	{ "provider", 'p', "VENDOR", "the vendor of records that name none", false },
	{ "map", 0, "FIELD=COLUMN",
	  "read a field from a column, key or member of another name (customer=metadata.team)",
	  true },
	{ "trace-format", 0, "FORMAT", "format of the trace (default by content)", false },
	OPTIONS_OF_LOOKS,
	{ 0 },
};

struct move {
	struct cli *cli;
	struct zone *zone;
	struct book *book;
	struct plan_file *plans;
	struct workload *workload;
	struct look_source source;
	struct scenario_list list;
	struct whatif_options o;
	struct migration_factor factor[2];
	struct arena arena;
	struct migration_result migration;
	char words[300];
	struct buf from; /* models whose calls move; empty: all */
	struct refusals refusals;
	struct migration_refusal *reason; /* of what was left out */
	size_t reasons;
};

/* "1.08:our count of 200 prompts" */
static int take_factor(struct move *x, int i, const char *name, struct err *e)
{
	const char *s = cli_value(x->cli, name), *colon = s ? strchr(s, ':') : NULL;
	struct migration_factor *f = &x->factor[i];
	*f = (struct migration_factor){ .name = name, .times = { 1, 0 } };
	if (!s)
		return 0;
	struct text digits = { s, colon ? (size_t)(colon - s) : strlen(s) };
	if (decimal_parse(&f->times, digits, NULL) != 0 || f->times.digits <= 0 ||
	    f->times.scale > 9 || f->times.digits > (int128)1000000000000)
		return err_set(e, ERR_USAGE,
			       "--%s: '%.*s' is not a number above 0 with at most nine decimals",
			       name, (int)digits.n, digits.p);
	f->source = colon && colon[1] ? arena_text(&x->arena, colon + 1, strlen(colon + 1)) : NULL;
	return 0;
}

/* A target that no card has at all is a slip of the pen: there is nothing to report. */
static int is_known(const struct move *x, const struct scenario *s, struct err *e)
{
	for (uint32_t t = 0; t < s->route.targets; t++)
		if (route_target_known(&s->route.target[t], x->book, e) != 0)
			return err_context(e, "--to");
	return 0;
}

/* Calls of other models than those of --from stay on the model that they ran on. */
static int keep_others(const struct move *x, struct route *r, struct err *e)
{
	const char *from;
	int rc = 0;
	if (cli_value(x->cli, "from") && (r->kind != ROUTE_MODEL || r->service_tier.n))
		return err_set(e, ERR_USAGE,
			       "--from needs a --to that is one model; other routes say in a file "
			       "of rules which calls they take");
	for (int i = 0; rc == 0 && (from = cli_value_at(x->cli, "from", i)); i++)
		rc = route_only_from(r, text_of(from), e);
	return rc == 0 ? 0 : err_context(e, "--from");
}

/* A name that no call has would move nothing. */
static int is_recorded_name(const struct move *x, const char *from, struct err *e)
{
	const struct workload *w = x->workload;
	struct instant until = INSTANT_MAX;
	struct buf names = { 0 };
	bool found = false;
	for (size_t i = 0; i < w->subjects && !found; i++) {
		found = book_same_model(x->book, text_of(from),
					&(struct named_model){ w->subject[i].provider,
							       w->subject[i].model, clock_now() },
					&until);
		buf_printf(&names, "%s%.*s", i ? ", " : "", (int)w->subject[i].model.n,
			   w->subject[i].model.p);
	}
	int rc = found ? 0
		       : err_set(e, ERR_NOT_FOUND, "--from: no call ran on '%s'; there are %.300s",
				 from, names.n ? names.p : "none");
	buf_release(&names);
	return rc;
}

static int add_targets(struct move *x, struct err *e)
{
	const char *to;
	int rc = scenario_add(&x->list, "recorded", x->book, e);
	struct decimal answers;
	if (rc == 0 && !cli_value(x->cli, "to"))
		rc = err_set(e, ERR_USAGE,
			     "--to MODEL is required, for example --to deepseek-v4-flash");
	if (rc == 0 && !decimal_multiply(x->factor[0].times, x->factor[1].times, &answers))
		rc = err_set(e, ERR_USAGE, "--tokenizer times --wordiness has too many digits");
	for (int i = 0; rc == 0 && (to = cli_value_at(x->cli, "to", i)); i++) {
		rc = scenario_add(&x->list, to, x->book, e);
		if (rc == 0)
			rc = is_known(x, &x->list.scenario[x->list.count - 1], e);
		if (rc == 0)
			rc = keep_others(x, &x->list.scenario[x->list.count - 1].route, e);
		if (rc != 0)
			break;
		struct scenario *s = &x->list.scenario[x->list.count - 1];
		s->has_factors = true;
		for (uint32_t t = 0; t < s->route.targets; t++) {
			s->input_factor[t] = x->factor[0].times;
			s->output_factor[t] = answers;
		}
	}
	return rc;
}

/* Counts what is left out by its reason, for the report, and names it as every command does. */
static void note_refused(void *user, const char *path, int64_t line, const char *why)
{
	struct move *x = user;
	size_t i = 0;
	while (i < x->reasons && strcmp(x->reason[i].why, why) != 0)
		i++;
	if (i == x->reasons) {
		x->reason = mem_grow(x->reason, (i + 1) * sizeof *x->reason);
		x->reason[x->reasons++] =
			(struct migration_refusal){ .why = arena_text(&x->arena, why,
								      strlen(why)) };
	}
	x->reason[i].records++;
	refusals_add(&x->refusals, path, line, why);
}

static int read_workload(struct move *x, struct err *e)
{
	struct cli_workload w;
	struct cli *cli = x->cli;
	int rc = cli_workload_read(cli, x->zone, &w, e);
	if (rc != 0)
		return rc;
	w.o.refused = note_refused;
	w.o.refused_user = x;
	w.o.format = cli_value(cli, "trace-format");
	w.o.customer = cli_value(cli, "customer");
	w.o.project = cli_value(cli, "project");
	if (cli->argument_count && cli_value(cli, "db"))
		return err_set(e, ERR_USAGE, "give either a trace or --db, not both");
	if (cli->argument_count) {
		snprintf(x->words, sizeof x->words, "%s", COUNTED(cli->argument_count, "path"));
		return workload_read(&x->workload, &w.o, e);
	}
	static const char *const of_traces[] = { "trace-format", "map", "model",
						 "provider",	 "at",	NULL };
	rc = cli_none_of(cli, of_traces, "is for traces, and none was named", e);
	if (rc == 0)
		rc = look_source_open(&x->source, cli, false, e);
	struct workload_of of = cli_workload_of(&w);
	of.refused_user = x;
	if (rc == 0)
		rc = workload_of_store(&x->workload, x->source.store, &of, e);
	if (rc == -ERR_NOT_FOUND && x->source.store)
		err_context(e, "%s", store_path(x->source.store));
	if (rc == 0 && !x->source.is_cache)
		rc = cli_tell_other_cards(x->cli, x->source.store, x->book, e);
	snprintf(x->words, sizeof x->words, "%s", x->source.words);
	return rc;
}

static int prepare(struct move *x, struct err *e)
{
	const char *plan = cli_plan(x->cli);
	x->o = (struct whatif_options){ .currency = cli_currency(x->cli),
					.level_permille = 950,
					.seed = 1,
					.threads = (int)sysconf(_SC_NPROCESSORS_ONLN) };
	int rc = cli_zone(x->cli, &x->zone, e);
	if (rc == 0)
		rc = take_factor(x, 0, "tokenizer", e);
	if (rc == 0)
		rc = take_factor(x, 1, "wordiness", e);
	if (rc == 0)
		rc = x->cli->argument_count ? cli_book(x->cli, &x->book, e)
					    : cli_database_book(x->cli, DB_READ, &x->book, NULL, e);
	if (rc == 0)
		rc = add_targets(x, e);
	if (rc == 0 && plan)
		rc = plan_open(&x->plans, &x->o.plan, plan, e);
	if (rc == 0)
		rc = cli_cache_rules(x->cli, &x->o.rules, e);
	if (rc == 0)
		rc = read_workload(x, e);
	const char *from;
	for (int i = 0; rc == 0 && (from = cli_value_at(x->cli, "from", i)); i++) {
		rc = is_recorded_name(x, from, e);
		buf_printf(&x->from, "%s%s", i ? ", " : "", from);
	}
	if (rc == 0)
		rc = cache_words_parse(cli_value(x->cli, "cache"), x->workload->blocks != NULL,
				       &x->o.cache, &x->o.rules, e);
	if (rc == 0 && x->workload->metered_currency &&
	    strcmp(x->workload->metered_currency, x->o.currency) != 0)
		rc = err_set(e, ERR_USAGE,
			     "the database holds amounts in %s: compare with --currency %s",
			     x->workload->metered_currency, x->workload->metered_currency);
	x->o.workload = x->workload;
	x->o.scenario = x->list.scenario;
	x->o.scenarios = x->list.count;
	x->o.book = x->book;
	return rc;
}

static int show(struct move *x, enum memo_format format, struct err *e)
{
	const struct whatif_report whatif = {
		.options = &x->o,
		.result = x->migration.past,
		.cache = cache_words_of(cli_value(x->cli, "cache"), x->o.cache, &x->o.rules),
	};
	const struct migration_report report = { .whatif = &whatif,
						 .migration = &x->migration,
						 .factor = x->factor,
						 .factors = 2,
						 .refusal = x->reason,
						 .refusals = x->reasons,
						 .left_out = &x->source.left_out,
						 .from = x->from.p,
						 .source = x->words };
	struct memo memo = { 0 };
	struct buf b = { 0 };
	int rc = 0;
	if (x->cli->json) {
		migration_report_put(&b, &report);
		rc = cli_document_show(x->cli, (struct text){ b.p, b.n }, e);
	} else {
		migration_report_memo(&memo, &report);
		rc = cli_memo_show(x->cli, &memo, format, e);
	}
	memo_release(&memo);
	buf_release(&b);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct move *x = mem_zalloc(sizeof *x);
	const char *start = cli_value(cli, "start");
	struct instant from;
	enum memo_format format;
	int status = 0;
	x->cli = cli;
	int rc = cli_memo_format(cli, &format, e);
	if (rc == 0)
		rc = prepare(x, e);
	if (rc == 0)
		rc = cli_instant("start", start ? start : "tomorrow", x->zone, &from, e);
	if (rc == 0)
		scenario_list_bind(&x->list, x->workload, x->book, clock_now());
	if (rc == 0)
		rc = migration_run(&x->migration, &x->o, x->workload, zone_day(x->zone, from), e);
	if (rc == 0) {
		rc = show(x, format, e);
		status = cli_workload_told(&x->refusals, x->workload, "counted");
		if (left_out_any(&x->source.left_out))
			status = 3;
		for (size_t i = 0; i < x->o.scenarios; i++)
			if (whatif_at_least(&x->migration.past[i]) ||
			    x->migration.month[i].unpriced || x->migration.later[i].unpriced ||
			    (x->o.plan && x->migration.past[i].uncredited))
				status = 3;
		migration_release(&x->migration, x->o.scenarios);
	}
	look_source_close(&x->source);
	workload_close(x->workload);
	scenario_list_release(&x->list);
	plan_file_close(x->plans);
	zone_close(x->zone);
	book_close(x->book);
	arena_release(&x->arena);
	buf_release(&x->from);
	free(x->reason);
	free(x);
	return rc ? rc : status;
}

const struct command command_migrate = {
	.name = "migrate",
	.place = HELP_PLAN + 4,
	.summary = "what moving to another model would cost, as a report to share",
	.arguments = "[PATH...]",
	.arguments_max = -1,
	.description =
		"Replays recorded calls (a trace, agents' logs, or without a path the database or "
		"the logs in their usual places) on the models named by --to, all of them or those "
		"of the models named by --from: what the work cost, "
		"what it would have cost, the first month after the move and the run rate at the "
		"prices stated for then. Caches are rebuilt by each vendor's contract, cache writes "
		"are paid as input where the target does not bill them, and calls that do not fit "
		"are counted.\n\n"
		"The report ends with what to watch and what it rests on. --format html and pdf "
		"make a file for people who do not use tally. Exit status 3 when calls have no "
		"price.",
	.examples =
		"  tally migrate --to deepseek-v4-flash\n"
		"  tally migrate --from claude-opus-4-6 --to claude-sonnet-4-6\n"
		"  tally migrate ~/.claude/projects --to deepseek-v4-flash --to deepseek-v4-pro "
		"--plan vm0 --format pdf -o move.pdf\n"
		"  tally migrate --period last-month --to deepseek-v4-flash --tokenizer \"1.08:our "
		"count of 200 prompts\" --json\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_PRICES | TAKES_PERIOD | TAKES_ZONE | TAKES_CURRENCY,
	.run = run,
};
