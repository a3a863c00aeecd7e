#include "reports/blocks_report.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/look.h"
#include "reports/lower_bound_report.h"
#include "reports/plain.h"
#include "reports/table.h"
#include "reports/usage_report.h"

#define MINUTE_US (60 * US_PER_SECOND)

char *span_words(char room[32], int64_t us)
{
	const int64_t minutes = us / MINUTE_US;
	if (minutes >= 48 * 60)
		snprintf(room, 32, "%lldd %lldh", (long long)(minutes / 1440),
			 (long long)(minutes % 1440 / 60));
	else if (minutes >= 60)
		snprintf(room, 32, "%lldh %02lldm", (long long)(minutes / 60),
			 (long long)(minutes % 60));
	else
		snprintf(room, 32, "%lldm", (long long)minutes);
	return room;
}

/* part x scale / whole; divided first only where the product does not fit into 128 bits. */
static int128 in_ratio(int128 part, int64_t scale, int64_t whole)
{
	int128 product;
	return __builtin_mul_overflow(part, (int128)scale, &product) ? part / whole * scale
								     : product / whole;
}

struct block_outlook block_outlook(const struct usage_block *b, struct instant now)
{
	struct block_outlook o = { 0 };
	const int64_t span = b->last_us - b->first_us, left = b->end_us - now.us;
	const int64_t tokens = look_tokens(&b->sums);
	if (b->gap || span <= 0)
		return o;
	o.known = true;
	o.minutes_left = left > 0 ? (left + MINUTE_US / 2) / MINUTE_US : 0;
	o.tokens_a_minute = (int64_t)in_ratio(tokens, MINUTE_US, span);
	o.cost_an_hour.atto = in_ratio(b->sums.cost.atto, US_PER_HOUR, span);
	const int64_t rest_us = o.minutes_left * MINUTE_US;
	o.tokens_at_end = tokens + (int64_t)in_ratio(tokens, rest_us, span);
	o.cost_at_end.atto = b->sums.cost.atto + in_ratio(b->sums.cost.atto, rest_us, span);
	return o;
}

/* "2026-11-28 10:00" where the report's clocks are. */
static char *local_minute(const struct blocks_report *r, int64_t us, char room[32])
{
	const int64_t local =
		us + zone_offset(r->zone, (struct instant){ us }, NULL) * US_PER_SECOND;
	const int64_t day = floor_div(local, US_PER_DAY),
		      minute = (local - day * US_PER_DAY) / MINUTE_US;
	char text[DAY_TEXT_MAX];
	snprintf(room, 32, "%s %02d:%02d", day_format(day, text), (int)(minute / 60),
		 (int)(minute % 60));
	return room;
}

/* The i-th that is shown, from r->from on. */
static const struct usage_block *shown(const struct blocks_report *r, size_t i)
{
	return &r->blocks->block[r->newest_first ? r->blocks->count - 1 - (i - r->from) : i];
}

static struct text name_of(const void *block, size_t i)
{
	return ((const struct usage_block *)block)->model[i];
}

static void put_row(struct table *t, const struct blocks_report *r, const struct usage_block *b,
		    struct buf *text)
{
	char room[32], state[64];
	table_cell(t, local_minute(r, b->start_us, room));
	if (b->gap) {
		table_cell(t, span_words(room, b->end_us - b->start_us));
		table_cell(t, "no calls");
		for (int i = 0; i < 5; i++)
			table_cell(t, "");
		return;
	}
	if (usage_block_active(b, r->now.us))
		snprintf(state, sizeof state, "ACTIVE, %s left",
			 span_words(room, b->end_us - r->now.us));
	else
		snprintf(state, sizeof state, "%s", span_words(room, b->last_us - b->first_us));
	table_cell(t, state);
	look_put_names(text, b->models, name_of, b);
	table_cell(t, text->p);
	const int64_t prompt = look_tokens(&b->sums) - b->sums.tokens[BUCKET_OUTPUT];
	const int64_t count[] = { b->sums.records, prompt, b->sums.tokens[BUCKET_OUTPUT],
				  look_tokens(&b->sums) };
	for (size_t i = 0; i < sizeof count / sizeof *count; i++) {
		put_count(text, count[i]);
		table_cell(t, text->p);
	}
	put_cost(text, &b->sums, r->blocks->currency);
	table_cell(t, text->p);
}

static const char *limit_words(int64_t tokens, int64_t limit)
{
	return tokens > limit		? "over the limit"
	       : tokens > limit / 5 * 4 ? "near the limit"
					: "below the limit";
}

static void put_active(const struct blocks_report *r, const struct usage_block *b)
{
	const struct block_outlook o = block_outlook(b, r->now);
	const enum amount_bound bound = at_least(usage_sums_at_least(&b->sums));
	struct buf rate = { 0 }, cost = { 0 }, end = { 0 }, total = { 0 };
	char from[32], to[32], left[32];
	print_note("\nThe block of %s ends at %s, in %s.", local_minute(r, b->start_us, from),
		   local_minute(r, b->end_us, to) + 11, span_words(left, b->end_us - r->now.us));
	if (o.known) {
		put_count(&rate, o.tokens_a_minute);
		cents_text(&cost, o.cost_an_hour, r->blocks->currency, bound);
		put_count(&end, o.tokens_at_end);
		cents_text(&total, o.cost_at_end, r->blocks->currency, bound);
		print_note(
			"Burn rate: %s tokens a minute, %s an hour; at that rate it ends at %s tokens, %s.",
			rate.p, cost.p, end.p, total.p);
	}
	if (r->token_limit) {
		const int64_t tokens = look_tokens(&b->sums);
		put_count(&rate, r->token_limit);
		print_note("Limit: %s tokens, %lld %% used%s%s", rate.p,
			   (long long)((int128)tokens * 100 / r->token_limit),
			   o.known ? "; at that rate it ends " : "",
			   o.known ? limit_words(o.tokens_at_end, r->token_limit) : "");
	}
	buf_release(&rate);
	buf_release(&cost);
	buf_release(&end);
	buf_release(&total);
}

