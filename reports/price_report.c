#include "reports/price_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "pricing/regional.h"
#include "reports/amount.h"
#include "reports/disputes.h"
#include "reports/table.h"

static const enum bucket shown[] = { BUCKET_INPUT, BUCKET_CACHE_READ, BUCKET_CACHE_WRITE_5M,
				     BUCKET_CACHE_WRITE_1H, BUCKET_OUTPUT };
enum { SHOWN = sizeof shown / sizeof *shown };

static void put_rates(struct json_out *j, const char *key, const struct rates *r)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, key);
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (r->known >> b & 1)
			json_out_string(j, bucket_name((enum bucket)b),
					money_format(r->per_million[b], text));
	json_out_end(j, '}');
}

static void put_tariff(struct json_out *j, const struct tariff *t)
{
	json_out_object(j, NULL);
	json_out_string(j, "window", t->window);
	json_out_string(j, "calendar", t->calendar ? t->calendar->name : NULL);
	put_rates(j, "rates", &t->rates);
	json_out_array(j, "context");
	for (size_t i = 0; i < t->tier_count; i++) {
		json_out_object(j, NULL);
		json_out_int(j, "above", t->tier[i].above);
		json_out_bool(j, "inclusive", t->tier[i].inclusive);
		put_rates(j, "rates", &t->tier[i].rates);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

struct row {
	const struct price *price;
	const struct tariff *now; /* NULL: all windows are shown by the base */
	const char *asked;	  /* an alias by which it is known, or NULL */
};

/* What is taken in place of that price: at that instant, or where it does not hold then, when it
 * began. */
static const struct price *taken_instead(const struct price_question *q, const struct price *p)
{
	const bool holds = q->at.us >= p->from.us && q->at.us < p->to.us;
	return p->withdrawn ? NULL : book_over(q->book, p, holds ? q->at : p->from);
}

static void put_price(struct json_out *j, const struct price_question *q, const struct row *r)
{
	const struct price *p = r->price, *over = taken_instead(q, p);
	const struct tariff *now = r->now;
	json_out_object(j, NULL);
	json_out_string(j, "id", p->id);
	json_out_string(j, "provider", p->provider);
	json_out_string(j, "model", p->model);
	json_out_string(j, "currency", p->currency);
	json_out_string(j, "service_tier", p->service_tier);
	json_out_string(j, "region", p->region);
	json_out_string(j, "kind", p->kind);
	json_out_string(j, "status", p->withdrawn ? "withdrawn" : over ? "overridden" : "in force");
	if (over)
		json_out_string(j, "overridden_by", card_name(over->card));
	json_out_instant(j, "from", p->from);
	json_out_instant(j, "to", p->to);
	if (now)
		json_out_string(j, "window", now->window);
	if (r->asked)
		json_out_string(j, "asked", r->asked);
	put_rates(j, "rates", now ? &now->rates : &p->tariff[p->tariff_count - 1].rates);
	json_out_array(j, "tariffs");
	for (size_t i = 0; i < p->tariff_count; i++)
		put_tariff(j, &p->tariff[i]);
	json_out_end(j, ']');
	json_out_array(j, "fees");
	for (size_t i = 0; i < p->fee_count; i++) {
		char text[DECIMAL_TEXT_MAX];
		json_out_object(j, NULL);
		json_out_string(j, "unit", p->fee[i].unit);
		json_out_string(j, "amount", money_format(p->fee[i].amount, text));
		json_out_int(j, "per", p->fee[i].per);
		if (p->fee[i].unless)
			json_out_array(j, "unless");
		for (const char *const *u = p->fee[i].unless; u && *u; u++)
			json_out_string(j, NULL, *u);
		if (p->fee[i].unless)
			json_out_end(j, ']');
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_string(j, "source", p->source);
	json_out_string(j, "sure", p->sure);
	json_out_string(j, "grade", p->grade);
	if (p->old_seen.us != INSTANT_MIN.us)
		json_out_instant(j, "old_seen", p->old_seen);
	json_out_string(j, "doubt", p->doubt);
	if (p->needs)
		json_out_string(j, "needs", p->needs);
	json_out_string(j, "note", p->note);
	json_out_end(j, '}');
}

static int row_order(const void *x, const void *y)
{
	const struct price *a = ((const struct row *)x)->price, *b = ((const struct row *)y)->price;
	int c = strcmp(a->provider, b->provider);
	c = c ? c : strcmp(a->model, b->model);
	c = c ? c : strcmp(a->currency, b->currency);
	c = c ? c : strcmp(a->service_tier, b->service_tier);
	if (c == 0 && a->from.us != b->from.us)
		c = a->from.us < b->from.us ? -1 : 1;
	c = c ? c : a->withdrawn - b->withdrawn;
	return c ? c : b->promotion - a->promotion;
}

static void day_of(struct instant t, const char *open, char buf[INSTANT_TEXT_MAX])
{
	if (t.us == INSTANT_MIN.us || t.us == INSTANT_MAX.us) {
		strcpy(buf, open);
		return;
	}
	instant_format(t, buf);
	if (strcmp(buf + 10, "T00:00:00Z") == 0)
		buf[10] = 0;
}

enum price_table { PRICES_IN_FORCE, PRICES_OF_MODEL, PRICES_HISTORY };

/* What a row of the table is of, beside its vendor and model. */
struct price_row {
	const struct row *of;
	const char *window; /* and tier, region, size of the prompt */
	const struct rates *rates;
	size_t regions; /* the rows from `of` on that differ in their region only */
	bool first;	/* of its price: the others leave out what it says */
	const char *status;
	bool apart; /* not the list price that it looks like without its status */
};

static void put_price_row(struct table *t, const struct price_row *r)
{
	const struct price *p = r->of->price;
	char text[INSTANT_TEXT_MAX + DECIMAL_TEXT_MAX];
	table_cell(t, r->first ? p->provider : "");
	snprintf(text, sizeof text, "%.60s%s", r->of->asked ? r->of->asked : p->model,
		 r->of->asked ? " (alias)" : "");
	table_cell(t, r->first ? text : "");
	table_cell(t, p->currency);
	table_cell(t, r->window);
	for (size_t b = 0; b < SHOWN; b++)
		table_cell(t, r->rates->known >> shown[b] & 1
				      ? money_format(r->rates->per_million[shown[b]], text)
				      : "?");
	day_of(p->from, "always", text);
	table_cell(t, text);
	day_of(p->to, "-", text);
	table_cell(t, text);
	table_cell(t, r->first ? r->status : "");
	if (r->apart)
		table_noted(t, r->status);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *region_words(const struct price *p)
{
	if (!p->region)
		return "";
	return strcmp(p->region, REGION_ANY_OTHER) == 0 ? "other regions" : p->region;
}

/* A window's row, and one for each size of prompt that pays otherwise. */
static void put_tariff_rows(struct table *t, struct price_row *r, const struct tariff *w,
			    bool sizes)
{
	const struct price *p = r->of->price;
	const bool tier = strcmp(p->service_tier, "standard") != 0;
	struct buf b = { 0 };
	buf_printf(&b, "%s%s%s", w->window, tier ? " " : "", tier ? p->service_tier : "");
	for (size_t i = 0; i < r->regions && p->region; i++)
		buf_printf(&b, "%s%s", i ? ", " : " ", region_words(r->of[i].price));
	r->window = b.p;
	r->rates = &w->rates;
	put_price_row(t, r);
	r->first = false;
	for (size_t i = 0; sizes && i < w->tier_count; i++) {
		buf_cut(&b, 0);
		buf_printf(&b, "%s %s", w->tier[i].inclusive ? "from" : "above",
			   COUNTED(w->tier[i].above, ""));
		r->window = b.p;
		r->rates = &w->tier[i].rates;
		put_price_row(t, r);
	}
	buf_release(&b);
}

/* How many rows from this one on a rule made of one price with one factor, each of a region. */
static size_t regions_alike(const struct row *rows, size_t n)
{
	const struct price *a = rows->price;
	size_t i = 1;
	for (; a->rule && i < n; i++) {
		const struct price *b = rows[i].price;
		if (b->rule != a->rule || b->from.us != a->from.us ||
		    b->promotion != a->promotion || strcmp(b->service_tier, a->service_tier) != 0 ||
		    strcmp(b->model, a->model) != 0 || strcmp(b->currency, a->currency) != 0 ||
		    !same_text(rows[i].asked, rows->asked) ||
		    decimal_cmp(price_region_factor(b), price_region_factor(a)) != 0)
			break;
	}
	return i;
}

/* Whether it holds now, and what goes before it; text: room for that. */
static const char *status_of(const struct price_question *q, const struct price *p, bool history,
			     char text[200])
{
	const struct price *over = history ? taken_instead(q, p) : NULL;
	if (p->withdrawn)
		return "withdrawn, never used";
	if (over) {
		snprintf(text, 200, "%s, overridden by %.150s", p->kind, card_name(over->card));
		return text;
	}
	if (history && q->at.us >= p->from.us && q->at.us < p->to.us)
		return p->promotion ? "promotion, now" : "list, now";
	return p->kind;
}

static void put_price_table(const struct price_question *q, const struct row *rows, size_t n,
			    enum price_table kind)
{
	const bool history = kind != PRICES_IN_FORCE, dated = kind == PRICES_HISTORY;
	bool one_vendor = true, one_model = true;
	for (size_t i = 1; i < n; i++) {
		one_vendor &= strcmp(rows[i].price->provider, rows[0].price->provider) == 0;
		one_model &= strcmp(rows[i].price->model, rows[0].price->model) == 0;
	}
	/* what is the same in every row of a history makes room for prices */
	const struct table_column columns[] = {
		{ "VENDOR", .may_shrink = true, .leaves = dated ? (one_vendor ? 5 : 8) : 0 },
		{ "MODEL", .may_shrink = true, .leaves = dated && one_model ? 6 : 0 },
		/* what tells rows apart stays */
		{ "CUR" },
		{ "WINDOW", .may_shrink = true },
		{ "INPUT", .right = true },
		{ "CACHE READ", .right = true, .leaves = dated ? 7 : 6 },
		{ "WRITE 5M", .right = true, .leaves = 4 },
		{ "WRITE 1H", .right = true, .leaves = 1 },
		{ "OUTPUT", .right = true },
		/* a history is nothing without its dates */
		{ "FROM", .leaves = dated ? 0 : 5 },
		{ "TO", .leaves = 3 },
		{ "STATUS", .may_shrink = true, .leaves = 2 },
	};
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (size_t i = 0, regions; i < n; i += regions) {
		const struct price *p = rows[i].price;
		char text[200];
		regions = regions_alike(&rows[i], n - i);
		struct price_row r = { .of = &rows[i],
				       .regions = regions,
				       .first = true,
				       .status = status_of(q, p, history, text),
				       .apart = p->withdrawn || p->promotion ||
						(history && taken_instead(q, p)) };
		if (!history)
			put_tariff_rows(t, &r, rows[i].now, false);
		for (size_t k = p->tariff_count; history && k > 0; k--)
			put_tariff_rows(t, &r, &p->tariff[k - 1], true);
	}
	table_print(t);
	table_close(t);
}

static size_t in_force(const struct price_question *q, struct row **out)
{
	const struct book *book = q->book;
	const char *const currencies[] = { q->currency ? q->currency : "USD", "CNY" };
	struct row *rows = NULL;
	size_t n = 0;
	for (size_t i = 0; i < book_card_count(book); i++) {
		const struct card *c = book_card(book, i);
		rows = mem_grow(rows, (n + c->price_count + 1) * sizeof *rows);
		for (size_t k = 0; k < c->price_count; k++) {
			const struct price *p = &c->price[k];
			struct price_match m;
			struct price_query ask = { .provider = text_of(p->provider),
						   .model = text_of(p->model),
						   .service_tier = text_of(p->service_tier),
						   .region = text_of(p->region ? p->region : ""),
						   .currency = p->currency,
						   .at = q->at };
			if ((q->provider ? strcmp(q->provider, p->provider) != 0
					 : p->reseller && !q->resellers) ||
			    (q->model && !strcasestr(p->model, q->model)) ||
			    (q->currency && strcmp(q->currency, p->currency) != 0))
				continue;
			if (book_find(book, &ask, &m, NULL) == 0 && m.price == p)
				rows[n++] = (struct row){ p, m.tariff, NULL };
		}
		rows = mem_grow(rows, (n + 2 * c->alias_count + 1) * sizeof *rows);
		for (size_t k = 0; k < 2 * c->alias_count; k++) {
			const struct alias *a = &c->alias[k / 2];
			struct price_match m;
			struct price_query ask = { .provider = text_of(a->provider),
						   .model = text_of(a->alias),
						   .currency = currencies[k % 2],
						   .at = q->at };
			if ((q->provider ? strcmp(q->provider, a->provider) != 0
					 : c->reseller && !q->resellers) ||
			    !q->model || !strcasestr(a->alias, q->model) || (q->currency && k % 2))
				continue;
			if (book_find(book, &ask, &m, NULL) == 0 && m.alias)
				rows[n++] = (struct row){ m.price, m.tariff, a->alias };
		}
	}
	if (n)
		qsort(rows, n, sizeof *rows, row_order);
	*out = rows;
	return n;
}

/* Days since the prices were checked. */
static int64_t age_of(const struct price_question *q)
{
	struct civil day;
	if (civil_parse(&day, text_of(book_released(q->book)), NULL) != 0)
		return 0;
	return floor_div(q->now.us, US_PER_DAY) - civil_to_day(day);
}

void price_list_put(struct json_out *j, const struct price_question *q)
{
	struct row *rows;
	const size_t n = in_force(q, &rows);
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.price-list/1");
	json_out_instant(j, "at", q->at);
	json_out_string(j, "released", book_released(q->book));
	json_out_int(j, "age_days", age_of(q));
	json_out_array(j, "prices");
	for (size_t i = 0; i < n; i++)
		put_price(j, q, &rows[i]);
	json_out_end(j, ']');
	json_out_end(j, '}');
	free(rows);
}

int price_list_print(const struct price_question *q, struct err *e)
{
	struct row *rows;
	const size_t n = in_force(q, &rows);
	char text[INSTANT_TEXT_MAX], days[COUNT_WORDS_MAX];
	if (n)
		put_price_table(q, rows, n, PRICES_IN_FORCE);
	if (n && !q->quiet)
		print_note(
			"\nper million tokens, in force at %s; ? = no stated price, which is not a "
			"price of zero",
			instant_format(q->at, text));
	if (n && !q->quiet)
		print_note("prices of %s, %s old", book_released(q->book),
			   count_words(days, age_of(q), "day"));
	free(rows);
	return n ? 0
		 : err_set(e, ERR_NOT_FOUND, "no price in force matches%s%s", q->model ? " " : "",
			   q->model ? q->model : "");
}

/* All prices of a model, by its name or an alias; also other vendors' of the same name. */
static size_t prices_of(const struct book *book, const char *model, const char *provider,
			const char *currency, struct row **out)
{
	size_t n = 0;
	struct row *rows = NULL;
	for (size_t i = 0; i < book_card_count(book); i++) {
		const struct card *c = book_card(book, i);
		rows = mem_grow(rows, (n + c->price_count + 1) * sizeof *rows);
		for (size_t k = 0; k < c->price_count; k++) {
			const struct price *p = &c->price[k];
			if (strcasecmp(p->model, model) == 0 &&
			    (!provider || strcmp(p->provider, provider) == 0) &&
			    (!currency || strcmp(p->currency, currency) == 0))
				rows[n++] = (struct row){ p, NULL, NULL };
		}
	}
	if (n)
		qsort(rows, n, sizeof *rows, row_order);
	*out = rows;
	return n;
}

static const struct alias *alias_of(const struct book *book, const char *name, size_t skip)
{
	for (size_t i = 0; i < book_card_count(book); i++)
		for (size_t k = 0; k < book_card(book, i)->alias_count; k++)
			if (strcasecmp(book_card(book, i)->alias[k].alias, name) == 0 &&
			    skip-- == 0)
				return &book_card(book, i)->alias[k];
	return NULL;
}

static void put_alias_text(const struct alias *a)
{
	char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX];
	day_of(a->from, "always", from);
	day_of(a->to, "further notice", to);
	char when[2 * INSTANT_TEXT_MAX + 8];
	snprintf(when, sizeof when, "%s to %s", from, to);
	print_note("alias    %s (%s) means %s%s%s, %s%s%s", a->alias, a->provider, a->model,
		   a->mode ? " " : "", a->mode ? a->mode : "",
		   a->from.us == INSTANT_MIN.us && a->to.us == INSTANT_MAX.us ? "at all times"
									      : when,
		   a->note ? "; " : "", a->note ? a->note : "");
}

/* Whether that dispute is about one of the prices shown. */
static bool is_about(const struct dispute *d, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct price *p = rows[i].price;
		if (strcmp(d->model, p->model) == 0 &&
		    (!d->provider || strcmp(d->provider, p->provider) == 0) &&
		    d->from.us < p->to.us && p->from.us < d->to.us)
			return true;
	}
	return false;
}

/* The next dispute about the prices shown, of those that hold then (history: ever); *card and *k
 * move on. */
static const struct dispute *next_dispute(const struct book *book, const struct row *rows, size_t n,
					  const struct instant *then, size_t *card, size_t *k)
{
	for (; *card < book_card_count(book); ++*card, *k = 0) {
		const struct card *c = book_card(book, *card);
		while (*k < c->dispute_count) {
			const struct dispute *d = &c->dispute[(*k)++];
			if (is_about(d, rows, n) &&
			    (!then || (then->us >= d->from.us && then->us < d->to.us)))
				return d;
		}
	}
	return NULL;
}

static void put_limit(const struct model_limits *l)
{
	struct buf b = { 0 };
	put_count(&b, l->context_tokens);
	printf("limit    context of %s tokens (%s)\n", b.p, l->provider);
	buf_release(&b);
}

static bool is_shown(const struct row *rows, size_t n, const char *provider)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].price->provider, provider) == 0)
			return true;
	return false;
}

