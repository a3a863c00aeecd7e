/*
 * Antigravity: a SQLite database a conversation, its rows messages in protobuf. `gen_metadata` has
 * a row a request to a model; `steps` repeats a request's usage in each step, and has the instants
 * of requests that newer versions no longer date. A request that was tried again lists its
 * attempts.
 *
 * The input is what no cache gave, the output holds the thinking. A request is known by the id of
 * its answer: copies of a conversation repeat it, and so do steps and attempts.
 *
 * Source: the descriptors in Antigravity's own binary (exa.codeium_common_pb.ModelUsageStats,
 * exa.cortex_pb.CortexStepGeneratorMetadata), as ccusage/ccusage#1544 and kenn-io/agentsview tell
 * them; that input and cache are apart also antigravity.google/docs/cli/headless.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/peek.h"
#include "meter/formats/agent_call.h"
#include "meter/formats/proto.h"

static const struct proto_message timestamp = {
	"Timestamp",
	PROTO_FIELDS({ 1, PROTO_INT64, false, "seconds", NULL },
		     { 2, PROTO_COUNT, false, "nanos", NULL }),
};
static const struct proto_message modality = {
	"ModalityTokenCount",
	PROTO_FIELDS({ 1, PROTO_COUNT, false, "modality", NULL },
		     { 2, PROTO_COUNT, false, "tokenCount", NULL }),
};
static const struct proto_message usage = {
	"ModelUsageStats",
	.closed = true,
	PROTO_FIELDS({ 1, PROTO_COUNT, false, "model", NULL },
		     { 2, PROTO_COUNT, false, "inputTokens", NULL },
		     { 3, PROTO_COUNT, false, "outputTokens", NULL },
		     { 4, PROTO_COUNT, false, "cacheWriteTokens", NULL },
		     { 5, PROTO_COUNT, false, "cacheReadTokens", NULL },
		     { 6, PROTO_COUNT, false, "apiProvider", NULL },
		     { 7, PROTO_TEXT, false, "messageId", NULL },
		     { 8, PROTO_BYTES, false, "responseHeader", NULL },
		     { 9, PROTO_COUNT, false, "thinkingOutputTokens", NULL },
		     { 10, PROTO_COUNT, false, "responseOutputTokens", NULL },
		     { 11, PROTO_TEXT, false, "responseId", NULL },
		     { 12, PROTO_TEXT, false, "providerAssignedMessageId", NULL },
		     { 13, PROTO_TEXT, false, "serviceTier", NULL },
		     { 14, PROTO_MESSAGE, true, "promptTokensDetails", &modality },
		     { 15, PROTO_MESSAGE, true, "cacheTokensDetails", &modality },
		     { 16, PROTO_MESSAGE, true, "candidatesTokensDetails", &modality },
		     { 17, PROTO_MESSAGE, true, "toolUsePromptTokensDetails", &modality }),
};
static const struct proto_message attempt = {
	"RetryInfo",
	PROTO_FIELDS({ 2, PROTO_MESSAGE, false, "usage", &usage }),
};
static const struct proto_message start = {
	"ChatStartMetadata",
	PROTO_FIELDS({ 4, PROTO_MESSAGE, false, "createdAt", &timestamp }),
};
static const struct proto_message chat = {
	"ChatModelMetadata",
	PROTO_FIELDS({ 4, PROTO_MESSAGE, false, "usage", &usage },
		     { 9, PROTO_MESSAGE, false, "start", &start },
		     { 17, PROTO_MESSAGE, true, "retryInfos", &attempt },
		     { 19, PROTO_TEXT, false, "model", NULL },
		     { 21, PROTO_TEXT, false, "modelDisplayName", NULL }),
};
static const struct proto_message generation = {
	"CortexStepGeneratorMetadata",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, false, "chatModel", &chat }),
};
static const struct proto_message model_info = {
	"ModelInfo",
	PROTO_FIELDS({ 8, PROTO_TEXT, false, "model", NULL }),
};
static const struct proto_message step = {
	"CortexStepMetadata",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, false, "createdAt", &timestamp },
		     { 9, PROTO_MESSAGE, false, "usage", &usage },
		     { 24, PROTO_MESSAGE, false, "modelInfo", &model_info },
		     { 28, PROTO_MESSAGE, true, "retryInfos", &attempt }),
};
static const struct proto_message folder = {
	"Workspace",
	PROTO_FIELDS({ 1, PROTO_TEXT, false, "uri", NULL }),
};
static const struct proto_message trajectory = {
	"CortexTrajectoryMetadata",
	PROTO_FIELDS({ 1, PROTO_MESSAGE, true, "workspaces", &folder },
		     { 2, PROTO_MESSAGE, false, "createdAt", &timestamp }),
};

struct conversation {
	struct payload_reader *r;
	struct text id, project; /* as long as the reader */
	int64_t began_us;	 /* 0: not told */
	struct dict times;	 /* of answers, by id: when a step with its usage began */
	struct dict met;	 /* answers of which a call was taken */
	int64_t line;
};

