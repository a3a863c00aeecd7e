/*
 * question: one question to the server, and its answer; what questions share: whose data is meant,
 * periods, zones and filters. Knows nothing of HTTP beyond names and values.
 */
#ifndef TALLY_SERVER_QUESTION_H
#define TALLY_SERVER_QUESTION_H

#include "base/json.h"
#include "base/zone.h"
#include "meter/store/usage_query.h"

/* Names that an answer looked at: what it takes. */
enum { TAKEN_MOST = 64, TAKEN_NAME_ROOM = 40 };
struct taken {
	char name[TAKEN_MOST][TAKEN_NAME_ROOM];
	int names;
	bool whole; /* it reads whatever there is */
};
void taken_add(struct taken *a, const char *name);

struct http_question {
	const char *method;   /* GET also for HEAD */
	const char *path;     /* "/v1/usage" */
	struct text rest;     /* of the path: what stands for * in that of the route */
	const char *customer; /* that the token is bound to; NULL: any */
	const char *who;      /* name of the token; NULL: none was asked for */
	/* a query parameter, or NULL */
	const char *(*parameter)(const struct http_question *q, const char *name);
	/* the name of each query parameter, until `take` says false */
	void (*each_parameter)(const struct http_question *q,
			       bool (*take)(void *user, const char *name), void *user);
	void *connection;
	struct taken *parameters, *members; /* which ones the answer looked at */
	struct text body;
	json_value *settings; /* of a route that takes them, a JSON object: the body, or the */
	bool uploaded;	      /* parameter of that name, and the body is a file */
};
struct http_reply {
	int status;
	const char *type;     /* content type */
	const char *filename; /* the browser keeps it as a file; NULL: shows it */
	struct buf body;
};

/* The one form in which errors are told. Replaces what out holds. */
void reply_error(struct http_reply *out, const struct err *e);
void put_error(struct buf *out, const char *code, const char *message);

/* The customer that is asked for: the token's own, else the parameter; NULL: all. Errors:
 * ERR_DENIED when the token speaks for another one. */
int question_customer(const struct http_question *q, const char **out, struct err *e);
/* The same of one that is named in the path. */
int question_is_of(const struct http_question *q, struct text customer, struct err *e);
/* z or timezone; UTC. *name lives as long as the question. */
int question_zone(const struct http_question *q, struct zone **out, const char **name,
		  struct err *e);
/* The instant that a text names in that zone: a day, month or other span named by "until" is
 * included, so that it is the end of it; of any other parameter it is the beginning. Errors:
 * ERR_USAGE with the name. */
int asked_instant(const char *name, const char *text, struct instant now, const struct zone *z,
		  struct instant *out, struct err *e);
int question_instant(const struct http_question *q, const char *name, const struct zone *z,
		     struct instant *out, struct err *e);
/* since, until or period; customer, project, model, provider, workload, effort, currency */
int question_filter(const struct http_question *q, const struct zone *z, struct usage_filter *out,
		    struct err *e);
/* A whole number from 0 to `most`. */
int question_count(const struct http_question *q, const char *name, int64_t missing, int64_t most,
		   int64_t *out, struct err *e);
/* Whether it is there and not "false". */
bool question_flag(const struct http_question *q, const char *name);
/* One of the words, by its place; 0 when absent. words ends with NULL. */
/* Which of the words a text is, the first where it is NULL. Errors: ERR_USAGE, which names them. */
int choice_of(const char *name, const char *text, const char *const *words, int *out,
	      struct err *e);
int question_choice(const struct http_question *q, const char *name, const char *const *words,
		    int *out, struct err *e);

/* A member of the settings; NULL when it is absent. The only way to one: see below. */
json_value *setting(const struct http_question *q, const char *name);
/* A parameter, or a member of the settings that is not null, at which the answer did not look would
 * have changed nothing, silently. Asked before anything is kept. Errors: ERR_USAGE, with what is
 * known. */
int question_refuse_unknown(const struct http_question *q, struct err *e);

/* A member of the settings, as a text; empty when it is absent. Errors: ERR_USAGE when it is no
 * text or number, or longer than QUESTION_TEXT_MAX. */
enum { QUESTION_TEXT_MAX = 2000 };
int setting_text(const struct http_question *q, const char *name, bool needed, struct text *out,
		 struct err *e);

#endif
