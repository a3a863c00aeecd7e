#include "reports/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "reports/amount.h"
#include "reports/lower_bound_report.h"
#include "reports/plain.h"
#include "reports/recorded_cost_report.h"
#include "reports/table.h"
#include "reports/usage_report.h"

/* The result adds up to its total, which holds; so does every part of it. */
void look_add(struct usage_sums *to, const struct usage_sums *more)
{
	usage_sums_add(to, more, NULL);
}

int64_t look_tokens(const struct usage_sums *s)
{
	int64_t n = 0;
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (b != BUCKET_REASONING)
			n += s->tokens[b];
	return n;
}

void look_models_add(struct look_models *m, struct text name, const struct usage_sums *sums)
{
	uint64_t *at = dict_need(&m->index, name, NULL);
	if (!*at) {
		if ((m->count & (m->count - 1)) == 0)
			m->model = mem_grow(m->model,
					    (m->count ? m->count * 2 : 1) * sizeof *m->model);
		m->model[m->count] = (struct look_model){ .name = name };
		*at = ++m->count;
	}
	look_add(&m->model[*at - 1].sums, sums);
}

/* Whose models are complete. */
static void end_row(struct look_row *row, struct look_models *m)
{
	if (row) {
		row->model = m->model;
		row->models = m->count;
	}
	dict_release(&m->index);
	m->model = NULL;
	m->count = 0;
}

static int dearest_first(const void *x, const void *y)
{
	const struct look_model *a = x, *b = y;
	if (a->sums.cost.atto != b->sums.cost.atto)
		return a->sums.cost.atto > b->sums.cost.atto ? -1 : 1;
	return text_cmp(a->name, b->name);
}

void look_fold(struct look *l, const struct usage_result *result, size_t labels, bool has_day)
{
	const size_t groups = usage_group_count(result);
	*l = (struct look){ .result = result };
	l->row = mem_zalloc((groups + 1) * sizeof *l->row);
	struct look_models models = { 0 };
	/* groups come in the order of their labels, so those of a row follow each other */
	for (size_t i = 0; i < groups; i++) {
		struct look_row *row = l->rows ? &l->row[l->rows - 1] : NULL;
		for (size_t d = 0; row && d < labels; d++)
			if (!text_eq(row->label[d], usage_label(result, i, d)))
				row = NULL;
		if (!row) {
			end_row(l->rows ? &l->row[l->rows - 1] : NULL, &models);
			row = &l->row[l->rows++];
			for (size_t d = 0; d < labels; d++)
				row->label[d] = usage_label(result, i, d);
		}
		if (has_day && text_cmp(usage_label(result, i, labels), row->last_day) > 0)
			row->last_day = usage_label(result, i, labels);
		look_add(&row->sums, usage_group(result, i));
		look_models_add(&models, usage_label(result, i, labels + has_day),
				usage_group(result, i));
	}
	end_row(l->rows ? &l->row[l->rows - 1] : NULL, &models);
	dict_release(&models.index);
	for (size_t i = 0; i < l->rows; i++)
		qsort(l->row[i].model, l->row[i].models, sizeof *l->row[i].model, dearest_first);
}

bool look_names(const struct look *l, size_t label)
{
	for (size_t i = 0; i < l->rows; i++)
		if (l->row[i].label[label].n)
			return true;
	return false;
}

void look_release(struct look *l)
{
	for (size_t i = 0; i < l->rows; i++)
		free(l->row[i].model);
	free(l->row);
	*l = (struct look){ 0 };
}

static int compare_rows(const void *x, const void *y, void *order)
{
	const struct look_row *a = x, *b = y;
	int c = 0;
	switch (*(enum look_order *)order) {
	case LOOK_BY_COST:
		c = (a->sums.cost.atto < b->sums.cost.atto) -
		    (a->sums.cost.atto > b->sums.cost.atto);
		break;
	case LOOK_BY_RECORDS:
		c = (a->sums.records < b->sums.records) - (a->sums.records > b->sums.records);
		break;
	case LOOK_BY_LAST:
		c = text_cmp(a->last_day, b->last_day);
		break;
	case LOOK_BY_KEY:
		break;
	}
	for (size_t d = 0; c == 0 && d < GROUPING_COUNT; d++)
		c = text_cmp(a->label[d], b->label[d]);
	return c;
}

void look_sort(struct look *l, enum look_order order)
{
	qsort_r(l->row, l->rows, sizeof *l->row, compare_rows, &order);
}

void look_reverse(struct look *l)
{
	for (size_t i = 0; i < l->rows / 2; i++) {
		const struct look_row row = l->row[i];
		l->row[i] = l->row[l->rows - 1 - i];
		l->row[l->rows - 1 - i] = row;
	}
}

