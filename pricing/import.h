/*
 * import: other catalogues' prices as a price card.
 *
 * Prices are read as the digits that the catalogue wrote. Noise of binary floating point (more than
 * 15 significant digits) is normalised, prices finer than a card holds are rounded, what states no
 * usable price is refused; all are counted, and every rounded or refused entry is named.
 *
 * The set is closed: a member that speaks of a price and was not looked at makes its entry refused,
 * so that a key which a catalogue adds is never skipped.
 */
#ifndef TALLY_PRICING_IMPORT_H
#define TALLY_PRICING_IMPORT_H

#include "base/arena.h"
#include "base/dict.h"
#include "base/json.h"
#include "base/money.h"
#include "pricing/book.h"
#include "pricing/usage.h"

enum import_event {
	IMPORT_NORMALISED,
	IMPORT_ROUNDED,
	IMPORT_LEFT_OUT, /* a price of a unit that cards do not have: who uses it has no price */
	IMPORT_REFUSED,
	IMPORT_UNASKED, /* of a provider that was not asked for */
	IMPORT_KNOWN,	/* to fill gaps only: the book has that price already */
	IMPORT_EVENTS
};

struct import_note {
	enum import_event event;
	const char *entry, *why;
};

struct import_rates {
	struct decimal rate[BUCKET_COUNT];
	uint32_t known;
};

enum { IMPORT_TIERS_MAX = 8, IMPORT_FEES_MAX = 8, IMPORT_WINDOWS_MAX = 8 };

/* What prompts above a size pay. */
struct import_size {
	int64_t above;
	struct import_rates rates;
};

/* One price as a catalogue states it; what is not stated stays zero. */
struct import_price {
	const char *provider, *model, *service_tier, *region, *from, *to;
	struct import_rates rates;
	struct import_size tier[IMPORT_TIERS_MAX];
	int tier_count;
	struct {
		const char *unit;
		struct decimal amount;
		int64_t per;
		const char *const *unless; /* as in a card (struct fee), or NULL */
	} fee[IMPORT_FEES_MAX];
	int fee_count;
	struct {
		const char *hours; /* "16:30-00:30" UTC; several: between commas */
		struct import_rates rates;
		struct import_size tier[IMPORT_TIERS_MAX]; /* of these hours */
		int tier_count;
	} window[IMPORT_WINDOWS_MAX];
	int window_count;
};

/* What a price would change in the book. */
enum import_effect { IMPORT_ADDS, IMPORT_SAME, IMPORT_OTHER, IMPORT_EFFECTS };
struct import_change {
	const char *provider, *model, *service_tier, *region; /* service_tier NULL: standard */
	const char *besides; /* what else differs, in words, or NULL (pricing/import_compare.h) */
	struct money input_before, input_after, output_before, output_after; /* per million */
};

/* A price that an entry states: where its terms are in `prices`. */
struct import_stated {
	const char *entry; /* NULL: nobody does */
	size_t terms, n;
};

struct import {
	struct arena arena;
	/* set by the caller before import_catalogue: */
	const char *only;	 /* providers, between commas; NULL: all */
	const struct book *book; /* to compare with; NULL: nothing is compared */
	bool fill;		 /* take only what the book lacks */
	struct instant now;	 /* when prices are compared that have no date */
	int64_t effect[IMPORT_EFFECTS];
	struct import_change *change; /* of IMPORT_OTHER */
	size_t change_count;
	const char *catalogue, *source;
	struct buf prices, aliases, calendars; /* card members in the making */
	struct import_note *note;
	size_t note_count;
	int64_t entries, taken, count[IMPORT_EVENTS];
	/* of the entry at work */
	const char *entry;
	bool normalised, rounded, left_out, refused, unasked, known;
	size_t prices_before, aliases_before, changes_before; /* what a refused entry gives back */
	int64_t effect_before[IMPORT_EFFECTS];
	json_value **looked; /* values that its reader looked at */
	size_t looked_count;
	/* who states which price and alias; its number in `stated` by provider/model/tier/from */
	struct dict stated_index;
	struct import_stated *stated;
	size_t stated_count;
};

/* The card as JSON text. checked: the date to put into it, or NULL. */
void import_card(const struct import *im, const char *checked, struct buf *out);
void import_release(struct import *im);

/* For the readers, one file each. */
int import_litellm(struct import *im, json_value *root, struct err *e);
int import_openrouter(struct import *im, json_value *root, struct err *e);
int import_models_dev(struct import *im, json_value *root, struct err *e);
int import_genai_prices(struct import *im, json_value *root, struct err *e);

void import_begin(struct import *im, const char *entry);
void import_refuse(struct import *im, const char *why);
/*
 * A price from a JSON number or decimal string, times 10^shift (6 when the catalogue quotes per
 * token), kept in *out. False, and nothing refused, when v is absent or null; false and the entry
 * refused when it is no price.
 */
bool import_amount(struct import *im, json_value *v, int shift, struct decimal *out);
/* The price times a factor, exactly; rounded and named where a card cannot hold it. */
void import_scale(struct import *im, struct decimal *rate, struct decimal factor);
void import_rate(struct import *im, json_value *object, const char *key, int shift, enum bucket b,
		 struct import_rates *out);
/* The reader has dealt with that value (import_amount and import_rate say so themselves). */
void import_looked(struct import *im, json_value *v);
/*
 * After the last look at an entry, or a part of it: what nobody looked at, at every depth. speaks:
 * whether a name speaks of a price; NULL: all do, as whatever is in what does. Units that cards do
 * not have are left out and named, anything else refuses the entry.
 */
void import_check(struct import *im, json_value *object, bool (*speaks)(const char *key));
/* The same of what stands beside the models of a vendor and concerns each of them; about: what
 * there does not change a price, ended by NULL. */
void import_check_vendor(struct import *im, json_value *vendor, const char *const *about);
/* Whether a member of an entry speaks of money by its name. */
bool import_speaks_of_a_price(const char *key);
/* Names a price that cards have no place for; calls that need it stay without a price. */
void import_leave_out(struct import *im, const char *key);
/* A fee of a unit, per `per` of it; nothing where v is absent or null. */
void import_fee(struct import *im, struct import_price *p, json_value *v, const char *unit,
		int64_t per);
/* The tier above that many tokens of prompt, in ascending order, made when it is new; NULL where
 * there is no room. */
struct import_rates *import_tier(struct import_price *p, int64_t above);
/* Rates that a tier does not state are those of the tier below it. */
void import_inherit(struct import_rates *tier, const struct import_rates *lower);
/* Takes the price unless the entry was refused. */
void import_take(struct import *im, const struct import_price *p);
void import_alias(struct import *im, const char *provider, const char *alias, const char *model);
void import_end(struct import *im);

#endif