/* Aliases of the name and to it, and limits, of the vendors that are shown. */
static void put_model_facts(const struct book *book, const struct row *rows, size_t n)
{
	const char *model = rows[0].price->model;
	for (size_t i = 0; i < book_card_count(book); i++) {
		const struct card *c = book_card(book, i);
		for (size_t k = 0; k < c->alias_count; k++)
			if ((strcmp(c->alias[k].model, model) == 0 ||
			     strcmp(c->alias[k].alias, model) == 0) &&
			    is_shown(rows, n, c->alias[k].provider))
				put_alias_text(&c->alias[k]);
		for (size_t k = 0; k < c->limits_count; k++)
			if (strcmp(c->limits[k].model, model) == 0 && c->limits[k].context_tokens &&
			    is_shown(rows, n, c->limits[k].provider))
				put_limit(&c->limits[k]);
	}
}

/* When the windows of the prices that hold open and close next. */
static void put_windows(const struct row *rows, size_t n, struct instant at)
{
	char text[INSTANT_TEXT_MAX];
	for (size_t i = 0; i < n; i++) {
		const struct price *p = rows[i].price;
		if (p->withdrawn || at.us < p->from.us || at.us >= p->to.us)
			continue;
		for (size_t w = 0; w + 1 < p->tariff_count; w++) {
			const struct calendar *c = p->tariff[w].calendar;
			const struct instant change = calendar_next_change(c, at);
			if (change.us != INSTANT_MAX.us)
				print_note("window   %s %s; next change at %s (%s)",
					   p->tariff[w].window,
					   calendar_contains(c, at) ? "holds now"
								    : "does not hold now",
					   instant_format(change, text), p->currency);
		}
	}
}