/* "claude-sonnet-4-5-20250929" as "sonnet-4-5": a name as short as it stays clear. */
static struct text look_short_model(struct text name)
{
	size_t n = name.n;
	if (n > 9 && name.p[n - 9] == '-') {
		size_t digits = 0;
		while (digits < 8 && is_digit(name.p[n - 1 - digits]))
			digits++;
		name.n -= digits == 8 ? 9 : 0;
	}
	if (name.n > 7 && memcmp(name.p, "claude-", 7) == 0)
		name = (struct text){ name.p + 7, name.n - 7 };
	return name;
}

void look_put_names(struct buf *b, size_t count, struct text (*name)(const void *of, size_t i),
		    const void *of)
{
	enum { WIDE = 24 }; /* as many names as a narrow table shows uncut */
	size_t i = 0;
	b->n = 0;
	for (; i < count; i++) {
		const struct text named = name(of, i),
				  t = named.n ? look_short_model(named) : TEXT("(no model)");
		const size_t more = count - i > 1 ? 3 : 0; /* " +1" */
		if (i && b->n + 2 + t.n + more > WIDE)
			break;
		buf_printf(b, "%s%.*s", i ? ", " : "", (int)t.n, t.p);
	}
	if (i < count)
		buf_printf(b, " +%zu", count - i);
	if (count == 0)
		buf_puts(b, "");
}

static struct text name_of(const void *row, size_t i)
{
	return ((const struct look_row *)row)->model[i].name;
}

static void put_sums(struct table *t, const struct look_report *r, const struct usage_sums *s,
		     struct buf *b)
{
	const int64_t count[] = {
		s->tokens[BUCKET_INPUT],
		s->tokens[BUCKET_CACHE_WRITE_5M] + s->tokens[BUCKET_CACHE_WRITE_1H],
		s->tokens[BUCKET_CACHE_READ],
		s->tokens[BUCKET_OUTPUT],
		look_tokens(s),
	};
	for (size_t i = 0; i < sizeof count / sizeof *count; i++) {
		put_count(b, count[i]);
		table_cell(t, b->p);
	}
	put_cost(b, s, usage_currency(r->look->result));
	table_cell(t, b->p);
	if (r->recorded) {
		put_recorded_total(b, s->recorded);
		table_cell(t, b->p);
	}
}

/* The last part of a path, which is what people call a project. */
static const char *label_cell(const struct look_report *r, const struct look_row *row, size_t d)
{
	const char *s = row->label[d].p, *slash;
	if (row->label[d].n == 0)
		return "(none)";
	if (strcmp(r->title[d], "project") == 0 && (slash = strrchr(s, '/')) && slash[1])
		return slash + 1;
	return s;
}

static void put_row(struct table *t, const struct look_report *r, const struct look_row *row,
		    int128 most, struct buf *b)
{
	for (size_t d = 0; d < r->titles; d++)
		table_cell(t, label_cell(r, row, d));
	if (r->has_last)
		table_cell(t, row->last_day.n ? row->last_day.p : "");
	look_put_names(b, row->models, name_of, row);
	table_cell(t, b->p);
	put_sums(t, r, &row->sums, b);
	table_bar(t, row->sums.cost.atto, most);
	for (size_t i = 0; r->breakdown && i < row->models; i++) {
		for (size_t d = 0; d < r->titles + r->has_last; d++)
			table_cell(t, "");
		struct text name = look_short_model(row->model[i].name);
		b->n = 0;
		buf_printf(b, "  %.*s", (int)name.n, name.p);
		table_cell(t, b->p);
		put_sums(t, r, &row->model[i].sums, b);
		table_cell(t, "");
	}
}

static size_t shown_rows(const struct look_report *r)
{
	return r->limit && (uint64_t)r->limit < r->look->rows ? (size_t)r->limit : r->look->rows;
}

/* Rows from *first to before *end: the last ones, or the first where `from_start`. */
static void span_shown(const struct look_report *r, size_t *first, size_t *end)
{
	const size_t shown = shown_rows(r);
	*first = r->from_start ? 0 : r->look->rows - shown;
	*end = *first + shown;
}

int look_put_attention(const struct usage_result *result, const struct left_out *left_out)
{
	const struct unpriced u = usage_unpriced(result, "call", NULL);
	print_unpriced(&u);
	return (u.records > 0) + print_left_out(left_out);
}

