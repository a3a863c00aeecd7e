#include "reports/replay_report.h"

#include "reports/lower_bound_report.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/processor.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/left_out.h"
#include "reports/plain.h"
#include "reports/recorded_cost_report.h"
#include "reports/table.h"
#include "reports/unpriced_report.h"

static int by_amount(const void *x, const void *y, void *of)
{
	const struct replay_report *r = of;
	size_t i = *(const size_t *)x, k = *(const size_t *)y;
	struct sums a, b;
	replay_group_sums(r->result, i, &a);
	replay_group_sums(r->result, k, &b);
	if (r->order == ORDER_COST && a.cost.atto != b.cost.atto)
		return a.cost.atto > b.cost.atto ? -1 : 1;
	if (r->order == ORDER_RECORDS && a.records != b.records)
		return a.records > b.records ? -1 : 1;
	return (i > k) - (i < k);
}

/* Indexes of the groups to show, in order; free() it. */
static size_t *shown_groups(const struct replay_report *r, size_t *count)
{
	size_t n = replay_group_count(r->result);
	size_t *index = mem_alloc((n + 1) * sizeof *index);
	for (size_t i = 0; i < n; i++)
		index[i] = i;
	struct replay_report of = *r;
	if (r->order != ORDER_KEY)
		qsort_r(index, n, sizeof *index, by_amount, &of);
	*count = r->limit && (uint64_t)r->limit < n ? (size_t)r->limit : n;
	return index;
}

static struct credits_total drawn(const struct replay_report *r, const struct sums *s)
{
	return r->byo ? (struct credits_total){ 0 } : s->credits;
}

static void put_tokens(struct json_out *j, const struct sums *s)
{
	json_out_object(j, "tokens");
	for (int b = 0; b < BUCKET_COMMON; b++)
		json_out_int(j, bucket_name((enum bucket)b), s->tokens[b]);
	for (int b = BUCKET_COMMON; s->rare && b < BUCKET_COUNT; b++)
		if (s->rare[b - BUCKET_COMMON])
			json_out_int(j, bucket_name((enum bucket)b), s->rare[b - BUCKET_COMMON]);
	json_out_end(j, '}');
	for (int k = BUCKET_COUNT; s->rare && k < COUNT_KINDS; k++)
		if (s->rare[k - BUCKET_COMMON])
			json_out_int(j, count_name(k), s->rare[k - BUCKET_COMMON]);
}

