/* Any bytes as a price card and as a plan file: faults, never a crash. */
#include <stdlib.h>

#include "pricing/book.h"
#include "pricing/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	struct plan_file *plans = NULL;
	struct text t = { (const char *)data, size };
	card_parse(&card, t, "fuzz", &faults);
	card_close(card);
	fault_list_release(&faults);
	if (plan_file_parse(&plans, t, "fuzz", NULL) == 0)
		plan_file_close(plans);
	return 0;
}
