#include "meter/read/exports.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/csv.h"
#include "meter/read/columns.h"
#include "meter/read/flat_document.h"

const struct export_format *export_named(struct text shape)
{
	for (size_t i = 0; i < export_format_count; i++)
		if (text_is(shape, export_formats[i].shape))
			return &export_formats[i];
	return NULL;
}

static bool serves(const struct export_format *f, enum export_use use)
{
	if (f->general || use == EXPORT_AS_CALLS)
		return f->general && use == EXPORT_AS_CALLS && f->kind != EXPORT_BILL;
	return use == EXPORT_AS_ANY ||
	       (use == EXPORT_AS_BILL ? f->kind == EXPORT_BILL || f->has_cost
				      : f->kind != EXPORT_BILL);
}

const struct export_format *export_of_own_bills(void)
{
	size_t i = 0;
	while (i < export_format_count &&
	       !(export_formats[i].general && export_formats[i].kind == EXPORT_BILL))
		i++;
	CHECK(i < export_format_count);
	return &export_formats[i];
}

/* --- names --- */

static char folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool parts_words(char c)
{
	return c == ' ' || c == '_' || c == '-' || c == '.' || c == '/' || c == ':';
}

/* The same name but for case and what stands between its words. */
static bool same_name(const char *a, size_t an, const char *b, size_t bn)
{
	size_t i = 0, k = 0;
	for (;;) {
		while (i < an && parts_words(a[i]))
			i++;
		while (k < bn && parts_words(b[k]))
			k++;
		if (i == an || k == bn)
			return i == an && k == bn;
		if (folded(a[i++]) != folded(b[k++]))
			return false;
	}
}

/* "reservation_*": any name that begins so, as the files of the vendor spell it. */
static bool begins_same(struct text column, const char *name, size_t n)
{
	for (size_t k = 1; k <= column.n; k++)
		if (same_name(column.p, k, name, n))
			return true;
	return false;
}

/* "计量名称 (MeterName)": a console in another language writes its own name in brackets. */
static struct text in_brackets(struct text column)
{
	const char *open =
		column.n && column.p[column.n - 1] == ')' ? memrchr(column.p, '(', column.n) : NULL;
	if (!open || open == column.p || (unsigned char)*column.p < 0x80)
		return (struct text){ "", 0 };
	return (struct text){ open + 1, (size_t)(column.p + column.n - open - 2) };
}

bool export_is_named(struct text column, const char *name)
{
	const size_t n = strlen(name);
	if (n && name[n - 1] == '*')
		return column.n >= n && begins_same(column, name, n - 1);
	const char *dot = strchr(name, '.');
	const struct text original = in_brackets(column);
	if (original.n && export_is_named(original, name))
		return true;
	return column.n && (same_name(column.p, column.n, name, strlen(name)) ||
			    (dot && same_name(column.p, column.n, name, (size_t)(dot - name))));
}

/* A header, and the letters with which its names begin: most names of the registry begin with none
 * of these, so that few are compared. */
struct header {
	const struct text *name;
	size_t count;
	uint64_t initials; /* a bit for a letter */
};

static uint64_t initial_of(const char *name, size_t n)
{
	size_t i = 0;
	while (i < n && parts_words(name[i]))
		i++;
	return i < n ? UINT64_C(1) << ((unsigned char)folded(name[i]) & 63) : 0;
}

static uint64_t initials_of(struct text column)
{
	const struct text inside = in_brackets(column);
	return initial_of(column.p, column.n) | initial_of(inside.p, inside.n);
}

static struct header header_of(const struct text *name, size_t count)
{
	struct header h = { .name = name, .count = count };
	for (size_t i = 0; i < count; i++)
		h.initials |= initials_of(name[i]);
	return h;
}

static bool has_need(const struct header *h, const struct export_need *need)
{
	for (const char *const *one = need->any; *one; one++) {
		const uint64_t initial = initial_of(*one, EXPORT_NAME_MAX);
		for (size_t i = 0; i < h->count && (h->initials & initial); i++)
			if ((initials_of(h->name[i]) & initial) &&
			    export_is_named(h->name[i], *one))
				return true;
	}
	return false;
}

static size_t needs_of(const struct export_format *f)
{
	size_t n = 0;
	while (f->needs[n].any)
		n++;
	return n;
}

