#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fetch.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/price_store.h"
#include "pricing/book_pack.h"
#include "reports/json_out.h"

enum {
	BOOK_BYTES_MAX = 64 << 20,
	FETCH_SECONDS = 60,
	FETCH_SECONDS_MAX = 3600,
	HEX_MAX = 2 * DIGEST_BYTES + 1
};

static const struct option options[] = {
	{ "from", 0, "URL",
	  "address of the book (default $TALLY_PRICES_URL, else the setting prices_url)", false },
	{ "sha256", 0, "HEX", "required checksum (default: the file published beside the book)",
	  false },
	{ "timeout", 0, "SECONDS", "time for all of it (default 60, at most 3600)", false },
	{ "older", 0, NULL, "accept a book older than the installed one", false },
	{ 0 },
};

/* What was got, and what it must be. */
struct update {
	const char *from;
	bool is_url, unchanged;
	int64_t until_us; /* all of it must be there then, by the monotonic clock */
	struct buf book, sum;
	bool has_sum; /* a checksum beside it was read, whatever it holds */
	char etag[FETCH_ETAG_MAX], wanted[HEX_MAX], sha256[HEX_MAX];
};

/* What is left of the time for both files together. */
static int64_t ms_left(const struct update *u)
{
	const int64_t ms = (u->until_us - clock_monotonic_us()) / 1000;
	return ms > 0 ? ms : 1;
}

static int download(struct update *u, const struct price_state *known, struct err *e)
{
	const bool same = known->from.p && strcmp(known->from.p, u->from) == 0;
	struct fetch f = { .url = u->from,
			   .etag = same ? known->etag : NULL,
			   .bytes_max = BOOK_BYTES_MAX,
			   .ms_most = ms_left(u) };
	int rc = fetch_url(&f, e);
	u->book = f.body;
	u->unchanged = rc == 0 && f.status == 304;
	snprintf(u->etag, sizeof u->etag, "%s", f.answer_etag);
	if (rc == 0 && f.status != 200 && !(f.status == 304 && f.etag && *f.etag))
		rc = err_set(e, ERR_UNREADABLE, "%s: the server answered %d", u->from, f.status);
	if (rc != 0 || u->unchanged || *u->wanted)
		return rc;
	struct buf beside = { 0 };
	buf_printf(&beside, "%s.sha256", u->from);
	struct fetch sum = { .url = beside.p, .bytes_max = 4096, .ms_most = ms_left(u) };
	rc = fetch_url(&sum, e);
	if (rc == 0 && sum.status != 200)
		rc = err_set(e, ERR_UNREADABLE,
			     "%s: the server answered %d; there is no checksum beside it: give "
			     "one with --sha256",
			     beside.p, sum.status);
	u->sum = sum.body;
	u->has_sum = true;
	buf_release(&beside);
	return rc;
}

/* The checksum beside a file is taken where there is one. */
static int read_book(struct update *u, struct err *e)
{
	struct buf beside = { 0 };
	int rc = file_read(&u->book, u->from, BOOK_BYTES_MAX, e);
	buf_printf(&beside, "%s.sha256", u->from);
	if (rc == 0 && !*u->wanted && access(beside.p, F_OK) == 0) {
		u->has_sum = true;
		rc = file_read(&u->sum, beside.p, 4096, e);
	}
	buf_release(&beside);
	return rc;
}

/* The first 64 hexadecimal digits of a text that stand alone, in lower case; false: there are none.
 */
static bool take_digest(char out[HEX_MAX], struct text t)
{
	enum { DIGITS = HEX_MAX - 1 };
	for (size_t i = 0, run; i < t.n; i += run + 1) {
		run = 0;
		while (i + run < t.n && isxdigit((unsigned char)t.p[i + run]))
			run++;
		if (run != DIGITS)
			continue;
		for (size_t k = 0; k < DIGITS; k++)
			out[k] = (char)tolower((unsigned char)t.p[i + k]);
		out[DIGITS] = 0;
		return true;
	}
	return false;
}

static int check_sum(struct update *u, const struct price_state *known, struct err *e)
{
	uint8_t bytes[DIGEST_BYTES];
	int rc = digest_sha256(bytes, (struct text){ u->book.p, u->book.n }, e);
	for (int i = 0; rc == 0 && i < DIGEST_BYTES; i++)
		snprintf(u->sha256 + 2 * i, 3, "%02x", bytes[i]);
	if (rc == 0 && u->has_sum && !take_digest(u->wanted, (struct text){ u->sum.p, u->sum.n }))
		rc = err_set(
			e, ERR_INVALID,
			"%s.sha256 holds no checksum (64 hexadecimal digits); nothing is changed",
			u->from);
	if (rc == 0 && *u->wanted && strcmp(u->wanted, u->sha256) != 0)
		rc = err_set(e, ERR_INVALID,
			     "%s: its checksum is %s, but %s is stated; nothing is changed",
			     u->from, u->sha256, u->wanted);
	u->unchanged = rc == 0 && strcmp(known->sha256, u->sha256) == 0;
	return rc;
}

