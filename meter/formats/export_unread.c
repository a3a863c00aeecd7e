/*
 * What the registry of exports does not list: the set of columns is closed, so that a vendor's new
 * or renamed column never changes a total in silence.
 */
#include <string.h>
#include <strings.h>

#include "meter/formats/payload_run.h"
#include "meter/read/columns.h"

enum { PATH_ROOM = 200, DEPTH_MOST = 6 };

/* What the name of a key says of its value. */
enum name_says {
	SAYS_KNOWN = 1, /* the registry lists it */
	SAYS_MONEY,
	SAYS_NAMING, /* a name, a time or an address */
	SAYS_NOTHING,
};

/* Whether one of the words of the name, as "_", blanks and capitals part them, begins so. */
static bool has_word(struct text s, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= s.n; i++) {
		const unsigned char before = i ? (unsigned char)s.p[i - 1] : '_';
		const bool letter = (before | 32) >= 'a' && (before | 32) <= 'z';
		const bool capital = s.p[i] >= 'A' && s.p[i] <= 'Z' && before >= 'a';
		if ((!letter || capital) && strncasecmp(s.p + i, word, n) == 0)
			return true;
	}
	return false;
}

static bool speaks(struct text s)
{
	static const char *const words[] = { "region", "price",	    "amount", "spend",
					     "fee ",   "fees",	    "tax",    "discount",
					     "charge", "usd",	    "flex",   "priority",
					     "fast",   "surcharge", "markup", "uplift",
					     "rebate", "vat",	    "refund", "balance" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (has_word(s, words[i]))
			return true;
	return text_ends_caseless(s, "fee");
}

/* Names of what parts a bucket of time, so that rows of one key may be of different hours. */
static bool parts_time(struct text s)
{
	static const char *const words[] = { "hour",   "minute",     "interval", "granularity",
					     "bucket", "resolution", "period",	 "week" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (has_word(s, words[i]))
			return true;
	return false;
}

/* What counts are in, when it is not one: "1K tokens". */
static bool is_other_unit(struct text name, struct text value)
{
	static const char *const ones[] = { "token",  "tokens", "request", "requests", "count",
					    "counts", "call",	"calls",   "1 token",  "1",
					    "usd",    "$",	NULL };
	return (has_word(name, "unit") || has_word(name, "uom")) &&
	       !text_is_one_of_caseless(value, ones);
}

/* Whether a value is the code of a currency that costs are not in. */
static bool is_other_currency(const struct export_format *f, json_value *v)
{
	const struct text s = json_string(v);
	bool costs = false, says = false;
	for (const struct export_column *c = f->column; c->name; c++) {
		costs |= c->role == ROLE_COST;
		says |= c->role == ROLE_CURRENCY;
	}
	return costs && !says && s.n == 3 && s.p[0] <= 'Z' && loose_is_currency(s) &&
	       strncasecmp(s.p, "USD", 3) != 0;
}

/* A zone beside times that state none, which are read as UTC. */
static bool is_other_zone(const struct export_format *f, struct text name, struct text value,
			  json_value *row, json_value *item)
{
	static const char *const names[] = { "timezone", "time_zone",  "time zone",
					     "tz",	 "utc_offset", "utcoffset" };
	static const char *const utc[] = { "utc",    "gmt", "z",     "etc/utc",
					   "+00:00", "0",   "utc+0", NULL };
	bool is_zone = false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		is_zone |= has_word(name, names[i]);
	is_zone &= !text_is_one_of_caseless(value, utc);
	for (const struct export_column *c = f->column; is_zone && c->name; c++) {
		json_value *at = c->role == ROLE_START ? export_value(row, item, c->name) : NULL;
		const struct text s = json_string(at);
		struct loose_time t;
		if (s.n && loose_time_parse(&t, s, NULL) == 0)
			return !t.has_offset && !text_ends_caseless(s, "Z") &&
			       !text_ends_caseless(s, "UTC");
	}
	return false;
}

static enum name_says judge_name(const struct export_format *f, struct text path)
{
	if (export_is_known(f, path))
		return SAYS_KNOWN;
	/* whatever its name, a word for a price in it is none of its own */
	if (column_is_harmless(path))
		return SAYS_NAMING;
	if (f->kind == EXPORT_BUCKETS && parts_time(path))
		return SAYS_MONEY;
	if (f->general ? name_is_label(path) : name_is_naming(path))
		return SAYS_NAMING;
	if (speaks(path))
		return SAYS_MONEY;
	/* rows that are documents have a table of their own for what counts tokens */
	return !f->as_json && (name_speaks_of_money(path) || text_ends_caseless(path, "mode"))
		       ? SAYS_MONEY
		       : SAYS_NOTHING;
}

static enum name_says name_says(struct payload_reader *r, const struct export_format *f,
				struct text path)
{
	if (r->names_of != f)
		dict_clear(&r->names);
	r->names_of = f;
	uint64_t *at = dict_need(&r->names, path, NULL);
	if (!*at)
		*at = judge_name(f, path);
	return (enum name_says) * at;
}

/* Whether the value is what a meaning without a column would have. */
static bool may_be_missing(const struct export_format *f, const struct export_seen *seen,
			   struct text s)
{
	static const char *const yes[] = { "true", "yes", NULL };
	static const char *const places[] = { "us", "eu", "jp", "apac", NULL };
	static const char *const charged[] = { "included", "on-demand", "usage-based", NULL };
	/* a table of one's own has what columns it has */
	for (const struct export_column *c = f->column; !f->general && c->name; c++) {
		if (seen->role[c->role] || c->optional)
			continue;
		const bool count =
			c->role == ROLE_REQUESTS || c->role == ROLE_AMOUNT || c->role >= ROLE_COUNT;
		if ((count && value_may_be_count(s)) ||
		    (c->role == ROLE_BATCH && text_is_one_of_caseless(s, yes)) ||
		    ((c->role == ROLE_FLAG || c->role == ROLE_SUCCESS) &&
		     text_is_one_of_caseless(s, yes)) ||
		    (c->role == ROLE_GEO && text_is_one_of_caseless(s, places)) ||
		    (c->role == ROLE_UNCHARGED &&
		     (text_is_one_of_caseless(s, charged) || text_ends_caseless(s, "charged"))))
			return true;
	}
	return false;
}

static bool judge_value(enum name_says name, const struct export_format *f,
			const struct export_seen *seen, json_value *v)
{
	struct text s = json_kind(v) != JSON_BOOL ? json_number_or_string(v)
			: json_true(v)		  ? TEXT("true")
						  : TEXT("");
	if (name == SAYS_KNOWN || json_is_nothing(v))
		return false;
	if (value_is_price_word(s) || name == SAYS_MONEY)
		return true;
	return name == SAYS_NOTHING && may_be_missing(f, seen, s);
}

/* One walk through a row. */
struct look {
	struct payload_reader *r;
	const struct export_format *f;
	const struct export_seen *seen;
	json_value *row, *item; /* of a document; NULL: a row of a table */
	json_value *of;		/* the row, of either */
	char path[PATH_ROOM];
};

/* In a table of one's own, whose columns nobody publishes, a number may be a count of anything. */
static bool is_doubtful(enum name_says name, const struct export_format *f, json_value *v)
{
	return (name != SAYS_KNOWN && is_other_currency(f, v)) ||
	       (f->general && name == SAYS_NOTHING && json_may_be_count(v));
}

/* What a value says of all others of its row, in a column that nobody reads. */
static bool is_of_others(struct look *l, enum name_says name, struct text path, json_value *v)
{
	const struct text s = json_string(v);
	return name != SAYS_KNOWN && s.n &&
	       (is_other_unit(path, s) || is_other_zone(l->f, path, s, l->of, l->item));
}

/* Leaves in path what is found. */
static bool look_into(struct look *l, json_value *v, size_t at, int depth)
{
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		const char *key = json_key(m) ? json_key(m) : "";
		const size_t n = strlen(key), dot = at && n;
		if (at + dot + n + 1 > PATH_ROOM)
			continue;
		memcpy(l->path + at, ".", dot);
		memcpy(l->path + at + dot, key, n + 1);
		const struct text path = { l->path, at + dot + n };
		const bool inner = json_kind(m) == JSON_OBJECT || json_kind(m) == JSON_ARRAY;
		const enum name_says says = name_says(l->r, l->f, path);
		const bool skip = inner && says == SAYS_KNOWN && !export_looks_into(l->f, path);
		if (inner && !skip && depth < DEPTH_MOST && look_into(l, m, path.n, depth + 1))
			return true;
		if (!inner &&
		    (judge_value(says, l->f, l->seen, m) || is_of_others(l, says, path, m) ||
		     (l->row && !json_is_nothing(m) &&
		      (says == SAYS_KNOWN ? export_is_elsewhere(l->f, path, l->row, l->item)
					  : export_looks_into(l->f, path)))))
			return true;
		if (!inner && is_doubtful(says, l->f, m))
			doubts_add_column(&l->r->doubts, path);
		l->path[at] = 0;
	}
	return false;
}

void export_see(struct export_seen *seen, const struct export_format *f, struct text name)
{
	for (const struct export_column *c = f->column; c->name; c++)
		seen->role[c->role] |= export_is_named(name, c->name);
}

/* What a row counts, and its document. */
static void see_row(struct export_seen *seen, const struct export_format *f, json_value *row,
		    json_value *item)
{
	for (const struct export_column *c = f->column; c->name; c++)
		seen->role[c->role] |= export_value(row, item, c->name) != NULL;
}

void export_see_document(struct payload_reader *r, const struct export_format *f, json_value *items)
{
	const bool list = json_kind(items) == JSON_ARRAY;
	r->document_seen = (struct export_seen){ 0 };
	for (json_value *item = list ? json_first(items) : items; item;
	     item = list ? json_next(item) : NULL) {
		json_value *row = json_first(export_rows_in(f, item));
		if (!row)
			see_row(&r->document_seen, f, item, NULL);
		for (; row; row = json_next(row))
			see_row(&r->document_seen, f, row, item);
	}
}

/* A count that other rows of the document have; NULL: none is missing. */
static const char *missing_count(const struct payload_reader *r, const struct export_format *f,
				 const struct export_seen *of_row)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if ((c->role == ROLE_REQUESTS || c->role >= ROLE_COUNT) && !c->optional &&
		    r->document_seen.role[c->role] && !of_row->role[c->role])
			return c->name;
	return NULL;
}

