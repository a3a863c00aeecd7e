#include "pricing/offer.h"

#include <stdlib.h>

#include "base/arena.h"
#include "pricing/book.h"

static struct text text_at(json_value *v, const char *key)
{
	struct text t = json_string(json_member(v, key));
	return t.n ? t : TEXT("");
}

/* A text; `needed` one that is not empty. */
static int read_text(json_value *v, const char *key, bool needed, struct text *out, struct err *e)
{
	json_value *m = json_member(v, key);
	*out = text_at(v, key);
	if (m && json_kind(m) != JSON_STRING)
		return err_set(e, ERR_INVALID, "'%s' must be a text", key);
	return needed && !out->n ? err_set(e, ERR_INVALID, "'%s' is missing", key) : 0;
}

static int read_decimal(json_value *v, const char *key, bool above_zero, struct decimal *out,
			struct err *e)
{
	if (decimal_parse(out, text_at(v, key), NULL) != 0 || out->digits < 0 ||
	    (above_zero && out->digits == 0))
		return err_set(e, ERR_INVALID, "'%s' must be a decimal in quotes, %s", key,
			       above_zero ? "above 0" : "not negative");
	return 0;
}

static int read_offer(struct offer *o, json_value *v, json_value *account, struct err *e)
{
	static const char *const keys[] = { "offer",	"title",   "plan",  "price",
					    "currency", "credits", "class", "cost_basis",
					    "every",	"lasts",   NULL };
	*o = (struct offer){ .has_cost_basis = json_member(v, "cost_basis") != NULL,
			     .burn_order = text_at(account, "burn_order"),
			     .overage = text_at(account, "overage"),
			     .overage_limit = text_at(account, "overage_limit"),
			     .low_balance = text_at(account, "low_balance") };
	const struct {
		const char *key;
		bool needed;
		struct text *to;
	} texts[] = { { "offer", true, &o->name },  { "title", true, &o->title },
		      { "plan", true, &o->plan },   { "currency", true, &o->currency },
		      { "class", true, &o->class }, { "every", false, &o->every },
		      { "lasts", false, &o->lasts } };
	int rc = json_check_keys(v, keys, "an offer", e);
	for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
		rc = err_next(e, read_text(v, texts[i].key, texts[i].needed, texts[i].to, e));
	if (rc == 0 && o->class.n && !text_is(o->class, "granted") && !text_is(o->class, "paid"))
		rc = err_next(e, err_set(e, ERR_INVALID, "'class' is granted or paid"));
	if (rc == 0)
		rc = err_next(e, read_decimal(v, "price", false, &o->price, e));
	if (rc == 0)
		rc = err_next(e, read_decimal(v, "credits", true, &o->credits, e));
	return rc == 0 && o->has_cost_basis
		       ? read_decimal(v, "cost_basis", false, &o->cost_basis, e)
		       : rc;
}

static int check_account(json_value *v, struct err *e)
{
	static const char *const keys[] = { "burn_order", "overage", "overage_limit", "low_balance",
					    NULL };
	static const char *const overage[] = { "refuse", "limit", "debt" };
	struct decimal d;
	struct text t = { 0 };
	const size_t before = err_noted(e);
	int rc = v ? json_check_keys(v, keys, "'account'", e) : 0;
	if (rc == 0 && json_member(v, "low_balance"))
		rc = err_next(e, read_decimal(v, "low_balance", false, &d, e));
	if (rc == 0)
		rc = err_next(e, read_text(v, "burn_order", false, &t, e));
	if (rc == 0)
		rc = err_next(e, read_text(v, "overage", false, &t, e));
	bool known = t.n == 0;
	for (size_t i = 0; rc == 0 && i < sizeof overage / sizeof *overage; i++)
		known |= text_is(t, overage[i]);
	if (rc == 0 && !known)
		rc = err_next(e, err_set(e, ERR_INVALID, "'overage' is refuse, limit or debt"));
	const bool limited = text_is(t, "limit"), has = v && json_member(v, "overage_limit");
	if (rc == 0 && has)
		rc = err_next(e, read_decimal(v, "overage_limit", false, &d, e));
	if (rc == 0 && has != limited)
		rc = err_set(e, ERR_INVALID,
			     "'overage_limit' and \"overage\": \"limit\" go together");
	return err_within(e, before, rc, "account");
}

