/*
 * headers: which file is whose, by the names in it: one table for ingest and reconcile.
 *
 * A header is a set of columns (or keys of a document) that only this file has, what the file is,
 * and what its columns mean to a bill. Names of files are never looked at.
 */
#ifndef TALLY_METER_READ_HEADERS_H
#define TALLY_METER_READ_HEADERS_H

#include <stdbool.h>

#include "base/text.h"

enum file_kind { FILE_USAGE, FILE_BILL };

enum column_role {
	COLUMN_DAY,
	COLUMN_MODEL,
	COLUMN_ITEM, /* what was charged, in the vendor's words */
	COLUMN_KIND, /* usage, tax, credit, ... */
	COLUMN_COST,
	COLUMN_CURRENCY,
	COLUMN_PROJECT,
	COLUMN_TYPE, /* the kind of token of a row */
	COLUMN_AMOUNT,
	COLUMN_CREDITS, /* JSON: what is taken off the cost of the row */
	COLUMN_PRICE,
	COLUMN_INPUT,
	COLUMN_CACHE_READ,
	COLUMN_OUTPUT,
	COLUMN_ROLES
};

/* How the words of a vendor become a model. */
enum model_spelling {
	SPELLING_PLAIN,
	SPELLING_OPENAI_ITEM,
	SPELLING_AWS_USAGE,
	SPELLING_DISPLAY,
	SPELLING_GCP_SKU
};

struct header {
	const char *name, *title;
	const char *vendor; /* whose prices these are; NULL: anybody's */
	enum file_kind kind;
	bool json;
	enum model_spelling spelling;
	const char *needs[6]; /* NULL-ended */
	const char *column[COLUMN_ROLES];
};

/* The first header whose needed names are all there; NULL when none fits. */
const struct header *header_of_columns(const struct text *names, size_t count);
/* Of a JSON document, from the keys that occur in its beginning. */
const struct header *header_of_document(struct text beginning);
/* Of the file at path, plain or gzip; NULL where its beginning is none of these, or cannot be
 * read. */
const struct header *header_of_file(const char *path);
/* Any spelling of a currency column. */
bool column_is_currency(struct text name);
/* A display name ("Claude Sonnet 4.6", "Claude4.6Sonnet") as its model's name; others as they
 * are. Appends to b. */
void model_from_display(struct buf *b, struct text name);
/* "Gemini 2.5 Flash GA Text Input - Predictions" as gemini-2.5-flash. Appends to b. */
void model_from_sku(struct buf *b, struct text name);

#endif
