#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/clock.h"
#include "base/zone.h"
#include "base/file.h"
#include "cli/ledger_session.h"
#include "cli/typed.h"
#include "meter/billing/cycle.h"
#include "meter/billing/payment.h"
#include "reports/amount.h"
#include "reports/billing_report.h"
#include "reports/invoice_view.h"
#include "reports/json_out.h"
#include "reports/lower_bound_report.h"
#include "reports/table.h"
#include "reports/usage_report.h"

/* --- showing --- */

enum { FORMAT_TEXT, FORMAT_HTML, FORMAT_PDF, FORMAT_CSV, FORMAT_JSON, FORMAT_XLSX };

static int terminal_width(void)
{
	struct winsize w;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 40)
		return w.ws_col;
	return 100;
}

struct showing {
	struct store *store;
	struct instant at; /* what was paid up to then */
	int format;
	bool letter;
	const char *language; /* NULL: of the terms */
};

/* Boxes for letters on a paper that is sent to someone are said, not left to be seen. */
static int put_pdf(struct buf *out, struct invoice_view *v, bool letter, struct err *e)
{
	struct buf unknown = { 0 };
	int rc = invoice_pdf_put(out, v, letter, &unknown, e);
	if (rc == 0 && unknown.n)
		print_notice(
			"tally: no font of this machine has every letter of '%.*s': the PDF shows "
			"boxes in their place (install one, such as fonts-noto-cjk)\n",
			(int)unknown.n, unknown.p);
	buf_release(&unknown);
	return rc;
}

static int put(struct buf *out, const struct showing *how, const struct stored_invoice *i,
	       struct err *e)
{
	struct invoice_view *v;
	int rc = invoice_view_of(&v, how->store, i, how->at, how->language, e);
	if (rc != 0)
		return rc;
	switch (how->format) {
	case FORMAT_TEXT:
		invoice_text_put(out, v, terminal_width());
		break;
	case FORMAT_HTML:
		invoice_html_put(out, v);
		break;
	case FORMAT_PDF:
		rc = put_pdf(out, v, how->letter, e);
		break;
	case FORMAT_CSV:
		invoice_csv_put(out, v);
		break;
	case FORMAT_XLSX:
		rc = invoice_xlsx_put(out, v, e);
		break;
	default:
		invoice_json_put(out, v);
	}
	invoice_view_close(v);
	return rc;
}

static const struct option show_options[] = {
	{ "format", 'f', "FORMAT", "text (default), html, pdf, csv, json or xlsx", false },
	{ "output", 'o', "FILE", "write it there", false },
	{ "paper", 0, "a4|letter", "of the PDF (default a4)", false },
	{ "language", 0, "CODE", "of its labels: de, en, ja or zh (default as the terms say)",
	  false },
	{ "at", 0, "WHEN", "payment status at WHEN (default now)", false },
	{ 0 },
};

/* --at, or now. */
static int when_of(struct cli *cli, struct instant *out, struct err *e)
{
	struct zone *z;
	const char *at = cli_value(cli, "at");
	*out = clock_now();
	if (!at)
		return 0;
	int rc = cli_zone(cli, &z, e);
	if (rc != 0)
		return rc;
	rc = cli_instant("at", at, z, out, e);
	zone_close(z);
	return rc;
}

static int show(struct cli *cli, struct err *e)
{
	static const char *const formats[] = { "text", "html", "pdf", "csv", "json", "xlsx", NULL };
	static const char *const papers[] = { "a4", "letter", NULL };
	struct store *store = NULL;
	struct stored_invoice i;
	struct arena texts = { 0 };
	struct buf out = { 0 };
	const char *path = cli_value(cli, "output");
	struct showing how = { 0 };
	int format = 0, paper = 0;
	int rc = cli_choice(cli, "format", formats, &format, e);
	if (rc == 0)
		rc = cli_choice(cli, "paper", papers, &paper, e);
	if (rc == 0 && cli->json)
		format = FORMAT_JSON;
	if (rc == 0 && cli->csv)
		format = FORMAT_CSV;
	if (rc == 0 && (format == FORMAT_PDF || format == FORMAT_XLSX) && !path &&
	    isatty(STDOUT_FILENO))
		rc = err_set(e, ERR_USAGE,
			     "this format is not for a terminal; name a file with --output");
	if (rc == 0)
		rc = cli_store(cli, &store, DB_READ, e);
	if (rc == 0)
		rc = invoice_find(store, cli->argument[0], &texts, &i, e);
	if (rc == 0)
		rc = when_of(cli, &how.at, e);
	how.store = store;
	how.format = format;
	how.letter = paper == 1;
	how.language = cli_value(cli, "language");
	if (rc == 0)
		rc = put(&out, &how, &i, e);
	if (rc == 0)
		rc = file_write(path, (struct text){ out.p, out.n }, e);
	buf_release(&out);
	arena_release(&texts);
	store_close(store);
	return rc;
}

const struct command command_invoice_show = {
	.name = "invoice show",
	.place = HELP_BILL + 8,
	.summary = "an invoice as text, HTML, PDF, CSV, JSON or XLSX",
	.arguments = "NUMBER|#ID",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"The same invoice always produces the same bytes, until a payment is recorded.",
	.examples = "  tally invoice show 2026-000017\n"
		    "  tally invoice show 2026-000017 --format pdf --output invoice.pdf\n",
	.options = show_options,
	.common = TAKES_DB | TAKES_CSV | TAKES_ZONE,
	.run = show,
};

