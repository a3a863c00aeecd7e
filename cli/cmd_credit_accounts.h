/* cmd_credit_accounts: showing accounts; shared by `credit account` without options. */
#ifndef TALLY_CLI_CMD_CREDIT_ACCOUNTS_H
#define TALLY_CLI_CMD_CREDIT_ACCOUNTS_H

#include "cli/ledger_session.h"
#include "pricing/plan.h"

/* The accounts that the command names, in full. */
int show_accounts(struct cli *cli, struct ledger_session *s, struct err *e);

#endif
