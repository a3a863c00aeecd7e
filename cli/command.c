#include "cli/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/config.h"
#include "cli/elsewhere.h"
#include "cli/price_store.h"
#include "meter/retention.h"
#include "meter/store/cards.h"
#include "meter/store/store.h"
#include "meter/store/store_models.h"
#include "meter/store/store_names.h"
#include "pricing/near_names.h"
#include "reports/json_out.h"
#include "reports/table.h"

enum { COMMANDS_MAX = 200 };

static const struct option common[] = {
	{ "db", 0, "FILE",
	  "the database: a file or postgresql://... (default $TALLY_DB, else tally.db in your "
	  "data directory)",
	  false, OPTION_DATA },
	{ "with-archive", 0, "FOLDER",
	  "read the rows of archived months from their files there (tally db archive)", false,
	  OPTION_ADVANCED },
	{ "prices", 0, "FILE|DIR", "your own price cards, over the shipped ones", true,
	  OPTION_DATA },
	{ "currency", 0, "CODE", "prices in this currency (default USD)", false, OPTION_DATA },
	{ "since", 's', "WHEN",
	  "from WHEN on: 2026-11-01, 2026-11, today, monday, 7d, 12h, an instant", false,
	  OPTION_PERIOD },
	{ "until", 'u', "WHEN", "to WHEN; a day or month that is named is included", false,
	  OPTION_PERIOD },
	{ "period", 0, "WHEN", "one of them: 2026-11, today, 7d, this-week, last-month", false,
	  OPTION_PERIOD },
	{ "timezone", 'z', "ZONE",
	  "IANA zone or offset for days, hours and dates (default the machine's own)", false,
	  OPTION_PERIOD },
	{ "boundary", 0, "start|completion",
	  "which instant decides the price of a call (default start)", false, OPTION_ADVANCED },
	{ "csv", 0, NULL, "print CSV", false, OPTION_OUTPUT },
	{ "exact", 0, NULL, "print every digit in tables on a terminal", false, OPTION_OUTPUT },
	{ "json", 'j', NULL, "print one JSON document", false, OPTION_OUTPUT },
	{ "quiet", 'q', NULL, "print no notes and no progress", false, OPTION_OUTPUT },
	{ "no-color", 0, NULL, "print without colours", false, OPTION_OUTPUT },
	{ "help", 'h', NULL, "show this help", false, OPTION_OUTPUT },
	{ 0 },
};
static const unsigned common_needs[] = { TAKES_DB,
					 TAKES_ARCHIVE,
					 TAKES_PRICES,
					 TAKES_CURRENCY,
					 TAKES_SINCE,
					 TAKES_PERIOD,
					 TAKES_PERIOD,
					 TAKES_ZONE,
					 TAKES_BOUNDARY,
					 TAKES_CSV,
					 TAKES_CSV,
					 0,
					 0,
					 0,
					 0 };

static bool has_own(const struct command *c, const char *name)
{
	const struct option *o = c->options;
	while (o && o->name && strcmp(o->name, name) != 0)
		o++;
	return o && o->name;
}

const struct option *cli_option_at(const struct command *c, int i)
{
	const struct option *o = c->options;
	for (; o && o->name; o++)
		if (i-- == 0)
			return o;
	for (int k = 0; common[k].name; k++)
		if ((c->common & NO_JSON) && strcmp(common[k].name, "json") == 0)
			continue;
		else if ((c->common & common_needs[k]) == common_needs[k] &&
			 !has_own(c, common[k].name) && i-- == 0)
			return &common[k];
	return NULL;
}

static const struct option *find_option(const struct command *c, const char *name, size_t n,
					char letter)
{
	const struct option *o;
	for (int i = 0; (o = cli_option_at(c, i)); i++)
		if (letter ? o->letter == letter
			   : name && strlen(o->name) == n && memcmp(o->name, name, n) == 0)
			return o;
	return NULL;
}

const struct option *cli_option_of_letter(const struct command *c, char letter)
{
	return find_option(c, NULL, 0, letter);
}

