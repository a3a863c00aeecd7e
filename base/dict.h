/*
 * dict: texts to numbers, in memory.
 *
 * Keys are hashed with random bits of the process, fully mixed, so that no client can choose keys
 * that collide. Keys are copied; numbers begin wherever the caller likes.
 */
#ifndef TALLY_BASE_DICT_H
#define TALLY_BASE_DICT_H

#include "base/arena.h"
#include "base/text.h"

struct dict_slot {
	const char *key;
	uint32_t n, hash; /* its low half, which says where the key lies */
	uint64_t value;
};

/* Zero-initialised is empty. */
struct dict {
	struct dict_slot *slot;
	size_t room, count;
	struct arena arena;
};

/* The place of the number of that key, NULL when there is none. It moves when keys are added. */
uint64_t *dict_find(const struct dict *d, struct text key);
/* The same, made with number 0 when it is new; *is_new may be NULL. */
uint64_t *dict_need(struct dict *d, struct text key, bool *is_new);
/* A hash of the key with the process's random bits. */
uint64_t dict_hash(struct text key);
/* The key as the dict keeps it. */
struct text dict_key(const struct dict *d, struct text key);
/* No key can be looked up any more; those that dict_key gave stay where they are. */
void dict_close(struct dict *d);
/* Forgets every key. */
void dict_clear(struct dict *d);
void dict_release(struct dict *d);

/* 64 bits that depend on every byte and on both seeds. */
uint64_t hash_bytes(const void *p, size_t n, const uint64_t seed[2]);

#endif
