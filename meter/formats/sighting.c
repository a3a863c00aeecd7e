/* One sighting of a call in the making: what every format needs to fill it in and to hand it over.
 */
#include "meter/formats/assemble.h"
#include "meter/formats/payload_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "pricing/book.h"

void payload_begin(struct metered *m, const char *shape, int64_t line)
{
	*m = (struct metered){ .shape = shape, .rule = "as-given", .line = line };
	record_clear(&m->record);
}

void payload_text(struct record *r, enum record_field f, json_value *v)
{
	struct text s = json_number_or_string(v);
	if (!v || s.n == 0)
		return;
	r->text[f] = s;
	r->present |= (uint64_t)1 << f;
}

void payload_id(struct metered *m, json_value *v)
{
	payload_text(&m->record, FIELD_ID, v);
	if ((json_kind(v) == JSON_OBJECT || json_kind(v) == JSON_ARRAY) && !m->unread)
		m->unread = "its id is no word, so that the call is not known again";
}

int payload_time(struct record *r, enum record_field f, json_value *v, struct err *e)
{
	struct err inner;
	struct instant t;
	if (!v || json_kind(v) == JSON_NULL)
		return 0;
	struct text s = json_number_or_string(v);
	if (s.n == 0)
		return 0;
	if (instant_parse_lenient(&t, s, &inner) != 0)
		return err_set(e, ERR_INVALID, "field '%s': %s", json_key(v), inner.message);
	*(f == FIELD_TIME ? &r->time_us : &r->completed_us) = t.us;
	r->present |= (uint64_t)1 << f;
	return 0;
}

int payload_made(struct metered *m, json_value *v, struct err *e)
{
	const int rc = payload_time(&m->record, FIELD_TIME, v, e);
	m->made = rc == 0 && m->record.time_us != TIME_ABSENT;
	return rc;
}

void payload_word(struct record *r, enum record_field f, struct text word)
{
	r->text[f] = word;
	r->present |= (uint64_t)1 << f;
}

void payload_seller(struct payload_reader *p, struct record *r, struct text word)
{
	const struct text seller = book_seller_named(word, &p->arena);
	if (seller.n)
		payload_word(r, FIELD_PROVIDER, seller);
}

/* Who sells the call, and where: both decide its price. An answer of OpenRouter names who stands
 * behind it; what a framework names is the client that it called with. */
static void take_seller(struct payload_reader *p, struct record *r, json_value *v)
{
	static const char *const sellers[] = { "provider", "vendor" };
	static const char *const clients[] = { "provider_name", "model_provider",
					       "custom_llm_provider" };
	const struct text id = r->text[FIELD_ID];
	const bool openrouter = id.n > 4 && memcmp(id.p, "gen-", 4) == 0;
	if (!r->text[FIELD_REGION].n)
		payload_text(r, FIELD_REGION, json_member(v, "region"));
	for (size_t i = 0; i < sizeof sellers / sizeof *sellers; i++)
		if (!r->text[FIELD_PROVIDER].n && json_member(v, sellers[i]) && openrouter)
			payload_word(r, FIELD_PROVIDER, TEXT("openrouter"));
		else if (!r->text[FIELD_PROVIDER].n)
			payload_text(r, FIELD_PROVIDER, json_member(v, sellers[i]));
	for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
		if (!r->text[FIELD_PROVIDER].n)
			payload_seller(p, r, json_string(json_member(v, clients[i])));
}

/* When it was, under the name that whoever kept the answer chose for it. */
static int take_instant(struct record *r, json_value *v, struct err *e)
{
	static const char *const names[] = { "timestamp", "ts",		"created_at", "createdAt",
					     "datetime",  "start_time", "started_at", NULL };
	int rc = 0;
	for (size_t i = 0; rc == 0 && names[i] && !(r->present >> FIELD_TIME & 1); i++)
		rc = payload_time(r, FIELD_TIME, json_member(v, names[i]), e);
	return rc;
}

