#include "reports/table.h"

#include <ctype.h>
#include <langinfo.h>
#include <libsmartcols.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/arena.h"

enum { COLUMNS_MAX = 40, GAP = 2, KEY_WIDE = 24, KEY_NARROW = 10 };

struct table {
	struct arena arena;
	struct table_column column[COLUMNS_MAX];
	size_t columns;
	const char **cell; /* row by row */
	size_t cells, room;
	bool left[COLUMNS_MAX]; /* no room for it */
	bool compact;		/* counts as 4.2M */
	int width[COLUMNS_MAX]; /* at most, of columns that shrink; 0: as wide as they are */
};

static bool show_exact;

void table_show_exact(bool exact)
{
	show_exact = exact;
}

void table_use_locale(void)
{
	/* without a locale there is no code set that anybody chose; UTF-8 is what terminals read */
	if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") != 0)
		return;
	setlocale(LC_CTYPE, "C.UTF-8");
}

struct table *table_open(const struct table_column *columns, size_t count)
{
	struct table *t = mem_zalloc(sizeof *t);
	CHECK(count > 0 && count <= COLUMNS_MAX);
	t->columns = count;
	memcpy(t->column, columns, count * sizeof *columns);
	for (size_t i = 0; i < count; i++)
		t->column[i].title = arena_printf(&t->arena, "%s", columns[i].title);
	return t;
}

void table_close(struct table *t)
{
	if (!t)
		return;
	free(t->cell);
	arena_release(&t->arena);
	free(t);
}

void table_cell(struct table *t, const char *text)
{
	if (t->cells == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->cell = mem_grow(t->cell, t->room * sizeof *t->cell);
	}
	struct buf b = { 0 };
	buf_add_plain(&b, text_of(text));
	t->cell[t->cells++] = arena_text(&t->arena, b.p, b.n);
	buf_release(&b);
}

void table_blank(struct table *t)
{
	CHECK(t->cells % t->columns == 0);
	for (size_t i = 0; i < t->columns; i++)
		table_cell(t, "");
}

/* Columns of a terminal that a text takes. */
static int text_width(const char *s)
{
	wchar_t wide[512];
	size_t n = mbstowcs(wide, s, 511);
	if (n == (size_t)-1)
		return (int)strlen(s);
	wide[n < 511 ? n : 511] = 0;
	int width = wcswidth(wide, n);
	return width < 0 ? (int)strlen(s) : width;
}

/* s in so many columns; what is too long loses its middle. */
static const char *lose_middle(struct table *t, const char *s, int width)
{
	wchar_t wide[512];
	size_t n = mbstowcs(wide, s, 511);
	if (n == (size_t)-1 || n >= 511 || text_width(s) <= width)
		return s;
	int before = (width - 1) / 2, after = width - 1 - before, used = 0;
	size_t head = 0, tail = n;
	while (head < n && used + wcwidth(wide[head]) <= before)
		used += wcwidth(wide[head++]);
	used = 0;
	while (tail > head && used + wcwidth(wide[tail - 1]) <= after)
		used += wcwidth(wide[--tail]);
	wide[head] = L'\u2026';
	memmove(wide + head + 1, wide + tail, (n - tail) * sizeof *wide);
	wide[head + 1 + n - tail] = 0;
	char *out = arena_alloc(&t->arena, 4 * n + 8);
	return wcstombs(out, wide, 4 * n + 8) == (size_t)-1 ? s : out;
}

/* 4,210,000 as 4.2M; NULL where the text is no count of at least 10,000. */
static const char *count_compact(struct table *t, const char *s)
{
	char digits[24];
	size_t n = 0;
	for (; *s; s++) {
		if (*s == ',')
			continue;
		if (*s < '0' || *s > '9' || n == sizeof digits - 1)
			return NULL;
		digits[n++] = *s;
	}
	digits[n] = 0;
	if (n < 5)
		return NULL;
	static const char unit[] = "kMGTPE";
	size_t step = (n - 1) / 3, whole = n - step * 3;
	return whole < 2 ? arena_printf(&t->arena, "%.*s.%c%c", (int)whole, digits, digits[whole],
					unit[step - 1])
			 : arena_printf(&t->arena, "%.*s%c", (int)whole, digits, unit[step - 1]);
}

