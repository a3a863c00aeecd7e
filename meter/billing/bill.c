#include "meter/billing/bill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/dict.h"
#include "base/file.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/loose.h"
#include "base/unpack.h"
#include "meter/billing/tiers.h"
#include "meter/read/headers.h"

enum { BILL_BYTES_MAX = 256 << 20 };

struct reader {
	struct bill *bill;
	const struct bill_columns *columns;
	struct dict index; /* what a line stands for to 1 + line */
	struct dict seen;  /* contents of files, and days and models with the file that had them */
	const char *path;
	char name[256]; /* of the file at work, an archive's entry too */
	uint64_t file;
	const struct header *header; /* of the file at work; NULL: columns that are named */
	bool comma_decimals, more, last;
	int64_t charges, deductions; /* rows by their sign */
};

const char *bill_kind_name(enum bill_kind k)
{
	static const char *const names[] = {
		"usage", "tax", "credit", "refund", "adjustment", "fee"
	};
	return names[k];
}

struct found {
	int64_t day;
	struct text model, project;
	enum bill_kind kind;
};

static struct text kept(struct bill *b, struct text s)
{
	return (struct text){ arena_text(&b->arena, s.n ? s.p : "", s.n), s.n };
}

/* Two files of one kind that both state a day and model are a bill given twice. */
static int check_file(struct reader *r, struct text key, const struct found *f, struct err *e)
{
	struct buf b = { 0 };
	buf_puts(&b, r->header ? r->header->name : "csv");
	buf_puts(&b, " ");
	buf_add(&b, key.p, key.n);
	uint64_t *at = dict_need(&r->seen, (struct text){ b.p, b.n }, NULL);
	buf_release(&b);
	if (!*at)
		*at = r->file;
	return *at == r->file
		       ? 0
		       : err_set(e, ERR_INVALID,
				 "'%.*s' of this day is also in an earlier file: the same bill "
				 "twice? Give only one",
				 (int)f->model.n, f->model.n ? f->model.p : "");
}

static int line_of(struct reader *r, const struct found *f, struct bill_line **out, struct err *e)
{
	struct bill *b = r->bill;
	struct buf key = { 0 };
	buf_int(&key, f->day);
	buf_printf(&key, " %d %.*s\n", (int)f->kind, (int)f->model.n, f->model.n ? f->model.p : "");
	buf_add(&key, f->project.p, f->project.n);
	int rc = check_file(r, (struct text){ key.p, key.n }, f, e);
	uint64_t *at = dict_need(&r->index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((b->lines & (b->lines - 1)) == 0)
			b->line =
				mem_grow(b->line, (b->lines ? b->lines * 2 : 64) * sizeof *b->line);
		b->line[b->lines] = (struct bill_line){ .day = f->day,
							.kind = f->kind,
							.model = kept(b, f->model),
							.project = kept(b, f->project) };
		*at = ++b->lines;
	}
	*out = &b->line[*at - 1];
	return rc;
}

static int money_of(struct reader *r, struct text amount, int shift, struct money_total *m,
		    struct err *e)
{
	struct decimal d;
	bool changed;
	int places;
	int rc = loose_number(&d, &places, amount, r->comma_decimals, e);
	if (rc != 0)
		return err_context(e, "the amount");
	if (places + shift > r->bill->places)
		r->bill->places = places + shift;
	d = decimal_round_places(decimal_shift(d, -shift), MONEY_TOTAL_PLACES, &changed);
	return amount_from_decimal(m, d, e);
}

/* shift: decimal places that the amount is to move left (2 for cents). */
static int add_cost(struct reader *r, struct bill_line *l, struct text amount, int shift,
		    struct err *e)
{
	struct money_total m;
	int rc = money_of(r, amount, shift, &m, e);
	if (rc == 0 && !money_total_add(&l->cost, m))
		rc = err_set(e, ERR_RANGE, "the costs are out of range");
	l->has_cost = true;
	l->rows++;
	r->charges += rc == 0 && m.atto > 0;
	r->deductions += rc == 0 && m.atto < 0;
	return rc;
}

