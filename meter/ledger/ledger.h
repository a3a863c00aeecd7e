/*
 * ledger: the credits of customers, in double entry.
 *
 * Every movement is a transaction whose entries sum to zero, checked here and by the database, and
 * entered in the journal. Movements are only ever added. Amounts are billionths of a credit; what
 * usage draws is exact over time: the ledger draws what all usage so far comes to, cut to a
 * billionth, less what was drawn before, so the grouping of the usage changes nothing.
 *
 * Everything that changes something runs inside a transaction of the store, between ledger_begin
 * and ledger_end. Belongs to the thread that writes.
 */
#ifndef TALLY_METER_LEDGER_LEDGER_H
#define TALLY_METER_LEDGER_LEDGER_H

#include "meter/ledger/journal.h"
#include "meter/ledger/lot.h"
#include "meter/ledger/recurrence.h"

/* Billionths of a credit, as the ledger keeps them. */
struct nano_credits {
	int64_t nano;
};
/* Errors: ERR_RANGE when finer or larger. */
int nano_credits_from_decimal(struct nano_credits *out, struct decimal d, struct err *e);
char *nano_credits_format(struct nano_credits n, char buf[DECIMAL_TEXT_MAX]);
struct credits_total credits_of_nano(struct nano_credits n);

enum overage_policy { OVERAGE_REFUSE, OVERAGE_LIMIT, OVERAGE_DEBT };
const char *overage_name(enum overage_policy p);

/* Credits that are bought by themselves, before usage leaves fewer than `below`: as many whole
 * credits as leave `target`, what is owed under `debt` included. */
struct top_up {
	bool on;
	struct nano_credits below, target, most; /* most: in 30 days; 0: no end */
	bool has_price;
	struct money price; /* of one credit; without one they are granted */
	struct text currency, lasts;
};

struct account {
	int64_t id;
	struct text customer, plan, plan_text, zone, terms, burn_order;
	bool byo;
	/* What happens when credits run out. The usage is a fact and is booked in any case;
	   `refuse` admits no call beyond the balance, `limit` up to the limit below it, `debt` any,
	   and later grants repay it. */
	enum overage_policy overage;
	struct nano_credits overage_limit;
	int anchor_day; /* on which its months begin */
	bool has_low_balance;
	struct nano_credits low_balance;
	struct instant since, opened;
	int64_t drawn_to; /* row of usage */
	struct nano_credits owed;
	struct top_up top_up; /* ledger_set_top_up changes it */
};

struct grant {
	int64_t id, account, rule;
	struct text name, currency, note;
	struct nano_credits amount, left, lapsed; /* lapsed: what has expired of it */
	enum lot_class kind;
	int64_t priority;
	struct instant effective, expires, created; /* expires: INSTANT_MAX when never */
	bool has_cost_basis;
	struct money cost_basis; /* for one credit */
	bool has_price;
	struct money price; /* that invoices ask for the whole of it */
	/* on the way in: the balance that it may not push the account above; 0: none */
	struct nano_credits balance_most;
};

struct credit_rule {
	int64_t id, account;
	struct text name, every, currency;
	struct text lasts; /* of each grant; empty until the next recurrence, or no end with a
			      rollover */
	bool has_cost_basis, has_price; /* price: of each grant */
	struct money cost_basis, price;
	struct nano_credits amount;
	enum lot_class kind;
	int64_t priority;
	struct instant anchor, next, until; /* until: INSTANT_MAX when never */
	struct nano_credits rollover;	    /* of what is left at a recurrence, so much is kept */
};

struct ledger;
int ledger_open(struct ledger **out, struct store *s, struct err *e);
void ledger_close(struct ledger *l);
struct store *ledger_store(struct ledger *l);

/* After store_begin: forgets what other processes may have changed. */
int ledger_begin(struct ledger *l, struct err *e);
/* Before store_commit. What came late or was reversed has its effect on what was drawn since. */
int ledger_end(struct ledger *l, struct err *e);
/* The same within it. *lacks (may be NULL): so much more is not paid by grants than before; less
 * than 0: so much less. */
