#include "reports/recorded_cost_report.h"

#include <stdio.h>

#include "reports/amount.h"
#include "reports/table.h"
#include "reports/plain.h"

static const char *const names[COST_KINDS] = { "charged", "estimated" };

void put_cost_compared(struct json_out *j, const struct recorded_cost *k)
{
	json_out_int(j, "compared", k->compared);
	json_out_money(j, "theirs", k->theirs);
	json_out_money(j, "ours", k->ours);
	json_out_money(j, "difference", money_total_minus(k->theirs, k->ours));
}

void put_recorded_cost(struct json_out *j, const struct recorded_cost kind[COST_KINDS])
{
	json_out_object(j, "recorded_cost");
	for (int i = 0; i < COST_KINDS; i++) {
		const struct recorded_cost *k = &kind[i];
		json_out_object(j, names[i]);
		json_out_int(j, "records", k->records);
		json_out_money(j, "total", k->total);
		put_cost_compared(j, k);
		json_out_end(j, '}');
	}
	json_out_end(j, '}');
}

void print_recorded_cost(const struct recorded_cost kind[COST_KINDS])
{
	static const char *const who[COST_KINDS] = { "sellers say that they charged",
						     "agents and gateways estimate" };
	char records[COUNT_WORDS_MAX];
	struct buf b = { 0 };
	bool any = false;
	for (int i = 0; i < COST_KINDS; i++) {
		const struct recorded_cost *k = &kind[i];
		if (!k->records)
			continue;
		any = true;
		put_money(&b, k->total, "USD", EXACTLY);
		print_note("\nrecorded cost: %s %s for %s", who[i], b.p,
			   count_words(records, k->records, "record"));
		if (!k->compared)
			continue;
		const struct money_total more = money_total_minus(k->theirs, k->ours);
		struct buf theirs = { 0 }, ours = { 0 };
		put_money(&theirs, k->theirs, "USD", EXACTLY);
		put_money(&ours, k->ours, "USD", EXACTLY);
		put_money(&b, more.atto < 0 ? (struct money_total){ -more.atto } : more, "USD",
			  EXACTLY);
		print_note("  %lld of them have a price here: %s there, %s here, %s %s",
			   (long long)k->compared, theirs.p, ours.p, b.p,
			   more.atto < 0 ? "less" : "more");
		buf_release(&theirs);
		buf_release(&ours);
	}
	if (!any)
		print_note("\nrecorded cost: no record states what it cost");
	buf_release(&b);
}

void put_recorded_total(struct buf *b, const struct recorded_cost kind[COST_KINDS])
{
	struct money_total total = kind[COST_CHARGED].total;
	b->n = 0;
	buf_puts(b, "");
	/* the parts of a report whose sums hold */
	if (kind[COST_CHARGED].records || kind[COST_ESTIMATED].records) {
		total.atto += kind[COST_ESTIMATED].total.atto;
		put_money(b, total, "USD", EXACTLY);
	}
}

void print_by_seller(int64_t records, struct money_total total, const char *currency)
{
	struct buf b = { 0 };
	if (!records)
		return;
	put_money(&b, total, currency, EXACTLY);
	print_note("\n%s of the total is what the seller says that it charged for %s, "
		   "which no card prices",
		   b.p, COUNTED(records, "record"));
	buf_release(&b);
}
