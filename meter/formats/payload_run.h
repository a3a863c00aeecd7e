/*
 * payload_run: what the parts of the payload reader share. Internal to meter/formats/.
 *
 * payload.c tells shapes apart, sighting.c is what all formats fill a call in with, body.c reads
 * answers, stream.c what arrives in pieces, claude_log.c and codex_log.c the logs of two agents,
 * telemetry.c spans and events.
 */
#ifndef TALLY_METER_FORMATS_PAYLOAD_RUN_H
#define TALLY_METER_FORMATS_PAYLOAD_RUN_H

#include "base/dict.h"
#include "meter/formats/counts.h"
#include "meter/formats/members.h"
#include "meter/formats/observations.h"
#include "meter/formats/payload.h"
#include "meter/formats/usage_layout.h"
#include "meter/read/exports.h"
#include "meter/read/doubts.h"

enum log_kind { LOG_UNKNOWN, LOG_CLAUDE, LOG_CODEX };

/* Counters of a Codex session that only grow. */
struct codex_totals {
	int64_t input, cached, written, output, reasoning, total;
};

/* One running total: a session may keep several, of different limits. */
enum { CODEX_LANES = 8 };
/* Snapshots of a total that may be written again, late. */
enum { CODEX_RECENT = 8 };
struct codex_lane {
	struct codex_totals totals;
	struct text limit;
	struct codex_totals recent[CODEX_RECENT];
	unsigned turn; /* how many were kept */
};

/* A stream whose chunks carry no id. */
struct anonymous_stream {
	struct metered last; /* texts in the reader's arena */
	bool open, has_usage, ended;
};

/* What the tools of a vendor did for one answer (tools.c). */
struct tools_found {
	int64_t units[UNIT_COUNT];
	struct text container; /* the last one that a tool ran in */
	struct text unknown;   /* a tool that may be billed */
	bool by_search;	       /* code ran for a search of the web, which bills it */
};

/* Lists and objects of the answer at work in which tools were counted (strays.c). */
enum { READ_MOST = 8 };
struct read_lists {
	json_value *list[READ_MOST];
	size_t count;
};

struct anthropic_stream {
	bool open;
	struct tools_found tools; /* texts in the reader's arena */
	struct raw_counts counts;
	struct raw_counts beside;  /* compactions, which the counts do not hold */
	struct metered call;	   /* texts in the reader's arena */
	struct text start, latest; /* usage as message_start and the last message_delta wrote it */
};

/* Which meanings of its format a row, or the header of a table, has a column for. */
struct export_seen {
	bool role[EXPORT_ROLES];
};

/* Steps of the AI SDK's, and what they count together. */
struct ai_sums {
	int64_t steps, input, output;
};

/* A stream of its parts. */
struct ai_stream {
	bool open;
	struct ai_sums ended;
	int64_t began;	      /* the line of what began and has not ended; 0: nothing */
	struct text response; /* what was told of the model's answer; in the reader's arena */
};

struct pending_row;
struct chat_pieces;
struct capture;
struct export_format;
/* Names of members that were judged to speak of nothing: lines of a log have the same ones, and
 * each is judged once. */
struct plain_names {
	struct {
		unsigned char n;
		char name[23];
	} slot[64];
};

