/* answers: the functions that answer questions, named in the table of routes. */
#ifndef TALLY_SERVER_ANSWERS_H
#define TALLY_SERVER_ANSWERS_H

#include "server/routes.h"

route_answer answer_usage, answer_series;
route_answer answer_records, answer_search, answer_attention;
route_answer answer_balances, answer_balance;
route_answer answer_invoices, answer_invoice;

#endif