const struct option *cli_option_typed(const struct command *c, const char *word)
{
	if (!c || word[0] != '-' || !word[1])
		return NULL;
	return word[1] == '-' ? find_option(c, word + 2, strlen(word + 2), 0)
	       : word[2]      ? NULL
			      : find_option(c, NULL, 0, word[1]);
}

/* The option of this command that is called otherwise elsewhere. */
static const struct option *known_elsewhere(const struct command *c, struct text typed)
{
	const struct option *o = NULL;
	const char *name;
	for (int i = 0; !o && (name = elsewhere_option(typed, i)); i++)
		o = find_option(c, name, strlen(name), 0);
	return o;
}

/* Whether the command has every --option that a hint names for it; in `...` are other commands. */
static bool hint_holds(const struct command *c, const char *hint)
{
	bool quoted = false, holds = true;
	for (const char *p = hint; *p; p++) {
		quoted ^= *p == '`';
		if (quoted || p[0] != '-' || p[1] != '-')
			continue;
		p += 2;
		const size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz-0123456789");
		holds &= find_option(c, p, n, 0) != NULL;
	}
	return holds;
}

/* What one dash may mean: -by the option of that name, -i the only one that begins so. */
static const struct option *long_for(const struct command *c, const char *word)
{
	const struct option *o, *found = find_option(c, word, strcspn(word, "="), 0);
	int begun = 0;
	for (int i = 0; !word[1] && (o = cli_option_at(c, i)); i++)
		if (*o->name == *word && begun++ == 0)
			found = o;
	return begun > 1 ? NULL : found;
}

static int no_such_option(const struct command *c, const char *typed, size_t n, struct err *e)
{
	const struct option *o,
		*known = n ? known_elsewhere(c, (struct text){ typed + 2, n }) : NULL,
		*near = known;
	const char *hint = elsewhere_hint(c->name, n ? (struct text){ typed + 2, n }
						     : (struct text){ typed + 1, 1 });
	struct text_nearest x = { .typed = { typed + 2, n } };
	for (int i = 0; n && !known && (o = cli_option_at(c, i)); i++) {
		text_nearest_try(&x, text_of(o->name));
		near = x.name.p == o->name ? o : near;
	}
	if (!n)
		near = long_for(c, typed + 1);
	if (hint && hint_holds(c, hint))
		return err_set(e, ERR_USAGE, "`tally %s` has no option '%s'; %s", c->name, typed,
			       hint);
	if (near)
		return err_set(e, ERR_USAGE, "`tally %s` has no option '%s'; did you mean '--%s'?",
			       c->name, typed, near->name);
	return err_set(e, ERR_USAGE, "`tally %s` has no option '%s'; see `tally %s --help`",
		       c->name, typed, c->name);
}

/* Adds how the command is used: what is wrong with a line is seen beside one that is right. */
static int with_example(const struct command *c, int rc, struct err *e)
{
	const char *line = c->examples;
	size_t n = 0;
	/* the first that is one line */
	while (line && *line) {
		line += strspn(line, " ");
		n = strcspn(line, "\n");
		if (n && line[n - 1] != '\\')
			break;
		line += n + (line[n] == '\n');
		n = 0;
	}
	const size_t said = strlen(e->message);
	if (n)
		snprintf(e->message + said, sizeof e->message - said,
			 "; for example: %.*s (more: `tally %s --help`)", (int)n, line, c->name);
	else
		snprintf(e->message + said, sizeof e->message - said, "; see `tally %s --help`",
			 c->name);
	return rc;
}

bool cli_names_period(const struct command *c, const char *word)
{
	struct zone *utc = NULL;
	struct when w;
	const bool takes = find_option(c, "period", strlen("period"), 0) != NULL &&
			   zone_open(&utc, "UTC", NULL) == 0;
	const bool names =
		takes && when_parse_period(&w, text_of(word), clock_now(), utc, NULL) == 0;
	zone_close(utc);
	return names;
}

