/*
 * What a vendor's own tools did for an answer, where the answer lists it and the usage does not
 * count it: searches, runs of code, pictures. Rows of tools.def say what each is.
 *
 * Sources: OpenAI responses (items of the output), Anthropic (blocks of a message and its
 * container), Gemini (grounding metadata), Moonshot ($web_search), Z.ai (web_search beside the
 * choices), AI SDK (providerExecuted).
 */
#include <pthread.h>
#include <string.h>

#include "meter/formats/payload_run.h"

enum tool_list { OUTPUT, BLOCK, CALLED, GROUNDING };

static const struct tool {
	enum tool_list list;
	const char *word;
	int unit; /* UNIT_COUNT: nothing is billed */
	const char *reason;
} tools[] = {
#define TOOL(list, word, unit, reason) { list, word, unit, reason },
#include "meter/formats/tools.def"
#undef TOOL
};

/* 1 + the number of a tool by its list and word. */
static struct dict by_word;
static pthread_once_t by_word_once = PTHREAD_ONCE_INIT;

enum { WORD_ROOM = 64 };

static struct text word_key(char room[WORD_ROOM], enum tool_list list, struct text word)
{
	const size_t n = word.n < WORD_ROOM - 1 ? word.n : WORD_ROOM - 1;
	room[0] = (char)('0' + list);
	if (n)
		memcpy(room + 1, word.p, n);
	return (struct text){ room, n + 1 };
}

static void make_by_word(void)
{
	char room[WORD_ROOM];
	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
		*dict_need(&by_word, word_key(room, tools[i].list, text_of(tools[i].word)), NULL) =
			i + 1;
}

static const struct tool *find_tool(enum tool_list list, struct text word)
{
	char room[WORD_ROOM];
	pthread_once(&by_word_once, make_by_word);
	const uint64_t *at =
		word.n + 1 < WORD_ROOM ? dict_find(&by_word, word_key(room, list, word)) : NULL;
	return at ? &tools[*at - 1] : NULL;
}

/* A word without letters would not be seen. */
static void name_tool(struct tools_found *f, struct text word)
{
	if (!f->unknown.n)
		f->unknown = word.n ? word : TEXT("without a name");
}

/* What is looked through here need not be looked for elsewhere. Whether it is what it should be:
 * something else in its place may hold anything. */
static bool is_kind(struct payload_reader *r, struct tools_found *f, json_value *v,
		    enum json_kind kind)
{
	if (json_kind(v) == kind && r->read.count < READ_MOST)
		r->read.list[r->read.count++] = v;
	else if (!json_is_nothing(v) && json_kind(v) != kind)
		name_tool(f, text_of(json_key(v) ? json_key(v) : ""));
	return json_kind(v) == kind;
}

/* A container serves many runs of code and is billed once. */
static void take_container(struct tools_found *f, json_value *id)
{
	const struct text container = json_string(id);
	if (f->units[UNIT_CONTAINER] && (!container.n || text_eq(container, f->container)))
		return;
	f->units[UNIT_CONTAINER]++;
	f->container = container;
}

/* A search that does not say what it did may be no search: told where an object in it could. */
static void judge_action(struct tools_found *f, json_value *item)
{
	static const char *const found[] = { "queries", "results", "sources" };
	for (json_value *v = json_first(item); v; v = json_next(v)) {
		bool known = json_kind(v) != JSON_OBJECT && json_kind(v) != JSON_ARRAY;
		for (size_t i = 0; i < sizeof found / sizeof *found; i++)
			known |= strcmp(json_key(v), found[i]) == 0;
		if (!known && !json_is_nothing(v))
			name_tool(f, text_of(json_key(v)));
	}
}

