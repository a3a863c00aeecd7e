/* fault: what is wrong with a file, gathered before anything of it is used. */
#ifndef TALLY_PRICING_FAULT_H
#define TALLY_PRICING_FAULT_H

#include "base/arena.h"

/* What is wrong with a file, each with its place ("prices[3].rates.input"). */
struct fault {
	const char *place, *message;
};
struct fault_list {
	struct arena arena;
	struct fault *fault;
	size_t count, room;
};
void fault_add(struct fault_list *list, const char *place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void fault_list_release(struct fault_list *list);

#endif
