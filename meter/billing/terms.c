#include "meter/billing/terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/instant.h"
#include "meter/billing/labels.h"
#include "meter/billing/logo.h"
#include "pricing/model_names.h"

static const struct {
	const char *name;
	enum rounding_mode mode;
} modes[] = { { "half-up", ROUND_HALF_UP },
	      { "half-even", ROUND_HALF_EVEN },
	      { "up", ROUND_UP },
	      { "down", ROUND_DOWN } };

const char *rounding_name(enum rounding_mode m)
{
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (modes[i].mode == m)
			return modes[i].name;
	return "none";
}

int currency_places(struct text currency)
{
	static const struct {
		int places;
		const char *codes; /* of three letters each */
	} others[] = { { 0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF" },
		       { 3, "BHD IQD JOD KWD LYD OMR TND" },
		       { 4, "CLF UYW" } };
	for (size_t i = 0; currency.n == 3 && i < sizeof others / sizeof *others; i++)
		for (const char *c = others[i].codes; *c; c += c[3] ? 4 : 3)
			if (memcmp(c, currency.p, 3) == 0)
				return others[i].places;
	return 2;
}

/* A text, empty without it. */
static int text_member(json_value *v, const char *key, struct text *out, struct err *e)
{
	json_value *m = json_member(v, key);
	*out = json_string(m);
	return m && json_kind(m) != JSON_STRING
		       ? err_set(e, ERR_INVALID, "'%s' must be a text", key)
		       : 0;
}

struct named_text {
	const char *key;
	struct text *to;
};

static int read_texts(json_value *v, const struct named_text *list, size_t n, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = err_next(e, text_member(v, list[i].key, list[i].to, e));
	return rc;
}

/* What stands on the line, which needs one. */
static int description_member(json_value *v, struct text *out, struct err *e)
{
	int rc = text_member(v, "description", out, e);
	return rc == 0 && out->n == 0 ? err_set(e, ERR_INVALID, "'description' is missing") : rc;
}

static int decimal_member(json_value *v, const char *key, bool needed, bool *has,
			  struct decimal *out, struct err *e)
{
	json_value *m = json_member(v, key);
	if (has)
		*has = m != NULL;
	*out = (struct decimal){ 0 };
	if (!m)
		return needed ? err_set(e, ERR_INVALID, "'%s' is missing", key) : 0;
	if (json_kind(m) != JSON_STRING || decimal_parse(out, json_string(m), NULL) != 0)
		return err_set(e, ERR_INVALID, "'%s' must be a decimal number as text", key);
	return 0;
}

static int amount_member(json_value *v, const char *key, bool needed, bool *has,
			 struct money_total *out, struct err *e)
{
	struct decimal d;
	int rc = decimal_member(v, key, needed, has, &d, e);
	if (rc == 0)
		rc = amount_from_decimal(out, d, e);
	if (rc == 0 && out->atto < 0)
		rc = err_set(e, ERR_INVALID, "'%s' cannot be negative", key);
	return rc;
}

static int quantity_member(json_value *v, const char *key, bool needed, bool *has,
			   struct quantity *out, struct err *e)
{
	struct decimal d;
	int rc = decimal_member(v, key, needed, has, &d, e);
	if (rc == 0)
		rc = quantity_from_decimal(out, d, e);
	if (rc == 0 && out->nano < 0)
		rc = err_set(e, ERR_INVALID, "'%s' cannot be negative", key);
	return rc;
}

static int read_tiers(json_value *list, struct metered_item *item, struct err *e)
{
	static const char *const keys[] = { "up_to", "unit", "flat", NULL };
	struct quantity last = { 0 };
	bool open = false;
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		struct tier *t = &item->tier[item->tiers];
		const size_t before = err_noted(e);
		if (item->tiers == TIERS_MAX)
			return err_set(e, ERR_INVALID, "more than %d tiers", TIERS_MAX);
		int rc = json_check_keys(v, keys, "a tier", e);
		bool null =
			json_member(v, "up_to") && json_kind(json_member(v, "up_to")) == JSON_NULL;
		if (rc == 0 && !null)
			rc = err_next(e, quantity_member(v, "up_to", false, &t->bounded, &t->up_to,
							 e));
		if (rc == 0)
			rc = err_next(e, amount_member(v, "unit", false, NULL, &t->unit, e));
		if (rc == 0)
			rc = err_next(e, amount_member(v, "flat", false, NULL, &t->flat, e));
		if (rc == 0 && open)
			rc = err_next(e, err_set(e, ERR_INVALID, "only the last tier may be open"));
		if (rc == 0 && err_noted(e) == before && t->bounded && t->up_to.nano <= last.nano)
			rc = err_next(e, err_set(e, ERR_INVALID, "tiers ascend"));
		rc = err_next(e, err_within(e, before, rc, "tier %zu", item->tiers + 1));
		if (rc != 0)
			return rc;
		last = t->up_to;
		open = !t->bounded;
		item->tiers++;
	}
	return open ? 0 : err_set(e, ERR_INVALID, "the last tier must be open (no 'up_to')");
}

