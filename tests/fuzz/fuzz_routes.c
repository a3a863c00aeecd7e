/* Any text as a route, a scenario, a planner's scenario, a file of scenarios, of rules or of a
 * cascade, or as offers: an error or a route, never a crash. Files that a text names are not
 * opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pricing/offer.h"
#include "sim/planner.h"
#include "sim/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text as a file without a place, by its path. */
static const char *as_file(const char *text, size_t n)
{
	static int fd = -1;
	static char path[40];
	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, text, n, 0) != (ssize_t)n)
		abort();
	return path;
}

static bool names_file(const char *text)
{
	return strstr(text, "rules:") || strstr(text, "cascade:");
}

static void as_offers(struct text t)
{
	struct offer_list offers = { 0 };
	offers_add(&offers, t, NULL);
	offers_close(&offers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct book *book;
	struct arena arena = { 0 };
	struct planner_scenario planned = { 0 };
	struct scenario_list list = { 0 };
	char spec[60];
	if (!book && book_open(&book, NULL) != 0)
		abort();
	if (size < 1 || size > 4096)
		return 0;
	const size_t n = size - 1;
	char *copy = mem_alloc(size);
	memcpy(copy, data + 1, n);
	copy[n] = 0;
	switch (*data % 6) {
	case 0:
		if (!names_file(copy))
			scenario_add(&list, copy, book, NULL);
		break;
	case 1:
		planner_scenario_parse(&planned, copy, &arena, NULL);
		break;
	case 2:
		snprintf(spec, sizeof spec, "rules:%s", as_file(copy, n));
		scenario_add(&list, spec, book, NULL);
		break;
	case 3:
		snprintf(spec, sizeof spec, "cascade:%s", as_file(copy, n));
		scenario_add(&list, spec, book, NULL);
		break;
	case 4:
		if (!memmem(copy, n, "rules", 5) && !memmem(copy, n, "cascade", 7))
			scenario_add_file(&list, as_file(copy, n), book, INSTANT_MIN, NULL);
		break;
	default:
		as_offers((struct text){ copy, n });
	}
	scenario_list_release(&list);
	arena_release(&arena);
	free(copy);
	return 0;
}
