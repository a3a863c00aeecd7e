#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/instant.h"
#include "cli/cache_rules.h"
#include "cli/sources.h"
#include "cli/workload_options.h"
#include "reports/amount.h"
#include "reports/cache_misses.h"
#include "reports/json_out.h"
#include "reports/left_out.h"
#include "reports/table.h"
#include "sim/block_misses.h"
#include "sim/cache_words.h"
#include "sim/call_source.h"
#include "sim/model_cache.h"
#include "sim/prefix_cache.h"

static const struct option options[] = {
	{ "format", 'f', "FORMAT", "auto, mooncake, bailian or agent", false },
	{ "block", 0, "N", "tokens of a block (default the trace's own: 512, 16, 64)", false },
	{ "capacity", 0, "N|inf[,...]", "blocks that the cache holds (default inf)", false },
	{ "model", 'm', "MODEL", "of --rule vendor", false },
	{ "at", 0, "WHEN", "of --rule vendor: the trace starts then (default now)", false },
	{ "cache", 0, "CACHE",
	  "the same as in replay and whatif: vendor, infinite or a number of blocks, with "
	  ",ttl=SECONDS where they expire",
	  false },
	{ "map", 0, "none=KEY", "a key costs nothing", true },
	{ "curve", 0, NULL, "the hit ratio at every capacity, with a plot", false },
	CACHE_RULE_OPTIONS,
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

/* missed: NULL where it is not asked. */
static void put_result(struct json_out *j, int64_t capacity, const struct cache_result *found,
		       int64_t input, const struct misses *missed)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	if (capacity < 0)
		json_out_null(j, "capacity");
	else
		json_out_int(j, "capacity", capacity);
	json_out_int(j, "hit_blocks", found->hit_blocks);
	json_out_int(j, "hit_tokens", found->hit_tokens);
	json_out_string(j, "hit_ratio", ratio_text(found->hit_tokens, input, text));
	if (found->token_hours)
		json_out_int(j, "token_hours", found->token_hours);
	if (missed)
		put_misses(j, missed);
	json_out_end(j, '}');
}