/* What the table has no column for: rarer tokens, and fees. */
static void list_rest(const struct price *p, struct buf *out)
{
	const struct rates *r = &p->tariff[p->tariff_count - 1].rates;
	char text[DECIMAL_TEXT_MAX];
	uint32_t rest = r->known;
	for (size_t i = 0; i < SHOWN; i++)
		rest &= ~(1u << shown[i]);
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (rest >> b & 1)
			buf_printf(out, "%s%s %s", out->n ? ", " : "", bucket_name((enum bucket)b),
				   money_format(r->per_million[b], text));
	for (size_t i = 0; i < p->fee_count; i++) {
		buf_printf(out, "%s%s %s", out->n ? ", " : "", p->fee[i].unit,
			   money_format(p->fee[i].amount, text));
		if (p->fee[i].per == 1)
			buf_puts(out, " each");
		else
			buf_printf(out, " per %s", COUNTED(p->fee[i].per, ""));
		if (p->fee[i].unless)
			buf_puts(out, " at least");
	}
}

/* The standard price beside which that one is a service tier or a region. */
static const struct price *standard_of(const struct row *rows, size_t n, const struct price *p)
{
	for (size_t i = 0; i < n; i++) {
		const struct price *s = rows[i].price;
		if (strcmp(s->service_tier, "standard") == 0 && !s->region &&
		    strcmp(s->provider, p->provider) == 0 &&
		    strcmp(s->currency, p->currency) == 0 && s->from.us == p->from.us)
			return s;
	}
	return p;
}

