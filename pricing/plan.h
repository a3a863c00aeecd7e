/*
 * plan: how a platform turns usage into credits. A plan is data (docs/plan-format.md), not code.
 *
 * Four rules: `multiplier` (a multiple of what the same tokens cost on a baseline model),
 * `token-priced` (whole credits per million tokens and category), `ratio` (quota per unit of money,
 * with model and group ratios) and `flat` (credits per call). Rounding scope and mode belong to the
 * plan; the rounding happens in credits_of() and nowhere else.
 */
#ifndef TALLY_PRICING_PLAN_H
#define TALLY_PRICING_PLAN_H

#include "pricing/book.h"

enum plan_rule { PLAN_MULTIPLIER, PLAN_TOKEN_PRICED, PLAN_RATIO, PLAN_FLAT };
enum rounding_scope { SCOPE_NONE, SCOPE_CATEGORY, SCOPE_RECORD };

struct plan;
struct plan_file;

/* nameOrFile: the name of a shipped plan, FILE.json (its first plan) or FILE.json:NAME. */
int plan_open(struct plan_file **file, const struct plan **out, const char *name_or_file,
	      struct err *e);
/* All plans of a JSON text, for listing and tests. */
int plan_file_parse(struct plan_file **out, struct text json, const char *name, struct err *e);
void plan_file_close(struct plan_file *f);
size_t plan_file_count(const struct plan_file *f);
const struct plan *plan_file_plan(const struct plan_file *f, size_t i);

const char *plan_name(const struct plan *p);
const char *plan_title(const struct plan *p);
const char *plan_source(const struct plan *p);
const char *plan_note(const struct plan *p);
enum plan_rule plan_rule(const struct plan *p);
const char *plan_rule_name(const struct plan *p);
const char *plan_rounding_text(const struct plan *p);
/* Credits for one unit of plan_currency. */
struct decimal plan_credits_per_unit(const struct plan *p);
const char *plan_currency(const struct plan *p);

enum { PLAN_CATEGORIES_MAX = 8 };

/* What one token of each bucket and one request cost in credits, in 1e-18 credit. */
struct credit_rates {
	int128 atto_per_token[BUCKET_COUNT];
	int128 atto_per_request;
	uint32_t known;
	uint32_t vanished;	/* buckets whose price the plan would round to no credits */
	bool depends_on_prompt; /* valid for this prompt length only */
	bool above_lowest_tier; /* of a context tier that one call of several need not have reached
				 */
	bool has_multiplier;
	struct decimal multiplier;
	enum rounding_scope scope;
	enum rounding_mode mode;
	int category_count;
	uint32_t category[PLAN_CATEGORIES_MAX]; /* bucket masks */
};

struct plan_question {
	const struct book *book;
	const struct price_query *query;
	const char *resolved; /* the model's name after aliases */
	int64_t prompt_tokens;
};

/*
 * The rates of the query's model under the plan. *until is lowered to the first instant at which
 * the answer may change. Errors: ERR_UNPRICED when the plan does not cover the model, ERR_RANGE
 * when a rate cannot be held exactly.
 */
int plan_rates(const struct plan *p, const struct plan_question *q, struct credit_rates *out,
	       struct instant *until, struct err *e);

/* Credits of one record (requests of it pay atto_per_request each). Errors: ERR_UNPRICED,
 * ERR_RANGE. */
int credits_of(const struct credit_rates *r, const int64_t *counts, int64_t requests,
	       struct credits_total *out, struct err *e);

/* What the credits are worth in plan_currency; false when that is not exact in 1e-18. */
bool plan_worth(const struct plan *p, struct credits_total credits, struct money_total *out);

#endif
