#include "reports/hosting_report.h"

#include <stdio.h>

#include "reports/amount.h"
#include "reports/table.h"

/* a x b / c, rounded down, or up; divided first where the product does not fit. */
static int128 part_of(int128 a, int128 b, int128 c, bool up)
{
	int128 product;
	if (__builtin_mul_overflow(a, b, &product))
		return a / c * b;
	return product / c + (up && product % c);
}

static int64_t calls(int128 n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* What so many replica hours could work, in microseconds. */
static int128 capacity_us(int64_t replica_hours)
{
	return (int128)replica_hours * US_PER_HOUR;
}

static struct money_total rent_of(const struct whatif_model *m, int64_t replica_hours)
{
	return (struct money_total){ (int128)m->hosting->gpu_hour.pico * m->hosting->gpus *
				     replica_hours * 1000000 };
}

/* So many calls like these, rounded down, are all that the machines can answer. */
static int128 calls_at_most(const struct whatif_model *m, int64_t replica_hours)
{
	return part_of(capacity_us(replica_hours), m->records, m->hosted.busy_us, false);
}

/* So many calls like these, rounded up, cost at the vendor what the machines do. */
static int128 calls_of_rent(const struct whatif_model *m, int64_t replica_hours)
{
	return part_of(rent_of(m, replica_hours).atto, m->records, m->at_vendor.atto, true);
}

static bool is_comparable(const struct whatif_model *m)
{
	return m->at_vendor.atto > 0 && !m->vendor_unpriced && m->hosted.busy_us > 0;
}

/* Whether a full machine costs less than the vendor: beyond its calls it takes another machine. */
static bool breaks_even(const struct whatif_model *m, int64_t replica_hours)
{
	return is_comparable(m) &&
	       calls_of_rent(m, replica_hours) <= calls_at_most(m, replica_hours);
}

static void put_ratio(struct json_out *j, const char *key, int128 a, int128 b)
{
	char text[DECIMAL_TEXT_MAX];
	if (b && ratio_format(a, b, 6, text))
		json_out_string(j, key, text);
	else
		json_out_null(j, key);
}

/* Seconds with every digit. */
static void put_seconds(struct json_out *j, const char *key, int64_t us)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_string(j, key, decimal_format((struct decimal){ us, 6 }, text));
}

static void put_spread(struct json_out *j, const char *key, const struct span_spread *s)
{
	json_out_object(j, key);
	put_seconds(j, "mean", s->mean);
	put_seconds(j, "0.5", s->median);
	put_seconds(j, "0.95", s->most_of_20);
	put_seconds(j, "longest", s->longest);
	json_out_end(j, '}');
}

