#include "reports/usage_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "reports/amount.h"
#include "reports/lower_bound_report.h"
#include "reports/plain.h"
#include "reports/recorded_cost_report.h"
#include "reports/table.h"

static int by_amount(const void *x, const void *y, void *of)
{
	const struct usage_report *r = of;
	size_t i = *(const size_t *)x, k = *(const size_t *)y;
	const struct usage_sums *a = usage_group(r->result, i), *b = usage_group(r->result, k);
	if (r->order == USAGE_ORDER_COST && a->cost.atto != b->cost.atto)
		return a->cost.atto > b->cost.atto ? -1 : 1;
	if (r->order == USAGE_ORDER_RECORDS && a->records != b->records)
		return a->records > b->records ? -1 : 1;
	return (i > k) - (i < k);
}

static size_t *shown(const struct usage_report *r, size_t *count)
{
	size_t n = usage_group_count(r->result);
	size_t *index = mem_alloc((n + 1) * sizeof *index);
	for (size_t i = 0; i < n; i++)
		index[i] = i;
	struct usage_report of = *r;
	if (r->order != USAGE_ORDER_KEY && n)
		qsort_r(index, n, sizeof *index, by_amount, &of);
	*count = r->limit && (uint64_t)r->limit < n ? (size_t)r->limit : n;
	return index;
}

void put_tokens_object(struct json_out *j, const int64_t tokens[BUCKET_COUNT])
{
	json_out_object(j, "tokens");
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (b < BUCKET_COMMON || tokens[b])
			json_out_int(j, bucket_name((enum bucket)b), tokens[b]);
	json_out_end(j, '}');
}

void put_other_counts(struct json_out *j, const int64_t *counts)
{
	for (int k = BUCKET_COUNT; k < COUNT_KINDS; k++)
		if (counts[k])
			json_out_int(j, count_name(k), counts[k]);
}

void put_usage_sums(struct json_out *j, const struct usage_sums *s)
{
	json_out_int(j, "records", s->records);
	json_out_int(j, "requests", s->requests);
	put_tokens_object(j, s->tokens);
	put_other_counts(j, s->counts);
	json_out_money(j, "total", s->cost);
	json_out_int(j, "unpriced", s->unpriced);
	json_out_int(j, "placeholders", s->placeholders);
	if (s->by_seller) {
		json_out_object(j, "stated_by_the_seller");
		json_out_int(j, "records", s->by_seller);
		json_out_money(j, "total", s->sellers);
		json_out_end(j, '}');
	}
	if (s->recorded[COST_CHARGED].records || s->recorded[COST_ESTIMATED].records)
		put_recorded_cost(j, s->recorded);
}

