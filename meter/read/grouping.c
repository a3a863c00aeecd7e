#include "meter/read/grouping.h"

#include <stdio.h>
#include <string.h>

enum { U = GROUPS_OF_USAGE, R = GROUPS_OF_REPLAY, S = GROUPS_OF_SERIES, G = GRAINS_OF_SERIES };
static const struct {
	const char *name;
	unsigned sources;
	enum record_field field;
} key[GROUPING_COUNT] = {
#define X(id, name, sources, field) [id] = { name, sources, field },
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

int groupings_parse(enum grouping out[GROUPING_COUNT], size_t *count, const char *list,
		    enum grouping_source source, struct err *e)
{
	char room[GROUPING_CHOICES_MAX];
	*count = 0;
	while (*list) {
		const struct text word = { list, strcspn(list, ",") };
		enum grouping found;
		if (!grouping_find(&found, usual_name(word), source))
			return err_set(e, ERR_USAGE,
				       ASKED("by") ": no grouping '%.*s'; choose from %s",
				       (int)word.n, word.p, grouping_choices(source, room));
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
