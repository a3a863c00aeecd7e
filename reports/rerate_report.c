#include "reports/rerate_report.h"

void rerate_report_price(struct buf *b, struct text ref, struct text window, struct text why)
{
	b->n = 0;
	if (why.n)
		buf_printf(b, "none: %.*s", (int)why.n, why.p);
	else
		buf_printf(b, "%.*s %.*s", (int)ref.n, ref.p, (int)window.n, window.p);
}

void rerate_report_put(struct json_out *j, const struct rerate_result *r, bool dry,
		       struct text currency, const char *cards)
{
	struct buf b = { 0 };
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.rerate/1");
	json_out_bool(j, "dry_run", dry);
	json_out_text(j, "currency", currency);
	json_out_int(j, "records", r->records);
	json_out_int(j, "kept", r->kept);
	json_out_int(j, "in_another_currency", r->elsewhere);
	json_out_int(j, "of_other_cards", r->others);
	json_out_string(j, "cards_not_at_hand", r->missing.n ? r->missing.p : NULL);
	json_out_string(j, "rated_by_other_cards", cards);
	json_out_money(j, "before", r->before);
	json_out_money(j, "after", r->after);
	json_out_money(j, "delta", money_total_minus(r->after, r->before));
	json_out_array(j, "changes");
	for (size_t i = 0; i < r->count; i++) {
		const struct rerate_line *l = &r->line[i];
		json_out_object(j, NULL);
		json_out_text(j, "model", l->model);
		json_out_int(j, "records", l->records);
		rerate_report_price(&b, l->from_ref, l->from_window, l->from_why);
		json_out_string(j, "was", b.p);
		rerate_report_price(&b, l->to_ref, l->to_window, l->to_why);
		json_out_string(j, "is", b.p);
		json_out_money(j, "before", l->before);
		json_out_money(j, "after", l->after);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
	buf_release(&b);
}
