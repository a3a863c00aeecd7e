#include "reports/explain_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "meter/formats/members.h"
#include "meter/store/cards.h"
#include "meter/store/record_id.h"
#include "meter/store/store.h"
#include "reports/amount.h"
#include "reports/table.h"
#include "reports/usage_report.h"

/* The rows of one record, copied: texts outlive the statement. */
struct history {
	struct store *store;
	struct usage_row row[64];
	size_t count, more;
	struct arena arena;
};

static int take(void *user, const struct usage_row *row)
{
	struct history *h = user;
	if (h->count == sizeof h->row / sizeof *h->row) {
		h->more++;
		return 0;
	}
	struct usage_row *r = &h->row[h->count++];
	*r = *row;
	struct text *const texts[] = { &r->raw, &r->source, &r->shape, &r->rule };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		texts[i]->p = arena_text(&h->arena, texts[i]->n ? texts[i]->p : "", texts[i]->n);
	for (int f = 0; f < FIELD_TEXTS; f++)
		r->record.text[f].p =
			arena_text(&h->arena, r->record.text[f].n ? r->record.text[f].p : "",
				   r->record.text[f].n);
	return 0;
}

static const struct sql sql_changes_of = {
	.text = "SELECT first,at,what,why FROM change WHERE first<=:seq ORDER BY first DESC "
		"LIMIT 1",
};

