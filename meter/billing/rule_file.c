/* Plan, offer and term files as they are checked. */
#include "meter/billing/rule_file.h"

#include <string.h>

#include "meter/billing/terms.h"
#include "meter/ledger/timeline.h"
#include "pricing/card.h"
#include "pricing/offer.h"
#include "pricing/plan.h"

/* What the ledger would say of it. */
static int check_offer(const struct offer *o, struct err *e)
{
	const struct {
		const char *key;
		struct text every;
	} intervals[] = { { "every", o->every }, { "lasts", o->lasts } };
	struct burn_order order;
	struct recurrence r;
	for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++)
		if (intervals[i].every.n &&
		    recurrence_parse(&r, intervals[i].every, (struct instant){ 0 }, e) != 0)
			return err_context(e, "'%s'", intervals[i].key);
	return o->burn_order.n ? burn_order_parse(&order, o->burn_order.p, e) : 0;
}

static int check_offers(struct text json, const char *name, struct err *e)
{
	struct offer_list offers = { 0 };
	int rc = offers_add(&offers, json, e);
	for (size_t i = 0; rc == 0 && i < offers.count; i++) {
		rc = check_offer(&offers.offer[i], e);
		if (rc != 0)
			err_context(e, "offers[%zu]", i);
	}
	offers_close(&offers);
	return rc == 0 ? 0 : err_context(e, "%s", name);
}

static int check_plans(struct text json, const char *name, struct err *e)
{
	struct plan_file *plans;
	int rc = plan_file_parse(&plans, json, name, e);
	if (rc == 0)
		plan_file_close(plans);
	return rc;
}

static int check_card(struct text json, const char *name, struct err *e)
{
	return card_check(json, e) == 0 ? 0 : err_context(e, "%s", name);
}

static int check_terms(struct text json, const char *name, struct err *e)
{
	return terms_check(json, e) == 0 ? 0 : err_context(e, "%s", name);
}

/* The last is what a file without one of these schemas is. */
static const struct {
	const char *schema, *kind;
	int (*check)(struct text json, const char *name, struct err *e);
} kinds[] = { { "tally.plans/1", "plans", check_plans },
	      { "tally.offers/1", "offers", check_offers },
	      { "tally.card/1", "card", check_card },
	      { "", "terms", check_terms } };

int rule_file_check(struct text json, const char *name, const char **kind, struct err *e)
{
	struct json_document *doc;
	int rc = json_open(&doc, json, e);
	*kind = "";
	if (rc != 0)
		return err_context(e, "%s", name);
	const struct text schema = json_string(json_member(json_root(doc), "schema"));
	size_t i = 0;
	while (i + 1 < sizeof kinds / sizeof *kinds && !text_is(schema, kinds[i].schema))
		i++;
	*kind = kinds[i].kind;
	json_close(doc);
	return kinds[i].check(json, name, e);
}
