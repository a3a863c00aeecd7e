/*
 * quarantine: records that were refused, and later records that contradict a stored one; kept until
 * somebody decides.
 */
#ifndef TALLY_METER_INGEST_QUARANTINE_H
#define TALLY_METER_INGEST_QUARANTINE_H

#include "meter/store/store.h"

enum { QUARANTINE_RAW_MAX = 1 << 20 };

struct held {
	int64_t id;
	struct instant at;
	struct text source;
	int64_t line;
	struct text raw, header; /* header: the column names of a CSV line */
	struct text reason, state;
	int64_t seen;
	struct text told; /* JSON: customer, project and the like, as they were given beside it */
	int64_t place;	  /* 0, or which of the equal ones of its source it is: each is held then */
};

/* Inside a transaction. The same refused bytes are held once, whatever they came from, and counted,
 * unless they have a place. */
int quarantine_hold(struct store *s, const struct held *h, struct instant now, struct err *e);
/* Calls take for each (all: retried and dropped ones too). */
int quarantine_each(struct store *s, bool all, int (*take)(void *user, const struct held *h),
		    void *user, struct err *e);
/* Errors: ERR_NOT_FOUND. The texts are in `texts`, which the caller releases. */
int quarantine_at(struct store *s, int64_t id, struct held *out, struct arena *texts,
		  struct err *e);
/* state: "held", "retried" or "dropped". */
int quarantine_set_state(struct store *s, int64_t id, const char *state, struct err *e);

struct conflicting {
	int64_t id;
	struct instant at;
	int64_t first; /* row of the record that counts */
	struct text record, differs, source;
	int64_t line, seen;
	int64_t place; /* as of struct held */
};
int conflict_hold(struct store *s, const struct conflicting *c, struct instant now, struct err *e);
int conflict_each(struct store *s, int (*take)(void *user, const struct conflicting *c), void *user,
		  struct err *e);
int conflict_count(struct store *s, int64_t *out, struct err *e);

/* Deletes what is kept of a source that is read again. Errors: the store's. */
int quarantine_forget(struct store *s, struct text source, struct err *e);

/* 16 bytes that stand for a content, the same in every process. */
void content_hash(uint8_t out[16], const struct text *part, size_t parts);

#endif
