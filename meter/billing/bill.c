#include "meter/billing/bill.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/dict.h"
#include "base/file.h"
#include "base/instant.h"
#include "base/json.h"
#include "meter/billing/tiers.h"

enum { BILL_BYTES_MAX = 256 << 20 };

struct reader {
	struct bill *bill;
	struct dict index; /* day and model to 1 + line */
	const char *path;
};

static struct bill_line *line_of(struct reader *r, int64_t day, struct text model)
{
	struct bill *b = r->bill;
	struct buf key = { 0 };
	buf_int(&key, day);
	buf_puts(&key, " ");
	buf_add(&key, model.p, model.n);
	uint64_t *at = dict_need(&r->index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((b->lines & (b->lines - 1)) == 0)
			b->line =
				mem_grow(b->line, (b->lines ? b->lines * 2 : 64) * sizeof *b->line);
		b->line[b->lines] = (struct bill_line){
			.day = day,
			.model = { arena_text(&b->arena, model.n ? model.p : "", model.n), model.n }
		};
		*at = ++b->lines;
	}
	return &b->line[*at - 1];
}

/* shift: decimal places that the amount is to move left (2 for cents). */
static int add_cost(struct bill_line *l, struct text amount, int shift, struct err *e)
{
	struct decimal d;
	struct money_total m;
	bool changed;
	int rc = decimal_parse(&d, amount, e);
	if (rc != 0)
		return err_context(e, "the amount");
	d = decimal_round_places(decimal_shift(d, -shift), MONEY_TOTAL_PLACES, &changed);
	rc = amount_from_decimal(&m, d, e);
	if (rc == 0 && !money_total_add(&l->cost, m))
		rc = err_set(e, ERR_RANGE, "the costs are more than can be held");
	l->has_cost = true;
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

static int day_from(struct text s, int64_t *out, struct err *e)
{
	struct instant t;
	int rc = instant_parse_lenient(&t, s, e);
	if (rc == 0)
		*out = floor_div(t.us, US_PER_DAY);
	return rc;
}

/* --- CSV --- */

enum what {
	W_DAY,
	W_MODEL,
	W_COST,
	W_CURRENCY,
	W_TYPE,
	W_AMOUNT,
	W_PRICE,
	W_INPUT,
	W_CACHE_READ,
	W_OUTPUT,
	W_COUNT
};

static int find_columns(const struct csv_record *h, const char *const names[W_COUNT],
			int at[W_COUNT])
{
	int found = 0;
	for (int w = 0; w < W_COUNT; w++) {
		at[w] = -1;
		for (size_t i = 0; names[w] && i < h->count; i++)
			if (text_is(h->field[i], names[w])) {
				at[w] = (int)i;
				found++;
			}
	}
	return found;
}

static int count_in(struct text s, int64_t *out, struct err *e)
{
	struct decimal d;
	if (decimal_parse(&d, s, NULL) != 0 || !decimal_to_int64(d, 0, out))
		return err_set(e, ERR_INVALID, "'%.*s' is no count", (int)s.n, s.p);
	return 0;
}

/* DeepSeek's amount export has a row a kind of token. */
static int add_deepseek_amount(struct bill_line *l, struct text type, struct text amount,
			       struct text price, struct err *e)
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
	int rc = count_in(amount, &n, e);
	if (rc != 0 || !to)
		return rc;
	*to += n;
	l->has_tokens = true;
	/* where the price of a token stands beside, the row has a cost too */
	if (price.n && decimal_parse(&a, amount, NULL) == 0 &&
	    decimal_parse(&p, price, NULL) == 0 && decimal_multiply(a, p, &product)) {
		char text[DECIMAL_TEXT_MAX];
		return add_cost(l, text_of(decimal_format(product, text)), 0, e);
	}
	return 0;
}

static struct text field(const struct csv_record *v, int at)
{
	return at >= 0 && (size_t)at < v->count ? v->field[at] : (struct text){ "", 0 };
}

static int add_row(struct reader *r, const struct csv_record *v, const int at[W_COUNT],
		   struct err *e)
{
	int64_t day, n;
	struct text model = field(v, at[W_MODEL]), type = field(v, at[W_TYPE]);
	int rc = day_from(field(v, at[W_DAY]), &day, e);
	if (rc != 0)
		return err_context(e, "the day");
	struct bill_line *l = line_of(r, day, model);
	if (type.n)
		rc = add_deepseek_amount(l, type, field(v, at[W_AMOUNT]), field(v, at[W_PRICE]), e);
	if (rc == 0 && field(v, at[W_COST]).n)
		rc = add_cost(l, field(v, at[W_COST]), 0, e);
	if (rc == 0)
		rc = take_currency(r, field(v, at[W_CURRENCY]), e);
	const struct {
		int at;
		int64_t *to;
	} counts[] = { { at[W_INPUT], &l->input },
		       { at[W_CACHE_READ], &l->cache_read },
		       { at[W_OUTPUT], &l->output } };
	for (size_t i = 0; rc == 0 && i < sizeof counts / sizeof *counts; i++)
		if (field(v, counts[i].at).n) {
			rc = count_in(field(v, counts[i].at), &n, e);
			*counts[i].to += rc == 0 ? n : 0;
			l->has_tokens = true;
		}
	return rc;
}

