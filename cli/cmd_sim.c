/* Commands for workloads that do not exist yet. */
#include <string.h>

#include "base/file.h"
#include "base/zone.h"
#include "cli/workload_options.h"
#include "reports/fit_report.h"
#include "sim/generate.h"

/* --- sim generate --- */

static const struct option generate_options[] = {
	{ "seed", 0, "N", "instead of the specification's", false },
	{ "days", 0, "N", "instead of the specification's", false },
	{ "output", 'o', "FILE", "output file (default standard output)", false },
	{ 0 },
};

static int generate(struct cli *cli, struct err *e)
{
	enum { AT_ONCE = 4096 };
	const char *path = cli_value(cli, "output");
	struct json_document *spec;
	struct synthetic s = { 0 };
	struct buf b = { 0 };
	int64_t seed, days;
	FILE *f = NULL;
	int rc = cli_count(cli, "seed", 1, &seed, e);
	if (rc == 0)
		rc = cli_count(cli, "days", 0, &days, e);
	if (rc == 0)
		rc = json_open_file(&spec, cli->argument[0], e);
	if (rc != 0)
		return rc;
	rc = synthetic_generate(&s, json_root(spec), cli_value(cli, "seed") != NULL, (uint64_t)seed,
				days, e);
	if (rc != 0)
		err_context(e, "%s", cli->argument[0]);
	f = rc != 0 ? NULL : path ? fopen(path, "w") : stdout;
	bool ok = f != NULL;
	for (size_t i = 0; rc == 0 && ok && i <= s.count; i += AT_ONCE) {
		b.n = 0;
		synthetic_put_csv(&b, &s, i, i + AT_ONCE < s.count ? i + AT_ONCE : s.count);
		ok = fwrite(b.p, 1, b.n, f) == b.n;
	}
	if (f)
		ok &= fflush(f) == 0;
	if (f && path)
		ok &= fclose(f) == 0;
	if (rc == 0 && !ok)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s'", path ? path : "the output");
	if (rc == 0 && path && !cli->quiet)
		fprintf(stderr, "%zu calls of %zu classes\n", s.count, s.classes);
	buf_release(&b);
	synthetic_release(&s);
	json_close(spec);
	return rc;
}

const struct command command_sim_generate = {
	.name = "sim generate",
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

static const struct option fit_options[] = { WORKLOAD_OPTIONS, WORKLOAD_AT, { 0 } };

static int fit(struct cli *cli, struct err *e)
{
	struct cli_workload read;
	struct workload *w = NULL;
	struct zone *zone = NULL;
	struct fit f = { 0 };
	struct buf b = { 0 };
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_workload_read(cli, zone, &read, e);
	if (rc == 0)
		rc = workload_read(&w, &read.o, e);
	if (rc == 0)
		rc = fit_run(&f, w, e);
	if (rc == 0) {
		fit_report_put(&b, &f, w);
		rc = file_write(NULL, (struct text){ b.p, b.n }, e);
	}
	if (rc == 0)
		rc = cli_sum_refused(w->refused, read.told, "counted");
	buf_release(&b);
	fit_release(&f);
	workload_close(w);
	zone_close(zone);
	return rc;
}

const struct command command_sim_fit = {
	.name = "sim fit",
	.summary = "fit a specification to a trace",
	.arguments = "TRACE...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description = "Reads what `tally whatif` reads and writes, as JSON, how its workloads "
		       "are spread: sessions a day, calls, prompts, answers, gaps, hours and "
		       "weekdays. Edit it, then generate.",
	.examples = "  tally sim fit last-week.jsonl > plan.json\n",
	.options = fit_options,
	.common = TAKES_PERIOD | TAKES_ZONE,
	.run = fit,
};
