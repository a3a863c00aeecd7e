/*
 * Rows of LiteLLM: what its callbacks log of a call, and its table of spends. What kind of call it
 * was, how and where it was served, and what else than tokens was billed stand in members of the
 * row's own, beside the usage.
 *
 * Sources: BerriAI/litellm (CallTypes, CostBreakdown and StandardLoggingPayload of types/utils.py;
 * the table SpendLogs).
 */
#include "meter/formats/payload_run.h"

static bool is_object(json_value *v)
{
	return json_kind(v) == JSON_OBJECT;
}

/* Without the letter of what does not wait: "acompletion" is "completion". */
static bool is_call(struct text type, const char *const *words)
{
	const struct text rest = { type.p + 1, type.n - 1 };
	return text_is_one_of(type, words) ||
	       (type.n > 1 && *type.p == 'a' && text_is_one_of(rest, words));
}

/* Whether the row counts a prompt of which nothing tells what was cached; what is embedded never
 * is. */
static bool lacks_cached(const struct payload_reader *r, const struct metered *m, json_value *v)
{
	static const char *const embeds[] = { "embedding", NULL };
	return !(r->counted & (1u << RAW_CACHE_READ | 1u << RAW_CACHE_WRITE)) &&
	       m->record.tokens[BUCKET_INPUT] &&
	       !is_call(json_string(json_member(v, "call_type")), embeds);
}

/* What kind of call it was is a dimension of its price: the row of a batch that has ended holds
 * several requests. */
static void take_call_type(struct payload_reader *r, struct metered *m, json_value *v)
{
	static const char *const answered[] = {
		"completion",
		"text_completion",
		"responses",
		"anthropic_messages",
		"generate_content",
		"generate_content_stream",
		"_arealtime",
		"_aresponses_websocket",
		"embedding",
		"rerank",
		"moderation",
		"ocr",
		"transcription",
		"speech",
		"image_generation",
		"image_edit",
		"image_variation",
		"search",
		"vector_store_search",
		"pass_through_endpoint",
		"llm_passthrough_route",
		"send_message",
		"run_thread",
		"run_thread_stream",
		"call_mcp_tool",
		NULL,
	};
	static const char *const batch[] = { "retrieve_batch", NULL };
	json_value *said = json_member(v, "call_type");
	const struct text type = json_string(said);
	const bool nothing = m->record.tokens[BUCKET_INPUT] == 0 &&
			     m->record.tokens[BUCKET_OUTPUT] == 0 && !m->stated.given;
	if (is_call(type, batch)) {
		payload_add_tier(r, m, TEXT("batch"));
		m->aggregate = m->record.completed_us != TIME_ABSENT &&
			       m->record.completed_us > m->record.time_us;
		m->record.requests = m->aggregate ? 0 : m->record.requests;
	} else if (!nothing && !m->unread && !is_call(type, answered)) {
		m->unread = arena_printf(&r->arena,
					 "the row's 'call_type' ('%.*s') is no kind of call whose "
					 "price is known",
					 type.n > 40 ? 40 : (int)type.n, type.n ? type.p : "");
	}
}

/* Amounts of the row's own estimate that were not for tokens; a sum, a discount and a margin are
 * for all. */
static const char *other_amount(json_value *breakdown)
{
	json_value *more = json_member(breakdown, "additional_costs");
	if (payload_is_amount(json_member(breakdown, "tool_usage_cost")))
		return "cost_breakdown.tool_usage_cost";
	for (json_value *v = json_first(more); v; v = json_next(v))
		if (payload_is_amount(v))
			return "cost_breakdown.additional_costs";
	return NULL;
}

/* What the row says of its price beside the usage. */
static void take_breakdown(struct payload_reader *r, struct metered *m, json_value *v,
			   json_value *meta)
{
	json_value *breakdown = json_member(v, "cost_breakdown"),
		   *asked = json_member(json_member(v, "model_parameters"), "service_tier");
	if (!is_object(breakdown))
		breakdown = json_member(meta, "cost_breakdown");
	payload_judge_closed(r, m, breakdown, "cost_breakdown");
	payload_tier(r, m, v, NULL);
	payload_tier(r, m, breakdown, NULL);
	payload_text(&m->record, FIELD_REGION, json_member(breakdown, "vertex_location"));
	payload_geo(&m->record, json_string(json_member(breakdown, "data_residency")));
	payload_bills_beside(m, other_amount(breakdown));
	payload_asked_tier(m, json_string(asked));
	payload_asked_tier(m, json_string(json_member(json_member(v, "proxy_server_request"),
						      "service_tier")));
}

