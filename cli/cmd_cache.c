#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/instant.h"
#include "cli/cache_rules.h"
#include "cli/workload_options.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"
#include "sim/call_source.h"
#include "sim/prefix_cache.h"

static const struct option options[] = {
	{ "format", 'f', "FORMAT", "auto, mooncake, bailian or agent", false },
	{ "block", 0, "N", "tokens of a block (default the trace's own: 512, 16, 64)", false },
	{ "capacity", 0, "N|inf[,...]", "blocks that the cache holds (default inf)", false },
	{ "model", 'm', "MODEL", "of --rule vendor", false },
	{ "at", 0, "WHEN", "of --rule vendor (default now)", false },
	CACHE_RULE_OPTIONS,
	{ "curve", 0, NULL, "the hit ratio at every capacity, with a plot", false },
	{ 0 },
};

/* hit / input with six decimals, half away from zero. */
static struct decimal ratio(int64_t hit, int64_t input)
{
	const int128 million = 1000000;
	return (struct decimal){ input ? (hit * million * 2 + input) / (2 * (int128)input) : 0, 6 };
}

static char *ratio_text(int64_t hit, int64_t input, char buf[DECIMAL_TEXT_MAX])
{
	struct decimal d = ratio(hit, input);
	snprintf(buf, DECIMAL_TEXT_MAX, "%lld.%06lld", (long long)(d.digits / 1000000),
		 (long long)(d.digits % 1000000));
	return buf;
}

enum { CAPACITIES_MOST = 64 };

static int read_capacities(const char *text, int64_t list[CAPACITIES_MOST], size_t *count,
			   struct err *e)
{
	*count = 0;
	for (text = text ? text : "inf"; *text;) {
		size_t n = strcspn(text, ",");
		char *end;
		int64_t v = n == 3 && memcmp(text, "inf", 3) == 0 ? -1 : strtoll(text, &end, 10);
		if (*count == CAPACITIES_MOST || (v != -1 && (end != text + n || v < 1)))
			return err_set(e, ERR_USAGE,
				       "--capacity: '%.*s' is not a number of blocks (1 or more, "
				       "or inf)",
				       (int)n, text);
		list[(*count)++] = v;
		text += n;
		text += *text == ',';
	}
	return 0;
}

static void put_result(struct json_out *j, int64_t capacity, int64_t blocks, int64_t tokens,
		       int64_t input)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	if (capacity < 0)
		json_out_null(j, "capacity");
	else
		json_out_int(j, "capacity", capacity);
	json_out_int(j, "hit_blocks", blocks);
	json_out_int(j, "hit_tokens", tokens);
	json_out_string(j, "hit_ratio", ratio_text(tokens, input, text));
	json_out_end(j, '}');
}

static void open_document(struct json_out *j, const struct block_trace *t, const char *list)
{
	json_out_open(j, stdout);
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.cache/1");
	json_out_int(j, "requests", (int64_t)t->count);
	json_out_int(j, "input_tokens", t->input_tokens);
	json_out_int(j, "block_tokens", t->block_tokens);
	json_out_int(j, "quarantined", t->refused);
	json_out_array(j, list);
}

static void close_document(struct json_out *j)
{
	json_out_end(j, ']');
	json_out_end(j, '}');
	json_out_close(j);
}

#define CSV_HEADER "capacity,hit_blocks,hit_tokens,hit_ratio\n"

static void put_row(int64_t capacity, int64_t blocks, int64_t tokens, int64_t input)
{
	char text[DECIMAL_TEXT_MAX];
	if (capacity < 0)
		printf("inf");
	else
		printf("%lld", (long long)capacity);
	printf(",%lld,%lld,%s\n", (long long)blocks, (long long)tokens,
	       ratio_text(tokens, input, text));
}

/* The curve over doublings of the capacity, as bars. */
static void plot(const struct curve_point *p, size_t count, int64_t input)
{
	char text[DECIMAL_TEXT_MAX];
	int64_t most = count ? p[count - 1].capacity : 0;
	printf("\n%12s  %-8s\n", "CAPACITY", "HIT RATIO");
	size_t i = 0;
	for (int64_t c = 64; count; c *= 2) {
		int64_t at = c < most ? c : most, tokens;
		while (i < count && p[i].capacity <= at)
			i++;
		tokens = i ? p[i - 1].hit_tokens : 0;
		int bar = (int)((int128)tokens * 50 / (input ? input : 1));
		printf("%12lld  %s  %.*s\n", (long long)at, ratio_text(tokens, input, text), bar,
		       "##################################################");
		if (at == most)
			break;
	}
}

static int show_curve(struct cli *cli, const struct block_trace *t, const struct cache_rules *r,
		      struct err *e)
{
	struct curve_point *p;
	size_t count;
	int rc = prefix_cache_curve(t, r, &p, &count, e);
	if (rc != 0)
		return rc;
	if (cli->json) {
		struct json_out j;
		open_document(&j, t, "curve");
		for (size_t i = 0; i < count; i++)
			put_result(&j, p[i].capacity, p[i].hit_blocks, p[i].hit_tokens,
				   t->input_tokens);
		close_document(&j);
	} else if (cli->csv) {
		printf(CSV_HEADER);
		for (size_t i = 0; i < count; i++)
			put_row(p[i].capacity, p[i].hit_blocks, p[i].hit_tokens, t->input_tokens);
	} else {
		plot(p, count, t->input_tokens);
	}
	free(p);
	return 0;
}