/* Of 1, 2, 3.. replicas all the time: what they cost, hold and replace. */
static void put_curve(struct json_out *j, const struct whatif_model *m)
{
	const int64_t most = m->hosted.replicas * 2 < 4	   ? 4
			     : m->hosted.replicas * 2 > 16 ? 16
							   : m->hosted.replicas * 2;
	json_out_array(j, "curve");
	for (int64_t k = 1; k <= most; k++) {
		const int64_t hours = k * m->hosted.hours;
		json_out_object(j, NULL);
		json_out_int(j, "replicas", k);
		json_out_money(j, "cost", rent_of(m, hours));
		json_out_int(j, "calls_at_most", calls(calls_at_most(m, hours)));
		json_out_money(j, "full_at_vendor_price",
			       (struct money_total){ part_of(m->at_vendor.atto, capacity_us(hours),
							     m->hosted.busy_us, false) });
		if (breaks_even(m, hours))
			json_out_int(j, "break_even_calls", calls(calls_of_rent(m, hours)));
		else
			json_out_null(j, "break_even_calls");
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

/* What a million tokens, prompt and answer, come to: as paid, and were the machines full. */
static void put_per_million(struct json_out *j, const struct whatif_model *m)
{
	const struct hosted *h = &m->hosted;
	const int128 rent = rent_of(m, h->replica_hours).atto;
	int128 tokens = 0;
	for (int b = 0; b <= BUCKET_OUTPUT; b++)
		tokens += m->tokens[b];
	if (tokens == 0 || h->busy_us == 0)
		return;
	const int128 paid = part_of(rent, 1000000, tokens, false);
	json_out_money(j, "per_million_tokens", (struct money_total){ paid });
	json_out_money(j, "per_million_tokens_full",
		       (struct money_total){
			       part_of(paid, h->busy_us, capacity_us(h->replica_hours), false) });
}

void hosting_report_put(struct json_out *j, const struct whatif_model *m)
{
	const struct hosted *h = &m->hosted;
	json_out_object(j, "self_hosted");
	json_out_int(j, "hours", h->hours);
	json_out_int(j, "replicas", h->replicas);
	json_out_int(j, "gpus", h->replicas * m->hosting->gpus);
	put_ratio(j, "busy_ratio", h->busy_us, capacity_us(h->replica_hours));
	json_out_money(j, "at_vendor_price", m->at_vendor);
	if (m->vendor_unpriced)
		json_out_int(j, "vendor_unpriced", m->vendor_unpriced);
	if (h->busy_us > 0)
		json_out_int(j, "calls_at_most", calls(calls_at_most(m, h->replica_hours)));
	if (breaks_even(m, h->replica_hours)) {
		put_ratio(j, "break_even_volume", rent_of(m, h->replica_hours).atto,
			  m->at_vendor.atto);
		json_out_int(j, "break_even_calls", calls(calls_of_rent(m, h->replica_hours)));
	} else if (is_comparable(m)) {
		json_out_null(j, "break_even_volume");
		json_out_null(j, "break_even_calls");
	}
	json_out_int(j, "replica_hours", h->replica_hours);
	put_per_million(j, m);
	put_spread(j, "wait_seconds", &h->wait);
	put_spread(j, "answer_seconds", &h->answer);
	if (is_comparable(m)) {
		/* of a machine, so busy that it costs what the vendor asks */
		if (breaks_even(m, h->hours))
			put_ratio(j, "break_even_busy_ratio",
				  part_of(rent_of(m, h->hours).atto, m->hosted.busy_us,
					  capacity_us(h->hours), false),
				  m->at_vendor.atto);
		else
			json_out_null(j, "break_even_busy_ratio");
		put_curve(j, m);
	}
	if (m->hosting->gpu_source)
		json_out_string(j, "gpu_source", m->hosting->gpu_source);
	if (m->hosting->rate_source)
		json_out_string(j, "throughput_source", m->hosting->rate_source);
	json_out_end(j, '}');
}

/* Seconds with one decimal, for people. */
static const char *seconds(int64_t us, char text[DECIMAL_TEXT_MAX])
{
	bool cut;
	return decimal_format(decimal_round_places((struct decimal){ us, 6 }, 1, &cut), text);
}

static void put_break_even(struct buf *line, const struct whatif_model *m, const char *currency,
			   struct buf *b)
{
	char text[DECIMAL_TEXT_MAX];
	if (m->vendor_unpriced) {
		put_count(b, m->vendor_unpriced);
		buf_printf(line, "; what the vendor would ask is not known of %s of the calls",
			   b->p);
	}
	if (!is_comparable(m))
		return;
	put_short_money(b, m->at_vendor, currency, EXACTLY);
	buf_printf(line, "; the vendor would ask %s", b->p);
	if (breaks_even(m, m->hosted.replica_hours)) {
		ratio_format(rent_of(m, m->hosted.replica_hours).atto, m->at_vendor.atto, 1, text);
		buf_printf(line, ", and as much at %s (%s times this work)",
			   COUNTED(calls(calls_of_rent(m, m->hosted.replica_hours)), "call"), text);
	} else {
		buf_printf(line,
			   ", and less than the machines at every volume that they can answer (%s)",
			   COUNTED(calls(calls_at_most(m, m->hosted.replica_hours)), "call"));
	}
}

void hosting_report_print(const char *name, const struct whatif_model *m, const char *currency)
{
	const struct hosted *h = &m->hosted;
	char text[4][DECIMAL_TEXT_MAX];
	struct buf b = { 0 }, line = { 0 };
	percent_text(h->busy_us, capacity_us(h->replica_hours), text[0]);
	buf_printf(&line, "%.*s on %s for %s, %s busy", (int)m->model.n, m->model.p,
		   COUNTED(h->replicas * m->hosting->gpus, "GPU"), COUNTED(h->hours, "hour"),
		   text[0]);
	if (h->replica_hours != h->hours * h->replicas) {
		put_count(&b, h->replica_hours);
		buf_printf(&line, " (%s replica hours)", b.p);
	}
	put_break_even(&line, m, currency, &b);
	print_note("  %s: %s", name, line.p);
	buf_release(&line);
	print_note("  %s: a call waits %s s in the middle, %s s at most and is answered after %s "
		   "s, 19 of 20 within %s s",
		   name, seconds(h->wait.median, text[0]), seconds(h->wait.longest, text[1]),
		   seconds(h->answer.median, text[2]), seconds(h->answer.most_of_20, text[3]));
	if (m->hosting->gpu_source || m->hosting->rate_source)
		print_note("  %s: price of the GPUs: %s; speed: %s", name,
			   m->hosting->gpu_source ? m->hosting->gpu_source : "yours",
			   m->hosting->rate_source ? m->hosting->rate_source : "yours");
	buf_release(&b);
}
