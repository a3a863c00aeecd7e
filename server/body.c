#include "server/body.h"

#include <zlib.h>

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "meter/ingest/quarantine.h"

bool body_inflate(struct buf *body, struct err *e)
{
	struct buf out = { 0 };
	z_stream z = { 0 };
	int rc = Z_OK;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return err_set(e, ERR_SYSTEM, "zlib could not start") == 0;
	z.next_in = (Bytef *)body->p;
	z.avail_in = (uInt)body->n;
	while (rc == Z_OK && out.n <= BODY_INFLATED_MAX) {
		buf_need(&out, 1 << 16);
		z.next_out = (Bytef *)out.p + out.n;
		z.avail_out = 1 << 16;
		rc = inflate(&z, Z_NO_FLUSH);
		out.n += (size_t)(1 << 16) - z.avail_out;
		if (rc == Z_STREAM_END && z.avail_in)
			rc = inflateReset(&z); /* of several members each is read */
		if (rc == Z_BUF_ERROR && z.avail_in == 0)
			break;
	}
	inflateEnd(&z);
	if (rc != Z_STREAM_END) {
		err_set(e, out.n > BODY_INFLATED_MAX ? ERR_TOO_LARGE : ERR_INVALID,
			out.n > BODY_INFLATED_MAX ? "the body unpacks to more than 64 MiB"
						  : "the gzip body is damaged or ends too early");
		buf_release(&out);
		return false;
	}
	buf_need(&out, 0);
	out.p[out.n] = 0;
	buf_release(body);
	*body = out;
	return true;
}

static void read_document(struct payload_reader *r, struct payload_sink *sink, struct text t)
{
	struct json_document *d;
	struct err e;
	if (json_open_within(&d, t, PAYLOAD_VALUES_MOST, &e) != 0) {
		sink->refuse(sink->user, 0, t, &e);
		return;
	}
	payload_value(r, json_root(d), 0);
	json_close(d);
}

/* Of a body of which so much was refused already the rest is counted, not read: it would take
 * longer than all that such a body is worth, while others wait. */
static bool counts_only(struct job *j)
{
	enum { NOT_KEPT_BYTES_MOST = 8 << 20 };
	if (j->not_kept < BODY_RECORDS_MAX && j->not_kept_bytes < NOT_KEPT_BYTES_MOST)
		return false;
	j->not_kept++;
	return true;
}

static void read_lines(struct payload_reader *r, struct job *j, struct text body)
{
	int64_t number = 0;
	for (const char *p = body.p, *end = body.p + body.n; p < end && !j->too_many;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		number++;
		if (stop > p && !counts_only(j))
			payload_line(r, (struct text){ p, (size_t)(stop - p) }, number);
		p = stop + 1;
	}
}

/* The batch of a client of Langfuse's. Errors: ERR_INVALID. */
static int read_batch(struct payload_reader *r, struct job *j, struct text body, struct err *e)
{
	struct json_document *d;
	int rc = json_open_within(&d, body, PAYLOAD_VALUES_MOST, e);
	if (rc != 0)
		return rc;
	json_value *batch = json_member(json_root(d), "batch");
	if (json_kind(batch) == JSON_ARRAY)
		for (json_value *event = json_first(batch); event; event = json_next(event))
			job_add_event(j, json_string(json_member(event, "id")));
	else
		rc = err_set(e, ERR_INVALID, "the body has no list 'batch' of events");
	payload_set_observations(r, j->observations, text_of(j->customer ? j->customer : ""));
	if (rc == 0 && j->event_count)
		payload_value(r, json_root(d), 0);
	json_close(d);
	return rc;
}

int body_read(struct job *j, struct text body, struct err *e)
{
	struct payload_sink sink = job_sink(j);
	struct payload_reader *r = payload_open(&sink);
	int rc = 0;
	const char *end = body.p + body.n, *p = body.p;
	if (body.n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		p += 3;
	p = json_skip_space(p, end);
	struct text element;
	j->records_most = BODY_RECORDS_MAX;
	if (j->observations)
		rc = read_batch(r, j, body, e);
	else if (json_check(body, NULL) != 0)
		read_lines(r, j, body);
	else if (*p != '[')
		read_document(r, &sink, body);
	else
		for (p++; !j->too_many && (p = json_walk_element(p, end, &element));)
			if (!counts_only(j))
				read_document(r, &sink, element);
	payload_finish(r);
	j->passed_over = payload_passed_over(r);
	doubts_append(&j->doubts, payload_doubts(r));
	payload_close(r);
	job_sum_up(j);
	if (rc != 0)
		return rc;
	return j->too_many ? err_set(e, ERR_RANGE,
				     "a body has at most %d records; send them in several",
				     BODY_RECORDS_MAX)
			   : 0;
}

bool body_deflate(struct buf *body, bool often)
{
	struct buf out = { 0 };
	z_stream z = { 0 };
	if (body->n > UINT32_MAX ||
	    deflateInit2(&z, often ? Z_BEST_SPEED : Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS,
			 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	const size_t room = deflateBound(&z, body->n);
	buf_need(&out, room);
	z.next_in = (Bytef *)body->p;
	z.avail_in = (uInt)body->n;
	z.next_out = (Bytef *)out.p;
	z.avail_out = (uInt)room;
	const bool fits = deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < body->n;
	out.n = z.total_out;
	deflateEnd(&z);
	if (fits) {
		buf_release(body);
		*body = out;
	} else {
		buf_release(&out);
	}
	return fits;
}

void body_tag(char out[BODY_TAG_MAX], struct text body)
{
	uint8_t hash[16];
	content_hash(hash, &body, 1);
	strcpy(out, "W/\"");
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(out + 3 + 2 * i, 3, "%02x", hash[i]);
	strcat(out, "\"");
}

bool body_tag_is_known(const char *if_none_match, const char *tag)
{
	/* tags are compared weakly: "x" is W/"x" */
	return if_none_match &&
	       (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, tag + 2) != NULL);
}
