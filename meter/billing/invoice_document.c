/* An invoice as the document "tally.invoice/1": what is shown, stored and compared with later. */
#include "base/json.h"
#include "meter/billing/invoice.h"

static void put_text(struct buf *b, const char *key, struct text value)
{
	buf_printf(b, ",\"%s\":", key);
	json_put_string(b, value);
}

static void put_amount(struct buf *b, const char *key, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	buf_printf(b, ",\"%s\":\"%s\"", key, money_total_format(m, text));
}

static void put_instant(struct buf *b, const char *key, struct instant t)
{
	char text[INSTANT_TEXT_MAX];
	buf_printf(b, "\"%s\":\"%s\"", key, instant_format(t, text));
}

static void put_line(struct buf *b, const struct invoice *i, const struct invoice_line *l)
{
	static const char *const kinds[] = LINE_KIND_NAMES;
	char text[DECIMAL_TEXT_MAX];
	buf_puts(b, "{\"description\":");
	json_put_string(b, l->description);
	const bool adjusts = i->period[l->period].corrects.n;
	buf_printf(b, ",\"kind\":\"%s\"", adjusts ? "adjustment" : kinds[l->kind]);
	put_text(b, "provider", l->provider);
	put_text(b, "project", l->project);
	put_text(b, "model", l->model);
	put_text(b, "bucket", l->bucket);
	buf_printf(b, ",\"quantity\":\"%s\"", quantity_format(l->quantity, text));
	put_text(b, "unit_price", l->unit_price);
	/* tokens are priced by the million */
	buf_printf(b, ",\"unit\":\"%s\"",
		   bucket_by_name(l->bucket.p ? l->bucket.p : "", l->bucket.n) >= 0 &&
				   l->kind == LINE_USAGE
			   ? "million tokens"
		   : l->bucket.n ? "each"
				 : "");
	put_amount(b, "exact", l->exact);
	put_amount(b, "amount", l->amount);
	if (l->why.n)
		buf_printf(b, ",\"why\":%.*s", (int)l->why.n, l->why.p);
	if (l->kind != LINE_USAGE)
		put_text(b, "item", l->item.n ? l->item : l->description);
	if (adjusts) {
		put_text(b, "corrects", i->period[l->period].corrects);
		buf_printf(b, ",\"of\":\"%s\"", kinds[l->kind]);
	}
	if (l->period)
		buf_printf(b, ",\"period\":%zu", l->period);
	buf_puts(b, "}");
}

static void put_taxes(struct buf *b, const struct invoice_tax *tax, size_t taxes)
{
	char text[DECIMAL_TEXT_MAX];
	buf_puts(b, ",\"taxes\":[");
	for (size_t k = 0; k < taxes; k++) {
		buf_puts(b, k ? ",{\"name\":" : "{\"name\":");
		json_put_string(b, tax[k].name);
		buf_printf(b, ",\"percent\":\"%s\"", decimal_format(tax[k].percent, text));
		put_amount(b, "amount", tax[k].amount);
		buf_puts(b, "}");
	}
	buf_puts(b, "]");
}

/* The rates of a period, each also in words. */
static void put_rates(struct buf *b, const struct invoice_period *p)
{
	char text[DECIMAL_TEXT_MAX];
	if (p->rates)
		buf_puts(b, ",\"rates\":[");
	for (size_t k = 0; k < p->rates; k++) {
		const struct exchange_rate *r = &p->rate[k];
		struct buf words = { 0 };
		buf_printf(b, "%s{\"day\":\"%s\"", k ? "," : "", day_format(r->day, text));
		put_text(b, "from", r->from);
		put_text(b, "to", r->to);
		buf_printf(b, ",\"multiply\":\"%s\"", quantity_format(r->multiply, text));
		buf_printf(b, ",\"divide\":\"%s\"", quantity_format(r->divide, text));
		put_text(b, "source", r->source);
		exchange_put(&words, r);
		put_text(b, "rate", (struct text){ words.p, words.n });
		buf_release(&words);
		buf_puts(b, "}");
	}
	if (p->rates)
		buf_puts(b, "]");
}

