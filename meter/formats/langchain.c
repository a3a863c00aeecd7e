/*
 * LangChain's messages, whole, in the pieces of a stream, and in the events of runs.
 *
 * Pieces (AIMessageChunk) of one id are one message. LangChain adds up what they count: a vendor's
 * client tells the prompt in one of them and 0 in the others, or all of it in the last. Where
 * several count the prompt, each may count all of it, and whether they add up is not known.
 *
 * Sources: langchain-core (messages/ai.py: UsageMetadata, add_ai_message_chunks).
 */
#include "meter/formats/payload_run.h"

/* The message itself, or as LangChain serialises it. */
static json_value *message_of(json_value *v)
{
	json_value *kwargs = json_member(v, "kwargs");
	return json_kind(kwargs) == JSON_OBJECT ? kwargs : v;
}

/* joined: of the pieces of a stream; about: what an event says of its run, NULL: nothing. */
static bool read_message(struct payload_reader *r, json_value *v, json_value *about, bool joined,
			 int64_t line)
{
	json_value *message = message_of(v);
	json_value *usage = json_member(message, "usage_metadata"),
		   *meta = json_member(message, "response_metadata");
	json_value *own = payload_either(payload_either(json_member(meta, "usage"),
							json_member(meta, "token_usage")),
					 payload_either(json_member(meta, "usage_metadata"),
							json_member(meta, "usageMetadata")));
	struct metered m;
	struct err e;
	struct raw_counts c = { 0 };
	if (json_kind(usage) != JSON_OBJECT)
		return false;
	payload_begin(&m, "langchain.message", line);
	m.cumulative = joined;
	payload_id(&m, payload_either(json_member(message, "id"), json_member(meta, "id")));
	payload_text(&m.record, FIELD_MODEL, json_member(about, "ls_model_name"));
	payload_text(&m.record, FIELD_SESSION, json_member(about, "thread_id"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_text(&m.record, FIELD_MODEL, json_member(meta, "model_id"));
	payload_text(&m.record, FIELD_MODEL, json_member(meta, "model"));
	payload_text(&m.record, FIELD_MODEL, json_member(meta, "model_name"));
	payload_tier(r, &m, meta, own);
	json_value *created =
		payload_either(json_member(meta, "created"), json_member(meta, "created_at"));
	int rc = payload_time(&m.record, FIELD_TIME, created, &e);
	if (rc == 0)
		rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0 && message != v)
		rc = payload_labels(r, &m.record, message, &e);
	if (!m.record.text[FIELD_PROVIDER].n)
		payload_seller(r, &m.record, json_string(json_member(about, "ls_provider")));
	/* units stand in the vendor's own usage alone, which pieces have not as a whole */
	if (rc == 0 && joined)
		rc = counts_read_units(&c, own, &e);
	if (rc == 0)
		rc = payload_counts(r, &m, usage, &c, &e);
	if (rc == 0 && !joined) /* pieces are added up here, and not there */
		payload_vendor_usage(r, &m, own, false);
	if (rc == 0)
		rc = payload_tools(r, &m, message, own, &e);
	payload_grounding(r, &m,
			  payload_either(json_member(meta, "grounding_metadata"),
					 json_member(meta, "groundingMetadata")));
	payload_judge_beside(r, &m, message, usage, "");
	payload_judge_strays(r, &m, message, usage);
	payload_end(r, &m, v, rc, &e);
	return true;
}

/* --- pieces --- */

/* What the pieces of one message say so far. */
struct chat_pieces {
	struct text id, all; /* all: a message, JSON */
	int64_t line;	     /* of the first */
	bool unclear;	     /* several count the prompt */
	struct chat_pieces *next;
};

static bool is_piece(json_value *v, json_value *message)
{
	json_value *name = json_first(json_member(v, "id"));
	while (json_next(name))
		name = json_next(name);
	return text_is(json_string(name), "AIMessageChunk") ||
	       text_is(json_string(json_member(message, "type")), "AIMessageChunk");
}

/* What is said is not kept, but for what tools left in it. */
static bool is_talk(json_value *v)
{
	static const char *const talk[] = { "content", "tool_call_chunks", "tool_calls",
					    "invalid_tool_calls", "type" };
	for (size_t i = 0; i < sizeof talk / sizeof *talk; i++)
		if (strcmp(json_key(v), talk[i]) == 0)
			return json_kind(v) != JSON_ARRAY || strcmp(talk[i], "content") != 0;
	return false;
}

static void put_joined(struct buf *to, json_value *a, json_value *b, bool adds);

static void put_key(struct buf *to, json_value *v)
{
	if (to->p[to->n - 1] != '{')
		buf_puts(to, ",");
	json_put_string(to, text_of(json_key(v)));
	buf_puts(to, ":");
}

/* Members of both; counts stand in the usage. */
static void put_members(struct buf *to, json_value *a, json_value *b, bool adds)
{
	buf_puts(to, "{");
	for (json_value *m = json_first(a); m; m = json_next(m)) {
		if (is_talk(m))
			continue;
		put_key(to, m);
		put_joined(to, m, json_member(b, json_key(m)),
			   adds || strcmp(json_key(m), "usage_metadata") == 0);
	}
	for (json_value *m = json_first(b); m; m = json_next(m)) {
		if (json_member(a, json_key(m)) || is_talk(m))
			continue;
		put_key(to, m);
		json_put_value(to, m);
	}
	buf_puts(to, "}");
}

/* The sum of two counts, where both are. */
static bool put_sum(struct buf *to, json_value *a, json_value *b)
{
	struct raw_counts one = { 0 }, other = { 0 };
	struct err e;
	int64_t sum;
	if (counts_set(&one, RAW_TOTAL, a, &e) != 0 || counts_set(&other, RAW_TOTAL, b, &e) != 0 ||
	    __builtin_add_overflow(one.count[RAW_TOTAL], other.count[RAW_TOTAL], &sum))
		return false;
	buf_int(to, sum);
	return true;
}

/* What a and then b say of the same: lists one after the other, and else what is said last. */
static void put_joined(struct buf *to, json_value *a, json_value *b, bool adds)
{
	if (json_is_nothing(b) && json_kind(b) != JSON_NUMBER) {
		json_put_value(to, a);
	} else if (json_kind(a) == JSON_OBJECT && json_kind(b) == JSON_OBJECT) {
		put_members(to, a, b, adds);
	} else if (json_kind(a) == JSON_ARRAY && json_kind(b) == JSON_ARRAY) {
		buf_puts(to, "[");
		for (json_value *x = json_first(a); x; x = json_next(x)) {
			json_put_value(to, x);
			buf_puts(to, ",");
		}
		for (json_value *x = json_first(b); x; x = json_next(x)) {
			json_put_value(to, x);
			buf_puts(to, json_next(x) ? "," : "");
		}
		buf_puts(to, "]");
	} else if (!adds || json_kind(a) != JSON_NUMBER || json_kind(b) != JSON_NUMBER ||
		   !put_sum(to, a, b)) {
		json_put_value(to, b);
	}
}

static bool counts_prompt(json_value *message)
{
	return !json_is_nothing(
		json_member(json_member(message, "usage_metadata"), "input_tokens"));
}

static struct chat_pieces *pieces_of(struct payload_reader *r, struct text id)
{
	uint64_t *at = dict_need(&r->chat_pieces, id, NULL);
	if (!*at) {
		struct chat_pieces *p = arena_alloc(&r->arena, sizeof *p);
		p->id = (struct text){ arena_text(&r->arena, id.p, id.n), id.n };
		p->all = TEXT("");
		*(r->last_chat ? &r->last_chat->next : &r->first_chat) = p;
		r->last_chat = p;
		*at = (uintptr_t)p;
	}
	return (struct chat_pieces *)(uintptr_t)*at;
}

static void take_piece(struct payload_reader *r, struct text id, json_value *message, int64_t line)
{
	struct chat_pieces *p = pieces_of(r, id);
	struct json_document *before = NULL;
	struct buf all = { 0 };
	if (p->all.n && json_open(&before, p->all, NULL) != 0)
		return;
	p->line = p->line ? p->line : line ? line : 1;
	p->unclear |= counts_prompt(json_root(before)) && counts_prompt(message);
	put_members(&all, json_root(before), message, false);
	p->all = (struct text){ arena_text(&r->arena, all.p, all.n), all.n };
	json_close(before);
	buf_release(&all);
	r->passed_over += !json_is_nothing(json_member(message, "usage_metadata")) ? 0 : 1;
}

static void finish_pieces(struct payload_reader *r, const struct chat_pieces *p)
{
	struct json_document *doc;
	struct err e;
	if (json_open(&doc, p->all, NULL) != 0)
		return;
	json_value *v = json_root(doc);
	const bool counted = json_kind(json_member(v, "usage_metadata")) == JSON_OBJECT;
	if (!counted)
		err_set(&e, ERR_INVALID,
			"the answer '%.100s' ended without usage, so what it used is unknown "
			"(LangChain's models tell it with stream_usage)",
			p->id.p);
	else if (p->unclear)
		err_set(&e, ERR_INVALID,
			"several pieces of the answer '%.100s' count its prompt, so whether their "
			"counts add up is unknown",
			p->id.p);
	if (!counted || p->unclear)
		payload_refuse(r, p->line, v, &e);
	else
		read_message(r, v, NULL, true, p->line);
	json_close(doc);
}

bool langchain_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *message = message_of(v);
	const struct text id = json_string(json_member(message, "id"));
	if (id.n && is_piece(v, message)) {
		take_piece(r, id, message, line);
		return true;
	}
	/* the whole message beside its pieces */
	if (id.n && json_kind(json_member(message, "usage_metadata")) == JSON_OBJECT &&
	    text_is(json_string(json_member(message, "type")), "ai"))
		*dict_need(&r->chat_whole, id, NULL) = 1;
	return read_message(r, v, NULL, false, line);
}

