/* trace_intake: a trace into the store, through the fast readers, at once or as it grows. */
#ifndef TALLY_METER_INGEST_TRACE_INTAKE_H
#define TALLY_METER_INGEST_TRACE_INTAKE_H

#include "meter/ingest/intake.h"
#include "meter/ingest/mapped.h"
#include "meter/read/call_times.h"
#include "meter/read/trace_reader.h"

struct trace_intake {
	struct trace *trace;
	/* private */
	struct intake *to;
	const char *path;
	struct trace_reader *reader; /* while it runs */
	struct buf header; /* of CSV, in the program's own names, for what is quarantined */
	struct call_times times;
	struct mapped mapped;
	struct ingest *looks; /* while it only looks for what earlier maps read: makes the ids */
};

/* path must live as long. Errors: as trace_open; ERR_USAGE where times count from the start and
 * there is no --at. */
int trace_intake_open(struct trace_intake *x, struct intake *to, const char *path, struct err *e);
/* Tells of rows that another --map stored while this one did, so that both count. Errors: the
 * store's. */
int trace_intake_end(struct trace_intake *x, struct err *e);
void trace_intake_close(struct trace_intake *x);
/* Takes the blocks that there are, from that line on. *torn: a quoted field spans lines and blocks
 * do not come in order, so that nothing after it was taken. Errors: of reading, and the store's. */
int trace_intake_run(struct trace_intake *x, int64_t line, bool *torn, struct err *e);

#endif
