#include "meter/ledger/foresee.h"

#include <stdlib.h>

/* Overage that goes to the balance and not onto an invoice. */
static int64_t carried(const struct state *s, int64_t overage)
{
	return s->account.overage == OVERAGE_DEBT ? overage : 0;
}

static const struct sql sql_taken = {
	.text = "SELECT coalesce(sum(nano),0) FROM credit_taken WHERE account=:account "
		"AND day>=:from AND day<:to",
};
static const struct sql sql_used = {
	.text = "SELECT coalesce(sum(nano),0) FROM credit_day WHERE account=:account "
		"AND day>=:from AND day<:to",
};

int ledger_days(struct ledger *l, int64_t account, int64_t from_day, int64_t to_day,
		struct ledger_use *out, struct err *e)
{
	static const struct sql *const which[] = { &sql_taken, &sql_used };
	*out = (struct ledger_use){ 0 };
	for (int i = 0; i < 2; i++) {
		struct query *q;
		int rc = db_statement(l->db, which[i], &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":account", account);
		db_bind_int(q, ":from", from_day);
		db_bind_int(q, ":to", to_day);
		rc = db_step(l->db, q, e);
		(i ? &out->used : &out->covered)->nano = rc == 1 ? db_int(q, 0) : 0;
		db_reset(q);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static const struct sql sql_by_hand = {
	.text = "SELECT coalesce(-sum(e.amount),0) FROM ledger_txn t INDEXED BY txn_by_hand JOIN "
		"ledger_entry e ON e.txn=t.id WHERE t.account=:account AND t.at>=:from AND "
		"t.at<:to AND t.usage_from IS NULL AND t.kind<>'grant' AND t.kind<>'bill' AND "
		"t.kind IN ('draw','refund') AND (e.pot='grant' OR (e.pot='overage' AND :carries=1))",
};

int ledger_by_hand(struct ledger *l, const struct account *a, struct instant from,
		   struct instant to, struct nano_credits *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_by_hand, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	db_bind_int(q, ":from", from.us);
	db_bind_int(q, ":to", to.us);
	db_bind_int(q, ":carries", a->overage == OVERAGE_DEBT);
	rc = db_step(l->db, q, e);
	out->nano = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static int add_used(void *user, const struct ledger_entry *en)
{
	if (text_is(en->pot, "used"))
		((struct nano_credits *)user)->nano += en->amount.nano;
	return 0;
}

/* The key was drawn under before: is this the same draw? */
static int same_draw(struct ledger *l, struct nano_credits amount, const struct draw *d,
		     struct drawn *out, struct err *e)
{
	struct nano_credits taken = { 0 };
	char text[2][DECIMAL_TEXT_MAX];
	int rc = ledger_each_entry(l, out->txn, add_used, &taken, e);
	out->known = true;
	out->from_lots = taken;
	if (rc != 0 || (d->no_overage ? amount.nano >= taken.nano : amount.nano == taken.nano))
		return rc;
	return err_set(e, ERR_CONFLICT, "the draw '%.*s' exists with another amount (%s, not %s)",
		       (int)d->key.n, d->key.p, nano_credits_format(taken, text[0]),
		       nano_credits_format(amount, text[1]));
}

/* Whether what was booked would have drawn otherwise after such a draw. */
static int look_behind(struct ledger *l, struct state *s, struct nano_credits amount,
		       const struct draw *d, struct err *e)
{
	const bool usage = d->usage_from != 0;
	const struct instant from = usage ? d->part_from : d->at;
	int rc = ledger_need_last(l, s, e);
	const bool behind = s->last_by_hand.us > from.us ||
			    s->last_usage.us >= (usage && !s->moving ? d->part_to.us : from.us);
	if (rc == 0)
		ledger_redo_after(s, behind ? from : INSTANT_MAX, d->now,
				  usage ? INT64_MAX : amount.nano);
	return rc;
}

static const struct sql sql_lapsed_since = {
	.text = "SELECT coalesce(-sum(e.amount),0) FROM ledger_txn t INDEXED BY txn_by_hand JOIN "
		"ledger_entry e ON e.txn=t.id JOIN credit_grant g ON g.id=e.grant_id WHERE "
		"t.account=:account AND t.at>:at AND t.usage_from IS NULL AND t.kind<>'grant' AND "
		"t.kind<>'bill' AND t.kind='expire' AND g.effective<=:at AND (g.expires IS NULL OR "
		"g.expires>:at)",
};

/* What lots of that instant have, and what of them has expired since: *waits where a draw that they
 * have too little for needs that. Errors: ERR_LIMIT where it is not enough, either. */
static int reach_lapsed(struct ledger *l, struct state *s, struct nano_credits amount,
			const struct draw *d, bool *waits, struct err *e)
{
	struct query *q;
	int rc = ledger_need_lots(l, s, e);
	int128 has = rc == 0 ? ledger_nano_of(lots_available(s->lot, s->lots, d->at)) : 0;
	if (rc != 0 || has >= amount.nano || amount.nano <= 0)
		return rc;
	rc = db_statement(l->db, &sql_lapsed_since, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":at", d->at.us);
	rc = db_step(l->db, q, e);
	has += rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	*waits = rc == 1 && has >= amount.nano;
	return rc < 0	? rc
	       : *waits ? 0
			: lots_short(credits_of_nano(amount),
				     (struct credits_total){ has * atto_per_nano }, e);
}

/* A draw that may be refused is by what there really is. *waits: there is enough, once what waits
 * is redone. */
static int need_certainty(struct ledger *l, struct state *s, struct nano_credits amount,
			  const struct draw *d, bool *waits, struct err *e)
{
	bool certain = true;
	int128 nano = 0;
	*waits = false;
	int rc = d->policy != SHORT_REFUSE || !s->redo.account
			 ? 0
			 : ledger_has_certainly(l, s, amount.nano, d, &certain, e);
	if (rc == 0 && !certain)
		rc = foresee_left(l, s, d->at, &nano, waits, e);
	if (rc == 0 && *waits && nano < amount.nano)
		return lots_short(credits_of_nano(amount),
				  (struct credits_total){ nano * atto_per_nano }, e);
	if (rc == 0 && !certain && !*waits)
		rc = ledger_redo(l, s, e);
	return rc == 0 && !*waits && d->policy == SHORT_REFUSE
		       ? reach_lapsed(l, s, amount, d, waits, e)
		       : rc;
}

int ledger_draw(struct ledger *l, int64_t account, struct nano_credits amount, const struct draw *d,
		struct drawn *out, struct err *e)
{
	struct state *s;
	struct credits_total rest;
	bool waits = false;
	*out = (struct drawn){ 0 };
	int rc = ledger_known_txn(l, account, d->key, "draw", &out->txn, e);
	if (rc == 0 && out->txn)
		return same_draw(l, amount, d, out, e);
	if (rc == 0)
		rc = ledger_state_of(l, account, &s, e);
	if (rc == 0)
		rc = need_certainty(l, s, amount, d, &waits, e);
	if (rc == 0)
		rc = ledger_need_lots(l, s, e);
	if (rc == 0 && amount.nano)
		rc = look_behind(l, s, amount, d, e);
	if (rc != 0 || amount.nano == 0)
		return rc;
	/* what it lacks until then is owed until then */
	const struct lot_demand want = { d->at, credits_of_nano(amount),
					 waits ? SHORT_PARTIAL : d->policy };
	rc = ledger_use_lots(l, s, &want, &rest, e);
	if (rc != 0)
		return rc;
	if (d->no_overage && !waits) {
		out->rest.nano = ledger_nano_of(rest);
		amount.nano -= out->rest.nano;
		if (amount.nano == 0)
			return rc;
	} else {
		out->overage.nano = ledger_nano_of(rest);
	}
	out->from_lots.nano = amount.nano - out->overage.nano;
	ledger_put_entry(l, "overage", 0, -out->overage.nano);
	ledger_put_entry(l, "used", 0, amount.nano);
	rc = ledger_post(l,
			 &(struct posting){ s, "draw", d->at, d->now, d->usage_from, d->usage_to,
					    d->key, d->note },
			 &out->txn, e);
	if (rc == 0)
		rc = ledger_add_taken(l, s, d->at,
				      out->from_lots.nano + carried(s, out->overage.nano), e);
	if (rc == 0 && out->overage.nano) {
		if (__builtin_add_overflow(s->account.owed.nano, out->overage.nano,
					   &s->account.owed.nano))
			return err_set(e, ERR_RANGE, "more overage than the ledger can hold");
		rc = ledger_redo_repaid(l, s, d->now, e);
		if (rc == 0)
			rc = ledger_write_state(l, s, e);
	}
	ledger_drop_empty(s);
	return rc;
}

/* A lot that gets something back; one that was used up comes back into memory. */
static int give_to_lot(struct ledger *l, struct state *s, int64_t grant, int64_t nano,
		       struct err *e)
{
	for (size_t i = 0; i < s->lots; i++)
		if (s->lot[i].number == grant) {
			s->lot[i].left.atto += (int128)nano * atto_per_nano;
			return ledger_write_lot(l, grant, ledger_nano_of(s->lot[i].left), e);
		}
	int rc = ledger_write_lot(l, grant, nano, e);
	s->has_lots = false;
	s->lots = 0;
	return rc == 0 ? ledger_need_lots(l, s, e) : rc;
}

struct given_back {
	int64_t grant, nano; /* so much of what it gave has been given back already */
	int64_t most;	     /* of all its draws, what may still be given back; -1: not asked yet */
};

struct given_backs {
	struct given_back *of;
	size_t count;
};

static struct given_back *back_of(struct given_backs *b, int64_t grant)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->of[i].grant == grant)
			return &b->of[i];
	b->of = mem_grow(b->of, (b->count + 1) * sizeof *b->of);
	b->of[b->count] = (struct given_back){ grant, 0, -1 };
	return &b->of[b->count++];
}

/* Whatever asks for it, a refund by hand or usage that was reversed: a draw is given back once. */
static int need_most(struct ledger *l, struct state *s, struct given_back *b, struct err *e)
{
	if (b->most >= 0)
		return 0;
	int rc = ledger_drawn_of(l, s, b->grant, &b->most, e);
	for (size_t i = 0; i < l->entries; i++)
		if (l->entry[i].grant == b->grant)
			b->most -= l->entry[i].nano;
	b->most = b->most > 0 ? b->most : 0;
	return rc;
}

/* Enters what one draw took from a lot, up to `want`, and less what its grant has got back since.
 */
static int list_use(struct ledger *l, struct state *s, struct given_backs *backs,
		    struct use_left of, int64_t *want, struct err *e)
{
	struct given_back *back = back_of(backs, of.grant);
	const int64_t known = back->nano < of.nano ? back->nano : of.nano;
	int64_t used = of.nano - known;
	back->nano -= known;
	int rc = used ? need_most(l, s, back, e) : 0;
	if (rc != 0 || used == 0)
		return rc;
	used = used < *want ? used : *want;
	used = used < back->most ? used : back->most;
	ledger_put_entry(l, "grant", of.grant, used);
	back->most -= used;
	*want -= used;
	return 0;
}

/* What this transaction gives back already counts, too. */
static void begin_backs(const struct ledger *l, struct given_backs *backs)
{
	*backs = (struct given_backs){ 0 };
	for (size_t i = 0; i < l->entries; i++)
		back_of(backs, l->entry[i].grant)->nano += l->entry[i].nano;
}

/* What draws took, the latest first. */
static int list_latest(struct ledger *l, struct state *s, int64_t *want, struct err *e)
{
	const struct uses *u = &s->uses;
	struct given_backs backs;
	int rc = 0;
	begin_backs(l, &backs);
	for (size_t i = 1; rc == 0 && *want > 0; i++) {
		rc = uses_need(&s->uses, l->db, s->account.id, i, e);
		if (rc != 0 || u->count < i)
			break;
		rc = list_use(l, s, &backs, u->use[u->count - i], want, e);
	}
	free(backs.of);
	return rc;
}

static const struct sql sql_overage_of = {
	.text = "SELECT coalesce(-sum(e.amount),0) FROM ledger_txn t INDEXED BY txn_of_usage "
		"JOIN ledger_entry e ON e.txn=t.id WHERE t.account=:account "
		"AND t.usage_from IS NOT NULL AND t.at>=:from AND t.at<:until "
		"AND e.pot IN ('overage','billed')",
};
/* the same of what lots gave to usage of one part of an hour */
static const struct sql sql_uses_of = {
	.text = "SELECT e.grant_id,e.amount FROM ledger_txn t INDEXED BY txn_of_usage "
		"JOIN ledger_entry e ON e.txn=t.id WHERE t.account=:account "
		"AND t.usage_from IS NOT NULL AND t.at>=:from AND t.at<:until AND e.pot='grant' "
		"ORDER BY t.id DESC,e.place DESC",
};

static int ask_of_part(struct ledger *l, const struct state *s, const struct draw *d,
		       const struct sql *which, struct query **q, struct err *e)
{
	int rc = db_statement(l->db, which, q, e);
	if (rc != 0)
		return rc;
	db_bind_int(*q, ":account", s->account.id);
	db_bind_int(*q, ":from", d->part_from.us);
	db_bind_int(*q, ":until", d->part_to.us);
	return 0;
}

/* Enters what that part of an hour took from lots; *owed: what it did not get from them. */
static int list_part(struct ledger *l, struct state *s, const struct draw *d, int64_t *want,
		     int64_t *owed, struct err *e)
{
	struct query *q;
	struct given_backs backs;
	*owed = 0;
	int rc = d->usage_from ? ask_of_part(l, s, d, &sql_overage_of, &q, e) : 0;
	if (rc != 0 || !d->usage_from)
		return rc;
	rc = db_step(l->db, q, e);
	*owed = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	*owed = *owed < 0 ? 0 : *owed < *want ? *owed : *want;
	*want -= *owed;
	if (rc >= 0)
		rc = ask_of_part(l, s, d, &sql_uses_of, &q, e);
	if (rc < 0)
		return rc;
	begin_backs(l, &backs);
	while (rc >= 0 && *want > 0 && (rc = db_step(l->db, q, e)) == 1) {
		const struct use_left of = { db_int(q, 0), -db_int(q, 1) };
		if (of.nano < 0)
			back_of(&backs, of.grant)->nano -= of.nano;
		else
			rc = list_use(l, s, &backs, of, want, e);
	}
	db_reset(q);
	free(backs.of);
	return rc < 0 ? rc : 0;
}

/* The key was refunded under before: is this the same refund? */
static int same_refund(struct ledger *l, int64_t txn, struct nano_credits amount, struct text key,
		       struct err *e)
{
	struct nano_credits used = { 0 };
	char text[2][DECIMAL_TEXT_MAX];
	int rc = ledger_each_entry(l, txn, add_used, &used, e);
	used.nano = -used.nano;
	if (rc != 0 || used.nano == amount.nano)
		return rc;
	return err_set(e, ERR_CONFLICT, "the refund '%.*s' exists with another amount (%s, not %s)",
		       (int)key.n, key.p, nano_credits_format(used, text[0]),
		       nano_credits_format(amount, text[1]));
}

static int more_than_drawn(int64_t asked, int64_t left, struct err *e)
{
	char text[2][DECIMAL_TEXT_MAX];
	return err_set(e, ERR_INVALID,
		       "the refund exceeds what was drawn and not yet refunded (%s, of %s)",
		       nano_credits_format((struct nano_credits){ asked }, text[0]),
		       nano_credits_format((struct nano_credits){ left }, text[1]));
}

/* A refund by hand of what draws have taken: what waits changes of which lots, not of how much. */
static int settle_before(struct ledger *l, struct state *s, struct err *e)
{
	bool may = true;
	int rc = s->redo.account ? ledger_may_wait(l, s, &may, e) : 0;
	return rc == 0 && !may ? ledger_redo(l, s, e) : rc;
}

/* The latest uses by their time give back what a refund by hand takes from lots, whatever was
 * booked last. */
static int look_before(struct ledger *l, struct state *s, int64_t nano, const struct draw *d,
		       bool lots, struct err *e)
{
	bool in_order = !s->redo.account;
	int rc = ledger_need_last(l, s, e);
	if (rc == 0 && lots && in_order)
		rc = ledger_is_in_order(l, s, &in_order, e);
	const bool behind =
		!in_order || d->at.us < s->last_usage.us || d->at.us < s->last_by_hand.us;
	if (rc == 0)
		ledger_redo_after(s, behind ? d->at : INSTANT_MAX, d->now, nano);
	return rc;
}

int ledger_refund(struct ledger *l, int64_t account, struct nano_credits amount,
		  const struct draw *d, int64_t *txn, struct err *e)
{
	struct state *s;
	int64_t given = 0, known, billed = 0;
	int rc = ledger_known_txn(l, account, d->key, "refund", &known, e);
	if (txn)
		*txn = known;
	if (rc == 0 && known)
		rc = same_refund(l, known, amount, d->key, e);
	if (rc != 0 || known)
		return rc;
	rc = ledger_state_of(l, account, &s, e);
	if (rc == 0 && !d->usage_from)
		rc = settle_before(l, s, e);
	if (rc == 0)
		rc = ledger_need_lots(l, s, e);
	if (rc == 0 && d->usage_from)
		ledger_redo_from(s, d->part_from, d->now);
	if (rc == 0 && amount.nano < 0)
		rc = err_set(e, ERR_INVALID, "a refund must not be negative");
	if (rc != 0 || amount.nano == 0)
		return rc;
	int64_t owed, part_owed, want = amount.nano;
	l->entries = 0;
	rc = list_part(l, s, d, &want, &part_owed, e);
	/* overage that was repaid or billed since is no more owed; and what no part of an hour
	   explains is taken from what is owed, then from the last uses */
	want += part_owed;
	owed = s->account.owed.nano < want ? s->account.owed.nano : want;
	want -= owed;
	if (rc == 0)
		rc = ledger_need_carrying(l, s, e);
	const bool asked = rc == 0 && part_owed > owed && !carries_from(&s->carrying, d->part_from);
	int64_t of_bill = asked ? part_owed - owed : 0;
	want -= of_bill < want ? of_bill : want;
	if (rc == 0)
		rc = list_latest(l, s, &want, e);
	if (rc == 0 && !d->usage_from)
		rc = look_before(l, s, owed < 0 ? amount.nano - owed : amount.nano, d,
				 want < amount.nano - owed, e);
	const size_t lots = l->entries;
	for (size_t i = 0; i < lots; i++)
		given += l->entry[i].nano;
	/* what an invoice has asked for is given back by the next one's adjustment */
	if (rc == 0 && given + owed < amount.nano)
		rc = ledger_billed(l, account, &billed, e);
	billed = billed > 0 ? billed : 0;
	if (rc == 0 && given + owed + billed < amount.nano) {
		if (!d->what_is_left)
			return more_than_drawn(amount.nano, given + owed + billed, e);
		amount.nano = given + owed + billed;
	}
	if (rc == 0 && amount.nano == 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < lots; i++)
		rc = give_to_lot(l, s, l->entry[i].grant, l->entry[i].nano, e);
	if (rc != 0)
		return rc;
	ledger_put_entry(l, "overage", 0, owed);
	ledger_put_entry(l, "billed", 0, amount.nano - given - owed);
	ledger_put_entry(l, "used", 0, -amount.nano);
	rc = ledger_post(l,
			 &(struct posting){ s, "refund", d->at, d->now, d->usage_from, d->usage_to,
					    d->key, d->note },
			 txn, e);
	s->account.owed.nano -= owed;
	if (rc == 0)
		rc = ledger_add_taken(l, s, d->at, -given - carried(s, owed), e);
	return rc == 0 && owed ? ledger_write_state(l, s, e) : rc;
}

int ledger_draw_exact(struct ledger *l, int64_t account, struct credits_total amount,
		      const struct draw *d, struct drawn *out, struct err *e)
{
	struct state *s;
	int rc = ledger_state_of(l, account, &s, e);
	*out = (struct drawn){ 0 };
	if (rc != 0)
		return rc;
	int128 sum = s->rest + amount.atto, nano = sum / atto_per_nano;
	if (sum % atto_per_nano < 0)
		nano--;
	if (nano > INT64_MAX / 4 || nano < INT64_MIN / 4)
		return err_set(e, ERR_RANGE, "more credits than the ledger can hold");
	s->rest = (int64_t)(sum - nano * atto_per_nano);
	rc = ledger_write_state(l, s, e);
	if (rc == 0 && nano >= 0)
		return ledger_draw(l, account, (struct nano_credits){ (int64_t)nano }, d, out, e);
	return rc == 0 ? ledger_refund(l, account, (struct nano_credits){ (int64_t)-nano }, d,
				       &out->txn, e)
		       : rc;
}

int ledger_bill_overage(struct ledger *l, int64_t account, struct nano_credits amount,
			struct text key, struct instant now, struct err *e)
{
	struct state *s;
	int64_t known;
	int rc = ledger_known_txn(l, account, key, "bill", &known, e);
	if (rc != 0 || known || amount.nano == 0)
		return rc;
	rc = ledger_state_of(l, account, &s, e);
	if (rc != 0)
		return rc;
	if (amount.nano > s->account.owed.nano)
		return err_set(e, ERR_MISMATCH, "an invoice bills more overage than is owed");
	l->entries = 0;
	ledger_put_entry(l, "overage", 0, amount.nano);
	ledger_put_entry(l, "billed", 0, -amount.nano);
	rc = ledger_post(l, &(struct posting){ s, "bill", now, now, 0, 0, key, TEXT("") }, NULL, e);
	s->account.owed.nano -= amount.nano;
	return rc == 0 ? ledger_write_state(l, s, e) : rc;
}

struct billed {
	int64_t nano;
};

static int add_billed(void *user, const struct ledger_entry *en)
{
	if (text_is(en->pot, "billed"))
		((struct billed *)user)->nano -= en->amount.nano;
	return 0;
}

int ledger_unbill(struct ledger *l, int64_t account, struct text billed_by, struct text key,
		  struct instant now, struct err *e)
{
	struct state *s;
	struct billed asked = { 0 };
	int64_t txn, known, left;
	int rc = ledger_known_txn(l, account, billed_by, "bill", &txn, e);
	if (rc == 0)
		rc = ledger_known_txn(l, account, key, "bill", &known, e);
	if (rc != 0 || !txn || known)
		return rc;
	rc = ledger_each_entry(l, txn, add_billed, &asked, e);
	if (rc == 0)
		rc = ledger_billed(l, account, &left, e);
	if (rc == 0)
		rc = ledger_state_of(l, account, &s, e);
	if (rc != 0)
		return rc;
	/* usage that was reversed since has taken its part of it */
	int64_t back = asked.nano < left ? asked.nano : left;
	if (back <= 0)
		return 0;
	l->entries = 0;
	ledger_put_entry(l, "overage", 0, -back);
	ledger_put_entry(l, "billed", 0, back);
	rc = ledger_post(l, &(struct posting){ s, "bill", now, now, 0, 0, key, TEXT("") }, NULL, e);
	s->account.owed.nano += back;
	if (rc == 0)
		rc = ledger_write_state(l, s, e);
	/* grants that came after that invoice may pay it now */
	if (rc == 0)
		ledger_redo_from(s, (struct instant){ INT64_MIN }, now);
	return rc;
}
