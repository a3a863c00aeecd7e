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

/* The groups of the overview, by what people come for, and their titles. */
#define HELP_GROUPS(X) \
	X(HELP_LOOK, "Look: what was used, and what it cost") \
	X(HELP_PLAN, "Plan: what it would cost") \
	X(HELP_METER, "Meter: usage records, each once") \
	X(HELP_PRICES, "Prices") \
	X(HELP_CREDITS, "Credits") \
	X(HELP_BILL, "Bill, budget and reconcile") \
	X(HELP_OPERATE, "Operate")
enum help_group {
#define X(id, title) id##_GROUP,
	HELP_GROUPS(X)
#undef X
};
enum { HELP_PLACES = 100 }; /* places of a group: from the id of a group on */
enum {
#define X(id, title) id = id##_GROUP * HELP_PLACES,
	HELP_GROUPS(X)
#undef X
};

/* A file of this room defines its commands by lines `const struct command command_NAME = {`, by
 * which the Makefile finds them. */
struct cli;
struct store;
struct command {
	const char *name;			    /* "price list" */
	int place;				    /* in the overview: HELP_CREDITS + 12 */
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
	NO_JSON = 256,			/* it draws, and has no document */
	TAKES_ARCHIVE = 512 | TAKES_DB, /* it reads, and rows as well */
};

struct cli {
	const struct command *command;
	const struct option *option[OPTION_VALUES_MAX];
	const char *value[OPTION_VALUES_MAX];
	int value_count;
	char **argument;
	int argument_count;
	bool json, csv, quiet, helped;
};

/* Fills cli from argv (what follows the command's name). Errors: ERR_USAGE. Returns 1 when help was
 * asked for: --help, or "help" as the only word. */
int cli_parse(struct cli *cli, const struct command *c, int argc, char **argv, struct err *e);

/* Whether the command has --period and the word would be a value of it ("2026-08", "last-month").
 */
bool cli_names_period(const struct command *c, const char *word);

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
 * prices its records. mode: how the command opens the database, which is in *kept then, where it
 * is there already, for cli_store_kept; kept NULL: it is closed again. */
int cli_database_book(const struct cli *cli, int mode, struct book **out, struct store **kept,
		      struct err *e);
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
const char *cli_db_path(const struct cli *cli, struct buf *room);
/* Whether one of the first three names it. */
bool cli_db_is_named(const struct cli *cli);
/* mode: enum db_mode. Errors as store_open. */
int cli_store(const struct cli *cli, struct store **out, int mode, struct err *e);
/* The same of what cli_database_book left open; *s NULL: of nothing. */
int cli_store_kept(const struct cli *cli, struct store **s, int mode, struct err *e);
/* The store compares names of models by the cards that the command prices with; cli_store has done
 * so. */
void cli_name_models(const struct cli *cli, struct store *s);
/* One of the words, by its place; 0 when the option is absent. Errors: ERR_USAGE. */
int cli_choice(const struct cli *cli, const char *name, const char *const *words, int *out,
	       struct err *e);

/* What a command that changes something says when it has: a sentence, which begins with the name of
 * what it changed, or the document "tally.COMMAND/1" with it. changed: false where it had been so
 * before. Returns 0. */
int cli_done(const struct cli *cli, bool changed, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Every command, in the order of the overview; ended by a NULL name. */
const struct command *cli_commands(void);
extern const struct command *const command_files[]; /* as the Makefile found them; ended by NULL */
/* The i-th option that a command takes, its own first, and not those common ones of whose name it
 * has one; NULL after the last. */
const struct option *cli_option_at(const struct command *c, int i);
/* The option that the letter stands for in that command; NULL. */
const struct option *cli_option_of_letter(const struct command *c, char letter);
/* The option that "--name" or "-n" is; NULL: none, as where the word has a value with it. */
const struct option *cli_option_typed(const struct command *c, const char *word);
void cli_print_help(const struct command *c, FILE *out);
void cli_print_overview(FILE *out);
/* The commands whose first word it is, a line each; returns how many. */
int cli_print_family(const char *family, FILE *out);
void cli_print_manual(FILE *out);

#endif