static int read_counts(struct payload_reader *r, struct metered *m, json_value *v, json_value *meta,
		       struct err *e)
{
	/* older versions keep there what the row itself has no columns for */
	static const char *const of_pictures[] = { "image_generation", "image_edit",
						   "image_variation", NULL };
	json_value *usage = json_member(meta, "usage_object"),
		   *more = json_member(meta, "additional_usage_values");
	struct raw_counts inside = { .cache = CACHE_INSIDE,
				     .pictures = is_call(json_string(json_member(v, "call_type")),
							 of_pictures) };
	int rc = 0;
	if ((!json_is_nothing(meta) && !is_object(meta)) ||
	    (!json_is_nothing(usage) && !is_object(usage)))
		m->unread = "the row's 'metadata', which tells what was cached, cannot be read";
	if (!json_first(usage)) {
		rc = counts_read(&inside, more, e);
		payload_judge(r, m, more, true);
	}
	if (rc == 0)
		rc = payload_counts(r, m, json_first(usage) ? usage : v, &inside, e);
	if (rc == 0 && !m->unread && !json_first(usage) && lacks_cached(r, m, v))
		m->unread = "the row has no 'metadata.usage_object', which tells what was cached";
	return rc;
}

/* The row is more than its counts. */
static void take_raw(struct payload_reader *r, struct metered *m, json_value *v)
{
	const struct text prompt = json_number(json_member(v, "prompt_tokens")),
			  answer = json_number(json_member(v, "completion_tokens"));
	r->raw.n = 0;
	buf_printf(&r->raw, "{\"prompt_tokens\":%.*s,\"completion_tokens\":%.*s}", (int)prompt.n,
		   prompt.p, (int)answer.n, answer.p);
	m->raw = (struct text){ r->raw.p, r->raw.n };
}

static void read_row(struct payload_reader *r, json_value *v, json_value *meta, int64_t line)
{
	struct metered m;
	struct err e;
	payload_begin(&m, "litellm.log", line);
	/* the callback's payload, or a row of the table of spends */
	payload_id(&m, json_member(v, "request_id"));
	payload_id(&m, json_member(v, "id"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_text(&m.record, FIELD_TASK, json_member(v, "trace_id"));
	payload_text(&m.record, FIELD_CUSTOMER, json_member(v, "team_id"));
	payload_text(&m.record, FIELD_CUSTOMER, json_member(meta, "user_api_key_team_id"));
	payload_text(&m.record, FIELD_CUSTOMER, json_member(v, "end_user"));
	payload_text(&m.record, FIELD_PROJECT, json_member(meta, "user_api_key_alias"));
	payload_seller(r, &m.record, json_string(json_member(v, "custom_llm_provider")));
	if (!payload_effort(r, &m.record, v))
		payload_effort(r, &m.record, meta);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "startTime"), &e);
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_COMPLETED, json_member(v, "endTime"), &e);
	if (rc == 0)
		rc = read_counts(r, &m, v, meta, &e);
	payload_judge_beside(r, &m, v, NULL, "");
	take_breakdown(r, &m, v, meta);
	take_call_type(r, &m, v);
	payload_doubt(r, &m, v);
	export_judge_document(r, &m, v);
	if (rc == 0 && !json_first(json_member(meta, "usage_object")))
		take_raw(r, &m, v);
	payload_end(r, &m, v, rc, &e);
}

bool litellm_row(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *meta = json_member(v, "metadata");
	struct json_document *inner = NULL;
	if (!json_member(v, "call_type") ||
	    (!json_member(v, "response_cost") && !json_member(v, "spend")))
		return false;
	/* an answer from the gateway's own cache used no tokens of any vendor */
	if (payload_says_true(json_member(v, "cache_hit"))) {
		r->passed_over++;
		return true;
	}
	/* rows of its database hold it as text */
	if (json_string(meta).n && json_open(&inner, json_string(meta), NULL) == 0)
		meta = json_root(inner);
	read_row(r, v, meta, line);
	json_close(inner);
	return true;
}