static void take_item(struct tools_found *f, json_value *v, struct text type)
{
	const struct tool *t = find_tool(OUTPUT, type);
	json_value *environment = json_member(v, "environment");
	const struct text did = json_string(json_member(json_member(v, "action"), "type"));
	if (!t)
		name_tool(f, type);
	if (!t || t->unit == UNIT_COUNT)
		return;
	if (t->unit == UNIT_WEB_SEARCH && !did.n)
		judge_action(f, v);
	if (t->unit == UNIT_WEB_SEARCH && did.n && !text_is(did, "search")) {
		/* pages that were opened have no fee */
		if (!text_is(did, "open_page") && !text_is(did, "find_in_page") &&
		    !text_is(did, "find"))
			name_tool(f, did);
		return;
	}
	if (t->unit != UNIT_CONTAINER)
		f->units[t->unit]++;
	else if (!text_begins(json_string(json_member(environment, "type")), "local"))
		take_container(f, environment ? json_member(environment, "container_id")
					      : json_member(v, "container_id"));
}

/* A tool that was used once; t: what is known of it, or NULL. */
static void count_tool(struct tools_found *f, const struct tool *t, struct text name)
{
	if (!t)
		name_tool(f, name);
	else if (t->unit == UNIT_CONTAINER)
		take_container(f, NULL);
	else if (t->unit != UNIT_COUNT)
		f->units[t->unit]++;
}

void payload_tool_block(struct tools_found *f, json_value *v)
{
	const struct text type = json_string(json_member(v, "type"));
	if (!text_is(type, "server_tool_use") && !text_is(type, "server_tool_call")) {
		take_item(f, v, type);
		return;
	}
	const struct text name = json_string(json_member(v, "name"));
	const struct tool *t = find_tool(BLOCK, name);
	f->by_search |= text_begins(json_string(json_member(json_member(v, "caller"), "type")),
				    "code_execution") &&
			text_begins(name, "web_");
	count_tool(f, t, name);
}

/* A tool by the name under which it was called; others are the caller's own unless the vendor says
 * that it executed them. */
static void take_called(struct tools_found *f, struct text name, bool executed)
{
	const struct tool *t = find_tool(CALLED, name);
	if (name.n && !executed && !text_begins(name, "$"))
		return;
	count_tool(f, t, name);
}

/* A call of the AI SDK, which says of it whether the vendor executed it. */
static void take_sdk_call(struct tools_found *f, json_value *v)
{
	static const char *const flags[] = { "dynamic", "invalid", "preliminary" };
	json_value *executed = json_member(v, "providerExecuted");
	take_called(f, json_string(json_member(v, "toolName")), json_true(executed));
	if (!json_is_nothing(executed) && json_kind(executed) != JSON_BOOL)
		name_tool(f, TEXT("providerExecuted"));
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		bool known = m == executed || json_kind(m) != JSON_BOOL || !json_true(m);
		for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
			known |= strcmp(json_key(m), flags[i]) == 0;
		if (!known)
			name_tool(f, text_of(json_key(m)));
	}
}

static void take_list(struct payload_reader *r, struct tools_found *f, json_value *list)
{
	if (!is_kind(r, f, list, JSON_ARRAY))
		return;
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		const struct text type = json_string(json_member(v, "type"));
		if (json_kind(v) == JSON_STRING) /* what was said */
			continue;
		/* in what was said each part has a type; lists of nothing but calls need none */
		const bool untyped = !type.n && json_member(v, "toolName");
		if (untyped && json_key(list) && strcmp(json_key(list), "content") == 0)
			name_tool(f, json_string(json_member(v, "toolName")));
		else if (untyped || text_is(type, "tool-call"))
			take_sdk_call(f, v);
		else
			payload_tool_block(f, v);
	}
}

/* A run of OpenAI's assistants names the tools that it might use; its steps say which it did. */
static void take_run(struct tools_found *f, json_value *answer)
{
	if (!text_is(json_string(json_member(answer, "object")), "thread.run"))
		return;
	for (json_value *v = json_first(json_member(answer, "tools")); v; v = json_next(v)) {
		const struct text type = json_string(json_member(v, "type"));
		if (!text_is(type, "function") && !f->unknown.n)
			f->unknown = type;
	}
}

