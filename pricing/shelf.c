#include "pricing/shelf.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"

struct shelved {
	struct book *book;
	int held; /* by those that ask, and once by the shelf while it is in use */
	struct shelved *next;
};

struct shelf {
	pthread_mutex_t lock;
	pthread_cond_t turned;
	int64_t turn;
	struct shelved *first; /* in use; behind it those that somebody still holds */
};

static struct shelved *shelved_new(struct book *b, struct shelved *next)
{
	struct shelved *x = mem_zalloc(sizeof *x);
	*x = (struct shelved){ .book = b, .held = 1, .next = next };
	return x;
}

struct shelf *shelf_open(struct book *first)
{
	struct shelf *s = mem_zalloc(sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->turned, NULL);
	s->first = shelved_new(first, NULL);
	return s;
}

void shelf_close(struct shelf *s)
{
	if (!s)
		return;
	for (struct shelved *x = s->first, *next; x; x = next) {
		next = x->next;
		book_close(x->book);
		free(x);
	}
	pthread_cond_destroy(&s->turned);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const struct book *shelf_take(struct shelf *s)
{
	pthread_mutex_lock(&s->lock);
	s->first->held++;
	const struct book *b = s->first->book;
	pthread_mutex_unlock(&s->lock);
	return b;
}

/* With the lock: the book that nobody holds any more, to be closed without it. */
static struct book *let_go(struct shelf *s, const struct book *b)
{
	struct shelved **at = &s->first;
	while (*at && (*at)->book != b)
		at = &(*at)->next;
	struct shelved *x = *at;
	if (!x || --x->held > 0)
		return NULL;
	struct book *out = x->book;
	*at = x->next;
	free(x);
	return out;
}

void shelf_give(struct shelf *s, const struct book *b)
{
	pthread_mutex_lock(&s->lock);
	struct book *last = let_go(s, b);
	pthread_mutex_unlock(&s->lock);
	book_close(last);
}

void shelf_put(struct shelf *s, struct book *b)
{
	pthread_mutex_lock(&s->lock);
	const struct book *before = s->first->book;
	s->first = shelved_new(b, s->first);
	struct book *last = let_go(s, before);
	s->turn++;
	pthread_cond_broadcast(&s->turned);
	pthread_mutex_unlock(&s->lock);
	book_close(last);
}

int64_t shelf_turn(struct shelf *s)
{
	pthread_mutex_lock(&s->lock);
	const int64_t turn = s->turn;
	pthread_mutex_unlock(&s->lock);
	return turn;
}

bool shelf_wait(struct shelf *s, int64_t turn, int seconds_most)
{
	struct timespec until;
	int rc = 0;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds_most;
	pthread_mutex_lock(&s->lock);
	while (s->turn <= turn && rc == 0)
		rc = pthread_cond_timedwait(&s->turned, &s->lock, &until);
	const bool turned = s->turn > turn;
	pthread_mutex_unlock(&s->lock);
	return turned;
}
