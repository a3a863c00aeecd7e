/*
 * intake: the records of files on their way into the store, in transactions of bounded size.
 *
 * Where others write at once (a server), the records of a transaction are gathered first, so that
 * their ids are claimed together; else each is taken as it comes. What is refused is kept in
 * quarantine and told with its line.
 */
#ifndef TALLY_METER_INGEST_INTAKE_H
#define TALLY_METER_INGEST_INTAKE_H

#include "meter/formats/assemble.h"
#include "meter/ingest/gathered.h"
#include "meter/ingest/ingest_file.h"

struct intake {
	struct store *store;
	const struct ingest_files *o;
	struct ingest *in;
	const char *path; /* of the file at work, as it is told */
	bool anonymous;	  /* some record had no id of its own: places in the file tell them apart */
	int64_t bytes_done;		   /* of the file, for progress */
	int64_t bytes_before, bytes_total; /* of the files before it, and of all; 0: not known */
	struct err failure;		   /* the store's, where a reader's callback met it */
	/* private */
	int64_t item_line; /* of the record at work; -1: its refusal is told here */
	bool open;	   /* a transaction */
	bool beside;	   /* in which others append, too */
	bool gathers;	   /* where ids are claimed ahead: all of a transaction are taken at once */
	struct gathered gathered; /* for the next one */
	int64_t since_commit, began_us;
	struct instant now;
};

void intake_open(struct intake *x, struct store *s, const struct ingest_files *o, const char *path);
void intake_close(struct intake *x);
/* The next file; `anonymous` begins again. */
void intake_set_source(struct intake *x, const char *path);

/* One record; one that cannot be read. Commits when due. Errors:
 * the store's; the caller ends with them. */
int intake_take(struct intake *x, const struct metered *m, int64_t line, struct err *e);
int intake_refuse(struct intake *x, const struct refused_line *r, struct err *e);
/* The same from the callback of a reader: a failure is kept in x->failure, and nothing taken after
 * one. */
void intake_refuse_later(struct intake *x, const struct refused_line *r);
/* All calls that were assembled, which leaves none. Errors: x->failure's, too. */
int intake_take_calls(struct intake *x, struct assembly *calls, struct err *e);
/* Brings the memory of a coming id near. */
void intake_prefetch(struct intake *x, struct text id);

/* A transaction with all that was taken so far in it, for what belongs into the same one. */
int intake_hold(struct intake *x, struct err *e);
/* Commits what was taken, or after rc != 0 gives up what was not committed. Returns rc, or why it
 * could not. */
int intake_end(struct intake *x, int rc, struct err *e);
/* Ends before records of another source come, where they wait for each other. */
int intake_end_source(struct intake *x, struct err *e);
/* Gives up what was not committed: the file is read from its start once more. */
void intake_start_again(struct intake *x);

#endif
