/*
 * What a vendor's own tools did for an answer, where the answer lists it and the usage does not
 * count it: searches, runs of code, pictures. Rows of tools.def say what each is.
 *
 * Sources: OpenAI responses (items of the output), Anthropic (blocks of a message and its
 * container), Gemini (grounding metadata), Moonshot ($web_search), Z.ai (web_search beside the
 * choices), AI SDK (providerExecuted).
 */
#include <string.h>

#include "meter/formats/payload_run.h"

enum tool_list { OUTPUT, BLOCK, CALLED };

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

static const struct tool *find_tool(enum tool_list list, struct text word)
{
	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
		if (tools[i].list == list && text_is(word, tools[i].word))
			return &tools[i];
	return NULL;
}

static bool ends(struct text s, const char *word)
{
	const size_t n = strlen(word);
	return s.n >= n && memcmp(s.p + s.n - n, word, n) == 0;
}

static bool begins(struct text s, const char *word)
{
	const size_t n = strlen(word);
	return s.n >= n && memcmp(s.p, word, n) == 0;
}

static void name_tool(struct tools_found *f, struct text word)
{
	if (!f->unknown.n)
		f->unknown = word;
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

static void take_item(struct tools_found *f, json_value *v, struct text type)
{
	const struct tool *t = find_tool(OUTPUT, type);
	json_value *environment = json_member(v, "environment");
	const struct text did = json_string(json_member(json_member(v, "action"), "type"));
	if (!t && ends(type, "_call"))
		name_tool(f, type);
	if (!t || t->unit == UNIT_COUNT)
		return;
	if (t->unit == UNIT_WEB_SEARCH && did.n && !text_is(did, "search"))
		return; /* pages that were opened have no fee */
	if (t->unit != UNIT_CONTAINER)
		f->units[t->unit]++;
	else if (!begins(json_string(json_member(environment, "type")), "local"))
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
	const struct text name = json_string(json_member(v, "name"));
	const struct tool *t = find_tool(BLOCK, name);
	f->by_search |= begins(json_string(json_member(json_member(v, "caller"), "type")),
			       "code_execution") &&
			begins(name, "web_");
	count_tool(f, t, name);
}

/* A tool by the name under which it was called; others are the caller's own unless the vendor says
 * that it executed them. */
static void take_called(struct tools_found *f, struct text name, bool executed)
{
	const struct tool *t = find_tool(CALLED, name);
	if (!executed && !begins(name, "$"))
		return;
	count_tool(f, t, name);
}

static void take_list(struct tools_found *f, json_value *list)
{
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		const struct text type = json_string(json_member(v, "type"));
		if (text_is(type, "server_tool_use"))
			payload_tool_block(f, v);
		else if (json_true(json_member(v, "providerExecuted")) &&
			 (!type.n || text_is(type, "tool-call")))
			take_called(f, json_string(json_member(v, "toolName")), true);
		else
			take_item(f, v, type);
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
static bool asked_for_preview(json_value *answer)
{
	for (json_value *v = json_first(json_member(answer, "tools")); v; v = json_next(v))
		if (begins(json_string(json_member(v, "type")), "web_search_preview"))
			return true;
	return false;
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

int payload_tools(struct payload_reader *r, struct metered *m, json_value *answer,
		  json_value *usage, struct err *e)
{
	struct tools_found f = { 0 };
	struct raw_counts counted = { 0 };
	json_value *choice = json_first(json_member(answer, "choices")),
		   *content = json_member(answer, "content");
	/* xAI bills what succeeded, and counts that */
	if (json_member(usage, "server_side_tool_usage_details") ||
	    json_member(usage, "server_side_tool_usage"))
		return 0;
	take_run(&f, answer);
	take_list(&f, json_member(answer, "output"));
	take_list(&f, content);
	if (!json_first(content))
		take_list(&f, json_member(answer, "toolCalls"));
	for (json_value *v = json_first(json_member(json_member(choice, "message"), "tool_calls"));
	     v; v = json_next(v))
		take_called(&f, json_string(json_member(json_member(v, "function"), "name")),
			    false);
	/* Z.ai lists what one search found */
	f.units[UNIT_WEB_SEARCH] += choice && json_first(json_member(answer, "web_search"));
	int rc = counts_read_units(&counted, json_member(answer, "tool_usage"), e);
	if (counted.units[UNIT_WEB_SEARCH] > f.units[UNIT_WEB_SEARCH])
		f.units[UNIT_WEB_SEARCH] = counted.units[UNIT_WEB_SEARCH];
	if (f.units[UNIT_WEB_SEARCH] && asked_for_preview(answer)) {
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
static int64_t count_queries(json_value *list)
{
	int64_t n = 0;
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		const struct text query = json_string(v);
		json_value *same = json_first(list);
		while (same != v && !text_eq(json_string(same), query))
			same = json_next(same);
		n += query.n && same == v;
	}
	return n;
}

void payload_grounding(struct payload_reader *r, struct metered *m, json_value *grounding)
{
	struct tools_found f = { 0 };
	bool web = false, maps = false;
	for (json_value *v = json_first(either(grounding, "groundingChunks", "grounding_chunks"));
	     v; v = json_next(v)) {
		web |= json_kind(json_member(v, "web")) == JSON_OBJECT;
		maps |= json_kind(json_member(v, "maps")) == JSON_OBJECT;
	}
	f.units[UNIT_WEB_SEARCH] =
		count_queries(either(grounding, "webSearchQueries", "web_search_queries")) +
		count_queries(either(grounding, "imageSearchQueries", "image_search_queries"));
	if (web && !f.units[UNIT_WEB_SEARCH])
		f.units[UNIT_WEB_SEARCH] = 1;
	f.units[UNIT_MAP_SEARCH] = maps;
	f.units[UNIT_FILE_SEARCH] =
		count_queries(either(grounding, "retrievalQueries", "retrieval_queries")) != 0;
	payload_take_tools(r, m, &f);
}

/* The generation in the name of a Gemini; 0: it tells none. */
static int gemini_generation(struct text model)
{
	static const char name[] = "gemini-";
	for (size_t i = 0; i + sizeof name <= model.n; i++)
		if (memcmp(model.p + i, name, sizeof name - 1) == 0) {
			const char c = model.p[i + sizeof name - 1];
			return c >= '0' && c <= '9' ? c - '0' : 0;
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
