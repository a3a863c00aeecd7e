#include "reports/cost_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pricing/rate.h"
#include "pricing/regional.h"
#include "reports/amount.h"
#include "reports/disputes.h"
#include "reports/table.h"

/* The rating of one request into that of `requests` equal ones. */
static int repeat(struct rating *r, int64_t requests, struct err *e)
{
	struct money_total total = { 0 };
	for (int i = 0; i < r->line_count; i++) {
		struct rate_line *l = &r->line[i];
		l->amount = (struct money_total){ 0 };
		if (__builtin_mul_overflow(l->quantity, requests, &l->quantity) ||
		    !money_total_add_units(&l->amount, l->price, l->quantity, l->per) ||
		    !money_total_add(&total, l->amount))
			return err_set(e, ERR_RANGE, "the amount for %s is out of range", l->name);
	}
	r->total = total;
	return 0;
}

struct credit_answer {
	const struct plan *plan;
	struct credit_rates rates;
	struct credits_total total, built_in; /* total is 0 with a key of one's own */
	bool byo, uncovered;
	struct err why;
};

static int take_credits(const struct cost_question *q, const char *resolved,
			struct credit_answer *c, struct err *e)
{
	struct instant until = INSTANT_MAX;
	const int64_t requests = q->requests;
	struct plan_question of = { .book = q->book, .query = &q->price, .resolved = resolved };
	int rc = usage_prompt(&q->usage, &of.prompt_tokens, e);
	if (rc != 0)
		return rc;
	c->plan = q->plan;
	c->byo = q->byo;
	if (plan_rates(c->plan, &of, &c->rates, &until, &c->why) != 0 ||
	    credits_of(&c->rates, q->usage.counts, 1, &c->built_in, &c->why) != 0) {
		c->uncovered = true;
		return 0;
	}
	const int128 limit = ((int128)1 << 126) / requests;
	if (c->built_in.atto > limit)
		return err_set(e, ERR_RANGE, "the credits are larger than a total can hold");
	c->built_in.atto *= requests;
	if (!c->byo)
		c->total = c->built_in;
	return 0;
}

/* What hangs on a change of price whose instant is not known. */
struct hinge {
	const struct price *later; /* NULL: nothing does */
	bool known;		   /* the later price has all that is needed */
	struct rating rating;
};

static void take_hinge(const struct price_match *m, const struct usage *u, int64_t requests,
		       struct hinge *out)
{
	out->later = m->may_be;
	if (!out->later)
		return;
	const struct tariff *t = &out->later->tariff[out->later->tariff_count - 1];
	out->known = rate_usage(&out->rating, u, out->later, t, NULL) == 0 &&
		     repeat(&out->rating, requests, NULL) == 0;
}

struct cost {
	struct price_match match;
	struct rating rating;
	size_t fees; /* of the price: those that the call pays */
	struct credit_answer credits;
	struct hinge hinge;
};

/* Every reason to doubt the price of the call, in one sentence or several; empty: none. */
static void put_doubt(struct buf *b, const struct cost *x)
{
	const struct price_match *m = &x->match;
	const struct hinge *h = &x->hinge;
	char seen[INSTANT_TEXT_MAX], from[INSTANT_TEXT_MAX];
	if (m->price->doubt)
		buf_puts(b, m->price->doubt);
	rate_put_unsaid(b, m->price->fee, x->fees);
	if (!h->later)
		return;
	buf_printf(b, "%sthe price changed between %s and %s", b->n ? "; " : "",
		   instant_format(h->later->old_seen, seen), instant_format(h->later->from, from));
	if (h->known) {
		buf_puts(b, ", and by the later one the total would be ");
		put_plain_money(b, h->rating.total, h->later->currency);
	}
}

static void put_price(struct json_out *j, const struct price_match *m)
{
	const struct price *p = m->price;
	json_out_object(j, "price");
	json_out_string(j, "id", p->id);
	json_out_instant(j, "from", p->from);
	json_out_instant(j, "to", p->to);
	json_out_string(j, "window", m->tariff->window);
	json_out_string(j, "kind", p->kind);
	json_out_string(j, "source", p->source);
	json_out_string(j, "sure", p->sure);
	json_out_string(j, "grade", p->grade);
	json_out_string(j, "note", p->note);
	json_out_string(j, "region", p->region);
	if (p->rule) {
		char times[DECIMAL_TEXT_MAX];
		json_out_string(j, "region_factor", decimal_format(price_region_factor(p), times));
		json_out_string(j, "region_source", p->rule->source);
	}
	json_out_instant(j, "until", m->until);
	if (m->guess)
		json_out_string(j, "guess", "the public holidays of that year are not known");
	json_out_end(j, '}');
}