static int read_package_size(json_value *package, struct quantity *out, struct err *e)
{
	int rc = quantity_member(package, "size", true, NULL, out, e);
	return rc == 0 && out->nano == 0 ? err_set(e, ERR_INVALID, "a package must be positive")
					 : rc;
}

static int read_pricing(json_value *v, struct metered_item *item, struct err *e)
{
	static const char *const keys[] = { "unit", "graduated", "volume", "package", NULL };
	static const char *const package_keys[] = { "size", "price", "free", NULL };
	json_value *graduated = json_member(v, "graduated"), *volume = json_member(v, "volume"),
		   *package = json_member(v, "package");
	int rc = json_check_keys(v, keys, "'pricing'", e);
	if (rc != 0)
		return rc;
	if (graduated || volume) {
		item->kind = graduated ? PRICING_GRADUATED : PRICING_VOLUME;
		return read_tiers(graduated ? graduated : volume, item, e);
	}
	if (package) {
		item->kind = PRICING_PACKAGE;
		rc = json_check_keys(package, package_keys, "'package'", e);
		if (rc == 0)
			rc = err_next(e, read_package_size(package, &item->package, e));
		if (rc == 0)
			rc = err_next(e,
				      amount_member(package, "price", true, NULL, &item->price, e));
		if (rc == 0)
			rc = err_next(e, quantity_member(package, "free", false, NULL,
							 &item->free_units, e));
		return rc;
	}
	item->kind = PRICING_UNIT;
	return amount_member(v, "unit", true, NULL, &item->price, e);
}

static int read_metered(struct terms *t, json_value *v, struct err *e)
{
	static const char *const keys[] = {
		"description", "of", "model", "project", "pricing", NULL
	};
	struct metered_item *item = &t->metered[t->metered_count];
	int rc = json_check_keys(v, keys, "a metered item", e);
	if (rc != 0)
		return rc;
	*item = (struct metered_item){ 0 };
	const struct named_text texts[] = { { "description", &item->description },
					    { "of", &item->of },
					    { "model", &item->model },
					    { "project", &item->project } };
	rc = read_texts(v, texts, 4, e);
	if (rc == 0 && !text_is(item->of, "requests") && !text_is(item->of, "tokens") &&
	    count_by_name(item->of.n ? item->of.p : "", item->of.n) < 0)
		rc = err_next(e, err_set(e, ERR_INVALID,
					 "'of' is requests, tokens, a bucket such as output or a "
					 "unit such as page"));
	if (item->description.n == 0)
		item->description = item->of;
	const size_t before = err_noted(e);
	if (rc == 0)
		rc = err_within(e, before, read_pricing(json_member(v, "pricing"), item, e),
				"pricing");
	t->metered_count += rc == 0;
	return rc;
}

static int bool_member(json_value *v, const char *key, bool missing, bool *out, struct err *e)
{
	json_value *m = json_member(v, key);
	*out = m ? json_true(m) : missing;
	if (m && json_kind(m) != JSON_BOOL)
		return err_set(e, ERR_INVALID, "'%s' is true or false", key);
	return 0;
}

/* Whether a begun period is charged in full: as the terms say, unless it is said here. */
static int whole_of(const struct terms *t, json_value *v, bool *out, struct err *e)
{
	bool prorate;
	int rc = bool_member(v, "prorate", t->proration != PRORATE_NONE, &prorate, e);
	*out = !prorate;
	return rc;
}