/* What service tiers and regions have as well is told once. */
static void put_rest(const struct row *rows, size_t n)
{
	struct buf standard = { 0 }, own = { 0 };
	for (size_t i = 0; i < n; i++) {
		const struct price *p = rows[i].price, *base = standard_of(rows, n, p);
		buf_cut(&standard, 0);
		buf_cut(&own, 0);
		list_rest(base, &standard);
		list_rest(p, &own);
		if (own.n == 0 || (p != base && text_eq((struct text){ own.p, own.n },
							(struct text){ standard.p, standard.n })))
			continue;
		print_note("besides  %s%s%s%s%s: %s", p->provider, p == base ? "" : " ",
			   p == base ? "" : p->service_tier, p == base || !p->region ? "" : " ",
			   p == base ? "" : region_words(p), own.p);
	}
	buf_release(&standard);
	buf_release(&own);
}

/* Whether what is said of where a price is from was said of the one before it: they are service
 * tiers and regions of one. */
static bool said_already(const struct row *rows, size_t i)
{
	const struct price *p = rows[i].price, *before = i ? rows[i - 1].price : NULL;
	return before && strcmp(p->provider, before->provider) == 0 &&
	       p->from.us == before->from.us && p->old_seen.us == before->old_seen.us &&
	       same_text(p->currency, before->currency) && same_text(p->source, before->source) &&
	       same_text(p->sure, before->sure) && same_text(p->note, before->note);
}

