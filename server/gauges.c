#include "server/request.h"

#include <stdio.h>

#include "base/clock.h"

static void put_metric(struct buf *b, const char *name, const char *help, const char *kind,
		       const char *labels, int64_t value)
{
	if (help)
		buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
	buf_printf(b, "%s%s %lld\n", name, labels, (long long)value);
}

enum MHD_Result answer_gauges(struct request *r)
{
	const struct writer_stats *s = writer_stats(r->http->o.writer);
	struct buf b = { 0 };
	char labels[40];
	put_metric(&b, "tally_records_total", "Usage records taken, by result.", "counter",
		   "{result=\"accepted\"}", atomic_load(&s->accepted));
	put_metric(&b, "tally_records_total", NULL, NULL, "{result=\"duplicate\"}",
		   atomic_load(&s->duplicates));
	put_metric(&b, "tally_records_total", NULL, NULL, "{result=\"conflict\"}",
		   atomic_load(&s->conflicts));
	put_metric(&b, "tally_records_total", NULL, NULL, "{result=\"quarantined\"}",
		   atomic_load(&s->quarantined));
	put_metric(&b, "tally_unpriced_total", "Accepted records without a price.", "counter", "",
		   atomic_load(&s->unpriced));
	put_metric(&b, "tally_rows", "Rows in the database.", "gauge", "", atomic_load(&s->rows));
	put_metric(&b, "tally_commits_total", "Durable transactions.", "counter", "",
		   atomic_load(&s->commits));
	put_metric(&b, "tally_commit_microseconds_total", "Time they took.", "counter", "",
		   atomic_load(&s->commit_us));
	put_metric(&b, "tally_store_failures_total", "Transactions that failed.", "counter", "",
		   atomic_load(&s->failures));
	put_metric(&b, "tally_queue_jobs", "Requests waiting for a commit.", "gauge", "",
		   atomic_load(&s->jobs_waiting));
	put_metric(&b, "tally_queue_bytes", "Memory they use.", "gauge", "",
		   atomic_load(&s->bytes_waiting));
	put_metric(&b, "tally_queue_refused_total", "Requests refused because the queue was full.",
		   "counter", "", atomic_load(&s->refused_busy));
	const struct visitor_counts v = visitors_count(r->http->visitors);
	put_metric(&b, "tally_http_connections", "Connections.", "gauge", "", v.connections);
	put_metric(&b, "tally_http_requests", "Requests under way.", "gauge", "", v.requests);
	put_metric(&b, "tally_http_body_bytes", "Memory of bodies being received.", "gauge", "",
		   v.bytes);
	put_metric(&b, "tally_http_made_room_total", "Idle connections closed to make room.",
		   "counter", "", v.made_room);
	put_metric(&b, "tally_http_too_slow_total", "Connections closed for slowness.", "counter",
		   "", v.too_slow);
	for (int c = 1; c < 6; c++) {
		snprintf(labels, sizeof labels, "{class=\"%dxx\"}", c);
		put_metric(&b, "tally_http_responses_total",
			   c == 1 ? "Answers by class of status." : NULL, "counter", labels,
			   atomic_load(&r->http->status_class[c]));
	}
	put_metric(&b, "tally_uptime_seconds", "Since the server started.", "gauge", "",
		   (clock_monotonic_us() - r->http->began_us) / 1000000);
	enum MHD_Result rc =
		respond(r, 200, "text/plain; version=0.0.4", b.p, b.n, MHD_RESPMEM_MUST_COPY);
	buf_release(&b);
	return rc;
}
