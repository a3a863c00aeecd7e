#include "reports/quota_report.h"

#include <stdio.h>
#include <string.h>

#include "reports/amount.h"
#include "reports/blocks_report.h"
#include "reports/json_out.h"
#include "reports/look.h"
#include "reports/plain.h"
#include "reports/table.h"

void put_percent(struct buf *b, int64_t millionths)
{
	buf_printf(b, "%lld", (long long)(millionths / 10000));
	if (millionths % 10000 / 1000)
		buf_printf(b, ".%lld", (long long)(millionths % 10000 / 1000));
}

/* "claude 5 hours" */
static void quota_title(struct buf *b, const struct quota *q)
{
	const int64_t hours = q->length_us / US_PER_HOUR;
	const char *agent = strcmp(q->provider, "anthropic") == 0 ? "claude"
			    : strcmp(q->provider, "openai") == 0  ? "codex"
								  : q->provider;
	b->n = 0;
	buf_printf(b, "%s", agent);
	if (hours && hours % 24 == 0)
		buf_printf(b, " %s", COUNTED(hours / 24, "day"));
	else if (hours)
		buf_printf(b, " %s", COUNTED(hours, "hour"));
	if (q->limit[0])
		buf_printf(b, " (%s)", q->limit);
}

static const char *speed_words(const struct quota *q, const struct quota_pace *p)
{
	const int64_t ahead = q->used - p->expected, point = QUOTA_WHOLE / 100;
	if (ahead > 12 * point)
		return "far ahead";
	if (ahead > 2 * point)
		return "ahead";
	if (ahead < -12 * point)
		return "far behind";
	return ahead < -2 * point ? "behind" : "even";
}

static void put_outlook(struct buf *b, const struct quota *q, struct instant now)
{
	const struct quota_pace p = quota_pace(q, now);
	char span[32];
	b->n = 0;
	if (quota_is_over(q, now))
		buf_puts(b, "over; the next one is not known yet");
	else if (!p.known)
		buf_puts(b, "not known");
	else if (p.lasts)
		buf_printf(b, "lasts (%s)", speed_words(q, &p));
	else if (p.used_up_us == 0)
		buf_puts(b, "used up");
	else
		buf_printf(b, "used up in %s (%s)", span_words(span, p.used_up_us),
			   speed_words(q, &p));
}

static void put_row(struct table *t, const struct quota_report *r, const struct quota_row *row,
		    struct buf *b)
{
	const struct quota *q = &row->quota;
	char span[32];
	quota_title(b, q);
	table_cell(t, b->p);
	b->n = 0;
	put_percent(b, q->used);
	buf_puts(b, " %");
	table_cell(t, b->p);
	table_cell(t, q->resets_us == TIME_UNKNOWN ? "?"
		      : quota_is_over(q, r->now)   ? "-"
						   : span_words(span, q->resets_us - r->now.us));
	put_outlook(b, q, r->now);
	table_cell(t, b->p);
	if (row->has_worth)
		put_cost(b, &row->worth, r->currency);
	table_cell(t, row->has_worth ? b->p : "");
	const bool enough = row->has_worth && q->used >= QUOTA_ENOUGH;
	if (enough)
		put_count(b, (int64_t)((int128)look_tokens(&row->worth) * (QUOTA_WHOLE / 100) /
				       q->used));
	table_cell(t, enough ? b->p : "");
	b->n = 0;
	buf_printf(b, "%s ago",
		   span_words(span, r->now.us > q->observed_us ? r->now.us - q->observed_us : 0));
	table_cell(t, b->p);
}

void quota_report_table(const struct quota_report *r)
{
	static const struct table_column columns[] = {
		{ "WINDOW" },
		{ "USED", true },
		{ "RESETS IN", true, .leaves = 4 },
		{ "AT THIS PACE" },
		{ "LIST PRICE", true, .money = true, .leaves = 3 },
		{ "TOKENS A %", true, .leaves = 2 },
		{ "SEEN", true, .leaves = 1 },
	};
	struct buf b = { 0 };
	if (r->rows == 0) {
		print_note(
			"no window has been seen yet: let Claude Code pipe its status line through `tally statusline`, or use Codex on this machine");
		return;
	}
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < r->rows; i++)
		put_row(t, r, &r->row[i], &b);
	table_print(t);
	table_close(t);
	print_note(
		"\nList price and tokens are of the calls on this machine; other machines and web clients use the same windows.");
	buf_release(&b);
}

static void put_json_row(struct json_out *j, const struct quota_report *r,
			 const struct quota_row *row)
{
	const struct quota *q = &row->quota;
	const struct quota_pace p = quota_pace(q, r->now);
	json_out_object(j, NULL);
	json_out_string(j, "provider", q->provider);
	json_out_string(j, "limit", q->limit);
	json_out_int(j, "window_minutes", q->length_us / US_PER_SECOND / 60);
	json_out_decimal(j, "used_percent", (struct decimal){ q->used, 4 });
	if (q->resets_us == TIME_UNKNOWN)
		json_out_null(j, "resets_at");
	else
		json_out_instant(j, "resets_at", (struct instant){ q->resets_us });
	json_out_instant(j, "observed_at", (struct instant){ q->observed_us });
	json_out_bool(j, "over", quota_is_over(q, r->now));
	if (p.known) {
		json_out_decimal(j, "expected_percent", (struct decimal){ p.expected, 4 });
		json_out_bool(j, "lasts", p.lasts);
		if (!p.lasts)
			json_out_int(j, "used_up_in_seconds", p.used_up_us / US_PER_SECOND);
	}
	if (row->has_worth) {
		json_out_money(j, "list_price", row->worth.cost);
		json_out_string(j, "currency", r->currency);
		json_out_int(j, "tokens", look_tokens(&row->worth));
		json_out_int(j, "unpriced", row->worth.unpriced);
		json_out_int(j, "placeholders", row->worth.placeholders);
	}
	json_out_end(j, '}');
}

void quota_report_json(const struct quota_report *r)
{
	struct json_out j;
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.quota/1");
	json_out_array(&j, "windows");
	for (size_t i = 0; i < r->rows; i++)
		put_json_row(&j, r, &r->row[i]);
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_close(&j);
}