/* --- drafts --- */

static const struct option draft_options[] = {
	{ "period", 0, "MONTH",
	  "2026-11, last-month: the month (in the customer's zone, from the billing day) that "
	  "begins then (default the last complete one)",
	  false },
	{ "all", 0, NULL, "every customer with an account", false },
	{ "interim", 0, NULL,
	  "usage so far of a period that is not over, once it reaches the `threshold` of the terms; the period's own invoice charges the rest",
	  false },
	{ "supplement", 0, NULL, "what has changed since in a period that was invoiced", false },
	{ "rates", 0, "FILE",
	  "exchange rates by day: the European Central Bank's CSV, or day,base,currency,rate",
	  true },
	{ 0 },
};

/* A month that is named in words (last-month, september) as YYYY-MM; else as it was typed. */
static const char *month_text(struct cli *cli, const struct zone *z, char room[24])
{
	struct instant from, to;
	struct err none;
	if (cli_period(cli, z, &from, &to, &none) != 0 || to.us == INSTANT_MAX.us)
		return cli_value(cli, "period");
	const struct civil c = civil_from_day(zone_day(z, from)),
			   end = civil_from_day(zone_day(z, to));
	if (c.day != 1 || end.day != 1 ||
	    (end.year * 12 + end.month) - (c.year * 12 + c.month) != 1)
		return cli_value(cli, "period");
	snprintf(room, 24, "%04d-%02d", c.year, c.month);
	return room;
}

/* The period of an account: what the user named, or the last one that has ended. */
static int choose_period(struct cli *cli, const struct account *a, struct instant now,
			 struct period *out, struct err *e)
{
	const char *period = cli_value(cli, "period");
	char month[24];
	struct zone *z;
	int rc = zone_open(&z, a->zone.p, e);
	if (rc != 0)
		return rc;
	if (cli_value(cli, "since") || cli_value(cli, "until")) {
		rc = cli_period(cli, z, &out->from, &out->to, e);
		if (rc == 0 && (!cli_value(cli, "since") || !cli_value(cli, "until")))
			rc = err_set(e, ERR_USAGE, "give both --since and --until");
	} else if (!period && cli_flag(cli, "interim")) {
		*out = cycle_period(z, a->anchor_day, now);
	} else {
		rc = cycle_named(z, a->anchor_day, period ? month_text(cli, z, month) : NULL, now,
				 out, e);
	}
	zone_close(z);
	return rc;
}

struct names {
	struct text *name;
	size_t count;
	struct arena arena;
};

static int add_name(void *user, const struct account *a)
{
	struct names *n = user;
	n->name = mem_grow(n->name, (n->count + 1) * sizeof *n->name);
	n->name[n->count++] =
		(struct text){ arena_text(&n->arena, a->customer.p, a->customer.n), a->customer.n };
	return 0;
}

/* The customers that the command is about. */
static int customers_of(struct cli *cli, struct ledger *l, struct names *out, struct err *e)
{
	if (cli_flag(cli, "all")) {
		if (cli->argument_count)
			return err_set(e, ERR_USAGE, "give customers or --all, not both");
		return ledger_each_account(l, add_name, out, e);
	}
	if (cli->argument_count == 0)
		return err_set(e, ERR_USAGE, "name a customer, or --all");
	for (int i = 0; i < cli->argument_count; i++) {
		const char *name = cli->argument[i];
		const struct account *a = NULL;
		int rc = ledger_find_account(l, text_of(name), &a, e);
		if (rc != 0)
			return rc;
		/* before anything is drafted for another period */
		if (!a && cli_names_period(cli->command, name))
			return err_set(e, ERR_USAGE,
				       "no customer '%s' has an account; did you mean '--period "
				       "%s'?",
				       name, name);
		add_name(out, &(struct account){ .customer = text_of(name) });
	}
	return 0;
}

static void row_of(struct table *t, const struct stored_invoice *i, const struct settlement *x)
{
	const struct text cells[] = { i->kind, i->status, i->customer, i->first_day, i->last_day };
	const bool asks = x->state != SETTLEMENT_NONE;
	struct buf amount = { 0 };
	char total[DECIMAL_TEXT_MAX];
	if (i->number.n)
		table_text(t, i->number);
	else
		table_put(t, "#%lld", (long long)i->id);
	for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
		table_text(t, cells[k]);
	snprintf(total, sizeof total, "%.*s", (int)i->total.n, i->total.p);
	table_put(t, "%s%s", i->unpriced || i->placeholders ? ">= " : "",
		  coins_text(&amount, total, i->currency));
	table_text(t, i->currency);
	table_cell(t, asks ? settlement_name(x->state) : "");
	money_total_format(x->due, total);
	table_cell(t, asks ? coins_text(&amount, total, i->currency) : "");
	buf_release(&amount);
}

static const struct table_column list_columns[] = {
	{ "INVOICE" },
	{ "KIND", .leaves = 2 },
	{ "STATUS" },
	{ "CUSTOMER", .may_shrink = true },
	{ "FROM", .leaves = 3 },
	{ "TO", .leaves = 1 },
	{ "TOTAL", .right = true },
	{ "IN" },
	{ "PAYMENT", .leaves = 4 },
	{ "DUE", .right = true },
};

