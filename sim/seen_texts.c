#include "sim/seen_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/dict.h"
#include "base/scan.h"

/* An entry is its value and its key: the lengths of its texts, a byte each, and the texts, with
 * zeros up to a multiple of 8 bytes. Where it lies is told in such multiples. */
enum { WORD = 8, SEGMENT_WORDS = 1 << 17, TEXT_MOST = 255, NOT_WORTH = 1 << 16 };

static inline char *entry_at(const struct seen_texts *s, uint32_t place)
{
	return s->segment[place / SEGMENT_WORDS] + (size_t)(place % SEGMENT_WORDS) * WORD;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	const uint128 m = (uint128)a * b;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint32_t hash_of(const struct seen_texts *s, const char *key, size_t n)
{
	uint64_t h = s->seed[0] ^ n;
	size_t i = 0;
	for (; i + 2 * WORD <= n; i += 2 * WORD)
		h = mix(load64(key + i) ^ s->seed[1] ^ h,
			load64(key + i + WORD) ^ h ^ 0x9E3779B97F4A7C15u);
	if (i < n)
		h = mix(load64(key + i) ^ s->seed[1] ^ h, h ^ 0xD6E8FEB86659FD93u);
	return (uint32_t)mix(h ^ s->seed[0], 0xA0761D6478BD642Fu ^ s->seed[1]);
}

/* A shorter key differs in its first word. */
static inline bool has_key(const char *entry, const char *key, size_t n)
{
	size_t i = 0;
	while (i < n && load64(entry + WORD + i) == load64(key + i))
		i += WORD;
	return i >= n;
}

static inline size_t key_length(const struct seen_texts *s, size_t row)
{
	return s->at[row + 1] - s->at[row];
}

void seen_texts_open(struct seen_texts *s, const uint8_t *field, int fields)
{
	CHECK(fields <= SEEN_FIELDS_MOST);
	*s = (struct seen_texts){ .field = field, .fields = fields, .next = 1 };
	s->seed[0] = dict_hash(TEXT("seen texts"));
	s->seed[1] = dict_hash(TEXT("of rows"));
	s->room = 1 << 10;
	s->slot = mem_zalloc(s->room * sizeof *s->slot);
}

void seen_texts_release(struct seen_texts *s)
{
	for (uint32_t i = 0; i < s->segments; i++)
		mem_pages_free(s->segment[i], (size_t)SEGMENT_WORDS * WORD);
	free(s->segment);
	free(s->slot);
	free(s->key);
	*s = (struct seen_texts){ 0 };
}

/* --- keys of a batch --- */

/* Texts as they lie in a batch, and where their lengths go. */
struct key_column {
	const struct text *text;
	int shift;
};

/* Most texts are short: words that overlap, instead of a call. */
static inline void copy_text(char *to, const struct text *t)
{
	uint64_t w[4];
	if (t->n - 8 <= 8) {
		memcpy(&w[0], t->p, 8);
		memcpy(&w[1], t->p + t->n - 8, 8);
		memcpy(to, &w[0], 8);
		memcpy(to + t->n - 8, &w[1], 8);
	} else if (t->n - 16 <= 16) {
		memcpy(&w[0], t->p, 16);
		memcpy(&w[2], t->p + t->n - 16, 16);
		memcpy(to, &w[0], 16);
		memcpy(to + t->n - 16, &w[2], 16);
	} else if (t->n < 8) {
		for (size_t i = 0; i < t->n; i++)
			to[i] = t->p[i];
	} else {
		memcpy(to, t->p, t->n);
	}
}

/* Room for the keys of the batch; false where a text is too long for one. */
static bool make_room(struct seen_texts *s, const struct key_column *c, int columns, size_t rows)
{
	size_t bytes = rows * 2 * WORD + TEXT_ROOM, longest = 0;
	for (int k = 0; k < columns; k++)
		for (size_t i = 0; i < rows; i++) {
			bytes += c[k].text[i].n;
			longest = c[k].text[i].n > longest ? c[k].text[i].n : longest;
		}
	if (bytes > s->key_room) {
		free(s->key);
		s->key_room = bytes * 2;
		s->key = mem_alloc(s->key_room);
	}
	return longest <= TEXT_MOST;
}

static inline char *put_key(char *k, const struct key_column *c, int columns, size_t row,
			    bool roomy)
{
	char *head = k;
	uint64_t lengths = 0;
	k += WORD;
	for (int i = 0; i < columns; i++) {
		const struct text *t = &c[i].text[row];
		lengths |= (uint64_t)t->n << c[i].shift;
		if (roomy && t->n - 1 < TEXT_ROOM)
			memcpy(k, t->p, TEXT_ROOM);
		else
			copy_text(k, t);
		k += t->n;
	}
	memcpy(head, &lengths, WORD);
	memset(k, 0, WORD);
	return k + ((size_t)(head - k) & (WORD - 1));
}

/* The place of the first slot from `at` on that has the hash, or is free. */
static inline size_t slot_from(const struct seen_texts *s, uint32_t hash, size_t at)
{
	for (at &= s->room - 1; s->slot[at] && s->slot[at] >> 32 != hash;)
		at = (at + 1) & (s->room - 1);
	return at;
}

static void find_slots(struct seen_texts *s, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		s->hash[i] = hash_of(s, s->key + s->at[i], key_length(s, i));
		__builtin_prefetch(&s->slot[s->hash[i] & (s->room - 1)]);
	}
}

