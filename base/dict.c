#include "base/dict.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/err.h"

static uint64_t process_seed[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose_seed(void)
{
	CHECK(getrandom(process_seed, sizeof process_seed, 0) == sizeof process_seed);
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 m = (unsigned __int128)a * b;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* The last bytes, fewer than 16, as two words; zeros behind them. */
static inline void last_words(uint64_t w[2], const unsigned char *p, size_t n)
{
	w[0] = w[1] = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* words that overlap: a copy of so many bytes would be a call */
	if (n >= 8) {
		memcpy(&w[0], p, 8);
		if (n > 8) {
			memcpy(&w[1], p + n - 8, 8);
			w[1] >>= 8 * (16 - n);
		}
	} else if (n >= 4) {
		uint32_t low, high;
		memcpy(&low, p, 4);
		memcpy(&high, p + n - 4, 4);
		w[0] = low | (uint64_t)high << 8 * (n - 4);
	} else {
		for (size_t i = 0; i < n; i++)
			w[0] |= (uint64_t)p[i] << 8 * i;
	}
#else
	memcpy(w, p, n);
#endif
}

uint64_t hash_bytes(const void *bytes, size_t n, const uint64_t seed[2])
{
	const unsigned char *p = bytes;
	uint64_t h = seed[0] ^ n;
	size_t left = n;
	for (; left >= 16; left -= 16, p += 16) {
		uint64_t w[2];
		memcpy(w, p, 16);
		h = mix(w[0] ^ seed[1] ^ h, w[1] ^ h ^ 0x9E3779B97F4A7C15u);
	}
	if (left) {
		uint64_t w[2];
		last_words(w, p, left);
		h = mix(w[0] ^ seed[1] ^ h, w[1] ^ h ^ 0xD6E8FEB86659FD93u);
	}
	return mix(h ^ seed[0], 0xA0761D6478BD642Fu ^ seed[1]);
}

static struct dict_slot *place(const struct dict *d, struct text key, uint64_t hash)
{
	size_t i = hash & (d->room - 1);
	while (d->slot[i].key &&
	       (d->slot[i].hash != (uint32_t)hash ||
		!text_eq_short((struct text){ d->slot[i].key, d->slot[i].n }, key)))
		i = (i + 1) & (d->room - 1);
	return &d->slot[i];
}

uint64_t dict_hash(struct text key)
{
	pthread_once(&once, choose_seed);
	return hash_bytes(key.p, key.n, process_seed);
}

uint64_t *dict_find(const struct dict *d, struct text key)
{
	if (d->room == 0)
		return NULL;
	struct dict_slot *s = place(d, key, dict_hash(key));
	return s->key ? &s->value : NULL;
}

struct text dict_key(const struct dict *d, struct text key)
{
	if (d->room == 0)
		return (struct text){ NULL, 0 };
	const struct dict_slot *s = place(d, key, dict_hash(key));
	return (struct text){ s->key, s->key ? s->n : 0 };
}

static void grow(struct dict *d)
{
	struct dict_slot *old = d->slot;
	size_t room = d->room;
	d->room = room ? room * 2 : 64;
	CHECK(d->room <= (size_t)1 << 32);
	d->slot = mem_zblock(d->room * sizeof *d->slot);
	for (size_t i = 0; i < room; i++)
		if (old[i].key)
			*place(d, (struct text){ old[i].key, old[i].n }, old[i].hash) = old[i];
	mem_block_free(old, room * sizeof *old);
}

uint64_t *dict_need(struct dict *d, struct text key, bool *is_new)
{
	const uint64_t hash = dict_hash(key);
	if (d->count * 4 >= d->room * 3)
		grow(d);
	struct dict_slot *s = place(d, key, hash);
	if (is_new)
		*is_new = !s->key;
	if (!s->key) {
		CHECK(key.n <= UINT32_MAX);
		*s = (struct dict_slot){ arena_text(&d->arena, key.n ? key.p : "", key.n),
					 (uint32_t)key.n, (uint32_t)hash, 0 };
		d->count++;
	}
	return &s->value;
}

void dict_close(struct dict *d)
{
	mem_block_free(d->slot, d->room * sizeof *d->slot);
	d->slot = NULL;
	d->room = d->count = 0;
}

void dict_clear(struct dict *d)
{
	if (d->room)
		memset(d->slot, 0, d->room * sizeof *d->slot);
	d->count = 0;
	arena_reset(&d->arena);
}

void dict_release(struct dict *d)
{
	mem_block_free(d->slot, d->room * sizeof *d->slot);
	arena_release(&d->arena);
	*d = (struct dict){ 0 };
}
