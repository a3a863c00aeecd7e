/*
 * typed: amounts and names as people type them.
 */
#ifndef TALLY_CLI_TYPED_H
#define TALLY_CLI_TYPED_H

#include "base/decimal.h"
#include "cli/command.h"
#include "meter/store/usage_query.h"

/*
 * 50, 1234.50, $50, "50 USD", 1,234.50 or 10k: a number that is not below zero. "1,234" may be a
 * thousand or a fraction and is refused. currency: what an amount may say that it is in; NULL for
 * credits, which are in none. what: for the message. Errors: ERR_USAGE.
 */
int cli_amount_of(const char *what, const char *text, const char *currency, struct decimal *out,
		  struct err *e);

/* Of a budget's or a limit's period, behind an amount: "a month", "in any 5h", "in all". */
enum { CLI_PERIOD_MAX = 64 };
const char *cli_period_words(char room[CLI_PERIOD_MAX], struct text period);

/*
 * --customer, --project and --model of a report. A project may be named by the last folder of its
 * path, where one alone ends so. Errors: ERR_USAGE where several do, those of the store.
 */
struct cli_names {
	struct buf room; /* private */
};
int cli_names_open(struct cli_names *n, const struct cli *cli, struct store *s,
		   struct usage_filter *out, struct err *e);
void cli_names_release(struct cli_names *n);
/* Says on standard error which of the three no record has: no error, but maybe a slip. */
void cli_tell_unknown(const struct cli *cli, struct store *s);
/* Says on standard error, below an empty report, from when to when there are records. */
void cli_tell_empty(const struct cli *cli, struct store *s, const struct zone *z);

#endif