struct payload_reader {
	struct payload_sink sink;
	struct arena arena;		  /* of the source: streams, sessions */
	struct buf raw;			  /* of the document at work */
	const char *path;		  /* of the source; NULL: it has none */
	struct buf member;		  /* the one that is not understood */
	const struct named_model *beside; /* by a conversation beside a task, once it was read */
	bool beside_read;
	struct read_lists read;	  /* of the answer at work */
	bool events;		  /* the source is an agent's, whose lines say what they are */
	bool plain;		  /* this document is none of an agent's */
	bool in_batch;		  /* the document at work is a result of a batch */
	const char *batch_vendor; /* who ran the batch, where its results tell */
	bool held;		  /* what is read was held back before (held.c) */
	const struct field_map *map;
	size_t map_count;
	json_value *outer, *inner; /* the documents at work, on document_line; NULL: none */
	int64_t document_line;
	uint64_t map_found;		/* which of map some call had */
	bool mapped;			/* there were calls */
	int64_t passed_over, unclaimed; /* unclaimed: refused, and in no form that is known */
	int64_t asked, added_up; /* of these, what was asked of a batch, and sums of other files */
	uint32_t counted;	 /* which counts the last usage told: as raw_counts.has */
	enum log_kind log;
	struct usage_layouts layouts; /* of the lines of a log */
	struct plain_names claude_plain;
	char claude_answer[40]; /* the `uuid` of the last line with an answer of a model */
	/* agents that Claude Code's results name: the line, or UINT64_MAX once one of theirs was
	 * read; the last one, and the session that named it */
	struct dict claude_agents;
	struct text claude_agent, claude_session;
	struct anthropic_stream anthropic;
	struct anonymous_stream anonymous;
	struct dict streams; /* ids of chunks: 0 while no usage was seen, else 1 */
	/* Codex */
	struct text codex_session, codex_parent, codex_model, codex_project, codex_effort,
		codex_provider, codex_tier;
	struct codex_lane codex[CODEX_LANES]; /* the running totals of the session */
	int codex_lanes, codex_lane;	      /* how many, and which was the last */
	bool codex_has_records;
	bool codex_headless;	  /* calls came before what names the session */
	bool codex_has_responses; /* each answer has a record of its own, which is the truth */
	bool codex_bare;	  /* some call came without a total: codex_last, the latest */
	struct codex_totals codex_last;
	const char *codex_doubt; /* why the next call cannot be trusted; NULL: it can */
	int64_t codex_calls;
	/* exports: buckets of the document at work, by id */
	struct dict buckets;
	char item[160]; /* where in its document the row at work is: "data[3].results[0]" */
	struct dict bucket_rows;       /* rows of these, word for word: their lines */
	struct dict same_rows;	       /* rows of calls without ids: how many were equal */
	int64_t rows_once, rows_again; /* of these, different ones, and those that came again */
	int64_t rows_line;	       /* of the last of them */
	struct pending_row *bucket;
	size_t bucket_count;
	struct doubts doubts;
	struct dict names; /* what the names of an export's keys say, of: */
	const struct export_format *names_of;
	struct export_seen document_seen; /* by the rows of the document at work */
	const char *unread_row; /* of the row at work, which is a document; NULL: all is known */
	/* what the header of a session says of the calls behind it */
	struct text session_id, session_model, session_effort;
	struct text session_tiers; /* one, or JSON of one by vendor */
	/* Copilot CLI: by model what its session used up to its last end, since when the next sums
	 * count, the first line with an answer that none counts, whether they may begin again */
	struct copilot_total *copilot_totals;
	int64_t copilot_began_us, copilot_open;
	bool copilot_compacted;
	int64_t session_calls; /* of the formats of session_log, read so far */
	/* Answers by their ids, and their lines: UINT64_MAX once they were counted; the latest,
	 * which may be in the making (answers.c) */
	struct dict session_answers;
	struct text session_answer;
	int64_t session_open;		 /* the line of a usage whose call has not ended; 0: none */
	struct text transcription_model; /* of a realtime session */
	struct dict langfuse; /* what events told of observations and traces so far (langfuse.c) */
	struct observations *observations; /* and in other sources; NULL: nothing */
	struct text observer;		   /* whose ids these are */
	/* LangChain: answers in pieces, in the order in which they began and by their ids, and the
	 * ids of those that are there as a whole */
	struct chat_pieces *first_chat, *last_chat;
	struct dict chat_pieces, chat_whole;
	int64_t chat_models,
		chat_repeated; /* events of models; the line of a first other with usage */
	struct ai_stream ai_stream;
	struct capture *capture; /* NULL: what is read is none so far */
};

/* Fills m with defaults for a document at that line. */
void payload_begin(struct metered *m, const char *shape, int64_t line);
/* Copies a JSON string or number into a text field when it is there and not empty. */
void payload_text(struct record *r, enum record_field f, json_value *v);
/* The same of a word that is known, in place of what the field holds. */
void payload_word(struct record *r, enum record_field f, struct text word);
/* Who sold the call, by the word of an agent, a framework or an instrumentation for the endpoint
 * (book_seller_named). */
void payload_seller(struct payload_reader *p, struct record *r, struct text word);
/* The id of a call by itself; one that is neither a string nor a number leaves it without a price.
 */
void payload_id(struct metered *m, json_value *v);
/* What a gateway may write beside any body: customer, project, workload, task, session, effort,
 * time; and, where the body says none, who sold the call (provider) and its region. */
