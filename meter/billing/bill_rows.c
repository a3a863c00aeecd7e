#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "meter/billing/bill_parts.h"
#include "meter/read/flat_document.h"
#include "meter/read/item_words.h"

enum { COLUMNS_MAX = 64, DOCUMENTS_MAX = 8 };

/* Where a file has the columns of its format, and documents of fields that hold one. */
struct layout {
	struct csv_record head;
	struct {
		int at;
		struct export_column column;
	} found[COLUMNS_MAX];
	int count;
	struct bill_seen seen;
	struct json_document *document[DOCUMENTS_MAX];
	int documents;
};

static void put_value(struct bill_row *row, uint8_t role, struct text s)
{
	if (role == ROLE_MODEL && s.n && row->word_count < BILL_WORDS)
		row->words[row->word_count++] = s;
	if (!row->value[role].n)
		row->value[role] = s;
}

/* --- CSV --- */

/* "Cost (EUR)", "cost_usd" without the currency. */
static struct text without_currency(struct text name)
{
	size_t n = name.n, end = name.n && name.p[name.n - 1] == ')';
	if (n < 5 + end || !strchr(" _(", name.p[n - 4 - end]))
		return name;
	if (!loose_is_currency((struct text){ name.p + n - end - 3, 3 }))
		return name;
	n -= 4 + end;
	while (n && name.p[n - 1] == ' ')
		n--;
	if (n > 3 && strncasecmp(name.p + n - 3, " in", 3) == 0) /* "Betrag in USD" */
		n -= 3;
	return (struct text){ name.p, n };
}

static bool add_column(struct layout *l, const struct csv_record *h, const struct export_column *c)
{
	for (size_t i = 0; i < h->count && l->count < COLUMNS_MAX; i++)
		if (export_is_named(h->field[i], c->name) ||
		    (c->role == ROLE_COST &&
		     export_is_named(without_currency(h->field[i]), c->name))) {
			l->found[l->count].at = (int)i;
			l->found[l->count++].column = *c;
			return true;
		}
	return false;
}

/* Of a CSV of nobody in particular, which of several columns is the cost is not guessed. */
static int check_costs(const struct layout *l, const struct csv_record *h, struct err *e)
{
	const struct text *first = NULL;
	for (int k = 0; k < l->count; k++) {
		const struct text *name = &h->field[l->found[k].at];
		if (l->found[k].column.role != ROLE_COST || name == first)
			continue;
		if (first)
			return err_set(
				e, ERR_INVALID,
				"'%.*s' and '%.*s' may both be the cost; say which with " ASKED(
					"map") " cost=COLUMN",
				(int)first->n, first->p, (int)name->n, name->p);
		first = name;
	}
	return 0;
}

/* A name that is there twice is two columns, of which none is taken in silence. */
static int check_twice(const struct layout *l, const struct csv_record *h, struct err *e)
{
	for (int k = 0; k < l->count; k++)
		for (size_t i = 0; i < h->count; i++) {
			const struct text a = h->field[l->found[k].at], b = h->field[i];
			if ((int)i != l->found[k].at && a.n == b.n &&
			    strncasecmp(a.p, b.p, a.n) == 0)
				return err_set(e, ERR_INVALID, "the column '%.*s' is there twice",
					       (int)a.n, a.p);
		}
	return 0;
}

/* What the header has a column for, and which of its columns are read. */
static void look_at_header(struct bill_reader *r, struct layout *l, const struct csv_record *h)
{
	for (int k = 0; k < l->count; k++) {
		l->seen.role[l->found[k].column.role] = true;
		bill_is_read(r, h->field[l->found[k].at]);
	}
	l->seen.net = !r->format->net;
	for (size_t i = 0; i < h->count; i++)
		l->seen.net |= r->format->net && export_is_named(h->field[i], r->format->net);
}

