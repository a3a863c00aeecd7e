/*
 * exports: what the columns and keys of exports and bills mean: one table for ingest, replay and
 * reconcile. A file in meter/read/exports/ is an entry of it, checked and made into C when the
 * program is built; nothing else names a vendor's column.
 *
 * An export is known by names that only it has, never by the name of its file; letters' case and
 * what stands between the words of a name do not matter. Its rows are calls, stand for all calls of
 * a bucket of time, or are lines of a bill. The same entry reads the page of an interface (JSON)
 * and the file of a console (CSV) where both have the same names.
 */
#ifndef TALLY_METER_READ_EXPORTS_H
#define TALLY_METER_READ_EXPORTS_H

#include "base/json.h"
#include "base/loose.h"
#include "meter/formats/counts.h"

enum export_kind { EXPORT_CALLS, EXPORT_BUCKETS, EXPORT_BILL };

/* Who asks: a bill may be a report of usage that states what it cost. */
/* EXPORT_AS_CALLS: by names that are nobody's in particular. */
enum export_use { EXPORT_AS_ANY, EXPORT_AS_USAGE, EXPORT_AS_BILL, EXPORT_AS_CALLS };

enum export_role {
	ROLE_END_OF_LIST,
	ROLE_ID,
	ROLE_START, /* of a bucket or a line of a bill; of a call its instant */
	ROLE_END,   /* of a bucket; of a call its completion */
	ROLE_MODEL, /* of a bill: what was charged, in the words of its spelling */
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
	ROLE_FLAG,	/* true of a call that costs something else: told by a document's reader */
	ROLE_SUCCESS,	/* true of a call that was answered, told in the same way */
	ROLE_FEE,	/* charged for what is no token, so that counts do not give the price */
	ROLE_COST,	/* several: the first that says something */
	ROLE_LIST,	/* the same at list prices */
	ROLE_CURRENCY,
	ROLE_CREDITS, /* what is taken off the cost of the row: a list of amounts */
	ROLE_PRICE,   /* of one of ROLE_AMOUNT */
	ROLE_KIND,    /* usage, tax, credit, ... */
	ROLE_ITEM,    /* tokens, or another thing that was charged */
	ROLE_WHAT,    /* that thing in words */
	ROLE_SERVICE, /* the product that a line is of */
	ROLE_PRODUCT, /* whose name may hold the family of models that ROLE_MODEL leaves out */
	ROLE_UNIT,
	ROLE_QUANTITY,	   /* in that unit */
	ROLE_TOKENS,	   /* which kind of token a line of a bill charges, in words */
	ROLE_BILLED_MONTH, /* an instant in it */
	ROLE_YEAR,	   /* of a line of a bill that states its time in numbers */
	ROLE_MONTH,
	ROLE_DAY,
	ROLE_COUNT, /* + enum raw_count, or RAW_COUNTS + enum unit */
};
enum { ROLE_UNITS = ROLE_COUNT + RAW_COUNTS, EXPORT_ROLES = ROLE_UNITS + UNIT_COUNT };

/* How the words of a vendor become a model (item_words.h). */
enum item_spelling {
	SPELLING_PLAIN,
	SPELLING_OPENAI,
	SPELLING_AWS,
	SPELLING_AZURE,
	SPELLING_GCP,
	SPELLING_BAILIAN,
	SPELLING_ANY /* whichever of these a price card knows */
};

/* name: a column, or a key; "." before a key of an object in it. */
struct export_column {
	const char *name;
	uint8_t role;
	bool optional; /* many files lack it, so its absence says nothing */
};

/* One of these names is there. */
struct export_need {
	const char *const *any; /* NULL-ended */
};