static void open_list(struct cli *cli, struct json_out *j, struct table **t, const char *schema)
{
	*t = NULL;
	if (cli->json) {
		json_out_open(j, stdout);
		json_out_object(j, NULL);
		json_out_string(j, "schema", schema);
		json_out_array(j, "invoices");
	} else {
		*t = table_open(list_columns, sizeof list_columns / sizeof *list_columns);
	}
}

static int list_item(struct store *s, struct instant at, struct json_out *j, struct table *t,
		     const struct stored_invoice *i, struct err *e)
{
	struct settlement x;
	int rc = settlement_read(s, i, at, &x, e);
	if (rc == 0 && j)
		invoice_list_item(j, i, &x);
	else if (rc == 0)
		row_of(t, i, &x);
	return rc;
}

static void close_list(struct cli *cli, struct json_out *j, struct table *t)
{
	if (cli->json) {
		json_out_end(j, ']');
		json_out_end(j, '}');
		json_out_close(j);
	} else {
		table_print_or(t, "no invoices");
		table_close(t);
	}
}

/* What was refused, customer by customer, and whether totals are lower bounds. */
struct outcome {
	int64_t refused, unpriced, elsewhere, in_quarantine;
	bool other; /* refused for another reason than usage that has no price */
	struct err first;
};

/* A failure is one customer's own, and what it had written was reversed; the others go on, unless
 * there is no database or no memory to go on with. */
static int take_refusal(struct outcome *o, int rc, const struct err *e)
{
	if (rc == 0)
		return 0;
	if (e->code == ERR_BUSY || e->code == ERR_SYSTEM)
		return rc;
	if (o->refused++ == 0)
		o->first = *e;
	o->other |= e->code != ERR_UNPRICED;
	return 0;
}

/* One refusal alone is the command's error; among others each is told and the status says it. */
static int exit_of(const struct outcome *o, bool alone, struct err *e)
{
	if (o->refused && alone) {
		*e = o->first;
		return -(int)e->code;
	}
	const bool lacks = o->refused || o->unpriced || o->elsewhere || o->in_quarantine;
	return o->other ? 1 : lacks ? 3 : 0;
}

static int read_rates(struct cli *cli, struct invoicer *v, struct exchange_rates **rates,
		      struct err *e)
{
	const char *path;
	int rc = 0;
	*rates = NULL;
	for (int i = 0; rc == 0 && (path = cli_value_at(cli, "rates", i)); i++)
		rc = exchange_read(rates, path, e);
	invoicer_exchange(v, *rates);
	return rc;
}

/* How much of the usage of the period hangs on changes of prices whose day is not known. */
static int tell_dates(const struct ledger_session *s, struct text customer, struct period of,
		      struct err *e)
{
	const struct usage_filter f = { .since = of.from, .until = of.to, .customer = customer.p };
	struct price_dates dates;
	struct buf words = { 0 };
	int rc = price_dates_of(&dates, s->store, s->book, &f, e);
	if (rc == 0)
		price_dates_words(&words, &dates);
	if (words.n)
		print_notice("tally: %s: of its usage, %s\n", customer.p, words.p);
	buf_release(&words);
	return rc;
}

/* Drafts of a customer that one of another period replaces. */
struct replaced {
	const struct period *by;
	const struct zone *zone;
	struct buf words;
	size_t count;
};

static int note_draft(void *user, const struct stored_invoice *i)
{
	struct replaced *x = user;
	char days[DAYS_TEXT_MAX];
	const struct period *by = x->by;
	if (!text_is(i->status, "draft") || i->from.us >= by->to.us || i->to.us <= by->from.us ||
	    (i->from.us == by->from.us && i->to.us == by->to.us))
		return 0;
	buf_printf(&x->words, "%s#%lld of %s", x->count++ ? ", " : "", (long long)i->id,
		   days_format(zone_day(x->zone, i->from),
			       zone_day(x->zone, (struct instant){ i->to.us - 1 }), days));
	return 0;
}

static int find_replaced(struct ledger_session *s, const struct account *a, struct replaced *x,
			 struct err *e)
{
	struct zone *zone = NULL;
	int rc = zone_open(&zone, a->zone.p, e);
	x->zone = zone;
	if (rc == 0)
		rc = invoice_each(s->store, a->customer.p, note_draft, x, e);
	zone_close(zone);
	return rc;
}

static int draft_one(struct cli *cli, struct ledger_session *s, struct invoicer *v,
		     struct text customer, struct draft *out, struct err *e)
{
	const struct account *a;
	struct period period = { 0 };
	*out = (struct draft){ 0 };
	int rc = ledger_account(s->ledger, customer, &a, e);
	if (rc == 0)
		rc = choose_period(cli, a, s->now, &period, e);
	struct replaced replaced = { .by = &period };
	if (rc == 0 && !cli->quiet)
		rc = find_replaced(s, a, &replaced, e);
	if (rc == 0)
		rc = invoice_draft(v, a, period, s->now, out, e);
	if (rc == 0 && replaced.count)
		print_notice("tally: %s: this draft replaces %s, which overlapped it\n", customer.p,
			     replaced.words.p);
	buf_release(&replaced.words);
	if (rc == 0 && out->id && !cli->quiet)
		rc = tell_dates(s, customer, period, e);
	return rc == 0 ? cli_tell_before_account(cli, s, customer.p,
						 (struct usage_filter){ .since = period.from,
									.until = period.to },
						 e)
		       : rc;
}

