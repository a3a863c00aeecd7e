/* digest: SHA-256 (GnuTLS, loaded when it is first asked for). */
#ifndef TALLY_BASE_DIGEST_H
#define TALLY_BASE_DIGEST_H

#include "base/err.h"
#include "base/text.h"

enum { DIGEST_BYTES = 32 };

/* Errors: ERR_SYSTEM. */
int digest_sha256(uint8_t out[DIGEST_BYTES], struct text t, struct err *e);

/* The same of what comes in pieces. Errors: ERR_SYSTEM; ended by digest_end in any case, where out
 * may be NULL. */
struct digest_run {
	void *state;
};
int digest_begin(struct digest_run *r, struct err *e);
int digest_add(struct digest_run *r, struct text t, struct err *e);
void digest_end(struct digest_run *r, uint8_t out[DIGEST_BYTES]);
enum { DIGEST_TEXT_MAX = 2 * DIGEST_BYTES + 1 };
char *digest_text(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_TEXT_MAX]);

#endif
