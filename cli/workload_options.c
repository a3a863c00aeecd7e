#include "cli/workload_options.h"

#include "base/zone.h"

enum { TOLD_MOST = 20 };

void cli_tell_refused(void *user, const char *path, int64_t line, const char *why)
{
	int *told = user;
	if (++*told <= TOLD_MOST)
		fprintf(stderr, "tally: %s:%lld: %s\n", path, (long long)line, why);
}

int cli_workload_read(struct cli *cli, const struct zone *zone, struct cli_workload *out,
		      struct err *e)
{
	const char *spec, *at = cli_value(cli, "at");
	int rc = 0;
	*out = (struct cli_workload){ .o = { .path = (const char *const *)cli->argument,
					     .path_count = (size_t)cli->argument_count,
					     .format = cli_value(cli, "format"),
					     .map = out->map,
					     .model = cli_value(cli, "model"),
					     .provider = cli_value(cli, "provider"),
					     .has_at = at != NULL,
					     .since = INSTANT_MIN,
					     .until = INSTANT_MAX,
					     .refused = cli_tell_refused,
					     .refused_user = &out->told } };
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

struct workload_of cli_workload_of(struct cli_workload *w)
{
	return (struct workload_of){ .customer = w->o.customer,
				     .project = w->o.project,
				     .order = w->o.order,
				     .since = w->o.since,
				     .until = w->o.until,
				     .refused = w->o.refused,
				     .refused_user = &w->told };
}

int cli_sum_refused(int64_t refused, int told, const char *what)
{
	if (told > TOLD_MOST)
		fprintf(stderr, "tally: and %d more\n", told - TOLD_MOST);
	if (refused)
		fprintf(stderr, "tally: %s refused and not %s\n", COUNTED(refused, "record"), what);
	return refused ? 3 : 0;
}
