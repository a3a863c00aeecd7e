/*
 * seen_texts: what rows came to that had the same texts in some of their fields.
 *
 * Traces repeat the same texts with other counts. Rows are looked up a batch at a time, so that
 * the memory of one is fetched while others are compared. A field that is not in the batch is an
 * empty text. Keys are hashed with random bits of the process.
 */
#ifndef TALLY_SIM_SEEN_TEXTS_H
#define TALLY_SIM_SEEN_TEXTS_H

#include "meter/read/record.h"

enum { SEEN_FIELDS_MOST = 8 };

struct seen_texts {
	const uint8_t *field; /* enum record_field */
	int fields;	      /* at most SEEN_FIELDS_MOST */
	/* private */
	uint64_t seed[2];
	uint64_t *slot; /* high half: the hash; low half: where the entry lies; 0: free */
	size_t room, count;
	char **segment;
	uint32_t segments, next;
	/* of the batch at hand */
	char *key;
	size_t key_room;
	uint32_t at[BATCH_ROWS + 1];
	uint32_t hash[BATCH_ROWS];
	uint64_t *value[BATCH_ROWS]; /* NULL: not seen before the batch */
	bool worth;
};

void seen_texts_open(struct seen_texts *s, const uint8_t *field, int fields);
void seen_texts_release(struct seen_texts *s);

/* The next batch. calls: that there are so far; texts that hardly ever repeat are not looked up. */
void seen_texts_look_up(struct seen_texts *s, const struct record_batch *rows, size_t calls);
/* What a row of it came to, 0 where that is not known yet; NULL: it is not looked up. Stays where
 * it is. */
uint64_t *seen_texts_make(struct seen_texts *s, size_t row);
static inline uint64_t *seen_texts_of(struct seen_texts *s, size_t row)
{
	return s->value[row] ? s->value[row] : seen_texts_make(s, row);
}

#endif
