/* ledger_session: the database, its ledger and the price book, for commands that move or show
 * credits. */
#ifndef TALLY_CLI_LEDGER_SESSION_H
#define TALLY_CLI_LEDGER_SESSION_H

#include "cli/command.h"
#include "meter/hold.h"
#include "meter/ledger/draw.h"
#include "meter/store/usage_query.h"

struct ledger_session {
	struct store *store;
	struct ledger *ledger;
	struct drawer *drawer;
	struct book *book;
	struct instant now;
	bool writes, begun;
};

/* mode as cli_store. What writes is inside a transaction from here until ledger_session_close,
 * which commits when rc is 0 and rolls back otherwise; it returns rc or the failure to commit. */
int ledger_session_open(struct ledger_session *s, struct cli *cli, int mode, struct err *e);
int ledger_session_close(struct ledger_session *s, int rc, struct err *e);
/* Says on standard error how much usage of that period lies before the customer's account, which
 * draws nothing and is in no invoice. */
int cli_tell_before_account(const struct cli *cli, struct ledger_session *s, const char *customer,
			    struct usage_filter period, struct err *e);
/* What is one of many inside the transaction: it begins, and ends with its rc; what has failed is
 * reversed, and the others go on. Both return a failure of the transaction as a whole. */
int ledger_session_one(struct ledger_session *s, struct err *e);
int ledger_session_one_ended(struct ledger_session *s, int rc, struct err *e);

/* --name as credits (nine decimals), or a count of them. Errors: ERR_USAGE when it is absent and
 * needed, not a number, or not positive. */
int cli_credits(const struct cli *cli, const char *name, bool needed, struct nano_credits *out,
		struct err *e);
int cli_credits_of(const char *what, const char *text, struct nano_credits *out, struct err *e);

#endif