/* An argument beyond those that the command takes: a file, the name of an option, or anything. */
static int refuse_argument(const struct command *c, const char *beyond, struct err *e)
{
	const bool option = find_option(c, beyond, strlen(beyond), 0) != NULL;
	if (cli_names_period(c, beyond))
		return err_set(e, ERR_USAGE,
			       "`tally %s` does not expect '%.40s'; did you mean '--period %.40s'?",
			       c->name, beyond, beyond);
	if (access(beyond, F_OK) == 0)
		return err_set(e, ERR_USAGE,
			       "`tally %s` does not expect '%.200s'; `tally replay` prices a file, "
			       "`tally ingest` stores its calls",
			       c->name, beyond);
	return with_example(c,
			    err_set(e, ERR_USAGE, "`tally %s` does not expect '%.200s'%s%.40s%s",
				    c->name, beyond, option ? "; did you mean '--" : "",
				    option ? beyond : "", option ? "'?" : ""),
			    e);
}

int cli_parse(struct cli *cli, const struct command *c, int argc, char **argv, struct err *e)
{
	*cli = (struct cli){ .command = c, .argument = argv };
	bool only_arguments = false;
	for (int i = 0; i < argc; i++) {
		char *a = argv[i];
		/* "-5" is a number: what takes it says what it may be */
		if (only_arguments || a[0] != '-' || a[1] == 0 || is_digit(a[1])) {
			cli->argument[cli->argument_count++] = a;
			continue;
		}
		if (strcmp(a, "--") == 0) {
			only_arguments = true;
			continue;
		}
		const char *equals = a[1] == '-' ? strchr(a, '=') : NULL;
		size_t n = equals ? (size_t)(equals - a - 2) : strlen(a) - 2;
		const struct option *o =
			a[1] == '-' ? find_option(c, a + 2, n, 0) : find_option(c, NULL, 0, a[1]);
		if (!o || (a[1] != '-' && a[2] && !o->argument))
			return no_such_option(c, a, a[1] == '-' ? n : 0, e);
		const char *value = NULL;
		if (o->argument) {
			if (equals)
				value = equals + 1;
			else if (a[1] != '-' && a[2])
				value = a + 2;
			else if (i + 1 < argc)
				value = argv[++i];
			else
				return err_set(e, ERR_USAGE, "option '%s' needs a value (%s)", a,
					       o->argument);
		} else if (equals) {
			return err_set(e, ERR_USAGE, "option '--%s' takes no value", o->name);
		}
		if (!o->many && (o->argument ? cli_value(cli, o->name) != NULL : false))
			return err_set(e, ERR_USAGE, "option '--%s' is given twice", o->name);
		if (cli->value_count == OPTION_VALUES_MAX)
			return err_set(e, ERR_USAGE, "more than %d options", OPTION_VALUES_MAX);
		cli->option[cli->value_count] = o;
		cli->value[cli->value_count++] = value;
	}
	cli->json = cli_flag(cli, "json");
	cli->csv = cli_flag(cli, "csv");
	cli->quiet = cli_flag(cli, "quiet");
	table_show_exact(cli_flag(cli, "exact"));
	table_show_elsewhere(find_option(c, "csv", 3, 0), find_option(c, "json", 4, 0));
	if (cli_flag(cli, "no-color"))
		table_show_no_colours();
	cli->helped = cli_flag(cli, "help") ||
		      (argc == 1 && cli->argument_count == 1 &&
		       strcmp(cli->argument[0], "help") == 0 && access("help", F_OK) != 0);
	if (cli->helped)
		return 1;
	if (cli->json && cli->csv)
		return err_set(e, ERR_USAGE, "choose one of --json and --csv");
	if (cli->argument_count < c->arguments_min)
		return with_example(
			c, err_set(e, ERR_USAGE, "`tally %s` needs %s", c->name, c->arguments), e);
	if (c->arguments_max >= 0 && cli->argument_count > c->arguments_max)
		return refuse_argument(c, cli->argument[c->arguments_max], e);
	return config_load(e);
}

const char *cli_value(const struct cli *cli, const char *name)
{
	const char *found = NULL;
	for (int i = 0; i < cli->value_count; i++)
		if (strcmp(cli->option[i]->name, name) == 0)
			found = cli->value[i];
	return found;
}

bool cli_flag(const struct cli *cli, const char *name)
{
	for (int i = 0; i < cli->value_count; i++)
		if (strcmp(cli->option[i]->name, name) == 0)
			return true;
	return false;
}

