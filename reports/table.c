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
#include "base/decimal.h"
#include "meter/billing/terms.h"

enum { NARROWEST = 20 };
enum {
	COLUMNS_MAX = 40,
	GAP = 2,
	KEY_WIDE = 24,
	KEY_NARROW = 10,
	PROSE_WIDE = 20,
	PROSE_NARROW = 15,
	PROSE_LAST = 10 /* where even that is too wide */
};

/* marks of rows whose notes have no room, in the order of the notes */
static const char *const note_mark[] = { "*", "**", "***", "****", "*****", "******" };
enum { NOTES_MAX = sizeof note_mark / sizeof *note_mark };

struct table {
	struct arena arena;
	struct table_column column[COLUMNS_MAX];
	size_t columns;
	const char **cell; /* row by row */
	enum table_colour *colour;
	const char **noted; /* how the row is to be read, or NULL */
	size_t cells, room;
	struct buf plain, line;			      /* of the cell that is taken */
	bool left[COLUMNS_MAX];			      /* no room for it */
	bool minutes, compact;			      /* instants to the minute; counts as 4.2M */
	int natural[COLUMNS_MAX], width[COLUMNS_MAX]; /* uncut; at most, 0: as wide as they are */
};

static bool show_exact, no_colours, in_csv = true, in_json = true;
static int drawn_for; /* columns of a terminal that is not standard output */

void table_show_exact(bool exact)
{
	show_exact = exact;
}

void table_show_no_colours(void)
{
	no_colours = true;
}

void table_show_elsewhere(bool csv, bool json)
{
	in_csv = csv;
	in_json = json;
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
	free(t->colour);
	free(t->noted);
	buf_release(&t->plain);
	buf_release(&t->line);
	arena_release(&t->arena);
	free(t);
}

void table_text(struct table *t, struct text text)
{
	if (t->cells == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->cell = mem_grow(t->cell, t->room * sizeof *t->cell);
		t->colour = mem_grow(t->colour, t->room * sizeof *t->colour);
		t->noted = mem_grow(t->noted, t->room * sizeof *t->noted);
	}
	struct buf *plain = &t->plain, *line = &t->line;
	plain->n = line->n = 0;
	buf_add_plain(plain, text);
	/* a cell is one line, and as wide as it looks */
	for (const char *p = plain->n ? plain->p : ""; *p;) {
		const size_t n = strcspn(p, "\t\n");
		buf_add(line, p, n);
		p += n;
		if (*p)
			buf_puts(line, *p++ == '\t' ? "\\t" : "\\n");
	}
	t->colour[t->cells] = TABLE_PLAIN;
	t->noted[t->cells] = NULL;
	t->cell[t->cells++] = arena_text(&t->arena, line->n ? line->p : "", line->n);
}

void table_cell(struct table *t, const char *text)
{
	table_text(t, text_of(text));
}

void table_int(struct table *t, int64_t n)
{
	table_put(t, "%lld", (long long)n);
}

void table_put(struct table *t, const char *format, ...)
{
	va_list ap;
	char *text;
	va_start(ap, format);
	const int n = vasprintf(&text, format, ap);
	va_end(ap);
	CHECK(n >= 0);
	table_cell(t, text);
	free(text);
}

void table_colour(struct table *t, enum table_colour colour)
{
	if (t->cells)
		t->colour[t->cells - 1] = colour;
}

void table_noted(struct table *t, const char *note)
{
	if (t->cells)
		t->noted[t->cells - 1] = arena_printf(&t->arena, "%s", note);
}

void table_bar(struct table *t, int128 part, int128 most)
{
	enum { CELLS = 10, EIGHTHS = 8 };
	static const char *const parts[EIGHTHS] = { "",	      "\u258f", "\u258e", "\u258d",
						    "\u258c", "\u258b", "\u258a", "\u2589" };
	struct buf b = { 0 };
	buf_puts(&b, "");
	/* shares of a millionth are fine enough, and do not overflow */
	const int128 unit = most / 1000000 + 1;
	const int n =
		part > 0 && most > 0
			? (int)((part / unit * CELLS * EIGHTHS + most / unit / 2) / (most / unit))
			: 0;
	for (int i = 0; i < n / EIGHTHS; i++)
		buf_puts(&b, "\u2588");
	buf_puts(&b, parts[n % EIGHTHS]);
	table_cell(t, b.p);
	buf_release(&b);
}

