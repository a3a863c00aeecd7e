/* Records that were wrong: they stay, and what reverses or corrects them follows. */
#include "meter/ingest/correct.h"
#include "meter/store/cards.h"
#include "meter/store/rollup.h"
#include "reports/rerate_report.h"
#include "server/action.h"
#include "server/answers.h"

/* Whose record it is, for the trail. */
static int about_record(struct action *a, const char *id, struct err *e)
{
	struct known_id known;
	struct usage_row row;
	int rc = reversal_find(a->c.store, id, &known, &row, &a->arena, e);
	if (rc == 0) {
		a->about = text_of(id);
		a->customer = row.record.text[FIELD_CUSTOMER];
	}
	return rc;
}

static int read_fields(struct action *a, struct amendment *out, struct err *e)
{
	json_value *fields = setting(a->q, "set");
	int rc = 0;
	record_clear(&out->record);
	if (json_kind(fields) != JSON_OBJECT || !json_first(fields))
		return err_set(e, ERR_USAGE,
			       "'set' is an object of new values, such as "
			       "{\"output\": 120}");
	for (json_value *v = json_first(fields); rc == 0 && v; v = json_next(v)) {
		const struct text value = json_number_or_string(v);
		const enum record_field f = record_field_by_name(text_of(json_key(v)));
		if (!value.p || !record_field_is_amendable(f))
			return err_set(e, ERR_USAGE,
				       "'%.60s' cannot be set; what can are fields such as input, "
				       "output, model, customer or time, to a text or a number",
				       json_key(v));
		rc = record_set(&out->record, f, value, VALUE_TEXT, TIME_INSTANT, e);
	}
	return rc;
}

/* What rates the corrected records: the prices of now, as the server's own. */
static struct ingest *open_correction(const struct action *a)
{
	const struct ingest_options o = { .book = a->c.book,
					  .currency = a->o->currency,
					  .by_completion = a->o->by_completion,
					  .ahead_us_most = AHEAD_DAYS_MOST * US_PER_DAY,
					  .behind_us_most = BEHIND_DAYS_MOST * US_PER_DAY };
	return ingest_open(a->c.store, &o, "correction", NULL, NULL);
}

static int amend(struct action *a, struct err *e)
{
	struct amendment x = { .other_cards = action_flag(a, "other_cards") };
	struct ingest *in = NULL;
	const char *id;
	int rc = action_text(a, "id", true, &id, e);
	if (rc == 0)
		rc = action_text(a, "why", true, &x.why, e);
	if (rc == 0)
		rc = read_fields(a, &x, e);
	if (rc == 0)
		rc = about_record(a, id, e);
	if (rc == 0) {
		in = open_correction(a);
		rc = correct_amend(a->c.store, in, id, &x, e);
	}
	ingest_close(in);
	return rc == 0 ? rollup_catch_up(a->c.store, ROLLUP_LAG_MOST, e) : rc;
}

int answer_record_amend(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	return act(r, q, out, "record amend", amend, e);
}

static int void_record(struct action *a, struct err *e)
{
	const char *id, *why;
	int rc = action_text(a, "id", true, &id, e);
	if (rc == 0)
		rc = action_text(a, "why", true, &why, e);
	if (rc == 0)
		rc = about_record(a, id, e);
	if (rc == 0)
		rc = correct_void(a->c.store, id, why, e);
	return rc == 0 ? rollup_catch_up(a->c.store, ROLLUP_LAG_MOST, e) : rc;
}

int answer_record_void(struct reader *r, const struct http_question *q, struct http_reply *out,
		       struct err *e)
{
	return act(r, q, out, "record void", void_record, e);
}

static int read_wish(struct action *a, struct rerate_wish *w, int64_t *expected, struct err *e)
{
	const char *zone;
	*w = (struct rerate_wish){ .since = INSTANT_MIN,
				   .until = INSTANT_MAX,
				   .dry = action_flag(a, "dry_run"),
				   .unprice = action_flag(a, "unprice"),
				   .other_cards = action_flag(a, "other_cards"),
				   .currency = text_of(a->o->currency) };
	int rc = action_text(a, "timezone", false, &zone, e);
	if (rc == 0)
		rc = action_instant(a, "since", zone ? zone : "UTC", &w->since, e);
	if (rc == 0)
		rc = action_instant(a, "until", zone ? zone : "UTC", &w->until, e);
	if (rc == 0)
		rc = action_text(a, "why", !w->dry, &w->why, e);
	return rc == 0 ? action_count(a, "records", -1, INT64_MAX, expected, e) : rc;
}

static int rerate(struct action *a, struct err *e)
{
	struct rerate_result done = { 0 };
	struct rerate_wish wish;
	struct ingest *in = open_correction(a);
	struct buf cards = { 0 };
	struct json_out j;
	int64_t expected;
	int rc = read_wish(a, &wish, &expected, e);
	if (rc == 0)
		rc = cards_differ(a->c.store, a->c.book, &cards, e);
	if (rc == 0)
		rc = correct_rerate(&done, a->c.store, in, &wish, e);
	if (rc == 0 && expected >= 0 && expected != done.records)
		rc = err_set(e, ERR_MISMATCH,
			     "%lld records would be repriced now, not %lld; look again first",
			     (long long)done.records, (long long)expected);
	a->dry = wish.dry || done.records == 0;
	if (rc == 0 && !a->dry)
		rc = rollup_catch_up(a->c.store, ROLLUP_LAG_MOST, e);
	if (rc == 0) {
		json_out_open(&j, NULL);
		rerate_report_put(&j, &done, wish.dry, wish.currency, cards.n ? cards.p : NULL);
		json_out_take(&j, &a->out->body);
	}
	ingest_close(in);
	buf_release(&cards);
	rerate_result_release(&done);
	return rc;
}

int answer_rerate(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	return act(r, q, out, "rerate", rerate, e);
}
