/* migration_report: what a move to other models costs, as a memo for people who decide, and as
 * members of the document tally.whatif/1. */
#ifndef TALLY_REPORTS_MIGRATION_REPORT_H
#define TALLY_REPORTS_MIGRATION_REPORT_H

#include "reports/left_out.h"
#include "reports/memo.h"
#include "reports/whatif_report.h"
#include "sim/migration.h"

/* What the user assumes of the targets, and where that comes from. */
struct migration_factor {
	const char *name;     /* "tokenizer", "wordiness" */
	struct decimal times; /* 1 where nothing is known */
	const char *source;   /* NULL: nobody measured it */
};

/* Records that were not taken for one reason. */
struct migration_refusal {
	const char *why;
	int64_t records;
};

struct migration_report {
	const struct whatif_report *whatif; /* scenario 0 is what was recorded */
	const struct migration_result *migration;
	const struct migration_factor *factor;
	size_t factors;
	/* calls that are in no figure: why, and how many */
	const struct migration_refusal *refusal;
	size_t refusals;
	const struct left_out *left_out; /* NULL: nothing */
	const char *from;		 /* the models whose calls move; NULL: all */
	const char *source;		 /* of the calls, for people */
};

/* The document, with assumptions, does_not_fit, coming and watch. */
void migration_report_put(struct buf *out, const struct migration_report *r);
/* The memo's columns live as long as the program. */
void migration_report_memo(struct memo *out, const struct migration_report *r);

#endif
