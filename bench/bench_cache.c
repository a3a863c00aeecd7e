/*
 * bench_cache PACK: block touches a second of a prefix cache on a packed block trace, one core, and
 * how much longer the curve of all capacities takes than one run. bench_cache PACK dump: the
 * touches as numbers, for a rival.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/call_source.h"
#include "sim/prefix_cache.h"

int main(int argc, char **argv)
{
	struct block_trace *t;
	struct err e = { 0 };
	struct cache_rules rules = { .capacity = 20000, .ttl_us = -1 };
	struct cache_result r;
	struct curve_point *points;
	size_t count;
	int64_t run_us = INT64_MAX, endless_us = INT64_MAX, curve_us = INT64_MAX;
	struct call_source in;
	const struct call_source_options from = { .path = (const char *const *)argv + 1,
						  .path_count = 1,
						  .from_zero = true };
	if (argc < 2 || call_source_open(&in, &from, &e) != 0 ||
	    call_source_blocks(&t, &in, &(struct block_trace_options){ 0 }, &e) != 0)
		return fprintf(stderr, "bench_cache: %s\n", argc < 2 ? "PACK" : e.message), 1;
	if (argc > 2) {
		for (size_t i = 0; i < t->count; i++)
			for (uint32_t k = t->request[i].count; k-- > 0;)
				printf("%u\n",
				       block_runs_at(block_request_runs(t, &t->request[i]), k));
		return 0;
	}
	for (int i = 0; i < 5; i++) {
		int64_t began = clock_monotonic_us();
		rules.capacity = 20000;
		if (prefix_cache_run(t, &rules, NULL, NULL, &r, &e) != 0)
			return 1;
		int64_t us = clock_monotonic_us() - began;
		run_us = us < run_us ? us : run_us;
		began = clock_monotonic_us();
		rules.capacity = -1;
		if (prefix_cache_run(t, &rules, NULL, NULL, &r, &e) != 0)
			return 1;
		us = clock_monotonic_us() - began;
		endless_us = us < endless_us ? us : endless_us;
		began = clock_monotonic_us();
		if (prefix_cache_curve(t, &rules, &points, &count, &e) != 0)
			return 1;
		us = clock_monotonic_us() - began;
		curve_us = us < curve_us ? us : curve_us;
		free(points);
	}
	printf("LRU_of_20,000_blocks %.1f M touches a second (20 wanted), %zu touches\n",
	       (double)t->blocks / (double)run_us, t->blocks);
	printf("without_limit %.1f M touches a second\n", (double)t->blocks / (double)endless_us);
	printf("all_capacities_at_once %.2f times one LRU run (4 wanted)\n",
	       (double)curve_us / (double)run_us);
	block_trace_close(t);
	return 0;
}