static int take_currency(struct reader *r, struct text currency, struct err *e)
{
	char upper[16];
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

static int day_from(struct reader *r, struct text s, int64_t *out, struct err *e)
{
	struct loose_time t;
	struct bill *b = r->bill;
	int rc = loose_time_parse(&t, s, e);
	if (rc != 0)
		return rc;
	if (t.has_offset && b->has_offset && t.offset_us != b->offset_us)
		return err_set(e, ERR_INVALID,
			       "the bill's days are of two offsets from UTC; give a file of each");
	if (t.has_offset) {
		b->has_offset = true;
		b->offset_us = t.offset_us;
	}
	*out = floor_div(t.at.us + t.offset_us, US_PER_DAY);
	return 0;
}

static bool begins(struct text s, const char *word)
{
	size_t n = strlen(word);
	return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

static enum bill_kind kind_of(struct text s)
{
	static const struct {
		const char *word;
		enum bill_kind kind;
	} words[] = { { "tax", BILL_TAX },
		      { "credit", BILL_CREDIT },
		      { "refund", BILL_REFUND },
		      { "adjustment", BILL_ADJUSTMENT },
		      { "rounding", BILL_ADJUSTMENT },
		      { "fee", BILL_FEE },
		      { "purchase", BILL_FEE },
		      { "web", BILL_FEE },
		      { "code", BILL_FEE },
		      { "session", BILL_FEE } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (begins(s, words[i].word))
			return words[i].kind;
	return BILL_USAGE;
}

static const char *find(struct text s, const char *word)
{
	return s.n ? memmem(s.p, s.n, word, strlen(word)) : NULL;
}

/* "priority | gpt-5, output, long context" is of gpt-5; "web search tool calls" of no model. */
static void openai_item(struct found *f, struct text s)
{
	static const char *const modality[] = { " audio", " image", " text" };
	struct text whole = s;
	const char *bar = find(s, " | ");
	if (bar)
		s = (struct text){ bar + 3, (size_t)(s.p + s.n - bar - 3) };
	const char *comma = s.n ? memchr(s.p, ',', s.n) : NULL;
	s.n = comma ? (size_t)(comma - s.p) : s.n;
	for (size_t i = 0; i < sizeof modality / sizeof *modality; i++) {
		size_t n = strlen(modality[i]);
		if (s.n > n && memcmp(s.p + s.n - n, modality[i], n) == 0)
			s.n -= n;
	}
	f->model = s;
	if (s.n && memchr(s.p, ' ', s.n)) {
		f->kind = BILL_FEE;
		f->model = whole;
	}
}

/* "USE1-Claude4.6Sonnet-input-tokens": between the region and the kind of token. */
static struct text aws_usage(struct text s)
{
	static const char *const ends[] = { "-mantle-", "-input-", "-output-", "-cache-" };
	const char *dash = s.n ? memchr(s.p, '-', s.n) : NULL;
	if (dash && dash - s.p <= 5)
		s = (struct text){ dash + 1, (size_t)(s.p + s.n - dash - 1) };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const char *end = find(s, ends[i]);
		if (end)
			s.n = (size_t)(end - s.p);
	}
	return s;
}

/* The line that words like these belong to; spelled holds a name that was made. */
static void take_words(struct reader *r, struct found *f, struct text model, struct buf *spelled)
{
	enum model_spelling how = r->header ? r->header->spelling : SPELLING_PLAIN;
	f->model = model;
	if (how == SPELLING_OPENAI_ITEM) {
		openai_item(f, model);
	} else if (how == SPELLING_GCP_SKU) {
		model_from_sku(spelled, model);
		f->model = (struct text){ spelled->n ? spelled->p : "", spelled->n };
		/* hours of a cache are no tokens of a model */
		if (find(model, "Storage"))
			f->kind = f->kind == BILL_USAGE ? BILL_FEE : f->kind;
	} else if (how == SPELLING_AWS_USAGE || how == SPELLING_DISPLAY) {
		model_from_display(spelled, how == SPELLING_AWS_USAGE ? aws_usage(model) : model);
		f->model = (struct text){ spelled->n ? spelled->p : "", spelled->n };
	}
}

/* --- CSV --- */

static int count_in(struct reader *r, struct text s, int64_t *out, struct err *e)
{
	struct decimal d;
	int places;
	if (loose_number(&d, &places, s, r->comma_decimals, NULL) != 0 ||
	    !decimal_to_int64(d, 0, out))
		return err_set(e, ERR_INVALID, "'%.*s' is not a count", (int)s.n, s.n ? s.p : "");
	return 0;
}

/* DeepSeek's amount export has a row a kind of token. */
static int add_deepseek_amount(struct reader *r, struct bill_line *l, struct text type,
			       struct text amount, struct text price, struct err *e)
{
	int64_t n;
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
	*to += n;
	l->has_tokens = true;
	/* the money of a row, for days that no cost file tells of; some files state the price of
	 * a million */
	if (price.n && decimal_parse(&a, amount, NULL) == 0 &&
	    decimal_parse(&p, price, NULL) == 0 && decimal_multiply(a, p, &product)) {
		const struct decimal per_token = { 1, 3 };
		struct money_total m;
		bool changed;
		if (decimal_cmp(p, per_token) > 0)
			product = decimal_shift(product, -6);
		product = decimal_round_places(product, MONEY_TOTAL_PLACES, &changed);
		rc = amount_from_decimal(&m, product, e);
		if (rc == 0 && !money_total_add(&l->estimate, m))
			rc = err_set(e, ERR_RANGE, "the costs are out of range");
	}
	return rc;
}

static struct text field(const struct csv_record *v, int at)
{
	return at >= 0 && (size_t)at < v->count ? v->field[at] : (struct text){ "", 0 };
}

static bool is_total(const struct csv_record *v, const int at[COLUMN_ROLES])
{
	static const char *const words[] = { "total", "grand total", "sum",  "subtotal",
					     "summe", "gesamt",	     "合计", "总计" };
	const struct text in[] = { field(v, at[COLUMN_DAY]), field(v, at[COLUMN_MODEL]),
				   field(v, 0) };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		for (size_t k = 0; k < 3; k++)
			if (begins(in[k], words[i]) && (k != 1 || in[0].n == 0))
				return true;
	return false;
}

static int add_counts(struct reader *r, struct bill_line *l, const struct csv_record *v,
		      const int at[COLUMN_ROLES], struct err *e)
{
	const struct {
		int at;
		int64_t *to;
	} counts[] = { { at[COLUMN_INPUT], &l->input },
		       { at[COLUMN_CACHE_READ], &l->cache_read },
		       { at[COLUMN_OUTPUT], &l->output } };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof counts / sizeof *counts; i++) {
		int64_t n;
		if (!field(v, counts[i].at).n)
			continue;
		rc = count_in(r, field(v, counts[i].at), &n, e);
		if (rc == 0 && __builtin_add_overflow(*counts[i].to, n, counts[i].to))
			rc = err_set(e, ERR_RANGE, "the counts are out of range");
		l->has_tokens = true;
	}
	return rc;
}

static int add_total(struct reader *r, struct text cost, struct err *e)
{
	int rc = cost.n ? money_of(r, cost, 0, &r->bill->total, e) : 0;
	r->bill->says_total |= cost.n > 0;
	return rc;
}

/* [{"name":..,"amount":-0.1},..]: what was taken off; the cost of the row is what is left. */
static int add_credits(struct reader *r, struct bill_line *l, struct text credits, struct err *e)
{
	struct json_document *doc;
	struct money_total m;
	int rc = json_open(&doc, credits, e);
	if (rc != 0)
		return err_context(e, "the credits");
	for (json_value *v = json_first(json_root(doc)); rc == 0 && v; v = json_next(v)) {
		rc = money_of(r, json_number_or_string(json_member(v, "amount")), 0, &m, e);
		if (rc == 0 && !money_total_add(&l->cost, m))
			rc = err_set(e, ERR_RANGE, "the costs are out of range");
	}
	json_close(doc);
	return rc;
}

static int add_row(struct reader *r, const struct csv_record *v, const int at[COLUMN_ROLES],
		   struct err *e)
{
	struct text type = field(v, at[COLUMN_TYPE]), cost = field(v, at[COLUMN_COST]),
		    item = field(v, at[COLUMN_ITEM]);
	struct found f = { .kind = kind_of(field(v, at[COLUMN_KIND])),
			   .project = at[COLUMN_TYPE] < 0 ? field(v, at[COLUMN_PROJECT])
							  : (struct text){ "", 0 } };
	struct bill_line *l;
	struct buf spelled = { 0 };
	if (!cost.n && !type.n && !field(v, at[COLUMN_MODEL]).n)
		return 0; /* a day without costs */
	if (is_total(v, at))
		return add_total(r, cost, e);
	int rc = day_from(r, field(v, at[COLUMN_DAY]), &f.day, e);
	if (rc != 0)
		return err_context(e, "the day");
	take_words(r, &f, field(v, at[COLUMN_MODEL]), &spelled);
	if (f.kind == BILL_USAGE && kind_of(item) == BILL_FEE) {
		f.kind = BILL_FEE;
		f.model = item;
	}
	rc = line_of(r, &f, &l, e);
	buf_release(&spelled);
	if (rc == 0 && type.n)
		rc = add_deepseek_amount(r, l, type, field(v, at[COLUMN_AMOUNT]),
					 field(v, at[COLUMN_PRICE]), e);
	if (rc == 0 && cost.n)
		rc = add_cost(r, l, cost, 0, e);
	if (rc == 0 && field(v, at[COLUMN_CREDITS]).n)
		rc = add_credits(r, l, field(v, at[COLUMN_CREDITS]), e);
	if (rc == 0)
		rc = take_currency(r, field(v, at[COLUMN_CURRENCY]), e);
	return rc == 0 ? add_counts(r, l, v, at, e) : rc;
}

static void own_columns(const struct bill_columns *c, const char *names[COLUMN_ROLES],
			bool asked[COLUMN_ROLES])
{
	const struct {
		enum column_role role;
		const char *given, *usual;
	} own[] = { { COLUMN_DAY, c->day, "day" },
		    { COLUMN_MODEL, c->model, "model" },
		    { COLUMN_COST, c->cost, "cost" },
		    { COLUMN_INPUT, c->input, "input" },
		    { COLUMN_CACHE_READ, c->cache_read, "cache_read" },
		    { COLUMN_OUTPUT, c->output, "output" } };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		names[own[i].role] = own[i].given ? own[i].given : own[i].usual;
		asked[own[i].role] = own[i].given != NULL;
	}
	names[COLUMN_KIND] = "ChargeCategory";
	names[COLUMN_PROJECT] = "project";
}