void export_judge_document(struct payload_reader *r, struct metered *m, json_value *v)
{
	const struct export_format *f =
		m->unread || r->unread_row ? NULL : export_of_document(v, EXPORT_AS_ANY);
	if (f && f->as_json)
		m->unread = export_unread(r, f, NULL, v, NULL);
}

/* "2026-06-15": a day, of which no hour is said. */
static bool is_day(struct text s)
{
	struct loose_time t;
	return s.n && loose_time_parse(&t, s, NULL) == 0 && t.is_day;
}

/* A cost that the readers of documents do not keep: what is given back, or in another currency. */
static bool is_no_charge(struct text s)
{
	struct decimal d;
	int places;
	char code[4];
	return loose_number(&d, &places, s, false, NULL) == 0 && d.digits != 0 &&
	       (d.digits < 0 || (loose_currency(code, s) && strcmp(code, "USD") != 0));
}

/* What is read of a call, and says less than it seems: days without hours in an export of instants,
 * costs that are none in dollars. */
static void judge_call(struct payload_reader *r, const struct export_format *f, json_value *row)
{
	for (const struct export_column *c = f->column; c->name; c++) {
		const struct text s =
			c->role == ROLE_START || (f->as_json && c->role == ROLE_COST)
				? json_number_or_string(export_value(row, NULL, c->name))
				: (struct text){ 0 };
		if (s.n && c->role == ROLE_START ? is_day(s) : is_no_charge(s))
			doubts_add_reading(&r->doubts, c->name,
					   c->role == ROLE_START ? DOUBT_DAYS : DOUBT_NO_CHARGE);
	}
}

const char *export_unread(struct payload_reader *r, const struct export_format *f,
			  const struct export_seen *seen, json_value *row, json_value *item)
{
	struct export_seen of_row = { 0 };
	if (f->kind == EXPORT_CALLS && !f->general)
		judge_call(r, f, row);
	if (!seen)
		see_row(&of_row, f, row, item);
	const char *missing = seen || f->as_json ? NULL : missing_count(r, f, &of_row);
	if (missing)
		return arena_printf(&r->arena,
				    "the row has no '%s', which other rows of its document have",
				    missing);
	of_row.role[ROLE_MODEL] |= f->key && item;
	/* a table of one's own may leave the model to the question */
	if (!f->general && !(seen ? seen : &of_row)->role[ROLE_MODEL])
		return "no column of its export names the model";
	struct look l = { .r = r,
			  .f = f,
			  .seen = seen ? seen : &of_row,
			  .row = seen ? NULL : row,
			  .of = row,
			  .item = item };
	if (!look_into(&l, row, 0, 0) && (!item || !look_into(&l, item, 0, 0)))
		return NULL;
	column_tell(&r->member, text_of(l.path));
	return arena_text(&r->arena, r->member.p, r->member.n);
}