const struct export_format *export_of_columns(const struct text *names, size_t count,
					      enum export_use use)
{
	const struct export_format *best = NULL;
	const struct header header = header_of(names, count);
	for (size_t i = 0; i < export_format_count; i++) {
		const struct export_format *f = &export_formats[i];
		size_t n = 0;
		if (!serves(f, use))
			continue;
		while (f->needs[n].any && has_need(&header, &f->needs[n]))
			n++;
		if (!f->needs[n].any && (!best || n > needs_of(best)))
			best = f;
	}
	return best;
}

static bool is_name(struct text column, const char *name)
{
	return column.n && same_name(column.p, column.n, name, strlen(name));
}

struct text export_spelled(const struct export_format *f, struct text column)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if (is_name(column, c->name))
			return text_of(c->name);
	for (const struct export_need *need = f->needs; need->any; need++)
		for (const char *const *one = need->any; *one; one++)
			if (is_name(column, *one))
				return text_of(*one);
	return column;
}

bool export_says_when(const struct export_format *f)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if (c->role == ROLE_START || c->role == ROLE_YEAR || c->role == ROLE_BILLED_MONTH)
			return true;
	return false;
}

static bool speaks_of_money(struct text name)
{
	static const char *const words[] = { "cost",   "amount", "price", "charge",  "fee",
					     "spend",  "usd",	 "eur",	  "tax",     "credit",
					     "refund", "total",	 "token", "discount" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		for (size_t k = 0; k + strlen(words[i]) <= name.n; k++)
			if (strncasecmp(name.p + k, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

static const struct export_column *column_named(const struct export_format *f, struct text column)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if (export_is_named(column, c->name))
			return c;
	return NULL;
}

static bool is_harmless(const struct export_format *f, struct text column)
{
	for (size_t i = 0; f->harmless[i]; i++)
		if (export_is_named(column, f->harmless[i]))
			return true;
	return false;
}

static bool is_known(const struct export_format *f, struct text column)
{
	return column_named(f, column) || is_harmless(f, column);
}

bool export_is_listed(const struct export_format *f, struct text column)
{
	return is_known(f, column);
}

bool export_is_unread(const struct export_format *f, struct text column)
{
	const struct export_column *c = column_named(f, column);
	/* of several words for one meaning nobody in particular means the same */
	if (f->general && c)
		return c->role == ROLE_COST;
	return speaks_of_money(column) && !is_known(f, column);
}

static bool is_whole_name(const char *name, struct text path)
{
	return same_name(path.p, path.n, name, strlen(name));
}

bool export_is_known(const struct export_format *f, struct text path)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if (is_whole_name(c->name, path))
			return true;
	for (size_t i = 0; f->harmless[i]; i++)
		if (is_whole_name(f->harmless[i], path))
			return true;
	return f->rows && is_whole_name(f->rows, path);
}

/* Whether the name is of a member of the object. */
static bool lies_in(const char *name, struct text object)
{
	size_t n = strlen(name);
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (same_name(object.p, object.n, name, (size_t)(dot - name)))
			return n > 0;
	return false;
}

bool export_looks_into(const struct export_format *f, struct text path)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if (lies_in(c->name, path))
			return true;
	for (size_t i = 0; f->harmless[i]; i++)
		if (lies_in(f->harmless[i], path))
			return true;
	return false;
}

enum export_charge export_charge_of(struct text words)
{
	static const struct {
		const char *words;
		enum export_charge charge;
	} known[] = { { "Not Charged", NOT_CHARGED },
		      { "No Charge", NOT_CHARGED },
		      { "NO_CHARGE", NOT_CHARGED },
		      { "NOT_CHARGED", NOT_CHARGED },
		      { "Included", INCLUDED } };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const size_t n = strlen(known[i].words);
		for (size_t k = 0; k + n <= words.n; k++)
			if (strncasecmp(words.p + k, known[i].words, n) == 0)
				return known[i].charge;
	}
	return CHARGED;
}

/* --- documents --- */

static json_value *member_at(json_value *v, const char *name)
{
	char key[EXPORT_NAME_MAX];
	json_value *whole = json_member(v, name);
	const char *dot = strchr(name, '.');
	if (whole || !dot || json_kind(v) != JSON_OBJECT)
		return whole;
	size_t n = (size_t)(dot - name);
	memcpy(key, name, n);
	key[n] = 0;
	return member_at(json_member(v, key), dot + 1);
}

