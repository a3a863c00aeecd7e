#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/price_store.h"
#include "pricing/series.h"
#include "reports/price_report.h"

static const struct option at_options[] = {
	{ "at", 0, "WHEN", "prices at this instant (default now)", false },
	{ "provider", 'p', "VENDOR", "only this vendor", false },
	{ 0 },
};

static const struct option list_options[] = {
	{ "at", 0, "WHEN", "prices at this instant (default now)", false },
	{ "provider", 'p', "VENDOR", "only this vendor, which may be a reseller", false },
	{ "resellers", 0, NULL, "include resellers: clouds, gateways, hosts", false },
	{ 0 },
};

static int take_at(const struct cli *cli, struct instant *at, struct err *e)
{
	const char *s = cli_value(cli, "at");
	*at = clock_now();
	at->us -= at->us % US_PER_SECOND;
	return s ? cli_instant("at", s, NULL, at, e) : 0;
}

static int read_question(struct cli *cli, struct price_question *q, struct book **book,
			 struct err *e)
{
	*q = (struct price_question){ .now = clock_now(),
				      .model = cli->argument_count ? cli->argument[0] : NULL,
				      .provider = cli_value(cli, "provider"),
				      .currency = cli_value(cli, "currency"),
				      .quiet = cli->quiet };
	int rc = take_at(cli, &q->at, e);
	if (rc == 0)
		rc = cli_book(cli, book, e);
	q->book = rc == 0 ? *book : NULL;
	const char *vendor =
		rc == 0 && q->provider ? book_vendor(*book, text_of(q->provider)) : NULL;
	q->provider = vendor ? vendor : q->provider;
	return rc;
}

static int list(struct cli *cli, struct err *e)
{
	struct price_question q;
	struct book *book = NULL;
	struct json_out j;
	int rc = read_question(cli, &q, &book, e);
	q.resellers = cli_flag(cli, "resellers");
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		price_list_put(&j, &q);
		json_out_close(&j);
	} else if (rc == 0) {
		rc = price_list_print(&q, e);
	}
	book_close(book);
	return rc;
}

static int show_or_history(struct cli *cli, bool history, struct err *e)
{
	struct price_question q;
	struct book *book = NULL;
	struct json_out j;
	int rc = read_question(cli, &q, &book, e);
	q.history = history;
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		rc = price_history_put(&j, &q, e);
		json_out_close_if(&j, rc == 0);
	} else if (rc == 0) {
		rc = price_history_print(&q, e);
	}
	book_close(book);
	return rc;
}

static int show(struct cli *cli, struct err *e)
{
	return show_or_history(cli, false, e);
}

static int history(struct cli *cli, struct err *e)
{
	return show_or_history(cli, true, e);
}

static void put_fault(struct json_out *j, const char *file, const struct fault *f)
{
	if (j) {
		json_out_object(j, NULL);
		json_out_string(j, "file", file);
		json_out_string(j, "place", f->place);
		json_out_string(j, "message", f->message);
		json_out_end(j, '}');
	} else {
		printf("%s: %s%s%s\n", file, f->place, *f->place ? ": " : "", f->message);
	}
}

/* Each card alone; returns the number of faults. card: those without, of the cards that were named.
 */
static size_t check_each(const struct cli *cli, struct json_out *j, struct card **card,
			 int64_t *prices)
{
	size_t faults_total = 0;
	for (int i = 0; i < cli->argument_count; i++) {
		struct fault_list faults = { 0 };
		card_read_file(&card[i], cli->argument[i], &faults);
		for (size_t k = 0; k < faults.count; k++)
			put_fault(j, cli->argument[i], &faults.fault[k]);
		faults_total += faults.count;
		if (card[i] && !j && faults.count == 0)
			printf("%s: %zu prices, %zu aliases, no faults\n", cli->argument[i],
			       card[i]->price_count, card[i]->alias_count);
		*prices += card[i] ? (int64_t)card[i]->price_count : 0;
		if (faults.count) {
			card_close(card[i]);
			card[i] = NULL;
		}
		fault_list_release(&faults);
	}
	return faults_total;
}

