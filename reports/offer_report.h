/* offer_report: the plans that are shipped, and offers, as documents. */
#ifndef TALLY_REPORTS_OFFER_REPORT_H
#define TALLY_REPORTS_OFFER_REPORT_H

#include "pricing/offer.h"
#include "reports/json_out.h"

/* "tally.credit-plan/1" of the shipped plans. */
int plan_list_put(struct json_out *j, struct err *e);
/* "tally.credit-offers/1" */
void offer_list_put(struct json_out *j, const struct offer_list *offers);

#endif