static int install(struct update *u, const struct book_summary *s, struct text pack, struct err *e)
{
	struct buf path = { 0 };
	struct price_state state = { 0 };
	snprintf(state.released, sizeof state.released, "%s", s->released);
	snprintf(state.sha256, sizeof state.sha256, "%s", u->sha256);
	snprintf(state.etag, sizeof state.etag, "%s", u->etag);
	buf_puts(&state.from, u->from);
	int rc = price_store_write(price_store_path(&path, false, "book.pack"), pack, e);
	if (rc == 0)
		rc = price_state_write(&state, e);
	buf_release(&state.from);
	buf_release(&path);
	return rc;
}

static void put_report(const struct cli *cli, const struct update *u, const struct book_summary *s,
		       const char *before)
{
	const char *released = u->unchanged ? before : s->released;
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.price-update/1");
		json_out_string(&j, "from", u->from);
		json_out_string(&j, "released", released);
		json_out_string(&j, "before", before);
		json_out_bool(&j, "changed", !u->unchanged);
		json_out_int(&j, "cards", (int64_t)s->cards);
		json_out_int(&j, "prices", (int64_t)s->prices);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (u->unchanged) {
		printf("the prices of %s are already the newest\n", before);
	} else {
		printf("the prices of %s are installed (%zu cards, %zu prices); before it were "
		       "those of %s\n"
		       "records that have no price yet: `tally rerate`\n",
		       released, s->cards, s->prices, before);
	}
}

static int take_update(const struct cli *cli, struct update *u, const struct price_state *known,
		       struct err *e)
{
	struct book *book = NULL;
	struct book_summary summary = { 0 };
	struct buf pack = { 0 };
	int rc = u->is_url ? download(u, known, e) : read_book(u, e);
	if (rc == 0)
		rc = book_open(&book, e);
	const char *before = book && strcmp(known->released, book_released(book)) > 0
				     ? known->released
			     : book ? book_released(book)
				    : "";
	if (rc == 0 && !u->unchanged)
		rc = check_sum(u, known, e);
	if (rc == 0 && !u->unchanged)
		rc = book_pack_make(&pack, (struct text){ u->book.p, u->book.n }, &summary, e);
	if (rc == 0 && !u->unchanged && strcmp(summary.released, before) < 0 &&
	    !cli_flag(cli, "older"))
		rc = err_set(e, ERR_INVALID,
			     "%s is of %s, older than the installed prices of %s; --older "
			     "accepts it",
			     u->from, summary.released, before);
	if (rc == 0 && !u->unchanged)
		rc = install(u, &summary, (struct text){ pack.p, pack.n }, e);
	if (rc == 0)
		put_report(cli, u, &summary, before);
	book_close(book);
	buf_release(&pack);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	const char *from = cli_value(cli, "from"), *sha256 = cli_value(cli, "sha256");
	struct price_state known;
	struct update u = { .from = from ? from : cli_prices_url(), .is_url = true };
	if (from && cli->argument_count)
		return err_set(e, ERR_USAGE, "give a file, or --from a URL, not both");
	if (cli->argument_count) {
		u.from = cli->argument[0];
		u.is_url =
			strncmp(u.from, "https://", 8) == 0 || strncmp(u.from, "http://", 7) == 0;
	}
	if (!*u.from)
		return err_set(e, ERR_USAGE,
			       "there is no address to take newer prices from, and nothing was "
			       "changed. Name a file (`tally price update FILE`) or an address "
			       "(--from URL); `tally config set prices_url URL` remembers one, "
			       "and $TALLY_PRICES_URL overrides it");
	if (sha256 && !take_digest(u.wanted, text_of(sha256)))
		return err_set(e, ERR_USAGE, "--sha256 takes 64 digits of 0-9 and a-f");
	int64_t seconds;
	int rc = cli_count(cli, "timeout", FETCH_SECONDS, &seconds, e);
	if (rc == 0 && (seconds < 1 || seconds > FETCH_SECONDS_MAX))
		rc = err_set(e, ERR_USAGE, "--timeout takes 1 to %d seconds", FETCH_SECONDS_MAX);
	if (rc != 0)
		return rc;
	u.until_us = clock_monotonic_us() + seconds * US_PER_SECOND;
	price_state_read(&known);
	rc = take_update(cli, &u, &known, e);
	buf_release(&known.from);
	buf_release(&u.book);
	buf_release(&u.sum);
	return rc;
}

const struct command command_price_update = {
	.name = "price update",
	.place = HELP_PRICES + 12,
	.summary = "install newer prices, from a file or an address",
	.arguments = "[FILE]",
	.arguments_max = 1,
	.description =
		"Takes a newer book of prices over HTTPS, or from a file, checks it (its "
		"checksum, and every card) and stores it in the data directory; every command "
		"then uses it instead of the shipped prices. If the download fails, nothing "
		"changes. The address is that of the release page of the repository that the "
		"program was built from, if it is on GitHub or GitLab, unless another is set "
		"(`tally config`, which shows it; make PRICES_URL=URL).",
	.examples =
		"  tally price update\n  tally price update tally-book.zip\n  tally price update "
		"--from https://prices.example.com/tally-book.zip\n",
	.options = options,
	.common = 0,
	.run = run,
};
