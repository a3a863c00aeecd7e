#include "meter/billing/standing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "base/json.h"

static struct text keep(struct arena *a, struct text t)
{
	return (struct text){ arena_text(a, t.n ? t.p : "", t.n), t.n };
}

static bool is_of(const struct standing *s, struct instant from, struct instant to,
		  struct text currency)
{
	return s->from.us == from.us && s->to.us == to.us && text_eq(s->currency, currency);
}

const struct standing *standing_find(const struct standing_list *l, struct instant from,
				     struct instant to, struct text currency)
{
	for (size_t i = 0; i < l->count; i++)
		if (is_of(&l->period[i], from, to, currency))
			return &l->period[i];
	return NULL;
}

static struct standing *need_period(struct standing_list *l, struct instant from, struct instant to,
				    struct text currency)
{
	size_t at = l->count;
	for (size_t i = 0; i < l->count; i++)
		if (is_of(&l->period[i], from, to, currency))
			return &l->period[i];
	l->period = mem_grow(l->period, (l->count + 1) * sizeof *l->period);
	for (; at > 0 && l->period[at - 1].from.us > from.us; at--)
		l->period[at] = l->period[at - 1];
	l->count++;
	l->period[at] =
		(struct standing){ .from = from, .to = to, .currency = keep(&l->arena, currency) };
	return &l->period[at];
}

static struct money_total sum_of(const struct standing *s)
{
	struct money_total sum = { -s->credits.atto };
	for (size_t i = 0; i < s->lines; i++)
		sum.atto += s->line[i].amount.atto;
	for (size_t i = 0; i < s->taxes; i++)
		sum.atto += s->tax[i].amount.atto;
	return sum;
}

bool standing_counts(const struct standing *s)
{
	return s->number.n || sum_of(s).atto;
}

static int amount_at(json_value *v, const char *key, struct money_total *out, struct err *e)
{
	return amount_parse(out, json_string(json_member(v, key)), e);
}

static int add_tax(struct standing *s, json_value *t, struct err *e)
{
	struct money_total amount;
	struct decimal percent;
	struct text name = json_string(json_member(t, "name"));
	int rc = amount_at(t, "amount", &amount, e);
	if (rc == 0)
		rc = decimal_parse(&percent, json_string(json_member(t, "percent")), e);
	if (rc != 0)
		return rc;
	size_t k = 0;
	while (k < s->taxes &&
	       !(text_eq(s->tax[k].name, name) && decimal_cmp(s->tax[k].percent, percent) == 0))
		k++;
	if (k == TERMS_ITEMS_MAX)
		return err_set(e, ERR_RANGE, "a period has more than %d taxes", TERMS_ITEMS_MAX);
	if (k == s->taxes)
		s->tax[s->taxes++] = (struct invoice_tax){ name, percent, { 0 } };
	s->tax[k].amount.atto += amount.atto;
	return 0;
}

static int add_line(struct standing *s, json_value *v, struct err *e)
{
	static const char *const kinds[] = LINE_KIND_NAMES;
	struct text kind = json_string(json_member(v, "of"));
	struct decimal d;
	struct invoice_line l = { .description = json_string(json_member(v, "item")),
				  .provider = json_string(json_member(v, "provider")),
				  .project = json_string(json_member(v, "project")),
				  .model = json_string(json_member(v, "model")),
				  .bucket = json_string(json_member(v, "bucket")),
				  .unit_price = json_string(json_member(v, "unit_price")) };
	if (kind.n == 0)
		kind = json_string(json_member(v, "kind"));
	if (text_is(kind, "adjustment")) /* of documents that knew usage only */
		kind = TEXT("usage");
	while (l.kind < LINE_KINDS && !text_is(kind, kinds[l.kind]))
		l.kind++;
	if (l.kind == LINE_KINDS)
		return err_set(e, ERR_INVALID, "an invoice has a line of an unknown kind, '%.*s'",
			       (int)kind.n, kind.p);
	int rc = decimal_parse(&d, json_string(json_member(v, "quantity")), e);
	if (rc == 0)
		rc = quantity_from_decimal(&l.quantity, d, e);
	if (rc == 0)
		rc = amount_at(v, "exact", &l.exact, e);
	if (rc == 0)
		rc = amount_at(v, "amount", &l.amount, e);
	if (rc != 0)
		return rc;
	if ((s->lines & (s->lines - 1)) == 0)
		s->line = mem_grow(s->line, (s->lines ? s->lines * 2 : 16) * sizeof *s->line);
	s->line[s->lines++] = l;
	return 0;
}