static bool doubted_already(const struct row *rows, size_t i)
{
	const struct price *p = rows[i].price;
	for (size_t k = 0; k < i; k++)
		if (same_text(rows[k].price->doubt, p->doubt) &&
		    strcmp(rows[k].price->provider, p->provider) == 0 &&
		    rows[k].price->from.us == p->from.us)
			return true;
	return false;
}

static void put_sources(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct price *p = rows[i].price;
		const bool said = said_already(rows, i);
		char from[INSTANT_TEXT_MAX], seen[INSTANT_TEXT_MAX];
		day_of(p->from, "always", from);
		if (!said)
			print_note("source   %s %s %s: %s (%s)%s%s", p->provider, from, p->currency,
				   p->source, p->sure, p->note ? "; " : "", p->note ? p->note : "");
		if (!said && p->old_seen.us != INSTANT_MIN.us) {
			day_of(p->old_seen, "", seen);
			print_note(
				"bounded  the price before was last seen on %s, this one first on %s",
				seen, from);
		}
		if (p->doubt && !doubted_already(rows, i))
			print_note("doubt    %s %s: %s", p->provider, from, p->doubt);
		if (p->needs)
			print_note(
				"unpriced %s %s: calls that do not count %s, which is billed for "
				"each",
				p->provider, from, p->needs);
	}
}

