#include "cli/workload_options.h"

#include "base/zone.h"
#include "cli/sources.h"

int cli_workload_read(struct cli *cli, const struct zone *zone, struct cli_workload *out,
		      struct err *e)
{
	const char *spec, *at = cli_value(cli, "at");
	int rc = cli_standard_input(cli, e);
	*out = (struct cli_workload){ .o = { .path = (const char *const *)cli->argument,
					     .path_count = (size_t)cli->argument_count,
					     .format = cli_value(cli, "format"),
					     .map = out->map,
					     .model = cli_value(cli, "model"),
					     .provider = cli_value(cli, "provider"),
					     .has_at = at != NULL,
					     .since = INSTANT_MIN,
					     .until = INSTANT_MAX,
					     .refused = refusals_add,
					     .refused_user = &out->refusals } };
	if (cli->command->common & TAKES_PERIOD)
		rc = cli_period(cli, zone, &out->o.since, &out->o.until, e);
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "map", i)); i++)
		rc = field_map_parse(&out->map[out->o.map_count++], spec, e);
	if (rc == 0 && at)
		rc = cli_instant("at", at, zone, &out->o.at, e);
	if (rc == 0)
		rc = cli_count(cli, "block", 0, &out->o.block_tokens, e);
	return rc;
}

int cli_workload_told(struct refusals *r, const struct workload *w, const char *what)
{
	const int refused = refusals_sum(r, w->refused, what);
	const int columns =
		refusals_columns((struct text){ w->doubts.columns.p, w->doubts.columns.n });
	return refused ? refused : columns;
}

struct workload_of cli_workload_of(struct cli_workload *w)
{
	return (struct workload_of){ .customer = w->o.customer,
				     .project = w->o.project,
				     .order = w->o.order,
				     .since = w->o.since,
				     .until = w->o.until,
				     .refused = w->o.refused,
				     .refused_user = &w->refusals };
}
