/* Any bytes as terms of an account, outcomes of tasks, bills of providers, an invoice's document:
 * errors, never a crash. The first byte says which. */
#include <stdlib.h>

#include "meter/billing/bill.h"
#include "meter/billing/budget.h"
#include "meter/billing/terms.h"
#include "meter/ledger/recurrence.h"
#include "reports/invoice_view.h"
#include "sim/outcomes.h"

static void show(struct text document)
{
	struct invoice_view *v;
	struct buf b = { 0 };
	if (invoice_view_open(&v, document, "final", NULL, NULL) != 0)
		return;
	invoice_text_put(&b, v, 80);
	invoice_html_put(&b, v);
	invoice_csv_put(&b, v);
	invoice_json_put(&b, v);
	invoice_view_close(v);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcomes *o;
	struct bill bill;
	struct bill_options columns = { 0 };
	struct burn_order order;
	struct recurrence every;
	struct budget budget = { 0 };
	if (size < 1)
		return 0;
	/* a copy of its own, ended by a NUL as our texts are */
	char *copy = mem_alloc(size);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = 0;
	struct text t = { copy, size - 1 };
	switch (*data % 8) {
	case 0:
		terms_check(t, NULL);
		break;
	case 1:
		if (outcomes_parse(&o, t, "fuzz", &(struct outcomes_options){ .signal = "signal" },
				   NULL) == 0)
			outcomes_close(o);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		if (bill_parse(&bill, &(struct bill_file){ "fuzz", t }, 1, &columns, NULL) == 0)
			bill_release(&bill);
		break;
	case 6:
		show(t);
		break;
	default:
		burn_order_parse(&order, copy, NULL);
		budget_soft_parse(&budget, copy, NULL);
		if (recurrence_parse(&every, t, (struct instant){ 0 }, NULL) == 0)
			recurrence_from(&every, (struct instant){ INT64_C(1704067200000000) });
	}
	free(copy);
	return 0;
}
