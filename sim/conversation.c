#include "sim/conversation.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

struct turn {
	struct text customer, chat, parent;
	struct turn *next;
};

enum { TURN_SLOTS = 1 << 16, PARENTS_MAX = 10000 };

struct conversations {
	pthread_mutex_t lock;
	struct arena arena;
	struct turn *slot[TURN_SLOTS];
};

struct conversations *conversations_open(void)
{
	struct conversations *c = mem_zalloc(sizeof *c);
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void conversations_close(struct conversations *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	arena_release(&c->arena);
	free(c);
}

static uint32_t slot_of(struct text customer, struct text chat)
{
	return (text_hash(chat) + 31 * text_hash(customer)) % TURN_SLOTS;
}

static struct turn *find(const struct conversations *c, struct text customer, struct text chat)
{
	for (struct turn *t = c->slot[slot_of(customer, chat)]; t; t = t->next)
		if (text_eq(t->chat, chat) && text_eq(t->customer, customer))
			return t;
	return NULL;
}

static struct text keep(struct conversations *c, struct text s)
{
	return (struct text){ arena_text(&c->arena, s.p, s.n), s.n };
}

void conversations_add(struct conversations *c, struct text customer, struct text chat,
		       struct text parent)
{
	if (chat.n == 0 || parent.n == 0 || parent.p[0] == '-')
		return;
	pthread_mutex_lock(&c->lock);
	struct turn *t = find(c, customer, chat);
	if (!t) {
		const uint32_t slot = slot_of(customer, chat);
		t = arena_alloc(&c->arena, sizeof *t);
		*t = (struct turn){ keep(c, customer), keep(c, chat), keep(c, parent),
				    c->slot[slot] };
		c->slot[slot] = t;
	} else if (text_cmp(parent, t->parent) < 0) {
		t->parent =
			keep(c, parent); /* two parents: the choice must not depend on the order */
	}
	pthread_mutex_unlock(&c->lock);
}

struct text conversations_root(const struct conversations *c, struct text customer,
			       struct text chat)
{
	for (int i = 0; i < PARENTS_MAX; i++) {
		const struct turn *t = find(c, customer, chat);
		if (!t)
			break;
		chat = t->parent;
	}
	return chat;
}