/* Which column has which meaning; a name that was asked for must be there, and has it alone. */
static int take_header(struct bill_reader *r, struct layout *l, const struct csv_record *h,
		       struct err *e)
{
	const struct export_format *f = export_of_columns(h->field, h->count, EXPORT_AS_BILL),
				   *usage = f ? NULL
					      : export_of_columns(h->field, h->count,
								  EXPORT_AS_USAGE);
	bool mapped = false, has[EXPORT_ROLES] = { false };
	bool named = false; /* the cost, by our own word for it */
	r->format = f ? f : export_of_own_bills();
	for (uint8_t role = 1; role < EXPORT_ROLES; role++) {
		const char *name = r->o->column[role];
		mapped |= name != NULL;
		has[role] = name && add_column(l, h, &(struct export_column){ name, role });
		if (name && !has[role])
			return err_set(e, ERR_INVALID,
				       "there is no column '%s', which " ASKED("map") " names",
				       name);
	}
	for (const char *const *none = r->o->none; *none; none++) {
		bool there = false;
		for (size_t i = 0; i < h->count; i++)
			there |= export_is_named(h->field[i], *none);
		if (!there)
			return err_set(e, ERR_INVALID,
				       "there is no column '%s', which " ASKED("map") " names",
				       *none);
	}
	for (const struct export_column *c = r->format->column; c->name; c++)
		if (!r->o->column[c->role] && !(named && c->role == ROLE_COST) &&
		    add_column(l, h, c)) {
			has[c->role] = true;
			named |= r->format->general && strcmp(c->name, "cost") == 0;
		}
	if (usage && !mapped)
		return err_set(
			e, ERR_INVALID,
			"this is usage without costs (%s), not a bill: tally ingest counts it",
			usage->title);
	r->undated = !has[ROLE_START];
	if (!has[ROLE_COST] && !has[ROLE_TYPE])
		return err_set(e, ERR_INVALID,
			       "the header has no column for the cost (cost=COLUMN); name it "
			       "with " ASKED("map"));
	if (r->undated && r->o->from == r->o->to)
		return err_set(
			e, ERR_INVALID,
			"the header has no column for the day (day=COLUMN); name it with " ASKED(
				"map") ", or the days of all rows with " ASKED("since") " and " ASKED("until"));
	look_at_header(r, l, h);
	int rc = check_twice(l, h, e);
	return rc == 0 && r->format->general ? check_costs(l, h, e) : rc;
}

/* The member of a field that holds an object ("sku" with its id and description). */
static struct text member_of(struct layout *l, struct text field, const char *name)
{
	const char *dot = strchr(name, '.');
	struct json_document *d;
	if (!dot || !field.n || *field.p != '{' || l->documents == DOCUMENTS_MAX ||
	    json_open(&d, field, NULL) != 0)
		return field;
	l->document[l->documents++] = d;
	return json_number_or_string(export_value(json_root(d), NULL, dot + 1));
}

static int take_record(struct bill_reader *r, struct layout *l, const struct csv_record *v,
		       struct text whole, struct err *e)
{
	struct bill_row row = { .whole = whole };
	for (int i = 0; i < l->count; i++) {
		size_t at = (size_t)l->found[i].at;
		const struct export_column *c = &l->found[i].column;
		struct text s = at < v->count ? v->field[at] : (struct text){ "", 0 };
		if (c->role == ROLE_COST && s.n && !row.value[ROLE_COST].n)
			row.cost_name = l->head.field[at];
		put_value(&row, c->role, member_of(l, s, c->name));
	}
	row.first = v->count ? v->field[0] : (struct text){ "", 0 };
	/* a note or a sum below the table is shorter, a row with a day that was torn, too */
	const bool torn = v->count < l->head.count && row.value[ROLE_START].n &&
			  !words_say_total(row.first) && !words_say_total(row.value[ROLE_START]);
	int rc = v->count > l->head.count || torn
			 ? err_set(e, ERR_INVALID, "%zu fields, the header has %zu", v->count,
				   l->head.count)
			 : r->take(r, &row, e);
	if (rc == 0)
		bill_judge_words(r, &l->seen, &row);
	for (size_t i = 0; rc == 0 && i < v->count; i++)
		rc = bill_judge(r, &l->seen, l->head.field[i], v->field[i], e);
	while (l->documents)
		json_close(l->document[--l->documents]);
	return rc;
}

static struct text line_at(const char *p, const char *end)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));
	return (struct text){ p, (size_t)((newline ? newline : end) - p) };
}

/* Whether the line has our own columns of a day and of a cost. */
static bool is_own_header(const struct csv_record *h)
{
	bool has[EXPORT_ROLES] = { false };
	struct layout *l = mem_zalloc(sizeof *l);
	for (const struct export_column *c = export_of_own_bills()->column; c->name; c++)
		has[c->role] |= add_column(l, h, c);
	free(l);
	return has[ROLE_START] && has[ROLE_COST];
}