int cli_none_of(const struct cli *cli, const char *const *names, const char *why, struct err *e)
{
	for (; *names; names++)
		if (cli_flag(cli, *names))
			return err_set(e, ERR_USAGE, "--%s %s", *names, why);
	return 0;
}

const char *cli_value_at(const struct cli *cli, const char *name, int at)
{
	for (int i = 0; i < cli->value_count; i++)
		if (strcmp(cli->option[i]->name, name) == 0 && at-- == 0)
			return cli->value[i];
	return NULL;
}

/* Those of the database, which stays open in *kept where that is not NULL. One that is not there
 * yet has none; one that cannot be read is opened as the command will, which brings an older schema
 * up, or says why it may not write. */
static int add_database_cards(const struct cli *cli, int mode, struct book *book,
			      struct store **kept, struct err *e)
{
	const enum db_mode as = mode == DB_READ ? DB_READ : DB_WRITE;
	struct buf path = { 0 };
	struct store *s = NULL;
	const char *db = cli_db_path(cli, &path);
	int rc = store_open(&s, db, kept ? as : DB_READ, e);
	if (rc != 0 && rc != -ERR_NOT_FOUND && !kept && as != DB_READ)
		rc = store_open(&s, db, as, e);
	if (rc == 0)
		rc = own_cards_add(store_db(s), book, e);
	if (rc == 0 && kept)
		*kept = s;
	else
		store_close(s);
	buf_release(&path);
	return rc == -ERR_NOT_FOUND ? 0 : rc;
}

enum { NO_DATABASE = -1 };

/* mode: of the database whose cards are wanted, too. */
static int open_book(const struct cli *cli, int mode, struct book **out, struct store **kept,
		     struct err *e)
{
	struct book *book;
	int rc = book_open(&book, e);
	const char *path;
	if (rc != 0)
		return rc;
	rc = price_store_load(book, cli->quiet, e);
	if (rc == 0 && mode != NO_DATABASE)
		rc = add_database_cards(cli, mode, book, kept, e);
	if (rc == 0)
		rc = price_store_add_named(book, e);
	for (int i = 0; rc == 0 && (path = cli_price_path(cli, i)); i++)
		rc = book_add_path(book, path, e);
	if (rc == 0)
		*out = book;
	else
		book_close(book);
	return rc;
}

static void take_own_name(void *user, struct text name)
{
	near_names_own(user, name);
}

/* The models of the database at hand, if there is one on this machine. */
static void own_names(const void *cli, struct buf *out)
{
	struct buf path = { 0 };
	struct store *s = NULL;
	struct err none;
	const char *db = cli_db_path(cli, &path);
	if (!db_is_server(db) && store_open(&s, db, DB_READ, &none) == 0)
		store_each_name(s, STORE_MODELS, take_own_name, out, &none);
	store_close(s);
	buf_release(&path);
}

int cli_book(const struct cli *cli, struct book **out, struct err *e)
{
	int rc = open_book(cli, NO_DATABASE, out, NULL, e);
	if (rc == 0)
		book_ask_own_names(*out, own_names, cli);
	return rc;
}

/* Where a build takes books from (make PRICES_URL=...; tools/release_page says which by default);
   without one, nobody's address is guessed. */
#ifndef TALLY_PRICES_URL
#define TALLY_PRICES_URL ""
#endif

const char *cli_prices_url(void)
{
	const char *env = getenv("TALLY_PRICES_URL"), *set = config_value(SET_PRICES_URL, 0);
	return env && *env ? env : set ? set : TALLY_PRICES_URL;
}

void cli_book_trace(const struct cli *cli, struct buf *out)
{
	const char *path;
	price_store_trace(out);
	for (int i = 0; (path = cli_price_path(cli, i)); i++)
		price_store_trace_path(out, path);
}

int cli_database_book(const struct cli *cli, int mode, struct book **out, struct store **kept,
		      struct err *e)
{
	return open_book(cli, mode, out, kept, e);
}

const char *cli_price_path(const struct cli *cli, int i)
{
	int settings = 0;
	while (config_value(SET_PRICES, (size_t)settings))
		settings++;
	return i < settings ? config_value(SET_PRICES, (size_t)i)
			    : cli_value_at(cli, "prices", i - settings);
}

