#include "server/sessions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct session {
	struct instant began;
	uint8_t name[DIGEST_BYTES], token[DIGEST_BYTES]; /* the hash of each */
	bool ended;
};

struct sessions {
	pthread_mutex_t lock;
	struct session *list;
	size_t count;
};

struct sessions *sessions_open(void)
{
	struct sessions *s = mem_zalloc(sizeof *s);
	s->list = mem_zalloc(SESSIONS_MOST * sizeof *s->list);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void sessions_close(struct sessions *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->list);
	free(s);
}

static bool is_over(const struct session *one, struct instant now)
{
	return one->ended || now.us - one->began.us >= SESSION_SECONDS * US_PER_SECOND;
}

/* A place that is free, else the oldest's. With the lock held. */
static struct session *place(struct sessions *s, struct instant now)
{
	struct session *oldest = s->list;
	for (size_t i = 0; i < s->count; i++) {
		if (is_over(&s->list[i], now))
			return &s->list[i];
		if (s->list[i].began.us < oldest->began.us)
			oldest = &s->list[i];
	}
	return s->count < SESSIONS_MOST ? &s->list[s->count++] : oldest;
}

int sessions_begin(struct sessions *s, const uint8_t token[DIGEST_BYTES], struct instant now,
		   char name[SESSION_NAME_MAX], struct err *e)
{
	struct session fresh = { .began = now };
	int rc = token_make(name, fresh.name, e);
	if (rc != 0)
		return rc;
	memcpy(fresh.token, token, DIGEST_BYTES);
	pthread_mutex_lock(&s->lock);
	*place(s, now) = fresh;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* With the lock held; NULL: none. */
static struct session *find(struct sessions *s, struct text name)
{
	uint8_t hash[DIGEST_BYTES];
	struct session *found = NULL;
	if (digest_sha256(hash, name, NULL) != 0)
		return NULL;
	for (size_t i = 0; i < s->count; i++)
		if (!s->list[i].ended && memcmp(s->list[i].name, hash, DIGEST_BYTES) == 0)
			found = &s->list[i];
	return found;
}

bool sessions_find(struct sessions *s, struct text name, struct instant now,
		   uint8_t token[DIGEST_BYTES])
{
	pthread_mutex_lock(&s->lock);
	const struct session *one = find(s, name);
	const bool holds = one && !is_over(one, now);
	if (holds)
		memcpy(token, one->token, DIGEST_BYTES);
	pthread_mutex_unlock(&s->lock);
	return holds;
}

void sessions_end(struct sessions *s, struct text name)
{
	pthread_mutex_lock(&s->lock);
	struct session *one = find(s, name);
	if (one)
		one->ended = true;
	pthread_mutex_unlock(&s->lock);
}