void table_sparkline(struct table *t, const int128 *value, size_t count)
{
	static const char *const heights[] = { "\u2581", "\u2582", "\u2583", "\u2584",
					       "\u2585", "\u2586", "\u2587", "\u2588" };
	enum { HEIGHTS = sizeof heights / sizeof *heights };
	struct buf b = { 0 };
	int128 most = 0;
	buf_puts(&b, "");
	for (size_t i = 0; i < count; i++)
		most = value[i] > most ? value[i] : most;
	const int128 step = most / HEIGHTS + 1;
	for (size_t i = 0; i < count; i++)
		buf_puts(&b, value[i] > 0 ? heights[value[i] / step] : "\u00b7");
	table_cell(t, b.p);
	buf_release(&b);
}

void table_blank(struct table *t)
{
	CHECK(t->cells % t->columns == 0);
	for (size_t i = 0; i < t->columns; i++)
		table_cell(t, "");
}

char *table_heading(char room[TABLE_HEADING], const char *word)
{
	size_t i = 0;
	for (; i < TABLE_HEADING - 1 && word[i]; i++)
		room[i] = (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 32 : word[i]);
	room[i] = 0;
	return room;
}

int table_text_width(const char *s)
{
	wchar_t wide[512];
	size_t n = mbstowcs(wide, s, 511);
	if (n == (size_t)-1)
		return (int)strlen(s);
	wide[n < 511 ? n : 511] = 0;
	int width = wcswidth(wide, n);
	return width < 0 ? (int)strlen(s) : width;
}

/* From s, the whole last part of a path where it fits; NULL where it does not, or is no path. */
static const char *path_tail(struct table *t, const char *s, int width)
{
	const char *slash = strrchr(s, '/');
	if (!slash || slash == s || !slash[1] || table_text_width(slash) + 1 > width)
		return NULL;
	for (const char *more = slash; more > s; more--)
		if (*more == '/' && table_text_width(more) + 1 <= width)
			slash = more;
	return arena_printf(&t->arena, "\u2026%s", slash);
}

/* s in so many columns; what is too long loses its middle, a path its beginning. */
static const char *lose_middle(struct table *t, const char *s, int width)
{
	wchar_t wide[512];
	size_t n = mbstowcs(wide, s, 511);
	if (n == (size_t)-1 || n >= 511 || table_text_width(s) <= width)
		return s;
	const char *path = path_tail(t, s, width);
	if (path)
		return path;
	int before = (width - 1) / 2, after = width - 1 - before, used = 0;
	size_t head = 0, tail = n;
	while (head < n && used + wcwidth(wide[head]) <= before)
		used += wcwidth(wide[head++]);
	used = 0;
	while (tail > head && used + wcwidth(wide[tail - 1]) <= after)
		used += wcwidth(wide[--tail]);
	/* a mark without its letter would join the dots */
	while (tail < n && wcwidth(wide[tail]) == 0)
		tail++;
	wide[head] = L'\u2026';
	memmove(wide + head + 1, wide + tail, (n - tail) * sizeof *wide);
	wide[head + 1 + n - tail] = 0;
	char *out = arena_alloc(&t->arena, 4 * n + 8);
	return wcstombs(out, wide, 4 * n + 8) == (size_t)-1 ? s : out;
}

/* 4,210,000 as 4.2M, 39,680,015 as 39.7M, half up; NULL where the text is no count of at least
 * 10,000. */