void put_unpriced_reasons(struct json_out *j, const struct usage_result *r)
{
	json_out_array(j, "unpriced_reasons");
	for (size_t i = 0; i < usage_reason_count(r); i++) {
		const struct usage_reason *reason = usage_reason(r, i);
		json_out_object(j, NULL);
		json_out_string(j, "model", reason->model);
		json_out_string(j, "reason", reason->why);
		json_out_int(j, "records", reason->records);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static struct unpriced_reason reason_of(const void *of, size_t i)
{
	const struct usage_reason *r = usage_reason(of, i);
	return (struct unpriced_reason){ text_of(r->model), r->why, r->records };
}

struct unpriced usage_unpriced(const struct usage_result *r, const char *noun, const char *mend)
{
	return (struct unpriced){ .records = usage_total(r)->unpriced,
				  .noun = noun,
				  .reasons = usage_reason_count(r),
				  .reason = reason_of,
				  .of = r,
				  .mend = mend };
}

static void put_price_dates(struct json_out *j, const struct price_dates *d)
{
	json_out_object(j, "price_dates");
	json_out_int(j, "records_that_hang_on_it", d->records);
	json_out_money(j, "difference", d->difference);
	json_out_int(j, "records_unknown", d->unknown);
	json_out_end(j, '}');
}

void price_dates_words(struct buf *b, const struct price_dates *d)
{
	char text[DECIMAL_TEXT_MAX];
	const bool one = d->records == 1;
	b->n = 0;
	if (d->records)
		buf_printf(b,
			   "%s %s between the last sight of %s price and the first of the "
			   "next one, by which %s something else: %s%s in all",
			   COUNTED(d->records, "record"), one ? "lies" : "lie",
			   one ? "its" : "their", one ? "it costs" : "they cost",
			   d->difference.atto >= 0 ? "+" : "",
			   money_total_format(d->difference, text));
	if (d->unknown)
		buf_printf(b, "%s%s %s there and use%s what the next price does not state",
			   d->records ? "; " : "", COUNTED(d->unknown, "record"),
			   d->unknown == 1 ? "lies" : "lie", d->unknown == 1 ? "s" : "");
}

void usage_report_put(struct json_out *j, const struct usage_report *r)
{
	size_t count = 0, *index = shown(r, &count);
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.usage/1");
	json_out_string(j, "currency", usage_currency(r->result));
	json_out_string(j, "timezone", r->timezone ? r->timezone : "UTC");
	put_usage_sums(j, usage_total(r->result));
	json_out_int(j, "quarantined", usage_total(r->result)->refused);
	json_out_int(j, "uncovered", r->uncovered);
	if (r->dim_count) {
		json_out_array(j, "groups");
		for (size_t i = 0; i < count; i++) {
			json_out_object(j, NULL);
			for (size_t d = 0; d < r->dim_count; d++) {
				struct text label = usage_label(r->result, index[i], d);
				if (label.n)
					json_out_text(j, grouping_name(r->dim[d]), label);
				else
					json_out_null(j, grouping_name(r->dim[d]));
			}
			put_usage_sums(j, usage_group(r->result, index[i]));
			json_out_end(j, '}');
		}
		json_out_end(j, ']');
	}
	put_price_dates(j, &r->dates);
	put_stand_ins(j, &r->stand_ins);
	put_moving_names(j, &r->moving);
	put_unpriced_reasons(j, r->result);
	put_lower_bound(j, &r->bound);
	json_out_end(j, '}');
	free(index);
}

static void put_number(struct buf *b, int64_t n)
{
	buf_add(b, ",", 1);
	buf_int(b, n);
}

void usage_report_csv(const struct usage_report *r)
{
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	size_t count = 1, *index = r->dim_count ? shown(r, &count) : NULL;
	for (size_t d = 0; d < r->dim_count; d++)
		buf_printf(&b, "%s,", grouping_name(r->dim[d]));
	buf_puts(&b, "records,requests");
	for (int k = 0; k < BUCKET_COMMON; k++)
		buf_printf(&b, ",%s", bucket_name((enum bucket)k));
	buf_printf(&b, ",currency,total,unpriced,placeholders%s\n",
		   r->recorded ? ",charged,estimated" : "");
	for (size_t i = 0; i < count; i++) {
		const struct usage_sums *s =
			index ? usage_group(r->result, index[i]) : usage_total(r->result);
		for (size_t d = 0; d < r->dim_count; d++) {
			csv_put_text(&b, usage_label(r->result, index[i], d));
			buf_puts(&b, ",");
		}
		buf_int(&b, s->records);
		put_number(&b, s->requests);
		for (int k = 0; k < BUCKET_COMMON; k++)
			put_number(&b, s->tokens[k]);
		buf_printf(&b, ",%s,%s", usage_currency(r->result),
			   money_total_format(s->cost, text));
		put_number(&b, s->unpriced);
		put_number(&b, s->placeholders);
		for (int k = 0; r->recorded && k < COST_KINDS; k++)
			buf_printf(&b, ",%s", money_total_format(s->recorded[k].total, text));
		buf_puts(&b, "\n");
	}
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
	free(index);
}

/* Where cells go: to a table of a terminal or of a report to hand on. */
struct sheet {
	struct table *table;
	struct memo *memo;
};

static void put_cell(const struct sheet *t, const char *text)
{
	if (t->table)
		table_cell(t->table, text);
	else
		memo_cell(t->memo, text);
}

/* The share of the prompt that was read from a cache. */
static void put_hits(const struct sheet *t, const struct usage_sums *s, struct buf *b)
{
	char text[DECIMAL_TEXT_MAX];
	const int128 read = s->tokens[BUCKET_CACHE_READ],
		     prompt = read + s->tokens[BUCKET_INPUT] + s->tokens[BUCKET_CACHE_WRITE_5M] +
			      s->tokens[BUCKET_CACHE_WRITE_1H];
	b->n = 0;
	put_cell(t, prompt > 0 ? percent_text(read, prompt, text) : "");
}

static bool has_writes(const struct usage_report *r)
{
	const int64_t *tokens = usage_total(r->result)->tokens;
	return tokens[BUCKET_CACHE_WRITE_5M] || tokens[BUCKET_CACHE_WRITE_1H];
}

static bool has_no_price(const struct usage_sums *s)
{
	return s->cost.atto == 0 && s->unpriced > 0;
}

static void put_sums(const struct sheet *t, const struct usage_report *r,
		     const struct usage_sums *s)
{
	struct buf b = { 0 };
	int64_t counts[5] = { s->records, s->tokens[BUCKET_INPUT], s->tokens[BUCKET_CACHE_READ] };
	size_t n = 3;
	if (has_writes(r))
		counts[n++] = s->tokens[BUCKET_CACHE_WRITE_5M] + s->tokens[BUCKET_CACHE_WRITE_1H];
	counts[n++] = s->tokens[BUCKET_OUTPUT];
	for (size_t i = 0; i < n; i++) {
		put_count(&b, counts[i]);
		put_cell(t, b.p);
	}
	if (r->hits)
		put_hits(t, s, &b);
	put_cost(&b, s, usage_currency(r->result));
	put_cell(t, t->memo && has_no_price(s) ? "no price" : b.p);
	if (r->recorded) {
		put_recorded_total(&b, s->recorded);
		put_cell(t, b.p);
	}
	buf_release(&b);
}

static void put_group(const struct sheet *t, const struct usage_report *r, size_t i)
{
	for (size_t d = 0; d < r->dim_count; d++) {
		const struct text label = usage_label(r->result, i, d);
		put_cell(t, label.n ? label.p : "(none)");
	}
	put_sums(t, r, usage_group(r->result, i));
}

static void put_total(const struct sheet *t, const struct usage_report *r)
{
	for (size_t d = 0; d < (r->dim_count ? r->dim_count : 1); d++)
		put_cell(t, d == 0 ? "total" : "");
	put_sums(t, r, usage_total(r->result));
}

enum { COLUMNS_MOST = GROUPING_COUNT + 9 };

static size_t columns_of(const struct usage_report *r, struct table_column column[COLUMNS_MOST],
			 char title[GROUPING_COUNT][TABLE_HEADING])
{
	size_t n = 0;
	for (size_t d = 0; d < r->dim_count; d++)
		column[n++] =
			(struct table_column){ table_heading(title[d], grouping_name(r->dim[d])),
					       false, true };
	if (!r->dim_count)
		column[n++] = (struct table_column){ "", false, false };
	column[n++] = (struct table_column){ "RECORDS", true, .leaves = 5 };
	column[n++] = (struct table_column){ "INPUT", true, .leaves = 4 };
	column[n++] = (struct table_column){ "CACHE READ", true, .leaves = 3 };
	if (has_writes(r))
		column[n++] = (struct table_column){ "CACHE WRITE", true, .leaves = 2 };
	column[n++] = (struct table_column){ "OUTPUT", true, .leaves = 6 };
	if (r->hits)
		column[n++] = (struct table_column){ "CACHE HITS", true };
	column[n++] = (struct table_column){ "COST", true, .money = true };
	if (r->recorded)
		column[n++] = (struct table_column){ "RECORDED", true, .money = true };
	return n;
}

static int128 max_cost(const struct usage_report *r, const size_t *index, size_t count)
{
	int128 most = 0;
	for (size_t i = 0; i < count; i++) {
		const int128 cost = usage_group(r->result, index[i])->cost.atto;
		most = cost > most ? cost : most;
	}
	return most;
}

static void print_groups(const struct usage_report *r, const size_t *index, size_t count)
{
	struct table_column column[COLUMNS_MOST];
	char title[GROUPING_COUNT][TABLE_HEADING];
	size_t n = columns_of(r, column, title);
	column[n++] = (struct table_column){ "", .bar = true };
	const struct sheet t = { .table = table_open(column, n) };
	const int128 most = max_cost(r, index, count);
	for (size_t i = 0; i < count && r->dim_count; i++) {
		put_group(&t, r, index[i]);
		table_bar(t.table, usage_group(r->result, index[i])->cost.atto,
			  count > 1 ? most : 0);
	}
	if (r->dim_count)
		table_blank(t.table);
	put_total(&t, r);
	table_cell(t.table, "");
	table_print(t.table);
	table_close(t.table);
}

/* What the sums leave out, and what hangs on what is not known. */
static void print_remarks(const struct usage_report *r)
{
	const struct usage_sums *total = usage_total(r->result);
	struct buf dates = { 0 };
	price_dates_words(&dates, &r->dates);
	if (dates.n)
		print_note("\n%s", dates.p);
	buf_release(&dates);
	print_stand_ins(&r->stand_ins);
	print_moving_names(&r->moving);
	const struct unpriced u = usage_unpriced(r->result, "record", "; then `tally rerate`");
	if (u.records)
		print_gap();
	print_unpriced(&u);
	print_by_seller(total->by_seller, total->sellers, usage_currency(r->result));
	if (r->recorded)
		print_recorded_cost(total->recorded);
	print_lower_bound(&r->bound);
	if (total->refused)
		print_note("\n%s %s in quarantine, not counted (tally quarantine list)",
			   COUNTED(total->refused, "record"), total->refused == 1 ? "is" : "are");
	if (r->conflicts)
		print_note("\n%s of the database came with an id that another had, and the first "
			   "counts (tally quarantine list)",
			   COUNTED(r->conflicts, "record"));
	if (r->uncovered)
		print_note("\n"
			   "%s drew no credits, because the plan does not cover %s (tally status)",
			   COUNTED(r->uncovered, "record"), r->uncovered == 1 ? "it" : "them");
}

void usage_report_table(const struct usage_report *r)
{
	size_t count = 0, *index = shown(r, &count);
	const size_t groups = usage_group_count(r->result);
	if (usage_total(r->result)->records == 0 && groups == 0) {
		print_note("nothing of that kind and period was metered");
		print_remarks(r);
		free(index);
		return;
	}
	print_groups(r, index, count);
	if (r->timezone && strcmp(r->timezone, "UTC") != 0)
		print_note("\ndays and hours of %s (-z UTC for another)", r->timezone);
	if (count < groups)
		print_note("\n%zu of %zu groups shown (--limit)", count, groups);
	print_remarks(r);
	free(index);
}

/* A bar for each group, where they are few enough to be looked at. */
static void put_bars(struct memo *out, const struct usage_report *r, const size_t *index,
		     size_t count)
{
	enum { BARS_MOST = 40 };
	const int128 most = max_cost(r, index, count);
	struct buf name = { 0 }, amount = { 0 };
	if (count < 2 || count > BARS_MOST || !most)
		return;
	memo_bars(out, "Cost");
	for (size_t i = 0; i < count; i++) {
		const struct usage_sums *s = usage_group(r->result, index[i]);
		name.n = 0;
		for (size_t d = 0; d < r->dim_count; d++) {
			const struct text label = usage_label(r->result, index[i], d);
			buf_printf(&name, "%s%s", d ? ", " : "", label.n ? label.p : "(none)");
		}
		memo_bar(out, name.p,
			 has_no_price(s) ? "no price"
					 : cents_cost(&amount, s, usage_currency(r->result)),
			 (int)(s->cost.atto > 0 ? s->cost.atto * 1000 / most : 0));
	}
	buf_release(&name);
	buf_release(&amount);
}

static void put_remarks(struct memo *out, const struct usage_report *r)
{
	struct buf notes = { 0 };
	char *rest;
	take_notes(&notes);
	print_remarks(r);
	take_notes(NULL);
	buf_puts(&notes, "");
	for (char *line = strtok_r(notes.p, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		(*line == ' ' ? memo_point : memo_text)(out, "%s", line + strspn(line, " "));
	buf_release(&notes);
}

void usage_report_memo(struct memo *out, const struct usage_report *r, const char *about)
{
	_Static_assert((int)COLUMNS_MOST <= (int)MEMO_COLUMNS_MAX,
		       "a report has room for all columns");
	struct table_column column[COLUMNS_MOST];
	size_t count = 0, *index = shown(r, &count);
	const size_t groups = usage_group_count(r->result);
	struct memo_column *columns = arena_alloc(&out->arena, sizeof *columns * COLUMNS_MOST);
	char(*title)[TABLE_HEADING] = arena_alloc(&out->arena, sizeof *title * GROUPING_COUNT);
	const size_t n = columns_of(r, column, title);
	const struct sheet t = { .memo = out };
	struct buf b = { 0 };
	for (size_t i = 0; i < n; i++)
		columns[i] = (struct memo_column){ .title = column[i].title,
						   .right = column[i].right,
						   .leaves = column[i].leaves };
	out->title = "Usage";
	out->subtitle = arena_printf(&out->arena, "%s; days and hours of %s", about,
				     r->timezone ? r->timezone : "UTC");
	put_cost(&b, usage_total(r->result), usage_currency(r->result));
	memo_figure(out, "Cost", b.p);
	buf_release(&b);
	put_bars(out, r, index, count);
	memo_table(out, columns, n);
	for (size_t i = 0; i < count && r->dim_count; i++)
		put_group(&t, r, index[i]);
	put_total(&t, r);
	if (count < groups)
		memo_text(out, "%zu of %zu groups shown", count, groups);
	put_remarks(out, r);
	free(index);
}
