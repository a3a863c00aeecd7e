#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/zone.h"
#include "cli/command.h"
#include "pricing/plan.h"
#include "reports/cost_report.h"
#include "reports/table.h"

static const struct option options[] = {
	{ "model", 'm', "MODEL",
	  "model or alias, as the vendor or you call it; several are compared", true },
	{ "provider", 'p', "VENDOR", "who sells it; required where several vendors do", false },
	{ "at", 0, "WHEN", "the instant of the calls (default now)", false },
	{ "prompt", 0, "N", "the whole prompt of one request, cached tokens included", false },
	{ "input", 0, "N", "or its uncached tokens alone", false },
	{ "cache-read", 0, "N", "input tokens read from the cache", false },
	{ "cache-write", 0, "N", "tokens written to the cache for 5 minutes", false },
	{ "cache-write-1h", 0, "N", "tokens written to the cache for 1 hour", false },
	{ "output", 0, "N", "output tokens, reasoning included", false },
	{ "reasoning", 0, "N", "the part of output that is reasoning", false },
	{ "tokens", 0, "BUCKET=N", "any other bucket, such as input_audio or output_image", true },
	{ "unit", 0, "NAME=N", "counted things with a fee, such as search", true },
	{ "requests", 'n', "N", "number of identical requests (default 1)", false },
	{ "service-tier", 0, "TIER", "standard, batch, flex, priority, ... (default standard)",
	  false },
	{ "region", 0, "REGION", "where the call is served", false },
	{ "plan", 0, "PLAN", "also credits under this plan (see `tally credit plan`)", false },
	{ "byo", 0, NULL, "bring your own key: the vendor bills you, no credits are drawn", false },
	{ 0 },
};

static int named_count(const char *option, const char *spec, struct text *name, int64_t *out,
		       struct err *e)
{
	const char *equals = strchr(spec, '='),
		   *example = strcmp(option, "tokens") == 0
				      ? "input_audio=5000 (prompt and answer: --input, --output)"
				      : "search=3";
	struct decimal d;
	if (!equals || equals == spec || decimal_parse(&d, text_of(equals + 1), NULL) != 0 ||
	    d.digits < 0 || !decimal_to_int64(d, 0, out))
		return err_set(
			e, ERR_USAGE,
			"--%s %s: NAME=N with a whole number N is expected, for example --%s %s",
			option, spec, option, example);
	*name = (struct text){ spec, (size_t)(equals - spec) };
	return 0;
}

/* What of --prompt was neither read from a cache nor written to one is input. */
static int take_prompt(const struct cli *cli, struct usage *u, struct err *e)
{
	static const enum bucket cached[] = { BUCKET_CACHE_READ, BUCKET_CACHE_WRITE_5M,
					      BUCKET_CACHE_WRITE_1H };
	int64_t rest;
	if (!cli_value(cli, "prompt"))
		return 0;
	if (cli_value(cli, "input"))
		return err_set(e, ERR_USAGE,
			       "give --prompt (cached tokens included) or --input (without them), "
			       "not both");
	int rc = cli_count(cli, "prompt", 0, &rest, e);
	for (size_t i = 0; rc == 0 && i < sizeof cached / sizeof *cached; i++) {
		if (u->tokens[cached[i]] > rest)
			return err_set(e, ERR_USAGE,
				       "--prompt counts cached tokens too, so it cannot be smaller "
				       "than they are");
		rest -= u->tokens[cached[i]];
	}
	u->tokens[BUCKET_INPUT] = rest;
	return rc;
}

/* One request from the options. */
static int take_usage(const struct cli *cli, struct arena *arena, struct usage *u, struct err *e)
{
	static const struct {
		const char *option;
		enum bucket bucket;
	} plain[] = { { "input", BUCKET_INPUT },
		      { "cache-read", BUCKET_CACHE_READ },
		      { "cache-write", BUCKET_CACHE_WRITE_5M },
		      { "cache-write-1h", BUCKET_CACHE_WRITE_1H },
		      { "output", BUCKET_OUTPUT },
		      { "reasoning", BUCKET_REASONING } };
	int rc = 0;
	const char *spec;
	struct text name;
	int64_t n;
	*u = (struct usage){ .requests = 1 };
	for (size_t i = 0; rc == 0 && i < sizeof plain / sizeof *plain; i++)
		rc = cli_count(cli, plain[i].option, 0, &u->tokens[plain[i].bucket], e);
	if (rc == 0)
		rc = take_prompt(cli, u, e);
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "tokens", i)); i++) {
		rc = named_count("tokens", spec, &name, &n, e);
		int b = rc == 0 ? bucket_by_name(name.p, name.n) : 0;
		if (b < 0)
			rc = err_set(e, ERR_USAGE, "--tokens %s: no such bucket", spec);
		else if (rc == 0)
			u->tokens[b] = n;
	}
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "unit", i)); i++) {
		if (u->unit_count == USAGE_UNITS_MAX)
			return err_set(e, ERR_USAGE, "more than %d units", USAGE_UNITS_MAX);
		rc = named_count("unit", spec, &name, &n, e);
		if (rc == 0)
			u->unit[u->unit_count++] =
				(struct usage_unit){ arena_text(arena, name.p, name.n), n };
	}
	if (rc == 0 && usage_check(u, e) != 0)
		rc = -(int)(e->code = ERR_USAGE);
	return rc;
}