int ledger_redo_all(struct ledger *l, struct nano_credits *lacks, struct err *e);
/* Whether anything was written since ledger_begin. */
bool ledger_moved(const struct ledger *l);
/* After store_rollback. */
void ledger_forget(struct ledger *l);
/* Forgets what was read, within the transaction. */
void ledger_reload(struct ledger *l);
/*
 * A step within the transaction that may be undone: between ledger_mark and ledger_pass, once or
 * more. What had to be redone before the step and was redone within it has to be again when it is
 * undone. Steps do not nest. Errors: ERR_STORE.
 */
int ledger_mark(struct ledger *l, struct err *e);
int ledger_undo(struct ledger *l, struct err *e);
int ledger_pass(struct ledger *l, struct err *e);
/* Whether something was redone in the last step. */
bool ledger_redid(const struct ledger *l);

/*
 * Accounts at fault: what cannot be done for one of them does not stop the others. The ledger knows
 * on which account it worked last, so that a failure can be told of its account. An account at
 * fault draws and recurs no more until the fault is dropped.
 */
void ledger_work_on(struct ledger *l, int64_t account);
int64_t ledger_worked_on(const struct ledger *l);
struct account_fault {
	int64_t account;
	struct text customer, why;
	struct instant since;
};
int ledger_each_fault(struct store *s, int (*take)(void *user, const struct account_fault *f),
		      void *user, struct err *e);
int ledger_add_fault(struct ledger *l, int64_t account, const char *why, struct instant now,
		     struct err *e);
int ledger_drop_fault(struct ledger *l, int64_t account, struct err *e);

/* Texts live as long as the ledger, or until ledger_begin or _forget. Errors: ERR_NOT_FOUND. */
int ledger_account(struct ledger *l, struct text customer, const struct account **out,
		   struct err *e);
/* NULL when there is none: most customers have no account. */
int ledger_find_account(struct ledger *l, struct text customer, const struct account **out,
			struct err *e);
/* Opens the account, or changes it; id 0 opens. Usage from `since` on draws credits. */
int ledger_set_account(struct ledger *l, const struct account *a, struct instant now,
		       struct err *e);
/* Lets an open account draw from `since` on, earlier or later than it did. Errors: ERR_CONFLICT
 * once usage has drawn or was uncovered, or an invoice is final. */
int ledger_begin_from(struct ledger *l, const struct account *a, struct instant since,
		      struct err *e);
/*
 * The account's plan as it is known holds until that instant, and what ledger_set_account makes of
 * it from then on; without it (ledger_plan_always) it is of all usage that has not drawn yet.
 * Errors: ERR_CONFLICT when usage from then on has drawn already, or another plan began then.
 */
int ledger_plan_until(struct ledger *l, const struct account *a, struct instant until,
		      struct err *e);
int ledger_plan_always(struct ledger *l, const struct account *a, struct err *e);
/* `on` false: no more. Errors: ERR_INVALID. */
int ledger_set_top_up(struct ledger *l, const struct account *a, const struct top_up *t,
		      struct err *e);
/* Buys what the balance asks for when so much is about to be taken, effective at `at`. */
struct topping {
	struct nano_credits asked;
	struct instant at, now;
};
int ledger_top_up(struct ledger *l, int64_t account, const struct topping *x, struct err *e);
/* What a customer buys by hand, effective at once: whole or part credits, at the price and for as
 * long as `by` says, or where it is NULL, as the account's top-up does. */
struct purchase {
	struct text name;
	struct nano_credits amount;
	const struct top_up *by;
};
/* The same name with the same amount again changes nothing. Errors: ERR_CONFLICT; ERR_INVALID where
 * nothing says the price. */
int ledger_buy(struct ledger *l, const struct account *a, const struct purchase *p,
	       struct instant now, struct err *e);
int ledger_each_account(struct ledger *l, int (*take)(void *user, const struct account *a),
			void *user, struct err *e);

/* The same name with the same content again changes nothing; with another one it is ERR_CONFLICT.
 */
int ledger_grant(struct ledger *l, const struct grant *g, struct instant now, int64_t *id,
		 struct err *e);
