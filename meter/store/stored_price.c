#include "meter/store/stored_price.h"

#include "base/json.h"

int stored_price_of(struct stored_price *out, const struct usage *u, const struct price *p,
		    const struct tariff *t, struct err *e)
{
	struct rating rating;
	const struct rates *rates;
	int rc = rate_usage(&rating, u, p, t, e);
	if (rc == 0)
		rc = rate_tier(&rates, u, t, e);
	size_t fees = 0;
	if (rc == 0)
		rc = rate_fees(&fees, u, p, e);
	if (rc == 0)
		*out = (struct stored_price){
			text_of(p->id),
			text_of(p->provider),
			text_of(p->model),
			text_of(t->window),
			text_of(p->currency),
			*rates,
			p->fee,
			fees,
			TEXT(""),
			p->card,
		};
	return rc;
}

struct stored_price stored_price_stated(struct fee *fee, struct text vendor, struct text model,
					struct money amount, int64_t requests)
{
	/* of all calls that the record stands for together */
	*fee = (struct fee){ .unit = FEE_PER_REQUEST, .amount = amount, .per = requests };
	struct stored_price p = { .ref = TEXT(STATED_PRICE),
				  .vendor = vendor.n ? vendor : TEXT(""),
				  .model = model,
				  .window = TEXT(STATED_PRICE),
				  .currency = TEXT("USD"),
				  .fee = fee,
				  .fee_count = 1 };
	for (int b = 0; b < BUCKET_COUNT; b++)
		p.rates.known |= b == BUCKET_REASONING ? 0 : 1u << b;
	return p;
}

struct stored_price stored_price_none(struct text model, const char *reason)
{
	return (struct stored_price){ .ref = TEXT(""),
				      .vendor = TEXT(""),
				      .model = model,
				      .window = TEXT(""),
				      .currency = TEXT(""),
				      .reason = text_of(reason) };
}

void stored_price_put_rates(struct buf *b, const struct stored_price *p)
{
	bool first = true;
	buf_puts(b, "{");
	for (int k = 0; k < BUCKET_COUNT; k++)
		if (p->rates.known >> k & 1) {
			buf_printf(b, "%s\"%s\":%lld", first ? "" : ",",
				   bucket_name((enum bucket)k),
				   (long long)p->rates.per_million[k].pico);
			first = false;
		}
	buf_puts(b, "}");
}

void stored_price_put_fees(struct buf *b, const struct stored_price *p)
{
	buf_puts(b, "[");
	for (size_t i = 0; i < p->fee_count; i++) {
		buf_puts(b, i ? ",[" : "[");
		json_put_string(b, text_of(p->fee[i].unit));
		buf_printf(b, ",%lld,%lld", (long long)p->fee[i].amount.pico,
			   (long long)p->fee[i].per);
		for (const char *const *name = p->fee[i].unless; name && *name; name++) {
			buf_puts(b, ",");
			json_put_string(b, text_of(*name));
		}
		buf_puts(b, "]");
	}
	buf_puts(b, "]");
}

static bool whole(json_value *v, int64_t *out)
{
	struct decimal d;
	return json_kind(v) == JSON_NUMBER && decimal_parse(&d, json_number(v), NULL) == 0 &&
	       d.scale == 0 && decimal_to_int64(d, 0, out);
}

/* The names behind a fee: what it depends on. NULL: on nothing. */
static const char *const *read_unless(json_value *first, struct arena *a)
{
	size_t n = 0;
	for (json_value *v = first; v; v = json_next(v))
		n++;
	const char **out = n ? arena_alloc(a, (n + 1) * sizeof *out) : NULL;
	n = 0;
	for (json_value *v = first; v; v = json_next(v)) {
		out[n++] = arena_text(a, json_string(v).p, json_string(v).n);
		out[n] = NULL;
	}
	return out;
}

int stored_price_read(struct stored_price *p, struct text rates, struct text fees, struct arena *a,
		      struct err *e)
{
	struct json_document *r = NULL, *f = NULL;
	int rc = json_open(&r, rates, e);
	if (rc == 0)
		rc = json_open(&f, fees, e);
	p->rates = (struct rates){ 0 };
	p->fee_count = 0;
	for (json_value *v = rc == 0 ? json_first(json_root(r)) : NULL; v; v = json_next(v)) {
		int b = bucket_by_name(json_key(v), strlen(json_key(v)));
		if (b < 0 || !whole(v, &p->rates.per_million[b].pico)) {
			rc = err_set(e, ERR_STORE, "the stored rates '%.*s' cannot be read",
				     (int)rates.n, rates.p);
			break;
		}
		p->rates.known |= 1u << b;
	}
	size_t n = 0;
	for (json_value *v = rc == 0 ? json_first(json_root(f)) : NULL; v; v = json_next(v))
		n++;
	p->fee = n ? arena_alloc(a, n * sizeof *p->fee) : NULL;
	for (json_value *v = rc == 0 ? json_first(json_root(f)) : NULL; v; v = json_next(v)) {
		json_value *unit = json_first(v), *amount = unit ? json_next(unit) : NULL,
			   *per = amount ? json_next(amount) : NULL;
		struct fee *fee = &p->fee[p->fee_count++];
		if (!per || !whole(amount, &fee->amount.pico) || !whole(per, &fee->per) ||
		    fee->per < 1) {
			rc = err_set(e, ERR_STORE, "the stored fees '%.*s' cannot be read",
				     (int)fees.n, fees.p);
			break;
		}
		fee->unit = arena_text(a, json_string(unit).p, json_string(unit).n);
		fee->unless = read_unless(json_next(per), a);
	}
	if (r)
		json_close(r);
	if (f)
		json_close(f);
	return rc;
}

int stored_price_amount(const struct stored_price *p, const int64_t *counts, int64_t requests,
			struct money_total *out, struct err *e)
{
	struct money_total sum = { 0 };
	bool ok = true;
	if (p->reason.n) {
		*out = sum;
		return 0;
	}
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (p->rates.known >> b & 1)
			ok &= money_total_add(
				&sum, money_of_tokens(p->rates.per_million[b],
						      rate_billed_tokens(&p->rates, counts, b)));
	for (size_t i = 0; i < p->fee_count; i++) {
		const int64_t count = fee_quantity(&p->fee[i], requests, counts + COUNT_TOKENS);
		if (count)
			ok &= money_total_add_units(&sum, p->fee[i].amount, count, p->fee[i].per);
	}
	if (!ok)
		return err_set(e, ERR_RANGE, "the amount is larger than a total can hold");
	*out = sum;
	return 0;
}
