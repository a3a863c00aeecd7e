#include "reports/lower_bound_report.h"

#include "reports/plain.h"
#include "reports/table.h"

static bool says_anything(const struct lower_bound *b)
{
	bool any = b->placeholders != 0;
	for (size_t i = 0; i < LOG_GAPS; i++)
		any |= lower_bound_open(b, i);
	return any;
}

const char *known_part(int64_t placeholders, int64_t unsaid)
{
	return unsaid == 0 ? "only the output count of the answer's start, cache writes "
			     "without how long they stay, an answer that may be sound, "
			     "pictures or films, or not all that was billed"
	       : unsaid < placeholders
		       ? "only a part of what is billed (an answer's start, cache writes without "
			 "how long they stay, or no region or size of search where the price "
			 "depends on it)"
		       : "no region or size of search where the price depends on it";
}

void put_lower_bound(struct json_out *j, const struct lower_bound *b)
{
	if (!says_anything(b))
		return;
	json_out_object(j, "lower_bound");
	json_out_int(j, "placeholders", b->placeholders);
	json_out_int(j, "unsaid", b->unsaid);
	if (b->or_more)
		json_out_bool(j, "placeholders_or_more", true);
	json_out_array(j, "left_out");
	for (size_t i = 0; i < LOG_GAPS; i++) {
		if (!lower_bound_open(b, i))
			continue;
		json_out_object(j, NULL);
		json_out_string(j, "agent", log_gap_at(i)->agent);
		json_out_string(j, "calls", log_gap_at(i)->left_out);
		json_out_string(j, "completed_by", log_gap_at(i)->completed_by);
		if (log_gap_at(i)->cache_untold)
			json_out_bool(j, "cache_untold", true);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}

void put_log_gap(struct buf *b, struct text agent, struct text left_out, struct text completed_by,
		 bool untold)
{
	buf_printf(b,
		   untold ? "rows of %.*s do not tell %.*s: they are counted as if nothing was, so "
			    "totals may be too high or too low; %.*s tells it"
			  : "logs of %.*s leave out %.*s; %.*s has them",
		   (int)agent.n, agent.p, (int)left_out.n, left_out.p, (int)completed_by.n,
		   completed_by.p);
}

int print_lower_bound(const struct lower_bound *b)
{
	int lines = 0;
	struct buf said = { 0 };
	const long long starts = b->placeholders - b->unsaid;
	if (b->unsaid) {
		print_note(
			"%s%s %s not tell what the price depends on (a region, a size of search), "
			"so totals are lower bounds; `tally cost` says it of a model",
			COUNTED(b->unsaid, "call"), b->or_more ? " or more" : "",
			b->unsaid == 1 ? "does" : "do");
		lines++;
	}
	if (starts > 0) {
		print_note("%s%s %s only the output count of the answer's start, cache writes "
			   "without how long they stay, an answer that may be sound, pictures or "
			   "films, or not all that was billed, so totals are lower bounds",
			   COUNTED(starts, "call"), b->or_more ? " or more" : "",
			   starts == 1 ? "has" : "have");
		lines++;
	}
	for (size_t i = 0; i < LOG_GAPS; i++) {
		const struct log_gap *g = log_gap_at(i);
		if (!lower_bound_open(b, i))
			continue;
		said.n = 0;
		put_log_gap(&said, text_of(g->agent), text_of(g->left_out),
			    text_of(g->completed_by), g->cache_untold);
		print_note("%s", said.p);
		lines++;
	}
	buf_release(&said);
	return lines;
}
