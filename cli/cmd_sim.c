/* Commands for workloads that do not exist yet. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/zone.h"
#include "cli/workload_options.h"
#include "reports/fit_report.h"
#include "sim/generate.h"
#include "reports/table.h"

/* --- sim generate --- */

static const struct option generate_options[] = {
	{ "seed", 0, "N", "instead of the specification's", false },
	{ "days", 0, "N", "instead of the specification's", false },
	{ "start", 0, "DATE", "instead of the specification's", false },
	{ "scale", 0, "N", "multiply the sessions per day (0.5, 10)", false },
	{ "blocks", 0, NULL,
	  "name the blocks of each prompt (JSON Lines of Qwen-Bailian's shape, 16 tokens a block), so "
	  "that any cache can be asked; replay it with --at DATE",
	  false },
	{ "output", 'o', "FILE", "output file (default standard output)", false },
	{ 0 },
};

static int read_asked(struct cli *cli, struct synthetic_asked *asked, struct err *e)
{
	const char *start = cli_value(cli, "start"), *scale = cli_value(cli, "scale");
	struct instant at;
	int64_t seed;
	int rc = cli_count(cli, "seed", 1, &seed, e);
	asked->has_seed = cli_value(cli, "seed") != NULL;
	asked->seed = (uint64_t)seed;
	if (rc == 0)
		rc = cli_count(cli, "days", 0, &asked->days, e);
	if (rc == 0 && start) {
		rc = cli_instant("start", start, NULL, &at, e);
		asked->has_start = true;
		asked->start_us = at.us;
	}
	if (rc == 0 && scale &&
	    (decimal_parse(&asked->scale, text_of(scale), NULL) != 0 || asked->scale.digits <= 0 ||
	     asked->scale.scale > 9 || asked->scale.digits > (int128)1000000000000000))
		return err_set(e, ERR_USAGE,
			       "--scale is a number above 0 with at most nine decimals, not '%s'",
			       scale);
	return rc;
}

static int generate(struct cli *cli, struct err *e)
{
	enum { AT_ONCE = 4096 };
	const char *path = cli_value(cli, "output");
	struct json_document *spec;
	struct synthetic s = { 0 };
	struct buf b = { 0 };
	struct synthetic_asked asked = { 0 };
	struct synthetic_blocks *blocks = NULL;
	FILE *f = NULL;
	int rc = read_asked(cli, &asked, e);
	if (rc == 0)
		rc = json_open_file(&spec, cli->argument[0], e);
	if (rc != 0)
		return rc;
	rc = synthetic_generate(&s, json_root(spec), &asked, e);
	if (rc != 0)
		err_context(e, "%s", cli->argument[0]);
	else if (cli_flag(cli, "blocks"))
		blocks = synthetic_blocks_open(&s, SYNTHETIC_BLOCK_TOKENS);
	f = rc != 0 ? NULL : path ? fopen(path, "w") : stdout;
	bool ok = f != NULL;
	for (size_t i = 0; rc == 0 && ok && i <= s.count; i += AT_ONCE) {
		const size_t to = i + AT_ONCE < s.count ? i + AT_ONCE : s.count;
		b.n = 0;
		if (blocks)
			synthetic_blocks_put(&b, blocks, i, to);
		else
			synthetic_put_csv(&b, &s, i, to);
		ok = b.n == 0 || fwrite(b.p, 1, b.n, f) == b.n;
	}
	if (f)
		ok &= fflush(f) == 0;
	if (f && path)
		ok &= fclose(f) == 0;
	if (rc == 0 && !ok)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s'", path ? path : "the output");
	if (rc == 0 && path && !cli->quiet)
		print_notice("%zu calls of %zu classes\n", s.count, s.classes);
	buf_release(&b);
	synthetic_blocks_close(blocks);
	synthetic_release(&s);
	json_close(spec);
	return rc;
}

const struct command command_sim_generate = {
	.name = "sim generate",
	.place = HELP_PLAN + 24,
	.summary = "generate a trace of future work",
	.arguments = "SPECIFICATION",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Writes calls in the native CSV format from a short specification in JSON: "
		       "classes of "
		       "work with sessions a day, calls a session, prompts that grow, answers, "
		       "gaps. The same "
		       "specification and seed give the same bytes. docs/whatif.md describes it; "
		       "`tally sim "
		       "fit` writes one from a trace.",
	.examples = "  tally sim generate plan.json -o plan.csv && tally whatif plan.csv -s "
		    "flash=deepseek-v4-flash -s pro=deepseek-v4-pro\n"
		    "  tally sim fit last-week.jsonl > plan.json\n",
	.options = generate_options,
	.common = 0,
	.run = generate,
};

/* --- sim fit --- */

static const struct option fit_options[] = {
	{ "output", 'o', "FILE", "output file (default standard output)", false, OPTION_OUTPUT },
	WORKLOAD_OPTIONS,
	WORKLOAD_AT,
	{ 0 }
};

/* What comes of the specification as it is written. */
static int look_at_fidelity(struct fidelity *out, struct fidelity_of *of, struct err *e)
{
	struct buf b = { 0 };
	struct json_document *spec = NULL;
	fit_report_put(&b, of->fit, of->workload, NULL);
	int rc = json_open(&spec, (struct text){ b.p, b.n }, e);
	if (rc == 0) {
		of->spec = json_root(spec);
		rc = fidelity_run(out, of, e);
	}
	if (spec)
		json_close(spec);
	buf_release(&b);
	return rc;
}

static int fit(struct cli *cli, struct err *e)
{
	struct cli_workload read;
	struct workload *w = NULL;
	struct zone *zone = NULL;
	struct fit f = { 0 };
	struct buf b = { 0 };
	struct book *book = NULL;
	struct fidelity fidelity;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0)
		rc = cli_workload_read(cli, zone, &read, e);
	if (rc == 0)
		rc = workload_read(&w, &read.o, e);
	if (rc == 0)
		rc = fit_run(&f, w, e);
	if (rc == 0)
		rc = look_at_fidelity(&fidelity,
				      &(struct fidelity_of){ &f, w, NULL, book, cli_currency(cli) },
				      e);
	if (rc == 0) {
		fit_report_put(&b, &f, w, &fidelity);
		rc = file_write(cli_value(cli, "output"), (struct text){ b.p, b.n }, e);
	}
	if (rc == 0 && !cli->quiet && isatty(STDERR_FILENO))
		fit_report_fidelity(&fidelity, stderr);
	if (rc == 0)
		rc = cli_workload_told(&read.refusals, w, "counted");
	buf_release(&b);
	fit_release(&f);
	workload_close(w);
	zone_close(zone);
	book_close(book);
	return rc;
}

const struct command command_sim_fit = {
	.name = "sim fit",
	.place = HELP_PLAN + 22,
	.summary = "fit a specification to a trace",
	.arguments = "TRACE...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description =
		"Reads what `tally whatif` reads and writes, as JSON, how its workloads are distributed: sessions per day, hours and weekdays, and whole sessions with their calls, prompts, hits, answers and gaps. Edit it, then generate. How far 20 generated traces are from the original is stated in it (`fidelity`) and on the terminal.",
	.examples = "  tally sim fit last-week.jsonl -o plan.json\n",
	.options = fit_options,
	.common = TAKES_PRICES | TAKES_PERIOD | TAKES_ZONE | TAKES_CURRENCY,
	.run = fit,
};
