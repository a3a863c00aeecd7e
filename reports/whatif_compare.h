/* whatif_compare: the costs of a report that was saved earlier, beside the ones of now. */
#ifndef TALLY_REPORTS_WHATIF_COMPARE_H
#define TALLY_REPORTS_WHATIF_COMPARE_H

#include "sim/whatif.h"

struct whatif_change {
	const char *name;
	bool has_old, has_new;
	bool old_lacks, new_lacks; /* the cost is a lower bound */
	struct money_total old_cost, new_cost;
};
struct whatif_changes {
	const char *file, *currency;
	struct whatif_change
		*change; /* the scenarios of now in their order, then those that went */
	size_t count;
	struct arena arena;
};

/* Reads a document tally.whatif/1 (--save). Errors: as json_open_file, ERR_INVALID. */
int whatif_changes_read(struct whatif_changes *out, const char *path,
			const struct whatif_options *o, const struct whatif_result *result,
			struct err *e);
void whatif_changes_release(struct whatif_changes *c);

#endif
