/* answers: the functions that answer questions, named in the table of routes. */
#ifndef TALLY_SERVER_ANSWERS_H
#define TALLY_SERVER_ANSWERS_H

#include "server/routes.h"

route_answer answer_usage, answer_series;
route_answer answer_records, answer_search, answer_attention;
route_answer answer_balances, answer_balance;
route_answer answer_ledger, answer_customers, answer_customer, answer_tokens;
route_answer answer_prices, answer_price, answer_price_week;
route_answer answer_invoices, answer_invoice, answer_statement;
route_answer answer_status, answer_explain, answer_budgets, answer_forecast, answer_tariff,
	answer_quarantine, answer_trail;
route_answer answer_whatif, answer_plan, answer_reconcile;
route_answer answer_grant, answer_grant_void, answer_credit_post, answer_trace;
route_answer answer_top_up_set, answer_top_up_clear, answer_top_up_buy;
route_answer answer_invoice_draft, answer_invoice_finalize, answer_invoice_void,
	answer_invoice_note, answer_invoice_pay;
route_answer answer_budget_set, answer_budget_clear, answer_limit_set, answer_limit_clear;
route_answer answer_quarantine_retry, answer_quarantine_drop, answer_record_void,
	answer_record_amend;
route_answer answer_cards, answer_card_put, answer_card_remove, answer_rerate, answer_token_create,
	answer_token_revoke;
route_answer answer_account_set, answer_account_draw, answer_subscribe, answer_plans, answer_offers,
	answer_rule_check;

#endif
