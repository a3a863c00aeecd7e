#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "cli/ledger_session.h"
#include "cli/typed.h"
#include "reports/export.h"
#include "reports/table.h"

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
	{ "credit-notes", 0, NULL,
	  "for QuickBooks: what gives back, which it imports by itself, in positive amounts",
	  false },
	{ "account", 0, "KIND=CODE",
	  "of invoices: revenue, tax, prepaid, receivable; for DATEV also bank, consultant, client and currency (that of the books, default EUR); tax-type of Xero",
	  true },
	{ "rates", 0, "FILE",
	  "for DATEV: exchange rates by day, as for `invoice draft`, for what is in another "
	  "currency than the books",
	  true },
	{ "of", 0, "usage|invoices",
	  "of FOCUS: usage as it was priced, or issued invoices, line by line (default usage)",
	  false },
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
	s->notes = cli_flag(cli, "credit-notes");
	if (rc == 0 && s->notes && (s->profile != BOOK_QUICKBOOKS || s->payments))
		return err_set(e, ERR_USAGE, "--credit-notes is for --profile quickbooks alone");
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
		      { "client", &s->client, "1" },
		      { "currency", &s->base, "EUR" } };
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
				       "receivable, bank, tax-type, consultant, client or currency",
				       spec);
		*kinds[k].to = spec + n + 1;
	}
	return rc;
}

/* An export at work. */
struct exporting {
	struct cli *cli;
	struct ledger_session session;
	struct export_options o;
	struct book_settings settings;
	const char *path; /* of --output */
	int style;	  /* of a journal */
	int source;	  /* of FOCUS: usage, invoices */
	struct export_lacks lacks;
	int64_t in_credits;
	struct books_told told;
	struct exchange_rates *rates;
};

static int run_focus(struct exporting *x, struct err *e)
{
	return x->source ? export_focus_invoices(x->session.ledger, &x->o, &x->in_credits, e)
			 : export_focus(x->session.ledger, &x->o, &x->lacks, e);
}

static int run_journal(struct exporting *x, struct err *e)
{
	return export_journal(x->session.ledger, &x->o,
			      x->style ? JOURNAL_BEANCOUNT : JOURNAL_HLEDGER, e);
}

static int run_invoices(struct exporting *x, struct err *e)
{
	const char *path;
	int rc = 0;
	for (int i = 0; rc == 0 && (path = cli_value_at(x->cli, "rates", i)); i++)
		rc = exchange_read(&x->rates, path, e);
	x->settings.rates = x->rates;
	if (rc == 0)
		rc = export_invoices(x->session.ledger, &x->o, &x->settings, &x->told, e);
	x->in_credits = x->told.in_credits;
	return rc;
}

static int run_xlsx(struct exporting *x, struct err *e)
{
	return export_xlsx(x->session.ledger, &x->o, x->path, e);
}

/* An export is a file in reports/ and a row here: name, `plain` where it needs the ledger and the
 * options alone, else a function above, and whether it writes to a path. */
#define EXPORTS(X) \
	X("focus", NULL, run_focus, false) \
	X("journal", NULL, run_journal, false) \
	X("invoices", NULL, run_invoices, false) \
	X("csv", export_csv, NULL, false) \
	X("xlsx", NULL, run_xlsx, true)
static const struct export_kind {
	const char *name;
	int (*plain)(struct ledger *l, const struct export_options *o, struct err *e);
	int (*run)(struct exporting *x, struct err *e);
	bool to_path; /* writes the file by itself, so that --output is needed */
} kinds[] = {
#define ROW(...) { __VA_ARGS__ },
	EXPORTS(ROW)
};
enum { KINDS = sizeof kinds / sizeof *kinds };
#define NAME(name, ...) "|" name
static const char names[] = EXPORTS(NAME);

