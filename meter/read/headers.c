#include "meter/read/headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/csv.h"

static const struct header headers[] = {
	{ .name = "deepseek-amount",
	  .title = "DeepSeek's usage export, amounts",
	  .vendor = "deepseek",
	  .kind = FILE_USAGE,
	  .needs = { "utc_date", "model", "type", "amount" },
	  .column = { [COLUMN_DAY] = "utc_date",
		      [COLUMN_MODEL] = "model",
		      [COLUMN_TYPE] = "type",
		      [COLUMN_AMOUNT] = "amount",
		      [COLUMN_PRICE] = "price",
		      [COLUMN_PROJECT] = "api_key_name" } },
	{ .name = "deepseek-amount",
	  .title = "DeepSeek's usage export, amounts",
	  .vendor = "deepseek",
	  .kind = FILE_USAGE,
	  .needs = { "start_time_iso", "model", "type", "amount" },
	  .column = { [COLUMN_DAY] = "start_time_iso",
		      [COLUMN_MODEL] = "model",
		      [COLUMN_TYPE] = "type",
		      [COLUMN_AMOUNT] = "amount",
		      [COLUMN_PRICE] = "price",
		      [COLUMN_PROJECT] = "api_key_name" } },
	{ .name = "deepseek-cost",
	  .title = "DeepSeek's usage export, costs",
	  .vendor = "deepseek",
	  .kind = FILE_BILL,
	  .needs = { "utc_date", "model", "cost", "currency" },
	  .column = { [COLUMN_DAY] = "utc_date",
		      [COLUMN_MODEL] = "model",
		      [COLUMN_COST] = "cost",
		      [COLUMN_CURRENCY] = "currency" } },
	{ .name = "deepseek-cost",
	  .title = "DeepSeek's usage export, costs",
	  .vendor = "deepseek",
	  .kind = FILE_BILL,
	  .needs = { "start_time_iso", "model", "wallet_type", "cost" },
	  .column = { [COLUMN_DAY] = "start_time_iso",
		      [COLUMN_MODEL] = "model",
		      [COLUMN_COST] = "cost",
		      [COLUMN_CURRENCY] = "currency" } },
	{ .name = "openai-costs",
	  .title = "OpenAI's costs",
	  .vendor = "openai",
	  .kind = FILE_BILL,
	  .spelling = SPELLING_OPENAI_ITEM,
	  .needs = { "start_time_iso", "amount_value", "line_item" },
	  .column = { [COLUMN_DAY] = "start_time_iso",
		      [COLUMN_MODEL] = "line_item",
		      [COLUMN_COST] = "amount_value",
		      [COLUMN_CURRENCY] = "amount_currency",
		      [COLUMN_PROJECT] = "project_id" } },
	{ .name = "anthropic-costs",
	  .title = "the Anthropic Console's costs",
	  .vendor = "anthropic",
	  .kind = FILE_BILL,
	  .spelling = SPELLING_DISPLAY,
	  .needs = { "usage_date_utc", "cost_usd" },
	  .column = { [COLUMN_DAY] = "usage_date_utc",
		      [COLUMN_MODEL] = "model",
		      [COLUMN_ITEM] = "cost_type",
		      [COLUMN_COST] = "cost_usd",
		      [COLUMN_PROJECT] = "workspace" } },
	{ .name = "aws-cur",
	  .title = "AWS Cost and Usage Report 2.0",
	  .kind = FILE_BILL,
	  .spelling = SPELLING_AWS_USAGE,
	  .needs = { "line_item_usage_start_date", "line_item_usage_type",
		     "line_item_unblended_cost" },
	  .column = { [COLUMN_DAY] = "line_item_usage_start_date",
		      [COLUMN_MODEL] = "line_item_usage_type",
		      [COLUMN_KIND] = "line_item_line_item_type",
		      [COLUMN_COST] = "line_item_unblended_cost",
		      [COLUMN_CURRENCY] = "line_item_currency_code" } },
	{ .name = "focus",
	  .title = "FOCUS",
	  .kind = FILE_BILL,
	  .spelling = SPELLING_DISPLAY,
	  .needs = { "BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart" },
	  .column = { [COLUMN_DAY] = "ChargePeriodStart",
		      [COLUMN_MODEL] = "ServiceName",
		      [COLUMN_KIND] = "ChargeCategory",
		      [COLUMN_COST] = "BilledCost",
		      [COLUMN_CURRENCY] = "BillingCurrency",
		      [COLUMN_PROJECT] = "SubAccountId" } },
	{ .name = "azure-costs",
	  .title = "Azure cost details",
	  .kind = FILE_BILL,
	  .needs = { "date", "meterName", "costInBillingCurrency" },
	  .column = { [COLUMN_DAY] = "date",
		      [COLUMN_MODEL] = "meterName",
		      [COLUMN_KIND] = "chargeType",
		      [COLUMN_COST] = "costInBillingCurrency",
		      [COLUMN_CURRENCY] = "billingCurrency",
		      [COLUMN_PROJECT] = "resourceGroupName" } },
	{ .name = "azure-costs",
	  .title = "Azure cost details",
	  .kind = FILE_BILL,
	  .needs = { "Date", "MeterName", "CostInBillingCurrency" },
	  .column = { [COLUMN_DAY] = "Date",
		      [COLUMN_MODEL] = "MeterName",
		      [COLUMN_KIND] = "ChargeType",
		      [COLUMN_COST] = "CostInBillingCurrency",
		      [COLUMN_CURRENCY] = "BillingCurrencyCode",
		      [COLUMN_PROJECT] = "ResourceGroup" } },
	{ .name = "azure-costs",
	  .title = "Azure usage details, pay as you go",
	  .kind = FILE_BILL,
	  .needs = { "UsageDateTime", "MeterName", "PreTaxCost" },
	  .column = { [COLUMN_DAY] = "UsageDateTime",
		      [COLUMN_MODEL] = "MeterName",
		      [COLUMN_COST] = "PreTaxCost",
		      [COLUMN_CURRENCY] = "Currency",
		      [COLUMN_PROJECT] = "ResourceGroup" } },
	{ .name = "gcp-billing",
	  .title = "Google Cloud's billing export",
	  .kind = FILE_BILL,
	  .spelling = SPELLING_GCP_SKU,
	  .needs = { "usage_start_time", "sku.description", "cost", "currency" },
	  .column = { [COLUMN_DAY] = "usage_start_time",
		      [COLUMN_MODEL] = "sku.description",
		      [COLUMN_KIND] = "cost_type",
		      [COLUMN_COST] = "cost",
		      [COLUMN_CREDITS] = "credits",
		      [COLUMN_CURRENCY] = "currency",
		      [COLUMN_PROJECT] = "project.id" } },
	{ .name = "gcp-billing",
	  .title = "Google Cloud's billing export",
	  .kind = FILE_BILL,
	  .spelling = SPELLING_GCP_SKU,
	  .needs = { "usage_start_time", "sku_description", "cost", "currency" },
	  .column = { [COLUMN_DAY] = "usage_start_time",
		      [COLUMN_MODEL] = "sku_description",
		      [COLUMN_KIND] = "cost_type",
		      [COLUMN_COST] = "cost",
		      [COLUMN_CREDITS] = "credits",
		      [COLUMN_CURRENCY] = "currency",
		      [COLUMN_PROJECT] = "project_id" } },
	{ .name = "copilot",
	  .title = "GitHub Copilot's usage report",
	  .kind = FILE_BILL,
	  .spelling = SPELLING_DISPLAY,
	  .needs = { "date", "sku", "model", "net_amount" },
	  .column = { [COLUMN_DAY] = "date",
		      [COLUMN_MODEL] = "model",
		      [COLUMN_COST] = "net_amount",
		      [COLUMN_PROJECT] = "cost_center_name" } },
	{ .name = "openrouter-days",
	  .title = "OpenRouter's activity by day",
	  .kind = FILE_USAGE,
	  .needs = { "Date", "Slug", "Usage", "Requests" },
	  .column = { [COLUMN_DAY] = "Date", [COLUMN_MODEL] = "Slug", [COLUMN_COST] = "Usage" } },
	{ .name = "vercel",
	  .title = "the report of Vercel's AI gateway",
	  .kind = FILE_USAGE,
	  .needs = { "day", "model", "total_cost" },
	  .column = { [COLUMN_DAY] = "day",
		      [COLUMN_MODEL] = "model",
		      [COLUMN_COST] = "total_cost" } },
	{ .name = "anthropic",
	  .title = "Anthropic's cost report",
	  .vendor = "anthropic",
	  .kind = FILE_BILL,
	  .json = true,
	  .needs = { "starting_at", "results", "amount", "currency" } },
	{ .name = "openai",
	  .title = "OpenAI's costs",
	  .vendor = "openai",
	  .kind = FILE_BILL,
	  .json = true,
	  .spelling = SPELLING_OPENAI_ITEM,
	  .needs = { "start_time", "results", "amount", "line_item" } },
};