/* Which column has which role; a name that was asked for must be there. */
static int take_header(struct reader *r, const struct csv_record *h, int at[COLUMN_ROLES],
		       struct err *e)
{
	const char *names[COLUMN_ROLES] = { 0 };
	bool asked[COLUMN_ROLES] = { false };
	const struct bill_columns none = { 0 }, *c = r->columns ? r->columns : &none;
	bool mapped = c->day || c->model || c->cost || c->input || c->cache_read || c->output;
	r->header = mapped ? NULL : header_of_columns(h->field, h->count);
	own_columns(c, names, asked);
	for (int w = 0; w < COLUMN_ROLES; w++) {
		const char *name = r->header ? r->header->column[w] : names[w];
		at[w] = -1;
		for (size_t i = 0; i < h->count; i++)
			if ((name && text_is(h->field[i], name)) ||
			    (w == COLUMN_CURRENCY && !name && column_is_currency(h->field[i])))
				at[w] = (int)i;
		if (at[w] < 0 && asked[w])
			return err_set(e, ERR_INVALID, "there is no column '%s', which --map names",
				       name);
	}
	if (at[COLUMN_DAY] < 0 || (at[COLUMN_COST] < 0 && at[COLUMN_TYPE] < 0))
		return err_set(e, ERR_INVALID,
			       "the header has no column for the %s; name it with --map",
			       at[COLUMN_DAY] < 0 ? "day (day=COLUMN)" : "cost (cost=COLUMN)");
	return 0;
}

