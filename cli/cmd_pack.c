#include "cli/command.h"
#include "reports/json_out.h"
#include "sim/pack.h"

static const struct option options[] = {
	{ "output", 'o', "FILE", "the pack (default the first trace's name with .pack)", false },
	{ "format", 'f', "FORMAT", "format of the trace (default by content)", false },
	{ "block", 0, "N", "tokens of a block (default the trace's own)", false },
	{ "map", 0, "FIELD=COLUMN", "take a field from a column (or key) of another name", true },
	{ "model", 'm', "MODEL", "the model of records that name none", false },
	{ "provider", 'p', "VENDOR", "the vendor of records that name none", false },
	{ 0 },
};

static void tell_refused(void *user, const char *path, int64_t line, const char *why)
{
	int *told = user;
	if (++*told <= 20)
		fprintf(stderr, "tally: %s:%lld: %s\n", path, (long long)line, why);
}

static int run(struct cli *cli, struct err *e)
{
	struct field_map map[OPTION_VALUES_MAX];
	const char *spec, *path = cli_value(cli, "output");
	struct workload *w = NULL;
	struct buf name = { 0 };
	bool relative = false;
	int told = 0, rc = 0;
	struct workload_options o = { .path = (const char *const *)cli->argument,
				      .path_count = (size_t)cli->argument_count,
				      .format = cli_value(cli, "format"),
				      .map = map,
				      .model = cli_value(cli, "model"),
				      .provider = cli_value(cli, "provider"),
				      .since = INSTANT_MIN,
				      .until = INSTANT_MAX,
				      .as_written = true,
				      .refused = tell_refused,
				      .refused_user = &told };
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "map", i)); i++)
		rc = field_map_parse(&map[o.map_count++], spec, e);
	if (rc == 0)
		rc = cli_count(cli, "block", 0, &o.block_tokens, e);
	if (rc == 0 && pack_is(cli->argument[0]))
		rc = err_set(e, ERR_USAGE, "%s is a pack already", cli->argument[0]);
	if (rc == 0)
		rc = workload_is_relative(&o, &relative, e);
	o.has_at = relative; /* at instant 0 */
	if (rc == 0)
		rc = workload_read(&w, &o, e);
	buf_printf(&name, "%s", path ? path : cli->argument[0]);
	if (!path)
		buf_printf(&name, ".pack");
	if (rc == 0)
		rc = pack_write(name.p, w, relative, e);
	if (rc == 0 && !cli->quiet)
		printf("%zu calls of %zu conversations in %s\n", w->count, w->conversations,
		       name.p);
	if (rc == 0 && w->refused)
		fprintf(stderr, "tally: %lld record%s refused and not packed\n",
			(long long)w->refused, w->refused == 1 ? "" : "s");
	if (rc == 0 && w->refused)
		rc = 3;
	buf_release(&name);
	workload_close(w);
	return rc;
}

const struct command command_pack = {
	.name = "pack",
	.summary = "keep a trace in columns, so that it is not parsed again",
	.arguments = "TRACE...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description =
		"Reads what `tally whatif` reads (traces, agent logs, block traces) and writes one "
		"compressed file that `tally replay`, `whatif`, `cache` and `sim fit` take in its "
		"place, with the same results. A pack belongs to the machine that made it; keep "
		"the "
		"trace.",
	.examples = "  tally pack month.csv.gz -o month.pack\n"
		    "  tally replay month.pack --by model\n",
	.options = options,
	.common = 0,
	.run = run,
};