/* Whether the first part of the name is a key of the row, so that the item does not say it. */
static bool begins_here(json_value *row, const char *name)
{
	char key[EXPORT_NAME_MAX];
	const char *dot = strchr(name, '.');
	if (!dot || json_kind(row) != JSON_OBJECT)
		return false;
	memcpy(key, name, (size_t)(dot - name));
	key[dot - name] = 0;
	return json_kind(json_member(row, key)) == JSON_OBJECT;
}

json_value *export_value(json_value *row, json_value *item, const char *name)
{
	json_value *v = member_at(row, name);
	/* rows that are members of an object have counts of their own, those beside it are the sums
	 * of all */
	const bool own = *json_key(row) && strchr(name, '.');
	return v || !item || own || begins_here(row, name) ? v : member_at(item, name);
}

bool export_is_elsewhere(const struct export_format *f, struct text path, json_value *row,
			 json_value *item)
{
	bool here = false, elsewhere = false;
	for (const struct export_column *c = f->column; c->name; c++)
		if (is_whole_name(c->name, path))
			*(export_value(row, item, c->name) ? &here : &elsewhere) = true;
	return elsewhere && !here;
}

json_value *export_rows_in(const struct export_format *f, json_value *item)
{
	json_value *rows = f->rows ? member_at(item, f->rows) : NULL;
	if (json_kind(rows) == JSON_ARRAY)
		return rows;
	return f->key && json_kind(rows) == JSON_OBJECT && json_first(rows) ? rows : NULL;
}

json_value *export_page_items(json_value *v)
{
	static const char *const lists[] = { "data",	   "results",	  "result",	"items",
					     "usageItems", "daily_costs", "usageEvents" };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		json_value *list = json_member(v, lists[i]);
		if (json_kind(list) == JSON_ARRAY)
			return list;
	}
	return NULL;
}

bool export_page_is_empty(json_value *v)
{
	json_value *items = export_page_items(v);
	if (!items || !json_member(v, "has_more"))
		return false;
	for (json_value *item = json_first(items); item; item = json_next(item))
		if (json_kind(json_member(item, "results")) != JSON_ARRAY ||
		    json_first(json_member(item, "results")))
			return false;
	return true;
}

static bool fits_row(const struct export_format *f, json_value *row, json_value *item)
{
	for (const struct export_need *need = f->needs; need->any; need++) {
		const char *const *one = need->any;
		while (*one && !export_value(row, item, *one))
			one++;
		if (!*one)
			return false;
	}
	return json_kind(row) == JSON_OBJECT;
}

static bool fits_item(const struct export_format *f, json_value *item)
{
	for (json_value *row = json_first(export_rows_in(f, item)); row; row = json_next(row))
		if (fits_row(f, row, item))
			return true;
	return fits_row(f, item, NULL);
}

static bool fits(const struct export_format *f, json_value *v, json_value *items)
{
	if (fits_item(f, v))
		return true;
	for (json_value *item = json_first(items); item; item = json_next(item))
		if (fits_item(f, item))
			return true;
	return false;
}

const struct export_format *export_of_document(json_value *v, enum export_use use)
{
	json_value *items = json_kind(v) == JSON_ARRAY ? v : export_page_items(v);
	const struct export_format *best = NULL;
	for (size_t i = 0; i < export_format_count; i++) {
		const struct export_format *f = &export_formats[i];
		bool elsewhere = use == EXPORT_AS_USAGE && (f->as_json || f->as_trace);
		if (!elsewhere && serves(f, use) && (!best || needs_of(f) > needs_of(best)) &&
		    fits(f, v, items))
			best = f;
	}
	return best;
}

/* --- headers --- */

static const struct export_format *any_of_columns(const struct text *names, size_t count)
{
	return export_of_columns(names, count, EXPORT_AS_ANY);
}

static const struct export_format *native_of_columns(const struct text *name, size_t count)
{
	static const struct export_column no_columns[1];
	static const char *const none[1];
	static const struct export_need no_needs[1];
	static const struct export_format native = { .shape = "native",
						     .title = "native CSV",
						     .as_json = true,
						     .native = true,
						     .needs = no_needs,
						     .column = no_columns,
						     .harmless = none };
	bool counts = false, says = false;
	for (size_t i = 0; i < count; i++) {
		enum record_field f = record_field_by_name(name[i]);
		counts |= f >= FIELD_COUNTS && f < FIELD_END && f != FIELD_REQUESTS;
		says |= f == FIELD_TIME || f == FIELD_MODEL;
	}
	return counts && says ? &native : NULL;
}

