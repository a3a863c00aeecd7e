/*
 * exports: what the columns and keys of usage exports mean: one table for ingest, replay and
 * whoever reads rows of vendors, gateways and tools.
 *
 * An export is known by names that only it has, never by the name of its file. Its rows are calls,
 * or stand for all calls of a bucket of time; the same table reads the page of an interface (JSON)
 * and the file of a console (CSV) where both have the same names.
 */
#ifndef TALLY_METER_READ_EXPORTS_H
#define TALLY_METER_READ_EXPORTS_H

#include "base/json.h"
#include "meter/formats/counts.h"

enum export_grain { EXPORT_CALLS, EXPORT_BUCKETS };

enum export_role {
	ROLE_END_OF_LIST,
	ROLE_ID,
	ROLE_START, /* of a bucket; of a call its instant */
	ROLE_END,   /* of a bucket; of a call its completion */
	ROLE_MODEL,
	ROLE_PROVIDER,
	ROLE_CUSTOMER,
	ROLE_PROJECT,
	ROLE_SESSION,
	ROLE_TASK,
	ROLE_TIER,
	ROLE_BATCH, /* true: the tier is batch */
	ROLE_SPEED, /* another than standard is the tier */
	ROLE_GEO,
	ROLE_KEY,      /* tells buckets apart and is nothing else here */
	ROLE_SECRET,   /* the same, and may be a key: only its hash is kept */
	ROLE_REQUESTS, /* how many calls a row stands for */
	ROLE_TYPE,     /* the kind of token that ROLE_AMOUNT counts */
	ROLE_AMOUNT,
	ROLE_UNCHARGED, /* a value that says "Not Charged": no call that costs */
	ROLE_COUNT,	/* + enum raw_count, or RAW_COUNTS + enum unit */
};

/* name: a key or column, ">" before a key of an object in it. */
struct export_column {
	const char *name;
	uint8_t role;
};

enum { EXPORT_NEEDS = 6, EXPORT_COLUMNS = 24 };

struct export_format {
	const char *shape, *title;
	const char *provider; /* whose prices these are; NULL: the row says, or its model */
	enum export_grain grain;
	bool as_json;	  /* a CSV whose rows are documents that payload.h knows */
	const char *rows; /* the list in an item that holds its rows; NULL: the item is the row */
	const char *needs[EXPORT_NEEDS]; /* NULL-ended */
	struct export_column column[EXPORT_COLUMNS];
	enum containment cache;
	bool fixed; /* the containment holds whatever a total says */
};

/* Of an object: a row, an item with rows, or a page of either. */
const struct export_format *export_of_document(json_value *v);
/* The list of a page that holds its items, or NULL. */
json_value *export_page_items(json_value *v);
/* What a row says under that name, or the item around it (may be NULL). */
json_value *export_value(json_value *row, json_value *item, const char *name);
/* Splits the first line by the separator with which it is the header of an export. */
const struct export_format *export_of_header(struct text line, char *separator);
/* The same where the header is that of a trace of our own columns: one that counts tokens, and says
 * when or of which model. Traces by themselves are read by trace.h. */
const struct export_format *export_of_trace(struct text line, char *separator);

#endif
