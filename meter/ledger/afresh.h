/*
 * afresh: what uses take from lots, computed as a whole from facts, one instant after another.
 *
 * Pure: lots with what they have when the time that is looked at begins, and events of it, go in;
 * what each event takes from which lot comes out. It knows nothing of what was booked before.
 */
#ifndef TALLY_METER_LEDGER_AFRESH_H
#define TALLY_METER_LEDGER_AFRESH_H

#include "meter/ledger/lot.h"

struct afresh_lot {
	struct lot lot; /* number is the grant's; left: when the time begins */
	int64_t rule;	/* that it recurs by; 0: none */
	int64_t keeps; /* so much (nano) of what its rule left stays at a recurrence; 0: no rollover
			*/
	int64_t booked; /* when it came, by the number of its transaction */
};

/* When later credits repay what uses lacked: from `until` of the span before on. */
enum { CARRYING_MOST = 16 };
struct carrying {
	struct {
		int64_t until_us; /* INT64_MAX in the last one */
		bool carries;
	} span[CARRYING_MOST];
	int count;
};
bool carries_at(const struct carrying *c, struct instant at);
/* At that instant or at any later one. */
bool carries_from(const struct carrying *c, struct instant at);

/* In the order of what happens at one instant. */
enum afresh_kind {
	AFRESH_TRIM, /* the rule of `lot` recurs: what is beyond the rollover goes, the oldest first
		      */
	AFRESH_END,  /* the lot expires */
	AFRESH_REPAY, /* credits may have come: what is carried is repaid */
	AFRESH_USE,
	AFRESH_REFUND, /* what is owed goes first, then the latest uses give back */
	AFRESH_VOID,   /* what is left of the lot is voided */
};

struct afresh_event {
	enum afresh_kind kind;
	struct instant at;
	size_t of;    /* the caller's */
	size_t lot;   /* TRIM, END, VOID */
	int64_t nano; /* USE, REFUND: how much */
	/* USE: what an invoice has asked for of it, which lots pay that came before that did */
	int64_t asked, asked_by;
	int64_t lacks; /* out: what lots did not give; REPAY, REFUND: less than 0 */
};

/* What an event takes from a lot; less than 0: gives back. */
struct afresh_move {
	size_t event, lot;
	int64_t nano;
};

struct afresh {
	struct afresh_lot *lot; /* by grant */
	size_t lots;
	struct afresh_event *event; /* in order: afresh_sort */
	size_t events;
	struct burn_order order;
	struct carrying carrying;
	int64_t lacked; /* so much was owed when the time began */
	/* out */
	struct afresh_move *move;
	size_t moves;
	bool wants_more; /* a refund is of uses before the time that is looked at */
};

/* By time; what is of one instant in the order of its kinds. */
void afresh_sort(struct afresh_event *event, size_t events);
/* Puts one in its place among sorted ones, behind its equals; or takes one like it out again. */
void afresh_put(struct afresh *a, const struct afresh_event *v);
void afresh_drop(struct afresh *a, const struct afresh_event *v);
void afresh_run(struct afresh *a);
/* Whether a lot got something back that it lost again where it had ended, before the time that is
 * looked at. */
bool afresh_ended_before(const struct afresh *a);
/* Where earlier uses count, too, the time begins so much earlier: `back` is this first and so many
 * times as much the next time. INT64_MIN is the beginning of everything. */
static const int64_t afresh_back_us = US_PER_DAY / 4, afresh_back_times = 8;
struct instant afresh_earlier(struct instant from, int64_t back);
void afresh_release(struct afresh *a); /* move */

#endif
