#include "server/visitors.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/instant.h"

enum { TICK_MS = 200, ADDRESS_BYTES = 16 };

enum state { SILENT, SENDS_BODY, WAITS, TAKES_ANSWER, STREAMS };

struct visitor {
	struct visitors *all;
	int fd;
	uint8_t address[ADDRESS_BYTES];
	enum state state;
	int64_t since_us; /* of the state */
	bool served;	  /* had an answer */
	bool counted;	  /* its request is among those under way */
	bool shut;
	struct visitor *previous, *next; /* by since_us, of all */
};

struct visitors {
	struct visitor_limits limits;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct visitor list; /* its head: the next is the oldest */
	int connections, requests;
	int64_t made_room, too_slow;
	atomic_int_fast64_t bytes;
	void (*tick)(void *user);
	void *tick_user;
	bool ended;
};

/* An IPv4 address, or the network of an IPv6 one: a household or a host has a whole /64. */
static void key_of(uint8_t out[ADDRESS_BYTES], const struct sockaddr *a)
{
	memset(out, 0, ADDRESS_BYTES);
	if (a && a->sa_family == AF_INET) {
		memcpy(out + 12, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
	} else if (a && a->sa_family == AF_INET6) {
		const struct in6_addr *six =
			&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(six))
			memcpy(out + 12, six->s6_addr + 12, 4);
		else
			memcpy(out, six->s6_addr, 8);
	}
}

/* With the lock held, as all of these. */
static void take_out(struct visitor *one)
{
	one->previous->next = one->next;
	one->next->previous = one->previous;
}

static void put_last(struct visitors *v, struct visitor *one)
{
	one->since_us = clock_monotonic_us();
	one->next = &v->list;
	one->previous = v->list.previous;
	one->previous->next = one;
	v->list.previous = one;
}

static void turn(struct visitor *one, enum state state)
{
	one->state = state;
	take_out(one);
	put_last(one->all, one);
}

/* The server sees the end of the connection and lets go of it. */
static void shut(struct visitor *one)
{
	one->shut = true;
	shutdown(one->fd, SHUT_RDWR);
}

static int count_of(const struct visitors *v, const uint8_t address[ADDRESS_BYTES])
{
	int n = 0;
	for (const struct visitor *one = v->list.next; one != &v->list; one = one->next)
		n += !one->shut && memcmp(one->address, address, ADDRESS_BYTES) == 0;
	return n;
}

/* Ends the oldest connection that is silent; address NULL: any. */
static void make_room(struct visitors *v, const uint8_t *address)
{
	for (struct visitor *one = v->list.next; one != &v->list; one = one->next)
		if (one->state == SILENT && !one->shut &&
		    (!address || memcmp(one->address, address, ADDRESS_BYTES) == 0)) {
			v->made_room++;
			shut(one);
			return;
		}
}

/* What the visitor is told who took too long; nothing is being sent in these states. */
static void tell_too_slow(const struct visitor *one)
{
	/* without a length: it ends with the connection */
	static const char text[] =
		"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: "
		"application/json\r\n\r\n{\"error\":{\"code\":\"busy\",\"message\":\"the request "
		"took too long to arrive\"}}\n";
	const bool silent_between = one->state == SILENT && one->served;
	if (one->all->limits.tls || silent_between || one->state == TAKES_ANSWER)
		return;
	ssize_t n = send(one->fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)n;
}

static bool is_too_slow(const struct visitor *one, int64_t now_us)
{
	const struct visitor_limits *l = &one->all->limits;
	int seconds = 0;
	switch (one->state) {
	case SILENT:
		seconds = one->served ? l->pause : l->head;
		break;
	case SENDS_BODY:
		seconds = l->body;
		break;
	case TAKES_ANSWER:
		seconds = l->answer;
		break;
	case WAITS:
	case STREAMS:
		return false;
	}
	return now_us - one->since_us > seconds * US_PER_SECOND;
}

