/*
 * HAR files, as browsers and proxies export what they saw: each response is read as if it stood
 * alone, at the instant of its request and with the model that the request or its address names.
 *
 * Most of what a page loads is no call: what counts no tokens is skipped. A request that asks a
 * model and whose response was not kept is a call that is missing.
 *
 * Source: HAR 1.2 (w3c/web-performance, specs/HAR).
 */
#include "base/base64.h"
#include "meter/formats/payload_run.h"

/* One entry. */
struct har_entry {
	struct payload_sink inner;
	struct payload_reader *reader;
	json_value *entry;
	struct text model; /* that the request names; empty: none */
	bool asks;	   /* it asks a model */
};

/* Where those are reached who sell what others have made. */
static const struct {
	const char *host, *seller;
} hosts[] = {
	{ "://bedrock-runtime.", "bedrock" },	  { ".openai.azure.com/", "azure" },
	{ ".services.ai.azure.com/", "azure" },	  { "aiplatform.googleapis.com/", "vertex" },
	{ "://openrouter.ai/", "openrouter" },	  { "://api.groq.com/", "groq" },
	{ "://api.together.xyz/", "together" },	  { "://api.fireworks.ai/", "fireworks" },
	{ "://api.deepinfra.com/", "deepinfra" }, { "://api.cerebras.ai/", "cerebras" },
};

static struct text url_of(json_value *entry)
{
	return json_string(json_member(json_member(entry, "request"), "url"));
}

static json_value *entries_of(json_value *v)
{
	json_value *entries = json_member(json_member(v, "log"), "entries");
	return json_kind(entries) == JSON_ARRAY ? entries : NULL;
}

static void take_entry(void *user, const struct metered *given)
{
	struct har_entry *x = user;
	struct metered m = *given;
	struct err e;
	if (!m.record.text[FIELD_MODEL].n && x->model.n)
		payload_word(&m.record, FIELD_MODEL, x->model);
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (!m.record.text[FIELD_PROVIDER].n && text_holds(url_of(x->entry), hosts[i].host))
			payload_word(&m.record, FIELD_PROVIDER, text_of(hosts[i].seller));
	if (m.record.time_us == TIME_ABSENT &&
	    payload_time(&m.record, FIELD_TIME, json_member(x->entry, "startedDateTime"), &e) != 0)
		x->inner.refuse(x->inner.user, m.line, m.raw, &e);
	else
		x->inner.take(x->inner.user, &m);
}

static void refuse_entry(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct har_entry *x = user;
	x->inner.refuse(x->inner.user, line, raw, why);
}

static int hex_digit(char c)
{
	return is_digit(c)				? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

/* The model that an address names: /models/gemini-2.5-flash:generateContent, /model/ID/converse. */
static struct text model_of_address(struct payload_reader *r, struct text url)
{
	static const char *const before[] = { "/models/", "/model/" };
	for (size_t i = 0; url.n && i < sizeof before / sizeof *before; i++) {
		const char *end = url.p + url.n,
			   *at = memmem(url.p, url.n, before[i], strlen(before[i]));
		if (!at)
			continue;
		at += strlen(before[i]);
		char *name = arena_alloc(&r->arena, (size_t)(end - at) + 1);
		size_t n = 0;
		for (; at < end && !memchr("/:?#", *at, 4); at++) {
			const bool code = *at == '%' && end - at > 2 && hex_digit(at[1]) >= 0 &&
					  hex_digit(at[2]) >= 0;
			name[n++] = code ? (char)(hex_digit(at[1]) * 16 + hex_digit(at[2])) : *at;
			at += code ? 2 : 0;
		}
		return (struct text){ name, n };
	}
	return TEXT("");
}

static bool counts_only(struct text url)
{
	return text_holds(url, "/count_tokens") || text_holds(url, ":countTokens");
}

/* Whether the request asks a model for an answer; and which. What it would count is no answer. */
static bool asks_model(struct har_entry *x)
{
	static const char *const asked[] = { "messages", "input", "contents", "prompt" };
	json_value *request = json_member(x->entry, "request");
	const struct text sent = json_string(json_member(json_member(request, "postData"), "text"));
	struct json_document *doc = NULL;
	bool asks = false;
	if (sent.n && json_open_within(&doc, sent, PAYLOAD_VALUES_MOST, NULL) == 0) {
		const struct text named = json_string(json_member(json_root(doc), "model"));
		x->model =
			(struct text){ arena_text(&x->reader->arena, named.p, named.n), named.n };
		for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
			asks |= json_member(json_root(doc), asked[i]) != NULL;
		json_close(doc);
	}
	if (!x->model.n)
		x->model = model_of_address(x->reader, url_of(x->entry));
	return asks && x->model.n && !counts_only(url_of(x->entry));
}

/* Whether a body, which is no JSON, is the text of a stream. */
static bool is_stream(json_value *content, struct text body)
{
	const struct text type = json_string(json_member(content, "mimeType"));
	return text_holds(type, "event-stream") || text_holds(type, "ndjson") ||
	       text_holds(type, "jsonl") || (body.n > 5 && memcmp(body.p, "data:", 5) == 0) ||
	       (body.n > 6 && memcmp(body.p, "event:", 6) == 0);
}

static void read_text(struct payload_reader *r, struct text body, int64_t line)
{
	for (const char *p = body.p, *end = body.p + body.n; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		payload_line(r, (struct text){ p, (size_t)(stop - p) }, line);
		p = stop + 1;
	}
}

/* Whether a number stands in it under a name that speaks of usage or tokens. */
static bool counts(json_value *v, bool usage)
{
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		const char *name = json_key(m) ? json_key(m) : "";
		const bool within = usage || strcasestr(name, "usage");
		if (json_kind(m) == JSON_NUMBER ? within || strcasestr(name, "token")
						: counts(m, within))
			return true;
	}
	return false;
}

