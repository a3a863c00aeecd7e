#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "cli/ledger_session.h"
#include "reports/export.h"

static const struct option options[] = {
	{ "output", 'o', "FILE", "output file (required for xlsx)", false },
	{ "customer", 0, "NAME", "only this customer", false },
	{ "style", 0, "hledger|beancount", "of the journal (default hledger)", false },
	{ "strict", 0, NULL, "declare the journal's accounts, for hledger check --strict", false },
	{ "profile", 0, "xero|quickbooks|datev", "the program that will import the invoices",
	  false },
	{ "payments", 0, NULL,
	  "for Xero and QuickBooks: what was paid, as a bank "
	  "statement (DATEV includes it with the invoices)",
	  false },
	{ "account", 0, "KIND=CODE",
	  "of invoices: revenue, tax, prepaid, receivable; for DATEV also bank, consultant and client; tax-type of Xero",
	  true },
	{ "issuer", 0, "NAME", "of FOCUS rows: who charges (default the vendor)", false },
	{ 0 },
};

/* The numbers that the program has for them by default, unless --account says others. */
static int read_settings(struct cli *cli, struct book_settings *s, struct err *e)
{
	static const char *const profiles[] = { "xero", "quickbooks", "datev", NULL };
	int profile;
	const char *spec;
	int rc = cli_choice(cli, "profile", profiles, &profile, e);
	s->profile = (enum book_profile)profile;
	s->payments = cli_flag(cli, "payments");
	bool datev = rc == 0 && s->profile == BOOK_DATEV;
	const struct {
		const char *name, **to, *usual;
	} kinds[] = { { "revenue", &s->revenue, datev ? "8400" : "200" },
		      { "tax", &s->tax, datev ? "1776" : "820" },
		      { "prepaid", &s->prepaid, datev ? "1718" : "830" },
		      { "receivable", &s->receivable, datev ? "10000" : "610" },
		      { "bank", &s->bank, datev ? "1200" : "090" },
		      { "tax-type", &s->tax_type, "Tax Exempt" },
		      { "consultant", &s->consultant, "1001" },
		      { "client", &s->client, "1" } };
	const size_t count = sizeof kinds / sizeof *kinds;
	for (size_t k = 0; k < count; k++)
		*kinds[k].to = kinds[k].usual;
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "account", i)); i++) {
		size_t n = strcspn(spec, "="), k = 0;
		while (k < count && !text_is((struct text){ spec, n }, kinds[k].name))
			k++;
		if (k == count || !spec[n] || !spec[n + 1])
			return err_set(e, ERR_USAGE,
				       "--account %s: KIND=CODE, with revenue, tax, prepaid, "
				       "receivable, bank, tax-type, consultant or client",
				       spec);
		*kinds[k].to = spec + n + 1;
	}
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	static const char *const styles[] = { "hledger", "beancount", NULL };
	const char *what = cli->argument[0], *path = cli_value(cli, "output");
	struct ledger_session s = { 0 };
	struct zone *zone = NULL;
	struct export_options o = { .customer = cli_value(cli, "customer"),
				    .issuer = cli_value(cli, "issuer"),
				    .declare = cli_flag(cli, "strict"),
				    .out = stdout };
	struct book_settings settings;
	int64_t left_out = 0, in_credits = 0;
	int style;
	bool xlsx = strcmp(what, "xlsx") == 0;
	int rc = cli_choice(cli, "style", styles, &style, e);
	if (rc == 0 && strcmp(what, "focus") != 0 && strcmp(what, "journal") != 0 &&
	    strcmp(what, "csv") != 0 && strcmp(what, "invoices") != 0 && !xlsx)
		rc = err_set(e, ERR_USAGE, "'%s': export focus, journal, invoices, csv or xlsx",
			     what);
	if (rc == 0)
		rc = read_settings(cli, &settings, e);
	if (rc == 0 && cli->json)
		rc = err_set(e, ERR_USAGE, "'export %s' has no JSON form; leave --json out", what);
	if (rc == 0 && xlsx && !path)
		rc = err_set(e, ERR_USAGE, "--output is required for a workbook");
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &o.since, &o.until, e);
	o.zone = zone;
	if (rc == 0)
		rc = ledger_session_open(&s, cli, DB_READ, e);
	if (rc == 0 && path && !xlsx && !(o.out = fopen(path, "w")))
		rc = err_set(e, ERR_SYSTEM, "could not write '%s'", path);
	if (rc == 0)
		rc = xlsx			  ? export_xlsx(s.ledger, &o, path, e)
		     : strcmp(what, "focus") == 0 ? export_focus(s.ledger, &o, &left_out, e)
		     : strcmp(what, "invoices") == 0
			     ? export_invoices(s.ledger, &o, &settings, &in_credits, e)
		     : strcmp(what, "csv") == 0
			     ? export_csv(s.ledger, &o, e)
			     : export_journal(s.ledger, &o,
					      style ? JOURNAL_BEANCOUNT : JOURNAL_HLEDGER, e);
	if (o.out && o.out != stdout && fclose(o.out) != 0 && rc == 0)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s'", path);
	rc = ledger_session_close(&s, rc, e);
	zone_close(zone);
	if (rc == 0 && left_out)
		fprintf(stderr,
			"tally: %lld record%s without a price %s left out: the file is "
			"incomplete\n",
			(long long)left_out, left_out == 1 ? "" : "s",
			left_out == 1 ? "is" : "are");
	if (rc == 0 && in_credits)
		fprintf(stderr, "tally: %lld invoice%s in credits rather than money: left out\n",
			(long long)in_credits, in_credits == 1 ? " is" : "s are");
	return rc ? rc : left_out || in_credits ? 3 : 0;
}

const struct command command_export = {
	.name = "export",
	.summary = "FOCUS 1.2, journals, invoices for bookkeeping, CSV or XLSX",
	.arguments = "focus|journal|invoices|csv|xlsx",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"focus: usage in money by day, customer, project, model, price and bucket, "
		"and credits "
		"as a virtual currency (what was bought or granted, and what usage drew). "
		"journal: the "
		"credit ledger and the invoices in money, for hledger or beancount. csv: every record that stands, in "
		"the native "
		"format. xlsx: usage by day, customer, project and model.",
	.examples = "  tally export focus --since 2026-10-01 --until 2026-11-01 > focus.csv\n"
		    "  tally export journal | hledger -f - balance\n"
		    "  tally export invoices --profile datev --account revenue=8400 > batch.csv\n"
		    "  tally export xlsx -o usage.xlsx\n",
	.options = options,
	.common = TAKES_DB | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
