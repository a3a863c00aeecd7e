#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

/* One half of a POSIX rule: the day and local time at which an offset begins. */
struct rule_date {
	enum { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY } kind;
	int month, week, day;
	int32_t time_s;
};

struct zone {
	size_t count;
	int64_t *at_s;	   /* transitions, ascending */
	int32_t *offset_s; /* offset from at_s[i] on */
	int32_t first_offset_s;
	bool has_rule, has_dst;
	int32_t std_s, dst_s;
	struct rule_date dst_from, dst_to;
	struct zone *before; /* what held before `from`; NULL: nothing else did */
	struct instant from;
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const unsigned char *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool take_int(const char **p, int *out)
{
	if (**p < '0' || **p > '9')
		return false;
	int v = 0;
	while (is_digit(**p) && v < 100000)
		v = v * 10 + (*(*p)++ - '0');
	*out = v;
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_hms(const char **p, int32_t *out)
{
	int sign = 1, h, m = 0, s = 0;
	if (**p == '+' || **p == '-')
		sign = *(*p)++ == '-' ? -1 : 1;
	if (!take_int(p, &h))
		return false;
	if (**p == ':') {
		(*p)++;
		if (!take_int(p, &m))
			return false;
		if (**p == ':') {
			(*p)++;
			if (!take_int(p, &s))
				return false;
		}
	}
	if (h > 167 || m > 59 || s > 59)
		return false;
	*out = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool take_abbreviation(const char **p)
{
	const char *start = *p;
	if (**p == '<') {
		while (**p && **p != '>')
			(*p)++;
		return *(*p)++ == '>';
	}
	while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
		(*p)++;
	return *p - start >= 3;
}

static bool take_rule_date(const char **p, struct rule_date *r)
{
	r->time_s = 7200;
	if (**p == 'M') {
		(*p)++;
		r->kind = RULE_WEEKDAY;
		if (!take_int(p, &r->month) || *(*p)++ != '.' || !take_int(p, &r->week) ||
		    *(*p)++ != '.' || !take_int(p, &r->day))
			return false;
		if (r->month < 1 || r->month > 12 || r->week < 1 || r->week > 5 || r->day > 6)
			return false;
	} else {
		r->kind = RULE_DAY;
		if (**p == 'J') {
			(*p)++;
			r->kind = RULE_JULIAN;
		}
		if (!take_int(p, &r->day) || r->day > 365)
			return false;
	}
	if (**p == '/') {
		(*p)++;
		return take_hms(p, &r->time_s);
	}
	return true;
}

/* The TZ string of RFC 8536 section 3.3.1, e.g. "CET-1CEST,M3.5.0,M10.5.0/3". */
static bool parse_rule(struct zone *z, const char *p)
{
	int32_t west;
	if (!take_abbreviation(&p) || !take_hms(&p, &west))
		return false;
	z->std_s = -west;
	if (*p) {
		if (!take_abbreviation(&p))
			return false;
		z->dst_s = z->std_s + 3600;
		if (*p != ',') {
			if (!take_hms(&p, &west))
				return false;
			z->dst_s = -west;
		}
		if (*p++ != ',' || !take_rule_date(&p, &z->dst_from) || *p++ != ',' ||
		    !take_rule_date(&p, &z->dst_to) || *p)
			return false;
		z->has_dst = true;
	}
	z->has_rule = true;
	return true;
}

static bool parse_tzif(struct zone *z, const unsigned char *p, size_t n)
{
	if (n < 44 || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	/* skip the 32-bit block of version 1 */
	size_t isutc = be32(p + 20), isstd = be32(p + 24), leap = be32(p + 28),
	       times = be32(p + 32);
	size_t types = be32(p + 36), chars = be32(p + 40);
	size_t skip = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isutc;
	if (times > n || types > n || chars > n || leap > n || skip > n || n - skip < 44 ||
	    memcmp(p + skip, "TZif", 4) != 0)
		return false;
	p += skip;
	n -= skip;
	isutc = be32(p + 20), isstd = be32(p + 24), leap = be32(p + 28), times = be32(p + 32);
	types = be32(p + 36), chars = be32(p + 40);
	size_t body = times * 9 + types * 6 + chars + leap * 12 + isstd + isutc;
	if (times > n || types == 0 || types > 256 || chars > n || leap > n || body > n - 44)
		return false;
	const unsigned char *at = p + 44, *index = at + times * 8, *type = index + times;
	z->count = times;
	z->at_s = mem_alloc(times * sizeof *z->at_s);
	z->offset_s = mem_alloc(times * sizeof *z->offset_s);
	z->first_offset_s = (int32_t)be32(type);
	for (size_t i = 0; i < times; i++) {
		if (index[i] >= types)
			return false;
		z->at_s[i] = be64(at + i * 8);
		if (i && z->at_s[i] <= z->at_s[i - 1])
			return false;
		z->offset_s[i] = (int32_t)be32(type + index[i] * 6u);
	}
	const char *foot = (const char *)p + 44 + body;
	size_t left = n - 44 - body;
	if (left < 2 || foot[0] != '\n')
		return true;
	const char *stop = memchr(foot + 1, '\n', left - 1);
	if (!stop || stop == foot + 1)
		return true;
	char rule[128];
	size_t len = (size_t)(stop - foot - 1);
	if (len >= sizeof rule)
		return false;
	memcpy(rule, foot + 1, len);
	rule[len] = 0;
	return parse_rule(z, rule);
}

/* "+08:00", "-0330", "+8" */
static bool parse_fixed(struct zone *z, const char *name)
{
	if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 || strcmp(name, "Etc/UTC") == 0)
		return true;
	if (*name != '+' && *name != '-')
		return false;
	int sign = *name == '-' ? -1 : 1, h, m = 0;
	const char *p = name + 1;
	const char *digits = p;
	if (!take_int(&p, &h))
		return false;
	if (p - digits == 4)
		m = h % 100, h /= 100;
	else if (*p == ':') {
		p++;
		if (!take_int(&p, &m))
			return false;
	}
	if (*p || h > 15 || m > 59)
		return false;
	z->first_offset_s = sign * (h * 3600 + m * 60);
	return true;
}

static bool name_is_safe(const char *name)
{
	if (!*name || *name == '/' || strlen(name) > 100 || strstr(name, ".."))
		return false;
	for (const char *p = name; *p; p++) {
		bool ok = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || is_digit(*p) ||
			  strchr("/_+-", *p);
		if (!ok)
			return false;
	}
	return true;
}

/* Of the table of zones the name that one was meant for ("Europe/Berln", "berlin"); empty: none. */
static void nearest_name(char out[ZONE_NAME_MAX], const char *root, const char *name)
{
	char line[512];
	snprintf(line, sizeof line, "%s/zone.tab", root);
	FILE *f = fopen(line, "r");
	const char *slash = strrchr(name, '/');
	struct text_nearest whole = { .typed = text_of(name) },
			    city = { .typed = text_of(slash ? slash + 1 : name) };
	*out = 0;
	while (f && fgets(line, sizeof line, f)) {
		char zone[ZONE_NAME_MAX];
		if (*line == '#' || sscanf(line, "%*s %*s %255s", zone) != 1)
			continue;
		const char *last = strrchr(zone, '/');
		const int before = whole.name.n ? whole.distance : 9;
		text_nearest_try(&whole, text_of(zone));
		bool better = whole.name.n && whole.distance < before;
		if (!whole.name.n && last) {
			const int far = city.name.n ? city.distance : 9;
			text_nearest_try(&city, text_of(last + 1));
			better |= city.name.n && city.distance < far;
		}
		if (better)
			snprintf(out, ZONE_NAME_MAX, "%s", zone);
	}
	if (f)
		fclose(f);
}

static int open_one(struct zone **out, const char *name, struct err *e)
{
	struct zone *z = mem_zalloc(sizeof *z);
	if (parse_fixed(z, name)) {
		*out = z;
		return 0;
	}
	const char *root = getenv("TZDIR");
	char path[512], near[ZONE_NAME_MAX];
	root = root && *root ? root : "/usr/share/zoneinfo";
	snprintf(path, sizeof path, "%s/%s", root, name);
	FILE *f = name_is_safe(name) ? fopen(path, "rb") : NULL;
	if (!f) {
		zone_close(z);
		*near = 0;
		if (e)
			nearest_name(near, root, name);
		return *near ? err_set(e, ERR_NOT_FOUND,
				       "time zone '%s' is not known here; did you mean '%s'?", name,
				       near)
			     : err_set(e, ERR_NOT_FOUND,
				       "time zone '%s' is not known here; write a name such as "
				       "Asia/Shanghai or an offset such as +08:00",
				       name);
	}
	static const size_t room = 1 << 18;
	unsigned char *bytes = mem_alloc(room);
	size_t n = fread(bytes, 1, room, f);
	fclose(f);
	bool ok = n < room && parse_tzif(z, bytes, n);
	free(bytes);
	if (!ok) {
		zone_close(z);
		return err_set(e, ERR_UNREADABLE,
			       "time zone file '%s' is not a TZif file of version 2 or later",
			       path);
	}
	*out = z;
	return 0;
}

/* "America/New_York from 2026-07-01": the name goes to its end at " from ", and the day out. */
static int take_change(char *piece, int64_t *day, struct err *e)
{
	char *from = strstr(piece, " from ");
	struct civil c = { 0 };
	char end;
	if (!from || sscanf(from + 6, "%4d-%2d-%2d%c", &c.year, &c.month, &c.day, &end) != 3 ||
	    strlen(from + 6) != 10 || !civil_valid(c))
		return err_set(e, ERR_INVALID,
			       "time zone '%s': write a change as `ZONE, ZONE from YYYY-MM-DD`",
			       piece);
	*from = 0;
	*day = civil_to_day(c);
	return 0;
}

/* The day of a change begins where it would have begun without it, so that no border moves: what
 * held before ends at the later of the two midnights. */
static int change_zone(struct zone *before, struct zone *z, int64_t day, const char *name,
		       struct err *e)
{
	const struct instant old = zone_midnight(before, day), own = zone_midnight(z, day);
	z->before = before;
	z->from = old.us > own.us ? old : own;
	if (before->before && before->from.us >= z->from.us)
		return err_set(e, ERR_INVALID, "time zone '%s': its changes are not in order",
			       name);
	if (zone_day(before, (struct instant){ z->from.us - 1 }) > day)
		return err_set(e, ERR_INVALID,
			       "time zone '%s': two zones that follow each other are at most a day "
			       "apart",
			       name);
	return 0;
}

int zone_open(struct zone **out, const char *name, struct err *e)
{
	char room[ZONE_NAME_MAX];
	struct zone *all = NULL;
	int rc = 0;
	if (!strstr(name, ", "))
		return open_one(out, name, e);
	if (strlen(name) >= sizeof room)
		return err_set(e, ERR_INVALID, "time zone '%.40s...' is too long", name);
	strcpy(room, name);
	for (char *piece = room, *next; rc == 0 && piece; piece = next) {
		struct zone *z = NULL;
		int64_t day = 0;
		next = strstr(piece, ", ");
		if (next) {
			*next = 0;
			next += 2;
		}
		if (all)
			rc = take_change(piece, &day, e);
		if (rc == 0)
			rc = open_one(&z, piece, e);
		if (rc == 0 && all)
			rc = change_zone(all, z, day, name, e);
		all = z ? z : all;
	}
	if (rc != 0)
		zone_close(all);
	else
		*out = all;
	return rc;
}

void zone_close(struct zone *z)
{
	if (!z)
		return;
	zone_close(z->before);
	free(z->at_s);
	free(z->offset_s);
	free(z);
}

/* UTC second at which rule r takes effect in `year`, given the offset before it. */
static int64_t rule_second(const struct rule_date *r, int year, int32_t offset_before_s)
{
	int64_t day;
	int64_t jan1 = civil_to_day((struct civil){ year, 1, 1 });
	bool leap = civil_valid((struct civil){ year, 2, 29 });
	switch (r->kind) {
	case RULE_JULIAN:
		day = jan1 + r->day - 1 + (leap && r->day >= 60);
		break;
	case RULE_DAY:
		day = jan1 + r->day;
		break;
	default: {
		int64_t first = civil_to_day((struct civil){ year, r->month, 1 });
		/* POSIX counts Sunday as 0 */
		int first_weekday = (weekday_of_day(first) + 1) % 7;
		day = first + (r->day - first_weekday + 7) % 7 + (r->week - 1) * 7;
		while (civil_from_day(day).month != r->month)
			day -= 7;
	}
	}
	return day * 86400 + r->time_s - offset_before_s;
}

int32_t zone_offset(const struct zone *z, struct instant t, struct instant *until)
{
	if (z->before && t.us < z->from.us) {
		const int32_t offset = zone_offset(z->before, t, until);
		if (until && until->us > z->from.us)
			*until = z->from;
		return offset;
	}
	int64_t s = floor_div(t.us, US_PER_SECOND);
	if (until)
		*until = INSTANT_MAX;
	if (z->count && s < z->at_s[z->count - 1]) {
		size_t low = 0, high = z->count; /* first transition after s */
		while (low < high) {
			size_t mid = (low + high) / 2;
			if (z->at_s[mid] <= s)
				low = mid + 1;
			else
				high = mid;
		}
		if (until)
			until->us = z->at_s[low] * US_PER_SECOND;
		return low ? z->offset_s[low - 1] : z->first_offset_s;
	}
	if (!z->has_rule)
		return z->count ? z->offset_s[z->count - 1] : z->first_offset_s;
	if (!z->has_dst)
		return z->std_s;
	/* walk the changes of the surrounding years in order */
	int year = civil_from_day(floor_div(s + z->std_s, 86400)).year;
	int32_t offset = z->std_s;
	int64_t last = INT64_MIN, next = INT64_MAX;
	for (int y = year - 1; y <= year + 1; y++) {
		if (y < 1 || y > 9999)
			continue;
		int64_t on = rule_second(&z->dst_from, y, z->std_s),
			off = rule_second(&z->dst_to, y, z->dst_s);
		if (on <= s && on > last)
			last = on, offset = z->dst_s;
		if (off <= s && off > last)
			last = off, offset = z->std_s;
		if (on > s && on < next)
			next = on;
		if (off > s && off < next)
			next = off;
	}
	if (until && next != INT64_MAX)
		until->us = next * US_PER_SECOND;
	return offset;
}

struct instant zone_instant(const struct zone *z, int64_t local_us)
{
	/* no offset is wider than 15 hours, so this lies before that time anywhere */
	struct instant at = { local_us - 16 * US_PER_HOUR }, next;
	for (;;) {
		int64_t us = local_us - zone_offset(z, at, &next) * US_PER_SECOND;
		if (us < at.us)
			return at; /* skipped */
		if (us < next.us)
			return (struct instant){ us };
		at = next;
	}
}

struct instant zone_midnight(const struct zone *z, int64_t day)
{
	return zone_instant(z, day * US_PER_DAY);
}

int64_t zone_day(const struct zone *z, struct instant t)
{
	return floor_div(t.us + zone_offset(z, t, NULL) * US_PER_SECOND, US_PER_DAY);
}

/* What /etc/localtime links to, below the folder of zones; NULL when that cannot be told. */
static const char *localtime_name(char *room, size_t size)
{
	ssize_t n = readlink("/etc/localtime", room, size - 1);
	if (n <= 0)
		return NULL;
	room[n] = 0;
	const char *folder = strstr(room, "zoneinfo/");
	return folder ? folder + strlen("zoneinfo/") : NULL;
}

const char *zone_local_name(char room[ZONE_NAME_MAX])
{
	const char *name = getenv("TZ");
	if (name && *name == ':')
		name++;
	if (name && *name) {
		const char *folder = strstr(name, "zoneinfo/");
		name = folder ? folder + strlen("zoneinfo/") : name;
	} else {
		name = localtime_name(room, ZONE_NAME_MAX);
	}
	struct zone *z;
	if (!name || zone_open(&z, name, NULL) != 0)
		return "UTC";
	zone_close(z);
	if (strcmp(name, "Etc/UTC") == 0)
		return "UTC";
	if (name != room)
		memmove(room, name, strnlen(name, ZONE_NAME_MAX - 1) + 1);
	room[ZONE_NAME_MAX - 1] = 0;
	return room;
}