struct export_format {
	const char *shape, *title;
	const char *provider; /* whose prices these are; NULL: the row says, or its model */
	enum export_kind kind;
	bool as_json;  /* usage whose rows are documents that payload.h knows */
	bool as_trace; /* usage that trace.h reads */
	bool native;   /* what `export csv` writes */
	bool has_cost;
	bool general;	  /* nobody's in particular: what a vendor's shape knows goes first */
	bool charges;	  /* its costs are what the seller charged; else they are estimates */
	const char *key;  /* the column that the keys of rows are, where these are an object */
	const char *rows; /* the list in an item that holds its rows; NULL: the item is the row */
	const struct export_need *needs;    /* ended by none */
	const struct export_column *column; /* ended by no name */
	const char *const *harmless; /* known, and no more than is read already; NULL-ended */
	enum containment cache;
	bool thoughts_beside; /* the answer, whose count leaves them out */
	/* of a bill */
	enum item_spelling spelling;
	int places;		/* decimals that its money is finer than its number: 2 for cents */
	bool minor;		/* ... or as the smallest coin of the row's currency says */
	const char *currency;	/* of all its money; NULL: a column says */
	const char *zone;	/* of its days; NULL: UTC, or the offset that they state */
	enum loose_order order; /* of its dates */
	bool last_day;		/* the end of a row is the last of its days, not the one after */
	bool majority;		/* the sign that most rows have is a charge */
	const char *only;	/* a column that must say only_value in every row; NULL: none */
	const char *only_value;
	const char *net; /* the column of costs after discounts, which some files lack */
	bool parts;	 /* one bill comes in several files that may share a day */
};

/* The entry of that name (its shape); NULL: there is none. */
const struct export_format *export_named(struct text shape);
/* Of an object: a row, an item with rows, or a page of either. */
const struct export_format *export_of_document(json_value *v, enum export_use use);
/* The list of a page that holds its items, or NULL. */
json_value *export_page_items(json_value *v);
/* A page of buckets in which nothing was used. */
bool export_page_is_empty(json_value *v);
/* The list, or the object, in an item that holds its rows; NULL: the item is a row, or its rows are
 * none. */
json_value *export_rows_in(const struct export_format *f, json_value *item);
/* What a row says under that name, or the item around it (may be NULL). */
json_value *export_value(json_value *row, json_value *item, const char *name);
/* The entry of bills that are nobody's in particular, by what several languages call the columns.
 */
const struct export_format *export_of_own_bills(void);
/* Of a header; the one with the most needed names where several fit. */
const struct export_format *export_of_columns(const struct text *names, size_t count,
					      enum export_use use);
/* Whether a header's name is the registry's, or the column that holds it as an object. */
bool export_is_named(struct text column, const char *name);
/* Whether rows of f say when; those of some bills are of all days that were asked for. */
bool export_says_when(const struct export_format *f);
/* The registry's spelling of a column of f, or the name itself. */
struct text export_spelled(const struct export_format *f, struct text column);
/* Whether the name speaks of money or tokens, and f neither reads it nor knows it as harmless; of a
 * column that was not read. */
bool export_is_unread(const struct export_format *f, struct text column);
/* Whether f reads or knows the column, or a member of the object in it. */
bool export_is_listed(const struct export_format *f, struct text column);
/* Whether f reads it or knows it as harmless: of a key, its whole path. */
bool export_is_known(const struct export_format *f, struct text path);
/* Whether the path, as a document has it, is of a column that is not read there: in a list, or in
 * another spelling. */
bool export_is_elsewhere(const struct export_format *f, struct text path, json_value *row,
			 json_value *item);
/* Whether f reads or knows something in the object at that path. */
bool export_looks_into(const struct export_format *f, struct text path);
/* Splits the first line by the separator with which it is the header of an export of usage. */
const struct export_format *export_of_header(struct text line, char *separator);
/* The same of a table: words and "sep=;" may stand above the header. NULL: its first lines hold
 * none. header: set to it, of which line it is. */
enum { EXPORT_LINES_ABOVE = 20 };
const struct export_format *export_of_table(struct text all, char *separator, struct text *header,
					    int64_t *line);
/* The same where the header is that of a trace of our own columns: one that counts tokens, and says
 * when or of which model. Traces by themselves are read by trace.h. */
const struct export_format *export_of_trace(struct text line, char *separator);
/* Of a whole text: a document, lines of documents, or a table; of any use. */
const struct export_format *export_of_text(struct text all);
/* Of the file at path, plain or packed; NULL where its beginning is none of these, or cannot be
 * read. */
const struct export_format *export_of_file(const char *path);

/* What a word like "Included" says of a call: its plan pays, or nobody does. */
enum export_charge { CHARGED, INCLUDED, NOT_CHARGED };
enum export_charge export_charge_of(struct text words);

/* The files of meter/read/exports/, as tools/embed_exports makes C of them. */
extern const struct export_format export_formats[];
extern const size_t export_format_count;
enum { EXPORT_NAME_MAX = 120 }; /* bytes of a column's name, with its end */

#endif