static void put_reasons(struct json_out *j, const char *key, const struct replay_result *result,
			size_t count,
			const struct replay_reason *(*at)(const struct replay_result *, size_t))
{
	json_out_array(j, key);
	for (size_t i = 0; i < count; i++) {
		const struct replay_reason *reason = at(result, i);
		json_out_object(j, NULL);
		json_out_text(j, "model", reason->model);
		json_out_string(j, "reason", reason->why);
		json_out_int(j, "records", reason->records);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static const struct recorded_cost none_recorded[COST_KINDS];

/* Of a group, or of all. */
static const struct recorded_cost *recorded_sums(const struct replay_report *r,
						 const struct sums *s, bool is_group)
{
	if (!is_group)
		return replay_stated(r->result)->recorded;
	return s->recorded ? s->recorded : none_recorded;
}

/* What sellers say that they charged; more of it on demand. */
static void put_stated(struct json_out *j, const struct replay_report *r)
{
	const struct replay_stated *s = replay_stated(r->result);
	const struct recorded_cost *charged = &s->recorded[COST_CHARGED];
	if (s->by_seller || charged->compared) {
		json_out_object(j, "stated_by_the_seller");
		json_out_int(j, "records", s->by_seller);
		json_out_money(j, "total", s->sellers);
		put_cost_compared(j, charged);
		json_out_end(j, '}');
	}
	if (r->recorded)
		put_recorded_cost(j, s->recorded);
}

static void print_stated(const struct replay_report *r)
{
	const struct replay_stated *s = replay_stated(r->result);
	struct recorded_cost shown[COST_KINDS] = { s->recorded[COST_CHARGED] };
	print_by_seller(s->by_seller, s->sellers, r->options->currency);
	if (r->recorded)
		print_recorded_cost(s->recorded);
	else if (shown[COST_CHARGED].compared)
		print_recorded_cost(shown);
}

static void put_credits(struct json_out *j, const struct replay_report *r)
{
	const struct plan *plan = r->options->plan;
	const struct sums *total = replay_total(r->result);
	struct money_total worth;
	json_out_object(j, "credits");
	json_out_string(j, "plan", plan_name(plan));
	json_out_string(j, "rule", plan_rule_name(plan));
	json_out_string(j, "rounding", plan_rounding_text(plan));
	json_out_credits(j, "total", drawn(r, total));
	json_out_int(j, "unpriced", total->uncredited);
	json_out_bool(j, "byo", r->byo);
	if (r->byo)
		json_out_credits(j, "built_in", total->credits);
	if (plan_worth(plan, drawn(r, total), &worth))
		json_out_money(j, "worth", worth);
	json_out_end(j, '}');
}

static void put_group(struct json_out *j, const struct replay_report *r, size_t index)
{
	const struct replay_options *o = r->options;
	struct sums s;
	struct replay_labels labels;
	replay_group_sums(r->result, index, &s);
	replay_group_labels(r->result, index, &labels);
	json_out_object(j, NULL);
	for (size_t d = 0; d < o->dim_count; d++) {
		if (labels.text[d].p)
			json_out_text(j, grouping_name(o->dim[d]), labels.text[d]);
		else
			json_out_null(j, grouping_name(o->dim[d]));
	}
	json_out_int(j, "records", s.records);
	put_tokens(j, &s);
	json_out_money(j, "total", s.cost);
	if (s.unpriced)
		json_out_int(j, "unpriced", s.unpriced);
	if (s.placeholders)
		json_out_int(j, "placeholders", s.placeholders);
	if (o->plan) {
		json_out_credits(j, "credits", drawn(r, &s));
		if (s.uncredited)
			json_out_int(j, "credits_unpriced", s.uncredited);
	}
	if (s.recorded)
		put_recorded_cost(j, s.recorded);
	json_out_end(j, '}');
}

static void put_groups(struct json_out *j, const struct replay_report *r)
{
	size_t count, *index = shown_groups(r, &count);
	json_out_array(j, "groups");
	for (size_t i = 0; i < count; i++)
		put_group(j, r, index[i]);
	json_out_end(j, ']');
	if (count < replay_group_count(r->result))
		json_out_int(j, "groups_left_out",
			     (int64_t)(replay_group_count(r->result) - count));
	free(index);
}

/* What the end of a call that decides its price, and days of changes that are not known, could
 * change. */
static void put_undecided(struct json_out *j, const struct replay_report *r)
{
	int64_t known, sensitive;
	struct money_total difference;
	replay_boundary(r->result, &known, &sensitive, &difference);
	json_out_object(j, "boundary");
	json_out_string(j, "decides",
			r->options->boundary == BOUNDARY_START ? "start" : "completion");
	json_out_int(j, "completion_known", known);
	json_out_int(j, "records_that_hang_on_it", sensitive);
	json_out_money(j, "difference", difference);
	json_out_end(j, '}');
	json_out_object(j, "price_dates");
	json_out_int(j, "records_that_hang_on_it", replay_dates(r->result)->records);
	json_out_money(j, "difference", replay_dates(r->result)->difference);
	json_out_end(j, '}');
	put_stand_ins(j, replay_stand_ins(r->result));
	put_moving_names(j, replay_moving_names(r->result));
}

static void put_errors(struct json_out *j, const struct replay_result *result)
{
	json_out_array(j, "errors");
	for (size_t i = 0; i < replay_refusal_count(result); i++) {
		const struct replay_refusal *f = replay_refusal(result, i);
		json_out_object(j, NULL);
		json_out_string(j, "file", f->path);
		if (f->line)
			json_out_int(j, "line", f->line);
		json_out_string(j, "message", f->message);
		json_out_end(j, '}');
	}
	if (replay_damage(result)) {
		json_out_object(j, NULL);
		json_out_string(j, "message", replay_damage(result));
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

void replay_report_json(const struct replay_report *r)
{
	struct json_out j;
	const struct replay_options *o = r->options;
	const struct replay_result *result = r->result;
	const struct sums *total = replay_total(result);
	struct instant first, last;
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.replay/1");
	json_out_int(&j, "records", total->records);
	put_tokens(&j, total);
	json_out_string(&j, "currency", o->currency);
	json_out_string(&j, "timezone", r->timezone);
	json_out_money(&j, "total", total->cost);
	json_out_int(&j, "unpriced", total->unpriced);
	json_out_int(&j, "placeholders", total->placeholders);
	json_out_int(&j, "quarantined", replay_refused(result));
	put_columns_in_doubt(&j, text_of(replay_doubtful_columns(result)));
	if (replay_outside(result))
		json_out_int(&j, "outside_period", replay_outside(result));
	if (replay_span(result, &first, &last)) {
		json_out_instant(&j, "first", first);
		json_out_instant(&j, "last", last);
	}
	if (o->plan)
		put_credits(&j, r);
	if (o->dim_count)
		put_groups(&j, r);
	put_undecided(&j, r);
	put_stated(&j, r);
	put_lower_bound(&j, replay_lower_bound(result));
	put_reasons(&j, "unpriced_reasons", result, replay_unpriced_count(result), replay_unpriced);
	if (o->plan)
		put_reasons(&j, "credits_unpriced_reasons", result, replay_uncredited_count(result),
			    replay_uncredited);
	put_errors(&j, result);
	json_out_end(&j, '}');
	json_out_close(&j);
}

/* Lines of the groups index[from .. to); of the total when there is no index. */
struct csv_part {
	const struct replay_report *report;
	const size_t *index;
	size_t from, to;
	int beside; /* a processor that another part is put on; -1: none */
	struct buf out;
};

static void *put_csv_part(void *arg)
{
	struct csv_part *part = arg;
	const struct replay_report *r = part->report;
	const struct replay_options *o = r->options;
	struct buf *b = &part->out;
	char text[DECIMAL_TEXT_MAX];
	if (part->beside >= 0)
		processor_pin_beside(part->beside);
	for (size_t i = part->from; i < part->to; i++) {
		struct sums group = *replay_total(r->result), *s = &group;
		if (part->index)
			replay_group_sums(r->result, part->index[i], s);
		struct replay_labels labels;
		if (part->index)
			replay_group_labels(r->result, part->index[i], &labels);
		for (size_t d = 0; d < o->dim_count; d++) {
			csv_put_text(b, labels.text[d]);
			buf_char(b, ',');
		}
		buf_int(b, s->records);
		for (int t = 0; t < BUCKET_COMMON; t++) {
			buf_char(b, ',');
			buf_int(b, s->tokens[t]);
		}
		buf_char(b, ',');
		buf_puts(b, o->currency);
		buf_char(b, ',');
		buf_puts(b, money_total_format(s->cost, text));
		buf_char(b, ',');
		buf_int(b, s->unpriced);
		buf_char(b, ',');
		buf_int(b, s->placeholders);
		if (o->plan)
			buf_printf(b, ",%s,%u", credits_format(drawn(r, s), text), s->uncredited);
		for (int k = 0; o->recorded && k < COST_KINDS; k++)
			buf_printf(b, ",%s",
				   money_total_format(
					   recorded_sums(r, s, part->index != NULL)[k].total,
					   text));
		buf_char(b, '\n');
	}
	return NULL;
}

static void put_part(const struct csv_part *part)
{
	if (part->out.n)
		fwrite(part->out.p, 1, part->out.n, stdout);
}

void replay_report_csv(const struct replay_report *r)
{
	enum { LINES_AT_ONCE = 1 << 14, LINES_FOR_A_HELPER = 1 << 12 };
	const struct replay_options *o = r->options;
	struct buf b = { 0 };
	for (size_t d = 0; d < o->dim_count; d++)
		buf_printf(&b, "%s,", grouping_name(o->dim[d]));
	buf_puts(&b, "records");
	for (int t = 0; t < BUCKET_COMMON; t++)
		buf_printf(&b, ",%s", bucket_name((enum bucket)t));
	buf_printf(&b, ",currency,total,unpriced,placeholders%s%s\n",
		   o->plan ? ",credits,credits_unpriced" : "",
		   o->recorded ? ",charged,estimated" : "");
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
	size_t count = 1;
	size_t *index = o->dim_count ? shown_groups(r, &count) : NULL;
	struct csv_part first = { .report = r, .index = index, .beside = -1 }, second = first;
	for (size_t i = 0; i < count; i = second.to) {
		size_t n = count - i < LINES_AT_ONCE ? count - i : LINES_AT_ONCE;
		pthread_t helper;
		first.from = i;
		first.to = second.from = n < LINES_FOR_A_HELPER ? i + n : i + n / 2;
		second.to = i + n;
		first.out.n = second.out.n = 0;
		second.beside = processor_now();
		bool helped = second.from < second.to &&
			      pthread_create(&helper, NULL, put_csv_part, &second) == 0;
		if (!helped)
			second.beside = -1;
		put_csv_part(&first);
		put_part(&first);
		if (helped)
			pthread_join(helper, NULL);
		else
			put_csv_part(&second);
		put_part(&second);
	}
	buf_release(&first.out);
	buf_release(&second.out);
	free(index);
}

static void put_row(struct table *t, const struct replay_report *r, const struct sums *s,
		    bool writes, bool reasoning)
{
	char text[DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	int64_t counts[7] = { s->records, s->tokens[BUCKET_INPUT], s->tokens[BUCKET_CACHE_READ] };
	size_t n = 3;
	if (writes)
		counts[n++] = s->tokens[BUCKET_CACHE_WRITE_5M] + s->tokens[BUCKET_CACHE_WRITE_1H];
	counts[n++] = s->tokens[BUCKET_OUTPUT];
	if (reasoning)
		counts[n++] = s->tokens[BUCKET_REASONING];
	for (size_t i = 0; i < n; i++) {
		put_count(&b, counts[i]);
		table_cell(t, b.p);
	}
	const bool lacks = s == replay_total(r->result) && replay_refused(r->result);
	put_amount(&b, money_total_format(s->cost, text), r->options->currency,
		   at_least(sums_at_least(s) || lacks));
	table_cell(t, b.p);
	if (r->options->plan) {
		put_amount(&b, credits_format(drawn(r, s), text), NULL,
			   at_least(s->uncredited > 0 || lacks));
		table_cell(t, b.p);
	}
	if (r->options->recorded) {
		put_recorded_total(&b, recorded_sums(r, s, s != replay_total(r->result)));
		table_cell(t, b.p);
	}
	buf_release(&b);
}

static struct unpriced_reason reason_of(const void *of, size_t i)
{
	const struct replay_reason *r = replay_unpriced(of, i);
	return (struct unpriced_reason){ r->model, r->why, r->records };
}

static void put_notes(const struct replay_report *r)
{
	const struct replay_result *result = r->result;
	const struct sums *total = replay_total(result);
	char text[DECIMAL_TEXT_MAX];
	int64_t known, sensitive;
	struct money_total difference;
	if (total->unpriced)
		putchar('\n');
	print_unpriced(&(struct unpriced){
		total->unpriced, "record", replay_unpriced_count(result), reason_of, result,
		"--model says what a record is of that names none", ", or --prices" });
	print_stated(r);
	print_lower_bound(replay_lower_bound(result));
	if (r->options->plan && total->uncredited) {
		printf("\n%s without credits under plan %s:\n",
		       COUNTED(total->uncredited, "record"), plan_name(r->options->plan));
		for (size_t i = 0; i < replay_uncredited_count(result) && i < 10; i++) {
			const struct replay_reason *reason = replay_uncredited(result, i);
			printf("  %s x %.*s: %s\n", COUNTED(reason->records, ""),
			       (int)reason->model.n, reason->model.p, reason->why);
		}
	}
	if (r->byo && r->options->plan)
		print_note(
			"\nown key: the vendors bill the money, no credits are drawn; built-in it "
			"would be %s credits",
			credits_format(total->credits, text));
	replay_boundary(result, &known, &sensitive, &difference);
	if (sensitive)
		print_note(
			"\n"
			"%s records would cost a different amount if their %s decided the tariff window: %s%s in all",
			COUNTED(sensitive, ""),
			r->options->boundary == BOUNDARY_START ? "completion" : "start",
			difference.atto >= 0 ? "+" : "", money_total_format(difference, text));
	const struct dates_in_doubt *dates = replay_dates(result);
	if (dates->records)
		print_note(
			"\n"
			"%s records fall between the last observation of their price and the first of the next one, at which they would cost a different amount: %s%s in all",
			COUNTED(dates->records, ""), dates->difference.atto >= 0 ? "+" : "",
			money_total_format(dates->difference, text));
	print_stand_ins(replay_stand_ins(result));
	print_moving_names(replay_moving_names(result));
	int64_t writes =
		total->tokens[BUCKET_CACHE_WRITE_5M] + total->tokens[BUCKET_CACHE_WRITE_1H];
	if (r->options->remodel && writes)
		print_note(
			"\n%s cache-write tokens are priced as cache writes of %s; a vendor that "
			"bills no writes (DeepSeek: 0) bills such tokens as input",
			COUNTED(writes, ""), r->options->remodel);
	if (replay_outside(result))
		print_note("\n%s records outside --since and --until were left out",
			   COUNTED(replay_outside(result), ""));
}

void replay_report_table(const struct replay_report *r)
{
	const struct replay_options *o = r->options;
	const struct sums *total = replay_total(r->result);
	bool writes = total->tokens[BUCKET_CACHE_WRITE_5M] || total->tokens[BUCKET_CACHE_WRITE_1H];
	bool reasoning = total->tokens[BUCKET_REASONING] > 0;
	struct table_column columns[GROUPING_COUNT + 10];
	char titles[GROUPING_COUNT][16];
	size_t n = 0;
	for (size_t d = 0; d < o->dim_count; d++) {
		const char *name = grouping_name(o->dim[d]);
		size_t k = 0;
		for (; name[k] && k < 15; k++)
			titles[d][k] = (char)(name[k] - 'a' + 'A');
		titles[d][k] = 0;
		columns[n++] = (struct table_column){ titles[d], false, true };
	}
	columns[n++] = (struct table_column){ "RECORDS", true, .leaves = 5 };
	columns[n++] = (struct table_column){ "INPUT", true, .leaves = 4 };
	columns[n++] = (struct table_column){ "CACHE READ", true, .leaves = 3 };
	if (writes)
		columns[n++] = (struct table_column){ "CACHE WRITE", true, .leaves = 2 };
	columns[n++] = (struct table_column){ "OUTPUT", true, .leaves = 6 };
	if (reasoning)
		columns[n++] = (struct table_column){ "REASONING", true, .leaves = 1 };
	columns[n++] = (struct table_column){ "COST", true, .money = true };
	if (o->plan)
		columns[n++] = (struct table_column){ "CREDITS", true, .money = true };
	if (o->recorded)
		columns[n++] = (struct table_column){ "RECORDED", true, .money = true };
	struct table *t = table_open(columns, n);
	if (o->dim_count) {
		size_t count;
		size_t *index = shown_groups(r, &count);
		for (size_t i = 0; i < count; i++) {
			struct replay_labels labels;
			struct buf cell = { 0 };
			replay_group_labels(r->result, index[i], &labels);
			for (size_t d = 0; d < o->dim_count; d++) {
				const struct text s = labels.text[d];
				cell.n = 0;
				buf_add(&cell, s.p ? s.p : "-", s.p ? s.n : 1);
				table_cell(t, cell.p);
			}
			buf_release(&cell);
			struct sums group;
			replay_group_sums(r->result, index[i], &group);
			put_row(t, r, &group, writes, reasoning);
		}
		if (count < replay_group_count(r->result)) {
			char more[64];
			snprintf(more, sizeof more, "(%zu more)",
				 replay_group_count(r->result) - count);
			table_cell(t, more);
			for (size_t i = 1; i < n; i++)
				table_cell(t, "");
		}
		free(index);
		table_blank(t);
		table_cell(t, "total");
		for (size_t d = 1; d < o->dim_count; d++)
			table_cell(t, "");
	}
	put_row(t, r, total, writes, reasoning);
	table_print(t);
	table_close(t);
	if (!r->quiet)
		put_notes(r);
}