static const char *count_compact(struct table *t, const char *s)
{
	static const char unit[] = " kMGTPE";
	uint64_t n = 0;
	for (; *s; s++) {
		if (*s == ',')
			continue;
		if (*s < '0' || *s > '9' || n > (UINT64_MAX - 9) / 10)
			return NULL;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	if (n < 10000)
		return NULL;
	uint64_t scale = 1;
	size_t step = 0;
	while (n / scale >= 1000) {
		scale *= 1000;
		step++;
	}
	/* tenths below a hundred, else whole ones; 999.5 is the next unit's 1.0 */
	uint64_t tenths = n / scale * 10 + (n % scale * 10 + scale / 2) / scale;
	if (tenths < 1000)
		return arena_printf(&t->arena, "%d.%d%c", (int)(tenths / 10), (int)(tenths % 10),
				    unit[step]);
	const uint64_t whole = n / scale + (n % scale >= scale / 2);
	return whole < 1000 ? arena_printf(&t->arena, "%d%c", (int)whole, unit[step])
			    : arena_printf(&t->arena, "1.0%c", unit[step + 1]);
}

/* 2026-08-16T16:00:59Z to the minute, as counts are to the thousand; NULL where the text is no such
 * instant. */
static const char *instant_compact(struct table *t, const char *s)
{
	if (strlen(s) != 20 || s[10] != 'T' || s[16] != ':' || s[19] != 'Z')
		return NULL;
	return arena_printf(&t->arena, "%.10s %.5sZ", s, s + 11);
}

/* The texts that rows are noted with and have no room for, each once. */
static size_t notes_of(const struct table *t, const char *note[NOTES_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < t->cells && n < NOTES_MAX; i++) {
		size_t k = 0;
		if (!t->noted[i] || !t->left[i % t->columns])
			continue;
		while (k < n && strcmp(note[k], t->noted[i]) != 0)
			k++;
		note[k] = t->noted[i];
		n += k == n;
	}
	return n;
}

/* What marks the row in its last cell of text, where its note has no room; else nothing. */
static const char *mark_of(const struct table *t, size_t i)
{
	const char *note[NOTES_MAX], *own = NULL;
	const size_t row = i - i % t->columns;
	size_t last = 0;
	for (size_t c = 0; c < t->columns; c++) {
		last = t->left[c] || t->column[c].right ? last : c;
		own = t->noted[row + c] && t->left[c] ? t->noted[row + c] : own;
	}
	if (!own || i != row + last)
		return "";
	for (size_t k = 0, n = notes_of(t, note); k < n; k++)
		if (strcmp(note[k], own) == 0)
			return note_mark[k];
	return "";
}

/* A cell as it is shown, but for its width. */
static const char *unsqueezed(struct table *t, size_t i)
{
	const struct table_column *c = &t->column[i % t->columns];
	const char *s = t->cell[i], *compact = NULL;
	if (c->money && !show_exact) {
		size_t room = strlen(s) + 16;
		s = amount_to_the_cent(arena_alloc(&t->arena, room), room, s);
	}
	if (c->right ? t->compact : t->minutes)
		compact = c->right ? count_compact(t, s) : instant_compact(t, s);
	s = compact ? compact : s;
	const char *mark = mark_of(t, i);
	return *mark ? arena_printf(&t->arena, "%s %s", s, mark) : s;
}

static bool has_dates(const struct table *t, size_t column)
{
	if (column >= t->cells)
		return false;
	const char *s = t->cell[column];
	return strlen(s) >= 7 && isdigit((unsigned char)s[0]) && isdigit((unsigned char)s[3]) &&
	       s[4] == '-';
}

/* How wide each column is when nothing is cut. */
static void measure(struct table *t)
{
	for (size_t c = 0; c < t->columns; c++) {
		t->natural[c] = table_text_width(t->column[c].title);
		t->width[c] = 0;
		for (size_t i = c; i < t->cells; i += t->columns) {
			int width = table_text_width(unsqueezed(t, i));
			t->natural[c] = width > t->natural[c] ? width : t->natural[c];
		}
	}
}

static int column_width(const struct table *t, size_t c)
{
	return t->width[c] ? t->width[c] : t->natural[c];
}

static int table_width(const struct table *t)
{
	int sum = -GAP;
	for (size_t c = 0; c < t->columns; c++)
		if (!t->left[c])
			sum += column_width(t, c) + GAP;
	return sum;
}

/* Whether the column may be narrower than `least` allows; prose goes before keys. */
static bool yields(const struct table *t, size_t c, bool prose, int least)
{
	const struct table_column *column = &t->column[c];
	const int title = table_text_width(column->title);
	return !t->left[c] && column_width(t, c) > (least > title ? least : title) &&
	       (prose ? column->wraps : column->may_shrink && !has_dates(t, c));
}

/* Takes room from the widest column of prose, then from the widest key, until all fit or have
 * `least`. */
static bool squeeze(struct table *t, int terminal, int prose, int key)
{
	for (size_t c = 0; c < t->columns; c++)
		t->width[c] = 0;
	for (int pass = 0; pass < 2; pass++)
		while (table_width(t) > terminal) {
			size_t widest = t->columns;
			for (size_t c = 0; c < t->columns; c++)
				if (yields(t, c, pass == 0, pass == 0 ? prose : key) &&
				    (widest == t->columns ||
				     column_width(t, c) > column_width(t, widest)))
					widest = c;
			if (widest == t->columns)
				break;
			t->width[widest] = column_width(t, widest) - 1;
		}
	return table_width(t) <= terminal;
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
	measure(t);
	return true;
}

static void drop_bars(struct table *t)
{
	for (size_t c = 0; c < t->columns; c++)
		t->left[c] |= t->column[c].bar;
}

static bool is_empty(const struct table *t, size_t column)
{
	for (size_t i = column; i < t->cells; i += t->columns)
		if (*t->cell[i])
			return false;
	return t->cells > 0;
}

/* What left for the sake of one that left after it comes back where it fits, the last first. */
static void come_back(struct table *t, int terminal, const bool *empty)
{
	for (int leaves = COLUMNS_MAX; leaves; leaves--)
		for (size_t c = 0; c < t->columns; c++) {
			if (t->column[c].leaves != leaves || empty[c] || !t->left[c])
				continue;
			t->left[c] = false;
			measure(t);
			t->left[c] = !squeeze(t, terminal, PROSE_WIDE, KEY_WIDE);
			measure(t);
		}
	squeeze(t, terminal, PROSE_WIDE, KEY_WIDE);
}

/* What is done to fit, mildest first. */
static void fit(struct table *t, int terminal)
{
	bool before[COLUMNS_MAX];
	for (size_t c = 0; c < t->columns; c++)
		t->left[c] |= is_empty(t, c);
	measure(t);
	if (table_width(t) > terminal || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
		drop_bars(t);
		measure(t);
	}
	t->minutes = !show_exact && table_width(t) > terminal;
	measure(t);
	if (squeeze(t, terminal, PROSE_WIDE, KEY_WIDE))
		return;
	t->compact = !show_exact;
	measure(t);
	memcpy(before, t->left, sizeof before);
	while (!squeeze(t, terminal, PROSE_WIDE, KEY_WIDE))
		if (!leave(t))
			break;
	if (table_width(t) <= terminal)
		come_back(t, terminal, before);
	else if (!squeeze(t, terminal, PROSE_NARROW, KEY_NARROW))
		squeeze(t, terminal, PROSE_LAST, KEY_NARROW);
}

static bool to_terminal(void)
{
	return drawn_for || isatty(STDOUT_FILENO);
}

void table_draw_for(int width)
{
	drawn_for = width < NARROWEST ? NARROWEST : width;
}

/* Columns of the terminal behind a descriptor; 0 where it is none, or too narrow for tables. */
static int width_of(int fd)
{
	struct winsize size;
	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= NARROWEST
		       ? size.ws_col
		       : 0;
}

static int terminal_width(void)
{
	return drawn_for ? drawn_for : width_of(STDOUT_FILENO);
}

bool table_to_the_cent(void)
{
	return !show_exact && to_terminal();
}

int table_room(int otherwise)
{
	const int width = terminal_width();
	return width ? width : otherwise;
}

/* How far further lines are set in: below the text of a label such as "source   ", or of a point.
 */
static int label_width(const char *s)
{
	const char *gap = strstr(s, "  ");
	if (s[0] == '-' && s[1] == ' ')
		return 2;
	return gap && gap - s <= 12 ? (int)(gap - s) + (int)strspn(gap, " ") : 0;
}

/* Bytes of a word up to the last mark that it may be divided behind, in so many columns; 0: none.
 */
static size_t part_of_word(const char *word, size_t n, int room)
{
	size_t k = n < (size_t)(room > 0 ? room : 0) ? n : (size_t)(room > 0 ? room : 0);
	while (k && !strchr("/-_.,=@:", word[k - 1]))
		k--;
	return k;
}

/* What of a word that is wider than a line below a label remains for the last line; an address
 * stays whole, to be followed. *column: where it begins. */
static size_t divide_word(FILE *out, int width, int hang, int *column, const char *word, size_t n)
{
	size_t done = 0;
	if (memmem(word, n, "://", 3))
		return 0;
	for (size_t k; *column + (int)(n - done) > width &&
		       (k = part_of_word(word + done, n - done, width - *column));
	     done += k) {
		fwrite(word + done, 1, k, out);
		*column = fprintf(out, "\n%*s", hang, "") - 1;
	}
	return done;
}

/* One line of text to a terminal of that width, or as it is where that is 0. */
static void print_wrapped(FILE *out, int width, struct text given)
{
	struct buf clean = { 0 };
	buf_add_plain(&clean, given);
	const char *start = clean.n ? clean.p : "", *word = start + strspn(start, " ");
	const int indent = (int)(word - start), hang = indent + label_width(word);
	int column = fprintf(out, "%*s", indent, "");
	for (bool first = true; *word; first = false) {
		const size_t n = strcspn(word, " ");
		char text[256];
		snprintf(text, sizeof text, "%.*s", (int)n, word);
		const int wide = n < sizeof text ? table_text_width(text) : (int)n;
		if (!first && width && column + 1 + wide > width && hang + wide <= width)
			column = fprintf(out, "\n%*s", hang, "") - 1;
		else if (!first)
			column += fprintf(out, " ");
		const bool divides = width && hang && hang + wide > width;
		const size_t done = divides ? divide_word(out, width, hang, &column, word, n) : 0;
		fwrite(word + done, 1, n - done, out);
		column += wide - (int)done;
		column = width && column > width ? column % width : column;
		word += n + (word[n] == ' ');
	}
	fputc('\n', out);
	buf_release(&clean);
}

static struct buf *taken;

void take_notes(struct buf *b)
{
	taken = b;
}

void print_gap(void)
{
	if (!taken)
		putchar('\n');
}

void print_note(const char *format, ...)
{
	char *given = NULL;
	va_list args;
	va_start(args, format);
	CHECK(vasprintf(&given, format, args) >= 0);
	va_end(args);
	const size_t blank = strspn(given, "\n");
	if (taken) {
		buf_printf(taken, "%s\n", given + blank);
	} else {
		fwrite(given, 1, blank, stdout);
		print_wrapped(stdout, terminal_width(), text_of(given + blank));
	}
	free(given);
}

void print_notice(const char *format, ...)
{
	static struct buf line; /* the pieces of a line that has not ended */
	char *given = NULL;
	va_list args;
	va_start(args, format);
	CHECK(vasprintf(&given, format, args) >= 0);
	va_end(args);
	for (const char *rest = given; *rest;) {
		const size_t n = strcspn(rest, "\n");
		buf_add(&line, rest, n);
		rest += n;
		if (!*rest++)
			break;
		/* one write: others may write there as well */
		char *wrapped = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&wrapped, &length);
		CHECK(out);
		print_wrapped(out, width_of(STDERR_FILENO), (struct text){ line.p, line.n });
		fclose(out);
		fwrite(wrapped, 1, length, stderr);
		free(wrapped);
		buf_release(&line);
	}
	free(given);
}