static void *watch(void *user)
{
	struct visitors *v = user;
	pthread_mutex_lock(&v->lock);
	while (!v->ended) {
		struct timespec until;
		const int64_t now_us = clock_monotonic_us();
		for (struct visitor *one = v->list.next; one != &v->list; one = one->next)
			if (!one->shut && is_too_slow(one, now_us)) {
				v->too_slow++;
				tell_too_slow(one);
				shut(one);
			}
		void (*tick)(void *) = v->tick;
		void *tick_user = v->tick_user;
		pthread_mutex_unlock(&v->lock);
		if (tick)
			tick(tick_user);
		pthread_mutex_lock(&v->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (!v->ended)
			pthread_cond_timedwait(&v->wake, &v->lock, &until);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

struct visitors *visitors_open(const struct visitor_limits *limits)
{
	struct visitors *v = mem_zalloc(sizeof *v);
	v->limits = *limits;
	v->list.next = v->list.previous = &v->list;
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->wake, NULL);
	CHECK(pthread_create(&v->thread, NULL, watch, v) == 0);
	return v;
}

void visitors_close(struct visitors *v)
{
	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->ended = true;
	pthread_cond_signal(&v->wake);
	pthread_mutex_unlock(&v->lock);
	pthread_join(v->thread, NULL);
	pthread_mutex_destroy(&v->lock);
	pthread_cond_destroy(&v->wake);
	free(v);
}

struct visitor *visitor_came(struct visitors *v, int fd, const struct sockaddr *address)
{
	struct visitor *one = mem_zalloc(sizeof *one);
	one->all = v;
	one->fd = fd;
	key_of(one->address, address);
	pthread_mutex_lock(&v->lock);
	if (v->connections >= v->limits.connections_each &&
	    count_of(v, one->address) >= v->limits.connections_each)
		make_room(v, one->address);
	else if (v->connections >= v->limits.connections)
		make_room(v, NULL);
	v->connections++;
	put_last(v, one);
	pthread_mutex_unlock(&v->lock);
	return one;
}

void visitor_left(struct visitor *one)
{
	struct visitors *v = one->all;
	pthread_mutex_lock(&v->lock);
	take_out(one);
	v->connections--;
	v->requests -= one->counted;
	pthread_mutex_unlock(&v->lock);
	free(one);
}

int visitor_socket(const struct visitor *one)
{
	return one->fd;
}

enum visitor_verdict visitor_asks(struct visitor *one)
{
	struct visitors *v = one->all;
	enum visitor_verdict verdict = VISIT_WELCOME;
	pthread_mutex_lock(&v->lock);
	if (v->connections > v->limits.connections_each &&
	    count_of(v, one->address) > v->limits.connections_each)
		verdict = VISIT_TOO_MANY_OF_ONE;
	else if (v->requests >= v->limits.requests || v->connections > v->limits.connections)
		verdict = VISIT_TOO_MANY;
	if (verdict == VISIT_WELCOME && !one->counted) {
		one->counted = true;
		v->requests++;
	}
	turn(one, SENDS_BODY);
	pthread_mutex_unlock(&v->lock);
	return verdict;
}

static void enter(struct visitor *one, enum state state)
{
	struct visitors *v = one->all;
	pthread_mutex_lock(&v->lock);
	if (one->counted && (state == SILENT || state == STREAMS)) {
		one->counted = false;
		v->requests--;
	}
	one->served |= state == SILENT;
	turn(one, state);
	pthread_mutex_unlock(&v->lock);
}

void visitor_waits(struct visitor *one)
{
	enter(one, WAITS);
}

void visitor_is_answered(struct visitor *one, bool streams)
{
	enter(one, streams ? STREAMS : TAKES_ANSWER);
}

void visitor_is_done(struct visitor *one)
{
	enter(one, SILENT);
}

bool visitors_take(struct visitors *v, int64_t bytes)
{
	if (atomic_fetch_add(&v->bytes, bytes) + bytes <= v->limits.bytes)
		return true;
	atomic_fetch_sub(&v->bytes, bytes);
	return false;
}

void visitors_give_back(struct visitors *v, int64_t bytes)
{
	atomic_fetch_sub(&v->bytes, bytes);
}

struct visitor_counts visitors_count(struct visitors *v)
{
	pthread_mutex_lock(&v->lock);
	struct visitor_counts c = { v->connections, v->requests, atomic_load(&v->bytes),
				    v->made_room, v->too_slow };
	pthread_mutex_unlock(&v->lock);
	return c;
}

void visitors_each_tick(struct visitors *v, void (*work)(void *user), void *user)
{
	pthread_mutex_lock(&v->lock);
	v->tick = work;
	v->tick_user = user;
	pthread_mutex_unlock(&v->lock);
}