/* The separator that the first line has most of. */
static char separator_of(struct text all)
{
	const char *end = memchr(all.p, '\n', all.n);
	size_t n = end ? (size_t)(end - all.p) : all.n, most = 0;
	char best = ',';
	for (const char *s = ",;\t"; *s; s++) {
		size_t count = 0;
		for (size_t i = 0; i < n; i++)
			count += all.p[i] == *s;
		if (count > most) {
			most = count;
			best = *s;
		}
	}
	return best;
}

static int read_csv(struct reader *r, struct text all, struct err *e)
{
	struct csv_record *head = mem_zalloc(sizeof *head), *row = mem_zalloc(sizeof *row);
	const char *p = all.p, *end = all.p + all.n;
	const char separator = all.n ? separator_of(all) : ',';
	int at[COLUMN_ROLES], rc = 0;
	r->comma_decimals = separator == ';';
	for (int64_t line = 1; rc == 0 && p < end; line++) {
		const char *next =
			csv_record_end(p, end, true, separator, head->count ? head->count : 1);
		struct text record = { p, (size_t)(next - p) };
		p = next;
		if (record.n && record.p[record.n - 1] == '\n')
			record.n--;
		if (record.n == 0 || text_is(record, "\r"))
			continue;
		struct csv_record *to = head->count ? row : head;
		rc = csv_split(to, record, separator, e);
		if (rc == 0)
			rc = to == head ? take_header(r, head, at, e) : add_row(r, row, at, e);
		if (rc != 0)
			err_context(e, "%s:%lld", r->name, (long long)line);
	}
	csv_record_release(head);
	csv_record_release(row);
	free(head);
	free(row);
	return rc;
}

