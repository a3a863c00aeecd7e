/*
 * logo: the picture on papers, as terms hold it: "data:image/png;base64,...".
 *
 * It is part of every document, so it is small; a file that is damaged is refused with the terms,
 * not when the paper is printed.
 */
#ifndef TALLY_METER_BILLING_LOGO_H
#define TALLY_METER_BILLING_LOGO_H

#include "base/err.h"
#include "base/text.h"

enum { LOGO_BYTES_MOST = 64 << 10, LOGO_SIDE_MOST = 2000 };

/* Appends the PNG file to out. Errors: ERR_INVALID. */
int logo_read(struct buf *out, struct text data, struct err *e);

#endif