/* What was typed, else the setting, else `otherwise`. */
static const char *typed_or_set(const struct cli *cli, const char *name, enum setting s,
				const char *otherwise)
{
	const char *typed = cli_value(cli, name), *set = config_value(s, 0);
	return typed ? typed : set ? set : otherwise;
}

const char *cli_currency(const struct cli *cli)
{
	return typed_or_set(cli, "currency", SET_CURRENCY, "USD");
}

const char *cli_plan(const struct cli *cli)
{
	return typed_or_set(cli, "plan", SET_PLAN, NULL);
}

const char *cli_zone_name(const struct cli *cli, char room[ZONE_NAME_MAX])
{
	const char *name = typed_or_set(cli, "timezone", SET_TIMEZONE, NULL);
	return name && strcmp(name, "local") != 0 ? name : zone_local_name(room);
}

int cli_zone_or(const struct cli *cli, const char *name, struct zone **out, struct err *e)
{
	const char *typed = cli_value(cli, "timezone");
	return typed ? cli_zone(cli, out, e) : zone_open(out, name, e);
}

int cli_zone(const struct cli *cli, struct zone **out, struct err *e)
{
	char room[ZONE_NAME_MAX];
	struct err why;
	const int rc = zone_open(out, cli_zone_name(cli, room), e ? &why : NULL);
	if (rc == 0 || !e)
		return rc;
	return cli_value(cli, "timezone") ? err_set(e, ERR_USAGE, "--timezone: %s", why.message)
					  : err_pass(e, &why);
}

/* parse (when_parse, when_parse_period) in z, or in UTC where that is NULL. */
static int take_when(int (*parse)(struct when *, struct text, struct instant, const struct zone *,
				  struct err *),
		     const char *option, const char *text, const struct zone *z, struct when *out,
		     struct err *e)
{
	struct zone *utc = NULL;
	struct err inner;
	int rc = z ? 0 : zone_open(&utc, "UTC", e);
	if (rc == 0 && parse(out, text_of(text), clock_now(), z ? z : utc, &inner) != 0)
		rc = err_set(e, ERR_USAGE, "--%s: %s", option, inner.message);
	zone_close(utc);
	return rc;
}

int cli_instant(const char *option, const char *text, const struct zone *z, struct instant *out,
		struct err *e)
{
	struct when w;
	int rc = take_when(when_parse, option, text, z, &w, e);
	if (rc == 0)
		*out = w.from;
	return rc;
}

int cli_period(const struct cli *cli, const struct zone *z, struct instant *since,
	       struct instant *until, struct err *e)
{
	const char *a = cli_value(cli, "since"), *b = cli_value(cli, "until"),
		   *period = cli_value(cli, "period");
	struct when w = { INSTANT_MIN, INSTANT_MAX };
	if (period && (a || b))
		return err_set(e, ERR_USAGE, "give --period, or --since and --until, not both");
	int rc = period ? take_when(when_parse_period, "period", period, z, &w, e) : 0;
	*since = w.from;
	*until = w.to;
	if (rc == 0 && a) {
		rc = take_when(when_parse, "since", a, z, &w, e);
		*since = w.from;
	}
	if (rc == 0 && b) {
		rc = take_when(when_parse, "until", b, z, &w, e);
		*until = w.to;
	}
	if (rc == 0 && since->us >= until->us)
		rc = b ? err_set(e, ERR_USAGE, "--until %s lies before --since %s", b, a ? a : "")
		       : err_set(e, ERR_USAGE, "--since %s leaves nothing", a ? a : "");
	return rc;
}

int cli_count(const struct cli *cli, const char *name, int64_t missing, int64_t *out, struct err *e)
{
	char label[80];
	snprintf(label, sizeof label, "--%s", name);
	return count_parse(label, cli_value(cli, name), missing, out, e);
}