/* One call in the making: where its model and its instant stand. */
struct request {
	json_value *usage, *created;
	struct text model;
	int64_t row;
	bool generated; /* in gen_metadata, not in a step */
};

/* Microseconds; 0 where the message is none or tells no time of ours. */
static int64_t instant_of(json_value *v)
{
	const struct text seconds = json_string(json_member(v, "seconds")),
			  nanos = json_number(json_member(v, "nanos"));
	const long long s = seconds.n ? strtoll(seconds.p, NULL, 10) : 0;
	const long long n = nanos.n ? strtoll(nanos.p, NULL, 10) : 0;
	static const long long SECONDS_MOST = 253402300799; /* of the year 9999 */
	return s > 0 && s <= SECONDS_MOST && n >= 0 && n < 1000000000 ? s * 1000000 + n / 1000 : 0;
}

static struct text answer_id(json_value *u)
{
	static const char *const names[] = { "responseId", "providerAssignedMessageId",
					     "messageId" };
	struct text id = TEXT("");
	for (size_t i = 0; i < sizeof names / sizeof *names && !id.n; i++)
		id = json_string(json_member(u, names[i]));
	return id;
}

/* Whether the two count the same; *any: the first counts something. */
static bool counts_alike(json_value *a, json_value *b, bool *any)
{
	static const char *const names[] = { "inputTokens", "outputTokens", "cacheWriteTokens",
					     "cacheReadTokens" };
	bool alike = true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct text x = json_number(json_member(a, names[i])),
				  y = json_number(json_member(b, names[i]));
		const bool none = x.n == 0 || text_is(x, "0");
		*any |= !none;
		alike &= none ? y.n == 0 || text_is(y, "0") : text_eq(x, y);
	}
	return alike;
}

/* By Gemini's numbers: text, pictures, films and documents of a prompt have one price. All else is
 * refused, for which of the counts holds it is not known. */
static int check_modalities(json_value *u, struct err *e)
{
	enum { WRITTEN = 1 << 1, SEEN = 1 << 2 | 1 << 3 | 1 << 5, MODALITIES = 6 };
	static const struct {
		const char *list;
		unsigned priced;
	} lists[] = { { "promptTokensDetails", WRITTEN | SEEN },
		      { "cacheTokensDetails", WRITTEN | SEEN },
		      { "candidatesTokensDetails", WRITTEN },
		      { "toolUsePromptTokensDetails", 0 } };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		json_value *list = json_member(u, lists[i].list);
		for (json_value *v = json_first(list); v; v = json_next(v)) {
			const struct text kind = json_number(json_member(v, "modality")),
					  n = json_number(json_member(v, "tokenCount"));
			const unsigned long k = kind.n ? strtoul(kind.p, NULL, 10) : 0;
			if (n.n && !text_is(n, "0") &&
			    (k >= MODALITIES || !(lists[i].priced >> k & 1)))
				return err_set(e, ERR_INVALID,
					       "'%s' counts %.*s tokens of modality %lu: which of "
					       "the counts holds them is not known",
					       lists[i].list, (int)n.n, n.p, k);
		}
	}
	return 0;
}

/* A count of zero is not written. */
static int read_usage(struct raw_counts *c, json_value *u, struct err *e)
{
	static const struct agent_count table[] = {
		{ "inputTokens", RAW_PROMPT, false },
		{ "outputTokens", RAW_COMPLETION, false },
		{ "cacheWriteTokens", RAW_CACHE_WRITE, false },
		{ "cacheReadTokens", RAW_CACHE_READ, false },
		{ "thinkingOutputTokens", RAW_REASONING, false },
		{ "responseOutputTokens", RAW_COUNTS, true },
		{ "model", RAW_COUNTS, true },
		{ "apiProvider", RAW_COUNTS, true },
		{ "serviceTier", RAW_COUNTS, true },
		{ "promptTokensDetails", RAW_COUNTS, true },
		{ "cacheTokensDetails", RAW_COUNTS, true },
		{ "candidatesTokensDetails", RAW_COUNTS, true },
		{ "toolUsePromptTokensDetails", RAW_COUNTS, true },
		{ NULL, RAW_COUNTS, false }
	};
	struct raw_counts answer = { 0 };
	json_value *shown = json_member(u, "responseOutputTokens");
	int rc = agent_counts(c, u, table, e);
	if (rc == 0)
		rc = check_modalities(u, e);
	if (rc == 0 && shown)
		rc = counts_set(&answer, RAW_COMPLETION, shown, e);
	c->has |= 1u << RAW_PROMPT | 1u << RAW_COMPLETION;
	const int64_t whole = c->count[RAW_COMPLETION], thought = c->count[RAW_REASONING];
	if (rc == 0 &&
	    (thought > whole || (shown && whole - thought != answer.count[RAW_COMPLETION])))
		rc = err_set(e, ERR_INVALID,
			     "'outputTokens' (%lld) is not the sum of thinking and response",
			     (long long)whole);
	return rc;
}

