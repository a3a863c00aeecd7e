#include "cli/metering.h"

#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "meter/store/cards.h"
#include "reports/table.h"

int cli_ingest_options(const struct cli *cli, const struct book *book, struct ingest_options *out,
		       struct err *e)
{
	static const char *const boundaries[] = { "start", "completion", NULL };
	const char *at = cli_value(cli, "at");
	int boundary = 0;
	*out = (struct ingest_options){
		.book = book,
		.currency = cli_currency(cli),
		.customer = cli_value(cli, "customer"),
		.project = cli_value(cli, "project"),
		.model = cli_value(cli, "model"),
		.provider = cli_value(cli, "provider"),
		.ahead_us_most = AHEAD_DAYS_MOST * US_PER_DAY,
		.behind_us_most = BEHIND_DAYS_MOST * US_PER_DAY,
	};
	int rc = cli_choice(cli, "boundary", boundaries, &boundary, e);
	out->by_completion = boundary == 1;
	out->by_start = boundary == 0 && cli_value(cli, "boundary");
	if (rc != 0 || !at)
		return rc;
	out->has_at = true;
	if (strcmp(at, "now") == 0) {
		out->at = clock_now();
		return 0;
	}
	return cli_instant("at", at, NULL, &out->at, e);
}

int cli_tell_other_cards(const struct cli *cli, struct store *s, const struct book *b,
			 struct err *e)
{
	struct buf cards = { 0 };
	int rc = cli->quiet ? 0 : cards_differ(s, b, &cards, e);
	if (cards.n)
		print_notice(
			"tally: the records of the database were rated by other cards than the current ones: %s\n",
			cards.p);
	buf_release(&cards);
	return rc;
}