/* A grant that has a price, by the day on which it becomes effective. */
struct credit_sale {
	struct text grant, note, currency;
	bool recurs;
	struct nano_credits amount, voided;
	struct money price; /* of `amount` */
};
struct sales_asked {
	int64_t account;
	struct instant from, to;
};
int ledger_each_sale(struct ledger *l, const struct sales_asked *of,
		     int (*take)(void *user, const struct credit_sale *s), void *user,
		     struct err *e);
/* Reverses what is left of it by then. Errors: ERR_INVALID where that is nothing. */
int ledger_void_grant(struct ledger *l, struct text customer, struct text grant, struct instant now,
		      const char *why, struct err *e);
/* A grant's whole row. Errors: ERR_NOT_FOUND. */
int ledger_find_grant(struct ledger *l, int64_t account, struct text name, struct grant *out,
		      struct err *e);
/* As they are by then: what has ended has nothing left, whether its expiry is booked or not. */
int ledger_each_grant(struct ledger *l, int64_t account, struct instant now,
		      int (*take)(void *user, const struct grant *g), void *user, struct err *e);

/* The rule that gives such a grant every so often, first when it is effective, until it expires. */
struct credit_rule credit_rule_of(const struct grant *g, struct text every);

/* The same again is the same. Errors: ERR_CONFLICT when the name has another one. */
int ledger_add_rule(struct ledger *l, const struct credit_rule *r, struct err *e);
int ledger_each_rule(struct ledger *l, int64_t account,
		     int (*take)(void *user, const struct credit_rule *r), void *user,
		     struct err *e);
/* It gives nothing from that instant on; what it gave for later days and is left is reversed.
 * Errors: ERR_NOT_FOUND when there is none that goes on so long. */
int ledger_end_rule(struct ledger *l, const struct account *a, struct text name,
		    struct instant until, struct instant now, struct err *e);
int ledger_recurs_by(struct ledger *l, struct instant until, bool *out, struct err *e);
/* Recurring grants that are due up to `until`. */
int ledger_recur(struct ledger *l, struct instant until, struct instant now, struct err *e);
/* The same up to now, then what has expired, and overage that grants can pay by now. */
int ledger_advance(struct ledger *l, struct instant now, struct err *e);
int ledger_expire(struct ledger *l, int64_t account, struct instant now, struct err *e);

struct draw {
	struct instant at, now; /* now: when it is booked */
	/* of usage: the part of an hour that it is of, in which credits neither begin nor end */
	struct instant part_from, part_to;
	int64_t usage_from, usage_to; /* rows; 0: none */
	struct text key;	      /* the same one again is the same draw; empty: none */
	struct text note;
	enum shortfall policy; /* SHORT_REFUSE: all or nothing; else the rest becomes overage, */
	bool no_overage;       /* or with this stays with the caller */
	bool what_is_left;     /* a refund gives back at most what was not given back yet */
};
struct drawn {
	struct nano_credits from_lots, overage, rest; /* rest: with no_overage */
	int64_t txn;				      /* 0: nothing was to move */
	bool known;				      /* it had been drawn before */
};
/* Exact credits of usage, positive or (reversed) negative. */
int ledger_draw_exact(struct ledger *l, int64_t account, struct credits_total amount,
		      const struct draw *d, struct drawn *out, struct err *e);
/* A key that is known: with no_overage an amount is a limit, and the same or a larger one is the
 * same draw; else it must be the same. Otherwise ERR_CONFLICT. */
int ledger_draw(struct ledger *l, int64_t account, struct nano_credits amount, const struct draw *d,
		struct drawn *out, struct err *e);
/* What usage of the same part of an hour did not get from lots, then what its lots gave; anything
 * else in reverse order of use: overage first, then the lots that were drawn last, then what was
 * billed. */
int ledger_refund(struct ledger *l, int64_t account, struct nano_credits amount,
		  const struct draw *d, int64_t *txn, struct err *e);
/* An invoice asks for overage that is not to be carried. */
int ledger_bill_overage(struct ledger *l, int64_t account, struct nano_credits amount,
			struct text key, struct instant now, struct err *e);