int payload_labels(struct payload_reader *p, struct record *r, json_value *v, struct err *e);
/* The thinking effort that the object (or the text of one) states, or what it holds of the request;
 * false when it states none. */
bool payload_effort(struct payload_reader *p, struct record *r, json_value *v);
/* The same of an attribute of a span or event. */
bool payload_effort_attribute(struct payload_reader *p, struct record *r, struct text name,
			      json_value *v);
/* The instant of a JSON string or number; absent and null leave the field alone. */
int payload_time(struct record *r, enum record_field f, json_value *v, struct err *e);
/* The same of the instant at which the vendor made the answer, which tells it from another one that
 * was given the same id. */
int payload_made(struct metered *m, json_value *v, struct err *e);
/* Takes the usage apart and keeps it as the raw counts. */
int payload_counts(struct payload_reader *r, struct metered *m, json_value *usage,
		   const struct raw_counts *preset, struct err *e);
/* What Anthropic's usage says beside counts: speed and geography as dimensions of the price, and in
 * `iterations` the calls of advisors (taken as calls of their own, m's texts set before) and the
 * compactions, whose counts are added to c. */
int payload_extras(struct payload_reader *r, struct metered *m, json_value *usage,
		   struct raw_counts *c, struct err *e);
/* Whether the usage is of its own call alone: no advisor's, and no compaction. */
bool payload_is_alone(json_value *usage);
/* The tier that was served, wherever the answer v or its usage says so; more than one word: all of
 * them, which only a card that names them prices. */
void payload_tier(struct payload_reader *r, struct metered *m, json_value *v, json_value *usage);
/* What a usage object itself says of how and where the call was served: its tier, its speed, its
 * geography. Every reader of a usage comes by it, so that none of them is read and lost. */
void payload_dimensions(struct payload_reader *r, struct metered *m, json_value *usage);
/* The tier that was asked for, which counts where nothing says which one was served. */
void payload_asked_tier(struct metered *m, struct text said);
/* Where it alone is known: priority makes the standard price a lower bound, others no price. */
void payload_settle_tier(struct payload_reader *r, struct metered *m);
/* Whether a word says how a call was served, in any vendor's spelling: a dimension of its price. */
bool tier_is_word(struct text said);
/* Whether a tier, which may be several words, holds that one. */
bool tier_has_part(struct text tier, struct text word);
void payload_add_tier(struct payload_reader *r, struct metered *m, struct text said);
/* Where the call was served, as an answer says (`inference_geo`): its region, unless that is
 * anywhere. Which of them have a price, cards say. */
void payload_geo(struct record *r, struct text geo);
/* Says by what the agent's other source knows the call; after its counts are taken apart. */
void payload_twin(struct payload_reader *r, struct metered *m, const char *agent,
		  struct text session, bool in_log);
/* Names in m what of the usage object is not understood, if that is anything. closed: the object
 * holds the usage and nothing else. */
void payload_judge(struct payload_reader *r, struct metered *m, json_value *usage, bool closed);
/* Names in m what the usage lacks beside what is written with it. */
void payload_judge_missing(struct payload_reader *r, struct metered *m, json_value *usage);
/* The same of an object that holds counts and settings together, by its own name. */
void payload_judge_closed(struct payload_reader *r, struct metered *m, json_value *v,
			  const char *prefix);
/* The same of what stands beside it in v. */
void payload_judge_beside(struct payload_reader *r, struct metered *m, json_value *v,
			  json_value *usage, const char *prefix);
/* Tells of the numbers of a row under names that say nothing: counts stand in it among others, so
 * that each may be one. After what the row holds was judged. */
void payload_doubt(struct payload_reader *r, const struct metered *m, json_value *row);
/* Langfuse's usage details, whose keys are meant to be disjoint. */
int payload_langfuse_counts(struct raw_counts *c, json_value *usage, struct err *e);
/* A document that is known to hold no call: refused when it counts tokens all the same. */
void payload_pass_over(struct payload_reader *r, const char *shape, json_value *v, int64_t line);
/* Dollars, rounded to the pico-dollar: gateways write what their own binary floats gave. Errors: no
 * number, or one out of range. */
int payload_money(struct money *out, json_value *v, struct err *e);
/* What the seller says that the call cost, in dollars. */
int payload_stated(struct metered *m, json_value *usage, struct err *e);
int payload_stated_as(struct metered *m, json_value *cost, bool own_key, json_value *upstream,
		      struct err *e);
