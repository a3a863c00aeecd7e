/*
 * ledger_parts: what the parts of the ledger share: its memory, the state of an account, and how a
 * transaction is made. Internal to meter/ledger.
 *
 * ledger.c opens it, reads it back and verifies; accounts.c, grants.c, recurring.c, rollover.c,
 * spend.c, redo.c and balance.c each know one subject; posting.c alone writes transactions.
 */
#ifndef TALLY_METER_LEDGER_LEDGER_PARTS_H
#define TALLY_METER_LEDGER_LEDGER_PARTS_H

#include "base/dict.h"
#include "base/zone.h"
#include "meter/ledger/afresh.h"
#include "meter/ledger/ledger.h"
#include "meter/ledger/uses.h"

static const int128 atto_per_nano = 1000000000;

/* What an account has booked for that instant and later would have drawn otherwise. */
struct redoing {
	int64_t account; /* 0: none */
	struct instant from, now;
	/* so much less, at most, lots may have once it is redone than is booked; INT64_MAX: unknown
	 */
	int64_t doubt;
};

/* An account and its open lots, as they stand inside the transaction. */
struct state {
	struct account account;
	struct burn_order order;
	int64_t rest; /* in 1e-18, below a billionth */
	struct lot *lot;
	size_t lots, room;
	bool has_lots, sorted;
	bool moving;		     /* their order changes while they burn */
	struct redoing redo, before; /* before: as it was when the step began that may be undone */
	bool knows_carrying;	     /* once it was asked for: */
	struct carrying carrying;    /* what is owed, when */
	int foreseen;		     /* draws that were judged by what lots will have, since */
	bool knows_billed;	     /* once it was asked for; ledger_post keeps it: */
	int64_t billed; /* what invoices have asked for, less what was given back or paid */
	/* the latest instant that usage was booked for, and anything else but grants and bills */
	bool has_last;
	struct instant last_usage, last_by_hand;
	enum { ORDER_UNKNOWN, IN_ORDER, OUT_OF_ORDER } in_order; /* as it was booked */
	/* of grants that were asked for: what draws have taken and not given back; ledger_post
	   keeps it */
	struct dict drawn;
	struct uses uses; /* ledger_post keeps it, once it is read */
	struct zone *zone;
};

struct entry {
	const char *pot;
	int64_t grant; /* 0: none */
	int64_t nano;
};

struct ledger {
	struct store *store;
	struct db *db;
	struct journal journal;
	struct arena arena;
	struct dict by_customer, by_id; /* 1 + place of the state */
	struct state **state;
	size_t states;
	int64_t working;	 /* the account of the last step; 0: none */
	struct redoing *waiting; /* of accounts that are not in memory: ledger_reload keeps it */
	size_t waits;
	bool marked;	      /* within a step that may be undone */
	bool redid;	      /* something, in that step */
	bool booked;	      /* something, in that step */
	struct dict foreseen; /* of accounts: the place of its foresight (foresight.h) */
	struct foresight **foresight;
	size_t foresights;
	int64_t lacks_more; /* what usage lacks beyond what it lacked before it was redone */
	int64_t next_txn;   /* 0: not known */
	int64_t data_version;
	struct entry *entry; /* of the transaction at work */
	size_t entries, entry_room;
	struct lot_use *use;
	size_t use_room;
};

int64_t ledger_nano_of(struct credits_total c);
const char *ledger_class_name(enum lot_class c);
enum lot_class ledger_class_of(struct text name);
/* A copy that lives as long as the memory of the transaction. */
struct text ledger_keep(struct ledger *l, struct text t);

/* The account with that id. Errors: ERR_NOT_FOUND, ERR_STORE. */
int ledger_state_of(struct ledger *l, int64_t account, struct state **out, struct err *e);
/* Accounts are read again when they are asked for, with what waits of them. */
void ledger_forget_states(struct ledger *l);
/* Opens the account's zone, once. */
int ledger_need_zone(struct state *s, struct err *e);
/* What is left below a billionth, and owed. */
int ledger_write_state(struct ledger *l, const struct state *s, struct err *e);

/* Reads the open lots, once. */
int ledger_need_lots(struct ledger *l, struct state *s, struct err *e);
struct lot *ledger_add_lot(struct state *s);
int ledger_write_lot(struct ledger *l, int64_t grant, int64_t left, struct err *e);
void ledger_drop_empty(struct state *s);

/* An entry of the transaction that the next ledger_post writes; entries sum to zero. */
void ledger_put_entry(struct ledger *l, const char *pot, int64_t grant, int64_t nano);