static int read_csv(struct reader *r, struct text all, const char *const names[W_COUNT],
		    struct err *e)
{
	struct csv_record head = { 0 }, row = { 0 };
	const char *p = all.p, *end = all.p + all.n;
	int at[W_COUNT], rc = 0;
	for (int64_t line = 1; rc == 0 && p < end; line++) {
		const char *next = csv_record_end(p, end, true, ',', head.count ? head.count : 1);
		struct text record = { p, (size_t)(next - p) };
		p = next;
		if (record.n && record.p[record.n - 1] == '\n')
			record.n--;
		if (record.n == 0 || text_is(record, "\r"))
			continue;
		if (head.count == 0) {
			rc = csv_split(&head, record, ',', e);
			if (rc == 0)
				find_columns(&head, names, at);
			if (rc == 0 && (at[W_DAY] < 0 || (at[W_COST] < 0 && at[W_TYPE] < 0)))
				rc = err_set(e, ERR_INVALID,
					     "the header has no column for the %s; name it with "
					     "--map",
					     at[W_DAY] < 0 ? "day (day=COLUMN)"
							   : "cost (cost=COLUMN)");
		} else {
			rc = csv_split(&row, record, ',', e);
			if (rc == 0)
				rc = add_row(r, &row, at, e);
		}
		if (rc != 0)
			err_context(e, "%s:%lld", r->path, (long long)line);
	}
	csv_record_release(&head);
	csv_record_release(&row);
	return rc;
}

/* --- JSON --- */

/* Buckets with a start and results. */
static int read_buckets(struct reader *r, struct text all, bool anthropic, struct err *e)
{
	struct json_document *d;
	int rc = json_open(&d, all, e);
	if (rc != 0)
		return err_context(e, "%s", r->path);
	json_value *data = json_member(json_root(d), "data");
	size_t n = 0;
	if (json_kind(data) != JSON_ARRAY)
		rc = err_set(e, ERR_INVALID, "%s: there is no list 'data'", r->path);
	for (json_value *b = json_first(data); rc == 0 && b; b = json_next(b), n++) {
		int64_t day;
		rc = day_from(json_number_or_string(
				      json_member(b, anthropic ? "starting_at" : "start_time")),
			      &day, e);
		for (json_value *x = json_first(json_member(b, "results")); rc == 0 && x;
		     x = json_next(x)) {
			struct text model, amount, currency;
			if (anthropic) {
				model = json_string(json_member(x, "model"));
				amount = json_number_or_string(json_member(x, "amount"));
				currency = json_string(json_member(x, "currency"));
			} else {
				/* "gpt-5, input": what stands before the comma */
				model = json_string(json_member(x, "line_item"));
				const char *comma = memchr(model.p, ',', model.n);
				model.n = comma ? (size_t)(comma - model.p) : model.n;
				amount = json_number_or_string(
					json_member(json_member(x, "amount"), "value"));
				currency = json_string(
					json_member(json_member(x, "amount"), "currency"));
			}
			rc = take_currency(r, currency, e);
			if (rc == 0)
				rc = add_cost(line_of(r, day, model), amount, anthropic ? 2 : 0, e);
		}
		if (rc != 0)
			err_context(e, "%s: data[%zu]", r->path, n);
	}
	json_close(d);
	return rc;
}

static int by_day(const void *a, const void *b)
{
	const struct bill_line *x = a, *y = b;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return text_cmp(x->model, y->model);
}

static int parse(struct reader *r, struct text all, enum bill_format format,
		 const struct bill_columns *c, struct err *e)
{
	const char *const deepseek[W_COUNT] = {
		[W_DAY] = "utc_date",	  [W_MODEL] = "model",	 [W_COST] = "cost",
		[W_TYPE] = "type",	  [W_AMOUNT] = "amount", [W_PRICE] = "price",
		[W_CURRENCY] = "currency"
	};
	const char *const own[W_COUNT] = { [W_DAY] = c->day ? c->day : "day",
					   [W_MODEL] = c->model ? c->model : "model",
					   [W_COST] = c->cost ? c->cost : "cost",
					   [W_INPUT] = c->input ? c->input : "input",
					   [W_CACHE_READ] =
						   c->cache_read ? c->cache_read : "cache_read",
					   [W_OUTPUT] = c->output ? c->output : "output",
					   [W_CURRENCY] = "currency" };
	if (all.n >= 3 && memcmp(all.p, "\xef\xbb\xbf", 3) == 0) {
		all.p += 3;
		all.n -= 3;
	}
	if (utf8_valid_prefix(all.p, all.n) != all.n)
		return err_set(e, ERR_INVALID, "'%s' is not text in UTF-8", r->path);
	if (format == BILL_ANTHROPIC || format == BILL_OPENAI)
		return read_buckets(r, all, format == BILL_ANTHROPIC, e);
	return read_csv(r, all, format == BILL_DEEPSEEK ? deepseek : own, e);
}

static int finish(struct reader *r, const char *path, int rc, struct err *e)
{
	struct bill *out = r->bill;
	if (rc == 0 && out->lines == 0)
		rc = err_set(e, ERR_INVALID, "'%s' holds nothing that was billed", path);
	dict_release(&r->index);
	if (rc != 0)
		bill_release(out);
	else
		qsort(out->line, out->lines, sizeof *out->line, by_day);
	return rc;
}

int bill_parse(struct bill *out, struct text all, const char *path, enum bill_format format,
	       const struct bill_columns *columns, struct err *e)
{
	struct reader r = { .bill = out, .path = path };
	*out = (struct bill){ 0 };
	return finish(&r, path, parse(&r, all, format, columns, e), e);
}

int bill_read(struct bill *out, const char *const *path, size_t count, enum bill_format format,
	      const struct bill_columns *columns, struct err *e)
{
	struct reader r = { .bill = out };
	int rc = 0;
	*out = (struct bill){ 0 };
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct buf b = { 0 };
		r.path = path[i];
		rc = file_read(&b, r.path, BILL_BYTES_MAX, e);
		if (rc == 0)
			rc = parse(&r, (struct text){ b.p, b.n }, format, columns, e);
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