/* What was charged for each period, and under which terms: what later documents go by. */
static void put_periods(struct buf *b, const struct invoice *i)
{
	buf_puts(b, ",\n\"periods\":[");
	for (size_t k = 0; k < i->periods; k++) {
		const struct invoice_period *p = &i->period[k];
		buf_puts(b, k ? ",\n{" : "\n{");
		put_instant(b, "from", p->from);
		buf_puts(b, ",");
		put_instant(b, "to", p->to);
		if (p->corrects.n)
			put_text(b, "corrects", p->corrects);
		if (p->advance)
			buf_puts(b, ",\"advance\":true");
		put_amount(b, "credits_applied", p->credits_applied);
		put_taxes(b, p->tax, p->taxes);
		put_rates(b, p);
		if (p->worth.currency.n) {
			char text[DECIMAL_TEXT_MAX];
			buf_printf(b, ",\"credit_worth\":{\"credits\":\"%s\"",
				   decimal_format(p->worth.per, text));
			put_text(b, "currency", p->worth.currency);
			buf_puts(b, "}");
		}
		buf_puts(b, ",\"terms\":");
		buf_add(b, p->terms.p, p->terms.n);
		buf_puts(b, "}");
	}
	buf_puts(b, "]");
}

/* What the sources of the usage cannot tell. */
static void put_bound(struct buf *b, const struct lower_bound *bound)
{
	bool first = true;
	if (bound->placeholders)
		buf_printf(b, ",\"placeholders\":%lld,\"unsaid\":%lld", bound->placeholders,
			   bound->unsaid);
	for (size_t k = 0; k < LOG_GAPS; k++) {
		const struct log_gap *g = log_gap_at(k);
		if (!lower_bound_open(bound, k))
			continue;
		buf_puts(b, first ? ",\"left_out\":[{" : ",{");
		first = false;
		buf_puts(b, "\"agent\":");
		json_put_string(b, text_of(g->agent));
		put_text(b, "calls", text_of(g->left_out));
		put_text(b, "completed_by", text_of(g->completed_by));
		buf_puts(b, g->cache_untold ? ",\"cache_untold\":true}" : "}");
	}
	buf_puts(b, first ? "" : "]");
}

void invoice_put(struct buf *b, const struct invoice *i, const char *status, const char *number,
		 struct instant issued)
{
	buf_puts(b, "{\"schema\":\"tally.invoice/1\",\"number\":");
	if (number)
		json_put_string(b, text_of(number));
	else
		buf_puts(b, "null");
	buf_printf(b, ",\"status\":\"%s\"", status);
	if (i->part != INVOICE_OWN)
		buf_printf(b, ",\"part\":\"%s\"",
			   i->part == INVOICE_INTERIM ? "interim" : "supplement");
	put_text(b, "customer", i->customer);
	buf_puts(b, ",\"period\":{");
	put_instant(b, "from", i->from);
	buf_puts(b, ",");
	put_instant(b, "to", i->to);
	buf_printf(b, ",\"first_day\":\"%s\",\"last_day\":\"%s\"", i->from_day, i->last_day);
	put_text(b, "timezone", i->zone);
	buf_puts(b, "}");
	put_text(b, "currency", i->currency);
	put_text(b, "plan", i->plan);
	if (number) {
		buf_puts(b, ",");
		put_instant(b, "issued", issued);
		buf_puts(b, ",");
		put_instant(b, "due",
			    (struct instant){ issued.us + i->terms.due_days * US_PER_DAY });
	}
	if (i->terms.issuer) {
		buf_puts(b, ",\"issuer\":");
		json_put_value(b, i->terms.issuer);
	}
	if (i->terms.customer) {
		buf_puts(b, ",\"bill_to\":");
		json_put_value(b, i->terms.customer);
	}
	buf_puts(b, ",\"lines\":[");
	for (size_t k = 0; k < i->lines; k++) {
		buf_puts(b, k ? ",\n" : "\n");
		put_line(b, i, &i->line[k]);
	}
	buf_printf(b, "],\n\"rounding\":{\"places\":%d,\"mode\":\"%s\",\"of\":\"%s\"}",
		   i->terms.round.places, rounding_name(i->terms.round.mode),
		   i->terms.by_document ? "document" : "line");
	if (i->terms.reverse_charge)
		buf_puts(b, ",\"reverse_charge\":true");
	if (i->terms.tax_inclusive)
		buf_puts(b, ",\"tax_inclusive\":true");
	put_amount(b, "residual", i->residual);
	put_amount(b, "subtotal", i->subtotal);
	put_amount(b, "credits_applied", i->credits_applied);
	put_taxes(b, i->tax, i->taxes);
	put_amount(b, "total", i->total);
	if (i->unpriced)
		buf_printf(b, ",\"unpriced\":%lld", (long long)i->unpriced);
	put_bound(b, &i->bound);
	if (i->terms.language.n)
		put_text(b, "language", i->terms.language);
	if (i->terms.payment) {
		buf_puts(b, ",\"payment_lines\":");
		json_put_value(b, i->terms.payment);
	}
	if (i->terms.note.n)
		put_text(b, "note", i->terms.note);
	put_periods(b, i);
	buf_puts(b, "}\n");
}
