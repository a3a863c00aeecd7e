/*
 * visitors: who is connected, and how much of the server each may take.
 *
 * Connections in all and of one address, requests under way, bytes of bodies that wait in memory,
 * and the time that a head, a body and an answer may take have bounds. Where connections are too
 * many, the one that has kept silent longest makes room, so that whoever does ask is answered.
 * Knows sockets and times, nothing of what is asked.
 */
#ifndef TALLY_SERVER_VISITORS_H
#define TALLY_SERVER_VISITORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct visitor_limits {
	int connections, connections_each, requests;
	int64_t bytes;
	/* seconds until the first request's head is there, between two, of a whole body, and until
	   an answer has been taken */
	int head, pause, body, answer;
	bool tls; /* what is sent by the way would not be understood */
};

enum visitor_verdict { VISIT_WELCOME, VISIT_TOO_MANY_OF_ONE, VISIT_TOO_MANY };

struct visitors;
struct visitor;

/* Starts the thread that watches times. */
struct visitors *visitors_open(const struct visitor_limits *limits);
void visitors_close(struct visitors *v);

/* A connection from its beginning to its end; both from any thread. */
struct visitor *visitor_came(struct visitors *v, int fd, const struct sockaddr *address);
void visitor_left(struct visitor *one);
int visitor_socket(const struct visitor *one);

/* The head of a request is there; its body may follow. */
enum visitor_verdict visitor_asks(struct visitor *one);
/* The request is whole and is worked on: that takes as long as it takes. */
void visitor_waits(struct visitor *one);
/* Its answer is being sent. streams: for as long as the visitor likes. */
void visitor_is_answered(struct visitor *one, bool streams);
/* The answer is sent; another request may come. */
void visitor_is_done(struct visitor *one);

/* Memory for bodies; false where that would be too much. */
bool visitors_take(struct visitors *v, int64_t bytes);
void visitors_give_back(struct visitors *v, int64_t bytes);

struct visitor_counts {
	int connections, requests;
	int64_t bytes, made_room, too_slow;
};
struct visitor_counts visitors_count(struct visitors *v);

/* Calls work(user) about five times a second. */
void visitors_each_tick(struct visitors *v, void (*work)(void *user), void *user);

#endif