static int quantity_at(json_value *v, const char *key, struct quantity *out, struct err *e)
{
	struct decimal d;
	int rc = decimal_parse(&d, json_string(json_member(v, key)), e);
	return rc == 0 ? quantity_from_decimal(out, d, e) : rc;
}

/* The first document about a period says its rates; later ones went by them. */
static int add_rate(struct standing *s, json_value *v, struct err *e)
{
	char text[INSTANT_TEXT_MAX];
	struct instant at;
	struct exchange_rate r = { .from = json_string(json_member(v, "from")),
				   .to = json_string(json_member(v, "to")),
				   .source = json_string(json_member(v, "source")) };
	for (size_t k = 0; k < s->rates; k++)
		if (text_eq(s->rate[k].from, r.from) && text_eq(s->rate[k].to, r.to))
			return 0;
	if (s->rates == INVOICE_RATES_MOST)
		return err_set(e, ERR_RANGE, "a period has more than %d rates", INVOICE_RATES_MOST);
	struct text day = json_string(json_member(v, "day"));
	snprintf(text, sizeof text, "%.*sT00:00:00Z", (int)(day.n < 10 ? day.n : 10),
		 day.n ? day.p : "");
	int rc = instant_parse(&at, text_of(text), e);
	if (rc == 0)
		rc = quantity_at(v, "multiply", &r.multiply, e);
	if (rc == 0)
		rc = quantity_at(v, "divide", &r.divide, e);
	r.day = rc == 0 ? floor_div(at.us, US_PER_DAY) : 0;
	if (rc == 0)
		s->rate[s->rates++] = r;
	return rc;
}

static int add_worth(struct standing *s, json_value *v, struct err *e)
{
	if (!v || s->worth.currency.n)
		return 0;
	s->worth.currency = json_string(json_member(v, "currency"));
	return decimal_parse(&s->worth.per, json_string(json_member(v, "credits")), e);
}

static int period_of(json_value *v, struct instant *from, struct instant *to, struct err *e)
{
	int rc = instant_parse(from, json_string(json_member(v, "from")), e);
	return rc == 0 ? instant_parse(to, json_string(json_member(v, "to")), e) : rc;
}

/* The n-th period of a document. */
static json_value *nth(json_value *list, json_value *which)
{
	struct decimal d;
	int64_t n = 0;
	json_value *v = json_first(list);
	if (which && decimal_parse(&d, json_number(which), NULL) == 0)
		decimal_to_int64(d, 0, &n);
	while (v && n-- > 0)
		v = json_next(v);
	return v;
}

static int add_document(struct standing_list *l, json_value *root, struct text number,
			struct text currency, struct err *e)
{
	json_value *periods = json_member(root, "periods");
	struct instant from, to;
	int rc = 0;
	/* its first period is the one whose own invoice it is, unless it is a part of that */
	bool main = json_string(json_member(root, "part")).n == 0;
	for (json_value *p = json_first(periods); rc == 0 && p; p = json_next(p), main = false) {
		struct money_total credits;
		rc = period_of(p, &from, &to, e);
		if (rc == 0)
			rc = amount_at(p, "credits_applied", &credits, e);
		if (rc != 0)
			break;
		struct standing *s = need_period(l, from, to, currency);
		s->credits.atto += credits.atto;
		for (json_value *t = json_first(json_member(p, "taxes")); rc == 0 && t;
		     t = json_next(t))
			rc = add_tax(s, t, e);
		for (json_value *t = json_first(json_member(p, "rates")); rc == 0 && t;
		     t = json_next(t))
			rc = add_rate(s, t, e);
		if (rc == 0)
			rc = add_worth(s, json_member(p, "credit_worth"), e);
		if (main) {
			struct buf terms = { 0 };
			json_put_value(&terms, json_member(p, "terms"));
			s->number = number;
			s->terms = keep(&l->arena, (struct text){ terms.p, terms.n });
			buf_release(&terms);
		}
	}
	for (json_value *v = json_first(json_member(root, "lines")); rc == 0 && v;
	     v = json_next(v)) {
		json_value *p = nth(periods, json_member(v, "period"));
		rc = p ? period_of(p, &from, &to, e)
		       : err_set(e, ERR_INVALID, "a line of an invoice names no period of it");
		if (rc == 0)
			rc = add_line(need_period(l, from, to, currency), v, e);
	}
	return rc;
}

