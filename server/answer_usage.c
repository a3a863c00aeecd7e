/* What was used: by groups, and over time. */
#include "meter/ledger/ledger.h"
#include "reports/series.h"
#include "reports/usage_report.h"
#include "server/answers.h"

int answer_usage(struct reader *r, const struct http_question *q, struct http_reply *out,
		 struct err *e)
{
	enum grouping dim[GROUPING_COUNT];
	struct usage_report report = { .dim = dim };
	struct usage_filter filter;
	struct usage_result *result = NULL;
	struct zone *zone = NULL;
	const char *by = q->parameter(q, "by");
	int rc = question_zone(q, &zone, &report.timezone, e);
	if (rc == 0)
		rc = question_filter(q, zone, &filter, e);
	if (rc == 0)
		rc = groupings_parse(dim, &report.dim_count, by ? by : "", GROUPS_OF_USAGE, e);
	if (rc == 0)
		rc = usage_query(&result, r->store, &filter,
				 &(struct usage_grouping){ dim, report.dim_count, zone }, e);
	if (rc == 0)
		rc = ledger_all_uncovered(r->store, &report.uncovered, e);
	if (rc == 0)
		rc = price_dates_of(&report.dates, r->store, r->book, &filter, e);
	if (rc == 0)
		rc = stood_in_of(&report.stand_ins, r->store, &filter, e);
	if (rc == 0)
		rc = moving_names_of(&report.moving, r->store, r->book, &filter, e);
	if (rc == 0) {
		struct json_out j;
		report.result = result;
		report.bound = usage_lower_bound(result);
		json_out_open(&j, NULL);
		usage_report_put(&j, &report);
		json_out_take(&j, &out->body);
	}
	usage_result_close(result);
	zone_close(zone);
	return rc;
}

int answer_series(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	struct zone *zone = NULL;
	struct series_question s = { .now = r->now };
	int rc = question_zone(q, &zone, &s.timezone, e);
	s.zone = zone;
	if (rc == 0)
		rc = question_filter(q, zone, &s.filter, e);
	if (rc == 0)
		rc = series_measure_parse(&s.measure, q->parameter(q, "measure"), e);
	if (rc == 0)
		rc = series_grain_parse(&s.grain, q->parameter(q, "grain"), e);
	if (rc == 0)
		rc = series_by_parse(&s, q->parameter(q, "by"), e);
	if (rc == 0)
		rc = question_count(q, "top", SERIES_TOP_DEFAULT, SERIES_TOP_MOST, &s.top, e);
	if (rc == 0)
		rc = db_begin_reading(store_db(r->store), e);
	if (rc == 0)
		rc = series_put(&out->body, r->store, &s, e);
	zone_close(zone);
	return rc;
}
