/*
 * action: what somebody changes over HTTP: one transaction, the answer, and an entry in the trail
 * of who did what.
 */
#ifndef TALLY_SERVER_ACTION_H
#define TALLY_SERVER_ACTION_H

#include "meter/billing/exchange.h"
#include "server/question.h"
#include "server/reader.h"

struct action {
	struct change c;
	const struct reader_options *o;
	const struct http_question *q;
	struct http_reply *out;
	struct arena arena; /* texts that the action keeps */
	struct exchange_rates *rates;
	bool dry; /* it only looked: nothing is kept, and the trail is not told */
	/* for the trail */
	const char *what;
	struct text customer, about;
};

/* Runs it inside a transaction. Nothing is answered or kept when it fails. */
int act(struct reader *r, const struct http_question *q, struct http_reply *out, const char *what,
	int (*run)(struct action *a, struct err *e), struct err *e);

/* A setting as a text that ends with NUL; NULL when it is absent. */
int action_text(struct action *a, const char *name, bool needed, const char **out, struct err *e);
/* One of the words, by its place; 0 when absent. */
int action_choice(struct action *a, const char *name, const char *const *words, int *out,
		  struct err *e);
int action_count(struct action *a, const char *name, int64_t missing, int64_t most, int64_t *out,
		 struct err *e);
/* An instant or a name of one in that zone, such as a day; unchanged when absent. */
int action_instant(struct action *a, const char *name, const char *zone, struct instant *out,
		   struct err *e);
/* An amount above 0; *given says whether there is one. */
int action_amount(struct action *a, const char *name, bool needed, struct decimal *out, bool *given,
		  struct err *e);
/* Credits of 0 or more; unchanged when absent. */
int action_credits(struct action *a, const char *name, struct nano_credits *out, bool *given,
		   struct err *e);
bool action_flag(struct action *a, const char *name);

#endif
