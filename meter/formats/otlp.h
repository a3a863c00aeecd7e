/*
 * otlp: what the readers of OpenTelemetry's signals share. Internal to meter/formats/.
 *
 * otlp.c walks a request, otlp_span.c reads spans and whatever has their attributes, otlp_event.c
 * the events of agents, otlp_claude.c those of Claude Code, otlp_metric.c sums of tokens; all fill
 * in calls by otlp_call.c. otlp_names.c knows what instrumentations call things.
 */
#ifndef TALLY_METER_FORMATS_OTLP_H
#define TALLY_METER_FORMATS_OTLP_H

#include "meter/formats/payload_run.h"

/* What a span or event says, whatever generation of conventions it follows; counts come first, as
 * enum raw_count. */
enum otlp_role {
	OTLP_ID = RAW_COUNTS,
	OTLP_MODEL,
	OTLP_ASKED_MODEL,
	OTLP_SELLER, /* in the word of an instrumentation */
	OTLP_SESSION,
	OTLP_CUSTOMER,
	OTLP_PROJECT,
	OTLP_WORKLOAD,
	OTLP_TIER,
	OTLP_ASKED_TIER, /* no word of what was served */
	OTLP_OPERATION,	 /* the kinds: whether it is a call, or holds calls */
	OTLP_OPENINFERENCE_KIND,
	OTLP_TRACELOOP_KIND,
	OTLP_LANGFUSE_KIND,
	OTLP_LANGSMITH_KIND,
	OTLP_MLFLOW_KIND,
	OTLP_AI_SDK_OPERATION,
	OTLP_AGENT_RUN,	    /* of frameworks that tell sums of a run without saying so */
	OTLP_USAGE_DETAILS, /* Langfuse: the usage as JSON text */
	OTLP_MLFLOW_USAGE,  /* the same of MLflow */
	OTLP_METADATA,	    /* AI SDK: what the vendor said beside, as JSON text */
	OTLP_ANSWER,	    /* OpenInference: what was answered, for LangChain as JSON text */
	OTLP_ADK_ANSWER,    /* Google's ADK: what was answered, with its usage, as JSON text */
	OTLP_THOUGHTS,	    /* a count of thoughts that the one of the answer leaves out */
	OTLP_ROLES
};

/* The values of a span's attributes by role; NULL: not told. */
struct otlp_names {
	json_value *value[OTLP_ROLES];
};

/* A span or event and what is around it. */
struct otlp_item {
	json_value *self, *attributes, *resource;
	struct text scope, service;
	int64_t line;
	int64_t steps; /* of a span: that are told within it, a call of a model each */
};

/* The attribute of that name: attributes are a list of {key, value:{stringValue|intValue|...}}, or
 * the members of an object. */
json_value *otlp_attribute(json_value *attributes, const char *name);
/* The one value of an attribute of a list; NULL: it has none, or more than one. */
json_value *otlp_value(json_value *attribute);
void otlp_names_read(struct otlp_names *n, json_value *attributes);

enum otlp_kind {
	OTLP_IS_CALL,
	OTLP_HOLDS_CALLS, /* or is none */
	OTLP_IS_UNKNOWN	  /* of an operation that no list knows */
};
enum otlp_kind otlp_kind_of(const struct otlp_names *n, json_value *span);
/* Which step of its run a span is that goes around a call, from 1 on; 0: it is none. */
int64_t otlp_step_of(const struct otlp_names *n, json_value *attributes);
/* Whether the call answers with numbers instead of tokens, by its kind or its model. */
bool otlp_embeds(const struct otlp_names *n);
/* The text of a role, without the quotes that MLflow writes around each. */
struct text otlp_text(const struct otlp_names *n, enum otlp_role role);
/* Whether it tells tokens of a call. */
bool otlp_has_usage(const struct otlp_names *n);
/* Whether its agent's log events tell every call, and its spans and other signals the same again.
 */
bool otlp_is_told_by_events(const struct otlp_item *item);

/* around: another span of the request that lies in this one is a call with usage. */
void otlp_span(struct payload_reader *r, const struct otlp_item *item, bool around);
void otlp_event(struct payload_reader *r, const struct otlp_item *item);
/* claude_code.api_request, as an object of attributes or a log record. */
bool otlp_is_claude_event(json_value *attributes, json_value *record);
void otlp_claude_event(struct payload_reader *r, const struct otlp_item *item);
/* When a span or log record began and ended, as far as it says. */
int otlp_times(struct metered *m, json_value *self, struct err *e);
/* The same of an event, which is written when the call ends. */
int otlp_event_time(struct metered *m, const struct otlp_item *item, struct err *e);
/* Names in m the attribute that counts something and that nobody reads. */
void otlp_judge(struct payload_reader *r, struct metered *m, const char *shape,
		json_value *attributes);
/* Whether an attribute of a list is none: it lacks its name, or has not one value. */
bool otlp_is_malformed(json_value *attributes);
/* Keeps in m what its attributes say, but for prompts and answers, and hands it over. */
void otlp_take(struct payload_reader *r, struct metered *m, json_value *attributes);
/* The metrics of a request: sums of tokens as records of stretches of time. */
void otlp_metrics(struct payload_reader *r, const struct otlp_item *items, size_t count);
/* A request; false when it is none. */
bool otlp_document(struct payload_reader *r, json_value *v, int64_t line);

#endif
