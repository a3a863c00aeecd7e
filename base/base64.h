/* base64: bytes of RFC 4648's alphabet with padding, as data: addresses hold them. */
#ifndef TALLY_BASE_BASE64_H
#define TALLY_BASE_BASE64_H

#include <stdbool.h>

#include "base/text.h"

/* Appends the bytes to out; false, with nothing appended, where the text is no base64. */
bool base64_decode(struct buf *out, struct text t);

#endif
