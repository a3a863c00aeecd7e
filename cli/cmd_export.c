#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "cli/ledger_session.h"
#include "cli/typed.h"
#include "reports/export.h"
#include "reports/lower_bound_report.h"
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
static int read_books(const struct cli *cli, struct book_settings *s, struct err *e)
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
	struct export_told told;
	struct exchange_rates *rates;
};

static const struct export_kind {
	const char *name;
	export_function *write;
	bool to_path; /* writes the file by itself, so that --output is needed */
} kinds[] = {
#define X(name, function, to_path, what) { name, function, to_path },
	EXPORTS(X)
#undef X
};
enum { KINDS = sizeof kinds / sizeof *kinds };
#define NAME(name, function, to_path, what) "|" name
static const char names[] = EXPORTS(NAME);
#define WHAT(name, function, to_path, what) "\n" name ": " what "."
static const char whats[] = EXPORTS(WHAT);

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
	struct export_options *o = &x->o;
	if (o->path && !k->to_path && !(o->out = fopen(o->path, "w")))
		return err_set(e, ERR_SYSTEM, "could not write '%s'", o->path);
	int rc = k->write(x->session.ledger, o, &x->told, e);
	const bool failed = o->out && ferror(o->out);
	if (((o->out != stdout && fclose(o->out) != 0) || failed) && rc == 0)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s'", o->path);
	return rc;
}

static int tell_left_out(const struct exporting *x)
{
	const struct export_told *t = &x->told;
	if (t->unpriced)
		print_notice("tally: %s without a price %s left out: the file is "
			     "incomplete\n",
			     COUNTED(t->unpriced, "record"), t->unpriced == 1 ? "is" : "are");
	if (t->no_amount)
		print_notice("tally: %s %s no price: the file's cost is a lower bound\n",
			     COUNTED(t->no_amount, "record"), t->no_amount == 1 ? "has" : "have");
	if (t->placeholders)
		print_notice("tally: %s %s %s: the file is a lower bound\n",
			     COUNTED(t->placeholders, "record"),
			     t->placeholders == 1 ? "has" : "have",
			     known_part(t->placeholders, t->unsaid));
	if (x->told.cut && !x->cli->quiet)
		print_notice("tally: note: %s longer than the program takes: cut\n",
			     COUNTED(x->told.cut, "text"));
	if (x->told.notes)
		print_notice(
			"tally: %s left out: QuickBooks imports credit notes by themselves, and "
			"--credit-notes writes them\n",
			x->told.notes == 1 ? "a document that gives back is"
					   : "documents that give back are");
	if (t->in_credits)
		print_notice("tally: %s %s in credits rather than money: left out\n",
			     COUNTED(t->in_credits, "invoice"), t->in_credits == 1 ? "is" : "are");
	return t->unpriced || t->no_amount || t->placeholders || t->in_credits || t->notes ? 3 : 0;
}

static int read_options(struct exporting *x, const struct cli *cli, struct err *e)
{
	static const char *const styles[] = { "hledger", "beancount", NULL }, *const sources[] = {
		"usage", "invoices", NULL
	};
	int style = 0, source = 0;
	const char *path;
	int rc = cli_choice(cli, "style", styles, &style, e);
	if (rc == 0)
		rc = cli_choice(cli, "of", sources, &source, e);
	if (rc == 0)
		rc = read_books(cli, &x->o.books, e);
	for (int i = 0; rc == 0 && (path = cli_value_at(cli, "rates", i)); i++)
		rc = exchange_read(&x->rates, path, e);
	x->o.style = (enum journal_style)style;
	x->o.source = (enum focus_source)source;
	x->o.books.rates = x->rates;
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	const struct export_kind *kind = NULL;
	struct zone *zone = NULL;
	struct exporting x = { .cli = cli,
			       .o = { .path = cli_value(cli, "output"),
				      .customer = cli_value(cli, "customer"),
				      .issuer = cli_value(cli, "issuer"),
				      .declare = cli_flag(cli, "strict"),
				      .out = stdout } };
	int rc = find_kind(cli->argument[0], &kind, e);
	if (rc == 0)
		rc = read_options(&x, cli, e);
	if (rc == 0 && cli->json)
		rc = err_set(e, ERR_USAGE, "'export %s' has no JSON form; leave --json out",
			     kind->name);
	if (rc == 0 && kind->to_path && !x.o.path)
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
	.place = HELP_BILL + 20,
	.summary = "FOCUS 1.2, journals, invoices for bookkeeping, CSV, Parquet, XLSX",
	.arguments = names + 1,
	.arguments_min = 1,
	.arguments_max = 1,
	.description = whats + 1,
	.examples = "  tally export focus --since 2026-10-01 --until 2026-11-01 > focus.csv\n"
		    "  tally export journal | hledger -f - balance\n"
		    "  tally export invoices --profile datev --account revenue=8400 > batch.csv\n"
		    "  tally export xlsx -o usage.xlsx\n",
	.options = options,
	.common = TAKES_ARCHIVE | TAKES_PERIOD | TAKES_ZONE,
	.run = run,
};
