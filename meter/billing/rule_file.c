/* Plan, offer and term files as they are checked. */
#include "meter/billing/rule_file.h"

#include <string.h>

#include "meter/billing/terms.h"
#include "meter/ledger/lot.h"
#include "meter/ledger/recurrence.h"
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
	struct recurrence r;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof intervals / sizeof *intervals; i++)
		if (intervals[i].every.n &&
		    (rc = recurrence_parse(&r, intervals[i].every, (struct instant){ 0 }, e)) != 0)
			rc = err_next(e, err_context(e, "'%s'", intervals[i].key));
	return rc;
}

/* The one of the account, which every offer has. */
static int check_burn_order(struct text order, struct err *e)
{
	struct burn_order ignored;
	return order.n && burn_order_parse(&ignored, order.p, e) != 0
		       ? err_context(e, "account: 'burn_order'")
		       : 0;
}

static int check_offers(struct text json, const char *name, struct err *e)
{
	struct offer_list offers = { 0 };
	int rc = offers_add(&offers, json, e);
	if (rc == 0 && offers.count)
		rc = err_next(e, check_burn_order(offers.offer[0].burn_order, e));
	for (size_t i = 0; rc == 0 && i < offers.count; i++) {
		const size_t before = err_noted(e);
		rc = err_within(e, before, check_offer(&offers.offer[i], e), "offers[%zu]", i);
	}
	offers_close(&offers);
	return err_within(e, 0, rc, "%s", name);
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
	return err_within(e, 0, card_check(json, e), "%s", name);
}

static int check_terms(struct text json, const char *name, struct err *e)
{
	return err_within(e, 0, terms_check(json, e), "%s", name);
}

/* The last is what a file without one of these schemas is. */
static const struct {
	const char *schema, *kind;
	int (*check)(struct text json, const char *name, struct err *e);
} kinds[] = { { "tally.plans/1", "plans", check_plans },
	      { "tally.offers/1", "offers", check_offers },
	      { "tally.card/1", "card", check_card },
	      { "", "terms", check_terms } };

static int check_all(struct text json, const char *name, const char **kind, struct err *e)
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

int rule_file_check(struct text json, const char *name, const char **kind, struct err_list *faults)
{
	struct err e = { 0 };
	err_gather(&e, faults);
	int rc = check_all(json, name, kind, &e);
	/* what ends the reading of a file is the last of its faults; a plan file notes its own */
	if (rc != 0 && (faults->count == 0 || strcmp(*kind, "plans") != 0))
		err_next(&e, rc);
	err_gather(NULL, NULL);
	return faults->count ? -(int)faults->fault[faults->count - 1].code : rc;
}
