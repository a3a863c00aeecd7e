/*
 * unpack: the files inside a ZIP, or the text inside gzip; plain bytes are handed over as they are,
 * but text in UTF-16, which its first two bytes tell, in UTF-8.
 *
 * Told by the first bytes, never by a name; but papers in an archive (PDF, a manifest) and what
 * systems leave there (__MACOSX) are no data. What unpacks to more than the limit is refused.
 */
#ifndef TALLY_BASE_UNPACK_H
#define TALLY_BASE_UNPACK_H

#include "base/err.h"
#include "base/text.h"

/* name: of the entry in an archive, else ""; content is valid during the call only. */
typedef int unpack_take(void *user, struct text name, struct text content, struct err *e);
/* Errors: ERR_INVALID for damaged or encrypted archives, ERR_RANGE beyond bytes_max in all, and
 * those of take. */
int unpack(struct text all, size_t bytes_max, unpack_take *take, void *user, struct err *e);

/* Text that Windows wrote for western Europe (code page 1252), in UTF-8. */
void unpack_1252(struct buf *out, struct text s);
/* Whether it begins with the byte order mark of UTF-16. */
bool text_is_utf16(struct text s);
/* Whether it is text whose lines end in carriage returns alone, as some spreadsheets still write
 * them. */
bool text_ends_lines_with_cr(struct text s);

#endif
