/* recorded_cost_report: what sources say that calls cost, beside what the cards say, for people and
 * programs. */
#ifndef TALLY_REPORTS_RECORDED_COST_REPORT_H
#define TALLY_REPORTS_RECORDED_COST_REPORT_H

#include "meter/read/recorded_cost.h"
#include "reports/json_out.h"

/* What is stated and what the cards say of those that have a price, into an open object. */
void put_cost_compared(struct json_out *j, const struct recorded_cost *k);
/* "recorded_cost": {...}, each kind with its sums and the difference. */
void put_recorded_cost(struct json_out *j, const struct recorded_cost kind[COST_KINDS]);
/* A line or two for each kind. */
void print_recorded_cost(const struct recorded_cost kind[COST_KINDS]);
/* What both kinds come to, for a cell of a table; empty where no call states a cost. */
void put_recorded_total(struct buf *b, const struct recorded_cost kind[COST_KINDS]);

/* Of a total that holds charges of sellers, since no card prices their calls; nothing where there
 * are none. */
void print_by_seller(int64_t records, struct money_total total, const char *currency);

#endif