/* --- JSON --- */

static int add_result(struct reader *r, json_value *x, int64_t day, bool anthropic, struct err *e)
{
	json_value *amount = json_member(x, "amount");
	struct text words = json_string(json_member(x, anthropic ? "model" : "line_item")),
		    type = json_string(json_member(x, "cost_type")),
		    money = json_number_or_string(anthropic ? amount
							    : json_member(amount, "value"));
	struct found f = { .day = day,
			   .project = json_string(
				   json_member(x, anthropic ? "workspace_id" : "project_id")) };
	struct bill_line *l;
	struct buf spelled = { 0 };
	take_words(r, &f, words, &spelled);
	if (anthropic && ((type.n && !text_is(type, "tokens")) ||
			  (!words.n && json_string(json_member(x, "description")).n))) {
		f.kind = BILL_FEE;
		f.model = type.n && !text_is(type, "tokens")
				  ? type
				  : json_string(json_member(x, "description"));
	}
	int rc = take_currency(r, json_string(json_member(anthropic ? x : amount, "currency")), e);
	if (rc == 0)
		rc = line_of(r, &f, &l, e);
	if (rc == 0)
		rc = add_cost(r, l, money, anthropic ? 2 : 0, e);
	buf_release(&spelled);
	return rc;
}

/* Buckets with a start and results. */
static int read_buckets(struct reader *r, struct text all, struct err *e)
{
	struct json_document *d;
	int rc = json_open(&d, all, e);
	if (rc != 0)
		return err_context(e, "%s", r->name);
	json_value *data = json_member(json_root(d), "data");
	size_t n = 0;
	if (json_kind(data) != JSON_ARRAY)
		rc = err_set(e, ERR_INVALID, "%s: there is no list 'data'", r->name);
	for (json_value *b = json_first(data); rc == 0 && b; b = json_next(b), n++) {
		json_value *start = json_member(b, "starting_at");
		bool anthropic = start != NULL;
		int64_t day;
		rc = day_from(
			r, json_number_or_string(anthropic ? start : json_member(b, "start_time")),
			&day, e);
		for (json_value *x = json_first(json_member(b, "results")); rc == 0 && x;
		     x = json_next(x))
			rc = add_result(r, x, day, anthropic, e);
		if (rc != 0)
			err_context(e, "%s: data[%zu]", r->name, n);
	}
	bool more = json_true(json_member(json_root(d), "has_more"));
	r->more |= more;
	r->last |= !more;
	json_close(d);
	return rc;
}

