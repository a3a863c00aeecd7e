/*
 * journal: every ledger transaction and every final invoice in one chain of hashes.
 *
 * Each link is SHA-256 over the link before it and the canonical text of what is entered; the
 * number and hash of the last one stand apart, so that what was changed, put in, taken out or cut
 * off at the end shows when the chain is verified. Belongs to the thread that writes.
 */
#ifndef TALLY_METER_LEDGER_JOURNAL_H
#define TALLY_METER_LEDGER_JOURNAL_H

#include "base/digest.h"
#include "meter/store/store.h"

enum { JOURNAL_HASH = DIGEST_BYTES };

struct journal {
	struct store *store;
	int64_t seq;
	uint8_t hash[JOURNAL_HASH];
	bool known, dirty;
};

/* Inside a transaction. kind: "txn", "invoice", "void". */
int journal_add(struct journal *j, const char *kind, int64_t ref, struct text content,
		struct err *e);
/* Before the commit: writes where the chain ends. */
int journal_finish(struct journal *j, struct err *e);
/* After a rollback: of everything, or to a savepoint within the transaction. */
void journal_forget(struct journal *j, bool all);

/* The canonical text of what an entry of the journal refers to; false when it is gone. */
typedef int journal_content(void *user, const char *kind, int64_t ref, struct buf *out, bool *there,
			    struct err *e);
/* *fault is empty when the chain holds; else it says where it does not. */
int journal_verify(struct store *s, journal_content *content, void *user, int64_t *links,
		   char fault[200], struct err *e);

#endif
