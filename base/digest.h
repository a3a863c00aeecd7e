/* digest: SHA-256 (GnuTLS, loaded when it is first asked for). */
#ifndef TALLY_BASE_DIGEST_H
#define TALLY_BASE_DIGEST_H

#include "base/err.h"
#include "base/text.h"

enum { DIGEST_BYTES = 32 };

/* Errors: ERR_SYSTEM. */
int digest_sha256(uint8_t out[DIGEST_BYTES], struct text t, struct err *e);

#endif