/* What the draft says beside itself. */
static void tell_draft(struct cli *cli, struct text customer, const struct draft *d)
{
	if (!d->id && !cli->quiet && !cli_flag(cli, "all"))
		print_notice("tally: %s: nothing to ask for%s\n", customer.p,
			     cli_flag(cli, "interim") ? " yet (`threshold` in the terms)" : "");
	if (d->refused && !cli->quiet)
		print_notice("tally: %s: %s in quarantine may be of that period, and %s not on the "
			     "invoice (tally quarantine list)\n",
			     customer.p, COUNTED(d->refused, "record"),
			     d->refused == 1 ? "is" : "are");
	if (d->elsewhere)
		print_notice("tally: %s: %s in another currency changed since: draft "
			     "%s with --supplement\n",
			     customer.p, COUNTED(d->elsewhere, "earlier period"),
			     d->elsewhere == 1 ? "it" : "them");
	if (*d->gap_from)
		print_notice(
			"tally: %s: %s to %s are on no invoice and in no period of its billing day: "
			"draft them with --since and --until\n",
			customer.p, d->gap_from, d->gap_last);
}

/* The ledger, with all usage drawn. */
static int open_swept(struct ledger_session *s, struct cli *cli, struct err *e)
{
	struct draw_counts drawn;
	int rc = ledger_session_open(s, cli, DB_WRITE, e);
	if (rc != 0)
		return rc;
	drawer_look_again(s->drawer);
	return drawer_sweep(s->drawer, s->now, &drawn, e);
}

/* Where the invoices of a command are told: one by itself, or a list of them. */
struct telling {
	struct cli *cli;
	struct ledger_session *s;
	bool one;
	struct json_out j;
	struct table *t;
};

/* What the sources of its usage cannot tell; adds what its total may lack. */
static int tell_bound(const struct telling *to, const struct stored_invoice *i, int64_t *lacking,
		      struct err *e)
{
	const int of = (int)i->customer.n;
	struct json_document *d;
	int rc = json_open(&d, i->document, e);
	if (rc != 0)
		return rc;
	const int64_t n = i->placeholders;
	const struct text unsaid_text = json_number(json_member(json_root(d), "unsaid"));
	const int64_t unsaid = unsaid_text.n ? strtoll(unsaid_text.p, NULL, 10) : 0;
	if (n && !to->cli->quiet)
		print_notice(
			"tally: %.*s: %s of the period %s %s, so the invoice is a lower bound\n",
			of, i->customer.p, COUNTED(n, "call"), n == 1 ? "has" : "have",
			known_part(n, unsaid));
	*lacking += n;
	for (json_value *g = json_first(json_member(json_root(d), "left_out")); g;
	     g = json_next(g)) {
		struct buf said = { 0 };
		const bool untold = json_true(json_member(g, "cache_untold"));
		put_log_gap(&said, json_string(json_member(g, "agent")),
			    json_string(json_member(g, "calls")),
			    json_string(json_member(g, "completed_by")), untold);
		if (!to->cli->quiet)
			print_notice("tally: %.*s: %s\n", of, i->customer.p, said.p);
		*lacking += untold;
		buf_release(&said);
	}
	json_close(d);
	return 0;
}

/* An invoice that was drafted or finalized; adds the calls that it lacks, or a part of them. */
static int tell_invoice(struct telling *to, int64_t id, int64_t *lacking, struct err *e)
{
	struct stored_invoice i;
	struct arena texts = { 0 };
	struct buf out = { 0 };
	char name[24];
	snprintf(name, sizeof name, "#%lld", (long long)id);
	int rc = invoice_find(to->s->store, name, &texts, &i, e);
	if (rc == 0)
		*lacking += i.unpriced;
	if (rc == 0)
		rc = tell_bound(to, &i, lacking, e);
	if (rc == 0 && to->one) {
		const struct showing how = { to->s->store, to->s->now, FORMAT_JSON, false };
		rc = put(&out, &how, &i, e);
		plain_write(stdout, (struct text){ out.p, out.n });
	} else if (rc == 0) {
		rc = list_item(to->s->store, to->s->now, to->cli->json ? &to->j : NULL, to->t, &i,
			       e);
	}
	buf_release(&out);
	arena_release(&texts);
	return rc;
}

/* Drafts of one customer after the other; *last is the number of the last one. */
static int draft_each(struct telling *to, struct invoicer *v, const struct names *who,
		      struct outcome *o, int64_t *last, struct err *e)
{
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < who->count; k++) {
		struct draft made;
		struct err why = { 0 };
		rc = ledger_session_one(to->s, e);
		if (rc != 0)
			break;
		int refused = draft_one(to->cli, to->s, v, who->name[k], &made, &why);
		rc = ledger_session_one_ended(to->s, refused, e);
		if (rc == 0 && refused != 0) {
			*e = why;
			rc = take_refusal(o, refused, &why);
			if (rc == 0 && who->count > 1)
				print_notice("tally: %s: %s\n", who->name[k].p, why.message);
			continue;
		}
		if (rc == 0)
			tell_draft(to->cli, who->name[k], &made);
		o->elsewhere += made.elsewhere + (*made.gap_from != 0);
		o->in_quarantine += made.refused;
		if (rc == 0 && to->one && !made.id) {
			open_list(to->cli, &to->j, &to->t, "tally.invoice-list/1");
			close_list(to->cli, &to->j, to->t);
			to->t = NULL;
		}
		if (rc != 0 || !made.id)
			continue;
		*last = made.id;
		rc = tell_invoice(to, made.id, &o->unpriced, e);
	}
	return rc;
}