static int read_fixed(struct terms *t, json_value *v, struct err *e)
{
	static const char *const keys[] = { "description", "amount",  "quantity", "from",    "to",
					    "once",	   "prorate", "pauses",	  "advance", NULL };
	struct fixed_item *item = &t->fixed[t->fixed_count++];
	bool has_quantity;
	int rc = json_check_keys(v, keys, "an item", e);
	if (rc == 0)
		rc = err_next(e, description_member(v, &item->description, e));
	if (rc == 0)
		rc = err_next(e, quantity_member(v, "quantity", false, &has_quantity,
						 &item->quantity, e));
	if (rc == 0 && !has_quantity)
		item->quantity.nano = 1000000000;
	if (rc == 0)
		rc = err_next(e, dated_read(&item->when, v, t->proration, e));
	if (rc == 0)
		rc = err_next(e, bool_member(v, "once", false, &item->once, e));
	if (rc == 0)
		rc = err_next(e, bool_member(v, "advance", false, &item->advance, e));
	if (rc == 0)
		rc = err_next(e, whole_of(t, v, &item->whole, e));
	if (rc == 0 && item->once && !json_member(v, "from"))
		rc = err_next(e, err_set(e, ERR_INVALID, "'once' needs the day, as 'from'"));
	if (rc == 0 && item->once && item->advance)
		rc = err_next(e,
			      err_set(e, ERR_INVALID, "'once' and 'advance' exclude each other"));
	return rc == 0 ? amount_member(v, "amount", true, NULL, &item->amount, e) : rc;
}

/* An amount alone, or an object that says when it counts. */
static int read_bound(struct terms *t, json_value *root, const char *key, struct bound *out,
		      struct err *e)
{
	static const char *const keys[] = { "amount", "from", "to", "pauses", "prorate", NULL };
	json_value *v = json_member(root, key);
	out->when = dated_always;
	out->whole = t->proration == PRORATE_NONE;
	if (!v || json_kind(v) != JSON_OBJECT)
		return amount_member(root, key, false, &out->set, &out->amount, e);
	const size_t before = err_noted(e);
	int rc = json_check_keys(v, keys, key, e);
	if (rc == 0)
		rc = err_next(e, amount_member(v, "amount", true, &out->set, &out->amount, e));
	if (rc == 0)
		rc = err_next(e, dated_read(&out->when, v, t->proration, e));
	if (rc == 0)
		rc = err_next(e, whole_of(t, v, &out->whole, e));
	return err_within(e, before, rc, "%s", key);
}

/* When the customer has the contract at all, and how parts of a period are counted. */
static int read_contract(struct terms *t, json_value *root, struct err *e)
{
	static const char *const keys[] = { "from", "to", NULL };
	static const char *const ways[] = { "day", "second", "none" };
	json_value *v = json_member(root, "contract"), *way = json_member(root, "proration");
	size_t k = 0;
	while (way && k < 3 && !text_is(json_string(way), ways[k]))
		k++;
	int rc = k == 3 ? err_next(e, err_set(e, ERR_INVALID, "'proration' is day, second or none"))
			: 0;
	t->proration = k == 3 ? PRORATE_DAY : (enum proration)k;
	t->contract = dated_always;
	if (rc != 0 || !v)
		return rc;
	t->from_account = json_kind(v) == JSON_STRING && text_is(json_string(v), "account");
	if (t->from_account)
		return 0;
	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "'contract' is \"account\", or has 'from' and 'to'");
	const size_t before = err_noted(e);
	rc = json_check_keys(v, keys, "'contract'", e);
	if (rc == 0)
		rc = dated_read(&t->contract, v, t->proration, e);
	return err_within(e, before, rc, "contract");
}

static int whole_member(json_value *v, const char *key, int64_t missing, int64_t most, int64_t *out,
			struct err *e)
{
	struct decimal d;
	json_value *m = json_member(v, key);
	*out = missing;
	if (!m)
		return 0;
	if (json_kind(m) != JSON_NUMBER || decimal_parse(&d, json_number(m), NULL) != 0 ||
	    !decimal_to_int64(d, 0, out) || *out < 0 || *out > most)
		return err_set(e, ERR_INVALID, "'%s' is a whole number from 0 to %lld", key,
			       (long long)most);
	return 0;
}