/* --- events (astream_events, streamEvents) --- */

/* Reads the messages in what a model's run put out; returns how many there are. */
static int read_whole(struct payload_reader *r, json_value *v, json_value *about, int64_t line)
{
	int found = 0;
	if (json_kind(json_member(message_of(v), "usage_metadata")) == JSON_OBJECT)
		return read_message(r, v, about, false, line);
	if (json_kind(v) == JSON_OBJECT || json_kind(v) == JSON_ARRAY)
		for (json_value *m = json_first(v); m; m = json_next(m))
			found += read_whole(r, m, about, line);
	return found;
}

/* Runs around a model's repeat its messages, and show those that came before. */
static bool repeats_usage(json_value *v)
{
	if (json_kind(json_member(message_of(v), "usage_metadata")) == JSON_OBJECT)
		return true;
	if (json_kind(v) == JSON_OBJECT || json_kind(v) == JSON_ARRAY)
		for (json_value *m = json_first(v); m; m = json_next(m))
			if (repeats_usage(m))
				return true;
	return false;
}

static void end_model(struct payload_reader *r, json_value *v, struct text run, int64_t line)
{
	json_value *output = json_member(json_member(v, "data"), "output");
	struct err e;
	*dict_need(&r->chat_whole, run, NULL) = 1;
	if (read_whole(r, output, json_member(v, "metadata"), line) > 0)
		return;
	err_set(&e, ERR_INVALID,
		"the model's run '%.100s' ended without usage, so what it used is unknown "
		"(LangChain's models tell it with stream_usage)",
		run.p);
	payload_refuse(r, line, v, &e);
}