/* Documents that do not name the periods of their lines: their own, or the corrected invoice's. */
static int add_old_document(struct standing_list *l, json_value *root, struct text number,
			    struct text currency, struct err *e)
{
	struct instant from, to;
	int rc = period_of(json_member(root, "period"), &from, &to, e);
	if (rc != 0)
		return rc;
	struct standing *own = need_period(l, from, to, currency);
	own->number = number;
	own->usage_only = true;
	for (json_value *v = json_first(json_member(root, "lines")); rc == 0 && v;
	     v = json_next(v)) {
		struct text kind = json_string(json_member(v, "kind")),
			    corrects = json_string(json_member(v, "corrects"));
		struct standing *s = need_period(l, from, to, currency);
		for (size_t i = 0; corrects.n && i < l->count; i++)
			if (text_eq(l->period[i].number, corrects))
				s = &l->period[i];
		if (text_is(kind, "usage") || text_is(kind, "adjustment"))
			rc = add_line(s, v, e);
	}
	return rc;
}

/* --- notes --- */

/* What the k-th period of a document was asked for. */
static int part_of(json_value *root, int64_t k, struct money_total *out, struct err *e)
{
	struct money_total amount;
	struct decimal d;
	json_value *p = json_first(json_member(root, "periods"));
	for (int64_t n = 0; p && n < k; n++)
		p = json_next(p);
	int rc = amount_at(p, "credits_applied", &amount, e);
	out->atto = -amount.atto;
	for (json_value *t = json_first(json_member(p, "taxes")); rc == 0 && t; t = json_next(t)) {
		rc = amount_at(t, "amount", &amount, e);
		out->atto += amount.atto;
	}
	for (json_value *v = json_first(json_member(root, "lines")); rc == 0 && v;
	     v = json_next(v)) {
		json_value *which = json_member(v, "period");
		int64_t n = 0;
		if (which && decimal_parse(&d, json_number(which), NULL) == 0)
			decimal_to_int64(d, 0, &n);
		if (n == k) {
			rc = amount_at(v, "amount", &amount, e);
			out->atto += amount.atto;
		}
	}
	return rc;
}

static int parts_of(struct standing_document *d, struct err *e)
{
	json_value *root = json_root(d->json);
	int rc = 0;
	for (json_value *p = json_first(json_member(root, "periods")); p; p = json_next(p))
		d->periods++;
	if (d->periods)
		d->left = mem_alloc(d->periods * sizeof *d->left);
	for (size_t k = 0; rc == 0 && k < d->periods; k++)
		rc = part_of(root, (int64_t)k, &d->left[k], e);
	return rc;
}

/* So much of a note is of a period, after what is of others. */
struct note_part {
	struct money_total before, part, whole;
	int places;
};

/* With its taxes in the note's ratio: those of all periods come to what the note has of each. */
static int note_period(struct standing *s, json_value *note, const struct note_part *p,
		       struct err *e)
{
	const struct money_total until = { p->before.atto + p->part.atto };
	int rc = 0;
	s->noted.atto += p->part.atto;
	const struct rounding to = { p->places, ROUND_HALF_UP };
	for (json_value *t = json_first(json_member(note, "taxes")); rc == 0 && t;
	     t = json_next(t)) {
		struct text name = json_string(json_member(t, "name"));
		struct decimal percent;
		struct money_total tax;
		size_t k = 0;
		rc = decimal_parse(&percent, json_string(json_member(t, "percent")), e);
		if (rc == 0)
			rc = amount_at(t, "amount", &tax, e);
		if (rc == 0)
			tax.atto = amount_ratio(tax, until, p->whole, to).atto -
				   amount_ratio(tax, p->before, p->whole, to).atto;
		while (rc == 0 && k < s->noted_taxes &&
		       !(text_eq(s->noted_tax[k].name, name) &&
			 decimal_cmp(s->noted_tax[k].percent, percent) == 0))
			k++;
		if (rc == 0 && k < TERMS_ITEMS_MAX) {
			if (k == s->noted_taxes)
				s->noted_tax[s->noted_taxes++] =
					(struct invoice_tax){ name, percent, { 0 } };
			s->noted_tax[k].amount.atto -= tax.atto; /* notes are negative */
		}
	}
	return rc;
}

