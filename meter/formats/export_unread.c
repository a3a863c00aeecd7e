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

static bool ends(struct text s, const char *word)
{
	size_t n = strlen(word);
	return s.n >= n && strncasecmp(s.p + s.n - n, word, n) == 0;
}

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
	static const char *const words[] = { "region", "price",	   "amount",   "spend",	 "fee ",
					     "fees",   "tax",	   "discount", "charge", "usd",
					     "flex",   "priority", "fast" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (has_word(s, words[i]))
			return true;
	return name_speaks_of_money(s) || ends(s, "mode") || ends(s, "fee");
}

static enum name_says judge_name(const struct export_format *f, struct text path)
{
	if (export_is_known(f, path) || column_is_harmless(path))
		return SAYS_KNOWN;
	if (f->general ? name_is_label(path) : name_is_naming(path))
		return SAYS_NAMING;
	/* rows that are documents have a table of their own for what speaks of money */
	return !f->as_json && speaks(path) ? SAYS_MONEY : SAYS_NOTHING;
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

static bool is_word(struct text s, const char *const *words)
{
	for (; *words; words++)
		if (s.n == strlen(*words) && strncasecmp(s.p, *words, s.n) == 0)
			return true;
	return false;
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
		    (c->role == ROLE_BATCH && is_word(s, yes)) ||
		    ((c->role == ROLE_FLAG || c->role == ROLE_SUCCESS) && is_word(s, yes)) ||
		    (c->role == ROLE_GEO && is_word(s, places)) ||
		    (c->role == ROLE_UNCHARGED && (is_word(s, charged) || ends(s, "charged"))))
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

/* In a table of one's own, whose columns nobody publishes, a number may be a count of anything. */
static bool is_doubtful(enum name_says name, const struct export_format *f, json_value *v)
{
	return f->general && name == SAYS_NOTHING && json_may_be_count(v);
}

/* One walk through a row. */
struct look {
	struct payload_reader *r;
	const struct export_format *f;
	const struct export_seen *seen;
	json_value *row, *item; /* of a document; NULL: a row of a table */
	char path[PATH_ROOM];
};

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
		    (judge_value(says, l->f, l->seen, m) ||
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

void export_judge_document(struct payload_reader *r, struct metered *m, json_value *v)
{
	const struct export_format *f =
		m->unread || r->unread_row ? NULL : export_of_document(v, EXPORT_AS_ANY);
	if (f && f->as_json)
		m->unread = export_unread(r, f, NULL, v, NULL);
}

const char *export_unread(struct payload_reader *r, const struct export_format *f,
			  const struct export_seen *seen, json_value *row, json_value *item)
{
	struct export_seen of_row = { 0 };
	for (const struct export_column *c = f->column; !seen && c->name; c++)
		of_row.role[c->role] |= export_value(row, item, c->name) != NULL;
	of_row.role[ROLE_MODEL] |= f->key && item;
	if (!(seen ? seen : &of_row)->role[ROLE_MODEL])
		return "no column of its export names the model";
	struct look l = { .r = r,
			  .f = f,
			  .seen = seen ? seen : &of_row,
			  .row = seen ? NULL : row,
			  .item = item };
	if (!look_into(&l, row, 0, 0) && (!item || !look_into(&l, item, 0, 0)))
		return NULL;
	column_tell(&r->member, text_of(l.path));
	return arena_text(&r->arena, r->member.p, r->member.n);
}
