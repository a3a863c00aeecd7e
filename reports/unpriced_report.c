#include "reports/unpriced_report.h"

#include <string.h>

#include "reports/table.h"

enum { REASONS_SHOWN = 10 };

void print_unpriced(const struct unpriced *u)
{
	bool nameless = false, named = false, column = false;
	if (u->records == 0)
		return;
	print_note("%s without a price, so totals are lower bounds:", COUNTED(u->records, u->noun));
	for (size_t i = 0; i < u->reasons; i++) {
		const struct unpriced_reason r = u->reason(u->of, i);
		nameless |= r.model.n == 0;
		const bool unknown = strstr(r.why, "of no known meaning") != NULL;
		column |= unknown;
		named |= r.model.n != 0 && !unknown; /* no card helps there */
		if (i < REASONS_SHOWN)
			print_note("  %s x %.*s: %s", COUNTED(r.records, ""),
				   r.model.n ? (int)r.model.n : 10,
				   r.model.n ? r.model.p : "(no model)", r.why);
	}
	if (u->reasons > REASONS_SHOWN)
		print_note("  and %zu more reasons (--json lists all)", u->reasons - REASONS_SHOWN);
	if (u->name_it && nameless)
		print_note("  %s", u->name_it);
	if (column)
		print_note(
			"  what a column counts is named with --map FIELD=COLUMN; one that counts "
			"nothing with --map none=COLUMN");
	if (u->mend && named)
		print_note("  newer prices: `tally price update`; a card of your own: `tally price "
			   "install CARD`%s",
			   u->mend);
}

static void put_names(struct buf *b, const struct named_calls *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->of[i].records)
			buf_printf(b, "%s%s", b->n ? ", " : "", s->of[i].name);
	if (s->others)
		buf_puts(b, ", ...");
}

void print_stand_ins(const struct named_calls *s)
{
	char text[DECIMAL_TEXT_MAX];
	struct buf names = { 0 };
	if (!s->records)
		return;
	put_names(&names, s);
	print_note("\n%s of sellers without a card (%s) ha%s the price of the model's maker: %s in "
		   "all; a card of theirs: `tally price install CARD`",
		   COUNTED(s->records, "record"), names.p ? names.p : "",
		   s->records == 1 ? "s" : "ve", money_total_format(s->cost, text));
	buf_release(&names);
}

void print_moving_names(const struct named_calls *m)
{
	char text[DECIMAL_TEXT_MAX];
	struct buf names = { 0 };
	if (!m->records)
		return;
	put_names(&names, m);
	print_note("\n%s of names that move to newer models (%s) ha%s the last price that is known "
		   "of the name: %s in all; `tally cost` says since when",
		   COUNTED(m->records, "record"), names.p ? names.p : "",
		   m->records == 1 ? "s" : "ve", money_total_format(m->cost, text));
	buf_release(&names);
}

static void put_named(struct json_out *j, const struct named_calls *s, const char *names,
		      const char *more)
{
	json_out_int(j, "records", s->records);
	json_out_money(j, "cost", s->cost);
	json_out_array(j, names);
	for (size_t i = 0; i < s->count; i++)
		if (s->of[i].records)
			json_out_string(j, NULL, s->of[i].name);
	json_out_end(j, ']');
	json_out_bool(j, more, s->others);
	json_out_end(j, '}');
}

void put_stand_ins(struct json_out *j, const struct named_calls *s)
{
	json_out_object(j, "stand_ins");
	put_named(j, s, "sellers", "more_sellers");
}

void put_moving_names(struct json_out *j, const struct named_calls *m)
{
	json_out_object(j, "moving_names");
	put_named(j, m, "names", "more_names");
}