/* One simulation for each capacity. */
static int show_capacities(struct cli *cli, const struct block_trace *t, struct cache_rules *r,
			   const int64_t *capacity, size_t count, struct err *e)
{
	char requests[COUNT_WORDS_MAX], tokens[COUNT_WORDS_MAX];
	static const struct table_column columns[] = { { "CAPACITY", true, false },
						       { "HIT BLOCKS", true, false },
						       { "HIT TOKENS", true, false },
						       { "HIT RATIO", true, false } };
	struct cache_result out[CAPACITIES_MOST];
	for (size_t i = 0; i < count; i++) {
		r->capacity = capacity[i];
		int rc = prefix_cache_run(t, r, NULL, NULL, &out[i], e);
		if (rc != 0)
			return rc;
	}
	if (cli->json) {
		struct json_out j;
		open_document(&j, t, "results");
		for (size_t i = 0; i < count; i++)
			put_result(&j, capacity[i], out[i].hit_blocks, out[i].hit_tokens,
				   t->input_tokens);
		close_document(&j);
		return 0;
	}
	if (cli->csv) {
		printf(CSV_HEADER);
		for (size_t i = 0; i < count; i++)
			put_row(capacity[i], out[i].hit_blocks, out[i].hit_tokens, t->input_tokens);
		return 0;
	}
	struct table *table = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	for (size_t i = 0; i < count; i++) {
		if (capacity[i] < 0) {
			table_cell(table, "inf");
		} else {
			put_count(&b, capacity[i]);
			table_cell(table, b.p);
		}
		put_count(&b, out[i].hit_blocks);
		table_cell(table, b.p);
		put_count(&b, out[i].hit_tokens);
		table_cell(table, b.p);
		table_cell(table, ratio_text(out[i].hit_tokens, t->input_tokens, text));
	}
	table_print(table);
	table_close(table);
	print_note("\n%s of a %s trace, %s, blocks of %lld",
		   count_words(requests, (int64_t)t->count, "request"), t->shape,
		   count_words(tokens, t->input_tokens, "input token"), (long long)t->block_tokens);
	buf_release(&b);
	return 0;
}

/* --rule vendor is of the model that is named; the plain rule is the default, for a cache of blocks
 * alone belongs to nobody. */
static int vendor_rules(struct cli *cli, struct cache_rules *r, struct err *e)
{
	const char *rule = cli_value(cli, "rule"), *model = cli_value(cli, "model"),
		   *at = cli_value(cli, "at");
	const struct price_query q = { .model = text_of(model ? model : ""),
				       .currency = "USD",
				       .at = clock_now() };
	struct price_query then = q;
	struct price_match m;
	struct book *book;
	r->vendor = rule && r->vendor;
	if (!r->vendor)
		return model || at ? err_set(e, ERR_USAGE, "--%s applies to --rule vendor only",
					     model ? "model" : "at")
				   : 0;
	if (!model)
		return err_set(e, ERR_USAGE,
			       "--rule vendor needs --model: the cache contract comes from its "
			       "price card");
	int rc = at ? cli_instant("at", at, NULL, &then.at, e) : 0;
	if (rc == 0)
		rc = book_open(&book, e);
	if (rc != 0)
		return rc;
	rc = book_find(book, &then, &m, e);
	const struct cache_contract *c =
		rc == 0 ? book_cache(book, m.price->provider, m.price->model, then.at) : NULL;
	if (rc == 0 && !c)
		rc = err_set(e, ERR_NOT_FOUND, "no price card states a cache contract for '%s'",
			     model);
	if (rc == 0)
		*r = cache_rules_of(r, c);
	book_close(book);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct cache_rules r;
	int64_t capacity[CAPACITIES_MOST], block;
	size_t count;
	struct block_trace *t;
	int rc = cli_cache_rules(cli, &r, e);
	if (rc == 0)
		rc = vendor_rules(cli, &r, e);
	if (rc == 0)
		rc = read_capacities(cli_value(cli, "capacity"), capacity, &count, e);
	if (rc == 0 && cli_flag(cli, "curve") && cli_value(cli, "capacity"))
		rc = err_set(e, ERR_USAGE, "give --curve (every capacity) or --capacity, not both");
	if (rc == 0)
		rc = cli_count(cli, "block", 0, &block, e);
	if (rc == 0)
		rc = call_source_blocks(&t, cli->argument[0], cli_value(cli, "format"), block, e);
	if (rc != 0)
		return rc;
	if (cli_flag(cli, "curve"))
		rc = show_curve(cli, t, &r, e);
	else
		rc = show_capacities(cli, t, &r, capacity, count, e);
	int told = 0;
	for (int64_t i = 0; rc == 0 && i < t->refused && i < BLOCK_REFUSALS_KEPT; i++)
		cli_tell_refused(&told, cli->argument[0], t->refusal[i].line, t->refusal[i].why);
	if (rc == 0)
		rc = cli_sum_refused(t->refused, (int)t->refused, "counted");
	block_trace_close(t);
	return rc;
}

const struct command command_cache = {
	.name = "cache",
	.summary = "what a prefix cache would have hit in a trace",
	.arguments = "TRACE",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Replays the prompt blocks of a Mooncake, Qwen-Bailian or agent-session trace "
		"through a prefix cache (LRU, with a capacity and a time to live). A request "
		"hits its leading blocks that are in the cache when it arrives. --rule unit is "
		"DeepSeek V4's stricter rule: a hit must end where a stored unit ends, so prefix "
		"is an upper bound of it.",
	.examples = "  tally cache mooncake.jsonl --capacity 1000,10000,inf\n"
		    "  tally cache sessions.jsonl --scope conversation --json\n"
		    "  tally cache mooncake.jsonl --curve\n",
	.options = options,
	.common = TAKES_CSV,
	.run = run,
};