int payload_labels(struct payload_reader *p, struct record *r, json_value *v, struct err *e)
{
	static const enum record_field labels[] = { FIELD_CUSTOMER, FIELD_PROJECT, FIELD_WORKLOAD,
						    FIELD_TASK, FIELD_SESSION };
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		payload_text(r, labels[i], json_member(v, record_field_name(labels[i])));
	/* as gateways, simulators and clients of one's own name it */
	static const char *const sessions[] = { "session_id", "conversation_id" };
	for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++)
		if (!r->text[FIELD_SESSION].n)
			payload_text(r, FIELD_SESSION, json_member(v, sessions[i]));
	take_seller(p, r, v);
	take_seller(p, r, json_member(v, "response_metadata"));
	take_seller(p, r, json_member(v, "_hidden_params"));
	payload_effort(p, r, v);
	int rc = payload_time(r, FIELD_TIME, json_member(v, "time"), e);
	if (rc == 0)
		rc = payload_time(r, FIELD_COMPLETED, json_member(v, "completed"), e);
	return rc == 0 ? take_instant(r, v, e) : rc;
}

/* Another model that was asked within the call, billed at its own price. */
static int take_advisor(struct payload_reader *r, const struct metered *m, json_value *v, int place,
			struct err *e)
{
	struct metered own = *m;
	own.also = own.copy_of = TEXT("");
	struct raw_counts c = { 0 };
	int rc = counts_read(&c, v, e);
	if (rc == 0)
		rc = counts_normalise(&own.record, &c, &own.rule, e);
	if (rc != 0)
		return rc;
	const struct text id = m->record.text[FIELD_ID];
	if (!json_string(json_member(v, "model")).n)
		return err_set(e, ERR_INVALID, "an advisor's call in 'iterations' names no model");
	payload_text(&own.record, FIELD_MODEL, json_member(v, "model"));
	if (id.n)
		payload_word(&own.record, FIELD_ID,
			     text_of(arena_printf(&r->arena, "%.*s#%d", (int)id.n, id.p, place)));
	payload_judge(r, &own, v, true);
	struct buf raw = { 0 };
	json_put_value(&raw, v);
	own.raw = (struct text){ arena_text(&r->arena, raw.p, raw.n), raw.n };
	buf_release(&raw);
	payload_take(r, &own);
	return 0;
}

/* Server-side summaries are billed beside the counts of the call, at its model. */
static int add_compaction(struct raw_counts *to, json_value *v, struct err *e)
{
	struct raw_counts c = { 0 };
	int rc = counts_read(&c, v, e);
	for (int i = 0; rc == 0 && i < RAW_COUNTS; i++) {
		if (!(c.has >> i & 1))
			continue;
		if (__builtin_add_overflow(to->count[i], c.count[i], &to->count[i]))
			return err_set(e, ERR_RANGE, "the counts of a compaction are too large");
		to->has |= 1u << i;
	}
	for (int u = 0; rc == 0 && u < UNIT_COUNT; u++)
		if (__builtin_add_overflow(to->units[u], c.units[u], &to->units[u]))
			rc = err_set(e, ERR_RANGE, "the counts of a compaction are too large");
	return rc;
}

int payload_extras(struct payload_reader *r, struct metered *m, json_value *usage,
		   struct raw_counts *c, struct err *e)
{
	int rc = 0, place = 0;
	payload_dimensions(r, m, usage);
	for (json_value *v = json_first(json_member(usage, "iterations")); rc == 0 && v;
	     v = json_next(v), place++) {
		struct text type = json_string(json_member(v, "type"));
		if (!text_is(type, "advisor_message"))
			payload_dimensions(r, m, v);
		if (text_is(type, "advisor_message"))
			rc = take_advisor(r, m, v, place, e);
		else if (text_is(type, "compaction"))
			rc = add_compaction(c, v, e);
		else if (!text_is(type, "message") && !text_is(type, "fallback_message"))
			rc = err_set(e, ERR_INVALID,
				     "field 'iterations' holds an entry of unknown type "
				     "('%.*s'), which may be billed",
				     (int)(type.n > 40 ? 40 : type.n), type.p);
	}
	return rc;
}

