/* Any bytes as plans, and as other catalogues to be imported: an error or a file that says what is
 * wrong, never a crash; a card that is made of a catalogue is one that the card's reader takes. */
#include <stdlib.h>
#include <string.h>

#include "pricing/card.h"
#include "pricing/import_catalogue.h"
#include "pricing/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void import(struct text t, const char *kind)
{
	struct json_document *doc;
	struct import im = { 0 };
	if (json_open(&doc, t, NULL) != 0)
		return;
	if (import_catalogue(&im, kind, json_root(doc), NULL) == 0) {
		struct buf b = { 0 };
		struct card *c;
		struct fault_list faults = { 0 };
		import_card(&im, "2026-01-01", &b);
		if (card_parse(&c, (struct text){ b.p, b.n }, "made", &faults) == 0)
			card_close(c);
		fault_list_release(&faults);
		buf_release(&b);
	}
	import_release(&im);
	json_close(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = { "litellm", "openrouter", "models.dev",
					     "genai-prices" };
	struct plan_file *plans;
	if (size < 1)
		return 0;
	char *copy = mem_alloc(size);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = 0;
	const struct text t = { copy, size - 1 };
	if (*data % 5 < 4)
		import(t, kinds[*data % 5]);
	else if (plan_file_parse(&plans, t, "fuzz", NULL) == 0)
		plan_file_close(plans);
	free(copy);
	return 0;
}
