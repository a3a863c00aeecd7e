#include "meter/formats/lower_bound.h"

static const struct log_gap gaps[] = {
#define GAP(...) { __VA_ARGS__ },
#include "meter/formats/gaps.def"
#undef GAP
};

const struct log_gap *log_gap_at(size_t i)
{
	return i < LOG_GAPS ? &gaps[i] : NULL;
}

/* Most differ in their first letter. */
static bool same(struct text a, const char *b)
{
	return a.n && *a.p == *b && text_is(a, b);
}

int log_source_place(struct text shape)
{
	for (int i = 0; i < LOG_GAPS; i++) {
		if (same(shape, gaps[i].shape))
			return 2 * i;
		if (gaps[i].whole && same(shape, gaps[i].whole))
			return 2 * i + 1;
	}
	return -1;
}

void lower_bound_see_place(struct lower_bound *b, int place)
{
	if (place >= 0)
		(place % 2 ? b->whole : b->log)[place / 2] = true;
}

void lower_bound_see(struct lower_bound *b, const char *shape)
{
	lower_bound_see_place(b, log_source_place(text_of(shape)));
}

const char *log_source_shape(int place)
{
	return place % 2 ? gaps[place / 2].whole : gaps[place / 2].shape;
}

bool lower_bound_open(const struct lower_bound *b, size_t i)
{
	return i < LOG_GAPS && b->log[i] && !b->whole[i];
}

bool lower_bound_is_uncertain(const struct lower_bound *b)
{
	for (size_t i = 0; i < LOG_GAPS; i++)
		if (gaps[i].cache_untold && lower_bound_open(b, i))
			return true;
	return false;
}

void lower_bound_add(struct lower_bound *to, const struct lower_bound *more)
{
	for (size_t i = 0; i < LOG_GAPS; i++) {
		to->log[i] |= more->log[i];
		to->whole[i] |= more->whole[i];
	}
	to->placeholders += more->placeholders;
	to->unsaid += more->unsaid;
	to->or_more |= more->or_more;
}
