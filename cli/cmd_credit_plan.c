#include <string.h>

#include "cli/command.h"
#include "pricing/plan.h"
#include "reports/offer_report.h"
#include "reports/table.h"

static int plan(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = { { "PLAN", false, false },
						       { "RULE", false, false },
						       { "CREDITS PER UNIT", true, false },
						       { "ROUNDING", .leaves = 1 },
						       { "WHAT", .wraps = true } };
	struct table *t;
	int rc = 0;
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		rc = plan_list_put(&j, e);
		json_out_close(&j);
		return rc;
	}
	t = table_open(columns, sizeof columns / sizeof *columns);
	for (const struct shipped_file *s = shipped_plans; rc == 0 && s->name; s++) {
		struct plan_file *f;
		char per[DECIMAL_TEXT_MAX], text[DECIMAL_TEXT_MAX * 2 + 8],
			grouped[DECIMAL_TEXT_MAX * 2];
		rc = plan_file_parse(&f, text_of(s->bytes), s->name, e);
		for (size_t i = 0; rc == 0 && i < plan_file_count(f); i++) {
			const struct plan *p = plan_file_plan(f, i);
			decimal_format(plan_credits_per_unit(p), per);
			table_cell(t, plan_name(p));
			table_cell(t, plan_rule_name(p));
			snprintf(text, sizeof text, "%s / %s", number_grouped(grouped, per),
				 plan_currency(p));
			table_cell(t, text);
			table_cell(t, plan_rounding_text(p));
			table_cell(t, plan_title(p));
		}
		if (rc == 0)
			plan_file_close(f);
	}
	table_print(t);
	table_close(t);
	return rc;
}

const struct command command_credit_plan = {
	.name = "credit plan",
	.place = HELP_CREDITS + 16,
	.summary = "the credit plans that --plan accepts",
	.arguments = "",
	.description = "Lists the shipped plans. A plan is a data file (docs/plan-format.md); "
		       "--plan also takes FILE.json or FILE.json:NAME.",
	.examples = "  tally credit plan\n  tally cost --model deepseek-v4-flash --input 50000 "
		    "--output 5000 --plan vm0-tokens\n",
	.common = 0,
	.run = plan,
};