static bool may_be_call(struct har_entry *x, json_value *root, struct text body)
{
	return x->asks || (root ? counts(root, false) : text_holds(body, "\"usage"));
}

static void read_response(struct har_entry *x, json_value *content, struct text body, int64_t line)
{
	struct payload_reader *r = x->reader;
	struct json_document *doc = NULL;
	struct err e;
	const bool json = json_open_within(&doc, body, PAYLOAD_VALUES_MOST, NULL) == 0;
	if (!may_be_call(x, json_root(doc), body) || counts_only(url_of(x->entry))) {
		r->passed_over++;
	} else if (!json && !is_stream(content, body)) {
		err_set(&e, ERR_INVALID,
			"the response of a request of the model '%.100s' is in no form that is "
			"read",
			x->model.n ? x->model.p : "");
		r->sink.refuse(r->sink.user, line, TEXT("{\"response\":null}"), &e);
	} else {
		r->sink = (struct payload_sink){ x, take_entry, refuse_entry };
		if (json)
			payload_value(r, json_root(doc), line);
		else
			read_text(r, body, line);
		stream_finish(r);
		dict_clear(&r->streams);
		r->sink = x->inner;
	}
	json_close(doc);
}

static void read_entry(struct payload_reader *r, json_value *entry, int64_t line)
{
	struct har_entry x = { r->sink, r, entry, TEXT(""), false };
	json_value *response = json_member(entry, "response"),
		   *content = json_member(response, "content");
	const struct text status = json_number_or_string(json_member(response, "status"));
	struct text body = json_string(json_member(content, "text"));
	const bool coded = json_string(json_member(content, "encoding")).n;
	struct buf plain = { 0 };
	struct err e;
	if (!url_of(entry).n || json_kind(content) != JSON_OBJECT) {
		err_set(&e, ERR_INVALID,
			"the entry has no request with an address, or no response");
		/* its headers are nobody's business */
		r->sink.refuse(r->sink.user, line, TEXT("{\"entry\":null}"), &e);
		return;
	}
	x.asks = asks_model(&x);
	if (coded && base64_decode(&plain, body))
		body = (struct text){ plain.p ? plain.p : "", plain.n };
	if (body.n) {
		read_response(&x, content, body, line);
	} else if (x.asks && status.n && *status.p == '2') {
		err_set(&e, ERR_INVALID,
			"the response of a request of the model '%.100s' is not in the file, so what "
			"it used is unknown (export with content)",
			x.model.p);
		r->sink.refuse(r->sink.user, line, TEXT("{\"response\":null}"), &e);
	} else {
		r->passed_over++;
	}
	buf_release(&plain);
}

bool har_document(struct payload_reader *r, json_value *v, int64_t line)
{
	int64_t number = 0;
	json_value *first = json_first(entries_of(v));
	if (!json_member(first, "response"))
		return false;
	for (json_value *entry = first; entry; entry = json_next(entry)) {
		number++;
		read_entry(r, entry, line ? line : number);
	}
	return true;
}
