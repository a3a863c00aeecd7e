/*
 * csv: one record of comma-separated values at a time, strictly, over libcsv.
 *
 * RFC 4180 with these decisions: fields end at `separator`; blanks around a field that is not
 * quoted do not count; a quoted field may hold separators, doubled quotes and line ends. Refused: a
 * quote inside an unquoted field, text after a closing quote, a quote that never closes, a NUL
 * byte, a carriage return that does not end the line, bytes that are not UTF-8.
 */
#ifndef TALLY_BASE_CSV_H
#define TALLY_BASE_CSV_H

#include "base/err.h"
#include "base/text.h"

enum { CSV_FIELDS_MAX = 1024, CSV_RECORD_MAX = 1 << 20 };

struct csv_record {
	size_t count;
	struct text field[CSV_FIELDS_MAX];
	struct buf bytes; /* holds the unquoted fields */
};
void csv_record_release(struct csv_record *r);

/* What may stand between the fields of a table. */
#define CSV_SEPARATORS ",;\t|"
/* The one of them that the line has most of; a comma where it has none. */
char csv_separator_of(struct text line);

/* line: one record without its final newline (a final '\r' is dropped). */
int csv_split(struct csv_record *out, struct text line, char separator, struct err *e);

/*
 * Where the record that starts at p ends (the byte after its newline, or end). A record is its
 * line, unless quoted fields that open in it close in a later line and the record then has exactly
 * `columns` fields; so a stray quote costs one line, not the rest of the file. Returns NULL when
 * that cannot be told before `end` and more bytes may follow (at_end false).
 */
const char *csv_record_end(const char *p, const char *end, bool at_end, char separator,
			   size_t columns);

/* Appends a field, quoted when it must be. */
void csv_put_field(struct buf *b, struct text s);
/*
 * A text for people's spreadsheets: what they would take for a formula (it begins with = + - @, a
 * tab or a return) gets an apostrophe in front, and it is as buf_add_plain shows it. Figures are
 * csv_put_field's.
 */
void csv_put_text(struct buf *b, struct text s);
/* The text of a field that csv_put_text wrote: without that apostrophe. */
struct text csv_plain_text(struct text field);

#endif
