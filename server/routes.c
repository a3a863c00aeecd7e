#include "server/routes.h"

#include <string.h>

#include "server/answers.h"
#include "server/http.h"

enum { BODY = HTTP_BODY_MAX, SETTINGS = HTTP_COMMAND_BODY_MAX, TOKEN = 1000 };

/* What somebody changes: it waits for the lock of writers, and stands in the trail. */
#define CHANGE(path, answer) \
	{ \
		"POST", path, SCOPE_ADMIN, DATA_ALL, ROUTE_ASK, SETTINGS, true, answer \
	}

static const struct http_route routes[] = {
	{ "GET", "/healthz", 0, DATA_NONE, ROUTE_HEALTH },
	{ "GET", "/readyz", 0, DATA_NONE, ROUTE_READY },
	{ "GET", "/session", 0, DATA_NONE, ROUTE_SESSION },
	{ "POST", "/session", 0, DATA_NONE, ROUTE_SESSION, TOKEN },
	{ "GET", "/metrics", SCOPE_READ, DATA_ALL, ROUTE_GAUGES },
	{ "GET", "/v1/live", SCOPE_READ, DATA_ALL, ROUTE_LIVE },

	{ "POST", "/v1/usage", SCOPE_WRITE, DATA_OWN, ROUTE_USAGE, BODY },
	{ "POST", "/v1/events", SCOPE_WRITE, DATA_OWN, ROUTE_EVENTS, BODY },
	{ "POST", "/v1/traces", SCOPE_WRITE, DATA_OWN, ROUTE_TRACES, BODY },
	{ "POST", "/v1/logs", SCOPE_WRITE, DATA_OWN, ROUTE_LOGS, BODY },
	{ "POST", "/v1/metrics", SCOPE_WRITE, DATA_OWN, ROUTE_METRICS, BODY },
	{ "POST", "/v1/holds", SCOPE_WRITE, DATA_OWN, ROUTE_HOLD, SETTINGS },
	{ "POST", "/v1/holds/*/settle", SCOPE_WRITE, DATA_OWN, ROUTE_SETTLE, SETTINGS },
	{ "POST", "/v1/holds/*/release", SCOPE_WRITE, DATA_OWN, ROUTE_RELEASE, SETTINGS },

	{ "GET", "/v1/usage", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_usage },
	{ "GET", "/v1/series", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_series },
	{ "GET", "/v1/records", SCOPE_READ, DATA_OWN, ROUTE_ASK, .is_long = true,
	  .answer = answer_records },
	{ "GET", "/v1/search", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_search },
	{ "GET", "/v1/attention", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_attention },
	{ "GET", "/v1/balance", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_balances },
	{ "GET", "/v1/balance/*", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_balance },
	{ "GET", "/v1/invoices", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_invoices },
	{ "GET", "/v1/invoices/*", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_invoice },
	{ "GET", "/v1/statement", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_statement },
	{ "GET", "/v1/ledger", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_ledger },
	{ "GET", "/v1/trace", SCOPE_READ, DATA_OWN, ROUTE_ASK, .is_long = true,
	  .answer = answer_trace },
	{ "GET", "/v1/customers", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_customers },
	{ "GET", "/v1/customers/*", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_customer },
	{ "GET", "/v1/tokens", SCOPE_ADMIN, DATA_ALL, ROUTE_ASK, .answer = answer_tokens },
	{ "GET", "/v1/cards", SCOPE_READ, DATA_ALL, ROUTE_ASK, .answer = answer_cards },
	{ "GET", "/v1/prices", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_prices },
	{ "GET", "/v1/prices/*/week", SCOPE_READ, DATA_OWN, ROUTE_ASK,
	  .answer = answer_price_week },
	{ "GET", "/v1/prices/*", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_price },
	{ "GET", "/v1/status", SCOPE_READ, DATA_ALL, ROUTE_ASK, .answer = answer_status },
	{ "GET", "/v1/explain", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_explain },
	{ "GET", "/v1/budgets", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_budgets },
	{ "GET", "/v1/forecast", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_forecast },
	{ "GET", "/v1/tariff", SCOPE_READ, DATA_OWN, ROUTE_ASK, .answer = answer_tariff },
	{ "GET", "/v1/quarantine", SCOPE_READ, DATA_ALL, ROUTE_ASK, .answer = answer_quarantine },
	{ "GET", "/v1/plans", SCOPE_READ, DATA_ALL, ROUTE_ASK, .answer = answer_plans },
	{ "GET", "/v1/offers", SCOPE_READ, DATA_ALL, ROUTE_ASK, .answer = answer_offers },
	{ "POST", "/v1/rules/check", SCOPE_READ, DATA_ALL, ROUTE_ASK, SETTINGS, true,
	  answer_rule_check },
	{ "GET", "/v1/trail", SCOPE_ADMIN, DATA_ALL, ROUTE_ASK, .answer = answer_trail },

	{ "POST", "/v1/whatif", SCOPE_READ, DATA_OWN, ROUTE_ASK, SETTINGS, true, answer_whatif,
	  true },

	{ "POST", "/v1/reconcile", SCOPE_READ, DATA_ALL, ROUTE_ASK, SETTINGS, true,
	  answer_reconcile, true },
	{ "POST", "/v1/plan", SCOPE_READ, DATA_OWN, ROUTE_ASK, SETTINGS, true, answer_plan, false },

	CHANGE("/v1/grants", answer_grant),
	CHANGE("/v1/grants/void", answer_grant_void),
	CHANGE("/v1/credits/post", answer_credit_post),
	CHANGE("/v1/top-ups", answer_top_up_set),
	CHANGE("/v1/top-ups/clear", answer_top_up_clear),
	CHANGE("/v1/top-ups/buy", answer_top_up_buy),
	CHANGE("/v1/invoices/draft", answer_invoice_draft),
	CHANGE("/v1/invoices/finalize", answer_invoice_finalize),
	CHANGE("/v1/invoices/void", answer_invoice_void),
	CHANGE("/v1/invoices/note", answer_invoice_note),
	CHANGE("/v1/invoices/pay", answer_invoice_pay),
	CHANGE("/v1/budgets", answer_budget_set),
	CHANGE("/v1/budgets/clear", answer_budget_clear),
	CHANGE("/v1/limits", answer_limit_set),
	CHANGE("/v1/limits/clear", answer_limit_clear),
	CHANGE("/v1/quarantine/retry", answer_quarantine_retry),
	CHANGE("/v1/quarantine/drop", answer_quarantine_drop),
	CHANGE("/v1/records/void", answer_record_void),
	CHANGE("/v1/records/amend", answer_record_amend),
	CHANGE("/v1/cards", answer_card_put),
	CHANGE("/v1/cards/remove", answer_card_remove),
	CHANGE("/v1/rerate", answer_rerate),
	CHANGE("/v1/tokens", answer_token_create),
	CHANGE("/v1/tokens/revoke", answer_token_revoke),
	CHANGE("/v1/accounts", answer_account_set),
	CHANGE("/v1/accounts/draw", answer_account_draw),
	CHANGE("/v1/subscriptions", answer_subscribe),
	{ 0 },
};
#undef CHANGE

/* One * may stand for anything but nothing. */
static bool fits(const char *pattern, const char *path, struct text *rest)
{
	const char *star = strchr(pattern, '*');
	*rest = (struct text){ 0 };
	if (!star)
		return strcmp(pattern, path) == 0;
	const size_t before = (size_t)(star - pattern), after = strlen(star + 1), n = strlen(path);
	if (n <= before + after || strncmp(pattern, path, before) != 0 ||
	    strcmp(path + n - after, star + 1) != 0)
		return false;
	*rest = (struct text){ path + before, n - before - after };
	return true;
}

const struct http_route *route_find(const char *method, const char *path, struct text *rest,
				    bool *known)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	*known = false;
	for (const struct http_route *r = routes; r->method; r++) {
		if (!fits(r->path, path, rest))
			continue;
		*known = true;
		if (strcmp(r->method, wanted) == 0)
			return r;
	}
	return NULL;
}
