#include "reports/status_report.h"

#include <stdio.h>

#include "base/zone.h"
#include "meter/check_store.h"
#include "meter/ledger/ledger.h"
#include "meter/store/cards.h"
#include "meter/store/usage_query.h"
#include "reports/amount.h"
#include "reports/lower_bound_report.h"
#include "reports/table.h"

struct status {
	struct store_status st;
	struct usage_result *all;
	int64_t uncovered;
};

static int read_status(struct status *out, struct store *s, struct instant now, struct err *e)
{
	const struct usage_filter filter = { .since = INSTANT_MIN, .until = INSTANT_MAX };
	struct zone *utc = NULL;
	*out = (struct status){ 0 };
	int rc = zone_open(&utc, "UTC", e);
	if (rc == 0)
		rc = store_status(s, now, &out->st, e);
	if (rc == 0)
		rc = usage_query(&out->all, s, &filter, &(struct usage_grouping){ .zone = utc }, e);
	if (rc == 0)
		rc = ledger_all_uncovered(s, &out->uncovered, e);
	zone_close(utc);
	return rc;
}

static bool is_lower_bound(const struct status *x)
{
	const struct usage_sums *t = usage_total(x->all);
	return t->unpriced || t->placeholders || x->uncovered || x->st.quarantined;
}

struct fault_lines {
	struct json_out *json; /* NULL: lines of text */
	size_t count;
};

static int put_fault(void *user, const struct account_fault *f)
{
	struct fault_lines *list = user;
	list->count++;
	if (list->json) {
		json_out_object(list->json, NULL);
		json_out_text(list->json, "customer", f->customer);
		json_out_instant(list->json, "since", f->since);
		json_out_text(list->json, "reason", f->why);
		json_out_end(list->json, '}');
	} else {
		printf("at fault      %.*s: %.*s (tally credit repair %.*s)\n", (int)f->customer.n,
		       f->customer.p, (int)f->why.n, f->why.p, (int)f->customer.n, f->customer.p);
	}
	return 0;
}

/* The cards that rated the records. */
static int put_card(void *user, const struct rated_card *c)
{
	struct fault_lines *list = user;
	char when[INSTANT_TEXT_MAX];
	if (list->json) {
		json_out_object(list->json, NULL);
		json_out_text(list->json, "name", c->name);
		json_out_text(list->json, "kind", c->kind);
		json_out_text(list->json, "checked", c->checked);
		json_out_text(list->json, "sha256", c->sha256);
		json_out_instant(list->json, "since", c->at);
		json_out_int(list->json, "prices", c->prices);
		json_out_end(list->json, '}');
		return 0;
	}
	print_note("%-13s %.*s (%s%s%.*s, sha256 %.12s), since %.10s",
		   list->count++ ? "" : "rated by", (int)c->name.n, c->name.p,
		   text_is(c->kind, "book")   ? "the book"
		   : text_is(c->kind, "file") ? "a card"
					      : "a card of this database",
		   c->checked.n ? " of " : "", (int)c->checked.n, c->checked.n ? c->checked.p : "",
		   c->sha256.n ? c->sha256.p : "?", instant_format(c->at, when));
	return 0;
}

/* When all of the database was checked last, and what was found. */
static void put_check(struct json_out *j, const struct store_status *st)
{
	if (st->checked.us == INSTANT_MIN.us) {
		json_out_null(j, "last_check");
		return;
	}
	json_out_object(j, "last_check");
	json_out_instant(j, "at", st->checked);
	json_out_int(j, "faults", st->check_faults);
	json_out_end(j, '}');
}

static void print_check(const struct store_status *st)
{
	char when[INSTANT_TEXT_MAX];
	if (st->checked.us == INSTANT_MIN.us)
		print_note("last check    none (tally fsck)");
	else if (st->check_faults)
		print_note("last check    %s, %s (tally fsck names them)",
			   instant_format(st->checked, when), COUNTED(st->check_faults, "fault"));
	else
		print_note("last check    %s, clean", instant_format(st->checked, when));
}

