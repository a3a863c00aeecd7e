#include "meter/billing/bill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/unpack.h"
#include "meter/billing/bill_parts.h"
#include "meter/billing/terms.h"
#include "meter/billing/tiers.h"
#include "meter/read/item_parts.h"
#include "meter/read/item_words.h"

enum { BILL_BYTES_MAX = 256 << 20 };

const char *bill_kind_name(enum bill_kind k)
{
	static const char *const names[] = { "usage",	   "tax", "credit",	  "refund",
					     "adjustment", "fee", "other service" };
	return names[k];
}

struct found {
	int64_t day, end;
	struct text model, project, tier, tokens, unit;
	enum bill_kind kind;
};

static struct text kept(struct bill *b, struct text s)
{
	return (struct text){ arena_text(&b->arena, s.n ? s.p : "", s.n), s.n };
}

/* --- what counts once --- */

/* Two files of one kind that both state a day and model are a bill given twice; where a bill comes
 * in parts, only the same row is. */
static int check_file(struct bill_reader *r, struct text key, const struct found *f,
		      const struct bill_row *row, struct err *e)
{
	struct buf b = { 0 };
	const bool parts = r->format->parts;
	buf_puts(&b, r->format->shape);
	buf_puts(&b, " ");
	buf_add(&b, parts ? row->whole.p : key.p, parts ? row->whole.n : key.n);
	uint64_t *at = dict_need(parts ? &r->rows : &r->seen, (struct text){ b.p, b.n }, NULL);
	buf_release(&b);
	if (!*at)
		*at = r->file;
	return *at == r->file
		       ? 0
		       : err_set(e, ERR_INVALID,
				 "%s'%.*s' of this day is also in an earlier file: the same bill "
				 "twice? Give only one",
				 parts ? "the same row of " : "", (int)f->model.n,
				 f->model.n ? f->model.p : "");
}

/* File and line of the row at work, or file and item. */
static struct text place_of(struct bill_reader *r)
{
	struct buf b = { 0 };
	buf_puts(&b, r->name);
	if (r->line)
		buf_printf(&b, ":%lld", (long long)r->line);
	if (*r->item)
		buf_printf(&b, ": %s", r->item);
	const struct text place = kept(r->bill, (struct text){ b.p, b.n });
	buf_release(&b);
	return place;
}

/* A row that was there already may be another like it; where each one is, the file was joined to
 * itself. */
static void count_row(struct bill_reader *r, struct text whole)
{
	uint8_t digest[DIGEST_BYTES];
	if (!whole.n || digest_sha256(digest, whole, NULL) != 0)
		return;
	uint64_t *n = dict_need(&r->same, (struct text){ (const char *)digest, 16 }, NULL);
	r->different += *n == 0;
	r->repeated += *n == 1;
	++*n;
}

static int check_repeated(const struct bill_reader *r, struct err *e)
{
	if (r->different < 2 || r->repeated < r->different)
		return 0;
	return err_set(
		e, ERR_INVALID,
		"every row of '%s' occurs twice: was the bill joined to itself? Give it once",
		r->name);
}

/* What divides the lines of a day and model. */
static void add_parts(struct buf *key, const struct found *f)
{
	const struct text part[] = { f->tier, f->tokens, f->unit };
	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		buf_printf(key, "\n%.*s", (int)part[i].n, part[i].n ? part[i].p : "");
}

static int line_of(struct bill_reader *r, const struct found *f, const struct bill_row *row,
		   struct bill_line **out, struct err *e)
{
	struct bill *b = r->bill;
	struct buf key = { 0 };
	buf_int(&key, f->day);
	buf_puts(&key, " ");
	buf_int(&key, f->end);
	buf_printf(&key, " %d %.*s\n", (int)f->kind, (int)f->model.n, f->model.n ? f->model.p : "");
	buf_add(&key, f->project.p, f->project.n);
	int rc = check_file(r, (struct text){ key.p, key.n }, f, row, e);
	add_parts(&key, f);
	uint64_t *at = dict_need(&r->index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((b->lines & (b->lines - 1)) == 0)
			b->line =
				mem_grow(b->line, (b->lines ? b->lines * 2 : 64) * sizeof *b->line);
		b->line[b->lines] = (struct bill_line){ .day = f->day,
							.end = f->end,
							.kind = f->kind,
							.model = kept(b, f->model),
							.order = b->lines,
							.place = place_of(r),
							.tier = kept(b, f->tier),
							.tokens = kept(b, f->tokens),
							.unit = kept(b, f->unit),
							.project = kept(b, f->project) };
		*at = ++b->lines;
	}
	*out = &b->line[*at - 1];
	return rc;
}

/* --- money --- */

static int money_of(struct bill_reader *r, struct text amount, struct money_total *m, struct err *e)
{
	struct decimal d;
	bool changed;
	int places;
	const int shift = r->format->minor ? r->minor : r->format->places;
	int rc = loose_number(&d, &places, amount, r->comma_decimals, e);
	if (rc != 0)
		return err_context(e, "the amount");
	if (places + shift > r->bill->places)
		r->bill->places = places + shift;
	d = decimal_round_places(decimal_shift(d, -shift), MONEY_TOTAL_PLACES, &changed);
	return amount_from_decimal(m, d, e);
}

static int add_money(struct money_total *to, struct money_total m, struct err *e)
{
	return money_total_add(to, m) ? 0 : err_set(e, ERR_RANGE, "the costs are out of range");
}