static int read_coupon(struct terms *t, json_value *v, struct err *e)
{
	static const char *const keys[] = { "description", "percent", "amount", "from",
					    "to",	   "periods", NULL };
	struct coupon *x = &t->coupon[t->coupon_count++];
	bool has_amount;
	int rc = json_check_keys(v, keys, "a coupon", e);
	if (rc == 0)
		rc = err_next(e, description_member(v, &x->description, e));
	if (rc == 0)
		rc = err_next(e,
			      decimal_member(v, "percent", false, &x->is_percent, &x->percent, e));
	if (rc == 0)
		rc = err_next(e, amount_member(v, "amount", false, &has_amount, &x->amount, e));
	if (rc == 0 && has_amount == x->is_percent)
		rc = err_next(e, err_set(e, ERR_INVALID, "a coupon has 'percent' or 'amount'"));
	if (rc == 0 &&
	    (x->percent.digits < 0 || decimal_cmp(x->percent, (struct decimal){ 100, 0 }) > 0))
		rc = err_next(e, err_set(e, ERR_INVALID, "'percent' is from 0 to 100"));
	if (rc == 0)
		rc = err_next(e, day_member(v, "from", INT64_MIN / 2, &x->from, e));
	if (rc == 0)
		rc = err_next(e, day_member(v, "to", INT64_MAX / 2, &x->to, e));
	if (rc == 0 && x->to < x->from)
		rc = err_next(e, err_set(e, ERR_INVALID, "'to' cannot be before 'from'"));
	if (rc == 0)
		rc = err_next(e, whole_member(v, "periods", 0, 1200, &x->periods, e));
	if (rc == 0 && x->periods && x->from == INT64_MIN / 2)
		rc = err_next(e,
			      err_set(e, ERR_INVALID, "'periods' are counted from a day, 'from'"));
	return rc;
}

/* From a day on and until another, of which usage counts. */
static int read_days(struct days *out, json_value *v, struct err *e)
{
	int rc = err_next(e, day_member(v, "from", DAY_OPEN_BEFORE, &out->from, e));
	if (rc == 0)
		rc = err_next(e, day_member(v, "to", DAY_OPEN_AFTER, &out->to, e));
	return rc == 0 && out->to < out->from
		       ? err_set(e, ERR_INVALID, "'to' cannot be before 'from'")
		       : rc;
}

static int read_markup(struct terms *t, json_value *v, struct err *e)
{
	static const char *const keys[] = { "model", "provider", "percent", "from", "to", NULL };
	struct markup *m = &t->markup[t->markup_count++];
	int rc = json_check_keys(v, keys, "a markup", e);
	const struct named_text texts[] = { { "model", &m->model }, { "provider", &m->provider } };
	*m = (struct markup){ 0 };
	if (rc == 0)
		rc = read_texts(v, texts, 2, e);
	if (rc == 0)
		rc = err_next(e, read_days(&m->when, v, e));
	return rc == 0 ? decimal_member(v, "percent", true, NULL, &m->percent, e) : rc;
}

static int read_negotiated(struct terms *t, json_value *v, struct err *e)
{
	static const char *const keys[] = { "model", "provider", "rates", "from", "to", NULL };
	struct negotiated *n = &t->negotiated[t->negotiated_count++];
	json_value *rates = json_member(v, "rates");
	int rc = json_check_keys(v, keys, "a price", e);
	const struct named_text texts[] = { { "model", &n->model }, { "provider", &n->provider } };
	*n = (struct negotiated){ 0 };
	if (rc == 0)
		rc = read_texts(v, texts, 2, e);
	if (rc == 0)
		rc = err_next(e, read_days(&n->when, v, e));
	if (rc == 0 && !n->model.n && !n->provider.n)
		rc = err_next(e, err_set(e, ERR_INVALID,
					 "a price names a 'model', a 'provider' or both"));
	if (rc == 0 && (json_kind(rates) != JSON_OBJECT || !json_first(rates)))
		rc = err_next(e, err_set(e, ERR_INVALID, "'rates' is missing"));
	for (json_value *r = json_first(rates); rc == 0 && r; r = json_next(r)) {
		const struct text bucket = text_of(json_key(r));
		struct decimal d;
		if (count_by_name(bucket.p, bucket.n) < 0 && !text_is(bucket, "request")) {
			rc = err_next(e, err_set(e, ERR_INVALID,
						 "rates: '%s' is no bucket and no unit", bucket.p));
			continue;
		}
		if (n->rates == TERMS_ITEMS_MAX)
			return err_set(e, ERR_INVALID, "'rates' has more than %d entries",
				       TERMS_ITEMS_MAX);
		rc = decimal_member(rates, bucket.p, true, NULL, &d, e);
		n->rate[n->rates].bucket = bucket;
		if (rc == 0 && d.digits < 0)
			rc = err_set(e, ERR_INVALID, "'%s' cannot be negative", bucket.p);
		if (rc == 0)
			rc = money_from_decimal(&n->rate[n->rates++].price, d, e);
		rc = err_next(e, rc);
	}
	return rc;
}