static int by_day(const void *a, const void *b)
{
	const struct bill_line *x = a, *y = b;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	int order = text_cmp(x->model, y->model);
	return order ? order : text_cmp(x->project, y->project);
}

static int parse(void *user, struct text entry, struct text all, struct err *e)
{
	struct reader *r = user;
	snprintf(r->name, sizeof r->name, "%s%s%.*s", r->path, entry.n ? ":" : "", (int)entry.n,
		 entry.n ? entry.p : "");
	r->file++;
	r->header = NULL;
	if (all.n >= 3 && memcmp(all.p, "\xef\xbb\xbf", 3) == 0) {
		all.p += 3;
		all.n -= 3;
	}
	if (all.n == 0)
		return 0;
	if (utf8_valid_prefix(all.p, all.n) != all.n)
		return err_set(e, ERR_INVALID, "'%s' is not text in UTF-8", r->name);
	uint64_t *seen = dict_need(&r->seen, all, NULL);
	if (*seen)
		return err_set(e, ERR_INVALID,
			       "'%s' has the same content as an earlier file: a bill counts once",
			       r->name);
	*seen = r->file;
	bool json = *all.p == '{' || *all.p == '[';
	if (json)
		r->header = header_of_document(all);
	int rc = json ? read_buckets(r, all, e) : read_csv(r, all, e);
	const char *vendor = r->header ? r->header->vendor : NULL;
	if (r->file == 1)
		r->bill->provider = vendor;
	else if (!vendor || !r->bill->provider || strcmp(vendor, r->bill->provider) != 0)
		r->bill->provider = NULL;
	return rc;
}

/* Where no cost is stated, what price and amount give; charges are positive. */
static void settle(struct reader *r)
{
	struct bill *b = r->bill;
	bool flip =
		b->provider && strcmp(b->provider, "deepseek") == 0 && r->deductions > r->charges;
	for (size_t i = 0; i < b->lines; i++) {
		struct bill_line *l = &b->line[i];
		if (flip)
			l->cost.atto = -l->cost.atto;
		if (!l->has_cost && l->estimate.atto) {
			l->cost = l->estimate;
			l->has_cost = true;
		}
	}
	b->partial = r->more && !r->last;
}

static int finish(struct reader *r, const char *path, int rc, struct err *e)
{
	struct bill *out = r->bill;
	if (rc == 0 && out->lines == 0)
		rc = err_set(e, ERR_INVALID, "'%s' holds no billed line", path);
	dict_release(&r->index);
	dict_release(&r->seen);
	if (rc != 0) {
		bill_release(out);
		return rc;
	}
	settle(r);
	qsort(out->line, out->lines, sizeof *out->line, by_day);
	return 0;
}

int bill_parse(struct bill *out, struct text all, const char *path,
	       const struct bill_columns *columns, struct err *e)
{
	struct reader r = { .bill = out, .path = path, .columns = columns };
	*out = (struct bill){ 0 };
	return finish(&r, path, unpack(all, BILL_BYTES_MAX, parse, &r, e), e);
}

int bill_read(struct bill *out, const char *const *path, size_t count,
	      const struct bill_columns *columns, struct err *e)
{
	struct reader r = { .bill = out, .columns = columns };
	int rc = 0;
	*out = (struct bill){ 0 };
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct buf b = { 0 };
		r.path = path[i];
		rc = file_read(&b, r.path, BILL_BYTES_MAX, e);
		if (rc == 0 &&
		    (rc = unpack((struct text){ b.p, b.n }, BILL_BYTES_MAX, parse, &r, e)) != 0 &&
		    r.file == 0)
			err_context(e, "%s", r.path);
		buf_release(&b);
	}
	return finish(&r, path[0], rc, e);
}

void bill_release(struct bill *b)
{
	free(b->line);
	arena_release(&b->arena);
	*b = (struct bill){ 0 };
}