bool payload_is_alone(json_value *usage)
{
	for (json_value *v = json_first(json_member(usage, "iterations")); v; v = json_next(v))
		if (text_is(json_string(json_member(v, "type")), "advisor_message") ||
		    text_is(json_string(json_member(v, "type")), "compaction"))
			return false;
	return true;
}

void payload_twin(struct payload_reader *r, struct metered *m, const char *agent,
		  struct text session, bool in_log)
{
	/* not every source tells what was read from a cache or written to it */
	const int128 prompt = sighting_prompt(&m->record);
	if (!session.n || prompt > INT64_MAX)
		return;
	m->twin = text_of(arena_printf(
		&r->arena, "twin:%s:%.*s:%lld/%lld", agent, session.n > 200 ? 200 : (int)session.n,
		session.p, (long long)prompt, (long long)m->record.tokens[BUCKET_OUTPUT]));
	m->in_log = in_log;
}

static void name_member(struct payload_reader *r, struct metered *m)
{
	m->unread = arena_printf(&r->arena, "the member '%s' is unknown, and may be billed",
				 r->member.p);
}

void payload_judge_missing(struct payload_reader *r, struct metered *m, json_value *usage)
{
	const char *beside;
	const char *missing = m->unread ? NULL : members_missing(m->shape, usage, &beside);
	if (missing)
		m->unread =
			arena_printf(&r->arena,
				     "the usage has '%s' and no '%s', which is written with it: "
				     "unknown is not zero",
				     beside, missing);
}

void payload_judge(struct payload_reader *r, struct metered *m, json_value *usage, bool closed)
{
	payload_recorded(m, usage, true);
	payload_dimensions(r, m, usage);
	if (!m->unread && members_unknown(&r->member, m->shape, usage, "usage", closed))
		name_member(r, m);
	payload_judge_missing(r, m, usage);
}

void payload_judge_closed(struct payload_reader *r, struct metered *m, json_value *v,
			  const char *prefix)
{
	if (!m->unread && members_unknown(&r->member, m->shape, v, prefix, true))
		name_member(r, m);
}

void payload_judge_beside(struct payload_reader *r, struct metered *m, json_value *v,
			  json_value *usage, const char *prefix)
{
	payload_recorded(m, v, false);
	if (!m->unread && members_unknown_beside(&r->member, m->shape, v, usage, prefix))
		name_member(r, m);
}

/* Shapes whose counts stand among members of another kind, and how the names begin that may be
 * counts; NULL: of no other shape. */
static const char *counts_begin(const char *shape)
{
	static const struct {
		const char *shape, *name;
	} open[] = { { "usage", "" },
		     { "new-api.log", "" },
		     { "litellm.log", "" },
		     { "cloudflare.log", "" },
		     { "openrouter.generation", "" },
		     { "bedrock.headers", "x-amzn-bedrock-" } };
	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		if (strcmp(shape, open[i].shape) == 0)
			return open[i].name;
	return NULL;
}

void payload_doubt(struct payload_reader *r, const struct metered *m, json_value *row)
{
	const char *begins = counts_begin(m->shape);
	for (json_value *v = json_first(row); v && !m->unread; v = json_next(v)) {
		const char *key = json_key(v) ? json_key(v) : "";
		const struct text name = text_of(key);
		if (begins && strncmp(key, begins, strlen(begins)) == 0 && json_may_be_count(v) &&
		    !name_is_label(name) && !column_is_harmless(name) &&
		    record_field_by_name(name) == FIELD_NONE && !member_reason(m->shape, key) &&
		    !member_is_count(m->shape, key))
			doubts_add_column(&r->doubts, name);
	}
}

void payload_pass_over(struct payload_reader *r, const char *shape, json_value *v, int64_t line)
{
	struct err e;
	if (!members_count_tokens(&r->member, shape, v, "")) {
		r->passed_over++;
		return;
	}
	err_set(&e, ERR_INVALID,
		"the member '%s' counts tokens, but the line is not a known kind of call",
		r->member.p);
	payload_refuse(r, line, v, &e);
}

