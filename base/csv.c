#include "base/csv.h"

#include <csv.h>

struct split {
	struct csv_record *record;
	bool too_many;
};

/* libcsv hands over bytes that move when its buffer grows; keep offsets first, pointers at the end.
 */
static void take_field(void *bytes, size_t n, void *user)
{
	struct split *s = user;
	struct csv_record *r = s->record;
	if (r->count == CSV_FIELDS_MAX) {
		s->too_many = true;
		return;
	}
	r->field[r->count++] = (struct text){ NULL, n };
	buf_add(&r->bytes, bytes, n);
}

char csv_separator_of(struct text line)
{
	size_t most = 0;
	char best = ',';
	for (const char *s = CSV_SEPARATORS; *s; s++) {
		size_t count = 0;
		for (size_t i = 0; i < line.n; i++)
			count += line.p[i] == *s;
		if (count > most) {
			most = count;
			best = *s;
		}
	}
	return best;
}

static int is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static int is_newline(unsigned char c)
{
	return c == '\n';
}

void csv_record_release(struct csv_record *r)
{
	buf_release(&r->bytes);
}

int csv_split(struct csv_record *out, struct text line, char separator, struct err *e)
{
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n > CSV_RECORD_MAX)
		return err_set(e, ERR_INVALID, "the line is longer than %d bytes", CSV_RECORD_MAX);
	out->count = 0;
	out->bytes.n = 0;
	buf_need(&out->bytes, line.n);
	if (line.n && memchr(line.p, 0, line.n))
		return err_set(e, ERR_INVALID,
			       "the line holds a NUL byte (UTF-8 is read, not UTF-16)");
	if (utf8_valid_prefix(line.p, line.n) != line.n)
		return err_set(e, ERR_INVALID, "the line is not valid UTF-8 (byte %zu)",
			       utf8_valid_prefix(line.p, line.n) + 1);
	for (const char *p = line.p; line.n && (p = memchr(p, '\r', (size_t)(line.p + line.n - p)));
	     p++)
		if (p + 1 == line.p + line.n || p[1] != '\n')
			return err_set(e, ERR_INVALID,
				       "the line holds a carriage return that does not end it");
	struct csv_parser parser;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return err_set(e, ERR_SYSTEM, "libcsv could not start");
	csv_set_delim(&parser, (unsigned char)separator);
	csv_set_space_func(&parser, is_blank);
	csv_set_term_func(&parser, is_newline);
	struct split s = { .record = out };
	bool ok = csv_parse(&parser, line.p, line.n, take_field, NULL, &s) == line.n &&
		  csv_fini(&parser, take_field, NULL, &s) == 0;
	int why = csv_error(&parser);
	csv_free(&parser);
	if (s.too_many)
		return err_set(e, ERR_INVALID, "the line has more than %d fields", CSV_FIELDS_MAX);
	if (!ok)
		return err_set(e, ERR_INVALID,
			       why == CSV_EPARSE ? "a quote in the wrong place, or unclosed"
						 : "libcsv refused the line");
	if (out->count == 0) /* libcsv reports no field for an empty line */
		out->field[out->count++] = (struct text){ NULL, 0 };
	const char *p = out->bytes.p;
	for (size_t i = 0; i < out->count; i++) {
		out->field[i].p = p;
		p += out->field[i].n;
	}
	return 0;
}

/* The end of the line that holds p. */
static const char *line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));
	return nl ? nl + 1 : end;
}

