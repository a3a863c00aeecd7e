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
/*
 * Ids that a customer's token sends live in a space of that customer's own, so that no customer can
 * take the id of another one's record. The full name, under which such a record is stored and which
 * operators see and use, is "@CUSTOMER/ID"; '%' and '/' of the customer are %25 and %2F in it.
 * Appends it.
 */
void record_id_put_own(struct buf *b, struct text customer, struct text id);
/* The id as its customer sent it; any other is returned as it is. */
struct text record_id_as_sent(struct text customer, struct text full);
/* Errors: ERR_SYSTEM. */
int record_id_key(struct text id, struct record_key *out, struct err *e);

#endif