/* Between those without faults. */
static size_t check_together(struct json_out *j, struct card *const *card, int count)
{
	const struct card **sound = mem_alloc(((size_t)count + 1) * sizeof *sound);
	struct fault_list faults = { 0 };
	size_t n = 0;
	for (int i = 0; i < count; i++)
		if (card[i])
			sound[n++] = card[i];
	const size_t found = cards_contradict(sound, n, &faults);
	for (size_t k = 0; k < found; k++) { /* "b.json: prices[0]" */
		struct fault f = faults.fault[k];
		const char *colon = strstr(f.place, ": ");
		char file[256];
		snprintf(file, sizeof file, "%.*s", (int)(colon - f.place), f.place);
		f.place = colon + 2;
		put_fault(j, file, &f);
	}
	fault_list_release(&faults);
	free(sound);
	return found;
}

static int check(struct cli *cli, struct err *e)
{
	struct card **card = mem_zalloc(((size_t)cli->argument_count + 1) * sizeof *card);
	struct json_out out = { 0 }, *j = cli->json ? &out : NULL;
	int64_t prices = 0;
	if (j) {
		json_out_open(j, stdout);
		json_out_object(j, NULL);
		json_out_string(j, "schema", "tally.price-check/1");
		json_out_array(j, "faults");
	}
	size_t faults = check_each(cli, j, card, &prices);
	faults += check_together(j, card, cli->argument_count);
	for (int i = 0; i < cli->argument_count; i++)
		card_close(card[i]);
	free(card);
	if (j) {
		json_out_end(j, ']');
		json_out_int(j, "prices", prices);
		json_out_int(j, "fault_count", (int64_t)faults);
		json_out_end(j, '}');
		json_out_close(j);
	}
	if (faults == 0)
		return 0;
	fflush(stdout);
	if (!j)
		return err_set(e, ERR_INVALID, "%s in %s", COUNTED((int64_t)faults, "fault"),
			       COUNTED(cli->argument_count, "card"));
	return 1;
}

const struct command command_price_list = {
	.name = "price list",
	.place = HELP_PRICES + 2,
	.summary = "the prices in force at an instant",
	.arguments = "[PART OF MODEL]",
	.arguments_max = 1,
	.description = "Lists the one price of each vendor, model and currency that holds at the "
		       "instant, with the tariff window that "
		       "holds then. Prices are per million tokens. Resellers are listed with "
		       "--resellers or by name (--provider openrouter).",
	.examples =
		"  tally price list\n  tally price list v4 --at 2026-08-24T02:00:00Z\n  tally "
		"price list --provider anthropic --json\n  tally price list llama --resellers\n",
	.options = list_options,
	.common = TAKES_PRICES | TAKES_CURRENCY,
	.run = list,
};

const struct command command_price_show = {
	.name = "price show",
	.place = HELP_PRICES + 4,
	.summary = "everything known about a model's price at an instant",
	.arguments = "MODEL",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Shows the prices of the model in force at the instant with all their "
		       "windows and tiers, its aliases and limits, "
		       "the next change of a window, the sources, and what they disagree about.",
	.examples = "  tally price show deepseek-v4-pro\n",
	.options = at_options,
	.common = TAKES_PRICES | TAKES_CURRENCY,
	.run = show,
};

const struct command command_price_history = {
	.name = "price history",
	.place = HELP_PRICES + 6,
	.summary = "every price a model had, and those that were withdrawn",
	.arguments = "MODEL",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Lists the model's prices in the order of time, list and promotion, with "
		       "the announcements that never took effect.",
	.examples = "  tally price history deepseek-v4-pro\n  tally price history deepseek-chat "
		    "--currency USD\n",
	.options = at_options,
	.common = TAKES_PRICES | TAKES_CURRENCY,
	.run = history,
};

const struct command command_price_check = {
	.name = "price check",
	.place = HELP_PRICES + 8,
	.summary = "validate price cards",
	.arguments = "FILE...",
	.arguments_min = 1,
	.arguments_max = -1,
	.description = "Checks cards for unknown keys, overlapping periods, undeclared gaps, "
		       "prices finer than can be held, bad windows and "
		       "dates. Cards that are given together must not contradict each other, as "
		       "those that are installed together must not. Each fault is printed with "
		       "file and place. Exit status 1 when there is one.",
	.examples = "  tally price check mycard.json\n",
	.options = NULL,
	.common = 0,
	.run = check,
};