const char *csv_record_end(const char *p, const char *end, bool at_end, char separator,
			   size_t columns)
{
	const char *first = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	const char *line = first ? first + 1 : end;
	if (!first && !at_end)
		return NULL;
	if (!memchr(p, '"', (size_t)(line - p)))
		return line;
	const char *stop = end - p > CSV_RECORD_MAX ? p + CSV_RECORD_MAX : end;
	size_t fields = 1;
	const char *q = p;
	for (;;) {
		while (q < stop && is_blank((unsigned char)*q))
			q++;
		if (q < stop && *q == '"') {
			q++;
			while ((q = q < stop ? memchr(q, '"', (size_t)(stop - q)) : NULL) &&
			       q + 1 < stop && q[1] == '"')
				q += 2;
			if (!q)
				return stop == end && !at_end ? NULL : line;
			if (q + 1 >= stop) {
				if (stop == end && !at_end)
					return NULL;
				return stop == end && fields == columns ? end : line;
			}
			q++;
			while (q < stop && (is_blank((unsigned char)*q) || *q == '\r'))
				q++;
		} else {
			while (q < stop && *q != separator && *q != '\n') {
				if (*q == '"')
					return line;
				q++;
			}
		}
		if (q >= stop) {
			if (stop == end && !at_end)
				return NULL;
			return stop == end && fields == columns ? end : line;
		}
		if (*q == separator) {
			q++;
			if (++fields > columns)
				return line;
			continue;
		}
		if (*q != '\n')
			return line;
		const char *whole = q + 1;
		return whole == line || fields == columns ? whole : line_end(p, end);
	}
}

/* Whether a text stands in a cell as it is, safely: letters, digits and the like, nothing that a
 * program could take for more. Most cells are. */
static bool is_bare(struct text s)
{
	/* bits of the characters below 64, from '-' to ':', and of letters and '_' */
	static const uint64_t bare[2] = { UINT64_C(0x3FFF) << '-',
					  UINT64_C(0x7FFFFFE) | UINT64_C(0x7FFFFFE) << 32 |
						  UINT64_C(1) << ('_' - 64) };
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];
		if (c > 127 || !(bare[c >> 6] >> (c & 63) & 1))
			return false;
	}
	return !s.n || s.p[0] != '-';
}

static void put_field(struct buf *b, const char *front, struct text s)
{
	bool quote = false;
	for (size_t i = 0; i < s.n && !quote; i++)
		quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
	if (s.n && (is_blank((unsigned char)s.p[0]) || is_blank((unsigned char)s.p[s.n - 1])))
		quote = true;
	if (!quote) {
		buf_puts(b, front);
		buf_add(b, s.p, s.n);
		return;
	}
	buf_add(b, "\"", 1);
	buf_puts(b, front);
	for (size_t i = 0; i < s.n; i++)
		buf_add(b, s.p[i] == '"' ? "\"\"" : &s.p[i], s.p[i] == '"' ? 2 : 1);
	buf_add(b, "\"", 1);
}

void csv_put_field(struct buf *b, struct text s)
{
	put_field(b, "", s);
}

/* Whether a spreadsheet would calculate what begins so; some read the wide forms as well. */
static bool is_formula(struct text s)
{
	static const char *const wide[] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D",
					    "\xEF\xBC\xA0" };
	bool is = s.n && memchr("=+-@\t\r\n", s.p[0], 7);
	for (size_t i = 0; i < 4 && s.n >= 3; i++)
		is |= memcmp(s.p, wide[i], 3) == 0;
	return is;
}

void csv_put_text(struct buf *b, struct text s)
{
	if (is_bare(s)) {
		buf_add(b, s.p, s.n);
		return;
	}
	struct buf plain = { 0 };
	const char *front = is_formula(s) ? "'" : "";
	while (s.n) { /* a return stays where it may stand, between quotes */
		const char *cr = memchr(s.p, '\r', s.n);
		const size_t n = cr ? (size_t)(cr - s.p) : s.n;
		buf_add_plain(&plain, (struct text){ s.p, n });
		buf_add(&plain, "\r", cr != NULL);
		s.p += n + (cr != NULL);
		s.n -= n + (cr != NULL);
	}
	put_field(b, front, (struct text){ plain.p ? plain.p : "", plain.n });
	buf_release(&plain);
}

struct text csv_plain_text(struct text s)
{
	if (s.n > 1 && s.p[0] == '\'' && is_formula((struct text){ s.p + 1, s.n - 1 }))
		return (struct text){ s.p + 1, s.n - 1 };
	return s;
}