/* Frameworks add up the requests of a run. */
static int take_requests(struct metered *m, json_value *v, struct err *e)
{
	struct raw_counts c = { 0 };
	if (!v || json_kind(v) == JSON_NULL)
		return 0;
	int rc = counts_set(&c, RAW_TOTAL, v, e);
	if (rc == 0 && c.count[RAW_TOTAL] > 1) {
		m->record.requests = c.count[RAW_TOTAL];
		m->record.present |= (uint64_t)1 << FIELD_REQUESTS;
	}
	return rc;
}

/* xAI's sum of what tools did must be that of its parts, which have the prices. */
static void judge_tool_sum(struct metered *m, json_value *usage)
{
	static const char *const parts[] = { "server_side_tool_usage_details",
					     "server_side_tool_usage" };
	struct raw_counts sum = { 0 };
	int64_t told = 0;
	struct err none;
	json_value *all = json_member(usage, "num_server_side_tools_used");
	if (json_is_nothing(all))
		return;
	if (counts_set(&sum, RAW_TOTAL, all, &none) != 0)
		sum.count[RAW_TOTAL] = INT64_MAX; /* it is no count */
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (json_value *v = json_first(json_member(usage, parts[i])); v;
		     v = json_next(v)) {
			struct raw_counts one = { 0 };
			if (counts_set(&one, RAW_TOTAL, v, &none) == 0 &&
			    one.count[RAW_TOTAL] < INT64_MAX / 64)
				told += one.count[RAW_TOTAL];
		}
	if (sum.count[RAW_TOTAL] > told && !m->unread)
		m->unread = "the member 'num_server_side_tools_used' counts more than the usage "
			    "tells by tool, and they may be billed";
}

int payload_counts(struct payload_reader *r, struct metered *m, json_value *usage,
		   const struct raw_counts *preset, struct err *e)
{
	struct raw_counts c = preset ? *preset : (struct raw_counts){ 0 };
	int rc = counts_read(&c, usage, e);
	r->counted = c.has;
	if (rc == 0)
		rc = payload_extras(r, m, usage, &c, e);
	if (rc == 0)
		rc = take_requests(m, json_member(usage, "requests"), e);
	if (rc == 0)
		rc = counts_normalise(&m->record, &c, &m->rule, e);
	if (rc != 0)
		return rc;
	payload_judge(r, m, usage, !counts_begin(m->shape));
	judge_tool_sum(m, usage);
	payload_doubt(r, m, usage);
	m->raw = payload_raw(r, usage);
	return 0;
}

/* A letter for the field, a length and the text, of each. */
void payload_unmap(struct record *r, struct text mapped)
{
	const char *p = mapped.n ? mapped.p : "", *end = p + mapped.n;
	while (p < end) {
		const int f = *p++ - 'A';
		char *text;
		const unsigned long n = strtoul(p, &text, 10);
		if (f < 0 || f >= FIELD_TEXTS || *text != ':' || n > (size_t)(end - text - 1))
			return;
		r->text[f] = (struct text){ text + 1, n };
		p = text + 1 + n;
	}
}

static void note_unmapped(struct buf *b, const struct record *r, enum record_field f)
{
	buf_printf(b, "%c%zu:", 'A' + (int)f, r->text[f].n);
	if (r->text[f].n)
		buf_add(b, r->text[f].p, r->text[f].n);
}

/* The names that --map takes from members of the document that the call was read from. */
static void take_mapped(struct payload_reader *r, struct metered *m)
{
	struct buf before = { 0 };
	r->mapped |= r->map_count != 0;
	for (size_t i = 0; i < r->map_count; i++) {
		json_value *v = NULL;
		if (r->outer && m->line == r->document_line) {
			v = json_at(r->inner, r->map[i].column);
			v = v ? v : json_at(r->outer, r->map[i].column);
		}
		r->map_found |= v ? (uint64_t)1 << i : 0;
		if (v && !m->record.text[FIELD_ID].n)
			note_unmapped(&before, &m->record, r->map[i].field);
		payload_text(&m->record, r->map[i].field, v);
	}
	if (before.n)
		m->mapped = (struct text){ arena_text(&r->arena, before.p, before.n), before.n };
	buf_release(&before);
}

