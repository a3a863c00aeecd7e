/*
 * retention: whole months of usage out of the database into files (retained.h), and back.
 *
 * A month's sums by quarter of an hour, its ids and the totals of its rows stay in the database
 * (docs/decisions/0013). The rows go in the transaction that notes the file, which was on the disk
 * and read back before: whatever ends the program in between, each row is in one of the two.
 */
#ifndef TALLY_METER_RETENTION_H
#define TALLY_METER_RETENTION_H

#include "meter/retained.h"

/* One month, as it went. why: it stays, because of that. */
struct retention_step {
	struct retained file;
	bool known; /* it was archived before */
	char why[200];
};

struct retention_wish {
	struct instant before; /* months that end by then */
	const char *folder;
	struct instant now;
	void (*told)(void *user, const struct retention_step *step); /* of each month */
	void *user;
};
/* Errors: of the database and of files. Months before the one that failed are archived. */
int retention_archive(struct store *s, const struct retention_wish *w, struct err *e);

/* The rows of that month are in the database again, with their numbers. Errors: ERR_NOT_FOUND where
 * it is not archived, or its file is not in the folder; ERR_INVALID, ERR_MISMATCH. */
int retention_restore(struct store *s, int64_t month, const char *folder, struct instant now,
		      struct retained *out, struct err *e);

/* The rows of all archived months are among those that this connection sees from now on, which may
 * not write rows. Errors likewise. */
int retention_attach(struct store *s, const char *folder, struct err *e);

/* Facts that must hold of notes, ids and sums: take hears of each that does not. */
int retention_check(struct store *s, void (*take)(void *user, struct text fault), void *user,
		    struct err *e);

#endif
