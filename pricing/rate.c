#include "pricing/rate.h"

#include <string.h>

int rate_tier(const struct rates **out, const struct usage *u, const struct tariff *t,
	      struct err *e)
{
	int64_t prompt = 0;
	if (t->tier_count) {
		int rc = usage_prompt(u, &prompt, e);
		if (rc != 0)
			return rc;
		if (u->requests > 1 && tariff_rates(t, prompt) != &t->rates)
			return err_set(e, ERR_UNPRICED, RATE_TIER_NOT_TOLD);
	}
	*out = tariff_rates(t, prompt);
	return 0;
}

int64_t fee_quantity(const struct fee *f, int64_t requests, const int64_t units[UNIT_COUNT])
{
	if (f->unless && !f->amount.pico) /* no source says how much it is */
		return 0;
	return fee_is_per_request(f) ? requests : unit_count_of(units, f->unit);
}

size_t rate_fees_of_sums(const struct price *p, const int64_t units[UNIT_COUNT])
{
	if (p->last_depends)
		for (const char *const *name = p->fee[p->fee_count - 1].unless; *name; name++)
			if (unit_count_of(units, *name))
				return p->fee_count - 1;
	return p->fee_count;
}

int64_t rate_billed_tokens(const struct rates *r, const int64_t *counts, int b)
{
	const bool reasoning = r->known >> BUCKET_REASONING & 1;
	if (b == BUCKET_REASONING && !reasoning)
		return 0;
	int64_t billed =
		counts[b] - (b == BUCKET_OUTPUT && reasoning ? counts[BUCKET_REASONING] : 0);
	for (int p = 0; p < PART_COUNT; p++) {
		if (!counts[BUCKET_COUNT + p])
			continue;
		const enum bucket whole = part_whole((enum usage_part)p),
				  apart = part_apart((enum usage_part)p);
		if (r->known >> apart & 1)
			billed += b == (int)apart   ? counts[BUCKET_COUNT + p]
				  : b == (int)whole ? -counts[BUCKET_COUNT + p]
						    : 0;
	}
	return billed;
}

static int add_line(struct rating *r, struct rate_line line, struct err *e)
{
	struct money_total amount = { 0 };
	if (!money_total_add_units(&amount, line.price, line.quantity, line.per) ||
	    !money_total_add(&r->total, amount))
		return err_set(e, ERR_RANGE, "the amount for %s is out of range", line.name);
	line.amount = amount;
	r->line[r->line_count++] = line;
	return 0;
}

/* Whether the record says how much of that unit there was, be it none. */
static bool tells(const struct usage *u, const char *unit)
{
	for (int i = 0; i < u->unit_count; i++)
		if (strcmp(u->unit[i].name, unit) == 0)
			return true;
	return false;
}

int rate_fees(size_t *out, const struct usage *u, const struct price *p, struct err *e)
{
	int64_t told = 0;
	bool any = false;
	*out = p->fee_count;
	if (!p->last_depends)
		return 0;
	for (const char *const *name = p->fee[p->fee_count - 1].unless; *name; name++)
		for (int i = 0; i < u->unit_count; i++)
			if (strcmp(u->unit[i].name, *name) == 0) {
				told += u->unit[i].count;
				any = true;
			}
	*out -= any;
	if (told && told < u->requests)
		return err_set(e, ERR_UNPRICED,
			       "%s/%s is billed for each request by what it searched, and the "
			       "record tells it of %lld of %lld",
			       p->provider, p->model, (long long)told, (long long)u->requests);
	return 0;
}

void rate_put_unsaid(struct buf *out, const struct fee *fee, size_t count)
{
	char text[DECIMAL_TEXT_MAX];
	for (size_t i = 0; i < count; i++) {
		const struct fee *f = &fee[i];
		if (!f->unless)
			continue;
		buf_puts(out, out->n ? "; " : "");
		if (strcmp(*f->unless, FEE_REGION) == 0) {
			buf_puts(out, "the record does not say in which region it was served, and "
				      "some cost more");
			continue;
		}
		buf_puts(out, "every request pays a fee by what the record does not say (");
		for (const char *const *name = f->unless; *name; name++)
			buf_printf(out, "%s%s", name == f->unless ? "" : ", ", *name);
		if (f->amount.pico)
			buf_printf(out, "), of which the least is counted: %s per %lld",
				   money_format(f->amount, text), (long long)f->per);
		else
			buf_puts(out, "), and no source states how much");
	}
}

/* shorter: the rates of shorter prompts, or NULL where the call has those. Returns -ERR_UNPRICED.
 */
static int unstated(const struct price *p, const struct rates *shorter, int b, struct err *e)
{
	const bool longer = shorter && shorter->known >> b & 1,
		   tier = longer && strcmp(p->service_tier, "standard") != 0;
	return err_set(e, ERR_UNPRICED, "%s/%s states no price for %s%s%s%s%s", p->provider,
		       p->model, bucket_name(b), longer ? " of a prompt this long" : "",
		       tier ? " in service tier '" : "", tier ? p->service_tier : "",
		       tier ? "'" : "");
}

int rate_usage(struct rating *out, const struct usage *u, const struct price *p,
	       const struct tariff *t, struct err *e)
{
	struct rating r = { 0 };
	const struct rates *rates = &t->rates;
	int rc = usage_check(u, e);
	if (rc == 0)
		rc = rate_tier(&rates, u, t, e);
	if (rc == 0 && p->needs && !tells(u, p->needs))
		rc = err_set(e, ERR_UNPRICED,
			     "%s/%s is billed for each %s as well, and the record does not say how "
			     "many there were",
			     p->provider, p->model, p->needs);
	size_t fees = 0;
	if (rc == 0)
		rc = rate_fees(&fees, u, p, e);
	if (rc != 0)
		return rc;
	r.at_least = fees_at_least(p->fee, fees);
	for (int b = 0; b < BUCKET_COUNT; b++) {
		int64_t tokens = rate_billed_tokens(rates, u->counts, b);
		if (tokens == 0)
			continue;
		if (!(rates->known >> b & 1))
			return unstated(p, rates == &t->rates ? NULL : &t->rates, b, e);
		rc = add_line(
			&r,
			(struct rate_line){
				bucket_name(b), tokens, rates->per_million[b], PER_MILLION, { 0 } },
			e);
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < fees; i++) {
		const struct fee *f = &p->fee[i];
		const int64_t n = fee_is_per_request(f) ? fee_quantity(f, u->requests, NULL) : 0;
		if (n &&
		    (rc = add_line(&r, (struct rate_line){ f->unit, n, f->amount, f->per, { 0 } },
				   e)) != 0)
			return rc;
	}
	for (int i = 0; i < u->unit_count; i++) {
		const struct fee *f = NULL;
		for (size_t k = 0; k < p->fee_count && !f; k++)
			if (strcmp(p->fee[k].unit, u->unit[i].name) == 0)
				f = &p->fee[k];
		if (u->unit[i].count == 0)
			continue;
		if (!f)
			return err_set(e, ERR_UNPRICED, "%s/%s states no price for unit '%s'",
				       p->provider, p->model, u->unit[i].name);
		rc = add_line(
			&r,
			(struct rate_line){ f->unit, u->unit[i].count, f->amount, f->per, { 0 } },
			e);
		if (rc != 0)
			return rc;
	}
	*out = r;
	return 0;
}
