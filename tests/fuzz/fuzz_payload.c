/* Whatever arrives as a line or a document, of a log or a body: records that hold together, or a
 * refusal; and the fast log reader never takes what the strict one refuses to count. */
#include <stdlib.h>

#include "base/err.h"
#include "meter/formats/assemble.h"

static void take(void *user, const struct metered *m)
{
	struct usage u = { .requests = m->record.requests };
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
	struct assembly *calls = assembly_open(true);
	struct payload_reader *r = payload_open(&(struct payload_sink){ calls, take, refuse });
	/* as the end of a longer text, so that reading beyond it is seen */
	char *copy = malloc(size + 1);
	memcpy(copy, data, size);
	int64_t number = 0;
	for (size_t i = 0; i < size;) {
		const char *nl = memchr(copy + i, '\n', size - i);
		size_t n = nl ? (size_t)(nl - copy) - i : size - i;
		payload_line(r, (struct text){ copy + i, n }, ++number);
		i += n + 1;
	}
	payload_finish(r);
	payload_close(r);
	assembly_close(calls);
	free(copy);
	return 0;
}
