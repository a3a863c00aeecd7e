/*
 * json: strict JSON over cJSON, and the escaping that JSON output needs.
 *
 * What cJSON lets through and this room refuses: trailing bytes, duplicate keys, numbers such as
 * 01, 1. or 1e999, raw control characters, unknown escapes, lone surrogates, invalid UTF-8, U+0000.
 * Numbers never become doubles: before cJSON sees the text every number is handed over as a marked
 * string, so that json_number() returns the digits as they were written.
 */
#ifndef TALLY_BASE_JSON_H
#define TALLY_BASE_JSON_H

#include "base/decimal.h"
#include "base/err.h"
#include "base/text.h"

struct cJSON;
typedef const struct cJSON json_value;

enum { JSON_DEPTH_MAX = 64, JSON_BYTES_MAX = 256 << 20 };

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_document;
/* Errors name line and column. The values live until json_close. */
int json_open(struct json_document **out, struct text s, struct err *e);
/* The same of a text of at most so many values; a document takes some 100 bytes for each. Errors:
 * as json_open. */
int json_open_within(struct json_document **out, struct text s, int64_t values_most, struct err *e);
/* Whether json_open would take it, but for keys that occur twice; takes no memory. */
int json_check(struct text s, struct err *e);
/* The next element of an array whose inside begins at p (behind '[' or the element before), of a
 * text that json_check has found good. Returns what follows, NULL at the end. */
const char *json_walk_element(const char *p, const char *end, struct text *value);
/* Reads the whole file; the message starts with its name. */
int json_open_file(struct json_document **out, const char *path, struct err *e);
void json_close(struct json_document *d);
/* NULL of a document that was not opened; every getter takes NULL. */
json_value *json_root(const struct json_document *d);

enum json_kind json_kind(json_value *v);
const char *json_kind_name(json_value *v);
/* The member of that exact name, or NULL. v may be NULL or of any kind. */
json_value *json_member(json_value *v, const char *key);
/* The member at a path: names, and places of lists from 0, with points between them; NULL: none. */
json_value *json_at(json_value *v, const char *path);
/* First child of an array or object and the next sibling; NULL at the end. */
json_value *json_first(json_value *v);
json_value *json_next(json_value *v);
const char *json_key(json_value *v);
/* "" unless v is a string / number. */
struct text json_string(json_value *v);
struct text json_number(json_value *v);
bool json_true(json_value *v);
/* What a user may have written as a number or as text. */
struct text json_number_or_string(json_value *v);
/* v is an object that has no other keys than these (ended by NULL). place: how a message calls it.
 * Errors: ERR_INVALID. */
int json_check_keys(json_value *v, const char *const *known, const char *place, struct err *e);
/* The same where a key also says what it holds: "days" a number or text, "has[]" a list of these,
 * "speed{}" an object, "scores[{}]" a list of objects. null is none of them. */
int json_check_members(json_value *v, const char *const *known, const char *place, struct err *e);

/*
 * Scanners shared with the fast record reader. Each returns the byte after the value, or NULL when
 * the text is not strictly valid (or ends first). json_scan_flat also takes arrays of scalars, not
 * objects.
 */
const char *json_scan_string(const char *p, const char *end);
const char *json_scan_number(const char *p, const char *end);
const char *json_scan_flat(const char *p, const char *end);
const char *json_skip_space(const char *p, const char *end);

/*
 * The next member of an object whose inside begins at p (behind '{' or the member before): *key and
 * *value point into the text, the value as written. Returns what follows the member, NULL
 * at the object's end (*value is then empty) or where the text is not an object (*value.p is then
 * NULL). Only balance and strings are looked at, which makes it fast; check what is taken with
 * json_open.
 */
const char *json_walk(const char *p, const char *end, struct text *key, struct text *value);
/* Appends v as compact JSON, numbers digit by digit as they were written. */
void json_put_value(struct buf *b, json_value *v);
/* Appends s as a JSON string with quotes; bytes that are not UTF-8 become U+FFFD. */
void json_put_string(struct buf *b, struct text s);

#endif
