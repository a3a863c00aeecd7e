#include "pricing/offer.h"

#include <stdlib.h>

#include "base/arena.h"
#include "pricing/book.h"

static struct text text_at(json_value *v, const char *key)
{
	struct text t = json_string(json_member(v, key));
	return t.n ? t : TEXT("");
}

static int read_offer(struct offer *o, json_value *v, json_value *account, struct err *e)
{
	*o = (struct offer){ .name = text_at(v, "offer"),
			     .title = text_at(v, "title"),
			     .plan = text_at(v, "plan"),
			     .currency = text_at(v, "currency"),
			     .class = text_at(v, "class"),
			     .every = text_at(v, "every"),
			     .lasts = text_at(v, "lasts"),
			     .has_cost_basis = json_member(v, "cost_basis") != NULL,
			     .burn_order = text_at(account, "burn_order"),
			     .overage = text_at(account, "overage"),
			     .low_balance = text_at(account, "low_balance") };
	int rc = decimal_parse(&o->price, text_at(v, "price"), e);
	if (rc == 0)
		rc = decimal_parse(&o->credits, text_at(v, "credits"), e);
	if (rc == 0 && o->has_cost_basis)
		rc = decimal_parse(&o->cost_basis, text_at(v, "cost_basis"), e);
	return rc == 0 ? 0 : err_context(e, "offer '%.*s'", (int)o->name.n, o->name.p);
}

int offers_add(struct offer_list *out, struct text file, struct err *e)
{
	out->json = mem_grow(out->json, (out->documents + 1) * sizeof *out->json);
	int rc = json_open(&out->json[out->documents], file, e);
	if (rc != 0)
		return rc;
	json_value *root = json_root(out->json[out->documents++]);
	for (json_value *v = json_first(json_member(root, "offers")); rc == 0 && v;
	     v = json_next(v)) {
		out->offer = mem_grow(out->offer, (out->count + 1) * sizeof *out->offer);
		rc = read_offer(&out->offer[out->count++], v, json_member(root, "account"), e);
	}
	return rc;
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
	return err_set(e, ERR_NOT_FOUND, "there is no offer '%s' (tally credit offers)", name);
}
