#include "server/slow.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"

enum { THREADS = 2 };

struct work {
	void (*run)(void *user);
	void *user;
};

struct slow {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread[THREADS];
	struct work waiting[SLOW_WAITING_MAX]; /* a ring */
	int first, count;
	bool ended;
};

static void *work(void *user)
{
	struct slow *s = user;
	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->count == 0 && !s->ended)
			pthread_cond_wait(&s->wake, &s->lock);
		if (s->count == 0)
			break;
		struct work w = s->waiting[s->first];
		s->first = (s->first + 1) % SLOW_WAITING_MAX;
		s->count--;
		pthread_mutex_unlock(&s->lock);
		w.run(w.user);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct slow *slow_open(void)
{
	struct slow *s = mem_zalloc(sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&s->thread[i], NULL, work, s) == 0);
	return s;
}

bool slow_submit(struct slow *s, void (*run)(void *user), void *user)
{
	pthread_mutex_lock(&s->lock);
	bool room = s->count < SLOW_WAITING_MAX && !s->ended;
	if (room) {
		s->waiting[(s->first + s->count++) % SLOW_WAITING_MAX] = (struct work){ run, user };
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

void slow_close(struct slow *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(s->thread[i], NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->wake);
	free(s);
}
