/*
 * Sessions of GitHub Copilot CLI from before it wrote each call (session.usage_record): when a
 * session ends it says by model what was used since it began, over all the times that it was
 * resumed; a compaction may begin these sums again. What grew between two ends is what the calls
 * between them used, and gives way to these calls where another source tells them.
 */
#include "meter/formats/agent_call.h"

struct copilot_total {
	struct text model;
	int64_t count[RAW_COUNTS], requests;
	struct copilot_total *next;
};

static bool is_type(json_value *v, const char *type)
{
	return text_is(json_string(json_member(v, "type")), type);
}

static struct copilot_total *total_of(struct payload_reader *r, struct text model)
{
	struct copilot_total *t = r->copilot_totals;
	while (t && !text_eq(t->model, model))
		t = t->next;
	if (!t) {
		t = arena_alloc(&r->arena, sizeof *t);
		*t = (struct copilot_total){
			.model = { arena_text(&r->arena, model.p, model.n), model.n },
			.next = r->copilot_totals,
		};
		r->copilot_totals = t;
	}
	return t;
}

/* What the counts, which are a sum, have beyond those of the session's last end; the sum itself
 * where it begins again. */
static void take_growth(struct raw_counts *c, int64_t *requests, struct copilot_total *was)
{
	const struct copilot_total before = *was;
	bool grows = *requests >= before.requests;
	for (int i = 0; i < RAW_COUNTS; i++)
		grows &= c->count[i] >= before.count[i];
	memcpy(was->count, c->count, sizeof was->count);
	was->requests = *requests;
	for (int i = 0; grows && i < RAW_COUNTS; i++)
		c->count[i] -= before.count[i];
	*requests -= grows ? before.requests : 0;
}

static int read_requests(int64_t *out, json_value *metrics, struct err *e)
{
	struct raw_counts c = { 0 };
	json_value *n = json_at(metrics, "requests.count");
	const int rc = json_is_nothing(n) ? 0 : counts_set(&c, RAW_TOTAL, n, e);
	*out = c.count[RAW_TOTAL];
	return rc;
}

static void take_model(struct payload_reader *r, json_value *v, json_value *metrics, int64_t line)
{
	struct raw_counts c = { .cache = CACHE_INSIDE };
	struct metered m;
	struct err e;
	int64_t requests = 0;
	bool any = false;
	json_value *usage = json_member(metrics, "usage");
	const struct text model = text_of(json_key(metrics)),
			  event = json_string(json_member(v, "id"));
	payload_begin(&m, "copilot-cli.session", line);
	int rc = json_kind(usage) == JSON_OBJECT
			 ? 0
			 : err_set(&e, ERR_INVALID, "the session's end counts nothing of '%.60s'",
				   model.p);
	if (rc == 0)
		rc = agent_session_counts(&c, m.shape, usage, &e);
	if (rc == 0)
		rc = agent_check_counts(&c, &e);
	if (rc == 0)
		rc = read_requests(&requests, metrics, &e);
	if (rc == 0)
		take_growth(&c, &requests, total_of(r, model));
	for (int i = 0; rc == 0 && i < RAW_COUNTS; i++)
		any |= c.count[i] != 0;
	if (rc == 0 && !any)
		return;
	m.session_sum = true;
	m.broken_off = r->copilot_compacted;
	agent_set(&m.record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "copilot:%.*s:%.*s:%.*s", (int)r->session_id.n,
				       r->session_id.n ? r->session_id.p : "", (int)event.n,
				       event.n ? event.p : "", (int)model.n, model.p)));
	agent_set(&m.record, FIELD_MODEL, model);
	agent_set(&m.record, FIELD_SESSION, r->session_id);
	agent_set(&m.record, FIELD_TASK, r->session_id);
	payload_seller(r, &m.record, TEXT(COPILOT_SELLS));
	if (requests > 1) {
		m.record.requests = requests;
		m.record.present |= (uint64_t)1 << FIELD_REQUESTS;
	}
	/* it began when the session did, or when that ended before */
	if (r->copilot_began_us)
		agent_set_time(&m.record, FIELD_TIME, r->copilot_began_us);
	if (rc == 0)
		rc = payload_time(&m.record, r->copilot_began_us ? FIELD_COMPLETED : FIELD_TIME,
				  json_member(v, "timestamp"), &e);
	payload_judge(r, &m, usage, true);
	agent_take(r, &m, &c, payload_raw(r, usage), rc, &e);
}

/* Instants between which the next sums count. */
static void keep_begin(struct payload_reader *r, json_value *v)
{
	struct record at = { 0 };
	struct err e;
	if (payload_time(&at, FIELD_TIME, json_member(v, "timestamp"), &e) == 0 &&
	    at.present >> FIELD_TIME & 1)
		r->copilot_began_us = at.time_us;
}

static void end_session(struct payload_reader *r, json_value *v, json_value *all, int64_t line)
{
	for (json_value *m = json_first(all); m; m = json_next(m))
		take_model(r, v, m, line);
	r->copilot_open = 0;
	r->copilot_compacted = false;
	keep_begin(r, v);
}

void copilot_session_finish(struct payload_reader *r)
{
	struct err e;
	if (!r->copilot_open || r->session_calls)
		return;
	err_set(&e, ERR_INVALID,
		"the answers of a session that did not end, of which only the output is told");
	r->sink.refuse(r->sink.user, r->copilot_open, (struct text){ 0 }, &e);
	r->copilot_open = 0;
}

bool copilot_session_line(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *data = json_member(v, "data"), *all = json_member(data, "modelMetrics");
	if (!all)
		all = json_at(data, "accountingSnapshot.modelMetrics");
	if (is_type(v, "session.start")) {
		const struct text id = json_string(json_member(data, "sessionId"));
		r->session_id = (struct text){ arena_text(&r->arena, id.p, id.n), id.n };
		keep_begin(r, v);
		return false; /* and judged as any other line */
	}
	if (is_type(v, "session.compaction_complete"))
		r->copilot_compacted = true;
	if (is_type(v, "assistant.message") &&
	    json_kind(json_member(data, "outputTokens")) == JSON_NUMBER) {
		/* inside what is said at the end */
		if (!r->copilot_open)
			r->copilot_open = line > 0 ? line : 1;
		r->passed_over++;
		return true;
	}
	/* beside the calls themselves it says the same again */
	if (!is_type(v, "session.shutdown") || r->session_calls || json_kind(all) != JSON_OBJECT)
		return false;
	end_session(r, v, all, line);
	return true;
}
