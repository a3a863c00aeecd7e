#include "server/slow.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"

struct work {
	void (*run)(void *user);
	void *user;
};

struct slow {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t *thread;
	struct work *waiting; /* a ring */
	int threads, waiting_most, first, count;
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
		s->first = (s->first + 1) % s->waiting_most;
		s->count--;
		pthread_mutex_unlock(&s->lock);
		w.run(w.user);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct slow *slow_open(int threads, int waiting_most)
{
	struct slow *s = mem_zalloc(sizeof *s);
	s->threads = threads;
	s->waiting_most = waiting_most;
	s->thread = mem_zalloc((size_t)threads * sizeof *s->thread);
	s->waiting = mem_zalloc((size_t)waiting_most * sizeof *s->waiting);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	for (int i = 0; i < s->threads; i++)
		CHECK(pthread_create(&s->thread[i], NULL, work, s) == 0);
	return s;
}

bool slow_submit(struct slow *s, void (*run)(void *user), void *user)
{
	pthread_mutex_lock(&s->lock);
	bool room = s->count < s->waiting_most && !s->ended;
	if (room) {
		s->waiting[(s->first + s->count++) % s->waiting_most] = (struct work){ run, user };
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

void slow_end(struct slow *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < s->threads; i++)
		pthread_join(s->thread[i], NULL);
	s->threads = 0;
}

void slow_close(struct slow *s)
{
	if (!s)
		return;
	slow_end(s);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->wake);
	free(s->thread);
	free(s->waiting);
	free(s);
}