/* The same row once more, where files were joined. */
static bool is_again(const struct csv_record *h, const struct csv_record *v)
{
	bool same = h->count == v->count;
	for (size_t i = 0; same && i < v->count; i++)
		same = h->field[i].n == v->field[i].n &&
		       memcmp(h->field[i].p, v->field[i].p, v->field[i].n) == 0;
	return same;
}

/* What stands above the header: "sep=;", or the words that consoles put there. A line is the header
 * when the registry knows it; where none of the first ones is known it is the first. */
static const char *header_in(struct text all, int64_t *line)
{
	enum { LINES_ABOVE = 20 };
	const char *p = all.p, *end = all.p + all.n, *first = all.p;
	int64_t first_line = 1;
	struct csv_record *names = mem_zalloc(sizeof *names);
	const struct export_format *f = NULL;
	if (all.n > 5 && strncasecmp(p, "sep=", 4) == 0) {
		p += line_at(p, end).n;
		p += p < end;
		first = p;
		first_line = 2;
	}
	bool own = false;
	for (int64_t n = first_line; p < end && n < LINES_ABOVE && !f && !own; n++) {
		struct text one = line_at(p, end);
		while (one.n && one.p[one.n - 1] == '\r')
			one.n--;
		if (one.n && csv_split(names, one, csv_separator_of(one), NULL) == 0) {
			f = export_of_columns(names->field, names->count, EXPORT_AS_BILL);
			own = !f && is_own_header(names);
		}
		if (f || own) {
			first = p;
			first_line = n;
		}
		one = line_at(p, end);
		p += one.n + (p + one.n < end);
	}
	csv_record_release(names);
	free(names);
	*line = first_line;
	return first;
}

static int read_csv(struct bill_reader *r, struct text all, struct err *e)
{
	struct layout *l = mem_zalloc(sizeof *l);
	struct csv_record *row = mem_zalloc(sizeof *row);
	int64_t line;
	const char *p = header_in(all, &line), *end = all.p + all.n;
	const char separator = csv_separator_of(line_at(p, end));
	bill_note_words(r, (struct text){ all.p, (size_t)(p - all.p) });
	int rc = 0;
	r->comma_decimals = separator == ';';
	for (; rc == 0 && p < end; line++) {
		const char *next =
			csv_record_end(p, end, true, separator, l->head.count ? l->head.count : 1);
		struct text record = { p, (size_t)(next - p) };
		p = next;
		if (record.n && record.p[record.n - 1] == '\n')
			record.n--;
		if (record.n == 0 || text_is(record, "\r"))
			continue;
		struct csv_record *to = l->head.count ? row : &l->head;
		r->line = line;
		rc = csv_split(to, record, separator, e);
		if (rc == 0 && to == row && is_again(&l->head, row))
			continue;
		if (rc == 0)
			rc = to == row ? take_record(r, l, row, record, e)
				       : take_header(r, l, &l->head, e);
		if (rc != 0)
			err_context(e, "%s:%lld", r->name, (long long)line);
	}
	csv_record_release(&l->head);
	csv_record_release(row);
	free(l);
	free(row);
	return rc;
}

/* --- JSON --- */

/* What --map names must be in the file, as in the header of a table. */
static int check_mapped(const struct bill_reader *r, struct err *e)
{
	const char *missing = NULL;
	for (int role = 1; role < EXPORT_ROLES; role++)
		if (r->o->column[role] && !r->has_column[role])
			missing = r->o->column[role];
	for (int i = 0; r->o->none[i]; i++)
		if (!r->has_none[i])
			missing = r->o->none[i];
	return missing ? err_set(e, ERR_INVALID,
				 "%s: there is no member '%s', which " ASKED("map") " names",
				 r->name, missing)
		       : 0;
}

static void note_none(struct bill_reader *r, struct text path)
{
	for (int i = 0; r->o->none[i]; i++)
		r->has_none[i] |= text_is(path, r->o->none[i]);
}

