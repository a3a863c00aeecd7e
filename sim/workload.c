#include "sim/workload.h"

#include <stdlib.h>

void workload_close(struct workload *w)
{
	if (!w)
		return;
	block_trace_close(w->blocks);
	free(w->call);
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
