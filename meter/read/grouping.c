#include "meter/read/grouping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is made of times: the day on which a group begins (NULL: at each hour), and how it is
 * written. */
struct time_key {
	int64_t (*first_day)(int64_t day);
	void (*put)(int64_t local, int64_t offset_us, struct buf *b);
};

/* n as that many digits. */
static void put_digits(struct buf *b, int64_t n, int digits)
{
	buf_need(b, (size_t)digits);
	for (int i = digits; i-- > 0; n /= 10)
		b->p[b->n + (size_t)i] = (char)('0' + n % 10);
	b->n += (size_t)digits;
}

static void put_day(int64_t local, int64_t offset_us, struct buf *b)
{
	char text[DAY_TEXT_MAX];
	(void)offset_us;
	buf_puts(b, day_format(floor_div(local, US_PER_DAY), text));
}

static void put_week(int64_t local, int64_t offset_us, struct buf *b)
{
	int year, week = week_of_day(floor_div(local, US_PER_DAY), &year);
	(void)offset_us;
	put_digits(b, year, 4);
	buf_add(b, "-W", 2);
	put_digits(b, week, 2);
}

static void put_month(int64_t local, int64_t offset_us, struct buf *b)
{
	put_day(local, offset_us, b);
	b->n -= 3;
}

static void put_hour(int64_t local, int64_t offset_us, struct buf *b)
{
	const long minutes = (long)(offset_us / US_PER_SECOND / 60);
	put_day(local, offset_us, b);
	buf_printf(b, "T%02d:00",
		   (int)(floor_div(local, US_PER_HOUR) - floor_div(local, US_PER_DAY) * 24));
	if (minutes == 0)
		buf_puts(b, "Z");
	else
		buf_printf(b, "%c%02ld:%02ld", minutes < 0 ? '-' : '+', labs(minutes) / 60,
			   labs(minutes) % 60);
}

static int64_t same_day(int64_t day)
{
	return day;
}

static int64_t monday_of(int64_t day)
{
	return day - weekday_of_day(day);
}

static int64_t first_of_month(int64_t day)
{
	return day - civil_from_day(day).day + 1;
}

static const struct time_key day = { same_day, put_day }, week = { monday_of, put_week },
			     month = { first_of_month, put_month }, hour = { NULL, put_hour };

enum { U = GROUPS_OF_USAGE, R = GROUPS_OF_REPLAY, S = GROUPS_OF_SERIES, G = GRAINS_OF_SERIES };
static const struct {
	const char *name;
	unsigned sources;
	enum record_field field;
	const struct time_key *time;
} key[GROUPING_COUNT] = {
#define X(id, ...) [id] = { __VA_ARGS__ },
	GROUPINGS(X)
#undef X
};

const char *grouping_name(enum grouping g)
{
	return key[g].name;
}

enum record_field grouping_field(enum grouping g)
{
	return key[g].field;
}

bool grouping_is_time(enum grouping g)
{
	return key[g].time != NULL;
}

int32_t grouping_begins(enum grouping g, int64_t local_us)
{
	return (int32_t)(grouping_has_offset(g)
				 ? floor_div(local_us, US_PER_HOUR)
				 : key[g].time->first_day(floor_div(local_us, US_PER_DAY)) * 24);
}

bool grouping_has_offset(enum grouping g)
{
	return !key[g].time->first_day;
}

void grouping_put_time(enum grouping g, int64_t local_us, int64_t offset_us, struct buf *b)
{
	key[g].time->put(local_us, offset_us, b);
}

bool grouping_find(enum grouping *out, struct text name, enum grouping_source source)
{
	for (int g = 0; g < GROUPING_COUNT; g++)
		if (key[g].sources & source && text_is(name, key[g].name)) {
			*out = (enum grouping)g;
			return true;
		}
	return false;
}

const char *grouping_choices(enum grouping_source source, char room[GROUPING_CHOICES_MAX])
{
	size_t n = 0;
	for (int g = 0; g < GROUPING_COUNT; g++)
		if (key[g].sources & source)
			n += (size_t)snprintf(room + n, GROUPING_CHOICES_MAX - n, "%s%s",
					      n ? ", " : "", key[g].name);
	CHECK(n < GROUPING_CHOICES_MAX);
	return room;
}

/* A key as people of such tools type it as well. */
static struct text usual_name(struct text word)
{
	static const char *const also[][2] = {
		{ "daily", "day" },
		{ "weekly", "week" },
		{ "monthly", "month" },
	};
	for (size_t i = 0; i < sizeof also / sizeof *also; i++)
		if (text_is(word, also[i][0]))
			return text_of(also[i][1]);
	return word;
}

/* The key that a word may mean: one like it, or the field that holds what others call so. */
static struct text grouping_near(struct text word, enum grouping_source source)
{
	static const char *const others[][2] = {
		{ "account", "customer" }, { "agent", "workload" },	  { "client", "customer" },
		{ "date", "day" },	   { "repo", "project" },	  { "team", "customer" },
		{ "tenant", "customer" },  { "user", "customer" },	  { "vendor", "provider" },
		{ "folder", "project" },   { "conversation", "session" },
	};
	struct text_nearest x = { .typed = word };
	enum grouping found;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (text_is(word, others[i][0]) &&
		    grouping_find(&found, text_of(others[i][1]), source))
			return text_of(others[i][1]);
	for (int g = 0; g < GROUPING_COUNT; g++)
		if (key[g].sources & source)
			text_nearest_try(&x, text_of(key[g].name));
	return x.name;
}

int groupings_parse(enum grouping out[GROUPING_COUNT], size_t *count, const char *list,
		    enum grouping_source source, struct err *e)
{
	char room[GROUPING_CHOICES_MAX];
	*count = 0;
	while (*list) {
		const struct text word = { list, strcspn(list, ",") };
		enum grouping found;
		if (!grouping_find(&found, usual_name(word), source)) {
			const struct text near = grouping_near(word, source);
			return err_set(e, ERR_USAGE,
				       ASKED("by") ": no grouping '%.*s'; %s%.*s%s from %s",
				       (int)word.n, word.p, near.n ? "did you mean '" : "",
				       (int)near.n, near.n ? near.p : "",
				       near.n ? "'? choose" : "choose",
				       grouping_choices(source, room));
		}
		for (size_t i = 0; i < *count; i++)
			if (out[i] == found)
				return err_set(e, ERR_USAGE, ASKED("by") ": '%.*s' is named twice",
					       (int)word.n, word.p);
		out[(*count)++] = found;
		list += word.n;
		if (*list == ',' && *++list == 0)
			return err_set(e, ERR_USAGE,
				       ASKED("by") ": a grouping is missing after the last comma");
	}
	return 0;
}