struct posting {
	struct state *state;
	const char *kind;
	struct instant at, booked;
	int64_t usage_from, usage_to;
	struct text key, note;
};

int ledger_post(struct ledger *l, const struct posting *p, int64_t *id, struct err *e);
/* What draws have taken from a grant and not given back. Errors: ERR_STORE. */
int ledger_drawn_of(struct ledger *l, struct state *s, int64_t grant, int64_t *out, struct err *e);
/* The transaction of that key, or 0. */
int ledger_known_txn(struct ledger *l, int64_t account, struct text key, const char *kind,
		     int64_t *txn, struct err *e);

/* What a grant has not paid is void: all of it from its beginning on where it has paid nothing,
 * also where it has expired since. Nothing where there is nothing. */
int ledger_reverse_grant(struct ledger *l, const struct account *a, struct text name,
			 struct instant now, const char *why, struct err *e);
/* `nano` of a lot has expired; below 0 it comes back. */
int ledger_set_lapsed(struct ledger *l, int64_t grant, int64_t nano, struct err *e);
/* Moves from a lot into that pot, in that transaction. */
int ledger_take_from_lot(struct ledger *l, struct lot *lot, int64_t nano, const char *pot,
			 const struct posting *p, struct err *e);
/* The row of a statement on rules; its texts live as long as that. */
void ledger_read_rule(struct query *q, struct credit_rule *r);
/* What grants of the rule left at its recurrence `at` is kept up to the rollover. */
int ledger_trim(struct ledger *l, struct state *s, const struct credit_rule *r, struct instant at,
		struct instant now, struct err *e);
/*
 * What was booked for that instant and later would have drawn otherwise; ledger_redo, before the
 * transaction ends or what lots have left is asked for, books the difference (redo.h). Nothing is
 * to be done where nothing was booked for later instants than what has just come: ledger_need_last.
 */
void ledger_redo_from(struct state *s, struct instant from, struct instant now);
/* The same after a draw, a refund by hand or a grant of so much; from INSTANT_MAX: it changes
 * nothing by itself, and only counts where other things wait. */
void ledger_redo_after(struct state *s, struct instant from, struct instant now, int64_t nano);
int ledger_redo(struct ledger *l, struct state *s, struct err *e);
/* Before states are forgotten, and when one is read again. */
void ledger_keep_redoing(struct ledger *l);
void ledger_go_on_redoing(struct ledger *l, struct state *s);
/*
 * Whether what waits to be redone may wait on: no draw, refund or grant among it can leave more of
 * a doubt than its own amount, so that a refund by hand is the same before and after. Errors:
 * ERR_STORE.
 */
int ledger_may_wait(struct ledger *l, struct state *s, bool *out, struct err *e);
/* Whether that can be of the account at all, whatever waits. Errors: ERR_STORE. */
int ledger_may_be_certain(struct ledger *l, struct state *s, bool *out, struct err *e);
/* Whether lots have so much for that draw in any case, also once what waits is redone. */
int ledger_has_certainly(struct ledger *l, struct state *s, int64_t nano, const struct draw *d,
			 bool *out, struct err *e);
/* Whether no invoice asks for anything of it: mostly so, which is known once it is. */
int ledger_is_unbilled(struct ledger *l, struct state *s, bool *out, struct err *e);
/* Something is owed, which open lots repay from when they count, where it was carried then. Errors:
 * ERR_STORE. */
int ledger_redo_repaid(struct ledger *l, struct state *s, struct instant now, struct err *e);
/* When what the account lacked was carried: read once. Errors: ERR_STORE. */
int ledger_need_carrying(struct ledger *l, struct state *s, struct err *e);
int ledger_need_last(struct ledger *l, struct state *s, struct err *e);
/* Whether all of it was booked in the order of its instants, and nothing was void: what comes back
 * to a grant that is void is void, too. */
int ledger_is_in_order(struct ledger *l, struct state *s, bool *out, struct err *e);
/* What invoices have asked for, less what was given back or paid since. */
int ledger_billed(struct ledger *l, int64_t account, int64_t *out, struct err *e);
/* Begins a transaction's entries with what the lots give, in their order. */
int ledger_use_lots(struct ledger *l, struct state *s, const struct lot_demand *want,
		    struct credits_total *rest, struct err *e);
/* By days, what use took from grants or carries to the balance. */
int ledger_add_taken(struct ledger *l, struct state *s, struct instant at, int64_t nano,
		     struct err *e);
/* Columns of a rule as ledger_read_rule takes them. */
#define LEDGER_RULE \
	"SELECT id,account,name,amount,class,priority,every,anchor,rollover,next,until," \
	"lasts,cost_basis,currency,price FROM credit_rule "

#endif