enum { HEADERS = sizeof headers / sizeof *headers, NEEDS = 6 };

const struct header *header_of_columns(const struct text *names, size_t count)
{
	for (size_t h = 0; h < HEADERS; h++) {
		bool fits = !headers[h].json;
		for (int n = 0; fits && n < NEEDS && headers[h].needs[n]; n++) {
			bool found = false;
			for (size_t i = 0; i < count && !found; i++)
				found = text_is(names[i], headers[h].needs[n]);
			fits = found;
		}
		if (fits)
			return &headers[h];
	}
	return NULL;
}

static bool has_key(struct text s, const char *key)
{
	size_t n = strlen(key);
	for (size_t i = 0; i + n + 2 <= s.n; i++)
		if (s.p[i] == '"' && s.p[i + n + 1] == '"' && memcmp(s.p + i + 1, key, n) == 0)
			return true;
	return false;
}

const struct header *header_of_document(struct text s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\n' || *s.p == '\r' || *s.p == '\t'))
		s.p++, s.n--;
	if (s.n == 0 || *s.p != '{' || !has_key(s, "data"))
		return NULL;
	for (size_t h = 0; h < HEADERS; h++) {
		bool fits = headers[h].json;
		for (int n = 0; fits && n < NEEDS && headers[h].needs[n]; n++)
			fits = has_key(s, headers[h].needs[n]);
		if (fits)
			return &headers[h];
	}
	return NULL;
}