/* A tool's name under which the vendor bills its calls is told by what was asked for. */
static bool asked_for_preview(struct tools_found *f, json_value *answer)
{
	json_value *asked = json_member(answer, "tools");
	bool preview = false, any = false;
	for (json_value *v = json_first(asked); v; v = json_next(v)) {
		const struct text type = json_string(json_member(v, "type"));
		preview |= text_begins(type, "web_search_preview");
		any |= text_begins(type, "web_search");
	}
	/* both kinds leave the same item, at prices of their own */
	if (!json_is_nothing(asked) && !any)
		name_tool(f, TEXT("web_search_call"));
	return preview;
}

void payload_take_tools(struct payload_reader *r, struct metered *m, struct tools_found *f)
{
	if (f->by_search)
		f->units[UNIT_CONTAINER] = 0;
	if (f->unknown.n && !m->unread)
		m->unread = arena_printf(
			&r->arena,
			"the tool '%.*s' may be billed, and how often it was used is unknown",
			f->unknown.n > 60 ? 60 : (int)f->unknown.n, f->unknown.p);
	for (int u = 0; u < UNIT_COUNT; u++) {
		if (!f->units[u] || m->record.units[u])
			continue; /* what the usage counts is what is billed */
		m->record.units[u] = f->units[u];
		m->record.present |= (uint64_t)1 << (FIELD_UNITS + u);
	}
}

/* The tools that a chat called, of which a vendor runs some. */
static void take_choice(struct payload_reader *r, struct tools_found *f, json_value *choices)
{
	json_value *choice = json_first(choices), *message = json_member(choice, "message"),
		   *calls = json_member(message, "tool_calls");
	if (!json_is_nothing(choices) &&
	    (json_kind(choices) != JSON_ARRAY ||
	     !(message || json_member(choice, "text") || json_member(choice, "delta") ||
	       json_member(choice, "finish_reason"))))
		name_tool(f, TEXT("choices"));
	if (!json_is_nothing(message) && json_kind(message) != JSON_OBJECT)
		name_tool(f, TEXT("message"));
	if (!json_is_nothing(calls) && !is_kind(r, f, calls, JSON_ARRAY))
		return;
	for (json_value *v = json_first(calls); v; v = json_next(v)) {
		json_value *function = json_member(v, "function"), *own = json_member(v, "custom");
		const bool executed =
			text_is(json_string(json_member(v, "type")), "builtin_function");
		take_called(f,
			    json_string(json_member(function ? function
						    : own    ? own
							     : v,
						    "name")),
			    executed);
	}
}

/* Pydantic AI's parts of an answer: what its vendor ran. */
static void take_parts(struct tools_found *f, json_value *parts)
{
	static const char *const of_others[] = { "tool-call", "tool-return", "builtin-tool-return",
						 "retry-prompt", NULL };
	for (json_value *v = json_first(parts); v; v = json_next(v)) {
		const struct text name = json_string(json_member(v, "tool_name")),
				  kind = json_string(json_member(v, "part_kind"));
		if (text_is(kind, "builtin-tool-call"))
			take_called(f, name, true);
		else if (name.n && !text_is_one_of(kind, of_others))
			name_tool(f, name);
	}
}

/* Whether its content is a list of blocks; that of other rows may be a text. */
static bool has_blocks(json_value *answer)
{
	return text_is(json_string(json_member(answer, "type")), "message") ||
	       json_member(answer, "finishReason");
}

