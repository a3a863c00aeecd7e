/*
 * record: one usage record as a reader found it: names, instants and counts, not yet priced.
 *
 * The fields and their names are the native trace format; every other shape is a mapping of its
 * columns onto them.
 */
#ifndef TALLY_METER_READ_RECORD_H
#define TALLY_METER_READ_RECORD_H

#include "base/instant.h"
#include "base/money.h"
#include "pricing/usage.h"

/* Text fields. `chat` and `parent` exist only to find the root of a conversation. */
#define RECORD_TEXTS(X) \
	X(FIELD_ID, "id") \
	X(FIELD_PROVIDER, "provider") \
	X(FIELD_MODEL, "model") \
	X(FIELD_CUSTOMER, "customer") \
	X(FIELD_PROJECT, "project") \
	X(FIELD_WORKLOAD, "workload") \
	X(FIELD_TASK, "task") \
	X(FIELD_SESSION, "session") \
	X(FIELD_SERVICE_TIER, "service_tier") \
	X(FIELD_REGION, "region") \
	X(FIELD_EFFORT, "effort") \
	X(FIELD_CHAT, "chat") \
	X(FIELD_PARENT, "parent")

enum record_field {
#define X(id, name) id,
	RECORD_TEXTS(X)
#undef X
		FIELD_TEXTS,
	FIELD_TIME = FIELD_TEXTS,
	FIELD_COMPLETED,
	FIELD_COUNTS, /* the buckets, their parts and the units in their order */
	FIELD_PARTS = FIELD_COUNTS + BUCKET_COUNT,
	FIELD_UNITS = FIELD_COUNTS + COUNT_TOKENS,
	FIELD_REQUESTS = FIELD_COUNTS + COUNT_KINDS,
	FIELD_PROMPT, /* whole prompt, cache included; input is what the cache parts leave of it */
	FIELD_TOTAL,  /* must equal the sum of the parts */
	FIELD_END,
	FIELD_NONE = FIELD_END, /* a column that is not used */
	FIELD_UNKNOWN,		/* a column of no known meaning that may be billed (columns.h) */
	FIELD_OBSCURE,	  /* one whose name says nothing: it may count where it holds numbers */
	FIELD_LABEL,	  /* a label, which says nothing unless it is a word for a price */
	FIELD_TIME_AGAIN, /* another that people mean the time by, which must say the same */
	/* what requests say of their prompts: handed on as it is written, for a cache to read */
	FIELD_ASIDE = 64,
	FIELD_BLOCKS = FIELD_ASIDE,
	FIELD_BREAKPOINTS,
	FIELD_CONTENTS,
	FIELD_DELAY, /* after the request before it of its session */
	FIELD_ASIDE_END
};
enum { ASIDES = FIELD_ASIDE_END - FIELD_ASIDE };

enum { RECORD_TEXT_MAX = 1000 };
#define TIME_ABSENT INT64_MIN

struct record {
	const char *at; /* its first byte in the block that the reader was given */
	struct text text[FIELD_TEXTS];
	int64_t time_us, completed_us; /* TIME_ABSENT when the record has none */
	USAGE_COUNTS;
	int64_t requests, prompt, total;
	uint64_t present; /* bit f: field f was given */
	/* nobody says how long its cache writes stay: they stand under the five minutes that are
	 * the least */
	bool unsplit;
	/* nor which of its answer was sound, pictures or films: it stands as text, which is the
	 * least */
	bool undivided;
};

const char *record_field_name(enum record_field f);
/* FIELD_NONE when there is none; "cache_write" is cache_write_5m, and every unit is known as
 * unit_NAME too. */
enum record_field record_field_by_name(struct text name);
#define FIELDS_OF_PARTS (((uint64_t)1 << FIELD_UNITS) - ((uint64_t)1 << FIELD_PARTS))
/* The field of a unit by the name of its fee; FIELD_NONE when there is none such. */
enum record_field record_field_of_unit(struct text name);
_Static_assert(FIELD_TIME_AGAIN < FIELD_ASIDE, "the fields of a record are bits of 64");

void record_clear(struct record *r);

/* How a shape writes instants. */
enum time_kind { TIME_INSTANT, TIME_SECONDS, TIME_MILLISECONDS };
/* How the container wrote the value. */
enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_NULL, VALUE_OTHER };

/*
 * Sets one field from the text of a value (CSV text, JSON string or JSON number). The text must
 * live as long as the record. Errors name the field: ERR_INVALID, ERR_RANGE.
 */
int record_set(struct record *r, enum record_field f, struct text value, enum value_kind kind,
	       enum time_kind time, struct err *e);

/*
 * After the last field: takes `prompt` apart, checks parts against wholes and totals. Errors:
 * ERR_INVALID, ERR_RANGE.
 */
int record_finish(struct record *r, struct err *e);

/* What a source says, in dollars, that a call cost: what a seller charged, or the estimate of an
 * agent, a gateway or a tracer, which is never a price. */
struct stated_cost {
	bool given, estimate;
	struct money amount;
};

/*
 * Many records, a column each, as the fast readers produce them. A column that is not in `columns`
 * has its default in every row: no text, TIME_ABSENT, 0 tokens, 1 request. `prompt` and `total`
 * have been taken apart and checked already.
 */
enum {
	TEXT_ROOM = 16,
	BATCH_ROWS = 256,
	/* columns are padded so that the same row of different columns does not fall into one set
	   of the cache */
	BATCH_ROOM = BATCH_ROWS + 8
};

/* Something else that is counted, by the name of its fee. */
struct batch_unit {
	const char *name;
	int64_t count;
};

struct record_batch {
	size_t n;
	bool roomy; /* TEXT_ROOM bytes from the start of any text that is not empty can be read */
	uint64_t columns; /* bit f: column f is filled */
	const char *at[BATCH_ROOM];
	struct text text[FIELD_TEXTS][BATCH_ROOM];
	int64_t time_us[BATCH_ROOM], completed_us[BATCH_ROOM];
	union {
		int64_t counts[COUNT_KINDS][BATCH_ROOM];
		struct {
			int64_t tokens[BUCKET_COUNT][BATCH_ROOM], parts[PART_COUNT][BATCH_ROOM],
				units[UNIT_COUNT][BATCH_ROOM];
		};
	};
	int64_t requests[BATCH_ROOM];
	bool has_asides; /* aside is filled: JSON as it is written, empty where it is not given */
	struct text aside[ASIDES][BATCH_ROOM];
	bool has_units; /* unit is filled; of replays that store prompts, no column of a trace */
	struct batch_unit unit[BATCH_ROOM];
	/* of a batch of one: why it has no price whatever the cards say, what its source says that
	 * it cost, and of that what prices it where no card does (NULL: nothing) */
	const char *unread;
	const struct stated_cost *stated;
	const struct money *charge;
	bool aggregate; /* it stands for several calls, whatever its number of requests */
};

/* A text of row i, empty where its column is not filled. */
static inline struct text record_text(const struct record_batch *b, enum record_field f, size_t i)
{
	return b->columns >> f & 1 ? b->text[f][i] : (struct text){ 0 };
}
/* Row i as a record; its texts point where the batch's do. */
void record_from_batch(struct record *out, const struct record_batch *b, size_t i);
/* Makes a batch of the one record. */
void record_batch_single(struct record_batch *out, const struct record *r);
/* Keeps the rows whose flag is 0. */
void record_batch_drop(struct record_batch *b, const uint8_t drop[BATCH_ROWS]);

/* What is no record, and why; header: the names of its columns, where there are such. */
struct refused_line {
	int64_t line;
	struct text raw, header;
	const char *why;
};

#endif
