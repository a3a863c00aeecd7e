#include "meter/ledger/lot.h"

#include <stdlib.h>

static const char *const key_names[BURN_KEYS_MAX] = {
	[BURN_PRIORITY] = "priority",
	[BURN_EXPIRY] = "expiry",
	[BURN_EXPIRY_SECOND] = "expiry-second",
	[BURN_CLASS] = "class",
	[BURN_COST_BASIS] = "cost-basis",
	[BURN_EFFECTIVE] = "effective",
	[BURN_CREATED] = "created",
	[BURN_ID] = "id",
	[BURN_LARGEST] = "largest",
};

static bool has_key(const struct burn_order *o, enum burn_key k)
{
	for (int i = 0; i < o->count; i++)
		if (o->key[i] == k)
			return true;
	return false;
}

int burn_order_parse(struct burn_order *out, const char *list, struct err *e)
{
	struct burn_order o = { .count = 0 };
	while (*list) {
		struct text word = { list, strcspn(list, ",") };
		int found = -1;
		for (int k = 0; k < BURN_KEYS_MAX; k++)
			if (text_is(word, key_names[k]))
				found = k;
		if (found < 0 || has_key(&o, (enum burn_key)found))
			return err_set(e, ERR_USAGE,
				       "burn order: '%.*s' %s; choose from priority, expiry, "
				       "expiry-second, class, cost-basis, effective, created, id, "
				       "largest",
				       (int)word.n, word.p,
				       found < 0 ? "is no key" : "is listed twice");
		o.key[o.count++] = (enum burn_key)found;
		list += word.n;
		list += *list == ',';
	}
	if (o.count == 0)
		return err_set(e, ERR_USAGE, "burn order: name at least one key");
	for (int k = BURN_CREATED; k <= BURN_ID; k++)
		if (!has_key(&o, (enum burn_key)k))
			o.key[o.count++] = (enum burn_key)k;
	*out = o;
	return 0;
}

static int order_of(int128 a, int128 b)
{
	return a < b ? -1 : a > b;
}

static int64_t to_second(struct instant t)
{
	return floor_div(t.us, US_PER_SECOND);
}

static int compare(const struct lot *a, const struct lot *b, enum burn_key k)
{
	switch (k) {
	case BURN_PRIORITY:
		return order_of(a->priority, b->priority);
	case BURN_EXPIRY:
		return order_of(a->expires.us, b->expires.us);
	case BURN_EXPIRY_SECOND:
		return order_of(to_second(a->expires), to_second(b->expires));
	case BURN_CLASS:
		return order_of(a->kind, b->kind);
	case BURN_COST_BASIS:
		if (!a->has_cost_basis || !b->has_cost_basis)
			return order_of(a->has_cost_basis, b->has_cost_basis);
		return order_of(a->cost_basis.atto, b->cost_basis.atto);
	case BURN_EFFECTIVE:
		return order_of(a->effective.us, b->effective.us);
	case BURN_CREATED:
		return order_of(a->created.us, b->created.us);
	case BURN_ID:
		return text_cmp(a->id, b->id);
	case BURN_LARGEST:
		return order_of(b->left.atto, a->left.atto);
	}
	return 0;
}

static int by_order(const void *a, const void *b, void *of)
{
	const struct burn_order *order = of;
	for (int i = 0; i < order->count; i++) {
		int c = compare(a, b, order->key[i]);
		if (c)
			return c;
	}
	return order_of(((const struct lot *)a)->number, ((const struct lot *)b)->number);
}

void lots_sort(struct lot *lot, size_t count, const struct burn_order *order)
{
	struct burn_order o = *order;
	if (count > 1)
		qsort_r(lot, count, sizeof *lot, by_order, &o);
}

static struct credits_total to_take(const struct lot *l, struct instant at)
{
	struct credits_total most = l->left;
	if (!lot_counts(l, at) || most.atto < 0)
		return (struct credits_total){ 0 };
	if (l->cap.atto >= 0 && l->cap.atto < most.atto)
		most = l->cap;
	return most;
}

struct credits_total lots_available(const struct lot *lot, size_t count, struct instant at)
{
	struct credits_total sum = { 0 };
	for (size_t i = 0; i < count; i++)
		sum.atto += to_take(&lot[i], at).atto;
	return sum;
}

int lots_short(struct credits_total want, struct credits_total has, struct err *e)
{
	char a[DECIMAL_TEXT_MAX], b[DECIMAL_TEXT_MAX];
	return err_set(e, ERR_LIMIT, "out of credit: %s requested and %s available",
		       credits_format(want, a), credits_format(has, b));
}

int lots_take(struct lot *lot, size_t count, const struct lot_demand *want, struct lots_taken *out,
	      struct err *e)
{
	size_t n = 0;
	if (want->amount.atto < 0)
		return err_set(e, ERR_INVALID, "an amount to draw cannot be negative");
	struct credits_total left = want->amount;
	for (size_t i = 0; i < count && left.atto > 0; i++) {
		struct credits_total most = to_take(&lot[i], want->at);
		if (most.atto > left.atto)
			most = left;
		if (most.atto == 0)
			continue;
		out->use[n++] = (struct lot_use){ i, most };
		left.atto -= most.atto;
	}
	if (left.atto > 0 && want->policy == SHORT_REFUSE)
		return lots_short(want->amount,
				  (struct credits_total){ want->amount.atto - left.atto }, e);
	for (size_t i = 0; i < n; i++)
		lot[out->use[i].lot].left.atto -= out->use[i].amount.atto;
	out->uses = n;
	out->rest = left;
	return 0;
}