static int add_cost(struct bill_reader *r, struct bill_line *l, struct text amount, struct err *e)
{
	struct money_total m;
	int rc = money_of(r, amount, &m, e);
	if (rc == 0)
		rc = add_money(&l->cost, m, e);
	l->has_cost = true;
	l->rows++;
	if (r->format->majority) {
		r->charges += rc == 0 && m.atto > 0;
		r->deductions += rc == 0 && m.atto < 0;
	}
	return rc;
}

/* What the same would cost at list prices, beside what was charged. */
static int add_list(struct bill_reader *r, struct bill_line *l, struct text amount, struct err *e)
{
	struct money_total m;
	const int places = r->bill->places;
	if (money_of(r, amount, &m, NULL) != 0)
		return 0;	  /* "N/A" */
	r->bill->places = places; /* of the costs only */
	l->has_list = true;
	return add_money(&l->list, m, e);
}

/* "cost_usd", "Total (EUR)": the currency that the name of a column ends with. */
static struct text currency_in_name(struct text name, char room[4])
{
	size_t n = name.n;
	while (n && (name.p[n - 1] == ')' || name.p[n - 1] == ']' || name.p[n - 1] == ' '))
		n--;
	loose_currency(room, name);
	if (n >= 4 && strchr(" _(-[./", name.p[n - 4]) &&
	    loose_is_currency((struct text){ name.p + n - 3, 3 })) {
		for (int i = 0; i < 3; i++)
			room[i] = (char)(name.p[n - 3 + i] & ~32);
		room[3] = 0;
	}
	return loose_is_currency(text_of(room)) ? text_of(room) : TEXT("");
}

/* A column says it, the amount itself, the name of its column, or the vendor has but one. */
static int take_currency(struct bill_reader *r, const struct bill_row *row, struct err *e)
{
	char upper[16], room[4];
	struct text currency = row->value[ROLE_CURRENCY];
	bool several = false; /* "¥6" */
	if (currency.n && loose_currency_code(room, currency) && *room)
		currency = text_of(room);
	if (!currency.n) {
		several = loose_currency(room, row->value[ROLE_COST]) && !*room;
		currency = text_of(room);
	}
	if (!currency.n)
		currency = currency_in_name(row->cost_name, room);
	if (!currency.n && r->format->currency)
		currency = text_of(r->format->currency);
	if (!currency.n && several)
		r->bill->unclear = "its amounts have the sign of several currencies";
	size_t n = currency.n < 15 ? currency.n : 15;
	for (size_t i = 0; i < n; i++)
		upper[i] = currency.p[i] >= 'a' && currency.p[i] <= 'z'
				   ? (char)(currency.p[i] - 'a' + 'A')
				   : currency.p[i];
	upper[n] = 0;
	if (n && !*r->bill->currency)
		memcpy(r->bill->currency, upper, n + 1);
	if (n && strcmp(r->bill->currency, upper) != 0)
		return err_set(e, ERR_INVALID, "the bill is in %s and in %s", r->bill->currency,
			       upper);
	return 0;
}

/* [{"name":..,"amount":-0.1},..]: what was taken off; the cost of the row is what is left. */
static int add_credits(struct bill_reader *r, struct bill_line *l, struct text credits,
		       struct err *e)
{
	struct json_document *doc;
	struct money_total m;
	int rc = json_open(&doc, credits, e);
	if (rc != 0)
		return err_context(e, "the credits");
	for (json_value *v = json_first(json_root(doc)); rc == 0 && v; v = json_next(v)) {
		rc = money_of(r, json_number_or_string(json_member(v, "amount")), &m, e);
		if (rc == 0)
			rc = add_money(&l->cost, m, e);
	}
	json_close(doc);
	return rc;
}

/* --- days --- */

static void set_month(struct found *f, struct civil c)
{
	c.day = 1;
	f->day = civil_to_day(c);
	c.year += c.month == 12;
	c.month = c.month == 12 ? 1 : c.month + 1;
	f->end = civil_to_day(c);
}

/* "June 2026", "Juni 2026", "06/2026": as the first of its days would be written. */
static bool named_month_from(struct text s, struct found *f)
{
	char day[40];
	struct loose_time t;
	const bool numbers = s.n == 7 && (s.p[2] == '/' || s.p[2] == '.' || s.p[2] == '-');
	if (s.n < 7 || s.n > 30 || memchr(s.p, ',', s.n) ||
	    !(numbers || ((unsigned char)*s.p | 32) >= 'a'))
		return false;
	if (numbers)
		snprintf(day, sizeof day, "%.4s-%.2s-01", s.p + 3, s.p);
	else
		snprintf(day, sizeof day, "1 %.*s", (int)s.n, s.p);
	if (loose_time_parse(&t, text_of(day), NULL) != 0 || t.has_offset)
		return false;
	set_month(f, civil_from_day(floor_div(t.at.us, US_PER_DAY)));
	return true;
}