static int draft(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct invoicer *v = NULL;
	struct exchange_rates *rates = NULL;
	struct names who = { 0 };
	struct telling to = { .cli = cli, .s = &s };
	struct outcome o = { 0 };
	int64_t last = 0;
	if (cli_flag(cli, "interim") && cli_flag(cli, "supplement"))
		return err_set(e, ERR_USAGE, "give --interim or --supplement, not both");
	int rc = open_swept(&s, cli, e);
	if (rc == 0)
		rc = customers_of(cli, s.ledger, &who, e);
	if (rc == 0)
		rc = invoicer_open(&v, s.ledger, s.drawer, e);
	if (rc == 0)
		rc = read_rates(cli, v, &rates, e);
	if (rc == 0 && who.count > 4)
		invoicer_for_all(v);
	if (rc == 0)
		invoicer_part(v, cli_flag(cli, "interim")      ? INVOICE_INTERIM
				 : cli_flag(cli, "supplement") ? INVOICE_SUPPLEMENT
							       : INVOICE_OWN);
	to.one = who.count == 1 && cli->json;
	if (rc == 0 && !to.one)
		open_list(cli, &to.j, &to.t, "tally.invoice-list/1");
	if (rc == 0)
		rc = draft_each(&to, v, &who, &o, &last, e);
	const bool alone = who.count == 1;
	if (rc == 0 && !to.one && !(alone && o.refused))
		close_list(cli, &to.j, to.t);
	else
		table_close(to.t);
	invoicer_close(v);
	exchange_close(rates);
	rc = ledger_session_close(&s, rc, e);
	free(who.name);
	arena_release(&who.arena);
	if (rc == 0 && !cli->json && !cli->quiet && last)
		print_note("\ntally invoice show %lld shows the last one; tally invoice finalize "
			   "%lld makes it final",
			   (long long)last, (long long)last);
	if (rc == 0 && o.unpriced && !cli->quiet)
		print_notice("tally: %s %s no price or %s not covered by the plan: the totals "
			     "are lower bounds\n",
			     COUNTED(o.unpriced, "record"), o.unpriced == 1 ? "has" : "have",
			     o.unpriced == 1 ? "is" : "are");
	return rc == 0 ? exit_of(&o, alone, e) : rc;
}

const struct command command_invoice_draft = {
	.name = "invoice draft",
	.place = HELP_BILL + 2,
	.summary = "draft invoices of a period",
	.arguments = "[CUSTOMER...]",
	.arguments_min = 0,
	.arguments_max = -1,
	.description = "Computes the period under the account's terms and stores it as a draft; "
		       "repeating it replaces the draft. Usage of earlier periods that arrived or "
		       "changed after their invoices were final appears as adjustments.",
	.examples = "  tally invoice draft acme --period 2026-10\n"
		    "  tally invoice draft --all\n",
	.options = draft_options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_PERIOD,
	.run = draft,
};

/* --- final --- */

static const struct option finalize_options[] = {
	{ "all", 0, NULL, "every draft of a complete period, and every interim one", false },
	{ "rates", 0, "FILE", "exchange rates by day, as for `invoice draft`", true },
	{ "accept-uncovered", 0, NULL,
	  "even if some usage has no price or is not covered by the plan", false },
	{ 0 },
};

struct drafts {
	struct named_draft {
		int64_t id;
		const char *name; /* customer, period and number */
	} * draft;
	size_t count, early; /* early: of a period that goes on */
	struct instant now;
	struct arena names;
};

static void keep_draft(struct drafts *d, const struct stored_invoice *i)
{
	struct buf name = { 0 };
	buf_printf(&name, "%.*s, %.*s to %.*s (#%lld)", (int)i->customer.n, i->customer.p,
		   (int)i->first_day.n, i->first_day.p, (int)i->last_day.n, i->last_day.p,
		   (long long)i->id);
	d->draft = mem_grow(d->draft, (d->count + 1) * sizeof *d->draft);
	d->draft[d->count++] = (struct named_draft){ i->id, arena_text(&d->names, name.p, name.n) };
	buf_release(&name);
}

static int add_draft(void *user, const struct stored_invoice *i)
{
	struct drafts *d = user;
	if (!text_is(i->status, "draft"))
		return 0;
	if (i->to.us > d->now.us && i->part != INVOICE_INTERIM) {
		d->early++;
		return 0;
	}
	keep_draft(d, i);
	return 0;
}

