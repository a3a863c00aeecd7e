#include "reports/cache_misses.h"

#include "reports/amount.h"

static const struct {
	const char *name, *because; /* because: NULL: it is no news */
} causes[MISSES] = {
	[MISS_COLD] = { "cold_model", "their model had not answered the calls before" },
	[MISS_EXPIRED] = { "expired", "they came too late" },
	[MISS_EVICTED] = { "evicted", "others had taken the room" },
	[MISS_UNREADY] = { "not_settled", "what was written could not be read yet" },
	[MISS_CHANGED] = { "changed_prefix", "the prompt had changed" },
	[MISS_SHORT] = { "too_short", "what is common is too short to be kept" },
	[MISS_UNPAID] = { "not_written", "the client wrote nothing" },
	[MISS_UNSEEN] = { "beyond_lookback", "a mark is not looked for that far back" },
	[MISS_ROUNDED] = { "rounded", NULL },
};

void put_misses(struct json_out *j, const struct misses *m)
{
	json_out_array(j, "misses");
	for (int k = MISS_NONE + 1; k < MISSES; k++) {
		if (!m->calls[k])
			continue;
		json_out_object(j, NULL);
		json_out_string(j, "cause", causes[k].name);
		json_out_int(j, "calls", m->calls[k]);
		json_out_int(j, "tokens", m->tokens[k]);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

void misses_say(struct buf *b, const struct misses *m)
{
	struct buf count = { 0 };
	for (int k = MISS_NONE + 1; k < MISSES; k++) {
		if (!causes[k].because || !m->calls[k])
			continue;
		put_count(&count, m->calls[k]);
		buf_printf(b, "%s %s because %s", b->n ? ";" : "", count.p, causes[k].because);
	}
	buf_release(&count);
}