/* "2026-06", "202606": a month; false where it is none. */
static bool month_from(struct text s, struct found *f)
{
	struct civil said = { .day = 1 };
	char plain[16];
	if (named_month_from(s, f))
		return true;
	/* "2026年6月" */
	if (s.n > 8 && s.n < sizeof plain) {
		int at = 0;
		snprintf(plain, sizeof plain, "%.*s", (int)s.n, s.p);
		if (sscanf(plain, "%4d\xe5\xb9\xb4%2d\xe6\x9c\x88%n", &said.year, &said.month,
			   &at) == 2 &&
		    (size_t)at == s.n && civil_valid(said)) {
			set_month(f, said);
			return true;
		}
	}
	int v[6], digits = 0;
	const bool dashed = s.n == 7 && (s.p[4] == '-' || s.p[4] == '/');
	for (size_t i = 0; i < s.n && digits < 6 && (dashed || s.n == 6); i++)
		if (!(dashed && i == 4)) {
			if (s.p[i] < '0' || s.p[i] > '9')
				return false;
			v[digits++] = s.p[i] - '0';
		}
	struct civil c = { .day = 1 };
	c.year = digits == 6 ? v[0] * 1000 + v[1] * 100 + v[2] * 10 + v[3] : 0;
	c.month = digits == 6 ? v[4] * 10 + v[5] : 0;
	if (c.year < 1970 || !civil_valid(c))
		return false;
	set_month(f, c);
	return true;
}

static int time_from(struct bill_reader *r, struct text s, struct loose_time *t, struct err *e)
{
	struct bill *b = r->bill;
	int rc = loose_time_parse_as(t, s, r->format->order, e);
	if (rc == 0 && t->has_offset && b->has_offset && t->offset_us != b->offset_us)
		return err_set(
			e, ERR_INVALID,
			"the bill's days have two UTC offsets; split it into a file for each");
	if (rc == 0 && t->has_offset) {
		b->has_offset = true;
		b->offset_us = t->offset_us;
	}
	return rc;
}

/* When a row begins, or the month that it is of; of one that states year, month and day as numbers
 * these together, in room. */
static struct text start_of(const struct bill_row *row, char room[16])
{
	const struct text year = row->value[ROLE_YEAR], month = row->value[ROLE_MONTH],
			  day = row->value[ROLE_DAY];
	if (!row->value[ROLE_START].n && row->value[ROLE_BILLED_MONTH].n > 7)
		return (struct text){ row->value[ROLE_BILLED_MONTH].p, 7 };
	if (row->value[ROLE_START].n || year.n != 4 || !month.n || month.n > 2 || day.n > 2)
		return row->value[ROLE_START];
	snprintf(room, 16, "%.4s-%s%.*s", year.p, month.n == 1 ? "0" : "", (int)month.n, month.p);
	if (day.n)
		snprintf(room + 7, 9, "-%s%.*s", day.n == 1 ? "0" : "", (int)day.n, day.p);
	return text_of(room);
}

/* The days of a row: one, unless it says that it is of more. */
static int days_from(struct bill_reader *r, const struct bill_row *row, struct found *f,
		     struct err *e)
{
	struct loose_time t, end;
	char room[16];
	const struct text start = start_of(row, room), until = row->value[ROLE_END];
	f->day = r->o->from;
	f->end = r->o->to;
	if (r->undated && f->day < f->end)
		return 0;
	if (r->undated)
		return err_set(e, ERR_INVALID,
			       "the bill does not say of which days it is; say so with " ASKED(
				       "since") " and " ASKED("until"));
	if (month_from(start, f))
		return 0;
	int rc = time_from(r, start, &t, e);
	if (rc != 0)
		return err_context(e, "the day");
	f->day = floor_div(t.at.us + t.offset_us, US_PER_DAY);
	f->end = f->day + 1;
	if (!until.n)
		return 0;
	rc = time_from(r, until, &end, e);
	if (rc != 0)
		return err_context(e, "the end");
	end.at.us += r->format->last_day ? US_PER_DAY : 0;
	if (end.at.us - t.at.us > US_PER_DAY)
		f->end = floor_div(end.at.us + end.offset_us - 1, US_PER_DAY) + 1;
	return 0;
}

/* --- kinds --- */

static bool contains(struct text s, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.p + i, word, n) == 0)
			return true;
	return false;
}

struct kind_word {
	const char *word;
	enum bill_kind kind;
};

