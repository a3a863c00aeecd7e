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

void print_stand_ins(const struct stand_ins *s)
{
	char text[DECIMAL_TEXT_MAX];
	struct buf names = { 0 };
	if (!s->records)
		return;
	for (size_t i = 0; i < s->sellers; i++)
		if (s->seller[i].records)
			buf_printf(&names, "%s%s", names.n ? ", " : "", s->seller[i].name);
	print_note(
		"\n%s of sellers without a card (%s%s) ha%s the price of the model's maker: %s in "
		"all; a card of theirs: `tally price install CARD`",
		COUNTED(s->records, "record"), names.p ? names.p : "", s->others ? ", ..." : "",
		s->records == 1 ? "s" : "ve", money_total_format(s->cost, text));
	buf_release(&names);
}

void put_stand_ins(struct json_out *j, const struct stand_ins *s)
{
	json_out_object(j, "stand_ins");
	json_out_int(j, "records", s->records);
	json_out_money(j, "cost", s->cost);
	json_out_array(j, "sellers");
	for (size_t i = 0; i < s->sellers; i++)
		if (s->seller[i].records)
			json_out_string(j, NULL, s->seller[i].name);
	json_out_end(j, ']');
	json_out_bool(j, "more_sellers", s->others);
	json_out_end(j, '}');
}
