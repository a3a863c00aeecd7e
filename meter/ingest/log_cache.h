/*
 * log_cache: the logs of agents as a store that is kept beside them, so that a second look reads
 * only what came since.
 *
 * The store answers as if the logs were read whole and now: when a log is gone, or holds something
 * else than what was read of it, or another program made the cache, it is made again. It holds no
 * fact of its own and may be deleted at any time.
 */
#ifndef TALLY_METER_INGEST_LOG_CACHE_H
#define TALLY_METER_INGEST_LOG_CACHE_H

#include "meter/ingest/ingest_file.h"
#include "meter/read/doubts.h"

struct log_cache_options {
	struct ingest_files files;
	const char *key;   /* what else decides the answers: the user's own price cards, say */
	bool only_if_idle; /* where another process reads the logs just now, what it has so far is
			      enough */
};

struct log_cache {
	struct store *store;
	struct ingest_counts counts; /* of what was read for this look */
	size_t files;		     /* logs there are */
	int64_t unread;		     /* of them could not be read or understood */
	struct doubts doubts;	     /* of all of them, whenever they were read */
	/* private */
	int lock;
	char *path;
	bool temporary; /* there is no place to keep it */
};

/*
 * The logs that the paths hold (files, or folders as path_list_add reads them), all in the store.
 * Kept in $XDG_CACHE_HOME/tally or ~/.cache/tally; where that cannot be written, in a temporary
 * folder until it is closed. A path that is not there is an error only where all are.
 * Errors: ERR_NOT_FOUND, ERR_SYSTEM, those of reading and of the store.
 */
int log_cache_open(struct log_cache *c, const char *const *path, size_t count,
		   const struct log_cache_options *o, struct err *e);
/* The logs that could not be read or understood, with the reason. */
int log_cache_each_unread(const struct log_cache *c,
			  void (*take)(void *user, struct text path, struct text why), void *user,
			  struct err *e);
void log_cache_close(struct log_cache *c);

#endif
