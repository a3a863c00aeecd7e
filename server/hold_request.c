#include "server/hold_request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static bool count_member(json_value *v, const char *key, int64_t *out)
{
	struct decimal d;
	json_value *m = json_member(v, key);
	if (!m)
		return true;
	return json_kind(m) == JSON_NUMBER && decimal_parse(&d, json_number(m), NULL) == 0 &&
	       d.scale == 0 && d.digits >= 0 && decimal_to_int64(d, 0, out);
}

/* Credits that the hold keeps free, rounded up; r: the call to come, NULL when only an amount is
 * known. */
static int reserve_credits(const struct hold_asked *a, struct hold *h, const struct record *r,
			   struct err *e)
{
	const struct account *account;
	struct credits_total c;
	const struct usage_row row = { .record = r ? *r : (struct record){ 0 } };
	int rc = ledger_find_account(a->ledger, h->customer, &account, e);
	if (rc != 0 || !account || account->byo)
		return rc;
	rc = r ? drawer_credits(a->drawer, account, &row, &c, e)
	       : drawer_credits_for(a->drawer, account, h->amount, h->currency, &c, e);
	if (rc != 0)
		return rc;
	int128 nano = c.atto / 1000000000 + (c.atto % 1000000000 > 0);
	if (nano > INT64_MAX)
		return err_set(e, ERR_RANGE, "the estimate is larger than the ledger can hold");
	h->credits.nano = (int64_t)nano;
	return 0;
}

/* A member that is not understood could have made the hold larger. */
static int check_members(json_value *v, struct err *e)
{
	static const char *const own[] = { "amount", "currency", "expires_in", NULL };
	bool known = true, counted = false;
	for (json_value *f = json_first(v); f && known; f = json_next(f)) {
		const struct text name = text_of(json_key(f));
		known = record_field_by_name(name) != FIELD_NONE;
		counted |= known && json_kind(f) == JSON_NUMBER;
		for (int i = 0; own[i] && !known; i++)
			known = text_is(name, own[i]);
		if (!known)
			return err_set(e, ERR_INVALID,
				       "a hold has no field '%.80s'; it has customer, id, "
				       "expires_in, amount and currency, and those of a call such "
				       "as model, input and output (the most that there may be)",
				       json_key(f));
	}
	return json_member(v, "amount") || counted
		       ? 0
		       : err_set(e, ERR_INVALID,
				 "a hold needs an 'amount', or a 'model' and counts such as "
				 "'input' and 'output'");
}

/* What a hold of an amount is in: that of the server unless it says another one. */
static int read_currency(json_value *v, struct text *out, struct err *e)
{
	json_value *m = json_member(v, "currency");
	const struct text t = json_string(m);
	if (!m)
		return 0;
	if (t.n != 3 || !isupper((unsigned char)t.p[0]) || !isupper((unsigned char)t.p[1]) ||
	    !isupper((unsigned char)t.p[2]))
		return err_set(e, ERR_INVALID, "field 'currency' is a code such as USD");
	*out = t;
	return 0;
}

/* One that is made here is like no other. */
static int random_id(const struct hold_asked *a, struct text *out, struct err *e)
{
	uint8_t random[12];
	char *text = arena_alloc(a->arena, 32);
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return err_set(e, ERR_SYSTEM, "could not read random bytes");
	memcpy(text, "hold_", 5);
	for (int i = 0; i < 12; i++)
		snprintf(text + 5 + i * 2, 3, "%02x", random[i]);
	*out = text_of(text);
	return 0;
}

/* Whose it is, its id, and until when. */
static int read_head(const struct hold_asked *a, json_value *v, const struct record *r,
		     struct hold *h, struct err *e)
{
	int64_t seconds = HOLD_SECONDS_DEFAULT;
	struct text customer = r->text[FIELD_CUSTOMER];
	if (!customer.n && a->customer)
		customer = text_of(a->customer);
	if (!customer.n)
		return err_set(e, ERR_INVALID, "field 'customer' is missing");
	if (a->customer && !text_is(customer, a->customer))
		return err_set(e, ERR_DENIED, "the token is limited to another customer");
	if (!count_member(v, "expires_in", &seconds) || seconds < 1 || seconds > HOLD_SECONDS_MOST)
		return err_set(e, ERR_INVALID, "field 'expires_in' must be 1 to %d seconds",
			       HOLD_SECONDS_MOST);
	h->customer = customer;
	h->project = r->text[FIELD_PROJECT];
	h->model = r->text[FIELD_MODEL];
	h->provider = r->text[FIELD_PROVIDER];
	h->expires = (struct instant){ a->now.us + seconds * US_PER_SECOND };
	h->state = TEXT("open");
	h->id = r->text[FIELD_ID];
	return h->id.n ? 0 : random_id(a, &h->id, e);
}

static int read_amount(const struct hold_asked *a, json_value *v, struct hold *h, struct err *e)
{
	struct decimal d;
	json_value *amount = json_member(v, "amount");
	if (json_kind(amount) != JSON_STRING || decimal_parse(&d, json_string(amount), NULL) != 0 ||
	    d.digits < 0)
		return err_set(e, ERR_INVALID, "field 'amount' must be a decimal string from 0");
	h->currency = text_of(a->currency);
	int rc = read_currency(v, &h->currency, e);
	if (rc == 0)
		rc = money_from_decimal(&h->amount, d, e);
	return rc == 0 ? reserve_credits(a, h, NULL, e) : rc;
}

/* Of every hold, also one of an amount: a field that is ignored because it is of another kind would
 * keep the hold away from a budget, or give it another id each time it is sent. */
static int read_call(json_value *v, struct record *r, struct err *e)
{
	int rc = 0;
	record_clear(r);
	for (json_value *f = json_first(v); f && rc == 0; f = json_next(f)) {
		enum record_field field = record_field_by_name(text_of(json_key(f)));
		enum json_kind k = json_kind(f);
		if (field == FIELD_NONE)
			continue;
		rc = record_set(r, field, k == JSON_NUMBER ? json_number(f) : json_string(f),
				k == JSON_NUMBER   ? VALUE_NUMBER
				: k == JSON_STRING ? VALUE_TEXT
				: k == JSON_NULL   ? VALUE_NULL
						   : VALUE_OTHER,
				TIME_INSTANT, e);
	}
	return rc == 0 ? record_finish(r, e) : rc;
}

static int estimate_call(const struct hold_asked *a, json_value *v, struct record *r,
			 struct hold *h, struct err *e)
{
	r->time_us = r->time_us == TIME_ABSENT ? a->now.us : r->time_us;
	ingest_next_source(a->in, a->customer, a->now, NULL);
	int rc = hold_estimate(a->in, a->store, r, &h->amount, &h->currency, e);
	struct text wanted = h->currency;
	if (rc == 0)
		rc = read_currency(v, &wanted, e);
	if (rc == 0 && !text_eq(wanted, h->currency))
		rc = err_set(e, ERR_INVALID, "the call is priced in %.*s, not in %.*s",
			     (int)h->currency.n, h->currency.p, (int)wanted.n, wanted.p);
	return rc == 0 ? reserve_credits(a, h, r, e) : rc;
}

int hold_request_read(const struct hold_asked *a, json_value *v, struct hold *h, struct err *e)
{
	struct record r;
	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "a hold is a JSON object");
	int rc = check_members(v, e);
	if (rc == 0)
		rc = read_call(v, &r, e);
	if (rc == 0)
		rc = read_head(a, v, &r, h, e);
	if (rc != 0)
		return rc;
	return json_member(v, "amount") ? read_amount(a, v, h, e) : estimate_call(a, v, &r, h, e);
}
