/* world: the sessions of a simulated history, what each operation does with one of them, and what
 * must be true afterwards. */
#ifndef TALLY_TESTS_SIMULATE_WORLD_H
#define TALLY_TESTS_SIMULATE_WORLD_H

#include "meter/billing/invoice_store.h"
#include "meter/billing/spending.h"
#include "meter/ingest/ingest.h"
#include "meter/ledger/draw.h"
#include "tests/simulate/simulate.h"

/* A connection with all that a process keeps in memory beside it. */
struct session {
	struct store *store;
	struct ledger *ledger;
	struct drawer *drawer;
	struct spending *spending;
	struct invoicer *invoicer;
	struct ingest *in[MODEL_BOOKS]; /* by book */
};

struct world {
	struct session session[SESSIONS];
	struct book *book[MODEL_BOOKS];
	struct model model;
	char path[200];
	const char *folder;
	struct exchange_rates *rates;
	int files; /* databases made so far */
	struct counts *counts;
	bool at_fault[ACCOUNTS];
	bool admitted; /* the last hold, by the model and the journal */
	bool done;     /* a payment or a settling of bills was accepted */
	bool again;    /* the operation is repeated after a fault: it may be done already */
	struct err e;
	const struct operation *op;
};

enum { REFUSED = 1 }; /* as the model says: it is rolled back, as the program does */

extern const struct instant world_start;

/* Says what is wrong; 1. */
__attribute__((format(printf, 2, 3))) int wrong(struct world *w, const char *fmt, ...);
const char *customer_name(uint32_t n);

/* What a process of the program does for the operation, from begin to commit. What is refused is
 * rolled back to where it began, as the program does. */
int operation_do(struct world *w, struct session *s);
/* The same in the model. */
void operation_model(struct world *w);

/* What is sold and billed: the same for their operations. */
int bills_read_rates(struct world *w);
int bills_do(struct world *w, struct session *s);
void bills_model(struct world *w);
int bills_check(struct world *w, struct session *s);

/* Whether all of it is as the model says; 1 when it is not. */
int check_all(struct world *w, struct session *s);

#endif