/* The keys of an object, and of those in it, under the path to it. */
static int judge_keys(struct bill_reader *r, const struct bill_seen *seen, json_value *v,
		      struct buf *path, struct err *e)
{
	enum { PATH_MOST = 400 };
	const size_t at = path->n;
	struct buf list = { 0 };
	int rc = 0;
	for (json_value *m = json_first(v); rc == 0 && m; m = json_next(m)) {
		struct text s = json_number_or_string(m);
		buf_printf(path, "%s%s", at ? "." : "", json_key(m));
		note_none(r, (struct text){ path->p, path->n });
		list.n = 0;
		if (json_kind(m) == JSON_ARRAY) {
			json_put_value(&list, m);
			s = (struct text){ list.p, list.n };
		}
		if (json_kind(m) == JSON_OBJECT && path->n < PATH_MOST)
			rc = judge_keys(r, seen, m, path, e);
		else if (s.n)
			rc = bill_judge(r, seen, (struct text){ path->p, path->n }, s, e);
		path->n = at;
	}
	buf_release(&list);
	return rc;
}

/* Rows of an object: what the key of each says of it. */
static bool is_key(const struct bill_reader *r, json_value *v, json_value *item,
		   const struct export_column *c)
{
	return r->format->key && item && *json_key(v) && strcmp(c->name, r->format->key) == 0;
}

static int judge_object(struct bill_reader *r, json_value *v, json_value *item,
			const struct bill_row *row, struct err *e)
{
	struct bill_seen seen = { .net = !r->format->net || export_value(v, item, r->format->net) };
	struct buf path = { 0 };
	for (const struct export_column *c = r->format->column; c->name; c++)
		seen.role[c->role] |= export_value(v, item, c->name) || is_key(r, v, item, c);
	bill_judge_words(r, &seen, row);
	int rc = judge_keys(r, &seen, v, &path, e);
	buf_release(&path);
	return rc;
}

static void put_member(struct bill_row *row, struct buf *credits, json_value *field,
		       const char *name, uint8_t role)
{
	struct text s = json_true(field) ? TEXT("true") : json_number_or_string(field);
	if (role == ROLE_CREDITS && json_kind(field) == JSON_ARRAY) {
		json_put_value(credits, field);
		s = (struct text){ credits->p, credits->n };
	}
	if (role == ROLE_COST && s.n && !row->value[ROLE_COST].n)
		row->cost_name = text_of(name);
	put_value(row, role, s);
}

static int take_object(struct bill_reader *r, json_value *v, json_value *item, struct err *e)
{
	struct buf credits = { 0 }, whole = { 0 };
	struct bill_row row = { 0 };
	for (uint8_t role = 1; role < EXPORT_ROLES; role++) {
		const char *name = r->o->column[role];
		json_value *field = name ? export_value(v, item, name) : NULL;
		r->has_column[role] |= field != NULL;
		if (field) {
			bill_is_read(r, text_of(name));
			put_member(&row, &credits, field, name, role);
		}
	}
	for (const struct export_column *c = r->format->column; c->name; c++)
		if (!r->o->column[c->role] && is_key(r, v, item, c))
			put_value(&row, c->role, text_of(json_key(v)));
		else if (!r->o->column[c->role])
			put_member(&row, &credits, export_value(v, item, c->name), c->name,
				   c->role);
	json_put_value(&whole, v);
	row.whole = (struct text){ whole.p, whole.n };
	int rc = r->take(r, &row, e);
	if (rc == 0)
		rc = judge_object(r, v, item, &row, e);
	buf_release(&credits);
	buf_release(&whole);
	return rc;
}

/* A bucket of time in which nothing was charged. */
static int take_quiet(struct bill_reader *r, json_value *item, struct err *e)
{
	struct bill_row row = { 0 };
	for (const struct export_column *c = r->format->column; c->name; c++)
		if (c->role == ROLE_START || c->role == ROLE_END)
			put_value(&row, c->role, json_number_or_string(json_member(item, c->name)));
	return r->take(r, &row, e);
}

static int take_item(struct bill_reader *r, json_value *item, struct err *e)
{
	json_value *rows = export_rows_in(r->format, item);
	const size_t at = strlen(r->item), room = sizeof r->item - at;
	size_t n = 0;
	int rc = 0;
	if (!rows)
		return take_object(r, item, NULL, e);
	if (!json_first(rows))
		return take_quiet(r, item, e);
	for (json_value *v = json_first(rows); rc == 0 && v; v = json_next(v), n++) {
		snprintf(r->item + at, room, "%s%s[%zu]", at ? "." : "", json_key(rows), n);
		rc = take_object(r, v, item, e);
		r->item[at] = 0;
	}
	return rc;
}