/* Whether the record's cache writes need no lifetime (lifetimes.def). A usage object or a row of no
 * vendor's shape that has Anthropic's names is Anthropic's own usage. */
static bool has_one_lifetime(const struct metered *m)
{
	static const char *const shapes[] = {
#define ONE_LIFETIME(shape) shape,
#include "meter/formats/lifetimes.def"
#undef ONE_LIFETIME
	};
	static const char beside[] = "cache-beside,";
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		if (strcmp(m->shape, shapes[i]) == 0)
			return true;
	return (strcmp(m->shape, "usage") == 0 || strcmp(m->shape, "openai.chat") == 0) &&
	       strncmp(m->rule, beside, sizeof beside - 1) == 0;
}

/* Who served a call of Anthropic's by the id that it was given there: msg_bdrk_01...,
 * req_vrtx_011...
 */
static struct text seller_of_id(struct text id)
{
	static const struct {
		struct text mark;
		const char *seller;
	} marks[] = { { { "_bdrk_", 6 }, "bedrock" }, { { "_vrtx_", 6 }, "vertex" } };
	enum { BEGIN = 16 };
	const size_t n = id.n > BEGIN ? BEGIN : id.n;
	const char *at = n ? memchr(id.p, '_', n) : NULL;
	for (size_t i = 0; at && i < sizeof marks / sizeof *marks; i++)
		if (marks[i].mark.n <= n - (size_t)(at - id.p) &&
		    memcmp(at, marks[i].mark.p, marks[i].mark.n) == 0)
			return text_of(marks[i].seller);
	return TEXT("");
}

/* Ids are evidence where nothing else says who sold the call. */
static void take_seller_of_ids(struct metered *m)
{
	if (m->record.text[FIELD_PROVIDER].n)
		return;
	struct text seller = seller_of_id(m->record.text[FIELD_ID]);
	if (!seller.n)
		seller = seller_of_id(m->also);
	if (seller.n)
		payload_word(&m->record, FIELD_PROVIDER, seller);
}

/* Whether a model may answer with sound, pictures or films, as far as its name tells: the answers
 * of all others are text, whoever counts them. */
static bool may_show(struct text model)
{
	static const struct text words[] = { { "image", 5 }, { "audio", 5 }, { "realtime", 8 },
					     { "live", 4 },  { "omni", 4 },  { "video", 5 },
					     { "banana", 6 } };
	for (size_t i = 0; i < model.n; i++)
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			if ((model.p[i] | 0x20) == *words[k].p && words[k].n <= model.n - i &&
			    strncasecmp(model.p + i, words[k].p, words[k].n) == 0)
				return true;
	return false;
}

/* What stands around an answer holds for it where it says nothing itself: when it was, and whose.
 * Of a list of answers nothing does. */
static int take_envelope(struct payload_reader *r, struct metered *m, json_value *v, struct err *e)
{
	static const enum record_field labels[] = { FIELD_CUSTOMER, FIELD_PROJECT, FIELD_WORKLOAD,
						    FIELD_TASK, FIELD_SESSION };
	struct record around;
	if (json_kind(v) != JSON_OBJECT || json_kind(json_member(v, "data")) == JSON_ARRAY)
		return 0;
	record_clear(&around);
	const int rc = payload_labels(r, &around, v, e);
	if (rc != 0 || !(around.present >> FIELD_TIME & 1))
		return rc;
	m->record.time_us = around.time_us;
	m->record.present |= (uint64_t)1 << FIELD_TIME;
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (!m->record.text[labels[i]].n && around.text[labels[i]].n)
			payload_word(&m->record, labels[i], around.text[labels[i]]);
	return 0;
}

