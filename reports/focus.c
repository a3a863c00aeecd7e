#include "reports/focus.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"

int focus_purchase(struct focus_row *row, struct quantity q, struct money_total unit_price,
		   const char *unit, const char *currency, struct err *e)
{
	*row = (struct focus_row){ .billing_currency = currency,
				   .charge_category = "Purchase",
				   .charge_frequency = "One-Time",
				   .pricing_category = "Standard",
				   .pricing_currency = currency,
				   .pricing_unit = unit,
				   .consumed_unit = "",
				   .has_quantity = true,
				   .pricing_quantity = q,
				   .list_unit = unit_price,
				   .contracted_unit = unit_price,
				   .has_pricing_amounts = true,
				   .pricing_list_unit = unit_price,
				   .pricing_contracted_unit = unit_price,
				   .tags = TEXT("{}") };
	int rc = amount_of(unit_price, q, (struct quantity){ 1000000000 }, &row->list, e);
	row->contracted = row->billed = row->list;
	return rc;
}

enum value_type { TEXT_VALUE, WORD, INSTANT, AMOUNT, QUANTITY };
static const struct {
	const char *column;
	enum value_type type;
	size_t at;
} columns[] = {
#define FIELD(column, type, member) \
	{ \
		column, type, offsetof(struct focus_row, member) \
	}
	FIELD("BilledCost", AMOUNT, billed),
	FIELD("BillingAccountId", TEXT_VALUE, account_id),
	FIELD("BillingAccountName", TEXT_VALUE, account_name),
	FIELD("BillingCurrency", WORD, billing_currency),
	FIELD("BillingPeriodEnd", INSTANT, billing_to),
	FIELD("BillingPeriodStart", INSTANT, billing_from),
	FIELD("ChargeCategory", WORD, charge_category),
	FIELD("ChargeClass", WORD, charge_class),
	FIELD("ChargeDescription", WORD, charge_description),
	FIELD("ChargeFrequency", WORD, charge_frequency),
	FIELD("ChargePeriodEnd", INSTANT, charge_to),
	FIELD("ChargePeriodStart", INSTANT, charge_from),
	FIELD("ConsumedQuantity", QUANTITY, consumed_quantity),
	FIELD("ConsumedUnit", WORD, consumed_unit),
	FIELD("ContractedCost", AMOUNT, contracted),
	FIELD("ContractedUnitPrice", AMOUNT, contracted_unit),
	FIELD("EffectiveCost", AMOUNT, effective),
	FIELD("InvoiceId", TEXT_VALUE, invoice_id),
	FIELD("InvoiceIssuerName", TEXT_VALUE, invoice_issuer),
	FIELD("ListCost", AMOUNT, list),
	FIELD("ListUnitPrice", AMOUNT, list_unit),
	FIELD("PricingCategory", WORD, pricing_category),
	FIELD("PricingCurrency", WORD, pricing_currency),
	FIELD("PricingCurrencyContractedUnitPrice", AMOUNT, pricing_contracted_unit),
	FIELD("PricingCurrencyEffectiveCost", AMOUNT, pricing_effective),
	FIELD("PricingCurrencyListUnitPrice", AMOUNT, pricing_list_unit),
	FIELD("PricingQuantity", QUANTITY, pricing_quantity),
	FIELD("PricingUnit", WORD, pricing_unit),
	FIELD("ProviderName", TEXT_VALUE, provider),
	FIELD("PublisherName", TEXT_VALUE, publisher),
	FIELD("RegionId", TEXT_VALUE, region),
	FIELD("RegionName", TEXT_VALUE, region),
	FIELD("ServiceCategory", WORD, charge_category),
	FIELD("ServiceName", TEXT_VALUE, service_name),
	FIELD("ServiceSubcategory", WORD, charge_category),
	FIELD("SkuId", TEXT_VALUE, sku_id),
	FIELD("SkuMeter", WORD, sku_meter),
	FIELD("SkuPriceDetails", TEXT_VALUE, sku_price_details),
	FIELD("SkuPriceId", TEXT_VALUE, sku_price_id),
	FIELD("SubAccountId", TEXT_VALUE, sub_account_id),
	FIELD("SubAccountName", TEXT_VALUE, sub_account_id),
	FIELD("Tags", TEXT_VALUE, tags),
#undef FIELD
};