/* What first parties sell under that name at an instant, where it is an alias there. */
static void add_targets(const struct price_question *q, struct row **rows, size_t *n)
{
	for (size_t i = 0; i < book_card_count(q->book); i++) {
		const struct card *c = book_card(q->book, i);
		for (size_t k = 0; !c->reseller && k < c->alias_count; k++) {
			const struct alias *a = &c->alias[k];
			struct row *more;
			if (strcasecmp(a->alias, q->model) != 0 || q->at.us < a->from.us ||
			    q->at.us >= a->to.us ||
			    (q->provider && strcmp(q->provider, a->provider) != 0))
				continue;
			const size_t count =
				prices_of(q->book, a->model, a->provider, q->currency, &more);
			*rows = mem_grow(*rows, (*n + count + 1) * sizeof **rows);
			if (count)
				memcpy(*rows + *n, more, count * sizeof *more);
			*n += count;
			free(more);
		}
	}
	if (*n)
		qsort(*rows, *n, sizeof **rows, row_order);
}

/* The prices of a model: those that hold, or all that ever did. */
static int find_rows(const struct price_question *q, struct row **out, size_t *count, struct err *e)
{
	const struct book *book = q->book;
	const struct instant at = q->at;
	const char *model = q->model, *provider = q->provider, *currency = q->currency;
	struct row *rows;
	int rc = 0;
	size_t n = prices_of(book, model, provider, currency, &rows);
	const struct alias *alias = alias_of(book, model, 0);
	if (n == 0 && alias) {
		free(rows);
		n = prices_of(book, alias->model, provider ? provider : alias->provider, currency,
			      &rows);
	}
	if (!q->history) {
		size_t kept = 0;
		if (n)
			add_targets(q, &rows, &n);
		for (size_t i = 0; i < n; i++)
			if (!rows[i].price->withdrawn && at.us >= rows[i].price->from.us &&
			    at.us < rows[i].price->to.us)
				rows[kept++] = rows[i];
		if (kept == 0 && alias) {
			free(rows);
			struct price_query ask = { .model = text_of(model),
						   .provider = text_of(alias->provider),
						   .currency = "USD",
						   .at = at };
			struct price_match m;
			rows = mem_alloc(sizeof *rows);
			if (book_find(book, &ask, &m, e) == 0)
				rows[kept++] = (struct row){ m.price, NULL, NULL };
			else
				rc = -(int)e->code;
		}
		n = kept;
	}
	if (rc == 0 && n == 0) {
		struct price_query ask = { .model = text_of(model),
					   .provider = text_of(provider ? provider : ""),
					   .currency = currency ? currency : "USD",
					   .at = at };
		struct price_match m;
		rc = book_find(book, &ask, &m, e);
		if (rc == 0 && m.price->of_spelling && !q->history) {
			rows = mem_grow(rows, sizeof *rows);
			rows[n++] = (struct row){ m.price, NULL, NULL };
		} else if (rc == 0 && strcmp(m.price->model, model) != 0) {
			/* another spelling of it */
			struct price_question spelled = *q;
			spelled.model = m.price->model;
			spelled.provider = m.price->provider;
			free(rows);
			return find_rows(&spelled, out, count, e);
		}
		if (rc == 0 && n == 0)
			rc = err_set(e, ERR_NOT_FOUND, "no price of '%s' matches", model);
	}
	*out = rows;
	*count = n;
	return rc;
}

