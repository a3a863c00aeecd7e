/*
 * card: the price card, a JSON file that says what models cost, when, and how we know
 * (docs/card-format.md).
 *
 * Owns the parsed card. Checks everything about one card; which of several cards applies is book's
 * work.
 */
#ifndef TALLY_PRICING_CARD_H
#define TALLY_PRICING_CARD_H

#include "base/arena.h"
#include "base/money.h"
#include "pricing/cache_contract.h"
#include "pricing/calendar.h"
#include "pricing/fault.h"
#include "pricing/region_rule.h"
#include "pricing/usage.h"

/* Price of 1,000,000 tokens a bucket; a bucket that is not in `known` has no stated price, which is
 * not a price of zero. */
struct rates {
	struct money per_million[BUCKET_COUNT];
	uint32_t known;
};

#define FEE_PER_REQUEST "request" /* the fee that is charged for every call */

struct fee {
	const char *unit; /* FEE_PER_REQUEST, or what is counted */
	struct money amount;
	int64_t per;
	/* of a fee for every call: what says how much is billed, units or FEE_REGION, ended by
	 * NULL. A call that tells none of it pays this at least: its amount is a lower bound. NULL:
	 * the fee is what it is */
	const char *const *unless;
};

#define FEE_REGION "region" /* where a call was served, among what it may leave unsaid */

/* A cliff: every token of the call is priced by it when the whole prompt is above (or, inclusive,
 * at) the limit. */
struct context_tier {
	int64_t above;
	bool inclusive;
	struct rates rates;
};

static inline bool fee_is_per_request(const struct fee *f)
{
	return strcmp(f->unit, FEE_PER_REQUEST) == 0;
}

/* Whether cache writes cost more the longer they stay. */
static inline bool rates_by_lifetime(const struct rates *r)
{
	return r->known >> BUCKET_CACHE_WRITE_1H & 1 && r->known >> BUCKET_CACHE_WRITE_5M & 1 &&
	       r->per_million[BUCKET_CACHE_WRITE_1H].pico !=
		       r->per_million[BUCKET_CACHE_WRITE_5M].pico;
}

/* Whether an answer costs more where it is sound, a picture or a film. */
static inline bool rates_by_modality(const struct rates *r)
{
	static const uint8_t apart[] = { BUCKET_OUTPUT_AUDIO, BUCKET_OUTPUT_IMAGE,
					 BUCKET_OUTPUT_VIDEO };
	bool any = false;
	for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
		any |= r->known >> apart[i] & 1 &&
		       r->per_million[apart[i]].pico > r->per_million[BUCKET_OUTPUT].pico;
	return any && r->known >> BUCKET_OUTPUT & 1;
}

/* Whether a call that pays those fees may have cost more: it leaves unsaid what one depends on. */
static inline bool fees_at_least(const struct fee *fee, size_t count)
{
	bool any = false;
	for (size_t i = 0; i < count; i++)
		any |= fee[i].unless != NULL;
	return any;
}

struct tariff {
	const char *window;		 /* "flat", "peak", "off-peak", or the card's own word */
	const struct calendar *calendar; /* NULL: whenever no other tariff of the price holds */
	struct rates rates;
	struct context_tier *tier; /* ascending */
	size_t tier_count;
};

struct price {
	const char *id, *provider, *model, *currency, *service_tier;
	const char *region; /* NULL: none is stated; or REGION_ANY_OTHER */
	const char *kind;   /* "list" or "promotion" */
	const char *source, *sure, *note;
	const char *grade; /* of the date: price_grades[], or NULL where the card does not say */
	const char *doubt; /* what makes the price uncertain whenever a call was made, or NULL */
	/* a unit without which a call has no price, for its fee is charged for more or less of it
	 * and only the record can say for how much; or NULL */
	const char *needs;
	bool of_spelling;	 /* the spelling of the name adds a fee: it is in no card */
	bool moves;		 /* of a name that means whatever is newest */
	bool stands_in;		 /* for that of a seller of whom no card has prices */
	struct instant old_seen; /* of a bounded date: the price before was last seen then */
	bool withdrawn, promotion, reseller;
	int layer; /* of the book: 0 shipped, then one more for every file named by the user */
	struct instant from, to;
	struct tariff *tariff; /* windows first, the base last */
	size_t tariff_count;
	struct fee *fee;
	size_t fee_count;
	bool last_depends; /* the last fee has `unless` units: a call that tells one does not pay
			    * it */
	const char *place; /* file and index, for messages */
	const struct card *card; /* that states it; set by the book */
	/* which made it of the price without a region; NULL: the card states it */
	const struct region_rule *rule;
};

/* How the start of a price is known: the vendor states it; a source that keeps dates does; it lies
 * between the last sight of the old price and the first of this one; this one was first seen then.
 * Ended by NULL. */
extern const char *const price_grades[];

struct alias {
	const char *provider, *alias, *model, *mode, *successor, *source, *note;
	struct instant from, to;
	int layer;
};

/* What the sources disagree about, and since when. */
struct dispute {
	const char *provider, *model, *about, *says;
	struct instant from, to;
};

/* What is known of a model besides its price. */
struct model_limits {
	const char *provider, *model;
	int64_t context_tokens, output_tokens_max; /* 0: not known */
	/* as measured by someone; 0: not known */
	struct decimal first_token_seconds, tokens_per_second;
};

enum card_kind { CARD_OF_BOOK, CARD_OF_FILE, CARD_OF_DATABASE };

struct card {
	struct arena arena;
	const char *file, *provider, *title, *checked;
	bool reseller;
	enum card_kind kind;
	struct text json; /* of those that are no part of the book */
	char sha256[65];  /* "" until book_identify */
	struct price *price;
	size_t price_count;
	struct alias *alias;
	size_t alias_count;
	struct dispute *dispute;
	size_t dispute_count;
	struct model_limits *limits;
	size_t limits_count;
	struct cache_contract *cache; /* of mem_grow */
	size_t cache_count;
	struct region_rule *region_rule; /* of mem_grow */
	size_t region_rule_count;
	struct calendar **calendar;
	size_t calendar_count;
	struct holidays **holidays;
	size_t holidays_count;
};

/*
 * Reads a card. Every fault is added to `faults`; returns 0 when there was none. *out is set in
 * both cases unless the text is not JSON, and holds what could be read.
 */
int card_parse(struct card **out, struct text json, const char *file, struct fault_list *faults);
/* The same of a card that was checked before: how its prices follow each other is not looked at. */
int card_parse_known(struct card **out, struct text json, const char *file,
		     struct fault_list *faults);
/* Whether it is a card, with its first fault as the error: ERR_INVALID. */
int card_check(struct text json, struct err *e);
int card_read_file(struct card **out, const char *path, struct fault_list *faults);
/* The same of a text that is kept with it, for its digest. */
int card_read_text(struct card **out, struct text json, const char *file, enum card_kind kind,
		   struct fault_list *faults);
/* file.json, without its folders. */
static inline const char *card_name(const struct card *c)
{
	const char *slash = strrchr(c->file, '/');
	return slash ? slash + 1 : c->file;
}
void card_close(struct card *c);
const struct calendar *card_calendar(const struct card *c, const char *name);

/* The context tier of a prompt of that length: 0 for the lowest, i for t->tier[i - 1]. */
size_t tariff_tier(const struct tariff *t, int64_t prompt_tokens);
/* The rates that it pays. */
const struct rates *tariff_rates(const struct tariff *t, int64_t prompt_tokens);

#endif
