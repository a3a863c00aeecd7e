#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/price_store.h"
#include "meter/store/cards.h"
#include "reports/table.h"

static const struct option options[] = {
	{ "scope", 0, "SCOPE",
	  "user (default), system: every user of this machine ($TALLY_SYSTEM_PRICES, else "
	  "/etc/tally/prices), or database: what prices its records, whoever asks (--db)",
	  false },
	{ "remove", 0, NULL, "remove the installed card of that name", false },
	{ 0 },
};

enum scope { SCOPE_USER, SCOPE_SYSTEM, SCOPE_DATABASE };

/* Into the database, or out of it. */
static int install_in_database(const struct cli *cli, const char *name, struct text content,
			       struct err *e)
{
	struct store *s = NULL;
	int rc = cli_store(cli, &s, DB_WRITE, e);
	if (rc == 0)
		rc = store_begin(s, clock_now(), e);
	if (rc == 0)
		rc = content.p ? own_card_put(s, text_of(name), content, e)
			       : own_card_remove(s, text_of(name), e);
	if (rc == 0)
		rc = store_commit(s, e);
	store_close(s);
	return rc;
}

static int remove_card(const struct cli *cli, enum scope scope, const char *name, const char *place,
		       struct err *e)
{
	int rc = scope == SCOPE_DATABASE ? install_in_database(cli, name, (struct text){ 0 }, e)
		 : unlink(place) == 0
			 ? 0
			 : err_set(e, ERR_NOT_FOUND, "no card '%s' is installed there", place);
	if (rc == 0 && !cli->quiet)
		printf("%s is forgotten\n", place);
	return rc;
}

/* Where the cards of the machine, or of the user, say something else than the one installed, and
 * which of them are used then. */
static void say_overlaps(bool machine, bool used, const char *name, struct text card)
{
	struct fault_list found = { 0 };
	const size_t n = price_store_overlaps(machine, card, name, &found);
	if (n)
		print_note("%s %s%s: cards of %s go before those of %s, so that %s is used",
			   found.fault[0].place, found.fault[0].message,
			   n > 1 ? ", and more like it" : "",
			   !used     ? "a user"
			   : machine ? "a user or a database"
				     : "a database",
			   machine ? "the machine"
			   : used  ? "a user"
				   : "the machine",
			   used ? "this one" : "that one");
	fault_list_release(&found);
}

/* A bare name of a model, and whose it is. */
struct name_meaning {
	const char *vendor; /* NULL: nobody's, or several vendors' */
	int rc;
};

static struct name_meaning meaning_of(const struct book *b, const struct price *p,
				      struct instant now, struct err *why)
{
	const bool holds = now.us >= p->from.us && now.us < p->to.us;
	const struct price_query ask = { .model = text_of(p->model),
					 .currency = p->currency,
					 .at = holds ? now : p->from };
	struct price_match m;
	const int rc = book_find(b, &ask, &m, why);
	return (struct name_meaning){ rc == 0 ? m.price->provider : NULL, rc };
}

/* The first name that is affected is told, and how many more. */
struct told_names {
	struct buf first;
	size_t count;
};

static void print_told(struct told_names *x)
{
	if (x->count)
		print_note("calls that name no vendor: %s%s%s", x->first.p,
			   x->count > 1 ? "; so it is with more of its names, in all " : "",
			   x->count > 1 ? COUNTED((int64_t)x->count, "name") : "");
	buf_release(&x->first);
}

/* Whose a bare name of one of the card's models is now, where that is another vendor than before,
 * or several. */
static void say_owners(const struct book *before, const struct book *after, const struct card *c)
{
	struct told_names moved = { 0 }, divided = { 0 };
	const struct instant now = clock_now();
	for (size_t i = 0; i < c->price_count; i++) {
		const struct price *p = &c->price[i];
		struct err why = { 0 };
		if (i && strcmp(p->model, c->price[i - 1].model) == 0)
			continue;
		const struct name_meaning was = meaning_of(before, p, now, NULL),
					  is = meaning_of(after, p, now, &why);
		if (was.vendor && is.vendor && strcmp(was.vendor, is.vendor) != 0 &&
		    moved.count++ == 0)
			buf_printf(&moved.first, "'%.100s' is now %.60s's, before it was %.60s's",
				   p->model, is.vendor, was.vendor);
		if (is.rc == -ERR_AMBIGUOUS && divided.count++ == 0)
			buf_printf(&divided.first, "%s", why.message);
	}
	print_told(&moved);
	print_told(&divided);
}