/* The drafts that are named, or all. */
static int drafts_of(struct drafts *d, struct cli *cli, struct store *store, struct err *e)
{
	int rc = 0;
	if (cli_flag(cli, "all"))
		rc = invoice_each(store, NULL, add_draft, d, e);
	else if (cli->argument_count == 0)
		rc = err_set(e, ERR_USAGE,
			     "name the draft by its number (tally invoice list), or --all");
	for (int i = 0; rc == 0 && i < cli->argument_count; i++) {
		struct stored_invoice found;
		struct arena texts = { 0 };
		rc = invoice_find(store, cli->argument[i], &texts, &found, e);
		if (rc == 0)
			keep_draft(d, &found);
		arena_release(&texts);
	}
	return rc;
}

static int finalize(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct invoicer *v = NULL;
	struct exchange_rates *rates = NULL;
	struct drafts d = { 0 };
	struct telling to = { .cli = cli, .s = &s };
	int64_t unpriced = 0; /* the draft told it */
	struct outcome o = { 0 };
	size_t done = 0;
	int rc = open_swept(&s, cli, e);
	d.now = s.now;
	if (rc == 0)
		rc = drafts_of(&d, cli, s.store, e);
	if (rc == 0 && d.early && !cli->quiet)
		fprintf(stderr, "tally: %zu %s left out: name %s to finalize\n", d.early,
			d.early == 1 ? "draft of a period that goes on is"
				     : "drafts of periods that go on are",
			d.early == 1 ? "it" : "them");
	if (rc == 0)
		rc = invoicer_open(&v, s.ledger, s.drawer, e);
	if (rc == 0)
		rc = read_rates(cli, v, &rates, e);
	if (rc == 0 && d.count > 4)
		invoicer_for_all(v);
	if (rc == 0 && cli_flag(cli, "accept-uncovered"))
		invoicer_accept_uncovered(v);
	const size_t wanted = d.count;
	for (size_t k = 0; rc == 0 && k < d.count; k++) {
		struct err why = { 0 };
		rc = ledger_session_one(&s, e);
		if (rc != 0)
			break;
		int refused = invoice_finalize(v, d.draft[k].id, s.now, &why);
		rc = ledger_session_one_ended(&s, refused, e);
		if (rc != 0)
			break;
		if (refused == 0) {
			d.draft[done++] = d.draft[k];
			continue;
		}
		err_context(&why, "%s", d.draft[k].name);
		*e = why;
		/* what was named is done together or not at all */
		rc = cli_flag(cli, "all") ? take_refusal(&o, refused, &why) : refused;
		if (rc == 0 && wanted > 1)
			print_notice("tally: %s\n", why.message);
	}
	d.count = done;
	if (rc == 0 && !(wanted == 1 && o.refused))
		open_list(cli, &to.j, &to.t, "tally.invoice-list/1");
	for (size_t k = 0; rc == 0 && k < d.count; k++)
		rc = tell_invoice(&to, d.draft[k].id, &unpriced, e);
	if (rc == 0 && !(wanted == 1 && o.refused))
		close_list(cli, &to.j, to.t);
	else
		table_close(to.t);
	invoicer_close(v);
	exchange_close(rates);
	free(d.draft);
	arena_release(&d.names);
	rc = ledger_session_close(&s, rc, e);
	return rc == 0 ? exit_of(&o, wanted == 1, e) : rc;
}

const struct command command_invoice_finalize = {
	.name = "invoice finalize",
	.place = HELP_BILL + 4,
	.summary = "finalize drafts: number them; this cannot be undone",
	.arguments = "[#ID...]",
	.arguments_min = 0,
	.arguments_max = -1,
	.description =
		"Computes the draft again, gives it the next number of its series, and enters its "
		"hash "
		"in the journal, all or nothing. What changes later becomes an adjustment on the "
		"next invoice, or a credit note.",
	.examples = "  tally invoice finalize 12\n  tally invoice finalize --all\n",
	.options = finalize_options,
	.common = TAKES_DB | TAKES_PRICES,
	.run = finalize,
};

/* --- list --- */

/* What a customer owes in one currency, and what it has paid too much. */
struct account_due {
	char currency[32];
	struct money_total due, overdue, credit;
};

struct listing {
	struct store *store;
	struct table *t;
	struct instant at;
	struct account_due *sum;
	size_t sums;
	struct err *e;
};

static void add_due(struct listing *l, const struct stored_invoice *i, const struct settlement *x)
{
	size_t k = 0;
	while (k < l->sums && !text_is(i->currency, l->sum[k].currency))
		k++;
	if (k == l->sums) {
		l->sum = mem_grow(l->sum, (l->sums + 1) * sizeof *l->sum);
		l->sum[l->sums++] = (struct account_due){ 0 };
		snprintf(l->sum[k].currency, sizeof l->sum[k].currency, "%.*s", (int)i->currency.n,
			 i->currency.p);
	}
	if (x->due.atto < 0)
		l->sum[k].credit.atto -= x->due.atto;
	else
		l->sum[k].due.atto += x->due.atto;
	if (x->state == SETTLEMENT_OVERDUE)
		l->sum[k].overdue.atto += x->due.atto;
}

static int list_one(void *user, const struct stored_invoice *i)
{
	struct listing *l = user;
	struct settlement x;
	int rc = settlement_read(l->store, i, l->at, &x, l->e);
	if (rc != 0)
		return rc;
	if (x.due.atto)
		add_due(l, i, &x);
	row_of(l->t, i, &x);
	return 0;
}

