#include "sim/workload.h"

#include <stdlib.h>

size_t workload_conversation_from(const struct workload *w, size_t call)
{
	size_t low = 0, high = w->conversations;
	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (w->first[mid] < call)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void workload_close(struct workload *w)
{
	if (!w)
		return;
	block_trace_close(w->blocks);
	free(w->call);
	free(w->first);
	free(w->conversation_id);
	free(w->conversation_name);
	free(w->subject);
	free(w->name);
	free(w->rare);
	free(w->metered);
	free(w->metered_unpriced);
	dict_release(&w->dict);
	dict_release(&w->subject_dict);
	dict_release(&w->conversation_dict);
	arena_release(&w->arena);
	free(w);
}