static void take(struct conversation *k, const struct request *q)
{
	struct payload_reader *r = k->r;
	struct metered m;
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true };
	struct err e;
	const struct text id = answer_id(q->usage);
	const uint64_t *told = id.n ? dict_find(&k->times, id) : NULL;
	const int64_t created = instant_of(q->created);
	payload_begin(&m, "antigravity.conversation", k->line);
	m.cumulative = true; /* met again in copies of the conversation */
	agent_set(&m.record, FIELD_ID,
		  text_of(id.n ? arena_printf(&r->arena, "antigravity:%.*s", (int)id.n, id.p)
			       : arena_printf(&r->arena, "antigravity:%.*s:%s%lld", (int)k->id.n,
					      k->id.p,
					      q->generated ? "" : "step:", (long long)q->row)));
	payload_seller(r, &m.record, TEXT("antigravity"));
	agent_set(&m.record, FIELD_MODEL, q->model);
	agent_set(&m.record, FIELD_SESSION, k->id);
	agent_set(&m.record, FIELD_TASK, k->id);
	agent_set(&m.record, FIELD_PROJECT, k->project);
	const int64_t us = created ? created : told && *told ? (int64_t)*told : k->began_us;
	if (us)
		agent_set_time(&m.record, FIELD_TIME, us);
	payload_add_tier(r, &m, json_string(json_member(q->usage, "serviceTier")));
	int rc = read_usage(&c, q->usage, &e);
	if (id.n)
		dict_need(&k->met, id, NULL);
	agent_take_json(r, &m, &c, q->usage, rc, &e);
}

/* The usage of a request, and those of its attempts that had answers of their own. */
static void take_all(struct conversation *k, struct request q, json_value *attempts)
{
	struct err e;
	json_value *last = q.usage;
	bool any = false;
	counts_alike(last, last, &any);
	struct text id = answer_id(last);
	if (!any)
		k->r->passed_over++; /* nothing came of it */
	else if (!id.n || !dict_find(&k->met, id))
		take(k, &q);
	for (json_value *v = json_first(attempts); v; v = json_next(v)) {
		q.usage = json_member(v, "usage");
		id = answer_id(q.usage);
		any = false;
		const bool alike = counts_alike(q.usage, last, &any);
		if (!any || (id.n ? dict_find(&k->met, id) != NULL : alike))
			continue;
		if (id.n) {
			take(k, &q);
			continue;
		}
		err_set(&e, ERR_INVALID,
			"an attempt of the request has counts of its own and no id");
		k->r->sink.refuse(k->r->sink.user, k->line, payload_raw(k->r, q.usage), &e);
	}
}

static void take_generation(struct conversation *k, json_value *v, int64_t row)
{
	struct err e;
	json_value *c = json_member(v, "chatModel");
	struct text model = json_string(json_member(c, "model"));
	if (!c) {
		err_set(&e, ERR_INVALID,
			"row %lld of 'gen_metadata' is of a version whose layout is not known",
			(long long)row);
		k->r->sink.refuse(k->r->sink.user, k->line, TEXT("{}"), &e);
		return;
	}
	if (!model.n)
		model = json_string(json_member(c, "modelDisplayName"));
	take_all(k,
		 (struct request){ .usage = json_member(c, "usage"),
				   .created = json_member(json_member(c, "start"), "createdAt"),
				   .model = model,
				   .row = row,
				   .generated = true },
		 json_member(c, "retryInfos"));
}

static void note_time(struct conversation *k, json_value *v, int64_t row)
{
	const struct text id = answer_id(json_member(v, "usage"));
	uint64_t *t = id.n ? dict_need(&k->times, id, NULL) : NULL;
	(void)row;
	if (t && !*t)
		*t = (uint64_t)instant_of(json_member(v, "createdAt"));
}

