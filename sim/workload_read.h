/* workload_read: the calls of traces, logs, payload files and packs as a workload. */
#ifndef TALLY_SIM_WORKLOAD_READ_H
#define TALLY_SIM_WORKLOAD_READ_H

#include "meter/read/shape.h"
#include "sim/workload.h"

struct workload_options {
	const char *const *path;
	size_t path_count;
	const char *format; /* NULL: by content */
	const struct field_map *map;
	size_t map_count;
	const char *model, *provider; /* of records that name none */
	bool has_at, from_zero;	      /* from_zero: times that count from the start begin at 0 */
	struct instant at;
	struct instant since, until;
	const char *customer, *project; /* only theirs; NULL: of all */
	int64_t block_tokens;		/* 0: the trace's own; blocks only */
	bool sent;			/* by somebody, not a file of one's own */
	int threads;			/* that read traces; 0: one a processor */
	enum work_order order;
	/* Hears how many bytes of so many are read; may be NULL. */
	void (*progress)(void *user, int64_t done, int64_t of);
	void *progress_user;
	/* Hears of every record that is left out; may be NULL. */
	void (*refused)(void *user, const char *path, int64_t line, const char *why);
	void *refused_user;
};

/* Errors: as the readers, and ERR_USAGE where instants are missing. */
int workload_read(struct workload **out, const struct workload_options *o, struct err *e);

#endif
