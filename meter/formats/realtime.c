/*
 * Events of a spoken conversation that carry no answer of a model of their own: sessions, buffers
 * of sound, what was said as another model wrote it down. OpenAI's realtime interface, Gemini's
 * live one; the answers with counts are read as streams are (stream.c).
 *
 * Sources: platform.openai.com/docs/api-reference/realtime-server-events; ai.google.dev/api/live.
 */
#include <string.h>

#include "meter/formats/payload_run.h"

/* --- OpenAI --- */

/* The models of a realtime session, which the answers of it do not name. */
static void read_realtime_session(struct payload_reader *r, json_value *session)
{
	json_value *audio = json_member(json_member(session, "audio"), "input"),
		   *wrote = json_member(audio, "transcription");
	struct text model = json_string(json_member(session, "model")),
		    words = json_string(json_member(
			    wrote ? wrote : json_member(session, "input_audio_transcription"),
			    "model"));
	if (model.n)
		r->session_model =
			(struct text){ arena_text(&r->arena, model.p, model.n), model.n };
	if (words.n)
		r->transcription_model =
			(struct text){ arena_text(&r->arena, words.p, words.n), words.n };
}

/* What was said to the model, written down by another one. */
static void read_transcription(struct payload_reader *r, json_value *v, json_value *usage,
			       int64_t line)
{
	struct metered m;
	struct err e;
	payload_begin(&m, "openai.transcription", line);
	const struct text item = json_string(json_member(v, "item_id"));
	if (item.n) {
		m.record.text[FIELD_ID] =
			text_of(arena_printf(&r->arena, "%.*s#transcription", (int)item.n, item.p));
		m.record.present |= (uint64_t)1 << FIELD_ID;
	}
	m.record.text[FIELD_MODEL] = r->transcription_model;
	m.record.present |= (uint64_t)1 << FIELD_MODEL;
	if (!r->transcription_model.n)
		m.unread = "the session does not say which model wrote down what was said";
	int rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0)
		rc = payload_counts(r, &m, usage, NULL, &e);
	payload_judge_beside(r, &m, v, usage, "");
	payload_end(r, &m, v, rc, &e);
}

static bool read_realtime(struct payload_reader *r, json_value *v, struct text type, int64_t line)
{
	static const char *const others[] = { "session.",
					      "transcription_session.",
					      "conversation.",
					      "input_audio_buffer.",
					      "output_audio_buffer.",
					      "rate_limits.",
					      "mcp_list_tools." };
	json_value *usage = json_member(v, "usage");
	if (text_begins(type, "conversation.item.input_audio_transcription") &&
	    json_kind(usage) == JSON_OBJECT) {
		read_transcription(r, v, usage, line);
		return true;
	}
	if (usage)
		return false;
	read_realtime_session(r, json_member(v, "session"));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (text_begins(type, others[i])) {
			payload_pass_over(r, "openai.realtime", v, line);
			return true;
		}
	return false;
}

/* --- Gemini --- */

/* A message of Gemini's live interface without counts. What the model said is counted by a later
 * one. */
static bool read_gemini_live(struct payload_reader *r, json_value *v, int64_t line)
{
	static const char *const known[][2] = {
		{ "serverContent", "server_content" },
		{ "setupComplete", "setup_complete" },
		{ "toolCall", "tool_call" },
		{ "toolCallCancellation", "tool_call_cancellation" },
		{ "goAway", "go_away" },
		{ "sessionResumptionUpdate", "session_resumption_update" },
	};
	struct metered m;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		json_value *camel = json_member(v, known[i][0]),
			   *message = camel ? camel : json_member(v, known[i][1]);
		if (json_kind(message) != JSON_OBJECT)
			continue;
		payload_begin(&m, "gemini.content", line);
		if (json_member(message, "modelTurn") || json_member(message, "model_turn"))
			payload_hold_piece(r, &m, false, false);
		payload_pass_over(r, "gemini.content", v, line);
		return true;
	}
	return false;
}

bool realtime_document(struct payload_reader *r, json_value *v, int64_t line)
{
	return read_realtime(r, v, json_string(json_member(v, "type")), line) ||
	       read_gemini_live(r, v, line);
}
