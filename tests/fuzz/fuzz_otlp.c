/* Bytes as an OTLP request in protobuf: JSON that the strict reader takes and the readers of
 * telemetry make records of that hold together, or an error that says where. */
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "meter/formats/assemble.h"
#include "meter/formats/otlp_proto.h"

static void take(void *user, const struct metered *m)
{
	/* a sum need not tell of how many calls */
	struct usage u = { .requests =
				   m->aggregate && !m->record.requests ? 1 : m->record.requests };
	memcpy(u.counts, m->record.counts, sizeof u.counts);
	CHECK(usage_check(&u, NULL) == 0);
	CHECK(m->shape && m->rule && m->record.units[UNIT_WEB_SEARCH] >= 0);
	assembly_add(user, m);
}

static void refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	(void)user;
	(void)line;
	(void)raw;
	CHECK(why->code != ERR_NONE && *why->message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a block of its own size, so that reading beyond it is seen */
	char *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	const struct text body = { copy, size };
	otlp_proto_signal(body);
	for (int s = OTLP_TRACES; s <= OTLP_METRICS; s++) {
		struct buf json = { 0 };
		struct err e = { 0 };
		struct json_document *doc;
		int rc = otlp_proto_read(&json, (enum otlp_signal)s, body, &e);
		CHECK(rc == 0 || (e.code != ERR_NONE && *e.message));
		if (rc == 0) {
			struct assembly *calls = assembly_open(true);
			struct payload_reader *r =
				payload_open(&(struct payload_sink){ calls, take, refuse });
			CHECK(json_open(&doc, (struct text){ json.p, json.n }, NULL) == 0);
			payload_value(r, json_root(doc), 1);
			payload_finish(r);
			payload_close(r);
			json_close(doc);
			assembly_close(calls);
		}
		buf_release(&json);
	}
	free(copy);
	return 0;
}
