#include "meter/formats/observations.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/dict.h"

/* One half of what is kept; its texts lie behind its keys. */
struct half {
	struct dict at; /* struct text by key */
	struct arena texts;
	size_t bytes;
};

struct observations {
	pthread_mutex_t lock;
	struct half now, before; /* before: the oldest, the next to be forgotten */
	struct buf key;
};

struct observations *observations_open(void)
{
	struct observations *o = mem_zalloc(sizeof *o);
	pthread_mutex_init(&o->lock, NULL);
	return o;
}

static void forget(struct half *h)
{
	dict_release(&h->at);
	arena_release(&h->texts);
	*h = (struct half){ 0 };
}

void observations_close(struct observations *o)
{
	if (!o)
		return;
	forget(&o->now);
	forget(&o->before);
	buf_release(&o->key);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* The name of an id among those of all owners, under the lock. */
static struct text key_of(struct observations *o, struct text owner, struct text id)
{
	o->key.n = 0;
	buf_printf(&o->key, "%zu:", owner.n);
	if (owner.n)
		buf_add(&o->key, owner.p, owner.n);
	buf_add(&o->key, id.p, id.n);
	return (struct text){ o->key.p, o->key.n };
}

static const struct text *look(const struct half *h, struct text key)
{
	const uint64_t *at = dict_find(&h->at, key);
	return at ? (const struct text *)(uintptr_t)*at : NULL;
}

struct text observations_find(struct observations *o, struct text owner, struct text id,
			      struct arena *a)
{
	struct text found = TEXT("");
	pthread_mutex_lock(&o->lock);
	const struct text key = key_of(o, owner, id);
	const struct text *t = look(&o->now, key);
	if (!t)
		t = look(&o->before, key);
	if (t)
		found = (struct text){ arena_text(a, t->p, t->n), t->n };
	pthread_mutex_unlock(&o->lock);
	return found;
}

void observations_keep(struct observations *o, struct text owner, struct text id, struct text all)
{
	if (all.n > OBSERVATION_MOST)
		return;
	pthread_mutex_lock(&o->lock);
	struct half *h = &o->now;
	if (h->at.count >= OBSERVATIONS_MOST || h->bytes + all.n > OBSERVATIONS_BYTES) {
		forget(&o->before);
		o->before = *h;
		*h = (struct half){ 0 };
	}
	struct text *kept = arena_alloc(&h->texts, sizeof *kept);
	*kept = (struct text){ arena_text(&h->texts, all.p, all.n), all.n };
	*dict_need(&h->at, key_of(o, owner, id), NULL) = (uintptr_t)kept;
	h->bytes += all.n;
	pthread_mutex_unlock(&o->lock);
}