static void say_what_left(const struct table *t)
{
	const char *note[NOTES_MAX];
	struct buf names = { 0 };
	for (size_t c = 0; c < t->columns; c++)
		if (t->left[c] && *t->column[c].title && !is_empty(t, c))
			buf_printf(&names, "%s%s", names.n ? ", " : "", t->column[c].title);
	if (names.n)
		print_note("(no room for %s: see a wider terminal%s%s%s)", names.p,
			   in_csv && in_json   ? ", "
			   : in_csv || in_json ? " or "
					       : "",
			   in_csv ? "--csv" : "",
			   in_csv && in_json ? " or --json"
			   : in_json	     ? "--json"
					     : "");
	buf_release(&names);
	for (size_t k = 0, n = notes_of(t, note); k < n; k++)
		print_note("%s %s", note_mark[k], note[k]);
}

/* The next line of a text that wraps at words; *rest moves behind it. */
static const char *next_line(struct table *t, const char **rest, int width)
{
	char *line = arena_printf(&t->arena, "%s", *rest);
	const size_t whole = strlen(line);
	size_t end = whole;
	while (end && table_text_width(line) > width) {
		do
			end--;
		while (end && line[end] != ' ');
		line[end] = 0;
	}
	if (end == 0) { /* a word that is wider than the column */
		end = strcspn(*rest, " ");
		line = arena_printf(&t->arena, "%.*s", (int)end, *rest);
		*rest += end + strspn(*rest + end, " ");
		return lose_middle(t, line, width);
	}
	*rest += end + strspn(*rest + end, " ");
	return line;
}

