#include "base/file.h"
#include "cli/workload_options.h"
#include "sim/pack.h"

static const struct option options[] = {
	{ "output", 'o', "FILE", "the pack (default the first trace's name with .pack)", false },
	WORKLOAD_OPTIONS,
	{ 0 },
};

static int run(struct cli *cli, struct err *e)
{
	const char *path = cli_value(cli, "output");
	struct cli_workload read;
	struct workload *w = NULL;
	struct buf name = { 0 };
	int rc = cli_workload_read(cli, NULL, &read, e);
	if (rc == 0 && !path && file_title(cli->argument[0]) != cli->argument[0])
		rc = err_set(e, ERR_USAGE, "name the pack of standard input: --output FILE");
	if (rc == 0 && pack_is(cli->argument[0]))
		rc = err_set(e, ERR_USAGE, "%s is a pack already", cli->argument[0]);
	read.o.from_zero = true;
	read.o.order = WORK_AS_WRITTEN;
	if (rc == 0)
		rc = workload_read(&w, &read.o, e);
	buf_printf(&name, "%s%s", path ? path : cli->argument[0], path ? "" : ".pack");
	if (rc == 0)
		rc = pack_write(name.p, w, e);
	if (rc == 0)
		cli_done(cli, true, name.p, "%s of %s in %s", COUNTED((int64_t)w->count, "call"),
			 COUNTED((int64_t)w->conversations, "conversation"), name.p);
	if (rc == 0)
		rc = cli_workload_told(&read.refusals, w, "packed");
	buf_release(&name);
	workload_close(w);
	return rc;
}

const struct command command_pack = {
	.name = "pack",
	.place = HELP_PLAN + 26,
	.summary = "store a trace in columns, so that it is parsed only once",
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
