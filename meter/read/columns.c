#include "meter/read/columns.h"

#include <string.h>
#include <strings.h>

#include "base/loose.h"

static const struct {
	const char *shape, *name, *reason;
} columns[] = {
#define COLUMN(shape, name, reason) { shape, name, reason },
#include "meter/read/columns.def"
#undef COLUMN
};

bool name_speaks_of_money(struct text name)
{
#define WORD(s) \
	{ \
		s, sizeof(s) - 1 \
	}
	static const struct text words[] = {
		WORD("token"),	  WORD("request"),  WORD("cost"),	 WORD("credit"),
		WORD("speed"),	  WORD("geo"),	    WORD("tier"),	 WORD("batch"),
		WORD("cache"),	  WORD("modality"), WORD("iterations"),	 WORD("details"),
		WORD("traffic"),  WORD("units"),    WORD("performance"), WORD("billed"),
		WORD("billable"), WORD("charged"),  WORD("consumed")
	};
#undef WORD
	/* the second letters of the words that begin with a letter: two tell nearly every place of
	 * a name that none is there, and a log has millions of names */
#define LETTER(c) (UINT32_C(1) << ((c) - 'a'))
	static const uint32_t second[26] = {
		['b' - 'a'] = LETTER('a') | LETTER('i'),
		['c' - 'a'] = LETTER('a') | LETTER('h') | LETTER('o') | LETTER('r'),
		['d' - 'a'] = LETTER('e'),
		['g' - 'a'] = LETTER('e'),
		['i' - 'a'] = LETTER('t'),
		['m' - 'a'] = LETTER('o'),
		['p' - 'a'] = LETTER('e'),
		['r' - 'a'] = LETTER('e'),
		['s' - 'a'] = LETTER('p'),
		['t' - 'a'] = LETTER('i') | LETTER('o') | LETTER('r'),
		['u' - 'a'] = LETTER('n'),
	};
#undef LETTER
	for (size_t i = 0; i + 3 <= name.n; i++) {
		const unsigned a = ((unsigned char)name.p[i] | 0x20) - 'a',
			       b = ((unsigned char)name.p[i + 1] | 0x20) - 'a';
		if (a > 25 || b > 25 || !(second[a] >> b & 1))
			continue;
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			if ((unsigned)*words[k].p - 'a' == a && words[k].n <= name.n - i &&
			    strncasecmp(words[k].p, name.p + i, words[k].n) == 0)
				return true;
	}
	return false;
}

bool value_is_nothing(struct text s)
{
	static const char *const words[] = { "null", "none", "nan", "false", NULL };
	if (text_is_one_of_caseless(s, words))
		return true;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == 'e' || s.p[i] == 'E')
			return i > 0;
		if (s.p[i] != '0' && s.p[i] != '.' && s.p[i] != '-' && s.p[i] != ' ')
			return false;
	}
	return true;
}

bool value_is_price_word(struct text s)
{
#define WORD(word) word,
	static const char *const words[] = { PRICE_WORDS(WORD) NULL };
#undef WORD
	return text_is_one_of_caseless(s, words);
}

bool name_is_naming(struct text s)
{
	static const char *const last[] = { "_id",    "_ids",	 "_name", "_at",      "_date",
					    "_time",  "_ms",	 "_url",  "_path",    "_ip",
					    "_email", "_key",	 "_ns",	  "_seconds", "_iso",
					    " name",  "version", "hash",  "timestamp" };
	/* behind a small letter or none: "userId", and not "paid" */
	static const char *const capital[] = { "Id", "ID", "Name", "Time", "At" };
	static const char *const whole[] = { "id", "latency", "status" };
	for (size_t i = 0; i < sizeof last / sizeof *last; i++)
		if (text_ends_caseless(s, last[i]))
			return true;
	for (size_t i = 0; i < sizeof capital / sizeof *capital; i++) {
		const size_t n = strlen(capital[i]);
		if (s.n >= n && memcmp(s.p + s.n - n, capital[i], n) == 0 &&
		    (s.n == n || s.p[s.n - n - 1] >= 'a' || s.p[s.n - n - 1] == ' '))
			return true;
	}
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		if (s.n == strlen(whole[i]) && text_ends_caseless(s, whole[i]))
			return true;
	return false;
}

/* Whether a word ends before s.p[i] and another begins there: "max_tries", "maxTries". */
static bool is_between(struct text s, size_t i)
{
	return i == 0 || i == s.n || !is_letter(s.p[i - 1]) || !is_letter(s.p[i]) ||
	       (s.p[i] <= 'Z' && s.p[i - 1] >= 'a');
}

static bool has_one_of(struct text s, const char *const *words)
{
	for (; *words; words++) {
		const size_t n = strlen(*words);
		for (size_t i = 0; i + n <= s.n; i++)
			if (is_between(s, i) && is_between(s, i + n) &&
			    strncasecmp(s.p + i, *words, n) == 0)
				return true;
	}
	return false;
}