/* A request that only a step tells of. */
static void take_step(struct conversation *k, json_value *v, int64_t row)
{
	const struct text id = answer_id(json_member(v, "usage"));
	if (!id.n) /* repeats a row of gen_metadata that has no id either */
		return;
	take_all(k,
		 (struct request){
			 .usage = json_member(v, "usage"),
			 .created = json_member(v, "createdAt"),
			 .model = json_string(json_member(json_member(v, "modelInfo"), "model")),
			 .row = row },
		 json_member(v, "retryInfos"));
}

/* The path of a file: URI, %XX as the byte; any other text as it is. */
static struct text path_of(struct arena *a, struct text uri)
{
	static const char scheme[] = "file://";
	if (uri.n < sizeof scheme || memcmp(uri.p, scheme, sizeof scheme - 1) != 0)
		return (struct text){ arena_text(a, uri.p, uri.n), uri.n };
	char *path = arena_alloc(a, uri.n);
	size_t n = 0;
	for (size_t i = sizeof scheme - 1; i < uri.n; i++) {
		unsigned byte = (uint8_t)uri.p[i];
		if (byte == '%' && uri.n - i > 2 && isxdigit((uint8_t)uri.p[i + 1]) &&
		    isxdigit((uint8_t)uri.p[i + 2])) {
			const char hex[3] = { uri.p[i + 1], uri.p[i + 2] };
			byte = (unsigned)strtoul(hex, NULL, 16);
			i += 2;
		}
		path[n++] = (char)byte;
	}
	const bool whole = utf8_valid_prefix(path, n) == n && !memchr(path, 0, n);
	return whole ? (struct text){ path, n }
		     : (struct text){ arena_text(a, uri.p, uri.n), uri.n };
}

static void take_trajectory(struct conversation *k, json_value *v, int64_t row)
{
	json_value *first = json_first(json_member(v, "workspaces"));
	(void)row;
	k->began_us = instant_of(json_member(v, "createdAt"));
	k->project = path_of(&k->r->arena, json_string(json_member(first, "uri")));
}

/* What is read of a table: rows of number and message. */
struct reading {
	const char *sql;
	const struct proto_message *message;
	void (*take)(struct conversation *k, json_value *v, int64_t row);
	bool calls; /* a damaged message is refused where its call would be read */
};

static int each_row(struct conversation *k, struct peek *p, const struct reading *g, struct err *e)
{
	struct peek_rows *rows;
	struct buf json = { 0 };
	int rc = peek_query(p, &rows, g->sql, e);
	if (rc != 0)
		return rc;
	while ((rc = peek_next(rows, e)) > 0) {
		struct json_document *doc;
		struct err why;
		json.n = 0;
		k->line += g->calls;
		int read = proto_read(&json, g->message, peek_text(rows, 1), &why);
		if (read == 0)
			read = json_open(&doc, (struct text){ json.p, json.n }, &why);
		if (read == 0) {
			g->take(k, json_root(doc), peek_int(rows, 0));
			json_close(doc);
		} else if (g->calls) {
			k->r->sink.refuse(k->r->sink.user, k->line, TEXT("{}"), &why);
		}
	}
	peek_end(rows);
	buf_release(&json);
	return rc;
}

#define STEPS "SELECT idx, metadata FROM steps WHERE metadata IS NOT NULL ORDER BY idx"

int antigravity_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	static const struct {
		const char *table, *column;
		struct reading what;
	} readings[] = {
		{ "trajectory_metadata_blob",
		  "data",
		  { "SELECT 0, data FROM trajectory_metadata_blob LIMIT 1", &trajectory,
		    take_trajectory, false } },
		{ "steps", "metadata", { STEPS, &step, note_time, false } },
		{ NULL,
		  NULL,
		  { "SELECT idx, data FROM gen_metadata ORDER BY idx", &generation, take_generation,
		    true } },
		{ "steps", "metadata", { STEPS, &step, take_step, true } },
	};
	struct conversation k = { .r = r, .id = path_part(r->path, 0) };
	int rc = 0;
	if (k.id.n > 3 && memcmp(k.id.p + k.id.n - 3, ".db", 3) == 0)
		k.id.n -= 3;
	for (size_t i = 0; rc == 0 && i < sizeof readings / sizeof *readings; i++)
		if (!readings[i].table || peek_has_column(p, readings[i].table, readings[i].column))
			rc = each_row(&k, p, &readings[i].what, e);
	dict_release(&k.times);
	dict_release(&k.met);
	return rc;
}