static int open_prices(const struct cli *cli, enum scope scope, struct book **out)
{
	return scope == SCOPE_DATABASE ? cli_database_book(cli, DB_READ, out, NULL, NULL)
				       : cli_book(cli, out, NULL);
}

static int add_card(const struct cli *cli, enum scope scope, const char *name, const char *place,
		    struct err *e)
{
	const char *path = cli->argument[0];
	struct buf content = { 0 };
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	struct book *before = NULL, *after = NULL;
	int rc = file_read(&content, path, JSON_BYTES_MAX, e);
	if (rc != 0 && access(path, F_OK) != 0)
		rc = err_set(
			e, ERR_NOT_FOUND,
			"there is no file '%s': a price card is a JSON file (docs/card-format.md), "
			"and `tally price import` writes one from a catalogue",
			path);
	const struct text text = { content.p, content.n };
	if (rc == 0 && card_parse(&card, text, path, &faults) != 0)
		rc = err_set(e, ERR_INVALID, "price card %s: %s%s%s", path, faults.fault[0].place,
			     *faults.fault[0].place ? ": " : "", faults.fault[0].message);
	if (rc == 0 && scope != SCOPE_DATABASE &&
	    (rc = price_store_fits(scope == SCOPE_SYSTEM, name, text, e)) != 0)
		err_context(e, "nothing is installed");
	if (rc == 0 && !cli->quiet)
		open_prices(cli, scope, &before);
	if (rc == 0)
		rc = scope == SCOPE_DATABASE ? install_in_database(cli, name, text, e)
					     : price_store_write(place, text, e);
	if (rc == 0 && !cli->quiet) {
		print_note("%s is installed (%zu prices); every command %suses it now", place,
			   card->price_count,
			   scope == SCOPE_DATABASE ? "that prices records of this database " : "");
		if (scope != SCOPE_SYSTEM)
			say_overlaps(true, true, name, text);
		if (scope != SCOPE_USER)
			say_overlaps(false, scope == SCOPE_DATABASE, name, text);
		if (before && open_prices(cli, scope, &after) == 0)
			say_owners(before, after, card);
	}
	book_close(before);
	book_close(after);
	card_close(card);
	fault_list_release(&faults);
	buf_release(&content);
	return rc;
}

static int install_card(struct cli *cli, struct err *e)
{
	static const char *const scopes[] = { "user", "system", "database", NULL };
	const char *path = cli->argument[0];
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const size_t n = strlen(base);
	struct buf name = { 0 }, place = { 0 };
	int scope, rc = cli_choice(cli, "scope", scopes, &scope, e);
	buf_printf(&name, "cards/%s%s", base,
		   n > 5 && strcmp(base + n - 5, ".json") == 0 ? "" : ".json");
	const char *file = name.p + strlen("cards/");
	if (rc == 0 && scope == SCOPE_DATABASE) {
		struct buf db = { 0 };
		const char *path_of_db = cli_db_path(cli, &db); /* an address may hold a password */
		buf_printf(&place, "%s of the database %s", file,
			   db_is_server(path_of_db) ? "on that server" : path_of_db);
		buf_release(&db);
	} else {
		price_store_path(&place, scope == SCOPE_SYSTEM, name.p);
	}
	if (rc == 0)
		rc = cli_flag(cli, "remove") ? remove_card(cli, (enum scope)scope, file, place.p, e)
					     : add_card(cli, (enum scope)scope, file, place.p, e);
	buf_release(&name);
	buf_release(&place);
	return rc;
}

const struct command command_price_install = {
	.name = "price install",
	.place = HELP_PRICES + 14,
	.summary = "install your own price card for every command",
	.arguments = "CARD",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Checks a card and stores it: every command then uses it as if it were "
		       "named with --prices, which takes precedence. $TALLY_PRICES names more, "
		       "separated by colons. A card of a database is used by whatever prices the "
		       "records of that database, over those of the machine and of the user; a "
		       "running server notices within a second.",
	.examples = "  tally price install mycard.json\n  tally price install mycard.json --scope "
		    "system\n  tally price install contract.json --scope database --db team.db\n"
		    "  tally price install mycard.json --remove\n",
	.options = options,
	.common = TAKES_DB,
	.run = install_card,
};
