/*
 * command: the tables that describe commands and their options, and what every command gets to work
 * with.
 *
 * Help, the manual page and shell completion are printed from the same tables.
 */
#ifndef TALLY_CLI_COMMAND_H
#define TALLY_CLI_COMMAND_H

#include <stdio.h>

#include "base/err.h"
#include "base/when.h"
#include "pricing/book.h"
#include "reports/plain.h"

enum { OPTION_VALUES_MAX = 256 };

/* The parts of a command's help, in their order, and the titles of them. */
#define OPTION_GROUPS(X) \
	X(OPTION_OWN, "Options") \
	X(OPTION_PERIOD, "Period") \
	X(OPTION_DATA, "Data and prices") \
	X(OPTION_OUTPUT, "Output") \
	X(OPTION_ADVANCED, "Advanced")
enum option_group {
#define X(id, title) id,
	OPTION_GROUPS(X)
#undef X
		OPTION_GROUP_COUNT
};

struct option {
	const char *name;     /* without dashes; NULL ends a table */
	char letter;	      /* 0: none */
	const char *argument; /* NULL: a flag */
	const char *help;
	bool many; /* may be repeated */
	enum option_group group;
};

/* Of reports that can show what sources say of costs. */
#define RECORDED_COST_OPTION \
	{ \
		"recorded-cost", 0, NULL, \
			"also what agents, gateways and sellers say that the calls cost, and the " \
			"difference (it is never a price where a card has one)", \
			false \
	}

struct cli;
struct command {
	const char *name;			    /* "price list" */
	const char *summary;			    /* one line */
	const char *arguments;			    /* what follows the options, "" when nothing */
	int arguments_min, arguments_max;	    /* -1: any number */
	const char *description;		    /* paragraphs */
	const char *examples;			    /* lines of shell */
	const struct option *options;		    /* its own; the common ones are accepted too */
	unsigned common;			    /* which of the common options it takes */
	int (*run)(struct cli *cli, struct err *e); /* exit status, or negative with e filled in */
};

/* Bits of command.common */
enum {
	TAKES_PRICES = 1,
	TAKES_CSV = 2,
	TAKES_SINCE = 128, /* --since alone */
	TAKES_PERIOD = 4 | TAKES_SINCE,
	TAKES_ZONE = 8,
	TAKES_CURRENCY = 16,
	TAKES_BOUNDARY = 32,
	TAKES_DB = 64,
};

struct cli {
	const struct command *command;
	const struct option *option[OPTION_VALUES_MAX];
	const char *value[OPTION_VALUES_MAX];
	int value_count;
	char **argument;
	int argument_count;
	bool json, csv, quiet;
};

/* Fills cli from argv (what follows the command's name). Errors: ERR_USAGE. Returns 1 when help was
 * asked for. */
int cli_parse(struct cli *cli, const struct command *c, int argc, char **argv, struct err *e);

/* The last value of an option, or NULL. */
const char *cli_value(const struct cli *cli, const char *name);
bool cli_flag(const struct cli *cli, const char *name);
/* ERR_USAGE, which says why, when one of the options was given; NULL ends the names. */
int cli_none_of(const struct cli *cli, const char *const *names, const char *why, struct err *e);
/* The i-th value of an option that may be repeated, or NULL. */
const char *cli_value_at(const struct cli *cli, const char *name, int i);

/* The shipped or installed book, installed cards, those of $TALLY_PRICES and of --prices. */
int cli_book(const struct cli *cli, struct book **out, struct err *e);
/* The same with the cards that were installed for the database, below $TALLY_PRICES: for whatever
 * prices its records. mode: how the command opens the database. */
int cli_database_book(const struct cli *cli, int mode, struct book **out, struct err *e);
/* Where `tally price update` takes books from: $TALLY_PRICES_URL, the setting, that of the build;
 * empty: nowhere. */
const char *cli_prices_url(void);
/* Adds to out what changes whenever a file of those cards does, but not those of a database. */
void cli_book_trace(const struct cli *cli, struct buf *out);
/* The i-th of --prices and of the settings, which come first; NULL after the last. */
const char *cli_price_path(const struct cli *cli, int i);
const char *cli_currency(const struct cli *cli);
/* The plan of credits: --plan, else the setting; NULL: none. */
const char *cli_plan(const struct cli *cli);
/* The zone of -z; absent or `local`, the machine's own. */
const char *cli_zone_name(const struct cli *cli, char room[ZONE_NAME_MAX]);
int cli_zone(const struct cli *cli, struct zone **out, struct err *e);
/* The zone that was typed, else the named one: of an account, whose days they are. */
int cli_zone_or(const struct cli *cli, const char *name, struct zone **out, struct err *e);
/* --since, --until or --period (base/when.h) in zone z; open ends when absent. */
int cli_period(const struct cli *cli, const struct zone *z, struct instant *since,
	       struct instant *until, struct err *e);
