/* Any text as a route, a scenario or a planner's scenario: an error or a route, never a crash.
 * Files that a route names are not opened. */
#include <stdlib.h>
#include <string.h>

#include "sim/planner.h"
#include "sim/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct book *book;
	struct arena arena = { 0 };
	struct planner_scenario planned = { 0 };
	struct scenario_list list = { 0 };
	if (!book && book_open(&book, NULL) != 0)
		abort();
	if (size < 1 || size > 4096)
		return 0;
	char *copy = mem_alloc(size);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = 0;
	if (*data % 2)
		planner_scenario_parse(&planned, copy, &arena, NULL);
	else if (!strstr(copy, "rules:") && !strstr(copy, "cascade:"))
		scenario_add(&list, copy, book, NULL);
	scenario_list_release(&list);
	arena_release(&arena);
	free(copy);
	return 0;
}