/* A cell as it is shown. */
static const char *shown(struct table *t, size_t i, bool terminal)
{
	const struct table_column *c = &t->column[i % t->columns];
	const char *s = t->cell[i], *compact;
	if (!terminal)
		return s;
	if (c->money && !show_exact) {
		size_t room = strlen(s) + 8;
		s = amount_to_the_cent(arena_alloc(&t->arena, room), room, s);
	}
	if (t->compact && c->right && (compact = count_compact(t, s)))
		s = compact;
	int most = t->width[i % t->columns];
	return most ? lose_middle(t, s, most) : s;
}

static int column_width(struct table *t, size_t column)
{
	int widest = text_width(t->column[column].title);
	for (size_t i = column; i < t->cells; i += t->columns) {
		int width = text_width(shown(t, i, true));
		widest = width > widest ? width : widest;
	}
	return widest;
}

static int table_width(struct table *t)
{
	int sum = -GAP;
	for (size_t c = 0; c < t->columns; c++)
		if (!t->left[c])
			sum += column_width(t, c) + GAP;
	return sum;
}

static bool has_dates(const struct table *t, size_t column)
{
	if (column >= t->cells)
		return false;
	const char *s = t->cell[column];
	return strlen(s) >= 7 && isdigit((unsigned char)s[0]) && isdigit((unsigned char)s[3]) &&
	       s[4] == '-';
}

/* Lets the columns that shrink have `most` columns of the terminal each. */
static void shrink(struct table *t, int most)
{
	for (size_t c = 0; c < t->columns; c++)
		if (t->column[c].may_shrink && !has_dates(t, c))
			t->width[c] = most;
}

/* Takes the next column that may leave; false when there is none. */
static bool leave(struct table *t)
{
	size_t next = t->columns;
	for (size_t c = 0; c < t->columns; c++)
		if (t->column[c].leaves && !t->left[c] &&
		    (next == t->columns || t->column[c].leaves < t->column[next].leaves))
			next = c;
	if (next == t->columns)
		return false;
	t->left[next] = true;
	return true;
}

/* What is done to fit, mildest first. */
static void fit(struct table *t, int terminal_width)
{
	if (table_width(t) <= terminal_width)
		return;
	shrink(t, KEY_WIDE);
	if (table_width(t) <= terminal_width)
		return;
	t->compact = !show_exact;
	while (table_width(t) > terminal_width && leave(t))
		;
	for (int most = KEY_WIDE; most >= KEY_NARROW && table_width(t) > terminal_width; most--)
		shrink(t, most);
}

/* Columns of the terminal; 0 where the output is none, or too narrow for tables. */
static int terminal_width(void)
{
	struct winsize size;
	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
			       size.ws_col >= 20
		       ? size.ws_col
		       : 0;
}

void print_note(const char *format, ...)
{
	const int width = terminal_width();
	char *given = NULL;
	struct buf clean = { 0 };
	va_list args;
	va_start(args, format);
	CHECK(vasprintf(&given, format, args) >= 0);
	va_end(args);
	const size_t blank = strspn(given, "\n");
	buf_add_plain(&clean, text_of(given + blank));
	const char *start = clean.n ? clean.p : "", *word = start + strspn(start, " ");
	const int indent = (int)(word - start);
	/* further lines stand below the text of a label such as "source   " */
	const size_t label = strcspn(word, " "), gap = strspn(word + label, " ");
	const int hang = gap > 1 && label + gap <= 12 ? indent + (int)(label + gap) : indent;
	fwrite(given, 1, blank, stdout);
	int column = printf("%*s", indent, "");
	for (bool first = true; *word; first = false) {
		const size_t n = strcspn(word, " ");
		const int wide = (int)n; /* bytes: a word beyond ASCII only wraps earlier */
		if (!first && width && column + 1 + wide > width)
			column = printf("\n%*s", hang, "") - 1;
		else if (!first)
			column += printf(" ");
		fwrite(word, 1, n, stdout);
		column += wide;
		word += n + (word[n] == ' ');
	}
	printf("\n");
	buf_release(&clean);
	free(given);
}