/* The same of each document around an answer that does not say when it was, the inner first. */
static int take_envelopes(struct payload_reader *r, struct metered *m, struct err *e)
{
	json_value *const around[] = { r->inner, r->outer };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof around / sizeof *around; i++)
		if (r->plain && !m->aggregate && m->line == r->document_line && around[i] &&
		    m->record.time_us == TIME_ABSENT && m->record.completed_us == TIME_ABSENT)
			rc = take_envelope(r, m, around[i], e);
	return rc;
}

void payload_take(struct payload_reader *r, struct metered *m)
{
	struct err e;
	if (take_envelopes(r, m, &e) != 0) {
		r->sink.refuse(r->sink.user, m->line, m->raw, &e);
		return;
	}
	if (r->events && r->plain && !m->record.text[FIELD_ID].n) {
		err_set(&e, ERR_INVALID,
			"the line is no event of its log that is known, nor says which call it is "
			"of, so it may be one that is counted already");
		r->sink.refuse(r->sink.user, m->line, m->raw, &e);
		return;
	}
	take_mapped(r, m);
	m->record.unsplit = m->record.unsplit && !has_one_lifetime(m);
	m->record.undivided = metered_is_undivided(m) && may_show(m->record.text[FIELD_MODEL]);
	for (int f = 0; f < FIELD_TEXTS; f++)
		if (m->record.text[f].n > RECORD_TEXT_MAX) {
			err_set(&e, ERR_INVALID, "field '%s' is longer than %d bytes",
				record_field_name((enum record_field)f), RECORD_TEXT_MAX);
			r->sink.refuse(r->sink.user, m->line, m->raw, &e);
			return;
		}
	if (r->in_batch)
		payload_add_tier(r, m, TEXT("batch"));
	if (r->in_batch && r->batch_vendor && !m->record.text[FIELD_PROVIDER].n)
		payload_word(&m->record, FIELD_PROVIDER, text_of(r->batch_vendor));
	take_seller_of_ids(m);
	payload_settle_tools(r, m);
	payload_settle_tier(r, m);
	payload_settle_beside(m);
	if (!m->unread)
		m->unread = r->unread_row;
	r->sink.take(r->sink.user, m);
}

void payload_end(struct payload_reader *r, struct metered *m, json_value *v, int rc,
		 const struct err *why)
{
	if (rc == 0)
		payload_take(r, m);
	else
		payload_refuse(r, m->line, v, why);
}

struct text payload_raw(struct payload_reader *r, json_value *v)
{
	r->raw.n = 0;
	json_put_value(&r->raw, v);
	return (struct text){ r->raw.p, r->raw.n };
}

void payload_refuse(struct payload_reader *r, int64_t line, json_value *v, const struct err *why)
{
	r->sink.refuse(r->sink.user, line, payload_raw(r, v), why);
}

void payload_keep(struct payload_reader *r, struct metered *m)
{
	for (int f = 0; f < FIELD_TEXTS; f++)
		if (m->record.text[f].n)
			m->record.text[f].p =
				arena_text(&r->arena, m->record.text[f].p, m->record.text[f].n);
	if (m->also.n)
		m->also.p = arena_text(&r->arena, m->also.p, m->also.n);
	if (m->twin.n)
		m->twin.p = arena_text(&r->arena, m->twin.p, m->twin.n);
	if (m->mapped.n)
		m->mapped.p = arena_text(&r->arena, m->mapped.p, m->mapped.n);
	if (m->holds.n)
		m->holds.p = arena_text(&r->arena, m->holds.p, m->holds.n);
	if (m->raw.n)
		m->raw.p = arena_text(&r->arena, m->raw.p, m->raw.n);
	if (m->asked_tier.n)
		m->asked_tier.p = arena_text(&r->arena, m->asked_tier.p, m->asked_tier.n);
}

bool payload_says_true(json_value *v)
{
	struct text s = json_string(v);
	return json_true(v) || text_is(s, "true") || text_is(s, "True") || text_is(s, "t");
}
