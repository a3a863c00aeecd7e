#include "cli/ledger_session.h"

#include <stdio.h>

#include "base/clock.h"
#include "cli/typed.h"
#include "reports/table.h"

int ledger_session_open(struct ledger_session *s, struct cli *cli, int mode, struct err *e)
{
	*s = (struct ledger_session){ .now = clock_now(), .writes = mode != DB_READ };
	int rc = cli_database_book(cli, mode, &s->book, &s->store, e);
	if (rc == 0)
		rc = cli_store_kept(cli, &s->store, mode, e);
	if (rc == 0)
		rc = ledger_open(&s->ledger, s->store, e);
	if (rc == 0)
		rc = drawer_open(&s->drawer, s->ledger, s->book, e);
	if (rc == 0 && s->writes) {
		rc = store_begin(s->store, s->now, e);
		s->begun = rc == 0;
	}
	if (rc == 0)
		rc = ledger_begin(s->ledger, e);
	return rc;
}

int ledger_session_close(struct ledger_session *s, int rc, struct err *e)
{
	if (s->begun && rc == 0)
		rc = ledger_end(s->ledger, e);
	if (s->begun && rc == 0)
		rc = store_commit(s->store, e);
	else if (s->begun)
		store_rollback(s->store);
	drawer_close(s->drawer);
	ledger_close(s->ledger);
	store_close(s->store);
	book_close(s->book);
	return rc;
}

int ledger_session_one(struct ledger_session *s, struct err *e)
{
	/* what the ones before entered in the journal is not forgotten with this one */
	int rc = ledger_end(s->ledger, e);
	return rc == 0 ? db_run(store_db(s->store), "SAVEPOINT one", e) : rc;
}

int ledger_session_one_ended(struct ledger_session *s, int rc, struct err *e)
{
	int failed = 0;
	if (rc != 0) {
		failed = db_run(store_db(s->store), "ROLLBACK TO SAVEPOINT one", e);
		ledger_forget(s->ledger);
		drawer_forget(s->drawer);
		if (failed == 0)
			failed = ledger_begin(s->ledger, e);
	}
	return failed == 0 ? db_run(store_db(s->store), "RELEASE SAVEPOINT one", e) : failed;
}

int cli_credits_of(const char *what, const char *text, struct nano_credits *out, struct err *e)
{
	struct decimal d;
	int rc = cli_amount_of(what, text, NULL, &d, e);
	if (rc != 0)
		return rc;
	rc = nano_credits_from_decimal(out, d, e);
	return rc == 0 ? 0 : err_context(e, "%s", what);
}

int cli_credits(const struct cli *cli, const char *name, bool needed, struct nano_credits *out,
		struct err *e)
{
	const char *text = cli_value(cli, name);
	char what[80];
	*out = (struct nano_credits){ 0 };
	snprintf(what, sizeof what, "--%s", name);
	if (!text)
		return needed ? err_set(e, ERR_USAGE, "say how many credits with --%s", name) : 0;
	return cli_credits_of(what, text, out, e);
}

int cli_tell_before_account(const struct cli *cli, struct ledger_session *s, const char *customer,
			    struct usage_filter period, struct err *e)
{
	const struct account *a = NULL;
	struct usage_result *usage = NULL;
	char records[COUNT_WORDS_MAX], from[INSTANT_TEXT_MAX];
	int rc = cli->quiet ? 0 : ledger_find_account(s->ledger, text_of(customer), &a, e);
	if (rc != 0 || !a || a->since.us <= period.since.us)
		return rc;
	period.until = a->since.us < period.until.us ? a->since : period.until;
	period.customer = customer;
	period.costs_apart = true;
	rc = usage_query(&usage, s->store, &period, &(struct usage_grouping){ 0 }, e);
	const int64_t n = rc == 0 ? usage_total(usage)->records : 0;
	if (n > 0)
		print_notice(
			"tally: %s: %s before %s, where the account begins: they draw no credits and are "
			"in no invoice (`tally credit account %s --since DAY` lets it begin earlier, "
			"while nothing has been drawn)\n",
			customer, count_words(records, n, "record"), instant_format(a->since, from),
			customer);
	usage_result_close(usage);
	return rc;
}
