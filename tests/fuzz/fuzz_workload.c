/* Any bytes as a file that a what-if reads (traces with blocks and without, logs, packs), and the
 * prompts of those with blocks through a cache: errors, never a crash, never a hit of tokens that
 * the prompt does not have. The first byte chooses the rules. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/prefix_cache.h"
#include "sim/workload_read.h"

static void replay(const struct block_trace *t, uint8_t choice)
{
	const struct cache_rules rules = {
		.capacity = choice & 1 ? 1 + (choice >> 4) : -1,
		.ttl_us = choice & 2 ? US_PER_SECOND : -1,
		.settle_us = choice & 4 ? 1000 : 0,
		.forward = choice >> 3 & 1,
		.full = choice >> 4 & 1,
		.units = choice >> 5 & 1,
		.common = (choice >> 5 & 3) == 3,
		.scope = (enum cache_scope)(choice >> 6),
		.quantum = choice & 8 ? 64 : 0,
	};
	int64_t *hits = mem_zalloc((t->count + 1) * sizeof *hits), sum = 0;
	struct cache_result result;
	if (prefix_cache_run(t, &rules, NULL, hits, &result, NULL) == 0) {
		for (size_t i = 0; i < t->count; i++) {
			CHECK(hits[i] >= 0 && hits[i] <= t->request[i].input);
			sum += hits[i];
		}
		CHECK(sum == result.hit_tokens && result.requests == (int64_t)t->count);
	}
	free(hits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[40];
	const char *const paths[] = { path };
	struct workload *w;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (size < 1 || fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) {
		close(fd);
		return 0;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	const struct workload_options o = { .path = paths,
					    .path_count = 1,
					    .model = "deepseek-v4-flash",
					    .has_at = true,
					    .at = { INT64_C(1780000000000000) },
					    .since = INSTANT_MIN,
					    .until = INSTANT_MAX };
	if (workload_read(&w, &o, NULL) == 0) {
		if (w->blocks)
			replay(w->blocks, *data);
		workload_close(w);
	}
	close(fd);
	return 0;
}