/* A note credits what its invoice asks for other periods first, its own last. */
static int add_note(struct standing_list *l, struct standing_document *d, json_value *note,
		    struct err *e)
{
	json_value *root = json_root(d->json), *periods = json_member(root, "periods"),
		   *places = json_member(json_member(root, "rounding"), "places");
	struct money_total whole, rest;
	struct decimal x;
	int64_t decimals = 2;
	int rc = amount_at(note, "total", &whole, e);
	if (decimal_parse(&x, json_number(places), NULL) == 0)
		decimal_to_int64(x, 0, &decimals);
	whole.atto = -whole.atto;
	rest = whole;
	for (size_t k = d->periods; rc == 0 && rest.atto > 0 && k-- > 0;) {
		json_value *p = json_first(periods);
		struct instant from, to;
		struct money_total part = d->left[k].atto < rest.atto ? d->left[k] : rest;
		if (part.atto <= 0)
			continue;
		for (size_t n = 0; n < k; n++)
			p = json_next(p);
		rc = period_of(p, &from, &to, e);
		if (rc == 0)
			rc = note_period(
				need_period(l, from, to, d->currency), note,
				&(struct note_part){
					{ whole.atto - rest.atto }, part, whole, (int)decimals },
				e);
		d->left[k].atto -= part.atto;
		rest.atto -= part.atto;
	}
	return rc;
}

static const struct sql sql_invoice_notes = {
	.text = "SELECT i.number,n.document FROM invoice n JOIN invoice i ON i.id=n.corrects "
		"WHERE n.customer=:customer AND n.kind='note' AND n.status='final' ORDER BY n.id",
};

/* The texts of notes live as long as the list. */
static int read_notes(struct standing_list *l, struct store *s, struct text customer, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_invoice_notes, &q, e), more = 0;
	if (rc != 0)
		return rc;
	const size_t invoices = l->documents;
	db_bind_text(q, ":customer", customer);
	while (rc == 0 && (more = db_step(store_db(s), q, e)) == 1) {
		struct json_document *doc;
		const struct text number = db_text(q, 0);
		rc = json_open(&doc, db_text(q, 1), e);
		if (rc != 0)
			break;
		l->document = mem_grow(l->document, (l->documents + 1) * sizeof *l->document);
		l->document[l->documents++] = (struct standing_document){ .json = doc };
		for (size_t k = 0; rc == 0 && k < invoices; k++)
			if (text_eq(l->document[k].number, number) && l->document[k].periods)
				rc = add_note(l, &l->document[k], json_root(doc), e);
	}
	db_reset(q);
	return rc == 0 && more < 0 ? more : rc;
}

struct money_total standing_creditable(const struct standing_list *l, struct text number,
				       bool *known)
{
	struct money_total out = { 0 };
	*known = false;
	for (size_t i = 0; i < l->documents; i++) {
		const struct standing_document *d = &l->document[i];
		json_value *p = json_first(json_member(json_root(d->json), "periods"));
		if (!text_eq(d->number, number) || !d->periods)
			continue;
		*known = true;
		for (size_t k = 0; k < d->periods; k++, p = json_next(p)) {
			struct instant from, to;
			if (d->left[k].atto <= 0 || period_of(p, &from, &to, NULL) != 0)
				continue;
			const struct standing *s = standing_find(l, from, to, d->currency);
			const int128 stands = s ? sum_of(s).atto - s->noted.atto : 0;
			out.atto += stands <= 0		       ? 0
				    : stands < d->left[k].atto ? stands
							       : d->left[k].atto;
		}
	}
	return out;
}

static const struct sql sql_invoice_standing = {
	.text = "SELECT number,document,currency FROM invoice WHERE customer=:customer "
		"AND kind='invoice' AND status='final' ORDER BY period_from,id",
};

static int take_document(struct standing_list *l, struct text number, struct text document,
			 struct text currency, struct err *e)
{
	struct json_document *doc;
	int rc = json_open(&doc, document, e);
	if (rc != 0)
		return rc;
	l->document = mem_grow(l->document, (l->documents + 1) * sizeof *l->document);
	struct standing_document *d = &l->document[l->documents++];
	*d = (struct standing_document){ .json = doc, .number = number, .currency = currency };
	json_value *root = json_root(doc);
	if (!json_member(root, "periods"))
		return add_old_document(l, root, number, currency, e);
	rc = parts_of(d, e);
	return rc == 0 ? add_document(l, root, number, currency, e) : rc;
}

int standing_read(struct standing_list *out, struct store *s, struct text customer, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_invoice_standing, &q, e), more = 0;
	*out = (struct standing_list){ 0 };
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	while (rc == 0 && (more = db_step(store_db(s), q, e)) == 1) {
		struct text number = keep(&out->arena, db_text(q, 0)),
			    currency = keep(&out->arena, db_text(q, 2));
		rc = take_document(out, number, db_text(q, 1), currency, e);
		if (rc != 0)
			err_context(e, "invoice %.*s", (int)number.n, number.p);
	}
	db_reset(q);
	rc = rc == 0 && more < 0 ? more : rc;
	return rc == 0 ? read_notes(out, s, customer, e) : rc;
}