int payload_tools(struct payload_reader *r, struct metered *m, json_value *answer,
		  json_value *usage, struct err *e)
{
	struct tools_found f = { 0 };
	struct raw_counts counted = { 0 };
	json_value *content = json_member(answer, "content"),
		   *output = json_member(answer, "output"),
		   *found = json_member(answer, "web_search");
	/* xAI bills what succeeded, and counts that */
	if (json_member(usage, "server_side_tool_usage_details") ||
	    json_member(usage, "server_side_tool_usage")) {
		is_kind(r, &f, json_member(answer, "output"), JSON_ARRAY);
		payload_take_tools(r, m, &f);
		return 0;
	}
	take_run(&f, answer);
	/* DashScope's is an object that holds choices */
	if (json_kind(output) != JSON_OBJECT ||
	    text_is(json_string(json_member(answer, "object")), "response"))
		take_list(r, &f, output);
	if (json_kind(content) != JSON_STRING || has_blocks(answer))
		take_list(r, &f, content);
	if (!json_first(content))
		take_list(r, &f, json_member(answer, "toolCalls"));
	take_choice(r, &f, json_member(answer, "choices"));
	take_parts(&f, json_member(answer, "parts"));
	/* Z.ai lists what one search found */
	if (is_kind(r, &f, found, JSON_ARRAY) && json_first(found)) {
		f.units[UNIT_WEB_SEARCH] += json_member(answer, "choices") != NULL;
		if (!json_member(answer, "choices"))
			name_tool(&f, TEXT("web_search"));
	}
	json_value *tallied = json_member(answer, "tool_usage");
	if (is_kind(r, &f, tallied, JSON_OBJECT))
		for (json_value *t = json_first(tallied); t; t = json_next(t))
			if (!json_is_nothing(t) && json_kind(t) != JSON_OBJECT)
				name_tool(&f, text_of(json_key(t)));
	int rc = counts_read_units(&counted, tallied, e);
	if (counted.units[UNIT_WEB_SEARCH] > f.units[UNIT_WEB_SEARCH])
		f.units[UNIT_WEB_SEARCH] = counted.units[UNIT_WEB_SEARCH];
	if (f.units[UNIT_WEB_SEARCH] && asked_for_preview(&f, answer)) {
		f.units[UNIT_WEB_SEARCH_PREVIEW] += f.units[UNIT_WEB_SEARCH];
		f.units[UNIT_WEB_SEARCH] = 0;
	}
	payload_take_tools(r, m, &f);
	return rc;
}

/* --- Gemini --- */

static json_value *either(json_value *v, const char *camel, const char *snake)
{
	json_value *m = json_member(v, camel);
	return m ? m : json_member(v, snake);
}

/* Queries that are not empty and not repeated. */
static int64_t count_queries(struct tools_found *f, json_value *list)
{
	int64_t n = 0;
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		const struct text query = json_string(v);
		if (json_kind(v) != JSON_STRING)
			name_tool(f, text_of(json_key(list)));
		json_value *same = json_first(list);
		while (same != v && !text_eq(json_string(same), query))
			same = json_next(same);
		n += query.n && same == v;
	}
	return n;
}

/* Names of both spellings are one. */
static const struct tool *find_grounding(struct text name)
{
	char snake[64];
	size_t n = 0;
	for (size_t i = 0; i < name.n && n + 2 < sizeof snake; i++) {
		const bool capital = name.p[i] >= 'A' && name.p[i] <= 'Z';
		if (capital)
			snake[n++] = '_';
		snake[n++] = (char)(capital ? name.p[i] | 32 : name.p[i]);
	}
	return find_tool(GROUNDING, (struct text){ snake, n });
}

/* What a search has no name for is its own; nothing else is known to cost nothing. */
static void judge_grounding(struct tools_found *f, json_value *grounding)
{
	static const char *const found[] = { "web", "maps", "image", "retrievedContext",
					     "retrieved_context" };
	for (json_value *v = json_first(grounding); v; v = json_next(v)) {
		const struct text name = text_of(json_key(v) ? json_key(v) : "");
		const struct tool *t = find_grounding(name);
		const bool other = t && !*t->reason && json_kind(v) != JSON_ARRAY;
		if ((!t || other) && !json_is_nothing(v))
			name_tool(f, name);
	}
	for (json_value *v = json_first(either(grounding, "groundingChunks", "grounding_chunks"));
	     v; v = json_next(v)) {
		bool any = false;
		for (size_t i = 0; i < sizeof found / sizeof *found; i++)
			any |= json_kind(json_member(v, found[i])) == JSON_OBJECT;
		if (!any)
			name_tool(f, TEXT("groundingChunks"));
	}
}