/* A row, and below it what its cells hold beyond their first lines. */
static void put_cell(const struct table *t, struct libscols_line *line, size_t k, const char *text,
		     size_t cell)
{
	static const char *const names[] = { NULL, "red", "yellow" };
	const char *colour = names[t->colour[cell]];
	CHECK(scols_line_set_data(line, k, text) == 0);
	if (colour)
		scols_cell_set_color(scols_line_get_cell(line, k), colour);
}

static void put_row(struct table *t, struct libscols_table *scols, size_t row, bool terminal)
{
	const char *rest[COLUMNS_MAX];
	bool more = true;
	for (size_t c = 0; c < t->columns; c++)
		rest[c] = terminal ? unsqueezed(t, row + c) : t->cell[row + c];
	while (more) {
		struct libscols_line *line = scols_table_new_line(scols, NULL);
		CHECK(line);
		more = false;
		for (size_t c = 0, k = 0; c < t->columns; c++) {
			const char *s = rest[c];
			if (t->left[c])
				continue;
			rest[c] += strlen(s);
			if (t->width[c] && t->column[c].wraps && *s) {
				rest[c] = s;
				s = next_line(t, &rest[c], t->width[c]);
			} else if (t->width[c]) {
				s = lose_middle(t, s, t->width[c]);
			}
			more |= *rest[c] != 0;
			put_cell(t, line, k++, s, row + c);
		}
	}
}