int status_report_put(struct json_out *j, struct store *s, struct instant now, bool *lacks,
		      struct err *e)
{
	struct fault_lines faults = { j, 0 };
	struct status x;
	int rc = read_status(&x, s, now, e);
	if (rc == 0) {
		const struct usage_sums *t = usage_total(x.all);
		json_out_object(j, NULL);
		json_out_string(j, "schema", "tally.status/1");
		json_out_string(j, "db", store_path(s));
		json_out_int(j, "rows", x.st.rows);
		json_out_int(j, "records", t->records);
		json_out_string(j, "currency", usage_currency(x.all));
		json_out_money(j, "total", t->cost);
		json_out_int(j, "unpriced", t->unpriced);
		json_out_int(j, "placeholders", t->placeholders);
		json_out_int(j, "uncovered", x.uncovered);
		json_out_int(j, "quarantined", x.st.quarantined);
		json_out_int(j, "conflicts", x.st.conflicts);
		json_out_int(j, "records_last_minute", x.st.last_minute);
		json_out_int(j, "records_last_hour", x.st.last_hour);
		if (x.st.rows)
			json_out_instant(j, "last_record", x.st.last_time);
		else
			json_out_null(j, "last_record");
		if (x.st.rows)
			json_out_instant(j, "last_written", x.st.last_written);
		else
			json_out_null(j, "last_written");
		json_out_int(j, "rollup_lag", x.st.rollup_lag);
		put_check(j, &x.st);
		json_out_int(j, "bytes", x.st.bytes);
		json_out_array(j, "accounts_at_fault");
		rc = ledger_each_fault(s, put_fault, &faults, e);
		json_out_end(j, ']');
		json_out_array(j, "cards");
		if (rc == 0)
			rc = cards_each(s, 0, put_card, &(struct fault_lines){ j, 0 }, e);
		json_out_end(j, ']');
		json_out_end(j, '}');
	}
	if (rc == 0 && lacks)
		*lacks = is_lower_bound(&x) || faults.count;
	usage_result_close(x.all);
	return rc;
}

int status_report_print(struct store *s, struct instant now, bool *lacks, struct err *e)
{
	struct fault_lines faults = { 0 };
	struct status x;
	int rc = read_status(&x, s, now, e);
	if (rc == 0) {
		const struct usage_sums *t = usage_total(x.all);
		char when[INSTANT_TEXT_MAX], written[INSTANT_TEXT_MAX], n[COUNT_WORDS_MAX],
			m[COUNT_WORDS_MAX];
		struct buf b = { 0 };
		print_note("database      %s (%s)", store_path(s),
			   count_words(n, x.st.bytes, "byte"));
		put_count(&b, t->records);
		printf("records       %s", b.p);
		put_shown_cost(&b, t, usage_currency(x.all));
		printf(", %s\n", b.p);
		print_note("rate          %s in the last minute, %s in the last hour",
			   count_words(n, x.st.last_minute, "record"),
			   count_words(m, x.st.last_hour, "record"));
		if (x.st.rows)
			print_note("last record   %s, written %s",
				   instant_format(x.st.last_time, when),
				   instant_format(x.st.last_written, written));
		print_note("unpriced      %s%s", COUNTED(t->unpriced, ""),
			   t->unpriced ? " (tally usage names them)" : "");
		if (t->placeholders > t->unsaid)
			print_note("cut answers   %s with only the output count of the start",
				   COUNTED(t->placeholders - t->unsaid, "record"));
		if (t->unsaid)
			print_note("in part       %s with %s", COUNTED(t->unsaid, "record"),
				   known_part(t->unsaid, t->unsaid));
		if (x.uncovered)
			print_note("uncovered     %s (the plan does not list the model; after "
				   "adding it, run `tally credit draw`)",
				   COUNTED(x.uncovered, ""));
		print_note("quarantine    %s kept, %s%s", COUNTED(x.st.quarantined, ""),
			   count_words(n, x.st.conflicts, "conflict"),
			   x.st.quarantined || x.st.conflicts ? " (tally quarantine list)" : "");
		print_note("rollups       %s behind", count_words(n, x.st.rollup_lag, "row"));
		print_check(&x.st);
		rc = cards_each(s, 0, put_card, &(struct fault_lines){ 0 }, e);
		if (rc == 0)
			rc = ledger_each_fault(s, put_fault, &faults, e);
		buf_release(&b);
	}
	if (rc == 0 && lacks)
		*lacks = is_lower_bound(&x) || faults.count;
	usage_result_close(x.all);
	return rc;
}
