#include "server/live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/microhttpd.h"

struct stream {
	struct live *live;
	struct MHD_Connection *connection;
	uint64_t seen; /* version of the snapshot that it has */
	size_t sent;   /* bytes of the event under way */
	bool asleep;
	bool (*may)(void *user);
	void *user;
	struct stream *next;
};

struct live {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct stream *streams;
	int count;
	uint64_t version;
	struct buf event;
	bool ended;
	void (*snapshot)(void *user, struct buf *out);
	void *user;
};

/* With the lock held. */
static void wake_all(struct live *l)
{
	for (struct stream *s = l->streams; s; s = s->next)
		if (s->asleep) {
			s->asleep = false;
			microhttpd.MHD_resume_connection(s->connection);
		}
}

static void *watch(void *user)
{
	enum { LOOK_MS = 500, BEAT = 30 };
	struct live *l = user;
	struct buf now = { 0 }, last = { 0 };
	int quiet = 0;
	pthread_mutex_lock(&l->lock);
	while (!l->ended) {
		struct timespec until;
		now.n = 0;
		l->snapshot(l->user, &now);
		quiet++;
		if (now.n != last.n || memcmp(now.p, last.p, now.n) != 0 || quiet >= BEAT) {
			last.n = 0;
			buf_add(&last, now.p, now.n);
			quiet = 0;
			/* an event that somebody is in the middle of stays as it is */
			bool busy = false;
			for (struct stream *s = l->streams; s; s = s->next)
				busy |= s->sent != 0;
			if (!busy) {
				l->event.n = 0;
				buf_puts(&l->event, "data: ");
				buf_add(&l->event, now.p, now.n);
				buf_puts(&l->event, "\n\n");
				l->version++;
				wake_all(l);
			} else {
				last.n = 0;
			}
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += LOOK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&l->wake, &l->lock, &until);
	}
	pthread_mutex_unlock(&l->lock);
	buf_release(&now);
	buf_release(&last);
	return NULL;
}

struct live *live_open(void (*snapshot)(void *user, struct buf *out), void *user)
{
	struct live *l = mem_zalloc(sizeof *l);
	l->snapshot = snapshot;
	l->user = user;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	CHECK(pthread_create(&l->thread, NULL, watch, l) == 0);
	return l;
}

static ssize_t give(void *user, uint64_t at, char *out, size_t room)
{
	struct stream *s = user;
	struct live *l = s->live;
	ssize_t n;
	(void)at;
	pthread_mutex_lock(&l->lock);
	if (l->ended) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (s->seen == l->version || l->event.n == 0) {
		s->asleep = true;
		microhttpd.MHD_suspend_connection(s->connection);
		n = 0;
	} else if (s->sent == 0 && !s->may(s->user)) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		size_t left = l->event.n - s->sent;
		size_t take = left < room ? left : room;
		memcpy(out, l->event.p + s->sent, take);
		s->sent += take;
		n = (ssize_t)take;
		if (s->sent == l->event.n) {
			s->seen = l->version;
			s->sent = 0;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return n;
}

static void drop(void *user)
{
	struct stream *s = user;
	struct live *l = s->live;
	pthread_mutex_lock(&l->lock);
	for (struct stream **p = &l->streams; *p; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	l->count--;
	pthread_mutex_unlock(&l->lock);
	free(s);
}

struct MHD_Response *live_stream(struct live *l, struct MHD_Connection *c, bool (*may)(void *user),
				 void *user)
{
	enum { BLOCK = 1024 };
	struct stream *s = NULL;
	pthread_mutex_lock(&l->lock);
	if (l->count < LIVE_STREAMS_MAX && !l->ended) {
		s = mem_zalloc(sizeof *s);
		*s = (struct stream){
			.live = l, .connection = c, .may = may, .user = user, .next = l->streams
		};
		l->streams = s;
		l->count++;
	}
	pthread_mutex_unlock(&l->lock);
	return s ? microhttpd.MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, s,
								drop)
		 : NULL;
}

void live_end(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->ended = true;
	wake_all(l);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
}

void live_close(struct live *l)
{
	buf_release(&l->event);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->wake);
	free(l);
}