/* What the change says that wrote this row. */
static int change_of(struct store *s, int64_t seq, struct text *what, struct text *why,
		     struct arena *a, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_changes_of, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", seq);
	rc = db_step(store_db(s), q, e);
	*what = *why = TEXT("");
	if (rc == 1) {
		*what = (struct text){ arena_text(a, db_text(q, 2).p, db_text(q, 2).n),
				       db_text(q, 2).n };
		*why = (struct text){ arena_text(a, db_text(q, 3).p, db_text(q, 3).n),
				      db_text(q, 3).n };
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static void put_field(struct json_out *j, const char *key, struct text t)
{
	if (t.n)
		json_out_text(j, key, t);
	else
		json_out_null(j, key);
}

static void put_instant(struct json_out *j, const char *key, int64_t us)
{
	if (us == TIME_ABSENT)
		json_out_null(j, key);
	else
		json_out_instant(j, key, (struct instant){ us });
}

static const char *kind_name(enum usage_kind k)
{
	return k == USAGE_RECORD ? "record" : k == USAGE_REVERSAL ? "reversal" : "correction";
}

/* What the row draws from its customer's account. */
struct drawing {
	const struct account *account; /* NULL: it has none */
	struct credits_total credits;
	char why[600]; /* why nothing is drawn; empty when something is */
};

static int drawing_of(const struct explain_question *q, const struct usage_row *r,
		      struct drawing *out, struct err *e)
{
	struct err why;
	*out = (struct drawing){ 0 };
	int rc = r->record.text[FIELD_CUSTOMER].n
			 ? ledger_find_account(q->ledger, r->record.text[FIELD_CUSTOMER],
					       &out->account, e)
			 : 0;
	if (rc != 0 || !out->account)
		return rc;
	if (r->kind == USAGE_REVERSAL)
		strcpy(out->why, "refunds what the record drew");
	else if (out->account->byo)
		strcpy(out->why, "the customer brings its own key");
	else if (r->record.time_us < out->account->since.us)
		strcpy(out->why, "the account starts later");
	else if (drawer_credits(q->drawer, out->account, r, &out->credits, &why) != 0)
		snprintf(out->why, sizeof out->why, "%s", why.message);
	return 0;
}

/* The members of the raw usage that speak of money or count, and what became of them. */
struct member_list {
	struct json_out *j; /* NULL: in words */
	bool attributes;    /* of telemetry, which has a table of names of its own */
};

static void take_member(void *user, const char *path, const char *reason)
{
	const struct member_list *list = user;
	if (!reason && list->attributes && otlp_name_known(text_of(path)))
		reason = "";
	const char *verdict = !reason ? "not understood" : *reason ? "harmless" : "read";
	if (!list->j) {
		printf("%-10s %s: %s%s%s\n", "member", path, verdict, reason && *reason ? ", " : "",
		       reason ? reason : "");
		return;
	}
	json_out_object(list->j, NULL);
	json_out_string(list->j, "path", path);
	json_out_string(list->j, "verdict", verdict);
	if (reason && *reason)
		json_out_string(list->j, "reason", reason);
	json_out_end(list->j, '}');
}

static void each_member(const struct usage_row *r, struct json_out *j)
{
	struct json_document *doc = NULL;
	char shape[80];
	struct member_list list = { j, false };
	if (!r->raw.n || json_open(&doc, r->raw, NULL) != 0)
		return;
	snprintf(shape, sizeof shape, "%.*s", (int)r->shape.n, r->shape.p);
	list.attributes = strncmp(shape, "otlp.", 5) == 0;
	if (json_kind(json_root(doc)) == JSON_OBJECT)
		members_each(shape, json_root(doc), list.attributes ? "" : "usage", take_member,
			     &list);
	json_close(doc);
}

/* Why the amount is the least that it may be, if it is. */
static void put_unsaid(struct json_out *j, const struct stored_price *p)
{
	struct buf why = { 0 };
	rate_put_unsaid(&why, p->fee, p->fee_count);
	if (why.n)
		json_out_string(j, "at_least", why.p);
	buf_release(&why);
}

/* What the row pays of a fee, if anything. */
static void put_fee(struct json_out *j, const struct fee *f, const struct record *r)
{
	char text[DECIMAL_TEXT_MAX];
	const int64_t n = fee_quantity(f, r->requests, r->units);
	struct money_total amount = { 0 };
	if (n == 0)
		return;
	money_total_add_units(&amount, f->amount, n, f->per);
	json_out_object(j, NULL);
	json_out_string(j, "unit", f->unit);
	json_out_int(j, "count", n);
	json_out_string(j, "fee", money_format(f->amount, text));
	json_out_int(j, "per", f->per);
	json_out_money(j, "amount", amount);
	json_out_end(j, '}');
}

enum { CARDS_MOST = 4 };

struct step {
	const struct usage_row *row;
	const struct stored_price *price;
	struct money_total amount;
	struct text what, why;
	struct drawing drawing;
	struct rated_card card[CARDS_MOST]; /* that state the price */
	size_t cards;
	struct arena *arena;
};

/* The price, what it makes of each count, and the cards that state it. */
static void json_price(struct json_out *j, const struct step *s)
{
	const struct record *r = &s->row->record;
	const struct stored_price *p = s->price;
	json_out_object(j, "price");
	put_field(j, "id", p->ref);
	put_field(j, "window", p->window);
	put_field(j, "provider", p->vendor);
	put_field(j, "model", p->model);
	json_out_array(j, "cards");
	for (size_t i = 0; i < s->cards; i++) {
		json_out_object(j, NULL);
		put_field(j, "name", s->card[i].name);
		put_field(j, "kind", s->card[i].kind);
		put_field(j, "checked", s->card[i].checked);
		put_field(j, "sha256", s->card[i].sha256);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
	json_out_array(j, "lines");
	for (int b = 0; b < BUCKET_COUNT; b++) {
		int64_t n = rate_billed_tokens(&p->rates, r->counts, b);
		char text[DECIMAL_TEXT_MAX];
		if (n == 0)
			continue;
		json_out_object(j, NULL);
		json_out_string(j, "bucket", bucket_name((enum bucket)b));
		json_out_int(j, "tokens", n);
		json_out_string(j, "per_million", money_format(p->rates.per_million[b], text));
		json_out_money(j, "amount", money_of_tokens(p->rates.per_million[b], n));
		json_out_end(j, '}');
	}
	for (size_t i = 0; i < p->fee_count; i++)
		put_fee(j, &p->fee[i], r);
	json_out_end(j, ']');
	put_unsaid(j, p);
	put_field(j, "currency", p->currency);
	json_out_money(j, "total", s->amount);
}

static void json_drawing(struct json_out *j, const struct drawing *d)
{
	json_out_object(j, "credits");
	json_out_text(j, "plan", d->account->plan);
	if (*d->why) {
		json_out_null(j, "total");
		json_out_string(j, "why", d->why);
	} else {
		json_out_credits(j, "total", d->credits);
	}
	json_out_end(j, '}');
}

static void json_row(struct json_out *j, const struct step *s)
{
	const struct usage_row *r = s->row;
	json_out_object(j, NULL);
	json_out_int(j, "row", r->seq);
	json_out_string(j, "kind", kind_name(r->kind));
	if (r->kind != USAGE_RECORD) {
		put_field(j, "change", s->what);
		put_field(j, "why", s->why);
	}
	put_instant(j, "written", r->written_us);
	put_instant(j, "time", r->record.time_us);
	put_instant(j, "completed", r->record.completed_us);
	for (int f = FIELD_PROVIDER; f <= FIELD_REGION; f++)
		put_field(j, record_field_name((enum record_field)f), r->record.text[f]);
	json_out_int(j, "requests", r->record.requests);
	put_tokens_object(j, r->record.tokens);
	put_other_counts(j, r->record.counts);
	put_field(j, "source", r->source);
	put_field(j, "shape", r->shape);
	put_field(j, "rule", r->rule);
	put_field(j, "raw", r->raw);
	json_out_array(j, "members");
	each_member(r, j);
	json_out_end(j, ']');
	if (r->stated.given) {
		json_out_object(j, "recorded_cost");
		json_out_money(j, r->stated.estimate ? "estimated" : "charged",
			       money_of_tokens(r->stated.amount, PER_MILLION));
		json_out_end(j, '}');
	}
	json_out_bool(j, "broken_off", r->flags & USAGE_BROKEN_OFF);
	json_out_bool(j, "time_assumed", r->flags & USAGE_TIME_ASSUMED);
	if (s->price->reason.n) {
		json_out_null(j, "price");
		put_field(j, "unpriced", s->price->reason);
	} else {
		json_price(j, s);
	}
	if (s->drawing.account)
		json_drawing(j, &s->drawing);
	json_out_end(j, '}');
}

static void say(const char *name, struct text t)
{
	if (t.n)
		print_note("%-10s %.*s", name, (int)t.n, t.p);
}

/* The card that stated the price, and its source where that very card is at hand. */
static void print_card(const struct rated_card *c, struct text ref, const struct book *book)
{
	char name[256], sha256[65];
	snprintf(name, sizeof name, "%.*s", (int)c->name.n, c->name.p);
	snprintf(sha256, sizeof sha256, "%.*s", (int)c->sha256.n, c->sha256.p);
	const struct card *now = book_card_named(book, name, sha256);
	const bool same = now && strcmp(now->sha256, sha256) == 0;
	print_note("%-10s %s, sha256 %.12s%s", "card", name, sha256,
		   same	 ? ""
		   : now ? " (it says something else now)"
			 : " (not at hand now)");
	for (size_t i = 0; same && i < now->price_count; i++)
		if (text_is(ref, now->price[i].id))
			print_note("%-10s %s (%s)", "", now->price[i].source, now->price[i].sure);
}

static void print_amount_line(struct table *t, struct buf *b, const char *name, int64_t n,
			      const char *price)
{
	table_cell(t, name);
	put_count(b, n);
	table_cell(t, b->p);
	table_cell(t, price);
}

/* Tokens and fees, a line each. */
static void print_lines(const struct record *r, const struct stored_price *p)
{
	static const struct table_column columns[] = { { "BUCKET", false, false },
						       { "TOKENS", true, false },
						       { "PER MILLION", true, false },
						       { "AMOUNT", true, false } };
	char text[DECIMAL_TEXT_MAX], price[DECIMAL_TEXT_MAX + 32];
	struct buf b = { 0 };
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (int k = 0; k < BUCKET_COUNT; k++) {
		const int64_t n = rate_billed_tokens(&p->rates, r->counts, k);
		if (n == 0)
			continue;
		print_amount_line(t, &b, bucket_name((enum bucket)k), n,
				  money_format(p->rates.per_million[k], text));
		put_money(&b, money_of_tokens(p->rates.per_million[k], n), p->currency.p, EXACTLY);
		table_cell(t, b.p);
	}
	for (size_t i = 0; i < p->fee_count; i++) {
		const struct fee *f = &p->fee[i];
		const int64_t n = fee_quantity(f, r->requests, r->units);
		struct money_total fee = { 0 };
		if (n == 0)
			continue;
		/* the column is for a million tokens; a fee says for how many it is */
		snprintf(price, sizeof price, f->per == 1 ? "%s" : "%s for %lld",
			 money_format(f->amount, text), (long long)f->per);
		print_amount_line(t, &b, f->unit, n, price);
		money_total_add_units(&fee, f->amount, n, f->per);
		put_money(&b, fee, p->currency.p, EXACTLY);
		table_cell(t, b.p);
	}
	table_print(t);
	table_close(t);
	buf_release(&b);
}

static void print_row(const struct step *s, const struct book *book)
{
	const struct usage_row *r = s->row;
	const struct stored_price *p = s->price;
	const struct text what = s->what, why = s->why;
	char when[INSTANT_TEXT_MAX], text[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	printf("row %lld: %s", (long long)r->seq, kind_name(r->kind));
	if (r->kind != USAGE_RECORD)
		printf(" (%.*s: %.*s)", (int)what.n, what.p, (int)why.n, why.p);
	if (r->written_us != TIME_ABSENT)
		printf(", written %s", instant_format((struct instant){ r->written_us }, when));
	printf("\n");
	printf("%-10s %s%s\n", "time", instant_format((struct instant){ r->record.time_us }, when),
	       r->flags & USAGE_TIME_ASSUMED ? " (assumed: the source states none)" : "");
	for (int f = FIELD_PROVIDER; f <= FIELD_REGION; f++)
		say(record_field_name((enum record_field)f), r->record.text[f]);
	say("source", r->source);
	printf("%-10s %.*s, counts by rule %.*s\n", "shape", (int)r->shape.n, r->shape.p,
	       (int)r->rule.n, r->rule.p);
	say("raw", r->raw);
	each_member(r, NULL);
	if (r->stated.given)
		printf("%-10s $%s, %s\n", "recorded", money_format(r->stated.amount, text),
		       r->stated.estimate ? "which the source estimates"
					  : "which the seller says that it charged");
	if (r->flags & USAGE_BROKEN_OFF)
		print_note("%-10s the stream broke off; its last count is a lower bound", "note");
	if (p->reason.n) {
		print_note("%-10s none: %.*s", "price", (int)p->reason.n, p->reason.p);
		return;
	}
	print_note("%-10s %.*s, %.*s", "price", (int)p->ref.n, p->ref.p, (int)p->window.n,
		   p->window.p);
	for (size_t i = 0; i < s->cards; i++)
		print_card(&s->card[i], p->ref, book);
	printf("\n");
	print_lines(&r->record, p);
	const bool broken_off = r->flags & USAGE_BROKEN_OFF;
	struct buf unsaid = { 0 };
	rate_put_unsaid(&unsaid, p->fee, p->fee_count);
	put_money(&b, s->amount, p->currency.p, at_least(broken_off || unsaid.n));
	print_note("\ntotal      %s (%s)", b.p,
		   broken_off ? "the answer's end, or something else that was billed, is not in it"
		   : unsaid.n ? unsaid.p
			      : "exact: nothing is rounded");
	buf_release(&unsaid);
	buf_release(&b);
}

static void print_drawing(const struct drawing *d)
{
	char text[DECIMAL_TEXT_MAX];
	if (!d->account)
		return;
	if (*d->why)
		printf("credits    none: %s\n", d->why);
	else
		printf("credits    %s (plan %.*s)\n", credits_format(d->credits, text),
		       (int)d->account->plan.n, d->account->plan.p);
}

/* Everything that is known of a row. */
static int take_card(void *user, const struct rated_card *c)
{
	struct step *s = user;
	if (s->cards == CARDS_MOST)
		return 0;
	struct rated_card *out = &s->card[s->cards++];
	*out = *c;
	struct text *const texts[] = { &out->name, &out->kind, &out->checked, &out->sha256 };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = (struct text){ arena_text(s->arena, texts[i]->n ? texts[i]->p : "",
						      texts[i]->n),
					   texts[i]->n };
	return 0;
}

static int read_step(struct step *out, const struct explain_question *q, struct history *h,
		     size_t i, struct err *e)
{
	const struct usage_row *r = &h->row[i];
	*out = (struct step){ .row = r, .what = TEXT(""), .why = TEXT(""), .arena = &h->arena };
	int rc = drawing_of(q, r, &out->drawing, e);
	if (rc == 0)
		rc = store_stored_price(h->store, r->price, &out->price, e);
	if (rc == 0)
		rc = stored_price_amount(out->price, r->record.counts, r->record.requests,
					 &out->amount, e);
	if (rc == 0 && r->kind != USAGE_RECORD)
		rc = change_of(h->store, r->seq, &out->what, &out->why, &h->arena, e);
	if (rc == 0)
		rc = cards_each(h->store, r->price, take_card, out, e);
	return rc;
}

static int find_by_id(const struct explain_question *q, struct store *s, struct known_id *known,
		      struct err *e)
{
	int rc = store_find(s, text_of(q->id), known, e);
	if (rc == 0 && !known->first && q->customer) {
		struct buf own = { 0 };
		record_id_put_own(&own, text_of(q->customer), text_of(q->id));
		rc = store_find(s, (struct text){ own.p, own.n }, known, e);
		buf_release(&own);
	}
	return rc;
}

static int find_by_row(const struct explain_question *q, struct store *s, struct known_id *known,
		       struct err *e)
{
	struct usage_row row;
	int rc = store_row(s, q->row, &row, e);
	return rc == 0 ? store_find_row(s, row.of ? row.of : row.seq, known, e) : rc;
}

static int read_history(struct history *h, const struct explain_question *q, struct known_id *known,
			struct err *e)
{
	h->store = ledger_store(q->ledger);
	*known = (struct known_id){ 0 };
	int rc = (q->row ? find_by_row : find_by_id)(q, h->store, known, e);
	if (rc == 0 && known->first)
		rc = store_each_row_of(h->store, known->first, take, h, e);
	const bool others = q->customer && h->count &&
			    !text_is(h->row[0].record.text[FIELD_CUSTOMER], q->customer);
	if ((rc == 0 && (!known->first || others)) || rc == -ERR_NOT_FOUND)
		rc = q->row ? err_set(e, ERR_NOT_FOUND, "no record has the row %lld",
				      (long long)q->row)
			    : err_set(e, ERR_NOT_FOUND, "no record has the id '%s'", q->id);
	return rc;
}

int explain_report_put(struct json_out *j, const struct explain_question *q, struct err *e)
{
	struct history *h = mem_zalloc(sizeof *h);
	struct known_id known;
	int rc = read_history(h, q, &known, e);
	if (rc == 0) {
		json_out_object(j, NULL);
		json_out_string(j, "schema", "tally.explain/1");
		const struct text stored = h->row[0].record.text[FIELD_ID];
		json_out_text(j, "id",
			      q->customer ? record_id_as_sent(text_of(q->customer), stored)
					  : stored);
		json_out_string(j, "state",
				!known.current		       ? "voided"
				: known.current == known.first ? "as recorded"
							       : "corrected");
		json_out_array(j, "rows");
		for (size_t i = 0; rc == 0 && i < h->count; i++) {
			struct step s;
			rc = read_step(&s, q, h, i, e);
			if (rc == 0)
				json_row(j, &s);
		}
		json_out_end(j, ']');
		json_out_end(j, '}');
	}
	arena_release(&h->arena);
	free(h);
	return rc;
}

int explain_report_print(const struct explain_question *q, struct err *e)
{
	struct history *h = mem_zalloc(sizeof *h);
	struct known_id known;
	int rc = read_history(h, q, &known, e);
	for (size_t i = 0; rc == 0 && i < h->count; i++) {
		struct step s;
		rc = read_step(&s, q, h, i, e);
		if (rc != 0)
			break;
		printf("%s", i ? "\n" : "");
		print_row(&s, q->book);
		print_drawing(&s.drawing);
	}
	if (rc == 0 && h->more)
		printf("\nand %zu more rows\n", h->more);
	arena_release(&h->arena);
	free(h);
	return rc;
}
