#include "reports/offer_report.h"

#include "pricing/plan.h"

static void put_plan(struct json_out *j, const struct plan *p)
{
	char per[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_string(j, "plan", plan_name(p));
	json_out_string(j, "title", plan_title(p));
	json_out_string(j, "rule", plan_rule_name(p));
	json_out_string(j, "currency", plan_currency(p));
	json_out_string(j, "credits_per_unit", decimal_format(plan_credits_per_unit(p), per));
	json_out_string(j, "rounding", plan_rounding_text(p));
	json_out_string(j, "source", plan_source(p));
	json_out_string(j, "note", plan_note(p));
	json_out_end(j, '}');
}

int plan_list_put(struct json_out *j, struct err *e)
{
	int rc = 0;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.credit-plan/1");
	json_out_array(j, "plans");
	for (const struct shipped_file *s = shipped_plans; rc == 0 && s->name; s++) {
		struct plan_file *f;
		rc = plan_file_parse(&f, text_of(s->bytes), s->name, e);
		for (size_t i = 0; rc == 0 && i < plan_file_count(f); i++)
			put_plan(j, plan_file_plan(f, i));
		if (rc == 0)
			plan_file_close(f);
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
	return rc;
}

void offer_list_put(struct json_out *j, const struct offer_list *offers)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.credit-offers/1");
	json_out_array(j, "offers");
	for (size_t i = 0; i < offers->count; i++) {
		const struct offer *o = &offers->offer[i];
		json_out_object(j, NULL);
		json_out_text(j, "offer", o->name);
		json_out_text(j, "title", o->title);
		json_out_text(j, "plan", o->plan);
		json_out_string(j, "price", decimal_format(o->price, text));
		json_out_text(j, "currency", o->currency);
		json_out_string(j, "credits", decimal_format(o->credits, text));
		json_out_text(j, "every", o->every);
		json_out_text(j, "lasts", o->lasts);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}