int price_history_put(struct json_out *j, const struct price_question *q, struct err *e)
{
	struct row *rows;
	size_t n;
	int rc = find_rows(q, &rows, &n, e);
	if (rc == 0) {
		json_out_object(j, NULL);
		json_out_string(j, "schema",
				q->history ? "tally.price-history/1" : "tally.price-show/1");
		json_out_string(j, "model", q->model);
		json_out_instant(j, "at", q->at);
		json_out_array(j, "prices");
		for (size_t i = 0; i < n; i++)
			put_price(j, q, &rows[i]);
		json_out_end(j, ']');
		json_out_array(j, "aliases");
		const struct alias *a;
		for (size_t i = 0; (a = alias_of(q->book, q->model, i)); i++) {
			json_out_object(j, NULL);
			json_out_string(j, "alias", a->alias);
			json_out_string(j, "provider", a->provider);
			json_out_string(j, "model", a->model);
			json_out_string(j, "mode", a->mode);
			json_out_instant(j, "from", a->from);
			json_out_instant(j, "to", a->to);
			json_out_end(j, '}');
		}
		json_out_end(j, ']');
		json_out_array(j, "disputes");
		size_t card = 0, k = 0;
		const struct dispute *d;
		while ((d = next_dispute(q->book, rows, n, q->history ? NULL : &q->at, &card,
					 &k))) {
			json_out_object(j, NULL);
			json_out_string(j, "about", d->about);
			json_out_string(j, "says", d->says);
			json_out_instant(j, "from", d->from);
			json_out_instant(j, "to", d->to);
			json_out_end(j, '}');
		}
		json_out_end(j, ']');
		json_out_end(j, '}');
	}
	free(rows);
	return rc;
}

int price_history_print(const struct price_question *q, struct err *e)
{
	struct row *rows;
	size_t n;
	int rc = find_rows(q, &rows, &n, e);
	if (rc == 0) {
		put_price_table(q, rows, n, q->history ? PRICES_HISTORY : PRICES_OF_MODEL);
		if (!q->quiet) {
			printf("\n");
			put_model_facts(q->book, rows, n);
			put_windows(rows, n, q->at);
			put_rest(rows, n);
			size_t card = 0, k = 0;
			struct disputes disputes = { 0 };
			const struct dispute *d;
			while ((d = next_dispute(q->book, rows, n, q->history ? NULL : &q->at,
						 &card, &k)))
				disputes_add(&disputes, d);
			for (size_t i = 0; i < disputes.count; i++)
				print_note("dispute  %s", disputes_line(&disputes, i));
			disputes_release(&disputes);
			put_sources(rows, n);
		}
	}
	free(rows);
	return rc;
}