/* A line's kind in a vendor's words; the first that occurs: "DiscountedUsage" is usage. */
static enum bill_kind kind_of(struct text s)
{
	static const struct kind_word words[] = { { "usage", BILL_USAGE },
						  { "tax", BILL_TAX },
						  { "refund", BILL_REFUND },
						  { "credit", BILL_CREDIT },
						  { "adjustment", BILL_ADJUSTMENT },
						  { "rounding", BILL_ADJUSTMENT },
						  { "discount", BILL_ADJUSTMENT },
						  { "negation", BILL_ADJUSTMENT },
						  { "promotion", BILL_CREDIT },
						  { "correction", BILL_ADJUSTMENT },
						  { "fee", BILL_FEE },
						  { "purchase", BILL_FEE },
						  { "unused", BILL_FEE } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (contains(s, words[i].word))
			return words[i].kind;
	return BILL_USAGE;
}

/* What stands where a model would, whole. */
enum bill_kind bill_kind_of_words(struct text s)
{
	static const struct kind_word words[] = {
		{ "tax", BILL_TAX },
		{ "sales tax", BILL_TAX },
		{ "vat", BILL_TAX },
		{ "gst", BILL_TAX },
		{ "mwst", BILL_TAX },
		{ "umsatzsteuer", BILL_TAX },
		{ "tva", BILL_TAX },
		{ "credit", BILL_CREDIT },
		{ "credits", BILL_CREDIT },
		{ "gutschrift", BILL_CREDIT },
		{ "refund", BILL_REFUND },
		{ "erstattung", BILL_REFUND },
		{ "discount", BILL_ADJUSTMENT },
		{ "rabatt", BILL_ADJUSTMENT },
		{ "rounding", BILL_ADJUSTMENT },
		{ "adjustment", BILL_ADJUSTMENT },
		{ "fee", BILL_FEE },
		{ "fees", BILL_FEE },
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_is_caseless(s, words[i].word))
			return words[i].kind;
	return BILL_USAGE;
}

/* Whether the word stands in s by itself: "Sales tax (8%)", not "taxonomy" or "ai_credits". */
static bool has_word(struct text s, const char *word)
{
	const size_t n = strlen(word);
	for (size_t i = 0; i + n <= s.n; i++) {
		const char before = i ? s.p[i - 1] : ' ', after = i + n < s.n ? s.p[i + n] : ' ';
		const bool apart = before != '_' && after != '_' &&
				   !((before | 32) >= 'a' && (before | 32) <= 'z') &&
				   !((after | 32) >= 'a' && (after | 32) <= 'z');
		if (apart && strncasecmp(s.p + i, word, n) == 0)
			return true;
	}
	return false;
}

/* What words say that name no model: a tax, and with a negative amount what is given back. */
static enum bill_kind kind_within(struct text s, bool negative)
{
	static const struct kind_word words[] = { { "tax", BILL_TAX },
						  { "taxes", BILL_TAX },
						  { "vat", BILL_TAX },
						  { "gst", BILL_TAX },
						  { "mwst", BILL_TAX },
						  { "ust", BILL_TAX },
						  { "umsatzsteuer", BILL_TAX },
						  { "mehrwertsteuer", BILL_TAX },
						  { "steuer", BILL_TAX },
						  { "tva", BILL_TAX },
						  { "iva", BILL_TAX },
						  { "btw", BILL_TAX },
						  { "消費税", BILL_TAX },
						  { "增值税", BILL_TAX },
						  { "gutschrift", BILL_CREDIT },
						  { "avoir", BILL_CREDIT },
						  { "rabatt", BILL_ADJUSTMENT },
						  { "remise", BILL_ADJUSTMENT },
						  { "erstattung", BILL_REFUND },
						  { "refund", BILL_REFUND },
						  { "credit", BILL_CREDIT },
						  { "credits", BILL_CREDIT },
						  { "discount", BILL_ADJUSTMENT },
						  { "discounts", BILL_ADJUSTMENT },
						  { "adjustment", BILL_ADJUSTMENT } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if ((negative || words[i].kind == BILL_TAX) && has_word(s, words[i].word))
			return words[i].kind;
	return BILL_USAGE;
}

enum bill_kind bill_kind_of_name(struct text name)
{
	enum bill_kind kind = BILL_USAGE;
	for (int camel = 0; kind == BILL_USAGE && camel < 2; camel++) { /* MwSt, taxAmount */
		struct buf words = { 0 };
		for (size_t i = 0; i < name.n; i++) {
			const char c = name.p[i];
			const bool begins = camel && c >= 'A' && c <= 'Z' && i &&
					    name.p[i - 1] >= 'a' && name.p[i - 1] <= 'z';
			buf_printf(&words, "%s%c", begins ? " " : "", c == '_' ? ' ' : c);
		}
		kind = kind_within((struct text){ words.n ? words.p : "", words.n }, true);
		buf_release(&words);
	}
	return kind;
}

/* "VAT 19%", "GST (10%)": words rather than a name. */
static bool is_phrase(struct text s)
{
	return s.n && (memchr(s.p, ' ', s.n) || memchr(s.p, '(', s.n) || memchr(s.p, '%', s.n));
}

static bool is_negative(const struct bill_reader *r, struct text amount)
{
	struct decimal d;
	int places;
	return amount.n && loose_number(&d, &places, amount, r->comma_decimals, NULL) == 0 &&
	       d.digits < 0;
}

/* What the item is when it is no model, and no other column told. */
static enum bill_kind kind_of_item(const struct bill_reader *r, enum item is, struct text words,
				   struct text cost)
{
	const enum bill_kind said = kind_within(words, is_negative(r, cost));
	return said != BILL_USAGE ? said : is == ITEM_FEE ? BILL_FEE : BILL_OTHER;
}

static enum item item_in(const struct bill_reader *r, const struct bill_row *row, struct text words,
			 struct instant at, struct buf *spelled)
{
	struct buf b = { 0 };
	if (row->value[ROLE_PRODUCT].n) {
		item_with_family(&b, words, row->value[ROLE_PRODUCT]);
		words = (struct text){ b.n ? b.p : "", b.n };
	}
	const enum item is = item_of(spelled, r->format->spelling, words, at, r->o->book);
	buf_release(&b);
	return is;
}

/* Names the model, or what else was charged; spelled holds the name. */
static void take_words(struct bill_reader *r, struct found *f, const struct bill_row *row,
		       struct buf *spelled)
{
	const struct text item = row->value[ROLE_ITEM], what = row->value[ROLE_WHAT],
			  service = row->value[ROLE_SERVICE], unit = row->value[ROLE_UNIT];
	const struct instant at = { (f->end - 1) * US_PER_DAY + US_PER_DAY / 2 };
	struct text words = row->word_count ? row->words[0] : (struct text){ "", 0 };
	enum item is = ITEM_OTHER;
	if (item.n && !contains(item, "token")) {
		f->kind = f->kind == BILL_USAGE ? BILL_FEE : f->kind;
		buf_add(spelled, item.p, item.n);
	} else if (!words.n && what.n) {
		f->kind = f->kind == BILL_USAGE ? BILL_FEE : f->kind;
		buf_add(spelled, what.p, what.n);
	} else if (unit.n && item_unit_is_no_count(unit)) {
		f->kind = f->kind == BILL_USAGE ? BILL_FEE : f->kind;
		buf_add(spelled, words.p, words.n);
	} else {
		for (int i = 0; is != ITEM_MODEL && i < row->word_count; i++)
			is = item_in(r, row, row->words[i], at, spelled);
		if (is != ITEM_MODEL && service.n && r->format->spelling == SPELLING_ANY &&
		    !contains(words, "token") && (!unit.n || contains(unit, "token")))
			is = item_of(spelled, SPELLING_PLAIN, service, at, r->o->book);
		if (!words.n && service.n && r->format->spelling != SPELLING_ANY) {
			is = item_in(r, row, service, at, spelled);
			words = service;
		}
		if (is != ITEM_MODEL && words.n && f->kind == BILL_USAGE)
			f->kind = kind_of_item(r, is, words, row->value[ROLE_COST]);
		if (is != ITEM_MODEL)
			buf_add(spelled, words.n ? words.p : service.p,
				words.n ? words.n : service.n);
	}
	f->model = (struct text){ spelled->n ? spelled->p : "", spelled->n };
	if (f->kind == BILL_USAGE || f->kind == BILL_OTHER) {
		enum bill_kind said = bill_kind_of_words(f->model);
		if (said == BILL_USAGE && is_phrase(f->model))
			said = kind_within(f->model, is_negative(r, row->value[ROLE_COST]));
		f->kind = said != BILL_USAGE ? said : f->kind;
	}
}

/* Which part of what a model was charged for: its tier, the kind of token, the unit. */
static void take_parts(const struct bill_reader *r, struct found *f, const struct bill_row *row)
{
	const struct text *value = row->value;
	const bool has_words = r->format->spelling != SPELLING_PLAIN;
	f->unit = value[ROLE_UNIT];
	f->tokens = item_tokens(value[ROLE_TOKENS]);
	f->tier = item_tier(value[ROLE_TIER]);
	if (!f->tier.n && value[ROLE_BATCH].n == 4 &&
	    strncasecmp(value[ROLE_BATCH].p, "true", 4) == 0)
		f->tier = TEXT("batch");
	if (!f->tier.n)
		f->tier = item_tier(value[ROLE_SPEED]);
	for (int i = 0; has_words && i < row->word_count; i++) {
		if (!f->tokens.n)
			f->tokens = item_tokens(row->words[i]);
		if (!f->tier.n)
			f->tier = item_tier(row->words[i]);
	}
}

static void add_quantity(struct bill_reader *r, struct bill_line *l, struct text quantity)
{
	struct decimal d;
	int places;
	const bool first = !l->has_quantity && l->rows <= 1;
	if (loose_number(&d, &places, quantity, r->comma_decimals, NULL) == 0 &&
	    (first || l->has_quantity))
		l->has_quantity = decimal_add(l->quantity, d, &l->quantity);
	else
		l->has_quantity = false; /* of one row it is not known */
}

/* --- rows --- */

static int count_in(struct bill_reader *r, struct text s, int64_t *out, struct err *e)
{
	struct decimal d;
	int places;
	if (loose_number(&d, &places, s, r->comma_decimals, NULL) != 0 ||
	    !decimal_to_int64(d, 0, out))
		return err_set(e, ERR_INVALID, "'%.*s' is not a count", (int)s.n, s.n ? s.p : "");
	return 0;
}

/* DeepSeek's amount export has a row a kind of token. */
static int add_amount(struct bill_reader *r, struct bill_line *l, const struct bill_row *row,
		      struct err *e)
{
	const struct text type = row->value[ROLE_TYPE], amount = row->value[ROLE_AMOUNT],
			  price = row->value[ROLE_PRICE];
	int64_t n;
	int places;
	struct decimal a, p, product;
	int64_t *to = text_is(type, "input_cache_hit_tokens")	  ? &l->cache_read
		      : text_is(type, "input_cache_miss_tokens")  ? &l->input
		      : text_is(type, "prompt_cache_hit_tokens")  ? &l->cache_read
		      : text_is(type, "prompt_cache_miss_tokens") ? &l->input
		      : text_is(type, "output_tokens")		  ? &l->output
		      : text_is(type, "completion_tokens")	  ? &l->output
								  : NULL;
	int rc = count_in(r, amount, &n, e);
	if (rc != 0 || !to)
		return rc;
	if (__builtin_add_overflow(*to, n, to))
		return err_set(e, ERR_RANGE, "the counts are out of range");
	l->has_tokens = true;
	/* the money of a row, for days that no cost file tells of; some files state the price of
	 * a million */
	if (price.n && loose_number(&a, &places, amount, r->comma_decimals, NULL) == 0 &&
	    loose_number(&p, &places, price, r->comma_decimals, NULL) == 0 &&
	    decimal_multiply(a, p, &product)) {
		const struct decimal per_token = { 1, 3 };
		struct money_total m;
		bool changed;
		if (decimal_cmp(p, per_token) > 0)
			product = decimal_shift(product, -6);
		product = decimal_round_places(product, MONEY_TOTAL_PLACES, &changed);
		rc = amount_from_decimal(&m, product, e);
		if (rc == 0)
			rc = add_money(&l->estimate, m, e);
	}
	return rc;
}

static bool is_total(const struct bill_row *row)
{
	return words_say_total(row->value[ROLE_START]) || words_say_total(row->value[ROLE_MODEL]) ||
	       words_say_total(row->first);
}

/* Tokens of a CSV of named columns; reports of usage state them in ways of their own. */
static int add_counts(struct bill_reader *r, struct bill_line *l, const struct bill_row *row,
		      struct err *e)
{
	const struct {
		enum raw_count which;
		int64_t *to;
	} counts[] = { { RAW_PROMPT, &l->input },
		       { RAW_CACHE_READ, &l->cache_read },
		       { RAW_COMPLETION, &l->output } };
	int rc = 0;
	for (size_t i = 0; rc == 0 && r->format->kind == EXPORT_BILL && i < 3; i++) {
		int64_t n;
		const struct text s = row->value[ROLE_COUNT + counts[i].which];
		if (!s.n)
			continue;
		rc = count_in(r, s, &n, e);
		if (rc == 0 && __builtin_add_overflow(*counts[i].to, n, counts[i].to))
			rc = err_set(e, ERR_RANGE, "the counts are out of range");
		l->has_tokens = true;
	}
	return rc;
}

static int add_total(struct bill_reader *r, const struct bill_row *row, struct text cost,
		     struct err *e)
{
	struct found f = { 0 };
	struct bill_total t = { .day = INT64_MIN };
	if (!cost.n)
		return 0;
	bill_note_words(r, cost); /* a currency that it alone says */
	int rc = money_of(r, cost, &t.cost, e);
	if (rc == 0 && row->value[ROLE_START].n && !words_say_total(row->value[ROLE_START])) {
		rc = days_from(r, row, &f, e);
		t.day = f.day;
	}
	if ((r->totals & (r->totals - 1)) == 0)
		r->total = mem_grow(r->total, (r->totals ? r->totals * 2 : 16) * sizeof *r->total);
	r->total[r->totals++] = t;
	return rc;
}

/* "Included", "-", "Free": words of what costs nothing; nothing does that a cache answered or that
 * the row says is not charged, whatever its amount would be. */
static struct text cost_of(const struct bill_row *row)
{
	const struct text cost = row->value[ROLE_COST], flag = row->value[ROLE_FLAG];
	if ((flag.n == 4 && strncasecmp(flag.p, "true", 4) == 0) ||
	    (cost.n && (export_charge_of(row->value[ROLE_UNCHARGED]) != CHARGED ||
			export_charge_of(row->value[ROLE_KIND]) != CHARGED)))
		return TEXT("0");
	for (size_t i = 0; i < cost.n; i++)
		if (is_digit(cost.p[i]))
			return cost;
	if (cost.n && (text_is(cost, "-") || text_is(cost, "Included") || text_is(cost, "Free") ||
		       text_is(cost, "N/A") || text_is(cost, "null")))
		return TEXT("0");
	return cost;
}

/* "Total: $140.00" below the lines, all in one field: the amount, or nothing. */
static struct text total_in_words(const struct bill_row *row)
{
	const struct text s = row->first;
	size_t from = s.n;
	while (from && s.p[from - 1] != ':')
		from--;
	bool digit = false;
	for (size_t i = from; i < s.n; i++)
		digit |= is_digit(s.p[i]);
	return from && digit && words_say_total(s) ? (struct text){ s.p + from, s.n - from }
						   : TEXT("");
}

/* A day without costs, which is another thing than a day of which the bill says nothing. */
static int add_quiet(struct bill_reader *r, const struct bill_row *row)
{
	struct bill *b = r->bill;
	struct found f = { 0 };
	if (!row->value[ROLE_START].n || days_from(r, row, &f, NULL) != 0) {
		bill_note_words(r, row->whole); /* a row of empty fields, or a remark */
		return 0;
	}
	for (int64_t day = f.day; day < f.end; day++) {
		if ((b->quiets & (b->quiets - 1)) == 0)
			b->quiet = mem_grow(b->quiet,
					    (b->quiets ? b->quiets * 2 : 64) * sizeof *b->quiet);
		b->quiet[b->quiets++] = day;
	}
	return 0;
}

/* "MwSt 19 %;;4,56" below the lines: of the last of their days. */
static bool take_footer(const struct bill_reader *r, const struct bill_row *row, struct text cost,
			struct found *f)
{
	const struct text words = row->value[ROLE_START];
	enum bill_kind said = bill_kind_of_words(words);
	if (said == BILL_USAGE)
		said = kind_within(words, is_negative(r, cost));
	if (said == BILL_USAGE || r->bill->lines == 0 || !cost.n || row->value[ROLE_MODEL].n)
		return false;
	f->day = r->bill->line[0].day;
	for (size_t i = 0; i < r->bill->lines; i++)
		if (r->bill->line[i].end > f->day)
			f->day = r->bill->line[i].end - 1;
	f->end = f->day + 1;
	f->kind = said;
	f->model = words;
	return true;
}

/* Decimals of amounts that count the smallest coin of a currency, in letters of either case: those
 * of the currency, but for three in which they are counted as before its coins changed
 * (docs.stripe.com/currencies). */
static int coin_places(struct text code)
{
	static const struct {
		const char *code;
		int places;
	} others[] = { { "ISK", 2 }, { "UGX", 2 }, { "MGA", 0 } };
	char upper[4];
	if (code.n != 3)
		return 2;
	for (size_t i = 0; i < 3; i++)
		upper[i] = (char)(is_letter(code.p[i]) ? code.p[i] & ~32 : code.p[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (memcmp(upper, others[i].code, 3) == 0)
			return others[i].places;
	return currency_places((struct text){ upper, 3 });
}

static int take_row(struct bill_reader *r, const struct bill_row *row, struct err *e)
{
	const struct text type = row->value[ROLE_TYPE], cost = cost_of(row);
	struct found f = { .kind = kind_of(row->value[ROLE_KIND]),
			   .project = type.n ? (struct text){ "", 0 } : row->value[ROLE_PROJECT] };
	struct bill_line *l;
	struct buf spelled = { 0 };
	r->minor = r->format->minor ? coin_places(row->value[ROLE_CURRENCY]) : 0;
	if (!cost.n && !type.n && !row->value[ROLE_MODEL].n) {
		const struct text total = total_in_words(row);
		return total.n ? add_total(r, &(struct bill_row){ 0 }, total, e)
			       : add_quiet(r, row);
	}
	if (is_total(row))
		return add_total(r, row, cost, e);
	int rc = days_from(r, row, &f, e);
	if (rc != 0 && !take_footer(r, row, cost, &f))
		return rc;
	rc = 0;
	if (!f.model.n)
		take_words(r, &f, row, &spelled);
	take_parts(r, &f, row);
	count_row(r, row->whole);
	rc = line_of(r, &f, row, &l, e);
	buf_release(&spelled);
	if (rc == 0 && type.n)
		rc = add_amount(r, l, row, e);
	if (rc == 0 && cost.n)
		rc = add_cost(r, l, cost, e);
	if (rc == 0 && cost.n)
		add_quantity(r, l, row->value[ROLE_QUANTITY]);
	if (rc == 0 && row->value[ROLE_LIST].n)
		rc = add_list(r, l, row->value[ROLE_LIST], e);
	if (rc == 0 && row->value[ROLE_CREDITS].n)
		rc = add_credits(r, l, row->value[ROLE_CREDITS], e);
	if (rc == 0 && row->cost_name.n && !r->bill->cost.n)
		r->bill->cost = kept(r->bill, row->cost_name);
	if (rc == 0)
		rc = take_currency(r, row, e);
	return rc == 0 ? add_counts(r, l, row, e) : rc;
}

/* --- files --- */

static int by_day(const void *a, const void *b)
{
	const struct bill_line *x = a, *y = b;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	const struct text a_part[] = { x->model, x->project, x->tier, x->tokens, x->unit },
			  b_part[] = { y->model, y->project, y->tier, y->tokens, y->unit };
	int order = 0;
	for (size_t i = 0; order == 0 && i < sizeof a_part / sizeof *a_part; i++)
		order = text_cmp(a_part[i], b_part[i]);
	return order;
}

static int take_zone(struct bill *b, const char *zone, bool first, struct err *e)
{
	if (first)
		b->zone = zone;
	else if (zone != b->zone && (!zone || !b->zone || strcmp(zone, b->zone) != 0))
		return err_set(e, ERR_INVALID,
			       "the files count days of different zones; compare one by one");
	return 0;
}

static int parse_utf8(struct bill_reader *r, struct text entry, struct text all, struct err *e)
{
	struct bill *b = r->bill;
	snprintf(r->name, sizeof r->name, "%s%s%.*s", r->path, entry.n ? ":" : "", (int)entry.n,
		 entry.n ? entry.p : "");
	r->file++;
	r->format = NULL;
	dict_clear(&r->names);
	if (all.n >= 3 && memcmp(all.p, "\xef\xbb\xbf", 3) == 0) {
		all.p += 3;
		all.n -= 3;
	}
	if (all.n == 0)
		return 0;
	uint64_t *seen = dict_need(&r->seen, all, NULL);
	if (*seen)
		return err_set(e, ERR_INVALID,
			       "'%s' has the same content as an earlier file: a bill counts once",
			       r->name);
	*seen = r->file;
	dict_clear(&r->same);
	r->different = r->repeated = 0;
	int rc = bill_rows(r, all, e);
	if (rc == 0)
		rc = check_repeated(r, e);
	const char *vendor = r->format ? r->format->provider : NULL;
	if (!r->format) /* a page without lines */
		return rc;
	if (!b->title)
		b->provider = vendor;
	else if (!vendor || !b->provider || strcmp(vendor, b->provider) != 0)
		b->provider = NULL;
	if (rc == 0)
		rc = take_zone(b, r->format->zone, !b->title, e);
	if (!b->title)
		b->title = r->format->title;
	return rc;
}

/* Tables of programs for Windows are not in UTF-8; documents always are. */
static int parse(void *user, struct text entry, struct text all, struct err *e)
{
	struct bill_reader *r = user;
	struct buf b = { 0 };
	const size_t valid = utf8_valid_prefix(all.p, all.n);
	const bool document = all.n && (*all.p == '{' || *all.p == '[');
	if (valid != all.n && (document || memchr(all.p, 0, all.n)))
		return err_set(e, ERR_INVALID, "'%s%s%.*s' is not text in UTF-8", r->path,
			       entry.n ? ":" : "", (int)entry.n, entry.n ? entry.p : "");
	if (valid != all.n) {
		unpack_1252(&b, all);
		all = (struct text){ b.p, b.n };
	}
	int rc = parse_utf8(r, entry, all, e);
	buf_release(&b);
	return rc;
}

/* A total of a day is of its rows; of the others the last is of all rows, or all of them add up to
 * these. */
static bool total_is_wrong(const struct bill_reader *r, struct money_total *off)
{
	const struct bill *b = r->bill;
	struct money_total all = { 0 }, totals = { 0 }, last = { 0 };
	bool wrong = false, of_all = false;
	for (size_t i = 0; i < b->lines; i++)
		money_total_add(&all, b->line[i].cost);
	for (size_t i = 0; i < r->totals; i++) {
		const struct bill_total *t = &r->total[i];
		struct money_total day = { 0 };
		for (size_t k = 0; k < b->lines; k++)
			if (b->line[k].day == t->day)
				money_total_add(&day, b->line[k].cost);
		if (t->day == INT64_MIN) {
			of_all = true;
			last = t->cost;
			money_total_add(&totals, t->cost);
		} else {
			wrong |= day.atto != t->cost.atto;
			money_total_add(off, money_total_minus(t->cost, day));
		}
	}
	const bool all_wrong = of_all && last.atto != all.atto && totals.atto != all.atto;
	if (all_wrong)
		*off = money_total_minus(last, all);
	return wrong || all_wrong;
}

/* Where no cost is stated, what price and amount give; charges are positive. */
static void settle(struct bill_reader *r)
{
	struct bill *b = r->bill;
	bool flip = r->deductions > r->charges;
	b->total_is_wrong = total_is_wrong(r, &b->total_off);
	for (size_t i = 0; i < b->lines; i++) {
		struct bill_line *l = &b->line[i];
		if (flip)
			l->cost.atto = -l->cost.atto;
		if (flip)
			l->list.atto = -l->list.atto;
		if (!l->has_cost && l->estimate.atto) {
			l->cost = l->estimate;
			l->has_cost = true;
		}
	}
	if (!*b->currency && !b->unclear)
		memcpy(b->currency, b->beside, sizeof b->beside);
	b->partial = page_list_is_part(&r->pages);
	page_list_missing(&r->pages, &b->pages_missing, &b->pages);
	if (flip)
		b->total_off.atto = -b->total_off.atto;
}

static int finish(struct bill_reader *r, const char *path, int rc, struct err *e)
{
	struct bill *out = r->bill;
	if (rc == 0 && out->lines == 0)
		rc = err_set(e, ERR_INVALID, "'%s' holds no billed line", path);
	if (rc == 0)
		settle(r);
	dict_release(&r->index);
	dict_release(&r->seen);
	dict_release(&r->rows);
	dict_release(&r->same);
	dict_release(&r->names);
	page_list_release(&r->pages);
	free(r->total);
	if (rc != 0) {
		bill_release(out);
		return rc;
	}
	qsort(out->line, out->lines, sizeof *out->line, by_day);
	return 0;
}

static int add_file(struct bill_reader *r, const struct bill_file *f, struct err *e)
{
	r->path = f->name;
	int rc = unpack(f->bytes, BILL_BYTES_MAX, parse, r, e);
	return rc != 0 && r->file == 0 ? err_context(e, "%s", f->name) : rc;
}

int bill_parse(struct bill *out, const struct bill_file *file, size_t count,
	       const struct bill_options *o, struct err *e)
{
	struct bill_reader r = { .take = take_row, .bill = out, .o = o };
	int rc = 0;
	*out = (struct bill){ 0 };
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_file(&r, &file[i], e);
	return finish(&r, file[0].name, rc, e);
}

int bill_read(struct bill *out, const char *const *path, size_t count, const struct bill_options *o,
	      struct err *e)
{
	struct bill_reader r = { .take = take_row, .bill = out, .o = o };
	int rc = 0;
	*out = (struct bill){ 0 };
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct buf b = { 0 };
		rc = file_read(&b, path[i], BILL_BYTES_MAX, e);
		if (rc == 0)
			rc = add_file(&r, &(struct bill_file){ path[i], { b.p, b.n } }, e);
		buf_release(&b);
	}
	return finish(&r, path[0], rc, e);
}

void bill_release(struct bill *b)
{
	free(b->line);
	free(b->quiet);
	arena_release(&b->arena);
	*b = (struct bill){ 0 };
}

bool bill_map(struct bill_options *o, struct text name, const char *column)
{
	static const struct {
		const char *name;
		uint8_t role;
	} roles[] = { { "day", ROLE_START },
		      { "model", ROLE_MODEL },
		      { "cost", ROLE_COST },
		      { "currency", ROLE_CURRENCY },
		      { "project", ROLE_PROJECT },
		      { "kind", ROLE_KIND },
		      { "input", ROLE_COUNT + RAW_PROMPT },
		      { "output", ROLE_COUNT + RAW_COMPLETION },
		      { "cache_read", ROLE_COUNT + RAW_CACHE_READ } };
	int nones = 0;
	if (!*column)
		return false;
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (text_is(name, roles[i].name)) {
			o->column[roles[i].role] = column;
			return true;
		}
	while (nones < BILL_NONE_MAX && o->none[nones])
		nones++;
	if (!text_is(name, "none") || nones == BILL_NONE_MAX)
		return false;
	o->none[nones] = column;
	return true;
}
