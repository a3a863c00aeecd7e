#include "reports/unpriced_report.h"

#include "reports/table.h"

enum { REASONS_SHOWN = 10 };

void print_unpriced(const struct unpriced *u)
{
	bool nameless = false, named = false;
	if (u->records == 0)
		return;
	print_note("%s without a price, so totals are lower bounds:", COUNTED(u->records, u->noun));
	for (size_t i = 0; i < u->reasons; i++) {
		const struct unpriced_reason r = u->reason(u->of, i);
		nameless |= r.model.n == 0;
		named |= r.model.n != 0;
		if (i < REASONS_SHOWN)
			print_note("  %s x %.*s: %s", COUNTED(r.records, ""),
				   r.model.n ? (int)r.model.n : 10,
				   r.model.n ? r.model.p : "(no model)", r.why);
	}
	if (u->reasons > REASONS_SHOWN)
		print_note("  and %zu more reasons (--json lists all)", u->reasons - REASONS_SHOWN);
	if (u->name_it && nameless)
		print_note("  %s", u->name_it);
	if (u->mend && named)
		print_note("  newer prices: `tally price update`; a card of your own: `tally price "
			   "install CARD`%s",
			   u->mend);
}