static void open_document(struct json_out *j, const struct block_trace *t,
			  const struct doubts *doubts, const char *list)
{
	json_out_open(j, stdout);
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.cache/1");
	json_out_int(j, "requests", (int64_t)t->count);
	json_out_int(j, "input_tokens", t->input_tokens);
	json_out_int(j, "block_tokens", t->block_tokens);
	json_out_int(j, "quarantined", t->refused);
	put_columns_in_doubt(j, (struct text){ doubts->columns.p, doubts->columns.n });
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

/* The rules that were asked for; under a contract those of each request, by when it came. */
struct asked {
	struct cache_rules rules;
	struct book *book;
	struct model_cache contract;
	struct instant at;
	int64_t capacity[CAPACITIES_MOST];
	size_t count;
	struct doubts doubts; /* of the trace */
};

static int show_curve(struct cli *cli, const struct block_trace *t, const struct asked *a,
		      struct err *e)
{
	struct curve_point *p;
	size_t count;
	int rc = prefix_cache_curve(t, &a->rules, &p, &count, e);
	if (rc != 0)
		return rc;
	if (cli->json) {
		struct json_out j;
		open_document(&j, t, &a->doubts, "curve");
		for (size_t i = 0; i < count; i++)
			put_result(&j, p[i].capacity,
				   &(struct cache_result){ .hit_blocks = p[i].hit_blocks,
							   .hit_tokens = p[i].hit_tokens },
				   t->input_tokens, NULL);
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

/* What a cache of some capacity had, and why not more. */
struct simulated {
	struct cache_result found;
	struct misses missed;
};

/* One simulation for each capacity. */
static int simulate(struct asked *a, const struct block_trace *t, struct simulated *out,
		    struct err *e)
{
	const struct cache_rules **own = NULL;
	int rc = 0;
	if (a->book)
		own = mem_alloc((t->count + 1) * sizeof *own);
	for (size_t i = 0; own && i < t->count; i++)
		own[i] = &model_cache_at(&a->contract, a->at.us + t->request[i].time_us)->rules;
	const struct each_request each = { .rules = own,
					   .hits = mem_alloc((t->count + 1) * sizeof *each.hits),
					   .shared =
						   mem_alloc((t->count + 1) * sizeof *each.shared),
					   .why = mem_alloc(t->count + 1) };
	for (size_t i = 0; rc == 0 && i < a->count; i++) {
		a->rules.capacity = a->capacity[i];
		out[i] = (struct simulated){ 0 };
		rc = prefix_cache_run_each(t, &a->rules, &each, &out[i].found, e);
		if (rc == 0)
			block_misses_add(&out[i].missed, t, &a->rules, &each);
	}
	free(each.hits);
	free(each.why);
	free(each.shared);
	free(own);
	return rc;
}

static int show_capacities(struct cli *cli, const struct block_trace *t, struct asked *a,
			   struct err *e)
{
	const int64_t *capacity = a->capacity;
	const size_t count = a->count;
	char requests[COUNT_WORDS_MAX], tokens[COUNT_WORDS_MAX];
	static const struct table_column columns[] = { { "CAPACITY", true, false },
						       { "HIT BLOCKS", true, false },
						       { "HIT TOKENS", true, false },
						       { "HIT RATIO", true, false } };
	struct simulated out[CAPACITIES_MOST];
	int rc = simulate(a, t, out, e);
	if (rc != 0)
		return rc;
	if (cli->json) {
		struct json_out j;
		open_document(&j, t, &a->doubts, "results");
		for (size_t i = 0; i < count; i++)
			put_result(&j, capacity[i], &out[i].found, t->input_tokens, &out[i].missed);
		close_document(&j);
		return 0;
	}
	if (cli->csv) {
		printf(CSV_HEADER);
		for (size_t i = 0; i < count; i++)
			put_row(capacity[i], out[i].found.hit_blocks, out[i].found.hit_tokens,
				t->input_tokens);
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
		put_count(&b, out[i].found.hit_blocks);
		table_cell(table, b.p);
		put_count(&b, out[i].found.hit_tokens);
		table_cell(table, b.p);
		table_cell(table, ratio_text(out[i].found.hit_tokens, t->input_tokens, text));
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
static int vendor_rules(struct cli *cli, struct asked *a, struct err *e)
{
	const char *rule = cli_value(cli, "rule"), *model = cli_value(cli, "model"),
		   *at = cli_value(cli, "at"), *cache = cli_value(cli, "cache");
	struct price_query q = { .model = text_of(model ? model : ""),
				 .currency = cli_currency(cli),
				 .at = clock_now() };
	struct price_match m;
	a->rules.vendor = a->rules.vendor && (rule || (cache && strcmp(cache, "vendor") == 0));
	if (!a->rules.vendor)
		return model || at ? err_set(e, ERR_USAGE, "--%s applies to --rule vendor only",
					     model ? "model" : "at")
				   : 0;
	if (!model)
		return err_set(e, ERR_USAGE,
			       "--rule vendor needs --model: the cache contract comes from its "
			       "price card");
	int rc = at ? cli_instant("at", at, NULL, &q.at, e) : 0;
	a->at = q.at;
	if (rc == 0)
		rc = cli_book(cli, &a->book, e);
	if (rc == 0)
		rc = book_find(a->book, &q, &m, e);
	if (rc != 0)
		return rc;
	const struct tariff_answer answer = { .price = m.price,
					      .tariff = m.tariff,
					      .resolved = m.price->model };
	a->contract = model_cache_of(a->book, &a->rules, &answer, false);
	for (const struct model_cache *c = &a->contract; c; c = c->later)
		if (c->contract) {
			a->rules = model_cache_at(&a->contract, a->at.us)->rules;
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "no price card states a cache contract for '%s'", model);
}

static int read_cache(struct cli *cli, struct asked *a, struct err *e)
{
	const char *cache = cli_value(cli, "cache");
	enum whatif_cache kind = WHATIF_CACHE_BLOCKS;
	int rc = cli_cache_rules(cli, &a->rules, e);
	if (rc == 0 && cache && cli_value(cli, "capacity"))
		rc = err_set(e, ERR_USAGE, "give --cache or --capacity, not both");
	if (rc == 0 && cache)
		rc = cache_words_parse(cache, true, &kind, &a->rules, e);
	if (rc == 0 && kind != WHATIF_CACHE_BLOCKS)
		rc = err_set(e, ERR_USAGE,
			     "--cache is vendor, infinite or a number of blocks here, not '%s'",
			     cache);
	if (rc == 0)
		rc = read_capacities(cli_value(cli, "capacity"), a->capacity, &a->count, e);
	if (rc == 0 && cache)
		a->capacity[0] = a->rules.capacity;
	return rc == 0 ? vendor_rules(cli, a, e) : rc;
}

static int read_trace(struct cli *cli, struct block_trace **t, struct doubts *doubts, struct err *e)
{
	struct field_map map[OPTION_VALUES_MAX];
	struct block_trace_options o = { .map = map };
	struct call_source in = { 0 };
	const char *spec;
	int rc = cli_standard_input(cli, e);
	if (rc == 0)
		rc = cli_count(cli, "block", 0, &o.block_tokens, e);
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "map", i)); i++)
		rc = field_map_parse(&map[o.map_count++], spec, e);
	if (rc == 0 && field_map_names(map, o.map_count))
		rc = err_set(e, ERR_USAGE,
			     "--map is none=KEY here: the fields of traces that name their blocks "
			     "have names of their own");
	if (rc == 0)
		rc = call_source_open(
			&in,
			&(struct call_source_options){ .path = (const char *const *)cli->argument,
						       .path_count = 1,
						       .format = cli_value(cli, "format"),
						       .map = map,
						       .map_count = o.map_count,
						       .from_zero = true,
						       .threads = 1 },
			e);
	if (rc == 0)
		rc = call_source_blocks(t, &in, &o, e);
	call_source_doubts(&in, doubts);
	call_source_close(&in);
	if (rc == 0 && !(*t)->names_blocks)
		rc = err_set(e, ERR_INVALID, WORKLOAD_HAS_NO_BLOCKS, (*t)->shape);
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct asked a = { 0 };
	struct block_trace *t = NULL;
	int rc = read_cache(cli, &a, e);
	if (rc == 0 && cli_flag(cli, "curve") &&
	    (cli_value(cli, "capacity") || cli_value(cli, "cache")))
		rc = err_set(e, ERR_USAGE, "give --curve (every capacity) or --capacity, not both");
	if (rc == 0 && cli_flag(cli, "curve") && a.contract.later)
		rc = err_set(
			e, ERR_USAGE,
			"--curve needs one rule, and this model's cache contract changes over time; give --capacity");
	if (rc == 0)
		rc = read_trace(cli, &t, &a.doubts, e);
	if (rc == 0 && cli_flag(cli, "curve"))
		rc = show_curve(cli, t, &a, e);
	else if (rc == 0)
		rc = show_capacities(cli, t, &a, e);
	model_cache_release(&a.contract);
	book_close(a.book);
	struct refusals refusals = { 0 };
	for (int64_t i = 0; rc == 0 && i < t->refused && i < BLOCK_REFUSALS_KEPT; i++)
		refusals_add(&refusals, cli->argument[0], t->refusal[i].line, t->refusal[i].why);
	if (rc == 0)
		rc = refusals_sum(&refusals, t->refused, "counted");
	if (rc == 0 || rc == 3)
		rc |= refusals_columns((struct text){ a.doubts.columns.p, a.doubts.columns.n });
	doubts_release(&a.doubts);
	block_trace_close(t);
	return rc;
}

const struct command command_cache = {
	.name = "cache",
	.place = HELP_PLAN + 14,
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
	.common = TAKES_CSV | TAKES_PRICES | TAKES_CURRENCY,
	.run = run,
};
