/*
 * embed_exports EXPORT.json...: the registry of exports and bills (meter/read/exports.h) as C.
 *
 * Prints one entry a file. Run by the Makefile; a file with a key or a word that no entry has ends
 * it, and so does a column of no known role.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "meter/read/exports.h"

static const char *path; /* of the file at work */

static void refuse(const char *what, struct text word)
{
	fprintf(stderr, "%s: %s '%.*s'\n", path, what, (int)word.n, word.p);
	exit(1);
}

static int role_of(struct text word)
{
	static const char *const roles[EXPORT_ROLES] = {
		[ROLE_ID] = "id",
		[ROLE_START] = "start",
		[ROLE_END] = "end",
		[ROLE_MODEL] = "model",
		[ROLE_PROVIDER] = "provider",
		[ROLE_CUSTOMER] = "customer",
		[ROLE_PROJECT] = "project",
		[ROLE_SESSION] = "session",
		[ROLE_TASK] = "task",
		[ROLE_TIER] = "tier",
		[ROLE_BATCH] = "batch",
		[ROLE_SPEED] = "speed",
		[ROLE_GEO] = "geo",
		[ROLE_KEY] = "key",
		[ROLE_SECRET] = "secret",
		[ROLE_REQUESTS] = "requests",
		[ROLE_TYPE] = "type",
		[ROLE_AMOUNT] = "amount",
		[ROLE_UNCHARGED] = "uncharged",
		[ROLE_FLAG] = "flag",
		[ROLE_SUCCESS] = "success",
		[ROLE_FEE] = "fee",
		[ROLE_COST] = "cost",
		[ROLE_LIST] = "list",
		[ROLE_CURRENCY] = "currency",
		[ROLE_CREDITS] = "credits",
		[ROLE_PRICE] = "price",
		[ROLE_KIND] = "kind",
		[ROLE_ITEM] = "item",
		[ROLE_WHAT] = "what",
		[ROLE_SERVICE] = "service",
		[ROLE_PRODUCT] = "product",
		[ROLE_UNIT] = "unit",
		[ROLE_QUANTITY] = "quantity",
		[ROLE_TOKENS] = "tokens",
		[ROLE_BILLED_MONTH] = "billed_month",
		[ROLE_YEAR] = "year",
		[ROLE_MONTH] = "month",
		[ROLE_DAY] = "day",
		[ROLE_COUNT + RAW_PROMPT] = "prompt",
		[ROLE_COUNT + RAW_COMPLETION] = "completion",
		[ROLE_COUNT + RAW_TOTAL] = "total",
		[ROLE_COUNT + RAW_CACHE_READ] = "cache_read",
		[ROLE_COUNT + RAW_CACHE_WRITE] = "cache_write",
		[ROLE_COUNT + RAW_CACHE_WRITE_5M] = "cache_write_5m",
		[ROLE_COUNT + RAW_CACHE_WRITE_1H] = "cache_write_1h",
		[ROLE_COUNT + RAW_REASONING] = "reasoning",
		[ROLE_COUNT + RAW_TOOL_PROMPT] = "tool_prompt",
		[ROLE_COUNT + RAW_INPUT_AUDIO] = "input_audio",
		[ROLE_COUNT + RAW_OUTPUT_AUDIO] = "output_audio",
		[ROLE_UNITS + UNIT_WEB_SEARCH] = "searches",
	};
	for (int i = 0; i < EXPORT_ROLES; i++)
		if (roles[i] && text_is(word, roles[i]))
			return i;
	refuse("no role of a column is", word);
	return 0;
}

/* Which of the words a member is; the first where it is absent. */
static int choice(json_value *file, const char *key, const char *const *words)
{
	struct text s = json_string(json_member(file, key));
	int i = 0;
	while (s.n && words[i] && !text_is(s, words[i]))
		i++;
	if (s.n && !words[i])
		refuse(key, s);
	return i;
}

static void put_word(struct text s)
{
	struct buf b = { 0 };
	json_put_string(&b, s);
	printf("%s", b.p);
	buf_release(&b);
}

/* A member that is text; where it is absent the entry has none. */
static void put_text(json_value *file, const char *key, const char *member)
{
	struct text s = json_string(json_member(file, key));
	if (!s.n)
		return;
	printf("\t.%s = ", member);
	put_word(s);
	printf(",\n");
}

/* A word, the strings of a list, or the keys of an object. */
static void put_words(json_value *list)
{
	const enum json_kind kind = json_kind(list);
	printf("(const char *const[]){ ");
	for (json_value *v = kind == JSON_STRING ? list : json_first(list); v;
	     v = kind == JSON_STRING ? NULL : json_next(v)) {
		put_word(kind == JSON_OBJECT ? text_of(json_key(v)) : json_string(v));
		printf(", ");
	}
	printf("0 }");
}

static bool is_listed(json_value *list, struct text name)
{
	for (json_value *v = json_first(list); v; v = json_next(v))
		if (text_eq(json_string(v), name))
			return true;
	return false;
}

/* Returns whether one of them says what something cost. */
static bool put_columns(json_value *columns, json_value *optional)
{
	bool cost = false;
	printf("\t.column = (const struct export_column[]){ ");
	for (json_value *v = json_first(columns); v; v = json_next(v)) {
		const struct text name = text_of(json_key(v));
		const int role = role_of(json_string(v));
		if (name.n >= EXPORT_NAME_MAX)
			refuse("too long is the name", name);
		printf("{ ");
		put_word(name);
		printf(", %d, %d }, ", role, is_listed(optional, name));
		cost |= role == ROLE_COST || role == ROLE_PRICE;
	}
	printf("{ 0 } },\n");
	return cost;
}

