/*
 * routes: every address of the server in one table: method, path, the scope that it needs, whose
 * data it tells, and the function that answers. What is not in the table does not exist.
 */
#ifndef TALLY_SERVER_ROUTES_H
#define TALLY_SERVER_ROUTES_H

#include "server/question.h"
#include "server/reader.h"
#include "server/tokens.h"

/* What becomes of a request. ASK: its function answers, in a thread that may wait. */
enum http_route_kind {
	ROUTE_NONE,
	ROUTE_FILE, /* of the page */
	ROUTE_HEALTH,
	ROUTE_READY,
	ROUTE_SESSION,
	ROUTE_LIVE,
	ROUTE_GAUGES,
	ROUTE_ASK,
	/* from here on: what the writer takes */
	ROUTE_USAGE,
	ROUTE_EVENTS,
	ROUTE_TRACES,
	ROUTE_LOGS,
	ROUTE_METRICS,
	ROUTE_OBSERVATIONS,
	ROUTE_HOLD,
	ROUTE_SETTLE,
	ROUTE_RELEASE
};

/* OWN: a customer's token sees and changes what is its own. ALL: it may not ask. */
enum http_route_data { DATA_NONE, DATA_OWN, DATA_ALL };

typedef int route_answer(struct reader *r, const struct http_question *q, struct http_reply *out,
			 struct err *e);

struct http_route {
	const char *method, *path; /* GET answers HEAD, too; one * stands for one name or more */
	unsigned scope;		   /* 0: none */
	enum http_route_data data;
	enum http_route_kind kind;
	size_t body_most; /* 0: it takes none */
	bool is_long;	  /* it may take seconds: it waits among its own */
	route_answer *answer;
	bool uploads; /* its settings may be a parameter, and the body a file */
};

/* *rest: what stands for the *. NULL when there is none; *known says whether there is one of
 * another method. */
const struct http_route *route_find(const char *method, const char *path, struct text *rest,
				    bool *known);

#endif