void blocks_report_outlook(const struct blocks_report *r)
{
	const size_t n = r->blocks->count;
	if (n && usage_block_active(&r->blocks->block[n - 1], r->now.us))
		put_active(r, &r->blocks->block[n - 1]);
}

void blocks_report_table(const struct blocks_report *r)
{
	static const struct table_column columns[] = {
		{ "BLOCK FROM" },
		{ "LASTED" },
		{ "MODELS", .may_shrink = true, .leaves = 4 },
		{ "CALLS", true, .leaves = 2 },
		{ "PROMPT", true, .leaves = 1 },
		{ "OUTPUT", true, .leaves = 3 },
		{ "TOKENS", true, .leaves = 5 },
		{ "COST", true, .money = true },
	};
	struct buf b = { 0 };
	char room[COUNT_WORDS_MAX];
	int64_t unpriced = 0;
	struct lower_bound bound = { 0 };
	if (r->from == r->blocks->count) {
		if (r->blocks->count)
			print_note("none of %zu blocks is of that kind (`tally blocks` lists them)",
				   r->blocks->count);
		else
			printf("no calls in that period\n");
		print_left_out(r->left_out);
		return;
	}
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (size_t i = r->from; i < r->blocks->count; i++)
		put_row(t, r, shown(r, i), &b);
	table_print(t);
	table_close(t);
	blocks_report_outlook(r);
	print_note(
		"\n%s, times in %s; where a block begins is an estimate (the full UTC hour of its first call)",
		r->source, r->timezone);
	for (size_t i = r->from; i < r->blocks->count; i++)
		unpriced += r->blocks->block[i].sums.unpriced,
			bound.placeholders += r->blocks->block[i].sums.placeholders,
			bound.unsaid += r->blocks->block[i].sums.unsaid;
	if (unpriced)
		print_note("%s without a price, so totals are lower bounds (tally daily names %s)",
			   count_words(room, unpriced, "call"), unpriced == 1 ? "it" : "them");
	print_lower_bound(&bound);
	print_left_out(r->left_out);
	buf_release(&b);
}

static void put_block(struct json_out *j, const struct blocks_report *r,
		      const struct usage_block *b)
{
	const struct block_outlook o = block_outlook(b, r->now);
	const bool active = usage_block_active(b, r->now.us);
	json_out_object(j, NULL);
	json_out_instant(j, "from", (struct instant){ b->start_us });
	json_out_instant(j, "to", (struct instant){ b->end_us });
	json_out_bool(j, "gap", b->gap);
	json_out_bool(j, "active", active);
	if (!b->gap) {
		json_out_instant(j, "first", (struct instant){ b->first_us });
		json_out_instant(j, "last", (struct instant){ b->last_us });
		put_usage_sums(j, &b->sums);
		json_out_array(j, "models");
		for (size_t i = 0; i < b->models; i++)
			json_out_text(j, NULL, b->model[i]);
		json_out_end(j, ']');
	}
	if (active && o.known) {
		json_out_object(j, "outlook");
		json_out_int(j, "tokens_per_minute", o.tokens_a_minute);
		json_out_money(j, "cost_per_hour", o.cost_an_hour);
		json_out_int(j, "minutes_left", o.minutes_left);
		json_out_int(j, "tokens_at_end", o.tokens_at_end);
		json_out_money(j, "cost_at_end", o.cost_at_end);
		json_out_end(j, '}');
	}
	json_out_end(j, '}');
}

void blocks_report_json(const struct blocks_report *r)
{
	struct json_out j;
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.blocks/1");
	json_out_string(&j, "currency", r->blocks->currency);
	json_out_string(&j, "timezone", r->timezone);
	json_out_bool(&j, "estimated", true);
	if (r->token_limit)
		json_out_int(&j, "token_limit", r->token_limit);
	put_left_out(&j, r->left_out);
	json_out_array(&j, "blocks");
	for (size_t i = r->from; i < r->blocks->count; i++)
		put_block(&j, r, shown(r, i));
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_close(&j);
}

void blocks_report_csv(const struct blocks_report *r)
{
	char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX], money[DECIMAL_TEXT_MAX];
	printf("from,to,state,records,tokens,currency,total,unpriced,placeholders\n");
	for (size_t i = r->from; i < r->blocks->count; i++) {
		const struct usage_block *b = shown(r, i);
		printf("%s,%s,%s,%lld,%lld,%s,%s,%lld,%lld\n",
		       instant_format((struct instant){ b->start_us }, from),
		       instant_format((struct instant){ b->end_us }, to),
		       b->gap				  ? "gap"
		       : usage_block_active(b, r->now.us) ? "active"
							  : "ended",
		       (long long)b->sums.records, (long long)look_tokens(&b->sums),
		       r->blocks->currency, money_total_format(b->sums.cost, money),
		       (long long)b->sums.unpriced, (long long)b->sums.placeholders);
	}
}