bool name_is_label(struct text s)
{
	static const char *const words[] = {
#define LABEL(word, reason) word,
#include "meter/read/labels.def"
#undef LABEL
		NULL
	};
	/* of which time and size are billed */
	static const char *const media[] = { "audio", "video", "speech", "voice", "image", NULL };
	/* whoever's they are: "user_prompt", "line_in" */
	static const char *const counted[] = { "input",	    "output",	"prompt",   "completion",
					       "in",	    "out",	"read",	    "write",
					       "sent",	    "received", "response", "answer",
					       "generated", "reply",	NULL };
	if (has_one_of(s, media))
		return name_is_naming(s) && !text_ends_caseless(s, "_seconds");
	if (has_one_of(s, counted))
		return name_is_naming(s);
	return s.n == 0 || name_is_naming(s) || has_one_of(s, words);
}

bool value_may_be_count(struct text s)
{
	bool any = false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) && !(i && (s.p[i] == ',' || s.p[i] == '.')))
			return false;
		any |= s.p[i] >= '1' && s.p[i] <= '9';
	}
	return any;
}

bool fields_lack_counts(uint64_t fields)
{
	const uint64_t total = (uint64_t)1 << FIELD_TOTAL,
		       output = (uint64_t)1 << (FIELD_COUNTS + BUCKET_OUTPUT),
		       prompt = (uint64_t)1 << FIELD_PROMPT |
				(uint64_t)1 << (FIELD_COUNTS + BUCKET_INPUT);
	return !(fields & total) && (!(fields & output) || !(fields & prompt));
}

bool json_is_nothing(json_value *v)
{
	switch (json_kind(v)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		for (json_value *m = json_first(v); m; m = json_next(m))
			if (!json_is_nothing(m))
				return false;
		return true;
	case JSON_BOOL:
		return !json_true(v);
	case JSON_NULL:
		return true;
	default:
		return value_is_nothing(json_number_or_string(v));
	}
}

bool json_may_be_count(json_value *v)
{
	const bool value = json_kind(v) == JSON_NUMBER || json_kind(v) == JSON_STRING;
	return value && value_may_be_count(json_number_or_string(v));
}

static const char *column_reason(const struct shape *s, struct text name)
{
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (text_is(name, columns[i].name) &&
		    (strcmp(columns[i].shape, "*") == 0 ||
		     strcmp(columns[i].shape, s->column ? s->name : "native") == 0))
			return columns[i].reason;
	return NULL;
}

bool column_is_harmless(struct text name)
{
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (text_is(name, columns[i].name) && strcmp(columns[i].shape, "*") == 0)
			return true;
	return false;
}

bool column_is_of_usage(struct text name)
{
	return text_is(name, "aggregate") || text_is(name, "unknown_cost") ||
	       text_is(name, "broken_off");
}

enum record_field column_field(const struct shape *s, const struct field_map *map, size_t map_count,
			       struct text name)
{
	const enum record_field f = shape_field(s, map, map_count, name);
	if (f != FIELD_NONE)
		return f;
	if (column_reason(s, name))
		return s->column ? FIELD_NONE : FIELD_LABEL;
	const bool speaks = name_speaks_of_money(name) || column_is_of_usage(name);
	if (!speaks && (s->column || name_is_naming(name)))
		return FIELD_NONE;
	if (!speaks && name_is_label(name))
		return FIELD_LABEL;
	for (size_t i = 0; i < map_count; i++)
		if (text_is(name, map[i].column))
			return f;
	/* one of our own names, which --map took from another column */
	return record_field_by_name(name) != FIELD_NONE ? FIELD_NONE
	       : speaks					? FIELD_UNKNOWN
							: FIELD_OBSCURE;
}

enum record_field column_field_meant(struct text name)
{
	static const struct {
		const char *word;
		enum record_field field;
	} words[] = {
		{ "timestamp", FIELD_TIME },	{ "ts", FIELD_TIME },
		{ "date", FIELD_TIME },		{ "datetime", FIELD_TIME },
		{ "date_time", FIELD_TIME },	{ "created_at", FIELD_TIME },
		{ "started_at", FIELD_TIME },	{ "start_time", FIELD_TIME },
		{ "model_name", FIELD_MODEL },	{ "session_id", FIELD_SESSION },
		{ "sessionid", FIELD_SESSION }, { "conversation_id", FIELD_SESSION },
	};
	char own[32];
	if (name.n >= sizeof own)
		return FIELD_NONE;
	for (size_t i = 0; i < name.n; i++)
		own[i] = name.p[i] == ' ' || name.p[i] == '-' ? '_'
			 : is_letter(name.p[i])		      ? (char)(name.p[i] | 32)
							      : name.p[i];
	const struct text word = { own, name.n };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_is(word, words[i].word))
			return words[i].field;
	const enum record_field f = record_field_by_name(word);
	/* who writes so may mean a text, an amount or the number of a row */
	return f == FIELD_PROMPT || f == FIELD_TOTAL || f == FIELD_ID ? FIELD_NONE : f;
}

void column_tell(struct buf *out, struct text name)
{
	out->n = 0;
	buf_printf(out, "the column '%.*s' is of no known meaning, and it may be billed",
		   name.n > 100 ? 100 : (int)name.n, name.p);
}

