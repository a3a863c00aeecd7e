/* What a replay can be grouped by. */
#include "sim/replay_run.h"

static const char *const dim_names[DIM_COUNT] = {
#define X(id, name, what) [id] = name,
	REPLAY_DIMS(X)
#undef X
};

/* The record field of a text dimension, FIELD_NONE of the others. */
enum record_field replay_dim_field(enum replay_dim d)
{
	switch (d) {
	case DIM_TASK:
		return FIELD_TASK;
	case DIM_WORKLOAD:
		return FIELD_WORKLOAD;
	case DIM_CUSTOMER:
		return FIELD_CUSTOMER;
	case DIM_PROJECT:
		return FIELD_PROJECT;
	case DIM_SESSION:
		return FIELD_SESSION;
	case DIM_EFFORT:
		return FIELD_EFFORT;
	default:
		return FIELD_NONE;
	}
}

#define X(id, name, what) ", " name
static const char dim_choices[] = REPLAY_DIMS(X);
#undef X

const char *replay_dim_name(enum replay_dim d)
{
	return dim_names[d];
}

bool replay_groups_by_answer(const struct replay_options *o)
{
	bool all = true;
	for (size_t i = 0; i < o->dim_count; i++)
		all &= o->dim[i] == DIM_MODEL || o->dim[i] == DIM_WINDOW;
	return all;
}

int replay_dims_parse(enum replay_dim out[DIM_COUNT], size_t *count, const char *list,
		      struct err *e)
{
	*count = 0;
	while (*list) {
		size_t n = strcspn(list, ",");
		int found = -1;
		for (int d = 0; d < DIM_COUNT; d++)
			if (text_is((struct text){ list, n }, dim_names[d]))
				found = d;
		if (found < 0)
			return err_set(e, ERR_USAGE,
				       ASKED("by") ": no grouping '%.*s'; choose from %s", (int)n,
				       list, dim_choices + 2);
		for (size_t i = 0; i < *count; i++)
			if (out[i] == (enum replay_dim)found)
				return err_set(e, ERR_USAGE, ASKED("by") ": '%.*s' is named twice",
					       (int)n, list);
		out[(*count)++] = (enum replay_dim)found;
		list += n;
		if (*list == ',' && *++list == 0)
			return err_set(e, ERR_USAGE,
				       ASKED("by") ": a grouping is missing after the last comma");
	}
	return 0;
}