/* --- the week --- */

struct week {
	const struct price_question *q;
	struct instant from, to;
	struct segment {
		struct instant from, to;
		struct price_match match;
		bool priced;
	} * segment;
	size_t count;
};

/* What holds from when to when; where nothing does, that is told. */
static int read_week(struct week *w, struct err *e)
{
	enum { SEGMENTS_MOST = 1000 };
	struct price_query ask = { .provider = text_of(w->q->provider ? w->q->provider : ""),
				   .model = text_of(w->q->model),
				   .currency = w->q->currency ? w->q->currency : "USD",
				   .at = w->from };
	while (ask.at.us < w->to.us) {
		struct segment s = { .from = ask.at };
		struct err why;
		int rc = book_find(w->q->book, &ask, &s.match, &why);
		s.priced = rc == 0;
		if (rc != 0 && why.code != ERR_UNPRICED && why.code != ERR_RETIRED) {
			*e = why;
			return rc;
		}
		s.to = s.match.until.us < w->to.us ? s.match.until : w->to;
		if (s.to.us <= s.from.us || w->count == SEGMENTS_MOST)
			return err_set(e, ERR_RANGE, "the prices of a week change too often");
		struct segment *last = w->count ? &w->segment[w->count - 1] : NULL;
		if (last && last->priced == s.priced &&
		    (!s.priced || (last->match.price == s.match.price &&
				   last->match.tariff == s.match.tariff))) {
			last->to = s.to;
		} else {
			w->segment = mem_grow(w->segment, (w->count + 1) * sizeof *w->segment);
			w->segment[w->count++] = s;
		}
		ask.at = s.to;
	}
	return 0;
}

static void put_segments(struct json_out *j, const struct week *w)
{
	json_out_array(j, "segments");
	for (size_t i = 0; i < w->count; i++) {
		const struct segment *s = &w->segment[i];
		json_out_object(j, NULL);
		json_out_instant(j, "from", s->from);
		json_out_instant(j, "until", s->to);
		json_out_string(j, "window", s->priced ? s->match.tariff->window : NULL);
		json_out_string(j, "price", s->priced ? s->match.price->id : NULL);
		if (s->priced)
			put_rates(j, "rates", &s->match.tariff->rates);
		json_out_bool(j, "guess", s->priced && s->match.guess);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

/* The segment that holds at the beginning of each hour, day by day. */
static void put_hours(struct json_out *j, const struct week *w, const struct zone *z)
{
	const int64_t first = zone_day(z, w->from);
	size_t k = 0;
	json_out_array(j, "days");
	for (int64_t day = first; day < first + 7; day++) {
		const int64_t end = zone_midnight(z, day + 1).us;
		char date[DAY_TEXT_MAX];
		json_out_object(j, NULL);
		json_out_string(j, "date", day_format(day, date));
		json_out_array(j, "hours");
		for (int64_t t = zone_midnight(z, day).us; t < end; t += US_PER_HOUR) {
			while (k + 1 < w->count && w->segment[k].to.us <= t)
				k++;
			json_out_int(j, NULL, (int64_t)k);
		}
		json_out_end(j, ']');
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

int price_week_put(struct json_out *j, const struct price_question *q, const struct zone *z,
		   const char *timezone, struct err *e)
{
	const int64_t day = zone_day(z, q->at), monday = day - weekday_of_day(day);
	struct week w = { .q = q,
			  .from = zone_midnight(z, monday),
			  .to = zone_midnight(z, monday + 7) };
	int rc = read_week(&w, e);
	if (rc == 0) {
		json_out_object(j, NULL);
		json_out_string(j, "schema", "tally.price-week/1");
		json_out_string(j, "model", q->model);
		json_out_string(j, "currency", q->currency ? q->currency : "USD");
		json_out_string(j, "timezone", timezone);
		json_out_instant(j, "from", w.from);
		json_out_instant(j, "until", w.to);
		put_segments(j, &w);
		put_hours(j, &w, z);
		json_out_end(j, '}');
	}
	free(w.segment);
	return rc;
}