/* A count of tokens somewhere in the value of a key that does not speak of money itself. */
static json_value *find_tokens(json_value *v)
{
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		const bool inner = json_kind(m) == JSON_OBJECT || json_kind(m) == JSON_ARRAY;
		json_value *found = inner ? find_tokens(m) : NULL;
		if (found)
			return found;
		if (json_kind(m) == JSON_NUMBER && json_key(m) && !json_is_nothing(m) &&
		    strcasestr(json_key(m), "token") != NULL)
			return m;
	}
	return NULL;
}

json_value *column_find_lost(json_value *v, uint64_t fields)
{
	json_value *found = NULL;
	for (json_value *m = json_first(v); m && !found; m = json_next(m)) {
		const enum record_field f =
			json_key(m) ? record_field_by_name(text_of(json_key(m))) : FIELD_NONE;
		const bool lost = f >= FIELD_COUNTS && f < FIELD_END && !(fields >> f & 1);
		found = lost && json_kind(m) == JSON_NUMBER && json_may_be_count(m)
				? m
				: column_find_lost(m, fields);
	}
	return found;
}

bool column_judge(struct buf *out, const struct shape *s, json_value *v, enum record_field f)
{
	if ((f == FIELD_UNKNOWN && !json_is_nothing(v)) ||
	    (field_is_unread(f) && value_is_price_word(json_string(v)))) {
		column_tell(out, text_of(json_key(v)));
		return true;
	}
	const bool inner = json_kind(v) == JSON_OBJECT || json_kind(v) == JSON_ARRAY;
	json_value *tokens =
		(f == FIELD_NONE || field_is_unread(f)) && inner ? find_tokens(v) : NULL;
	if (!tokens || column_reason(s, text_of(json_key(tokens))))
		return false;
	column_tell(out, text_of(json_key(tokens)));
	return true;
}

static bool is_day(struct text s)
{
	struct loose_time t;
	return loose_time_parse(&t, s, NULL) == 0 && t.is_day;
}

/* Whether the fine instant lies in the second, or in the day, that the coarse one is written as. */
static bool holds(int64_t coarse, struct text written, int64_t fine)
{
	const int64_t width = is_day(written)		    ? US_PER_DAY
			      : coarse % US_PER_SECOND == 0 ? US_PER_SECOND
							    : 1;
	return fine >= coarse && fine - coarse < width;
}

int column_time_again(struct record *r, const struct named_value *first,
		      const struct named_value *again, enum time_kind time, struct err *e)
{
	struct record other;
	if (!again->value.n || again->kind == VALUE_NULL)
		return 0;
	record_clear(&other);
	if (record_set(&other, FIELD_TIME, again->value, again->kind, time, NULL) != 0)
		return err_set(e, ERR_INVALID,
			       "'%.*s' and '%.*s' may both be the time, and '%.*s' is no instant; "
			       "name the time with " ASKED("map") " time=%.*s",
			       (int)first->name.n, first->name.p, (int)again->name.n, again->name.p,
			       (int)again->value.n, again->value.p, (int)first->name.n,
			       first->name.p);
	if (r->time_us == TIME_ABSENT || holds(r->time_us, first->value, other.time_us)) {
		r->time_us = other.time_us;
		r->present |= other.present;
		return 0;
	}
	if (holds(other.time_us, again->value, r->time_us))
		return 0;
	return err_set(e, ERR_INVALID,
		       "'%.*s' and '%.*s' say different instants; name the time with " ASKED(
			       "map") " time=%.*s",
		       (int)first->name.n, first->name.p, (int)again->name.n, again->name.p,
		       (int)first->name.n, first->name.p);
}

bool column_is_units(const struct shape *s, json_value *v)
{
	return !s->column && strcmp(json_key(v), "units") == 0 && json_kind(v) == JSON_OBJECT;
}

int column_take_units(struct record *r, json_value *units, struct err *e)
{
	int rc = 0;
	for (json_value *v = json_first(units); v && rc == 0; v = json_next(v)) {
		const enum record_field f = record_field_of_unit(text_of(json_key(v)));
		const bool number = json_kind(v) == JSON_NUMBER;
		const struct text n = json_number_or_string(v);
		if (f == FIELD_NONE && text_is(n, "0"))
			continue;
		if (f == FIELD_NONE)
			return err_set(e, ERR_INVALID,
				       "field 'units': a record cannot hold '%s' (%.*s), so its "
				       "fee would be lost; price it with `tally cost --unit`",
				       json_key(v), (int)n.n, n.p ? n.p : "");
		if (r->present >> f & 1)
			return err_set(e, ERR_INVALID, "field '%s' is given twice",
				       record_field_name(f));
		rc = record_set(r, f, n,
				number			      ? VALUE_NUMBER
				: json_kind(v) == JSON_STRING ? VALUE_TEXT
				: json_kind(v) == JSON_NULL   ? VALUE_NULL
							      : VALUE_OTHER,
				TIME_INSTANT, e);
	}
	return rc;
}