const char *const focus_columns[] = {
	"BilledCost",
	"BillingAccountId",
	"BillingAccountName",
	"BillingCurrency",
	"BillingPeriodEnd",
	"BillingPeriodStart",
	"ChargeCategory",
	"ChargeClass",
	"ChargeDescription",
	"ChargeFrequency",
	"ChargePeriodEnd",
	"ChargePeriodStart",
	"ConsumedQuantity",
	"ConsumedUnit",
	"ContractedCost",
	"ContractedUnitPrice",
	"EffectiveCost",
	"InvoiceId",
	"InvoiceIssuerName",
	"ListCost",
	"ListUnitPrice",
	"PricingCategory",
	"PricingCurrency",
	"PricingCurrencyContractedUnitPrice",
	"PricingCurrencyEffectiveCost",
	"PricingCurrencyListUnitPrice",
	"PricingQuantity",
	"PricingUnit",
	"ProviderName",
	"PublisherName",
	"RegionId",
	"RegionName",
	"ServiceCategory",
	"ServiceName",
	"ServiceSubcategory",
	"SkuId",
	"SkuMeter",
	"SkuPriceDetails",
	"SkuPriceId",
	"SubAccountId",
	"SubAccountName",
	"Tags",
	NULL,
};

const char *focus_value(const struct focus_row *row, const char *column, char buf[DECIMAL_TEXT_MAX])
{
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		const char *at = (const char *)row + columns[i].at;
		if (strcmp(columns[i].column, column) != 0)
			continue;
		if (strcmp(column, "ServiceCategory") == 0)
			return "AI and Machine Learning";
		if (strcmp(column, "ServiceSubcategory") == 0)
			return "Generative AI";
		/* the cost is never null, also of what has no price: a tax, a credit */
		if (!row->has_pricing_amounts &&
		    strcmp(column, "PricingCurrencyEffectiveCost") == 0)
			return money_total_format(row->effective, buf);
		if (strncmp(column, "PricingCurrency", 15) == 0 && column[15] &&
		    !row->has_pricing_amounts)
			return "";
		switch (columns[i].type) {
		case TEXT_VALUE:
			/* all of them are whole strings */
			return ((const struct text *)(const void *)at)->n
				       ? ((const struct text *)(const void *)at)->p
				       : "";
		case WORD: {
			const char *word;
			memcpy(&word, at, sizeof word);
			return word ? word : "";
		}
		case INSTANT: {
			struct instant t;
			memcpy(&t, at, sizeof t);
			return t.us ? instant_format(t, buf) : "";
		}
		case AMOUNT:
			if (row->has_no_price && strstr(column, "UnitPrice"))
				return "";
			return money_total_format(*(const struct money_total *)(const void *)at,
						  buf);
		case QUANTITY:
			if (!row->has_quantity ||
			    (columns[i].at == offsetof(struct focus_row, consumed_quantity) &&
			     !*row->consumed_unit))
				return "";
			return quantity_format(*(const struct quantity *)(const void *)at, buf);
		}
	}
	return NULL;
}

static bool ends_with(const char *s, const char *end)
{
	const size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool is_figure(const char *column)
{
	return ends_with(column, "Cost") || ends_with(column, "Quantity") ||
	       ends_with(column, "UnitPrice");
}

void focus_put_header(struct buf *out)
{
	for (size_t i = 0; focus_columns[i]; i++)
		buf_printf(out, "%s%s", i ? "," : "", focus_columns[i]);
	buf_puts(out, "\n");
}

void focus_put(struct buf *out, const struct focus_row *row)
{
	char text[DECIMAL_TEXT_MAX];
	for (size_t i = 0; focus_columns[i]; i++) {
		const char *value = focus_value(row, focus_columns[i], text);
		buf_puts(out, i ? "," : "");
		(is_figure(focus_columns[i]) ? csv_put_field : csv_put_text)(out, text_of(value));
	}
	buf_puts(out, "\n");
}
