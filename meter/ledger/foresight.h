/*
 * foresight: what is booked of accounts whose draws wait to be redone, in memory: events from an
 * instant on, and the lots as they were then. Draws and refunds by hand and grants are added as
 * they are booked, and taken out where their step is undone; whatever else is booked ends it.
 * Internal to meter/ledger; foresee.h reads it and asks it.
 */
#ifndef TALLY_METER_LEDGER_FORESIGHT_H
#define TALLY_METER_LEDGER_FORESIGHT_H

#include "meter/ledger/afresh.h"
#include "meter/ledger/ledger_parts.h"

struct foresight {
	int64_t account;
	bool known; /* else the following is nothing yet */
	struct instant from;
	struct afresh afresh;
	bool of_step;		    /* read within the step at work, after that booked something */
	bool divides;		    /* a new grant divides hours of usage, or is trimmed */
	struct afresh_event *added; /* by the step at work */
	size_t additions;
	int64_t *grant; /* those that came since, not read yet; `grants_before` that step */
	size_t grants, grants_before;
	struct arena arena; /* names of grants */
	int64_t back_us;    /* so much earlier than what asks for it the next one begins */
};

struct foresight *foresight_need(struct ledger *l, int64_t account);
/* What the transaction with the ledger's entries changes of it. */
void foresight_note(struct ledger *l, const struct posting *p);
/* A step begins that may be undone; it is undone. */
void foresight_mark(struct ledger *l);
void foresight_undo(struct ledger *l);
/* The next one begins earlier, each time by more, so that what comes in no order asks for it a few
 * times only. */
void foresight_begin_earlier(struct foresight *f);
void foresight_forget(struct foresight *f);
void foresight_forget_all(struct ledger *l);

#endif