/* The invoice with that key is void: the account owes again what it asked for. */
int ledger_unbill(struct ledger *l, int64_t account, struct text billed_by, struct text key,
		  struct instant now, struct err *e);
struct ledger_use {
	struct nano_credits used;    /* what usage came to, cut by days and rates */
	struct nano_credits covered; /* what grants paid of it, or debt carries to the balance */
};
/* By the usage of local days [from, to), less what was reversed. */
int ledger_days(struct ledger *l, int64_t account, int64_t from_day, int64_t to_day,
		struct ledger_use *out, struct err *e);
/* What draws by hand, which no invoice lists, took of it in [from, to). */
int ledger_by_hand(struct ledger *l, const struct account *a, struct instant from,
		   struct instant to, struct nano_credits *out, struct err *e);
/* What draws by hand lack by now, for other usage came before them: it stays owed, and no invoice
 * asks for it. */
int ledger_lacked_by_hand(struct ledger *l, int64_t account, struct nano_credits *out,
			  struct err *e);
/* How far usage has drawn. */
int ledger_set_drawn_to(struct ledger *l, int64_t account, int64_t seq, struct err *e);
/* Usage that drew nothing because its plan does not cover it. */
int ledger_add_uncovered(struct ledger *l, int64_t account, int64_t seq, const char *why,
			 struct err *e);
/* It is covered by now, or was reversed; *was: whether it waited. */
int ledger_drop_uncovered(struct ledger *l, int64_t seq, bool *was, struct err *e);
/* What the reversal `seq` of the record `of` reverses: the last row of it that stood before. */
int ledger_drop_reversed(struct ledger *l, int64_t of, int64_t seq, bool *was, struct err *e);
int ledger_uncovered(struct ledger *l, int64_t account, int64_t *count, struct err *e);
/* The same of all accounts. */
int ledger_all_uncovered(struct store *s, int64_t *count, struct err *e);
/* The same of usage in a period. */
int ledger_uncovered_in(struct ledger *l, int64_t account, struct instant from, struct instant to,
			int64_t *count, struct err *e);

struct balance {
	struct nano_credits available; /* effective and not expired at the instant */
	struct nano_credits held, owed;
	/* what may still be spent: available less held, plus what the overage policy allows */
	bool unlimited;
	struct nano_credits spendable;
};
/* Now, from the lots. */
int ledger_balance(struct ledger *l, const struct account *a, struct instant now,
		   struct balance *out, struct err *e);
/* The same from memory, inside a transaction, where what is held is known already. */
int ledger_balance_with(struct ledger *l, const struct account *a, struct nano_credits held,
			struct instant now, struct balance *out, struct err *e);

/* At any instant, from the entries that count by then. */
struct past_balance {
	struct nano_credits left, used, expired, owed, billed;
};
int ledger_balance_at(struct ledger *l, int64_t account, struct instant at,
		      struct past_balance *out, struct err *e);

struct ledger_txn {
	int64_t id, account;
	struct instant at, booked;
	struct text kind, key, note;
	int64_t usage_from, usage_to;
};
struct ledger_entry {
	struct text pot, grant; /* grant: its name, empty for other pots */
	int64_t grant_id;
	struct nano_credits amount;
};
/* Those that count in the period, in their order. */
int ledger_each_txn(struct ledger *l, int64_t account, struct period of,
		    int (*take)(void *user, const struct ledger_txn *t), void *user, struct err *e);
int ledger_each_entry(struct ledger *l, int64_t txn,
		      int (*take)(void *user, const struct ledger_entry *en), void *user,
		      struct err *e);

/* Enters something else in the journal. */
int ledger_enter(struct ledger *l, const char *kind, int64_t ref, struct text content,
		 struct err *e);

/* Facts that must hold of the ledger; *fault is empty when they do. */
int ledger_verify(struct ledger *l, char fault[200], struct err *e);
/* The canonical text of a transaction (journal_content for kind "txn"). */
int ledger_txn_text(struct store *s, int64_t txn, struct buf *out, bool *there, struct err *e);

#endif