/* A page that says beside its items in which currency they are. */
static void note_currency(struct bill_reader *r, json_value *page)
{
	char code[4];
	for (json_value *m = json_first(page); m; m = json_next(m))
		if (loose_currency_code(code, json_string(m)))
			bill_note_words(r, json_string(m));
}

/* A page, a list of pages or of rows, or a row. */
static int take_document(struct bill_reader *r, json_value *v, int depth, struct err *e)
{
	json_value *items = json_kind(v) == JSON_ARRAY ? v : export_page_items(v);
	const struct export_format *f = export_of_document(v, EXPORT_AS_BILL);
	const bool mapped = r->o->column[ROLE_COST];
	size_t n = 0;
	int rc = 0;
	if (json_kind(v) == JSON_ARRAY && depth < 2 &&
	    export_page_items(json_first(v))) { /* pages one after the other */
		for (json_value *page = json_first(v); rc == 0 && page; page = json_next(page))
			rc = take_document(r, page, depth + 1, e);
		return rc;
	}
	if (f)
		r->format = f;
	r->undated = f && !r->o->column[ROLE_START] && !export_says_when(f);
	if (!f && export_of_document(v, EXPORT_AS_ANY))
		return err_set(
			e, ERR_INVALID,
			"this is usage without costs (%s), not a bill: tally ingest counts it",
			export_of_document(v, EXPORT_AS_ANY)->title);
	if (!f && mapped && (items || json_kind(v) == JSON_OBJECT))
		r->format = f = export_of_own_bills();
	if (json_kind(v) != JSON_ARRAY && items) {
		page_list_see(&r->pages, v, f);
		note_currency(r, v);
	}
	if (f && !mapped && !f->has_cost)
		return err_set(
			e, ERR_INVALID,
			"%s: the answer does not say what its values are; name the cost with " ASKED(
				"map") " cost=values.0 where dollars were asked for first",
			f->title);
	if (!f && !(items && json_kind(v) != JSON_ARRAY && json_member(v, "has_more")))
		return err_set(
			e, ERR_INVALID,
			"this is no bill that is known; where it has rows with a day, a model and a "
			"cost, name them with " ASKED("map") " (day=MEMBER, cost=MEMBER, ...)");
	if (!items || (f && items == export_rows_in(f, v)))
		return take_item(r, v, e);
	for (json_value *item = json_first(items); rc == 0 && item; item = json_next(item), n++) {
		snprintf(r->item, sizeof r->item, "%s[%zu]", items == v ? "" : json_key(items), n);
		rc = f ? take_item(r, item, e) : 0;
		if (rc != 0)
			err_context(e, "%s", r->item);
		*r->item = 0;
	}
	return rc;
}

/* One document, or one on each line. */
static int read_json(struct bill_reader *r, struct text all, struct err *e)
{
	struct json_document *d;
	const char *p = all.p, *end = all.p + all.n;
	r->line = 0;
	*r->item = 0;
	memset(r->has_column, 0, sizeof r->has_column);
	memset(r->has_none, 0, sizeof r->has_none);
	int rc = flat_document_open(&d, all, e);
	if (rc == 0) {
		rc = take_document(r, json_root(d), 0, e);
		json_close(d);
		return rc ? err_context(e, "%s", r->name) : check_mapped(r, e);
	}
	struct text first = line_at(p, end);
	if (first.n == all.n || json_check(first, NULL) != 0)
		return err_context(e, "%s", r->name);
	rc = 0;
	for (int64_t line = 1; rc == 0 && p < end; line++) {
		struct text one = line_at(p, end);
		p += one.n + (p + one.n < end);
		if (one.n == 0 || text_is(one, "\r"))
			continue;
		r->line = line;
		rc = flat_document_open(&d, one, e);
		if (rc == 0) {
			rc = take_document(r, json_root(d), 0, e);
			json_close(d);
		}
		if (rc != 0)
			err_context(e, "%s:%lld", r->name, (long long)line);
	}
	return rc == 0 ? check_mapped(r, e) : rc;
}

int bill_rows(struct bill_reader *r, struct text all, struct err *e)
{
	const char *p = all.p;
	while (p < all.p + all.n && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	bool json = p < all.p + all.n && (*p == '{' || *p == '[');
	return json ? read_json(r, all, e) : read_csv(r, all, e);
}
