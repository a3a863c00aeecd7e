/*
 * terms: how a customer is invoiced: currency, rounding, fixed and metered items, markup, minimum,
 * discount, taxes, and who stands on the invoice. Data with the account (docs/invoices.md).
 */
#ifndef TALLY_METER_BILLING_TERMS_H
#define TALLY_METER_BILLING_TERMS_H

#include "base/json.h"
#include "meter/billing/dated.h"
#include "meter/billing/tiers.h"
#include "pricing/usage.h"

/* Decimals of a currency (ISO 4217); 2 for credits and what is not listed. */
int currency_places(struct text currency);

enum pricing_kind { PRICING_UNIT, PRICING_GRADUATED, PRICING_VOLUME, PRICING_PACKAGE };

/* A charge for a quantity of the period. */
struct metered_item {
	struct text description, of; /* "requests", "tokens" or a bucket */
	struct text model, project;  /* empty: all */
	enum pricing_kind kind;
	struct tier tier[TIERS_MAX];
	size_t tiers;
	struct quantity package, free_units;
	struct money_total price; /* of a unit or a package */
};

enum { TERMS_ITEMS_MAX = 32 };

/* A charge of every period in which it counts, or of the one in which it begins. */
struct fixed_item {
	struct text description;
	struct money_total amount;
	struct quantity quantity;
	struct dated when;
	bool once, whole; /* whole: a begun period is charged in full */
	bool advance;	  /* a period is asked for with the one before it */
};

/* What a period comes to at least or at most; the part of it where it does not count all of it. */
struct bound {
	bool set, whole;
	struct money_total amount;
	struct dated when;
};

/* Taken off the periods from the one in which `from` lies on. By the calendar, so that it is
 * neither used up by a document that is void nor used twice. */
struct coupon {
	struct text description;
	bool is_percent;
	struct decimal percent;
	struct money_total amount; /* at most what is asked for */
	int64_t from, to;	   /* local days; to: exclusive, of a period's first day */
	int64_t periods;	   /* 0: no end */
};

#define DAY_OPEN_BEFORE (INT64_MIN / 2)
#define DAY_OPEN_AFTER (INT64_MAX / 2)
/* Local days of usage, to: exclusive; open ones as above. */
struct days {
	int64_t from, to;
};

struct markup {
	struct text model, provider; /* both empty: everything else */
	struct decimal percent;
	struct days when;
};

/* What a customer pays for usage instead of the price that rated it. */
struct negotiated {
	struct text model, provider; /* one of them at least */
	struct {
		struct text bucket; /* or a unit */
		struct money price; /* for a million tokens, or one of the unit */
	} rate[TERMS_ITEMS_MAX];
	size_t rates;
	struct days when;
};

struct tax {
	struct text name;
	struct decimal percent;
};

struct terms {
	struct text currency;  /* "credits" or a code */
	struct rounding round; /* of every line */
	struct text series;    /* in front of the year in numbers */
	int64_t due_days;
	struct fixed_item fixed[TERMS_ITEMS_MAX];
	struct metered_item metered[TERMS_ITEMS_MAX];
	struct markup markup[TERMS_ITEMS_MAX];
	struct negotiated negotiated[TERMS_ITEMS_MAX];
	struct tax tax[TERMS_ITEMS_MAX];
	struct coupon coupon[TERMS_ITEMS_MAX];
	size_t fixed_count, metered_count, markup_count, negotiated_count, tax_count, coupon_count;
	bool by_document;    /* sums are rounded, and the difference to the lines is one */
	bool tax_inclusive;  /* prices hold their taxes */
	bool reverse_charge; /* the customer owes the taxes to its own state */
	bool usage;	     /* lines for the usage itself (default) */
	bool sales;	     /* in money: lines for credits that were sold (default) */
	/* usage in money is what its credits are worth: "plan", or so much a credit; empty: what
	   its tokens were priced at */
	struct text credit_price;
	struct bound minimum, maximum;
	enum proration proration;     /* of items and bounds that do not say otherwise */
	struct dated contract;	      /* when items and bounds count at all */
	bool from_account;	      /* the contract begins where usage draws from on */
	struct money_total threshold; /* of what an interim invoice asks for */
	struct decimal discount_percent;
	json_value *issuer, *customer; /* objects, or NULL: shown as they are */
	json_value *payment;	       /* how to pay: a text or lines, or NULL */
	struct text note, language;    /* of papers (labels.h); empty: English */
	struct json_document *json;
	json_value *version; /* what these terms were read from */
};

/* The version that holds on that local day. Errors: ERR_INVALID with the place of the fault. */
int terms_read(struct terms *out, struct text json, int64_t day, struct err *e);
/* Every version. */
int terms_check(struct text json, struct err *e);
void terms_release(struct terms *t);
/* Usage as prices and markups tell it apart. */
struct priced_use {
	struct text provider, model, bucket; /* bucket: of terms_price alone */
	struct model_names *names; /* which names mean one model; NULL: each means itself */
	struct instant at;	   /* when they mean it */
};
/* Whether a name in terms (empty: any) means the model. */
bool terms_name_model(struct text name, const struct priced_use *of);
/* The price that was negotiated for usage of that local day, of the most specific one; false where
 * there is none. */
bool terms_price(const struct terms *t, int64_t day, const struct priced_use *of,
		 struct money *out);
/* The markup on usage of that local day: the most specific one. */
struct decimal terms_markup(const struct terms *t, int64_t day, const struct priced_use *of);
/* The first day behind that one on which a price or a markup begins or ends; DAY_OPEN_AFTER: none.
 */
int64_t terms_change_after(const struct terms *t, int64_t day);
const char *rounding_name(enum rounding_mode m);

#endif