static int read_tax(struct terms *t, json_value *v, struct err *e)
{
	static const char *const keys[] = { "name", "percent", NULL };
	struct tax *x = &t->tax[t->tax_count++];
	int rc = json_check_keys(v, keys, "a tax", e);
	if (rc == 0)
		rc = err_next(e, text_member(v, "name", &x->name, e));
	if (rc == 0)
		rc = err_next(e, decimal_member(v, "percent", true, NULL, &x->percent, e));
	if (rc == 0 && x->percent.digits < 0)
		rc = err_next(e, err_set(e, ERR_INVALID, "a tax is not negative"));
	return rc;
}

static int read_list(struct terms *t, json_value *root, const char *key,
		     int (*read)(struct terms *t, json_value *v, struct err *e), struct err *e)
{
	json_value *list = json_member(root, key);
	size_t n = 0;
	if (list && json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "'%s' is a list", key);
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		if (n++ == TERMS_ITEMS_MAX)
			return err_set(e, ERR_INVALID, "'%s' has more than %d entries", key,
				       TERMS_ITEMS_MAX);
		const size_t before = err_noted(e);
		int rc = err_next(e, err_within(e, before, read(t, v, e), "%s[%zu]", key, n - 1));
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int check_credit_price(const struct terms *t, json_value *root, struct err *e)
{
	struct decimal d;
	struct quantity q;
	if (!json_member(root, "credit_price"))
		return 0;
	if (text_is(t->currency, "credits"))
		return err_set(e, ERR_INVALID,
			       "'credit_price' is for invoices in money: name the "
			       "'currency'");
	if (!text_is(t->credit_price, "plan") &&
	    (decimal_parse(&d, t->credit_price, NULL) != 0 || d.digits < 0 ||
	     quantity_from_decimal(&q, d, NULL) != 0))
		return err_set(e, ERR_INVALID,
			       "'credit_price' is \"plan\", or what a credit costs, "
			       "as text, in at most nine decimals");
	return 0;
}

/* What is on or off; and "money", which says in one word what "currency" and "credit_price" do. */
static int read_switches(struct terms *t, json_value *root, struct err *e)
{
	struct text money = json_string(json_member(root, "money"));
	int rc = err_next(e, bool_member(root, "usage", true, &t->usage, e));
	if (rc == 0)
		rc = err_next(e, bool_member(root, "sales", true, &t->sales, e));
	if (rc == 0)
		rc = err_next(e, bool_member(root, "reverse_charge", false, &t->reverse_charge, e));
	if (rc == 0)
		rc = err_next(e, bool_member(root, "tax_inclusive", false, &t->tax_inclusive, e));
	if (rc != 0 || !json_member(root, "money"))
		return rc;
	if (!text_is(money, "list") && !text_is(money, "plan") && !text_is(money, "credits"))
		return err_set(e, ERR_INVALID, "'money' is list, plan or credits");
	if (text_is(money, "credits") != text_is(t->currency, "credits"))
		return err_set(e, ERR_INVALID, "'money' is \"%.*s\" and 'currency' %.*s",
			       (int)money.n, money.p, (int)t->currency.n, t->currency.p);
	if (text_is(money, "plan") && t->credit_price.n && !text_is(t->credit_price, "plan"))
		return err_set(e, ERR_INVALID,
			       "'money' is \"plan\" and 'credit_price' another one");
	if (text_is(money, "list") && t->credit_price.n)
		return err_set(e, ERR_INVALID, "'money' is \"list\": leave out 'credit_price'");
	if (text_is(money, "plan"))
		t->credit_price = money;
	return 0;
}

/* A text, or a list of texts. */
static int check_texts(json_value *m, const char *key, struct err *e)
{
	bool good = !m || json_kind(m) == JSON_STRING || json_kind(m) == JSON_ARRAY;
	for (json_value *v = json_kind(m) == JSON_ARRAY ? json_first(m) : NULL; v; v = json_next(v))
		good &= json_kind(v) == JSON_STRING;
	return good ? 0 : err_set(e, ERR_INVALID, "'%s' is a text or a list of texts", key);
}

/* Who issues it, or who gets it: what papers print of them. */
static int check_party(json_value *p, const char *key, struct err *e)
{
	struct buf png = { 0 };
	json_value *logo = json_member(p, "logo");
	const size_t before = err_noted(e);
	int rc = 0;
	if (p && json_kind(p) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "'%s' is an object", key);
	for (json_value *m = json_first(p); rc == 0 && m; m = json_next(m))
		rc = err_next(e, check_texts(m, json_key(m), e));
	if (rc == 0 && logo)
		rc = logo_read(&png, json_string(logo), e);
	buf_release(&png);
	return err_within(e, before, rc, "'%s'", key);
}

/* What papers say beside the figures, and in which language. */
static int read_papers(struct terms *t, json_value *root, struct err *e)
{
	t->issuer = json_member(root, "issuer");
	t->customer = json_member(root, "customer");
	t->payment = json_member(root, "payment");
	t->language = json_string(json_member(root, "language"));
	int rc = err_next(e, text_member(root, "note", &t->note, e));
	if (rc == 0 && json_member(root, "language") && !labels_of(t->language))
		rc = err_next(e,
			      err_set(e, ERR_INVALID, "'language' is one of %s", labels_known()));
	if (rc == 0)
		rc = err_next(e, check_party(t->issuer, "issuer", e));
	if (rc == 0)
		rc = err_next(e, check_party(t->customer, "customer", e));
	return rc == 0 ? check_texts(t->payment, "payment", e) : rc;
}

/* What terms may say. */
static const char *const terms_keys[] = {
	"currency",	 "places",	     "rounding", "series",	"due_days",
	"items",	 "metered",	     "markup",	 "minimum",	"maximum",
	"taxes",	 "discount_percent", "issuer",	 "customer",	"note",
	"usage",	 "credit_price",     "coupons",	 "rounding_of", "reverse_charge",
	"tax_inclusive", "threshold",	     "sales",	 "money",	"contract",
	"proration",	 "language",	     "payment",	 "prices",	NULL
};

/* To how many places, which way, and of what. */
static int read_rounding(struct terms *t, json_value *root, struct err *e)
{
	const struct text of = json_string(json_member(root, "rounding_of")),
			  mode = json_string(json_member(root, "rounding"));
	int64_t places;
	size_t i = 0, n = sizeof modes / sizeof *modes;
	while (i < n && json_member(root, "rounding") && !text_is(mode, modes[i].name))
		i++;
	t->round.mode = i < n ? modes[i].mode : ROUND_HALF_UP;
	int rc = i < n ? 0
		       : err_next(e, err_set(e, ERR_INVALID,
					     "'rounding' is half-up, half-even, up or down"));
	t->by_document = text_is(of, "document");
	if (rc == 0 && json_member(root, "rounding_of") && !t->by_document && !text_is(of, "line"))
		rc = err_next(e, err_set(e, ERR_INVALID, "'rounding_of' is line or document"));
	if (rc == 0)
		rc = whole_member(root, "places", currency_places(t->currency), 12, &places, e);
	t->round.places = rc == 0 ? (int)places : 0;
	return rc;
}

static int read_all(struct terms *t, json_value *root, struct err *e)
{
	int rc = json_check_keys(root, terms_keys, "the terms", e);
	if (rc == 0)
		rc = err_next(e, text_member(root, "currency", &t->currency, e));
	if (rc == 0)
		rc = err_next(e, text_member(root, "series", &t->series, e));
	if (rc == 0)
		rc = err_next(e, text_member(root, "credit_price", &t->credit_price, e));
	if (t->currency.n == 0)
		t->currency = TEXT("credits");
	if (rc == 0)
		rc = err_next(e, read_rounding(t, root, e));
	if (rc == 0)
		rc = err_next(e, read_papers(t, root, e));
	if (rc == 0)
		rc = err_next(e, read_switches(t, root, e));
	if (rc == 0 && t->reverse_charge && json_string(json_member(t->customer, "tax_id")).n == 0)
		rc = err_next(e, err_set(e, ERR_INVALID,
					 "'reverse_charge' needs the customer's "
					 "'tax_id' on the invoice"));
	if (rc == 0)
		rc = err_next(e, whole_member(root, "due_days", 14, 3650, &t->due_days, e));
	if (rc == 0)
		rc = err_next(e, read_contract(t, root, e));
	if (rc == 0)
		rc = err_next(e, read_list(t, root, "items", read_fixed, e));
	if (rc == 0)
		rc = err_next(e, read_list(t, root, "metered", read_metered, e));
	if (rc == 0)
		rc = err_next(e, read_list(t, root, "markup", read_markup, e));
	if (rc == 0)
		rc = err_next(e, read_list(t, root, "prices", read_negotiated, e));
	if (rc == 0 && t->negotiated_count &&
	    (text_is(t->currency, "credits") || t->credit_price.n))
		rc = err_next(e,
			      err_set(e, ERR_INVALID,
				      "'prices' are for invoices in money at list prices: name the "
				      "'currency', and leave out 'credit_price'"));
	if (rc == 0)
		rc = err_next(e, read_list(t, root, "taxes", read_tax, e));
	if (rc == 0)
		rc = err_next(e, read_list(t, root, "coupons", read_coupon, e));
	if (rc == 0)
		rc = err_next(e, read_bound(t, root, "minimum", &t->minimum, e));
	if (rc == 0)
		rc = err_next(e, read_bound(t, root, "maximum", &t->maximum, e));
	if (rc == 0)
		rc = err_next(e, amount_member(root, "threshold", false, NULL, &t->threshold, e));
	if (rc == 0)
		rc = err_next(e, decimal_member(root, "discount_percent", false, NULL,
						&t->discount_percent, e));
	if (rc == 0 && (t->discount_percent.digits < 0 ||
			decimal_cmp(t->discount_percent, (struct decimal){ 100, 0 }) > 0))
		rc = err_next(e, err_set(e, ERR_INVALID, "'discount_percent' is from 0 to 100"));
	return rc == 0 ? check_credit_price(t, root, e) : rc;
}

/* {"versions": [{"from": DAY, "terms": {...}}, ...]}, ascending; or one version alone. */
static int choose_version(json_value *root, int64_t day, json_value **out, struct err *e)
{
	static const char *const root_keys[] = { "versions", NULL };
	static const char *const keys[] = { "from", "terms", NULL };
	json_value *list = json_member(root, "versions");
	int64_t last = INT64_MIN, from;
	size_t n = 0;
	*out = root;
	if (!list)
		return 0;
	int rc = json_check_keys(root, root_keys, "the terms", e);
	if (rc == 0 && (json_kind(list) != JSON_ARRAY || !json_first(list)))
		rc = err_next(e, err_set(e, ERR_INVALID, "'versions' is a list"));
	*out = json_member(json_first(list), "terms");
	for (json_value *v = json_first(list); rc == 0 && v; v = json_next(v), n++) {
		const size_t before = err_noted(e);
		rc = json_check_keys(v, keys, "a version", e);
		if (rc == 0)
			rc = err_next(e, day_member(v, "from", INT64_MIN / 2, &from, e));
		if (rc == 0 && err_noted(e) == before && n && from <= last)
			rc = err_next(e, err_set(e, ERR_INVALID, "versions ascend by 'from'"));
		if (rc == 0 && json_kind(json_member(v, "terms")) != JSON_OBJECT)
			rc = err_next(e, err_set(e, ERR_INVALID, "'terms' is missing"));
		rc = err_next(e, err_within(e, before, rc, "versions[%zu]", n));
		if (rc != 0)
			return rc;
		if (from <= day)
			*out = json_member(v, "terms");
		last = from;
	}
	return rc;
}

int terms_read(struct terms *out, struct text json, int64_t day, struct err *e)
{
	*out = (struct terms){ 0 };
	int rc = json_open(&out->json, json, e);
	if (rc != 0) {
		out->json = NULL;
		return rc;
	}
	rc = choose_version(json_root(out->json), day, &out->version, e);
	if (rc == 0)
		rc = read_all(out, out->version, e);
	if (rc != 0)
		terms_release(out);
	return rc;
}

int terms_check(struct text json, struct err *e)
{
	struct terms *t = mem_zalloc(sizeof *t);
	struct json_document *doc;
	int rc = json_open(&doc, json, e);
	size_t n = 0;
	if (rc == 0) {
		json_value *list = json_member(json_root(doc), "versions");
		rc = choose_version(json_root(doc), 0, &t->version, e);
		if (rc == 0 && !list)
			rc = read_all(t, json_root(doc), e);
		for (json_value *v = json_first(list); rc == 0 && v; v = json_next(v), n++) {
			*t = (struct terms){ 0 };
			const size_t before = err_noted(e);
			if (json_kind(json_member(v, "terms")) != JSON_OBJECT)
				continue; /* told already */
			rc = read_all(t, json_member(v, "terms"), e);
			rc = err_next(e, err_within(e, before, rc, "versions[%zu]", n));
		}
		json_close(doc);
	}
	free(t);
	return rc;
}

void terms_release(struct terms *t)
{
	json_close(t->json);
	t->json = NULL;
}

static bool has_day(struct days d, int64_t day)
{
	return d.from <= day && day < d.to;
}

static void sooner(int64_t *best, int64_t after, struct days d)
{
	if (d.from > after && d.from < *best)
		*best = d.from;
	if (d.to > after && d.to < *best)
		*best = d.to;
}

int64_t terms_change_after(const struct terms *t, int64_t day)
{
	int64_t best = DAY_OPEN_AFTER;
	for (size_t i = 0; i < t->negotiated_count; i++)
		sooner(&best, day, t->negotiated[i].when);
	for (size_t i = 0; i < t->markup_count; i++)
		sooner(&best, day, t->markup[i].when);
	return best;
}

bool terms_name_model(struct text name, const struct priced_use *of)
{
	if (!name.n || text_eq(name, of->model))
		return true;
	return of->names &&
	       model_names_same(of->names, name,
				&(struct named_model){ of->provider, of->model, of->at });
}

/* How closely a model and a provider of terms are those of the use; below 0: they are not. The name
 * that was sent goes before others that mean it, any before none. */
static int closeness(struct text model, struct text provider, const struct priced_use *of)
{
	if (!terms_name_model(model, of) || (provider.n && !text_eq(provider, of->provider)))
		return -1;
	return (model.n ? 2 : 0) + (model.n && text_eq(model, of->model) ? 2 : 0) +
	       (provider.n ? 1 : 0);
}

bool terms_price(const struct terms *t, int64_t day, const struct priced_use *of, struct money *out)
{
	int best = 0;
	for (size_t i = 0; i < t->negotiated_count; i++) {
		const struct negotiated *n = &t->negotiated[i];
		const int rank = closeness(n->model, n->provider, of);
		if (rank <= best || !has_day(n->when, day))
			continue;
		for (size_t k = 0; k < n->rates; k++)
			if (text_eq(n->rate[k].bucket, of->bucket)) {
				*out = n->rate[k].price;
				best = rank;
			}
	}
	return best > 0;
}

struct decimal terms_markup(const struct terms *t, int64_t day, const struct priced_use *of)
{
	const struct markup *best = NULL;
	int best_rank = -1;
	for (size_t i = 0; i < t->markup_count; i++) {
		const struct markup *m = &t->markup[i];
		const int rank = has_day(m->when, day) ? closeness(m->model, m->provider, of) : -1;
		if (rank > best_rank) {
			best = m;
			best_rank = rank;
		}
	}
	return best ? best->percent : (struct decimal){ 0 };
}