static bool is_known(const struct offer_list *l, struct text name)
{
	for (size_t i = 0; i < l->count; i++)
		if (text_eq(l->offer[i].name, name))
			return true;
	return false;
}

static int read_offers(struct offer_list *out, json_value *root, struct err *e)
{
	static const char *const keys[] = { "schema", "source", "offers", "account", NULL };
	json_value *list = json_member(root, "offers");
	size_t n = 0;
	int rc = json_check_keys(root, keys, "the file", e);
	if (rc == 0 && !text_is(text_at(root, "schema"), "tally.offers/1"))
		rc = err_next(e, err_set(e, ERR_INVALID, "'schema' is \"tally.offers/1\""));
	if (rc == 0 && (json_kind(list) != JSON_ARRAY || !json_first(list)))
		rc = err_set(e, ERR_INVALID, "'offers' is a list of at least one");
	if (rc == 0)
		rc = err_next(e, check_account(json_member(root, "account"), e));
	for (json_value *v = rc == 0 ? json_first(list) : NULL; v; v = json_next(v), n++) {
		struct offer o;
		const size_t before = err_noted(e);
		rc = read_offer(&o, v, json_member(root, "account"), e);
		if (rc == 0 && o.name.n && is_known(out, o.name))
			rc = err_set(e, ERR_INVALID, "there is another offer '%.*s'", (int)o.name.n,
				     o.name.p);
		rc = err_next(e, err_within(e, before, rc, "offers[%zu]", n));
		if (rc != 0)
			return rc;
		out->offer = mem_grow(out->offer, (out->count + 1) * sizeof *out->offer);
		out->offer[out->count++] = o;
	}
	return rc;
}

int offers_add(struct offer_list *out, struct text file, struct err *e)
{
	out->json = mem_grow(out->json, (out->documents + 1) * sizeof *out->json);
	int rc = json_open(&out->json[out->documents], file, e);
	return rc == 0 ? read_offers(out, json_root(out->json[out->documents++]), e) : rc;
}

int offers_open(struct offer_list *out, struct err *e)
{
	int rc = 0;
	*out = (struct offer_list){ 0 };
	for (const struct shipped_file *s = shipped_offers; rc == 0 && s->name; s++)
		rc = offers_add(out, text_of(s->bytes), e);
	if (rc != 0)
		offers_close(out);
	return rc;
}

void offers_close(struct offer_list *l)
{
	for (size_t i = 0; i < l->documents; i++)
		json_close(l->json[i]);
	free(l->json);
	free(l->offer);
	*l = (struct offer_list){ 0 };
}

int offers_find(const struct offer_list *l, const char *name, const struct offer **out,
		struct err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (text_is(l->offer[i].name, name)) {
			*out = &l->offer[i];
			return 0;
		}
	struct text_nearest x = { .typed = text_of(name) };
	for (size_t i = 0; i < l->count; i++) {
		const struct text known = l->offer[i].name;
		const char *dash = known.n ? memchr(known.p, '-', known.n) : NULL;
		text_nearest_try(&x, known);
		/* "pro" for "vm0-pro" */
		if (dash &&
		    text_is((struct text){ dash + 1, (size_t)(known.p + known.n - dash - 1) },
			    name)) {
			x.name = known;
			break;
		}
	}
	return x.name.n ? err_set(e, ERR_NOT_FOUND, "there is no offer '%s'; did you mean '%.*s'?",
				  name, (int)x.name.n, x.name.p)
			: err_set(e, ERR_NOT_FOUND, "there is no offer '%s' (tally credit offers)",
				  name);
}
