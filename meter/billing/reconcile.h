/*
 * reconcile: a provider's bill beside what was metered, by day and model.
 *
 * Neither half is believed: what matches, what differs, what was billed and never metered and the
 * reverse are all shown, with both amounts.
 */
#ifndef TALLY_METER_BILLING_RECONCILE_H
#define TALLY_METER_BILLING_RECONCILE_H

#include "base/zone.h"
#include "meter/billing/bill.h"
#include "meter/store/usage_query.h"
#include "pricing/book.h"

enum match { MATCHES, DIFFERS, BILLED_ONLY, METERED_ONLY };
/* What explains that a line differs (causes.h). */
enum cause {
	CAUSE_NONE,
	CAUSE_MOVED,
	CAUSE_NAME,
	CAUSE_PRICE,
	CAUSE_TIER,
	CAUSE_TOKENS, /* at the same price */
	CAUSE_UNPRICED,
	CAUSE_PAGE,
	CAUSE_SILENT, /* the bill says nothing of the day */
	CAUSES
};

/* Tokens by kind, as the bill divides them (bill_tokens.h). */
enum token_kind { TOKENS_INPUT, TOKENS_CACHE_READ, TOKENS_CACHE_WRITE, TOKENS_OUTPUT, TOKEN_KINDS };
struct token_counts {
	bool known; /* the bill says them, all of them */
	int64_t billed[TOKEN_KINDS], metered[TOKEN_KINDS];
};

struct reconciled {
	int64_t day,
		end; /* of one day, or of all days that a row of the bill is of; not the last */
	struct text model;
	enum match match;
	struct bill_line billed; /* zero where it is METERED_ONLY */
	struct usage_sums metered;
	struct money_total difference; /* billed less metered */
	struct token_counts tokens;
	bool tokens_differ;
	struct money_total at_billed_tokens; /* what the billed tokens cost by the cards */
	bool has_at_billed_tokens;
	struct money_total bound; /* what rounding each of its rows can make */
	size_t parts, last_part;  /* 1 + the first and last of its lines of the bill; 0: none */
	enum cause cause;
	const char *factor;	     /* of CAUSE_TIER: billed is so many times metered */
	struct text tier;	     /* the one that all of its lines of the bill are of, or "" */
	struct text partner;	     /* of CAUSE_NAME: the name of the other half */
	struct money_total at_cards; /* the metered half by the cards as they are now */
	bool has_at_cards;
};

/* Lines of the bill that are no usage: tax, credits, fees; compared with nothing. */
struct other_line {
	int64_t day;
	enum bill_kind kind;
	struct text what, place;
	struct money_total cost;
};

/* A line of the bill that one of these compares, and 1 + the next of the same. */
struct reconciled_part {
	const struct bill_line *line;
	size_t next;
};

/* Refers to the bill. */
struct reconciliation {
	struct reconciled *line; /* by day and model */
	size_t lines;
	struct reconciled_part *part;
	size_t parts;
	struct other_line *other;
	size_t others;
	/* what explains the difference, and what nothing does: together they are the difference */
	struct money_total rounding, not_usage, moved, unexplained;
	struct money_total by_cause[CAUSES]; /* differences of the lines that have one */
	int64_t open;			     /* lines that differ and have no cause */
	int64_t silent_days;		     /* days with usage of which the bill says nothing */
	int64_t silent_from, silent_to;	     /* the first and the last of these */
	bool total_is_wrong; /* the bill's row of totals is not the sum of its rows */
	int64_t count[4];    /* by match */
	struct money_total billed, metered, difference;
	struct money_total list; /* of the billed usage at list prices, where all of it says so */
	bool has_list;
	int64_t unpriced, placeholders; /* metered records without all of their cost */
	char zone[ZONE_NAME_MAX];	/* of its days: */
	int64_t from, to;		/* those that were compared, not the last */
	struct arena arena;
};

struct reconcile_options {
	struct instant since, until; /* of both halves; the bill's own days where it is open */
	const char *customer, *project;
	const char *provider;	      /* only records that this vendor priced; NULL: all */
	struct money_total tolerance; /* a day and model may differ by so much */
	bool exact;		      /* no more than the tolerance, though the bill is rounded */
	const char *currency;	      /* price the metered half in it; NULL: as it was stored */
	const struct zone *zone;      /* of the days of both halves; NULL: the bill's, UTC */
	const char *zone_name;	      /* of that zone */
	const struct book *book;      /* names that mean the same model */
};

/* Errors: ERR_INVALID when the currencies differ, ERR_USAGE for a period that is not of whole days
 * or a project where the bill names none, and those of the store. */
int reconcile(struct reconciliation *out, struct store *s, const struct bill *bill,
	      const struct reconcile_options *o, struct err *e);
void reconciliation_release(struct reconciliation *r);
const char *match_name(enum match m);
const char *cause_name(enum cause c);

#endif