/* A line for each currency, each amount with its own. */
static void put_dues(const struct listing *l)
{
	struct buf amount = { 0 };
	for (size_t k = 0; k < l->sums; k++) {
		const struct account_due *a = &l->sum[k];
		const struct money_total sum[] = { a->due, a->overdue, a->credit };
		static const char *const what[] = { "due", "overdue", "credit balance" };
		char plain[DECIMAL_TEXT_MAX];
		for (size_t n = 0; n < sizeof sum / sizeof *sum; n++) {
			if (n && sum[n].atto == 0)
				continue;
			money_total_format(sum[n], plain);
			printf("%s%s %s %s",
			       n   ? ", "
			       : k ? ""
				   : "\n",
			       what[n], coins_text(&amount, plain, text_of(a->currency)),
			       a->currency);
		}
		printf("\n");
	}
	buf_release(&amount);
}

static const struct option list_options[] = {
	{ "at", 0, "WHEN", "payment status at WHEN (default now)", false }, { 0 }
};

static int list(struct cli *cli, struct err *e)
{
	struct json_out j;
	struct listing x = { .e = e };
	int rc = when_of(cli, &x.at, e);
	if (rc == 0)
		rc = cli_store(cli, &x.store, DB_READ, e);
	const char *customer = cli->argument_count ? cli->argument[0] : NULL;
	if (rc == 0 && cli->json) {
		json_out_open(&j, stdout);
		rc = billing_report_put(
			&j, &(struct billing_question){ x.store, customer, NULL, x.at }, e);
		json_out_close_if(&j, rc == 0);
	} else if (rc == 0) {
		open_list(cli, &j, &x.t, NULL);
		rc = invoice_each(x.store, customer, list_one, &x, e);
		close_list(cli, &j, x.t);
		if (rc == 0)
			put_dues(&x);
	}
	free(x.sum);
	store_close(x.store);
	return rc;
}

const struct command command_invoice_list = {
	.name = "invoice list",
	.place = HELP_BILL + 6,
	.summary = "drafts, invoices and credit notes",
	.arguments = "[CUSTOMER]",
	.arguments_max = 1,
	.description = "In order of period, with the amounts paid and due.",
	.examples = "  tally invoice list acme --json\n  tally invoice list --at 2026-12-31\n",
	.options = list_options,
	.common = TAKES_DB | TAKES_ZONE,
	.run = list,
};

/* --- void and note --- */

static const struct option why_options[] = { { "why", 0, "TEXT", "the reason (stored)", false },
					     { 0 } };

static int take_back(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct stored_invoice i = { 0 };
	struct arena texts = { 0 };
	const char *why = cli_value(cli, "why");
	if (!why)
		return err_set(e, ERR_USAGE, "--why is required");
	int rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		rc = invoice_find(s.store, cli->argument[0], &texts, &i, e);
	const bool note = rc == 0 && text_is(i.kind, "note");
	arena_release(&texts);
	if (rc == 0)
		rc = invoice_void(s.ledger, i.id, why, s.now, e);
	rc = ledger_session_close(&s, rc, e);
	return rc ? rc
		  : cli_done(cli, true, cli->argument[0], "%s: void; %s", cli->argument[0],
			     note ? "what it credited can be credited again"
				  : "its period can be invoiced again");
}

const struct command command_invoice_void = {
	.name = "invoice void",
	.place = HELP_BILL + 10,
	.summary = "void a final invoice",
	.arguments = "NUMBER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"It keeps its number and stays readable; its period can be invoiced again. To "
		"refund a part of it, write a credit note.",
	.examples = "  tally invoice void 2026-000017 --why 'wrong address'\n",
	.options = why_options,
	.common = TAKES_DB,
	.run = take_back,
};

/* A positive amount as people write it, in the invoice's currency. */
static int amount_typed(struct money_total *out, const char *what, const char *text,
			const struct stored_invoice *i, struct err *e)
{
	char currency[16];
	struct decimal d;
	snprintf(currency, sizeof currency, "%.*s", (int)i->currency.n, i->currency.p);
	int rc = cli_amount_of(what, text, strcmp(currency, "credits") == 0 ? NULL : currency, &d,
			       e);
	if (rc == 0 && d.digits == 0)
		rc = err_set(e, ERR_USAGE, "%s: '%s' is not a positive amount", what, text);
	return rc == 0 ? amount_from_decimal(out, d, e) : rc;
}

static const struct option note_options[] = {
	{ "amount", 0, "AMOUNT", "amount credited (default the rest of the invoice)", false },
	{ "why", 0, "TEXT", "the reason, printed on the note", false },
	{ 0 },
};

static int note(struct cli *cli, struct err *e)
{
	struct ledger_session s;
	struct stored_invoice i;
	struct arena texts = { 0 };
	const char *why = cli_value(cli, "why"), *text = cli_value(cli, "amount");
	struct money_total amount;
	int64_t id = 0;
	char name[24];
	if (!why)
		return err_set(e, ERR_USAGE, "--why is required");
	int rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		rc = invoice_find(s.store, cli->argument[0], &texts, &i, e);
	if (rc == 0 && text)
		rc = amount_typed(&amount, "--amount", text, &i, e);
	if (rc == 0)
		rc = invoice_note(s.ledger,
				  &(struct note_asked){ i.id, text ? &amount : NULL, why }, s.now,
				  &id, e);
	snprintf(name, sizeof name, "#%lld", (long long)id);
	if (rc == 0)
		rc = invoice_find(s.store, name, &texts, &i, e);
	if (rc == 0 && cli->json) {
		struct buf out = { 0 };
		rc = put(&out, &(struct showing){ s.store, s.now, FORMAT_JSON, false }, &i, e);
		plain_write(stdout, (struct text){ out.p, out.n });
		buf_release(&out);
	} else if (rc == 0 && !cli->quiet) {
		printf("%.*s\n", (int)i.number.n, i.number.p);
	}
	arena_release(&texts);
	return ledger_session_close(&s, rc, e);
}