/* Whether rows of usage count a prompt and none of their columns what of it was cached. */
static bool leaves_cache_out(json_value *root)
{
	const bool bill = text_is(json_string(json_member(root, "kind")), "bill");
	bool prompt = false, cached = false;
	for (json_value *v = json_first(json_member(root, "columns")); v; v = json_next(v)) {
		const int role = role_of(json_string(v));
		prompt |= role == ROLE_COUNT + RAW_PROMPT;
		cached |= role == ROLE_COUNT + RAW_CACHE_READ;
	}
	return prompt && !cached && !bill;
}

static void put_lists(json_value *root)
{
	json_value *needs = json_member(root, "needs"), *only = json_member(root, "only");
	if (!json_first(needs))
		refuse("lacks a list of", TEXT("needs"));
	printf("\t.needs = (const struct export_need[]){ ");
	for (json_value *v = json_first(needs); v; v = json_next(v)) {
		printf("{ ");
		put_words(v);
		printf(" }, ");
	}
	printf("{ 0 } },\n\t.harmless = ");
	put_words(json_member(root, "harmless"));
	printf(",\n");
	if (!json_first(only))
		return;
	printf("\t.only = ");
	put_word(text_of(json_key(json_first(only))));
	printf(", .only_value = ");
	put_word(json_string(json_first(only)));
	printf(",\n");
}

/* Members that are one word of a list, at the number of the value that it stands for. */
static void put_choices(json_value *root)
{
	static const char *const kinds[] = { "calls", "buckets", "bill", NULL };
	static const char *const reads[] = { "rows", "document", "trace", NULL };
	static const char *const caches[] = { "keys", "inside", "beside", "untold", NULL };
	static const char *const thoughts[] = { "inside", "beside", NULL }; /* the answer */
	enum { UNTOLD = 3 }; /* meter/formats/gaps.def says so of them */
	/* at the number of decimals, where that is the same for all currencies */
	enum { MINOR_UNITS = 1 };
	static const char *const moneys[] = { "units", "minor units", "cents", "", "", "", "",
					      "",      "micro cents", NULL };
	static const char *const signs[] = { "stated", "majority", NULL };
	static const char *const ends[] = { "next day", "last day", NULL };
	static const char *const orders[] = { "certain", "month first", "day first", NULL };
	static const char *const spellings[] = { "plain", "openai",  "aws", "azure",
						 "gcp",	  "bailian", "any", NULL };
	const int read = choice(root, "read", reads), places = choice(root, "money", moneys),
		  cache = choice(root, "cache", caches);
	printf("\t.kind = %d, .as_json = %d, .as_trace = %d, .cache = %d, .spelling = %d,\n",
	       choice(root, "kind", kinds), read == 1, read == 2,
	       cache == UNTOLD ? CACHE_INSIDE : cache, choice(root, "spelling", spellings));
	printf("\t.places = %d, .minor = %d, .order = %d, .last_day = %d, .majority = %d,\n",
	       places == MINOR_UNITS ? 0 : places, places == MINOR_UNITS,
	       choice(root, "dates", orders), choice(root, "ends", ends) == 1,
	       choice(root, "sign", signs) == 1);
	printf("\t.parts = %d, .general = %d, .thoughts_beside = %d,\n",
	       json_true(json_member(root, "parts")), json_true(json_member(root, "general")),
	       choice(root, "thoughts", thoughts) == 1);
}

static void put_entry(json_value *root)
{
	static const char *const known[] = { "name",	"title",    "vendor",	"kind",	    "read",
					     "rows",	"needs",    "columns",	"harmless", "cache",
					     "money",	"spelling", "currency", "zone",	    "sign",
					     "parts",	"dates",    "optional", "costs",    "net",
					     "general", "key",	    "ends",	"only",	    "thoughts", NULL };
	static const struct {
		const char *key, *member;
	} texts[] = { { "name", "shape" }, { "title", "title" }, { "vendor", "provider" },
		      { "rows", "rows" },  { "key", "key" },	 { "currency", "currency" },
		      { "net", "net" },	   { "zone", "zone" } };
	static const char *const costs[] = { "estimated", "charged", "no bill", NULL };
	const int cost = choice(root, "costs", costs);
	struct err e;
	if (json_check_keys(root, known, "an export", &e) != 0)
		refuse(e.message, TEXT(""));
	if (!json_string(json_member(root, "name")).n || !json_string(json_member(root, "title")).n)
		refuse("lacks a name or a title", TEXT(""));
	/* what reads documents may find it elsewhere in them */
	const bool untold = text_is(json_string(json_member(root, "cache")), "untold");
	if (untold != leaves_cache_out(root) && (untold || !json_member(root, "read")))
		refuse("must say by \"cache\" whether what was cached is told: its columns disagree",
		       TEXT(""));
	printf("{\n");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		put_text(root, texts[i].key, texts[i].member);
	put_choices(root);
	put_lists(root);
	const bool says_cost =
		put_columns(json_member(root, "columns"), json_member(root, "optional"));
	printf("\t.charges = %d, .has_cost = %d,\n},\n", cost == 1, says_cost && cost != 2);
}

int main(int argc, char **argv)
{
	printf("#include \"meter/read/exports.h\"\nconst struct export_format export_formats[] = {\n");
	for (int i = 1; i < argc; i++) {
		struct json_document *d;
		struct err e;
		path = argv[i];
		if (json_open_file(&d, path, &e) != 0)
			refuse(e.message, TEXT(""));
		put_entry(json_root(d));
		json_close(d);
	}
	printf("};\nconst size_t export_format_count = %d;\n", argc - 1);
	return ferror(stdout) ? 1 : 0;
}