/* What the source says in dollars that the call cost, by the table of recorded_cost.c: in the usage
 * object or beside it, in an attribute, or in a column. */
void payload_recorded(struct metered *m, json_value *v, bool in_usage);
void payload_recorded_attribute(struct metered *m, struct text name, json_value *v);
void payload_recorded_as(struct metered *m, struct text dollars, bool charged);
/* Whether it is an amount above zero. */
bool payload_is_amount(json_value *v);
/* The source says in that member (NULL: in none) that something else than tokens was billed: where
 * no unit of it is counted, the call's cost is a lower bound. */
void payload_bills_beside(struct metered *m, const char *member);
/* The same of a call of which nothing at all is counted, although its source says what it cost. */
void payload_settle_beside(struct metered *m);
/* Takes what a framework hands on of the vendor's own usage, where there is any, beside the counts
 * that m has of the framework's. counted: it stands in another place, too, and m has its counts:
 * its members are judged alone. */
void payload_vendor_usage(struct payload_reader *r, struct metered *m, json_value *usage,
			  bool counted);
/* Gemini's names of counts, whose answers leave the thoughts out. */
static inline bool usage_is_gemini(json_value *usage)
{
	return json_member(usage, "promptTokenCount") || json_member(usage, "prompt_token_count");
}
/* What vendors' tools did by what the answer lists (tools.def), where its usage does not count it.
 * Errors: as counts_read. */
int payload_tools(struct payload_reader *r, struct metered *m, json_value *answer,
		  json_value *usage, struct err *e);
/* One block of a message, or item of an answer; payload_take_tools gives all to the call. */
void payload_tool_block(struct tools_found *f, json_value *block);
void payload_take_tools(struct payload_reader *r, struct metered *m, struct tools_found *f);
/* The searches that Gemini's grounding metadata lists. */
void payload_grounding(struct payload_reader *r, struct metered *m, json_value *grounding);
/* Leaves m without a price where the answer holds what a tool that bills would have left, or a word
 * that is a dimension of prices, in a place that was not read. After the tools and the grounding
 * of the answer were; forgets which lists these were. */
void payload_judge_strays(struct payload_reader *r, struct metered *m, json_value *answer,
			  json_value *usage);
/* Whether that word is left in an answer by a tool that bills. */
bool tool_leaves_word(struct text word);
/* Whether that name is of a list in which such a tool says what it did. */
bool tool_leaves_list(struct text name);
/* How many of its searches the model's vendor bills; of a call whose usage is read. */
void payload_settle_tools(struct payload_reader *r, struct metered *m);
void payload_take_held(struct payload_reader *r, struct metered *m, json_value *held);
void payload_take(struct payload_reader *r, struct metered *m);
/* A value as compact JSON, until the next one. */
struct text payload_raw(struct payload_reader *r, json_value *v);
void payload_refuse(struct payload_reader *r, int64_t line, json_value *v, const struct err *why);
/* Takes the call of document v, or, where rc is not 0, refuses it for that reason. */
void payload_end(struct payload_reader *r, struct metered *m, json_value *v, int rc,
		 const struct err *why);
/* A copy whose texts live as long as the reader. */
void payload_keep(struct payload_reader *r, struct metered *m);

/*
 * The formats in the order in which they are asked whether a document is their own, agents' first.
 * Beside each the members (or values of "type") by which a document of it is told from a row of a
 * trace, parted by blanks.
 */
#define PAYLOAD_FORMATS(X) \
	X(session_document, "") \
	X(capture_document, "session_id type=thread.started type=turn.completed " \
			    "type=agent_event type=hook_event type=run_result") \
	X(session_log_document, \
	  "type=llm.request type=context.append_loop_event " \
	  "type=session.usage_record type=session.shutdown type=model.call_finished " \
	  "system_prompt messages_path taskType") \
	X(claude_log_document, "sessionId type=summary") \
	X(codex_log_document, \
	  "type=session_meta type=turn_context type=event_msg type=response_item") \
	X(export_document, "") \
	X(har_document, "log") \
	X(telemetry_document, "resourceSpans resourceLogs resourceMetrics event.name") \
	X(cloud_event_document, "specversion") \
	X(stream_document, "choices x_groq interaction type=message_start") \
	X(realtime_document, "") \
	X(langfuse_document, "batch type=generation-create type=generation-update") \
	X(vendor_document, "generation_token_count inputTextTokenCount llm_output") \
	X(batch_document, "custom_id modelInput") \
	X(ai_stream_document, \
	  "type=start-step type=step-start type=stream-start type=finish-step type=step-finish") \
	X(langchain_event, "parent_ids") \
	X(langchain_document, "usage_metadata response_metadata") \
	X(framework_document, \
	  "providerMetadata native_tokens_prompt schemaType prompt_eval_count") \
	X(body_document, \
	  "usage usageMetadata usageDetails message amazon-bedrock-invocationMetrics " \
	  "quota response_cost spend tokens_in result usage_info meta") \
	X(wrapped_document, "") \
	X(session_line_document, "") /* no call, where nothing else took it */
