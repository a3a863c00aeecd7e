/* metering: options that the commands of the meter share. */
#ifndef TALLY_CLI_METERING_H
#define TALLY_CLI_METERING_H

#include "cli/command.h"
#include "meter/ingest/ingest.h"

#define OPTIONS_OF_FORMATS \
	{ "format", 'f', "FORMAT", \
	  "auto, csv, jsonl, azure, burstgpt, mooncake, bailian, agent, claude, codex or payload", \
	  false }, \
	{ \
		"map", 0, "FIELD=COLUMN", \
			"read a field from a column, key or member of another name (customer=metadata.team); none: it costs nothing", \
			true \
	}
#define OPTIONS_OF_RECORDS \
	{ "customer", 0, "NAME", "the customer of records that name none", false }, \
		{ "project", 0, "NAME", "the project of records that name none", false }, \
		{ "model", 'm', "MODEL", "the model of records that name none", false }, \
		{ "provider", 'p', "VENDOR", "the vendor of records that name none", false }, \
	{ \
		"at", 0, "WHEN", "the instant of records without one; 'now' is allowed", false \
	}

/* What the command line says of records that do not say it; bounds and book as usual. */
int cli_ingest_options(const struct cli *cli, const struct book *book, struct ingest_options *out,
		       struct err *e);

/* Says on standard error, unless quiet, which cards rated the records of the database and are
 * others now: what is priced by the book beside them may differ from what is stored. */
int cli_tell_other_cards(const struct cli *cli, struct store *s, const struct book *b,
			 struct err *e);

#endif