static void find_entries(struct seen_texts *s, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		const uint64_t slot = s->slot[slot_from(s, s->hash[i], s->hash[i])];
		s->value[i] = slot ? (uint64_t *)(void *)entry_at(s, (uint32_t)slot) : NULL;
		__builtin_prefetch(s->value[i]);
	}
}

/* The entry of a row's key, NULL where there is none; *at: its slot, or the free one for it. */
static uint64_t *find(const struct seen_texts *s, size_t row, size_t *at)
{
	for (*at = s->hash[row];; ++*at) {
		*at = slot_from(s, s->hash[row], *at);
		if (!s->slot[*at])
			return NULL;
		char *entry = entry_at(s, (uint32_t)s->slot[*at]);
		if (has_key(entry, s->key + s->at[row], key_length(s, row)))
			return (uint64_t *)(void *)entry;
	}
}

void seen_texts_look_up(struct seen_texts *s, const struct record_batch *rows, size_t calls)
{
	struct key_column column[SEEN_FIELDS_MOST];
	int columns = 0;
	for (int k = 0; k < s->fields; k++)
		if (rows->columns >> s->field[k] & 1)
			column[columns++] = (struct key_column){ rows->text[s->field[k]], 8 * k };
	memset(s->value, 0, rows->n * sizeof *s->value);
	s->worth = (s->count < NOT_WORTH || s->count < calls / 2) &&
		   make_room(s, column, columns, rows->n);
	if (!s->worth)
		return;
	char *k = s->key;
	s->at[0] = 0;
	for (size_t i = 0; i < rows->n; i++) {
		k = put_key(k, column, columns, i, rows->roomy);
		s->at[i + 1] = (uint32_t)(k - s->key);
	}
	find_slots(s, rows->n);
	find_entries(s, rows->n);
	for (size_t i = 0; i < rows->n; i++) {
		size_t at;
		if (s->value[i] &&
		    !has_key((const char *)s->value[i], s->key + s->at[i], key_length(s, i)))
			s->value[i] = find(s, i, &at);
	}
}

/* --- new ones --- */

static void grow(struct seen_texts *s)
{
	uint64_t *old = s->slot;
	const size_t room = s->room;
	CHECK(room < (size_t)1 << 31);
	s->room *= 2;
	s->slot = mem_zalloc(s->room * sizeof *s->slot);
	for (size_t i = 0; i < room; i++) {
		size_t at = old[i] >> 32 & (s->room - 1);
		while (old[i] && s->slot[at])
			at = (at + 1) & (s->room - 1);
		if (old[i])
			s->slot[at] = old[i];
	}
	free(old);
}

/* Place for an entry of so many words, in one segment. */
static uint32_t new_entry(struct seen_texts *s, size_t words)
{
	if (s->next / SEGMENT_WORDS == s->segments ||
	    s->next % SEGMENT_WORDS + words > SEGMENT_WORDS) {
		s->segment = mem_grow(s->segment, (s->segments + (size_t)1) * sizeof *s->segment);
		s->segment[s->segments] = mem_pages((size_t)SEGMENT_WORDS * WORD);
		if (s->segments)
			s->next = s->segments * SEGMENT_WORDS;
		s->segments++;
		CHECK(s->segments < UINT32_MAX / SEGMENT_WORDS);
	}
	const uint32_t place = s->next;
	s->next += (uint32_t)words;
	return place;
}

uint64_t *seen_texts_make(struct seen_texts *s, size_t row)
{
	size_t at;
	if (!s->worth)
		return NULL;
	s->value[row] = find(s, row, &at);
	if (s->value[row])
		return s->value[row];
	if (s->count * 4 >= s->room * 3) {
		grow(s);
		find(s, row, &at);
	}
	const size_t n = key_length(s, row);
	const uint32_t place = new_entry(s, 1 + n / WORD);
	char *entry = entry_at(s, place);
	memcpy(entry + WORD, s->key + s->at[row], n);
	s->slot[at] = (uint64_t)s->hash[row] << 32 | place;
	s->count++;
	return s->value[row] = (uint64_t *)(void *)entry;
}
