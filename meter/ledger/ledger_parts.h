/*
 * ledger_parts: what the parts of the ledger share: its memory, the state of an account, and how a
 * transaction is made. Internal to meter/ledger.
 *
 * ledger.c opens it, reads it back and verifies; accounts.c, grants.c, recurring.c, rollover.c,
 * spend.c, cover.c, swap.c and balance.c each know one subject; posting.c alone writes lots and
 * transactions.
 */
#ifndef TALLY_METER_LEDGER_LEDGER_PARTS_H
#define TALLY_METER_LEDGER_LEDGER_PARTS_H

#include "base/dict.h"
#include "base/zone.h"
#include "meter/ledger/ledger.h"

static const int128 atto_per_nano = 1000000000;

/* An account and its open lots, as they stand inside the transaction. */
struct state {
	struct account account;
	struct burn_order order;
	int64_t rest; /* in 1e-18, below a billionth */
	struct lot *lot;
	size_t lots, room;
	bool has_lots, sorted;
	/* lots have got something that usage before may want: ledger_cover_pending looks */
	bool to_cover, to_cover_billed;
	struct instant cover_now;
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
	int64_t working;  /* the account of the last step; 0: none */
	int64_t next_txn; /* 0: not known */
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
	const struct state *state;
	const char *kind;
	struct instant at, booked;
	int64_t usage_from, usage_to;
	struct text key, note;
};

int ledger_post(struct ledger *l, const struct posting *p, int64_t *id, struct err *e);
/* The transaction of that key, or 0. */
int ledger_known_txn(struct ledger *l, int64_t account, struct text key, const char *kind,
		     int64_t *txn, struct err *e);

/* Moves from a lot into that pot, in that transaction. */
int ledger_take_from_lot(struct ledger *l, struct lot *lot, int64_t nano, const char *pot,
			 const struct posting *p, struct err *e);
/* What has lapsed of a grant at an instant comes back, for usage that came late. */
struct lapse {
	int64_t grant, nano;
	struct instant at;
};
int ledger_give_lapsed(struct ledger *l, struct state *s, const struct lapse *x, struct instant now,
		       struct err *e);
/* Gives lapsed credits back that earlier use should have found. */
int ledger_reopen_lapsed(struct ledger *l, struct state *s, struct instant at, struct instant now,
			 struct err *e);
/* The row of a statement on rules; its texts live as long as that. */
void ledger_read_rule(struct query *q, struct credit_rule *r);
/* What grants of the rule left at its recurrence `at` is kept up to the rollover. */
int ledger_trim(struct ledger *l, struct state *s, const struct credit_rule *r, struct instant at,
		struct instant now, struct err *e);
/* What was trimmed after `at` comes back, so that usage that comes late finds it; _retrim, after
 * that usage was booked, trims each recurrence since as if it had come in time; what is pending to
 * be covered is, up to each. */
int ledger_untrim(struct ledger *l, struct state *s, struct instant at, struct instant now,
		  struct err *e);
int ledger_retrim(struct ledger *l, struct state *s, struct instant at, struct instant now,
		  struct err *e);
/*
 * What usage before `until` did not get from lots, each part of an hour in order, is paid by those
 * that counted then and have something left, or get it by exchange (swap.h). billed: also what
 * invoices have asked for, which the next one's adjustment gives back; that is for usage that was
 * reversed, for a grant is no payout. lapsed: also by what has expired of them since.
 */
struct covering {
	bool billed, lapsed;
	struct instant until, now;
};
int ledger_cover(struct ledger *l, struct state *s, const struct covering *c, struct err *e);
/* Usage at an instant lacked so much: what is of its day is not kept by other usage that others of
 * its own can pay. Where it is the latest usage, ledger_cover_pending looks. */
int ledger_cover_late(struct ledger *l, struct state *s, struct instant at, int64_t nano,
		      struct instant now, struct err *e);
/* Before lots expire, or the transaction ends. */
int ledger_cover_pending(struct ledger *l, struct state *s, struct err *e);
/* As ledger_grant, for usage that is about to draw: what lacked it before comes after that. */
int ledger_grant_for(struct ledger *l, const struct grant *g, struct instant now, int64_t *id,
		     struct err *e);
/* Begins a transaction's entries with what the lots give, in their order. */
int ledger_use_lots(struct ledger *l, struct state *s, const struct lot_demand *want,
		    struct credits_total *rest, struct err *e);
/* By days, what use took from grants or carries to the balance. */
int ledger_add_taken(struct ledger *l, struct state *s, struct instant at, int64_t nano,
		     struct err *e);
/* Overage is paid from what is there by then. */
int ledger_repay(struct ledger *l, struct state *s, struct instant at, struct instant now,
		 struct err *e);

/* Columns of a rule as ledger_read_rule takes them. */
#define LEDGER_RULE \
	"SELECT id,account,name,amount,class,priority,every,anchor,rollover,next,until," \
	"lasts,cost_basis,currency,price FROM credit_rule "

#endif