int cli_choice(const struct cli *cli, const char *name, const char *const *words, int *out,
	       struct err *e)
{
	const char *s = cli_value(cli, name);
	*out = 0;
	for (int i = 0; s && words[i]; i++)
		if (strcmp(words[i], s) == 0) {
			*out = i;
			return 0;
		}
	struct buf choices = { 0 };
	struct text_nearest x = { .typed = text_of(s ? s : "") };
	for (int i = 0; s && words[i]; i++)
		if (*words[i]) {
			buf_printf(&choices, "%s%s", choices.n ? ", " : "", words[i]);
			text_nearest_try(&x, text_of(words[i]));
		}
	const int rc =
		s ? err_set(e, ERR_USAGE, "--%s: '%s' is not a choice; %s%.*s%s from %s", name, s,
			    x.name.n ? "did you mean '" : "", (int)x.name.n,
			    x.name.n ? x.name.p : "", x.name.n ? "'? choose" : "choose", choices.p)
		  : 0;
	buf_release(&choices);
	return rc;
}

const char *cli_db_path(const struct cli *cli, struct buf *room)
{
	const char *given = cli_value(cli, "db"), *home = getenv("HOME"),
		   *data = getenv("XDG_DATA_HOME");
	if (!given)
		given = getenv("TALLY_DB");
	if (!given || !*given)
		given = config_value(SET_DATABASE, 0);
	room->n = 0;
	if (given && *given)
		buf_puts(room, given);
	else if (data && *data)
		buf_printf(room, "%s/tally/tally.db", data);
	else
		buf_printf(room, "%s/.local/share/tally/tally.db", home ? home : ".");
	return room->p;
}

bool cli_db_is_named(const struct cli *cli)
{
	const char *env = getenv("TALLY_DB");
	return cli_value(cli, "db") || (env && *env) || config_value(SET_DATABASE, 0);
}

/* The cards by which names of models are compared. */
static int open_named_book(const void *cli, struct book **out, struct err *e)
{
	return open_book(cli, DB_READ, out, NULL, e);
}

void cli_name_models(const struct cli *cli, struct store *s)
{
	store_book_from(s, (struct book_source){ open_named_book, cli });
}

int cli_store_kept(const struct cli *cli, struct store **s, int mode, struct err *e)
{
	struct buf path = { 0 };
	int rc = *s ? 0 : store_open(s, cli_db_path(cli, &path), (enum db_mode)mode, e);
	if (rc == -ERR_NOT_FOUND && !db_is_server(path.p))
		err_set(e, ERR_NOT_FOUND,
			"no database '%s'; `tally ingest` creates one, or name another with --db "
			"(`tally daily --logs` reads agents' logs without one)",
			path.p);
	buf_release(&path);
	const char *archive = rc == 0 ? cli_value(cli, "with-archive") : NULL;
	if (archive && (rc = retention_attach(*s, archive, e)) != 0) {
		store_close(*s);
		*s = NULL;
	}
	if (rc == 0)
		cli_name_models(cli, *s);
	return rc;
}

int cli_store(const struct cli *cli, struct store **out, int mode, struct err *e)
{
	*out = NULL;
	return cli_store_kept(cli, out, mode, e);
}

int cli_done(const struct cli *cli, bool changed, const char *name, const char *format, ...)
{
	char schema[80], *said = NULL;
	va_list args;
	va_start(args, format);
	CHECK(vasprintf(&said, format, args) >= 0);
	va_end(args);
	if (cli->json) {
		struct json_out j;
		snprintf(schema, sizeof schema, "tally.%s/1", cli->command->name);
		for (char *p = schema; *p; p++)
			*p = *p == ' ' ? '-' : *p;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", schema);
		json_out_string(&j, "name", name);
		json_out_bool(&j, "changed", changed);
		json_out_string(&j, "said", said);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (!cli->quiet) {
		print_note("%s", said);
	}
	free(said);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct command *x = a, *y = b;
	return x->place != y->place ? x->place - y->place : strcmp(x->name, y->name);
}

const struct command *cli_commands(void)
{
	static struct command list[COMMANDS_MAX + 1];
	int n = 0;
	if (list[0].name)
		return list;
	for (; command_files[n]; n++) {
		CHECK(n < COMMANDS_MAX);
		list[n] = *command_files[n];
	}
	qsort(list, (size_t)n, sizeof *list, by_place);
	return list;
}
