/*
 * record_id: ids of records as they are stored.
 *
 * Most are UUIDs, which take 16 bytes instead of 36. On a server every id has a key of 16 bytes (a
 * UUID's own) or 20 (of the SHA-256 of any other): short, of any id's length, and no two ids that
 * someone could find have the same.
 */
#ifndef TALLY_METER_STORE_RECORD_ID_H
#define TALLY_METER_STORE_RECORD_ID_H

#include "base/err.h"
#include "base/text.h"

enum { RECORD_UUID_BYTES = 16, RECORD_KEY_MAX = 20 };

struct record_key {
	uint8_t byte[RECORD_KEY_MAX];
	uint8_t n;
};

/* Whether it is a UUID in its canonical form, in lower case; if so, its bytes. */
bool record_id_uuid(struct text id, uint8_t out[RECORD_UUID_BYTES]);
/* Appends the canonical form. */
void record_id_put_uuid(struct buf *b, const uint8_t uuid[RECORD_UUID_BYTES]);
/* Errors: ERR_SYSTEM. */
int record_id_key(struct text id, struct record_key *out, struct err *e);

#endif