void standing_release(struct standing_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->period[i].line);
	for (size_t i = 0; i < l->documents; i++) {
		json_close(l->document[i].json);
		free(l->document[i].left);
	}
	free(l->document);
	free(l->period);
	arena_release(&l->arena);
}

/* --- the difference --- */

static void put_key(struct buf *key, const struct invoice_line *l, bool with_provider)
{
	const struct text part[] = { l->kind == LINE_USAGE ? TEXT("") : l->description,
				     with_provider ? l->provider : TEXT(""),
				     l->project,
				     l->model,
				     l->bucket,
				     l->unit_price };
	key->n = 0;
	buf_printf(key, "%d", (int)l->kind);
	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		buf_add(key, "", 1);
		buf_add(key, part[i].p ? part[i].p : "", part[i].n);
	}
}

/* How a line is called that the whole has no more. */
static struct text described(struct invoice *w, const struct invoice_line *l)
{
	struct buf b = { 0 };
	if (l->kind != LINE_USAGE)
		return keep(&w->arena, l->description);
	buf_add(&b, l->model.p, l->model.n);
	if (l->project.n)
		buf_printf(&b, ", %.*s", (int)l->project.n, l->project.p);
	struct text t = keep(&w->arena, (struct text){ b.p, b.n });
	buf_release(&b);
	return t;
}

static struct invoice_line *new_line(struct invoice *w, const struct invoice_line *like)
{
	if ((w->lines & (w->lines - 1)) == 0)
		w->line = mem_grow(w->line, (w->lines ? w->lines * 2 : 16) * sizeof *w->line);
	struct invoice_line *l = &w->line[w->lines++];
	*l = (struct invoice_line){ .kind = like->kind,
				    .description = described(w, like),
				    .provider = keep(&w->arena, like->provider),
				    .project = keep(&w->arena, like->project),
				    .model = keep(&w->arena, like->model),
				    .bucket = keep(&w->arena, like->bucket),
				    .unit_price = keep(&w->arena, like->unit_price) };
	return l;
}

static void subtract_taxes(struct invoice *w, const struct standing *s)
{
	for (size_t i = 0; i < s->taxes; i++) {
		size_t k = 0;
		while (k < w->taxes && !(text_eq(w->tax[k].name, s->tax[i].name) &&
					 decimal_cmp(w->tax[k].percent, s->tax[i].percent) == 0))
			k++;
		if (k == TERMS_ITEMS_MAX)
			continue;
		if (k == w->taxes)
			w->tax[w->taxes++] = (struct invoice_tax){ keep(&w->arena, s->tax[i].name),
								   s->tax[i].percent,
								   { 0 } };
		w->tax[k].amount.atto -= s->tax[i].amount.atto;
	}
}

int standing_subtract(struct invoice *w, const struct standing *s, struct err *e)
{
	struct dict index = { 0 };
	struct buf key = { 0 };
	size_t kept = 0;
	int rc = 0;
	for (size_t i = 0; i < w->lines; i++) {
		put_key(&key, &w->line[i], !s->usage_only);
		uint64_t *at = dict_need(&index, (struct text){ key.p, key.n }, NULL);
		*at = *at ? *at : i + 1;
	}
	for (size_t i = 0; rc == 0 && i < s->lines; i++) {
		const struct invoice_line *old = &s->line[i];
		put_key(&key, old, !s->usage_only);
		uint64_t *at = dict_need(&index, (struct text){ key.p, key.n }, NULL);
		if (!*at) {
			new_line(w, old);
			*at = w->lines;
		}
		struct invoice_line *l = &w->line[*at - 1];
		/* the tiers that a whole went through are not those of a difference */
		if (l->kind == LINE_METERED && !l->unit_price.n)
			l->why = TEXT("");
		if (__builtin_sub_overflow(l->quantity.nano, old->quantity.nano,
					   &l->quantity.nano) ||
		    __builtin_sub_overflow(l->exact.atto, old->exact.atto, &l->exact.atto) ||
		    __builtin_sub_overflow(l->amount.atto, old->amount.atto, &l->amount.atto))
			rc = err_set(e, ERR_RANGE, "a line is out of range");
	}
	for (size_t i = 0; i < w->lines; i++)
		if (w->line[i].quantity.nano || w->line[i].amount.atto)
			w->line[kept++] = w->line[i];
	w->lines = kept;
	/* of an older document only the difference in usage is taxed */
	if (!s->usage_only) {
		w->credits_applied.atto -= s->credits.atto;
		subtract_taxes(w, s);
	}
	dict_release(&index);
	buf_release(&key);
	return rc;
}