void look_report_table(const struct look_report *r)
{
	struct table_column column[GROUPING_COUNT + 9];
	char title[GROUPING_COUNT][TABLE_HEADING];
	size_t n = 0;
	const size_t rows = shown_rows(r);
	struct buf b = { 0 };
	if (r->look->rows == 0) {
		printf("no calls in that period\n");
		look_put_attention(r->look->result, r->left_out);
		print_lower_bound(&r->bound);
		return;
	}
	for (size_t d = 0; d < r->titles; d++)
		column[n++] = (struct table_column){ table_heading(title[d], r->title[d]),
						     .may_shrink = true, .leaves = d < 2 ? 0 : 8 };
	if (r->has_last)
		column[n++] = (struct table_column){ "LAST", .leaves = 7 };
	column[n++] = (struct table_column){ "MODELS", .may_shrink = true };
	column[n++] = (struct table_column){ "INPUT", true, .leaves = 5 };
	column[n++] = (struct table_column){ "CACHE WRITE", true, .leaves = 1 };
	column[n++] = (struct table_column){ "CACHE READ", true, .leaves = 2 };
	column[n++] = (struct table_column){ "OUTPUT", true, .leaves = 6 };
	column[n++] = (struct table_column){ "TOKENS", true, .leaves = 3 };
	column[n++] = (struct table_column){ "COST", true, .money = true };
	if (r->recorded)
		column[n++] = (struct table_column){ "RECORDED", true, .money = true };
	column[n++] = (struct table_column){ "", .bar = true };
	struct table *t = table_open(column, n);
	int128 most = 0;
	size_t first, end;
	span_shown(r, &first, &end);
	for (size_t i = first; i < end; i++)
		if (r->look->row[i].sums.cost.atto > most)
			most = r->look->row[i].sums.cost.atto;
	for (size_t i = first; i < end; i++)
		put_row(t, r, &r->look->row[i], rows > 1 ? most : 0, &b);
	table_blank(t);
	table_cell(t, "total");
	for (size_t d = 1; d < r->titles + r->has_last + 1; d++)
		table_cell(t, "");
	put_sums(t, r, usage_total(r->look->result), &b);
	table_cell(t, "");
	table_print(t);
	table_close(t);
	if (r->from)
		printf("\n%s\n", r->from);
	if (rows < r->look->rows)
		print_note("%zu of %zu rows shown (--limit); the total is of all", rows,
			   r->look->rows);
	print_by_seller(usage_total(r->look->result)->by_seller,
			usage_total(r->look->result)->sellers, usage_currency(r->look->result));
	if (r->recorded)
		print_recorded_cost(usage_total(r->look->result)->recorded);
	look_put_attention(r->look->result, r->left_out);
	print_lower_bound(&r->bound);
	buf_release(&b);
}

void look_report_csv(const struct look_report *r)
{
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	for (size_t d = 0; d < r->titles; d++)
		buf_printf(&b, "%s,", r->title[d]);
	if (r->has_last)
		buf_puts(&b, "last,");
	buf_puts(&b, "model,records");
	for (int k = 0; k < BUCKET_COMMON; k++)
		buf_printf(&b, ",%s", bucket_name((enum bucket)k));
	buf_printf(&b, ",currency,total,unpriced,placeholders%s\n",
		   r->recorded ? ",charged,estimated" : "");
	size_t first, end;
	span_shown(r, &first, &end);
	for (size_t i = first; i < end; i++) {
		const struct look_row *row = &r->look->row[i];
		for (size_t m = 0; m < row->models; m++) {
			const struct usage_sums *s = &row->model[m].sums;
			for (size_t d = 0; d < r->titles; d++) {
				csv_put_field(&b, row->label[d]);
				buf_puts(&b, ",");
			}
			if (r->has_last)
				buf_printf(&b, "%.*s,", (int)row->last_day.n, row->last_day.p);
			csv_put_field(&b, row->model[m].name);
			buf_printf(&b, ",%lld", (long long)s->records);
			for (int k = 0; k < BUCKET_COMMON; k++)
				buf_printf(&b, ",%lld", (long long)s->tokens[k]);
			buf_printf(&b, ",%s,%s,%lld,%lld", usage_currency(r->look->result),
				   money_total_format(s->cost, text), (long long)s->unpriced,
				   (long long)s->placeholders);
			for (int k = 0; r->recorded && k < COST_KINDS; k++)
				buf_printf(&b, ",%s",
					   money_total_format(s->recorded[k].total, text));
			buf_puts(&b, "\n");
		}
	}
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

void look_report_json(const struct look_report *r)
{
	struct json_out j;
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.look/1");
	json_out_string(&j, "currency", usage_currency(r->look->result));
	json_out_string(&j, "timezone", r->timezone);
	put_usage_sums(&j, usage_total(r->look->result));
	put_left_out(&j, r->left_out);
	json_out_array(&j, "rows");
	size_t first, end;
	span_shown(r, &first, &end);
	for (size_t i = first; i < end; i++) {
		const struct look_row *row = &r->look->row[i];
		json_out_object(&j, NULL);
		for (size_t d = 0; d < r->titles; d++)
			json_out_text(&j, r->title[d], row->label[d]);
		if (r->has_last)
			json_out_text(&j, "last", row->last_day);
		put_usage_sums(&j, &row->sums);
		json_out_array(&j, "models");
		for (size_t m = 0; m < row->models; m++) {
			json_out_object(&j, NULL);
			json_out_text(&j, "model", row->model[m].name);
			put_usage_sums(&j, &row->model[m].sums);
			json_out_end(&j, '}');
		}
		json_out_end(&j, ']');
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	put_unpriced_reasons(&j, r->look->result);
	put_lower_bound(&j, &r->bound);
	json_out_end(&j, '}');
	json_out_close(&j);
}