const struct command command_invoice_note = {
	.name = "invoice note",
	.place = HELP_BILL + 12,
	.summary = "write a credit note for a final invoice",
	.arguments = "NUMBER",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Notes have numbers of their own (CN-...), and together never credit more "
		       "than the invoice.",
	.examples = "  tally invoice note 2026-000017 --amount 12.50 --why 'outage of 3 October'\n",
	.options = note_options,
	.common = TAKES_DB,
	.run = note,
};

/* --- payments --- */

static const struct option pay_options[] = {
	{ "at", 0, "WHEN", "when the money moved (default now)", false },
	{ "reference", 0, "TEXT",
	  "reference of the bank or processor; repeating it "
	  "changes nothing",
	  false },
	{ "back", 0, NULL, "a refund to the customer, or a bounced payment", false },
	{ "from", 0, "NUMBER", "from the overpayment of another invoice", false },
	{ 0 },
};

/* "-5" is paid back as 5 with --back is. */
static int read_payment(struct cli *cli, const struct stored_invoice *i, struct payment *p,
			struct err *e)
{
	const char *text = cli->argument[1], *reference = cli_value(cli, "reference");
	const bool back = cli_flag(cli, "back"), below = *text == '-';
	if (below && (back || cli_value(cli, "from")))
		return err_set(e, ERR_USAGE, "'%s' is not a positive amount", text);
	if (back && cli_value(cli, "from"))
		return err_set(e, ERR_USAGE, "give --back or --from, not both");
	int rc = amount_typed(&p->amount, "AMOUNT", text + below, i, e);
	if (rc == 0 && (back || below))
		p->amount.atto = -p->amount.atto;
	p->reference = text_of(reference ? reference : "");
	return rc == 0 ? when_of(cli, &p->at, e) : rc;
}

static int pay(struct cli *cli, struct err *e)
{
	struct ledger_session s = { 0 };
	struct stored_invoice i = { 0 }, from = { 0 };
	struct arena texts = { 0 };
	struct buf out = { 0 };
	struct payment p = { 0 };
	const char *giver = cli_value(cli, "from");
	bool again = false;
	int rc = ledger_session_open(&s, cli, DB_WRITE, e);
	if (rc == 0)
		rc = invoice_find(s.store, cli->argument[0], &texts, &i, e);
	if (rc == 0)
		rc = read_payment(cli, &i, &p, e);
	if (rc == 0 && giver)
		rc = invoice_find(s.store, giver, &texts, &from, e);
	p.invoice = i.id;
	if (!cli_value(cli, "at"))
		p.at = s.now;
	if (rc == 0)
		rc = giver ? payment_move(s.ledger, from.id, &p, s.now, &again, e)
			   : payment_add(s.ledger, &p, s.now, &again, e);
	if (rc == 0 && cli->json) {
		rc = put(&out, &(struct showing){ s.store, s.now, FORMAT_JSON, false }, &i, e);
	} else if (rc == 0 && !cli->quiet) {
		struct settlement x;
		char due[DECIMAL_TEXT_MAX];
		struct buf amount = { 0 };
		rc = settlement_read(s.store, &i, s.now, &x, e);
		const bool credit = x.due.atto < 0;
		money_total_format((struct money_total){ credit ? -x.due.atto : x.due.atto }, due);
		buf_printf(&out, "%.*s: %s%s, %s %s %.*s\n", (int)i.number.n, i.number.p,
			   again ? "was recorded already; " : "", settlement_name(x.state),
			   credit ? "credit balance" : "due", coins_text(&amount, due, i.currency),
			   (int)i.currency.n, i.currency.p);
		buf_release(&amount);
	}
	rc = ledger_session_close(&s, rc, e);
	if (rc == 0)
		plain_write(stdout, (struct text){ out.p, out.n });
	buf_release(&out);
	arena_release(&texts);
	return rc;
}

const struct command command_invoice_pay = {
	.name = "invoice pay",
	.place = HELP_BILL + 14,
	.summary = "record a payment or refund for an invoice",
	.arguments = "NUMBER AMOUNT",
	.arguments_min = 2,
	.arguments_max = 2,
	.description =
		"In the invoice's currency. An invoice is open, partly paid, paid or overdue; an "
		"overpayment (beyond the total less credit notes) is a credit balance: refund it "
		"(--back) or apply it to another invoice (--from).",
	.examples = "  tally invoice pay 2026-000017 69.39 --at 2026-11-12 --reference bank-4711\n"
		    "  tally invoice pay 2026-000017 5 --back\n"
		    "  tally invoice pay 2026-000018 5 --from 2026-000017\n",
	.options = pay_options,
	.common = TAKES_DB | TAKES_ZONE,
	.run = pay,
};