/* A trace of ours with what a trace has no field for is read as usage. */
static const struct export_format *usage_of_columns(const struct text *names, size_t count)
{
	const struct export_format *f = export_of_columns(names, count, EXPORT_AS_USAGE);
	bool beside = false;
	if (!f && !export_of_columns(names, count, EXPORT_AS_BILL))
		f = export_of_columns(names, count, EXPORT_AS_CALLS);
	for (size_t i = 0; i < count; i++)
		beside |= column_is_of_usage(names[i]);
	if (f)
		return f->as_trace ? NULL : f;
	return beside ? native_of_columns(names, count) : NULL;
}

/* What the columns of the header tell to `find`. */
static const struct export_format *of_header(
	struct text line, char *separator,
	const struct export_format *(*find)(const struct text *, size_t))
{
	const struct export_format *found = NULL;
	if (line.n && *line.p == '{') /* an object of JSON, as most lines of logs are */
		return NULL;
	struct csv_record *names = mem_zalloc(sizeof *names);
	if (line.n >= 3 && memcmp(line.p, "\xEF\xBB\xBF", 3) == 0)
		line = (struct text){ line.p + 3, line.n - 3 };
	for (const char *s = CSV_SEPARATORS; *s && !found; s++)
		if (line.n && memchr(line.p, *s, line.n) && csv_split(names, line, *s, NULL) == 0) {
			found = find(names->field, names->count);
			*separator = *s;
		}
	csv_record_release(names);
	free(names);
	return found;
}

const struct export_format *export_of_header(struct text line, char *separator)
{
	return of_header(line, separator, usage_of_columns);
}

const struct export_format *export_of_trace(struct text line, char *separator)
{
	return of_header(line, separator, native_of_columns);
}

/* --- files --- */

static struct text first_line(struct text s)
{
	const char *end = s.n ? memchr(s.p, '\n', s.n) : NULL;
	s.n = end ? (size_t)(end - s.p) : s.n;
	while (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

const struct export_format *export_of_table(struct text all, char *separator, struct text *header,
					    int64_t *line)
{
	const struct export_format *f = NULL;
	const char *p = all.p, *end = all.p + all.n;
	for (*line = 1; p < end && *line <= EXPORT_LINES_ABOVE; ++*line) {
		*header = first_line((struct text){ p, (size_t)(end - p) });
		f = header->n ? export_of_header(*header, separator) : NULL;
		if (f)
			return f;
		const char *next = memchr(p, '\n', (size_t)(end - p));
		p = next ? next + 1 : end;
	}
	return NULL;
}

static const struct export_format *of_json(struct text s)
{
	struct json_document *d;
	if (flat_document_open(&d, first_line(s), NULL) != 0 &&
	    flat_document_open(&d, s, NULL) != 0)
		return NULL;
	const struct export_format *f = export_of_document(json_root(d), EXPORT_AS_ANY);
	json_close(d);
	return f;
}

const struct export_format *export_of_text(struct text s)
{
	char separator;
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s = (struct text){ s.p + 3, s.n - 3 };
	if (s.n && (*s.p == '{' || *s.p == '['))
		return of_json(s);
	return of_header(first_line(s), &separator, any_of_columns);
}

/* Whether the first line says what it is: of documents of several lines the whole does. */
static bool begins_with_a_line(struct text s)
{
	struct json_document *d;
	const struct text line = first_line(s);
	if (line.n == s.n)
		return false;
	if (*s.p != '{' && *s.p != '[' && *s.p != '\xef')
		return true;
	const bool whole = flat_document_open(&d, line, NULL) == 0;
	if (whole)
		json_close(d);
	return whole;
}

/* What unpacks to no more than this is looked at, of a table its beginning. */
const struct export_format *export_of_file(const char *path)
{
	enum { LOOKED_AT = 8 << 20, FIRST = 64 << 10 };
	struct stat st;
	struct buf text = { 0 };
	/* what can be read only once is not tried */
	gzFile f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? gzopen(path, "rb") : NULL;
	if (!f)
		return NULL;
	for (int n = 1;
	     n > 0 && text.n < LOOKED_AT &&
	     !(text.n == FIRST && begins_with_a_line((struct text){ text.p, text.n }));) {
		buf_need(&text, FIRST);
		n = gzread(f, text.p + text.n, FIRST);
		text.n += n > 0 ? (size_t)n : 0;
	}
	gzclose(f);
	const struct export_format *found = export_of_text((struct text){ text.p, text.n });
	buf_release(&text);
	return found;
}