bool column_is_currency(struct text name)
{
	static const char *const names[] = { "currency",	"Currency",
					     "currency_code",	"BillingCurrency",
					     "billingCurrency", "amount_currency",
					     "Währung",		"line_item_currency_code" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is(name, names[i]))
			return true;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

void model_from_display(struct buf *b, struct text s)
{
	size_t from = b->n;
	bool display =
		s.n > 7 && memcmp(s.p, "Claude", 6) == 0 && (s.p[6] == ' ' || is_digit(s.p[6]));
	if (!display) {
		buf_add(b, s.p, s.n);
		return;
	}
	/* "Claude4.6Sonnet": the version in front of the family */
	size_t digits = 6;
	while (digits < s.n && (is_digit(s.p[digits]) || s.p[digits] == '.'))
		digits++;
	if (digits > 6 && digits < s.n) {
		buf_puts(b, "claude-");
		buf_add(b, s.p + digits, s.n - digits);
		buf_puts(b, "-");
		buf_add(b, s.p + 6, digits - 6);
	} else {
		buf_add(b, s.p, s.n);
	}
	for (size_t i = from; i < b->n; i++) {
		char *c = &b->p[i];
		*c = *c == ' ' || *c == '.' ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	}
}

void model_from_sku(struct buf *b, struct text s)
{
	static const char *const parts[] = {
		"gemini", "flash",  "pro",    "lite", "ultra", "nano",
		"image",  "claude", "sonnet", "opus", "haiku", "live"
	};
	size_t from = b->n;
	for (const char *p = s.p, *end = s.p + s.n; s.n && p < end;) {
		const char *space = memchr(p, ' ', (size_t)(end - p));
		size_t n = (size_t)((space ? space : end) - p);
		bool part = n && is_digit(*p);
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
			part |= strlen(parts[i]) == n && strncasecmp(p, parts[i], n) == 0;
		if (!part)
			break;
		if (b->n > from)
			buf_puts(b, "-");
		buf_add(b, p, n);
		p += n + (space != NULL);
	}
	if (b->n == from)
		buf_add(b, s.p, s.n);
	bool claude = b->n > from + 6 && strncasecmp(b->p + from, "claude", 6) == 0;
	for (size_t i = from; i < b->n; i++) {
		char *c = &b->p[i];
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : claude && *c == '.' ? '-' : *c;
	}
}

const struct header *header_of_file(const char *path)
{
	enum { LOOKED_AT = 64 << 10 };
	struct stat st;
	/* what can be read only once is not tried */
	gzFile f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? gzopen(path, "rb") : NULL;
	if (!f)
		return NULL;
	char *room = mem_zalloc(LOOKED_AT);
	int n = gzread(f, room, LOOKED_AT);
	gzclose(f);
	struct text s = { room, n > 0 ? (size_t)n : 0 };
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s = (struct text){ s.p + 3, s.n - 3 };
	const struct header *found = header_of_document(s);
	const char *end = s.n ? memchr(s.p, '\n', s.n) : NULL;
	if (!found && end) {
		struct csv_record *names = mem_zalloc(sizeof *names);
		s.n = (size_t)(end - s.p);
		if (csv_split(names, s, ',', NULL) == 0)
			found = header_of_columns(names->field, names->count);
		csv_record_release(names);
		free(names);
	}
	free(room);
	return found;
}