/* A model's run ends with its message; before it come the pieces, which count where it is missing.
 */
bool langchain_event(struct payload_reader *r, json_value *v, int64_t line)
{
	const struct text event = json_string(json_member(v, "event")),
			  run = json_string(json_member(v, "run_id"));
	json_value *data = json_member(v, "data");
	if (!text_begins(event, "on_") || !run.n || json_kind(data) != JSON_OBJECT)
		return false;
	const bool of_model = text_begins(event, "on_chat_model_") || text_begins(event, "on_llm_");
	r->chat_models += of_model;
	if (of_model && text_ends(event, "_stream")) {
		/* by their run: a vendor's id may come in some of them alone */
		take_piece(r, run, message_of(json_member(data, "chunk")), line);
	} else if (of_model && text_ends(event, "_end")) {
		end_model(r, v, run, line);
	} else {
		r->passed_over++;
		if (!r->chat_repeated && !of_model && repeats_usage(data))
			r->chat_repeated = line ? line : 1;
	}
	return true;
}

void langchain_finish(struct payload_reader *r)
{
	struct err e;
	for (const struct chat_pieces *p = r->first_chat; p; p = p->next)
		if (!dict_find(&r->chat_whole, p->id))
			finish_pieces(r, p);
	if (r->chat_repeated && !r->chat_models) {
		err_set(&e, ERR_INVALID,
			"events of models (on_chat_model_end) are left out; usage stands in those "
			"of the runs around them, which show what came before, too");
		r->sink.refuse(r->sink.user, r->chat_repeated, TEXT(""), &e);
	}
	r->chat_repeated = r->chat_models = 0;
	r->first_chat = r->last_chat = NULL;
	dict_clear(&r->chat_pieces);
}
