/*
 * http: the server's face: routes, what is asked before a body is read, tokens and TLS over
 * libmicrohttpd. Which address leads where is routes.h's. Bodies are parsed (body.h) in the
 * server's threads and written by writer.h; questions are answered aside, by readers (reader.h).
 * How much one visitor may take is visitors.h's.
 */
#ifndef TALLY_SERVER_HTTP_H
#define TALLY_SERVER_HTTP_H

#include "server/reader.h"
#include "server/question.h"
#include "server/tokens.h"
#include "server/writer.h"

enum {
	HTTP_BODY_MAX = 16 << 20,
	HTTP_COMMAND_BODY_MAX = 1 << 20, /* of holds and of commands that take settings */
	HTTP_HEADERS_MAX = 8 << 10,	 /* a connection keeps so much, cleared for each request */
	/* seconds */
	HTTP_HEAD_SECONDS = 10,	   /* until the first request's head is there */
	HTTP_PAUSE_SECONDS = 30,   /* between two requests of a connection */
	HTTP_ANSWER_SECONDS = 300, /* until the answer has been taken */
	HTTP_READY_SECONDS = 3,	   /* until the database must have answered */
};

/* What the server takes on, and when it is told nothing else. */
struct http_limits {
	int connections, connections_each, requests, body_seconds;
	int64_t bytes;
};
#define HTTP_LIMITS_DEFAULT \
	((struct http_limits){ .connections = 2000, \
			       .connections_each = 512, \
			       .requests = 1024, \
			       .body_seconds = 60, \
			       .bytes = 256 << 20 })

struct http_options {
	const char *address;	  /* "127.0.0.1:8687", "[::1]:8687" */
	struct tokens *tokens;	  /* NULL: everyone may do everything, on loopback only */
	const char *const *names; /* by which it may be asked besides; ended by NULL */
	struct http_limits limits;
	const char *cert, *key; /* PEM text; NULL: no TLS */
	struct writer *writer;
	struct reader_options reading; /* what questions are answered from */
	/* A file of the page, as gzip: no token is asked for; a NULL pointer when there is none. */
	struct text (*file)(void *user, const char *path, const char **type);
	void (*log)(void *user, const char *event, const char *message);
	void *user;
};

struct http;
/* Errors: ERR_USAGE (address), ERR_SYSTEM (the port is taken). */
int http_open(struct http **out, const struct http_options *o, struct err *e);
/* The port that is listened on. */
int http_port(const struct http *h);
/* Accepts nothing new; what has begun is finished by http_close. */
void http_quiesce(struct http *h);
void http_close(struct http *h);

#endif