static void put_lines(struct json_out *j, const struct rating *r)
{
	json_out_array(j, "lines");
	for (int i = 0; i < r->line_count; i++) {
		const struct rate_line *l = &r->line[i];
		char price[DECIMAL_TEXT_MAX];
		bool tokens =
			l->per == PER_MILLION && bucket_by_name(l->name, strlen(l->name)) >= 0;
		json_out_object(j, NULL);
		json_out_string(j, tokens ? "bucket" : "unit", l->name);
		json_out_int(j, tokens ? "tokens" : "quantity", l->quantity);
		json_out_string(j, tokens ? "per_million" : "price", money_format(l->price, price));
		if (!tokens)
			json_out_int(j, "per", l->per);
		json_out_money(j, "amount", l->amount);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_credits(struct json_out *j, const struct credit_answer *c)
{
	struct money_total worth;
	json_out_object(j, "credits");
	json_out_string(j, "plan", plan_name(c->plan));
	json_out_string(j, "rule", plan_rule_name(c->plan));
	if (c->rates.has_multiplier)
		json_out_decimal(j, "multiplier", c->rates.multiplier);
	json_out_string(j, "rounding", plan_rounding_text(c->plan));
	if (c->uncovered) {
		json_out_int(j, "unpriced", 1);
		json_out_string(j, "reason", c->why.message);
		json_out_null(j, "total");
	} else {
		json_out_credits(j, "total", c->total);
		json_out_bool(j, "byo", c->byo);
		if (c->byo)
			json_out_credits(j, "built_in", c->built_in);
		if (plan_worth(c->plan, c->total, &worth))
			json_out_money(j, "worth", worth);
	}
	json_out_end(j, '}');
}

static void put_json(struct json_out *j, const struct cost_question *asked, const struct cost *x)
{
	const struct price_query *q = &asked->price;
	const struct hinge *h = &x->hinge;
	const struct price *p = x->match.price;
	struct buf doubt = { 0 };
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.cost/1");
	json_out_string(j, "provider", p->provider);
	json_out_string(j, "model", p->model);
	json_out_text(j, "asked", q->model);
	json_out_instant(j, "at", q->at);
	json_out_int(j, "requests", asked->requests);
	put_price(j, &x->match);
	put_lines(j, &x->rating);
	json_out_string(j, "currency", p->currency);
	json_out_money(j, "total", x->rating.total);
	json_out_bool(j, "at_least", x->rating.at_least);
	put_doubt(&doubt, x);
	json_out_string(j, "price_doubt", doubt.n ? doubt.p : NULL);
	buf_release(&doubt);
	if (h->later && h->known)
		json_out_money(j, "total_if_changed", h->rating.total);
	if (x->credits.plan)
		put_credits(j, &x->credits);
	json_out_array(j, "disputes");
	const struct dispute *d;
	for (size_t i = 0; (d = book_dispute(asked->book, p->provider, p->model, q->at, i)); i++) {
		json_out_object(j, NULL);
		json_out_string(j, "about", d->about);
		json_out_string(j, "says", d->says);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

/* "credits  9 under plan vm0-tokens, worth $0.009" */
static void put_credit_line(const struct credit_answer *c)
{
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	struct money_total worth;
	struct buf line = { 0 }, amount = { 0 };
	if (c->uncovered) {
		print_note("credits  unknown: %s", c->why.message);
		return;
	}
	buf_printf(&line, "credits  %s under plan %s",
		   number_grouped(grouped, credits_format(c->total, text)), plan_name(c->plan));
	if (c->rates.has_multiplier && !c->byo)
		buf_printf(&line, " (x%s of the baseline)",
			   decimal_format(c->rates.multiplier, text));
	if (c->byo)
		buf_printf(&line,
			   ": own key, the vendor bills the total above; built-in it would be %s",
			   number_grouped(grouped, credits_format(c->built_in, text)));
	if (plan_worth(c->plan, c->byo ? c->built_in : c->total, &worth)) {
		put_shown_money(&amount, worth, plan_currency(c->plan), EXACTLY);
		buf_printf(&line, c->byo ? " (worth %s)" : ", worth %s", amount.p);
	}
	print_note("%s", line.p);
	buf_release(&line);
	buf_release(&amount);
}

static void print_lines(const struct rating *r, const char *currency)
{
	static const struct table_column columns[] = { { "BUCKET", false, false },
						       { "QUANTITY", true, false },
						       { "PRICE", true, false },
						       { "PER", true, false },
						       { "AMOUNT", true, .money = true } };
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	struct buf b = { 0 };
	if (r->line_count == 0) {
		print_note("nothing was used: say what a call uses, for example --input 2000 "
			   "--output 300");
		return;
	}
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (int i = 0; i < r->line_count; i++) {
		const struct rate_line *l = &r->line[i];
		table_cell(t, l->name);
		snprintf(text, sizeof text, "%lld", (long long)l->quantity);
		table_cell(t, number_grouped(grouped, text));
		table_cell(t, money_format(l->price, text));
		snprintf(text, sizeof text, "%lld", (long long)l->per);
		table_cell(t, number_grouped(grouped, text));
		b.n = 0;
		put_plain_money(&b, l->amount, currency);
		table_cell(t, b.p);
	}
	table_print(t);
	table_close(t);
	buf_release(&b);
}

/* What else there is to know of the price: notes, reasons to doubt it, and what others say. */
static void print_doubts(const struct cost_question *asked, const struct cost *x)
{
	const struct price *p = x->match.price;
	struct buf b = { 0 };
	if (p->note)
		print_note("note     %s", p->note);
	if (p->rule) {
		char times[DECIMAL_TEXT_MAX];
		print_note("region   %s times the price without one%s%s",
			   decimal_format(price_region_factor(p), times),
			   p->rule->source ? ": " : "", p->rule->source ? p->rule->source : "");
	}
	if (asked->price.region.n && !p->region)
		print_note("note     no price of it names a region: '%.*s' changes nothing",
			   asked->price.region.n > 60 ? 60 : (int)asked->price.region.n,
			   asked->price.region.p);
	if (x->match.guess)
		print_note("note     the public holidays of that year are not known, so peak or "
			   "off-peak is a guess");
	put_doubt(&b, x);
	if (b.n)
		print_note("doubt    %s", b.p);
	buf_release(&b);
	struct disputes disputes = { 0 };
	const struct dispute *d;
	for (size_t i = 0;
	     (d = book_dispute(asked->book, p->provider, p->model, asked->price.at, i)); i++)
		disputes_add(&disputes, d);
	for (size_t i = 0; i < disputes.count; i++)
		print_note("dispute  %s", disputes_line(&disputes, i));
	disputes_release(&disputes);
}

static void put_table(const struct cost_question *asked, const struct cost *x, bool quiet)
{
	const struct price_query *q = &asked->price;
	const struct price *p = x->match.price;
	const int64_t requests = asked->requests;
	char at[INSTANT_TEXT_MAX], from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX],
		times[COUNT_WORDS_MAX];
	struct buf b = { 0 };
	if (!text_is(q->model, p->model))
		buf_printf(&b, ", asked for as %.*s", (int)q->model.n, q->model.p);
	print_note("%s from %s%s, %s at %s%s%s", p->model, p->provider, b.n ? b.p : "",
		   x->match.tariff->window, instant_format(q->at, at), requests > 1 ? ", " : "",
		   requests > 1 ? count_words(times, requests, "request") : "");
	printf("\n");
	print_lines(&x->rating, p->currency);
	b.n = 0;
	put_shown_money(&b, x->rating.total, p->currency, at_least(x->rating.at_least));
	printf("\ntotal    %s\n", b.p);
	buf_release(&b);
	if (x->credits.plan)
		put_credit_line(&x->credits);
	print_note("\nprice    %s (%s)", p->id, p->kind);
	print_note("holds    %s to %s",
		   p->from.us == INSTANT_MIN.us ? "always" : instant_format(p->from, from),
		   p->to.us == INSTANT_MAX.us ? "further notice" : instant_format(p->to, to));
	print_note("source   %s (%s)", p->source, p->sure);
	if (!quiet)
		print_doubts(asked, x);
}

static int cost_of(struct cost *out, const struct cost_question *q, struct err *e)
{
	*out = (struct cost){ 0 };
	int rc = book_find(q->book, &q->price, &out->match, e);
	if (rc == 0)
		rc = rate_usage(&out->rating, &q->usage, out->match.price, out->match.tariff, e);
	if (rc == 0)
		rc = rate_fees(&out->fees, &q->usage, out->match.price, e);
	if (rc == 0)
		rc = repeat(&out->rating, q->requests, e);
	if (rc == 0 && q->plan)
		rc = take_credits(q, out->match.price->model, &out->credits, e);
	if (rc != 0)
		return rc;
	take_hinge(&out->match, &q->usage, q->requests, &out->hinge);
	if (out->hinge.known && out->hinge.rating.total.atto == out->rating.total.atto &&
	    strcmp(out->hinge.later->currency, out->match.price->currency) == 0)
		out->hinge.later = NULL; /* what changed is not what was used */
	return 0;
}

/* Whether the call pays a fee of which it does not say how much. Where it was served a question may
 * leave open: its answer is the price without a region, and says that it is the least. */
static bool lacks_fee(const struct cost *x)
{
	bool any = false;
	for (size_t i = 0; i < x->fees; i++) {
		const char *const *unless = x->match.price->fee[i].unless;
		any |= unless && strcmp(*unless, FEE_REGION) != 0;
	}
	return any;
}

static bool lacks(const struct cost *x)
{
	return x->credits.uncovered || lacks_fee(x);
}

int cost_report_put(struct json_out *j, const struct cost_question *q, bool *lacking, struct err *e)
{
	struct cost x;
	int rc = cost_of(&x, q, e);
	if (rc == 0)
		put_json(j, q, &x);
	*lacking = rc == 0 && lacks(&x);
	return rc;
}

int cost_report_print(const struct cost_question *q, bool quiet, bool *lacking, struct err *e)
{
	struct cost x;
	int rc = cost_of(&x, q, e);
	if (rc == 0)
		put_table(q, &x, quiet);
	*lacking = rc == 0 && lacks(&x);
	return rc;
}

static void put_row(struct table *t, struct text asked, const struct cost *x,
		    const struct cost *first, bool credits)
{
	const struct price *p = x->match.price;
	const bool comparable = strcmp(p->currency, first->match.price->currency) == 0;
	const enum amount_bound bound = at_least(x->rating.at_least);
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	struct buf b = { 0 };
	table_text(t, asked);
	table_cell(t, p->provider);
	table_cell(t, x->match.tariff->window);
	put_money(&b, x->rating.total, p->currency, bound);
	table_cell(t, b.p);
	b.n = 0;
	if (x != first && comparable)
		put_money(&b,
			  (struct money_total){ x->rating.total.atto - first->rating.total.atto },
			  p->currency,
			  bound_of_difference(bound, at_least(first->rating.at_least)));
	table_text(t, (struct text){ b.p, b.n });
	if (credits)
		table_cell(t, x->credits.uncovered
				      ? "unknown"
				      : number_grouped(grouped,
						       credits_format(x->credits.total, text)));
	buf_release(&b);
}

static void put_comparison(const struct cost_question *q, const struct text *model,
			   const struct cost *x, size_t count)
{
	static const struct table_column columns[] = {
		{ "MODEL", false, true },
		{ "VENDOR", false, false, .leaves = 2 },
		{ "WINDOW", false, .leaves = 1 },
		{ "COST", true, .money = true },
		{ "DIFFERENCE", true, .money = true },
		{ "CREDITS", true, false },
	};
	char at[INSTANT_TEXT_MAX];
	struct table *t = table_open(columns, q->plan ? 6 : 5);
	for (size_t i = 0; i < count; i++)
		put_row(t, model[i], &x[i], x, q->plan != NULL);
	table_print(t);
	table_close(t);
	print_note("\nprices of %s; `tally cost` of one model shows how its cost comes about, and "
		   "what is in doubt",
		   instant_format(q->price.at, at));
	for (size_t i = 0; i < count; i++)
		if (x[i].credits.uncovered)
			print_note("%s: credits unknown: %s", x[i].match.price->model,
				   x[i].credits.why.message);
}

int cost_report_compare(struct json_out *j, const struct cost_question *q, const struct text *model,
			size_t count, bool *lacking, struct err *e)
{
	struct cost *x = mem_zalloc(count * sizeof *x);
	struct cost_question of = *q;
	int rc = 0;
	*lacking = false;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		of.price.model = model[i];
		rc = cost_of(&x[i], &of, e);
		*lacking |= rc == 0 && lacks(&x[i]);
	}
	if (rc == 0 && j) {
		json_out_object(j, NULL);
		json_out_string(j, "schema", "tally.costs/1");
		json_out_array(j, "models");
		for (size_t i = 0; i < count; i++) {
			of.price.model = model[i];
			put_json(j, &of, &x[i]);
		}
		json_out_end(j, ']');
		json_out_end(j, '}');
	} else if (rc == 0) {
		put_comparison(q, model, x, count);
	}
	free(x);
	return rc;
}
