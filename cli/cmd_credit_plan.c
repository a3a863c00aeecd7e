#include <string.h>

#include "cli/command.h"
#include "pricing/plan.h"
#include "reports/json_out.h"
#include "reports/table.h"

static int plan(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = { { "PLAN", false, false },
						       { "RULE", false, false },
						       { "CREDITS PER UNIT", true, false },
						       { "ROUNDING", .leaves = 1 },
						       { "WHAT", .wraps = true } };
	struct json_out j;
	struct table *t = NULL;
	int rc = 0;
	if (cli->json) {
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.credit-plan/1");
		json_out_array(&j, "plans");
	} else {
		t = table_open(columns, sizeof columns / sizeof *columns);
	}
	for (const struct shipped_file *s = shipped_plans; rc == 0 && s->name; s++) {
		struct plan_file *f;
		char per[DECIMAL_TEXT_MAX], text[DECIMAL_TEXT_MAX * 2 + 8],
			grouped[DECIMAL_TEXT_MAX * 2];
		rc = plan_file_parse(&f, text_of(s->bytes), s->name, e);
		for (size_t i = 0; rc == 0 && i < plan_file_count(f); i++) {
			const struct plan *p = plan_file_plan(f, i);
			decimal_format(plan_credits_per_unit(p), per);
			if (cli->json) {
				json_out_object(&j, NULL);
				json_out_string(&j, "plan", plan_name(p));
				json_out_string(&j, "title", plan_title(p));
				json_out_string(&j, "rule", plan_rule_name(p));
				json_out_string(&j, "currency", plan_currency(p));
				json_out_string(&j, "credits_per_unit", per);
				json_out_string(&j, "rounding", plan_rounding_text(p));
				json_out_string(&j, "source", plan_source(p));
				json_out_string(&j, "note", plan_note(p));
				json_out_end(&j, '}');
			} else {
				table_cell(t, plan_name(p));
				table_cell(t, plan_rule_name(p));
				snprintf(text, sizeof text, "%s / %s", number_grouped(grouped, per),
					 plan_currency(p));
				table_cell(t, text);
				table_cell(t, plan_rounding_text(p));
				table_cell(t, plan_title(p));
			}
		}
		if (rc == 0)
			plan_file_close(f);
	}
	if (cli->json) {
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else {
		table_print(t);
		table_close(t);
	}
	return rc;
}

const struct command command_credit_plan = {
	.name = "credit plan",
	.summary = "the credit plans that --plan accepts",
	.arguments = "",
	.description = "Lists the shipped plans. A plan is a data file (docs/plan-format.md); "
		       "--plan also takes FILE.json or FILE.json:NAME.",
	.examples = "  tally credit plan\n  tally cost --model deepseek-v4-flash --input 50000 "
		    "--output 5000 --plan vm0-tokens\n",
	.common = 0,
	.run = plan,
};