#define AGENT_FORMATS 5
#define FORMAT(name, tells) bool name(struct payload_reader *r, json_value *v, int64_t line);
PAYLOAD_FORMATS(FORMAT)
#undef FORMAT

/* A row of LiteLLM's. */
bool litellm_row(struct payload_reader *r, json_value *v, int64_t line);
/* An observation of Langfuse's. */
bool langfuse_observation(struct payload_reader *r, json_value *v, int64_t line);
static inline json_value *payload_either(json_value *a, json_value *b)
{
	return a && json_kind(a) != JSON_NULL ? a : b;
}
/* Whether an answer within the document v has a usage that counts something else than this one. */
bool answer_counts_other(json_value *v, json_value *usage);
/* The members that may hold it, ended by NULL. */
extern const char *const answer_places[];
/* A result of the AI SDK's, or one of its steps; parent: the result around it, NULL: none. */
bool ai_sdk_result(struct payload_reader *r, json_value *v, json_value *parent, int64_t line);
void ai_sdk_add(struct ai_sums *s, json_value *usage);
/* Whether total, where it is an object, counts what the steps do; refuses v where not. */
bool ai_sdk_adds_up(struct payload_reader *r, json_value *v, json_value *total,
		    const struct ai_sums *s, int64_t line);
/* Tells of a step that did not end. */
void ai_stream_finish(struct payload_reader *r);
/* Answers of which pieces were read. */
void langchain_finish(struct payload_reader *r);
/* Tells of generations whose usage no event told. */
void langfuse_finish(struct payload_reader *r);
/* Also as the text that rows of a CSV or a table hold. */
bool payload_says_true(json_value *v);

/* The stream of an answer has ended: what follows without an id is of another. */
void stream_done(struct payload_reader *r);
void stream_finish(struct payload_reader *r);
/* Tells of agents that results name and of which no line is there. */
void claude_log_finish(struct payload_reader *r);
/* Tells of a usage whose call did not end. */
void session_log_finish(struct payload_reader *r);
/* The answers and turns of a capture of which nothing more was told. */
void capture_finish(struct payload_reader *r);
void capture_release(struct payload_reader *r);
/* A piece of a stream whose pieces carry no id: the last counts of it are the call's. */
void payload_hold_piece(struct payload_reader *r, struct metered *m, bool has_usage, bool ended);
/* The fast way for lines of a log whose kind is known, in braces: false when the slow way must read
 * the line. */
bool claude_log_line(struct payload_reader *r, struct text line, int64_t number);
bool codex_log_line(struct payload_reader *r, struct text line);
/* all begins with the header, which is that line; take_document: of rows that are documents of
 * another format. */
void export_table(struct payload_reader *r, const struct export_format *f, char separator,
		  struct text all, int64_t line,
		  void (*take_document)(struct payload_reader *r, json_value *v, int64_t line));
/* After the last document: what was there twice is told. */
void export_finish(struct payload_reader *r);
void export_release(struct payload_reader *r);

void export_see(struct export_seen *seen, const struct export_format *f, struct text name);
/* What the rows of a document have, for the judgement of each: items, a list or one item. */
void export_see_document(struct payload_reader *r, const struct export_format *f,
			 json_value *items);
/* Why the row of an export keeps no price: a key of it (or of the item around it, which may be
 * NULL) that the registry does not list, and that speaks of money, holds a word of a dimension of
 * prices, or may be what a column that is missing held. NULL: there is none. The text lives as long
 * as the reader. */
const char *export_unread(struct payload_reader *r, const struct export_format *f,
			  const struct export_seen *seen, json_value *row, json_value *item);
/* The same of a call whose document is a row of an export. */
void export_judge_document(struct payload_reader *r, struct metered *m, json_value *v);

#endif
