/*
 * request: one request from its first byte to its answer, and the server that it came to: what the
 * files of the HTTP side share. Nobody else includes this; http.h is the door.
 */
#ifndef TALLY_SERVER_REQUEST_H
#define TALLY_SERVER_REQUEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>

#include "meter/formats/observations.h"
#include "server/address.h"
#include "server/body.h"
#include "server/http.h"
#include "server/live.h"
#include "server/microhttpd.h"
#include "server/routes.h"
#include "server/sessions.h"
#include "server/slow.h"
#include "server/totals.h"
#include "server/visitors.h"

#define SESSION_COOKIE "tally"

struct http {
	struct http_options o;
	struct MHD_Daemon *daemon;
	struct listener listener;
	int64_t began_us;
	atomic_int_fast64_t requests, status_class[6];
	struct live *live;
	struct totals *totals;
	struct slow *quick, *slow; /* threads that answer questions: within moments, and longer */
	struct slow *bodies;	   /* and those that read large bodies */
	struct readers *readers;
	atomic_bool ending;
	struct visitors *visitors;
	struct sessions *sessions;
	struct observations *observations; /* of tracers, begun and not ended */
	pthread_mutex_t probes_lock;
	struct probe *probes; /* that a request waits for */
	/* lines of the library, which anybody who connects can cause */
	pthread_mutex_t lines_lock;
	int64_t lines_minute;
	uint64_t lines; /* of that minute */
};

/* Why a request is not served; status 0: it is. */
struct refusal {
	int status;
	const char *code, *message;
};

/* One request, from its first byte to its answer. */
struct request {
	struct http *http;
	struct MHD_Connection *connection;
	struct visitor *visitor;
	const struct http_route
		*found; /* NULL: there is no such path, it is the page's, or a command */
	enum http_route_kind route;
	enum http_route_data data;
	const char *method, *path;
	struct text rest;	  /* of the path: what stands for * in that of the route */
	unsigned scope;		  /* that it needs; 0: none */
	bool wrong_method, stray; /* stray: a parameter that is not taken */
	enum otlp_signal signal;
	bool protobuf;		/* of OTLP; its answer is, too */
	char *customer;		/* that its token is bound to; NULL: any */
	char *who;		/* the token's name; NULL: none was asked for */
	struct refusal refusal; /* known before the body was read */
	struct buf body;
	size_t body_most;
	int64_t taken;			  /* of the memory for bodies */
	bool too_large, crowded, cut_off; /* cut_off: answered before its body came */
	struct {
		bool aside; /* by a thread of its own */
		atomic_bool is;
		int status;
		struct job *job;
		const char *code;
		struct err why;
	} made; /* of the body */
	struct job *job;
	struct probe *probe;
	bool submitted, counted;
	atomic_bool done;
	/* of a question */
	bool commanded, shown; /* shown: a browser may show the answer */
	struct http_reply reply;
	/* headers of the answer; NULL: none */
	const char *policy, *filename, *cookie;
	char tag[BODY_TAG_MAX]; /* empty: none */
	bool packed;
};

/* --- answers --- */

/* The answer, with the headers that the request has gathered; its bytes are copied, kept or freed
 * as mode says. */
enum MHD_Result respond(struct request *r, int status, const char *type, const char *p, size_t n,
			enum MHD_ResponseMemoryMode mode);
/* Of what is answered to what was written: JSON, or protobuf to an exporter that speaks it. */
const char *response_type(const struct request *r);
/* An error in the shape that the route answers in; the second by the one table of errors. */
enum MHD_Result respond_error(struct request *r, int status, const char *code, const char *message);
enum MHD_Result respond_err(struct request *r, const struct err *e);
/* What was read: not sent where the asker has it already, and packed where it takes that. */
enum MHD_Result respond_read(struct request *r, struct http_reply *reply);
/* A file of the page, as it is kept, packed: asked for again it is not sent again, unless it has
 * changed. */
enum MHD_Result respond_file(struct request *r);
/* NULL: there is none. */
const char *request_header(struct request *r, const char *name);
const char *request_cookie(struct request *r);

/* --- what is known before the body --- */

/* Where the request goes, which scope it needs and how large its body may be. */
void gate_find_route(struct request *r);
/* A head that another program may understand otherwise: where its body ends (RFC 9112, 6.3: what
 * follows would be somebody else's request), whom it names, and which of two values counts. */
struct refusal gate_judge_head(struct request *r);
/* Everything else that can be refused before the body is read. */
struct refusal gate_admit(struct request *r, enum visitor_verdict verdict);
/* What the request's token allows. Without tokens everyone on this machine may do everything. */
struct refusal gate_authorise(struct request *r);
/* What the token of the header allows, else the session of the page's cookie. */
bool gate_grant(struct request *r, struct token_grant *out);
/* A line that was taken out of the file of tokens, or has been added, counts from now on. */
void gate_refresh_tokens(struct http *h);

/* --- what is written --- */

/* A large body takes as long as thousands of small ones, for which all connections would wait. */
enum MHD_Result intake_write(struct request *r);
/* Waits for the job that was made of the body. */
enum MHD_Result intake_use(struct request *r);
/* The connection sleeps until it is resumed. */
void request_suspend(struct request *r);
/* What is held of the body is let go of. */
void request_drop_body(struct request *r);
/* The body as it is read: unpacked, and of protobuf the JSON that says the same. Returns a status
 * of HTTP, 200 where all is well. */
int request_unpack(struct request *r, struct err *e);

/* --- what is asked --- */

/* A thread of the readers answers it; the connection sleeps meanwhile. */
enum MHD_Result start_question(struct request *r);

/* --- the page's session, gauges, readiness --- */

/* GET /session: who is signed in. */
enum MHD_Result sign_in_state(struct request *r);
/* POST /session with the token as the body; with an empty body one is signed out. */
enum MHD_Result sign_in(struct request *r);

/* GET /metrics, in Prometheus' text. */
enum MHD_Result answer_gauges(struct request *r);

/* GET /readyz: whether the writer can still write. */
enum MHD_Result ask_readiness(struct request *r);
/* Whoever has waited long enough is told that the database does not answer. */
void readiness_tell_waiting(void *user);

#endif