static void say_what_left(const struct table *t)
{
	struct buf names = { 0 };
	for (size_t c = 0; c < t->columns; c++)
		if (t->left[c] && *t->column[c].title)
			buf_printf(&names, "%s%s", names.n ? ", " : "", t->column[c].title);
	if (names.n)
		print_note("(no room for %s; a wider terminal, --csv or --json has them)", names.p);
	buf_release(&names);
}

void table_print(struct table *t)
{
	const bool terminal = isatty(STDOUT_FILENO);
	const int width = terminal_width();
	struct libscols_table *scols = scols_new_table();
	CHECK(scols && t->cells % t->columns == 0);
	scols_table_set_column_separator(scols, "  ");
	scols_table_set_termforce(scols, SCOLS_TERMFORCE_NEVER);
	if (width)
		fit(t, width);
	for (size_t c = 0; c < t->columns; c++) {
		if (t->left[c])
			continue;
		bool right = t->column[c].right;
		struct libscols_column *column = scols_table_new_column(
			scols, t->column[c].title, 0.01, right ? SCOLS_FL_RIGHT : 0);
		CHECK(column);
		scols_cell_set_flags(scols_column_get_header(column),
				     right ? SCOLS_CELL_FL_RIGHT : SCOLS_CELL_FL_LEFT);
	}
	for (size_t i = 0; i < t->cells; i += t->columns) {
		struct libscols_line *line = scols_table_new_line(scols, NULL);
		CHECK(line);
		for (size_t c = 0, k = 0; c < t->columns; c++)
			if (!t->left[c])
				CHECK(scols_line_set_data(line, k++, shown(t, i + c, terminal)) ==
				      0);
	}
	fflush(stdout);
	scols_print_table(scols);
	scols_unref_table(scols);
	if (terminal)
		say_what_left(t);
}

char *amount_to_the_cent(char *out, size_t room, const char *amount)
{
	const char *point = amount;
	while ((point = strchr(point, '.')) && !isdigit((unsigned char)point[1]))
		point++;
	const char *end = point ? point + 1 : NULL;
	while (end && isdigit((unsigned char)*end))
		end++;
	if (!point || end - point - 1 <= 2 || strlen(amount) + 8 > room) {
		snprintf(out, room, "%s", amount);
		return out;
	}
	/* the digits before the point, then two; the third decides */
	size_t n = (size_t)(point - amount) + 3;
	memcpy(out, amount, n);
	out[n] = 0;
	bool up = point[3] >= '5', zero = true;
	for (size_t i = n; up && i > 0; i--) {
		char *d = &out[i - 1];
		if (*d == '.' || *d == ',')
			continue;
		if (!isdigit((unsigned char)*d)) {
			memmove(d + 2, d + 1, n - i + 1); /* 9.999: one digit more */
			d[1] = '1';
			n++;
			break;
		}
		up = *d == '9';
		*d = up ? '0' : (char)(*d + 1);
	}
	if (up && isdigit((unsigned char)out[0]) && out[0] == '0' &&
	    isdigit((unsigned char)amount[0])) {
		memmove(out + 1, out, n + 1);
		out[0] = '1';
		n++;
	}
	for (size_t i = 0; i < n; i++)
		zero &= !(out[i] >= '1' && out[i] <= '9');
	snprintf(out + n, room - n, "%s", end);
	if (zero && *amount != '>') { /* ">= $0.00" says enough */
		const char *digit = strpbrk(amount, "0123456789");
		snprintf(out, room, "%c%.*s0.01%s", *amount == '-' ? '>' : '<',
			 (int)(digit - amount), amount, end);
	}
	return out;
}

char *number_grouped(char buf[DECIMAL_TEXT_MAX * 2], const char *plain)
{
	const char *digits = plain + (*plain == '-');
	size_t whole = strcspn(digits, ".");
	char *o = buf;
	if (*plain == '-')
		*o++ = '-';
	for (size_t i = 0; i < whole; i++) {
		if (i && (whole - i) % 3 == 0)
			*o++ = ',';
		*o++ = digits[i];
	}
	strcpy(o, digits + whole);
	return buf;
}