static int find_kind(const char *name, const struct export_kind **out, struct err *e)
{
	struct buf all = { 0 };
	*out = NULL;
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(name, kinds[i].name) == 0)
			*out = &kinds[i];
		buf_puts(&all, i == 0 ? "" : i + 1 < KINDS ? ", " : " or ");
		buf_puts(&all, kinds[i].name);
	}
	int rc = *out ? 0 : err_set(e, ERR_USAGE, "'%s': export %s", name, all.p);
	buf_release(&all);
	return rc;
}

static int export_kind(struct exporting *x, const struct export_kind *k, struct err *e)
{
	if (x->path && !k->to_path && !(x->o.out = fopen(x->path, "w")))
		return err_set(e, ERR_SYSTEM, "could not write '%s'", x->path);
	int rc = k->plain ? k->plain(x->session.ledger, &x->o, e) : k->run(x, e);
	if (x->o.out != stdout && fclose(x->o.out) != 0 && rc == 0)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s'", x->path);
	return rc;
}

static int tell_left_out(const struct exporting *x)
{
	const struct export_lacks *l = &x->lacks;
	if (l->unpriced)
		print_notice("tally: %s without a price %s left out: the file is "
			     "incomplete\n",
			     COUNTED(l->unpriced, "record"), l->unpriced == 1 ? "is" : "are");
	if (l->placeholders)
		print_notice("tally: %s %s only the output count of the answer's start: the file "
			     "is a lower bound\n",
			     COUNTED(l->placeholders, "record"),
			     l->placeholders == 1 ? "has" : "have");
	if (x->told.cut && !x->cli->quiet)
		print_notice("tally: note: %s longer than the program takes: cut\n",
			     COUNTED(x->told.cut, "text"));
	if (x->told.notes)
		print_notice(
			"tally: %s left out: QuickBooks imports credit notes by themselves, and "
			"--credit-notes writes them\n",
			x->told.notes == 1 ? "a document that gives back is"
					   : "documents that give back are");
	if (x->in_credits)
		print_notice("tally: %s %s in credits rather than money: left out\n",
			     COUNTED(x->in_credits, "invoice"), x->in_credits == 1 ? "is" : "are");
	return l->unpriced || l->placeholders || x->in_credits || x->told.notes ? 3 : 0;
}

static int run(struct cli *cli, struct err *e)
{
	static const char *const styles[] = { "hledger", "beancount", NULL }, *const sources[] = {
		"usage", "invoices", NULL
	};
	const struct export_kind *kind = NULL;
	struct zone *zone = NULL;
	struct exporting x = { .cli = cli,
			       .path = cli_value(cli, "output"),
			       .o = { .customer = cli_value(cli, "customer"),
				      .issuer = cli_value(cli, "issuer"),
				      .declare = cli_flag(cli, "strict"),
				      .out = stdout } };
	int rc = cli_choice(cli, "style", styles, &x.style, e);
	if (rc == 0)
		rc = cli_choice(cli, "of", sources, &x.source, e);
	if (rc == 0)
		rc = find_kind(cli->argument[0], &kind, e);
	if (rc == 0)
		rc = read_settings(cli, &x.settings, e);
	if (rc == 0 && cli->json)
		rc = err_set(e, ERR_USAGE, "'export %s' has no JSON form; leave --json out",
			     kind->name);
	if (rc == 0 && kind->to_path && !x.path)
		rc = err_set(e, ERR_USAGE, "--output is required for a workbook");
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = cli_period(cli, zone, &x.o.since, &x.o.until, e);
	x.o.zone = zone;
	if (rc == 0)
		rc = ledger_session_open(&x.session, cli, DB_READ, e);
	if (rc == 0)
		cli_tell_unknown(cli, x.session.store);
	if (rc == 0)
		rc = export_kind(&x, kind, e);
	rc = ledger_session_close(&x.session, rc, e);
	exchange_close(x.rates);
	zone_close(zone);
	return rc ? rc : tell_left_out(&x);
}

const struct command command_export = {
	.name = "export",
	.summary = "FOCUS 1.2, journals, invoices for bookkeeping, CSV or XLSX",
	.arguments = names + 1,
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
