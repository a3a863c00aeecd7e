/*
 * look_source: what the short reports look at: the database where there is one, else the logs of
 * the agents on this machine.
 */
#ifndef TALLY_CLI_LOOK_SOURCE_H
#define TALLY_CLI_LOOK_SOURCE_H

#include "cli/command.h"
#include "meter/ingest/log_cache.h"
#include "reports/left_out.h"

#define OPTION_LOGS \
	{ \
		"logs", 0, NULL, "read the logs though there is a database", false, OPTION_DATA \
	}
#define OPTIONS_OF_LOOKS \
	OPTION_LOGS, { "compact", 0, NULL, "as narrow as for 60 columns", false, OPTION_OUTPUT }, \
		{ "offline",	  'O', NULL, "accepted: prices are always on this machine", false, \
		  OPTION_ADVANCED }, \
	{ \
		"all", 0, NULL, "accepted: all agents are always read", false, OPTION_ADVANCED \
	}

struct look_source {
	struct store *store;
	struct left_out left_out;
	char words[300]; /* what is looked at, for people */
	/* private */
	struct arena texts;
	struct log_cache cache;
	struct book *book;
	bool is_cache;
};

/*
 * --db, or the arguments as logs and folders of logs, or the database where it holds something, or
 * the logs in their usual places. quick: what another process reads just now is not waited for.
 * Errors: ERR_NOT_FOUND where there is nothing to look at.
 */
int look_source_open(struct look_source *x, const struct cli *cli, bool quick, struct err *e);
/* Says on standard error, below an empty report, what there would be. */
void look_source_tell_empty(const struct look_source *x, const struct cli *cli,
			    const struct zone *z);
/* Says on standard error that agents went on writing logs after the database's last record; nothing
 * where a database was named. */
void look_source_tell_newer(const struct look_source *x, const struct cli *cli);
void look_source_close(struct look_source *x);

#endif