/* https://no-color.org: set and not empty */
static bool colours_wanted(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && !no_colours && !(none && *none) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* Nothing is printed behind the last cell of a line that holds something. */
static void put_lines(struct libscols_table *scols)
{
	char *drawn = NULL;
	CHECK(scols_print_table_to_string(scols, &drawn) == 0);
	for (const char *line = drawn; *line;) {
		const size_t whole = strcspn(line, "\n");
		size_t n = whole;
		while (n && line[n - 1] == ' ')
			n--;
		fwrite(line, 1, n, stdout);
		putchar('\n');
		line += whole + (line[whole] == '\n');
	}
	free(drawn);
}

void table_print(struct table *t)
{
	const bool terminal = to_terminal();
	const int width = terminal_width();
	struct libscols_table *scols = scols_new_table();
	CHECK(scols && t->cells % t->columns == 0);
	scols_table_enable_noencoding(scols, true); /* cells are plain already */
	scols_table_set_column_separator(scols, "  ");
	scols_table_set_termforce(scols, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(scols, colours_wanted());
	if (width)
		fit(t, width);
	else
		drop_bars(t);
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
	for (size_t i = 0; i < t->cells; i += t->columns)
		put_row(t, scols, i, terminal);
	put_lines(scols);
	scols_unref_table(scols);
	if (terminal)
		say_what_left(t);
}

void table_print_or(struct table *t, const char *none)
{
	if (t->cells)
		table_print(t);
	else
		print_note("%s", none);
}

/* The unit of an amount: how many decimals it has; -1 where none is named. */
static int places_of(const char *amount, const char *end)
{
	while (*end == ' ')
		end++;
	size_t n = 0;
	while (end[n] >= 'A' && end[n] <= 'Z')
		n++;
	if (n == 3 && (!end[3] || end[3] == ' '))
		return currency_places((struct text){ end, 3 });
	return strchr(amount, '$') ? 2 : -1;
}

char *amount_to_the_cent(char *out, size_t room, const char *amount)
{
	char plain[DECIMAL_TEXT_MAX], text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	const char *start = strpbrk(amount, "0123456789"), *end = start;
	size_t n = 0;
	bool commas = false, changed = false;
	struct decimal d;
	snprintf(out, room, "%s", amount);
	for (; end && (isdigit((unsigned char)*end) || *end == ',' || *end == '.'); end++) {
		commas |= *end == ',';
		if (*end != ',' && n + 1 < sizeof plain)
			plain[n++] = *end;
	}
	plain[n] = 0;
	const char *point = strchr(plain, '.');
	const int unit = start ? places_of(amount, end) : 0, places = unit < 0 ? 2 : unit;
	const size_t decimals = point ? strlen(point + 1) : 0;
	if (!start || decimal_parse(&d, (struct text){ plain, n }, NULL) != 0 ||
	    (unit < 0 && decimals <= 2))
		return out;
	const struct decimal r = decimal_round_places(d, places, &changed);
	const bool vanished = r.digits == 0 && d.digits != 0;
	decimal_format(vanished && *amount != '>' ? (struct decimal){ 1, places } : r, text);
	point = strchr(text, '.');
	const size_t whole = point ? (size_t)(point - text) : strlen(text);
	number_grouped(grouped, text);
	int have = point ? (int)strlen(point + 1) : 0;
	for (; have < places; have++)
		strcat(grouped, have ? "0" : ".0");
	snprintf(out, room, "%s%.*s%s%s",
		 !vanished || *amount == '>' ? ""
		 : *amount == '-'	     ? ">"
					     : "<",
		 (int)(start - amount), amount, commas || whole <= 4 ? grouped : text, end);
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
