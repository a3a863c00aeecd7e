/*
 * json_out: writing one JSON document, readable for people and compact for programs.
 *
 * Objects and arrays down to the second level get a line for each member, deeper ones stay on their
 * line.
 */
#ifndef TALLY_REPORTS_JSON_OUT_H
#define TALLY_REPORTS_JSON_OUT_H

#include <stdio.h>

#include "base/instant.h"
#include "base/money.h"
#include "reports/plain.h"

struct json_out {
	struct buf b;
	FILE *file;
	int depth;
	bool first; /* nothing stands yet in the innermost container */
};

/* file NULL: the document is kept for json_out_take. */
void json_out_open(struct json_out *j, FILE *file);
/* Ends the document with a newline and writes it. */
void json_out_close(struct json_out *j);
/* The same when good; else what was not written yet is dropped. */
void json_out_close_if(struct json_out *j, bool good);
/* Ends the document and hands it over. */
void json_out_take(struct json_out *j, struct buf *out);

/* key is NULL inside arrays and for the outermost value. */
void json_out_object(struct json_out *j, const char *key);
void json_out_array(struct json_out *j, const char *key);
void json_out_end(struct json_out *j, char bracket);
void json_out_text(struct json_out *j, const char *key, struct text value);
/* NULL becomes null. */
void json_out_string(struct json_out *j, const char *key, const char *value);
void json_out_int(struct json_out *j, const char *key, int64_t value);
void json_out_bool(struct json_out *j, const char *key, bool value);
void json_out_null(struct json_out *j, const char *key);
void json_out_money(struct json_out *j, const char *key, struct money_total value);
void json_out_credits(struct json_out *j, const char *key, struct credits_total value);
void json_out_decimal(struct json_out *j, const char *key, struct decimal value);
/* Without quotes: of measures, never of money. */
void json_out_number(struct json_out *j, const char *key, struct decimal value);
/* null for an open end */
void json_out_instant(struct json_out *j, const char *key, struct instant value);

#endif