/* A non-negative whole number, also as 10k, 2.5M or 1G, `missing` when the option is absent.
 * Errors: ERR_USAGE. */
int cli_count(const struct cli *cli, const char *name, int64_t missing, int64_t *out,
	      struct err *e);
/* An instant, or the beginning of a day or month, in z (UTC when NULL). */
int cli_instant(const char *option, const char *text, const struct zone *z, struct instant *out,
		struct err *e);

/* --db, else $TALLY_DB, else the setting, else tally.db in the user's data directory. */
struct store;
const char *cli_db_path(const struct cli *cli, struct buf *room);
/* Whether one of the first three names it. */
bool cli_db_is_named(const struct cli *cli);
/* mode: enum db_mode. Errors as store_open. */
int cli_store(const struct cli *cli, struct store **out, int mode, struct err *e);
/* One of the words, by its place; 0 when the option is absent. Errors: ERR_USAGE. */
int cli_choice(const struct cli *cli, const char *name, const char *const *words, int *out,
	       struct err *e);

const struct command *cli_commands(void); /* ended by a NULL name */
/* The i-th option that a command takes, its own first, and not those common ones of whose name it
 * has one; NULL after the last. */
const struct option *cli_option_at(const struct command *c, int i);
/* The option that the letter stands for in that command; NULL. */
const struct option *cli_option_of_letter(const struct command *c, char letter);
void cli_print_help(const struct command *c, FILE *out);
void cli_print_overview(FILE *out);
/* The commands whose first word it is, a line each; returns how many. */
int cli_print_family(const char *family, FILE *out);
void cli_print_manual(FILE *out);

/* Every command, in the order of the overview. */
#define COMMANDS(X) \
	X(command_overview) \
	X(command_today) \
	X(command_daily) \
	X(command_weekly) \
	X(command_monthly) \
	X(command_session) \
	X(command_blocks) \
	X(command_live) \
	X(command_quota) \
	X(command_statusline) \
	X(command_cost) \
	X(command_replay) \
	X(command_whatif) \
	X(command_cascade) \
	X(command_plan) \
	X(command_migrate) \
	X(command_decide) \
	X(command_sim_generate) \
	X(command_sim_fit) \
	X(command_advise_cache) \
	X(command_advise_switch) \
	X(command_advise_hits) \
	X(command_cache) \
	X(command_pack) \
	X(command_sources) \
	X(command_ingest) \
	X(command_usage) \
	X(command_records) \
	X(command_explain) \
	X(command_status) \
	X(command_serve) \
	X(command_token) \
	X(command_limit_set) \
	X(command_limit_clear) \
	X(command_limit_list) \
	X(command_amend) \
	X(command_void) \
	X(command_rerate) \
	X(command_quarantine_list) \
	X(command_quarantine_retry) \
	X(command_quarantine_drop) \
	X(command_db_init) \
	X(command_db_move) \
	X(command_config) \
	X(command_config_set) \
	X(command_config_unset) \
	X(command_backup) \
	X(command_fsck) \
	X(command_price_list) \
	X(command_price_show) \
	X(command_price_history) \
	X(command_price_check) \
	X(command_price_import) \
	X(command_price_update) \
	X(command_price_install) \
	X(command_price_sql) \
	X(command_reconcile) \
	X(command_export) \
	X(command_forecast) \
	X(command_budget_set) \
	X(command_budget_status) \
	X(command_budget_clear) \
	X(command_invoice_draft) \
	X(command_invoice_finalize) \
	X(command_invoice_list) \
	X(command_invoice_show) \
	X(command_invoice_void) \
	X(command_invoice_note) \
	X(command_invoice_statement) \
	X(command_invoice_pay) \
	X(command_credit_account) \
	X(command_credit_accounts) \
	X(command_credit_check) \
	X(command_plan_check) \
	X(command_credit_grant) \
	X(command_credit_offers) \
	X(command_credit_subscribe) \
	X(command_credit_top_up) \
	X(command_credit_balance) \
	X(command_credit_ledger) \
	X(command_credit_trace) \
	X(command_credit_draw) \
	X(command_credit_expire) \
	X(command_credit_repair) \
	X(command_credit_void) \
	X(command_credit_post) \
	X(command_credit_holds) \
	X(command_credit_hold) \
	X(command_credit_settle) \
	X(command_credit_release) \
	X(command_credit_plan)
#define X(c) extern const struct command c;
COMMANDS(X)
#undef X

#endif