void payload_grounding(struct payload_reader *r, struct metered *m, json_value *grounding)
{
	struct tools_found f = { 0 };
	bool web = false, maps = false;
	if (!is_kind(r, &f, grounding, JSON_OBJECT)) {
		payload_take_tools(r, m, &f);
		return;
	}
	judge_grounding(&f, grounding);
	for (json_value *v = json_first(either(grounding, "groundingChunks", "grounding_chunks"));
	     v; v = json_next(v)) {
		web |= json_kind(json_member(v, "web")) == JSON_OBJECT;
		maps |= json_kind(json_member(v, "maps")) == JSON_OBJECT;
	}
	f.units[UNIT_WEB_SEARCH] =
		count_queries(&f, either(grounding, "webSearchQueries", "web_search_queries")) +
		count_queries(&f, either(grounding, "imageSearchQueries", "image_search_queries"));
	if (web && !f.units[UNIT_WEB_SEARCH])
		f.units[UNIT_WEB_SEARCH] = 1;
	f.units[UNIT_MAP_SEARCH] = maps;
	f.units[UNIT_FILE_SEARCH] =
		count_queries(&f, either(grounding, "retrievalQueries", "retrieval_queries")) != 0;
	payload_take_tools(r, m, &f);
}

bool tool_leaves_word(struct text word)
{
	const struct tool *t;
	if (word.n < 8 || word.n >= WORD_ROOM || memchr(word.p, ' ', word.n))
		return false; /* most are */
	if (text_begins(word, "web_search_preview") || text_is(word, "server_tool_use") ||
	    text_is(word, "server_tool_call"))
		return true;
	t = find_tool(*word.p == '$' ? CALLED : OUTPUT, word);
	return t && t->unit != UNIT_COUNT;
}

bool tool_leaves_list(struct text name)
{
	const struct tool *t = find_grounding(name);
	return (t && !*t->reason) || text_is(name, "web_search");
}

/* The generation in the name of a Gemini; 0: it tells none. */
static int gemini_generation(struct text model)
{
	static const char name[] = "gemini-";
	for (size_t i = 0; i + sizeof name <= model.n; i++)
		if (memcmp(model.p + i, name, sizeof name - 1) == 0) {
			const char c = model.p[i + sizeof name - 1];
			return is_digit(c) ? c - '0' : 0;
		}
	return -1;
}

/* OpenAI's models of the chat interface that search the web in every call, and do not say so. */
static bool always_searches(struct text model)
{
	static const char *const words[] = { "-search-preview", "-search-api" };
	for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
		const size_t n = strlen(words[w]);
		for (size_t i = 0; i + n <= model.n; i++)
			if (memcmp(model.p + i, words[w], n) == 0)
				return true;
	}
	return false;
}

static bool counts_searches(const struct record *r)
{
	return r->units[UNIT_WEB_SEARCH] || r->units[UNIT_WEB_SEARCH_LOW] ||
	       r->units[UNIT_WEB_SEARCH_MEDIUM] || r->units[UNIT_WEB_SEARCH_HIGH];
}

/* Before its third generation Gemini bills a prompt that was grounded, however many queries it
 * took; since then each query. */
void payload_settle_tools(struct payload_reader *r, struct metered *m)
{
	int64_t *searches = &m->record.units[UNIT_WEB_SEARCH];
	/* a record of our own, or of a seller, says what is billed */
	if (m->record.requests != 1 || m->aggregate || !m->raw.n ||
	    text_is(m->record.text[FIELD_PROVIDER], "openrouter"))
		return;
	if (always_searches(m->record.text[FIELD_MODEL]) && !counts_searches(&m->record)) {
		*searches = 1;
		m->record.present |= (uint64_t)1 << (FIELD_UNITS + UNIT_WEB_SEARCH);
	}
	if (*searches < 2)
		return;
	const int generation = gemini_generation(m->record.text[FIELD_MODEL]);
	if (generation > 0 && generation < 3)
		*searches = 1;
	else if (generation == 0 && !m->unread)
		m->unread =
			arena_printf(&r->arena,
				     "%lld searches are billed each or as one, by the generation "
				     "of the model, which '%.*s' does not tell",
				     (long long)*searches, (int)m->record.text[FIELD_MODEL].n,
				     m->record.text[FIELD_MODEL].p);
}