enum { MODELS_MAX = 32 };

/* The models that are asked about, as arguments or with --model; returns how many. Errors:
 * ERR_USAGE. */
static int take_models(const struct cli *cli, struct text model[MODELS_MAX], struct err *e)
{
	int n = 0;
	const char *named = cli_value(cli, "model"), *of;
	if (named && cli->argument_count)
		return err_set(e, ERR_USAGE, "name the model once: '%s' or '%s'", cli->argument[0],
			       named);
	while ((of = named		       ? cli_value_at(cli, "model", n)
		     : n < cli->argument_count ? cli->argument[n]
					       : NULL)) {
		if (n == MODELS_MAX)
			return err_set(e, ERR_USAGE, "at most %d models are compared", MODELS_MAX);
		if (n && strspn(of, "0123456789,_kM") == strlen(of))
			return err_set(
				e, ERR_USAGE,
				"'%.40s' is no model: the tokens of a call are options, such "
				"as --input 1000 --output 200",
				of);
		model[n++] = text_of(of);
	}
	return n ? n
		 : err_set(e, ERR_USAGE,
			   "`tally cost` needs a model, for example: tally cost gpt-5 --prompt "
			   "10k --cache-read 8k --output 500");
}

static int answer(const struct cli *cli, struct cost_question *q, const struct text *model,
		  int models, struct err *e)
{
	struct json_out j;
	bool lacking = false;
	int rc;
	if (cli->json)
		json_out_open(&j, stdout);
	if (models > 1)
		rc = cost_report_compare(cli->json ? &j : NULL, q, model, (size_t)models, &lacking,
					 e);
	else if (cli->json)
		rc = cost_report_put(&j, q, &lacking, e);
	else
		rc = cost_report_print(q, cli->quiet, &lacking, e);
	if (cli->json)
		json_out_close_if(&j, rc == 0);
	return rc ? rc : lacking ? 3 : 0;
}

static int run(struct cli *cli, struct err *e)
{
	struct arena arena = { 0 };
	struct book *book = NULL;
	struct plan_file *plans = NULL;
	struct zone *zone = NULL;
	struct text model[MODELS_MAX];
	const char *plan = cli_plan(cli), *at = cli_value(cli, "at");
	const char *provider = cli_value(cli, "provider"), *tier = cli_value(cli, "service-tier"),
		   *region = cli_value(cli, "region");
	table_show_exact(true); /* one call costs less than a cent */
	const int models = take_models(cli, model, e);
	if (models < 0)
		return models;
	struct cost_question q = { .price = { .provider = text_of(provider ? provider : ""),
					      .model = model[0],
					      .service_tier = text_of(tier ? tier : ""),
					      .region = text_of(region ? region : ""),
					      .currency = cli_currency(cli),
					      .at = clock_now() },
				   .byo = cli_flag(cli, "byo") };
	q.price.at.us -= q.price.at.us % US_PER_SECOND;
	int rc = take_usage(cli, &arena, &q.usage, e);
	if (rc == 0)
		rc = cli_count(cli, "requests", 1, &q.requests, e);
	if (rc == 0 && q.requests < 1)
		rc = err_set(e, ERR_USAGE, "--requests must be 1 or more");
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0 && at)
		rc = cli_instant("at", at, zone, &q.price.at, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	q.book = book;
	if (rc == 0 && plan)
		rc = plan_open(&plans, &q.plan, plan, e);
	if (rc == 0)
		rc = answer(cli, &q, model, models, e);
	if (rc == -ERR_NOT_FOUND && cli->argument_count && access(cli->argument[0], F_OK) == 0)
		rc = err_set(e, ERR_USAGE,
			     "'%.200s' is a file, no model; `tally replay` prices its calls",
			     cli->argument[0]);
	plan_file_close(plans);
	zone_close(zone);
	book_close(book);
	arena_release(&arena);
	return rc;
}

const struct command command_cost = {
	.name = "cost",
	.place = HELP_LOOK + 34,
	.summary = "what a call costs at an instant, and why",
	.arguments = "[MODEL...]",
	.arguments_max = -1,
	.description =
		"Prices one kind of call, under several models side by side. Token counts are per "
		"request; --requests multiplies. The answer about one model names the price that held at "
		"the instant, its source, and what the sources disagree about. Nothing is rounded.",
	.examples =
		"  tally cost gpt-5 --prompt 10k --cache-read 8k --output 500\n"
		"  tally cost gpt-5 claude-sonnet-4-6 deepseek-v4-flash --input 2000 --output 300\n"
		"  tally cost --model deepseek-v4-flash --input 200 --cache-read 2000 --output 300 "
		"--requests 1000000 --at 2026-05-10\n"
		"  tally cost --model claude-sonnet-4-6 --input 50000 --output 5000 --plan vm0\n"
		"  tally cost --model deepseek-v4-pro --input 188542 --currency CNY --at "
		"2026-08-24T12:00:00Z --json\n",
	.options = options,
	.common = TAKES_PRICES | TAKES_CURRENCY | TAKES_ZONE,
	.run = run,
};
