#include "meter/formats/cursor_usage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/decimal.h"
#include "base/file.h"
#include "meter/formats/agent_call.h"

enum column { C_DATE, C_KIND, C_MODEL, C_WRITE, C_INPUT, C_READ, C_OUTPUT, C_TOTAL, COLUMNS };
enum { FILE_MOST = 1 << 30, HEADER_MOST = 4096 };

static const char *const names[COLUMNS] = { "Date",
					    "Kind",
					    "Model",
					    "Input (w/ Cache Write)",
					    "Input (w/o Cache Write)",
					    "Cache Read",
					    "Output Tokens",
					    "Total Tokens" };

/* The place of each column, -1 where it lacks; false: another kind of file. */
static bool find_columns(const struct csv_record *header, int at[COLUMNS])
{
	for (int c = 0; c < COLUMNS; c++) {
		at[c] = -1;
		for (size_t i = 0; i < header->count; i++)
			if (text_is(header->field[i], names[c]))
				at[c] = (int)i;
		/* older exports have no kind */
		if (at[c] < 0 && c != C_KIND && c != C_TOTAL)
			return false;
	}
	return true;
}

static struct text without_mark(struct text t)
{
	if (t.n >= 3 && memcmp(t.p, "\xEF\xBB\xBF", 3) == 0)
		return (struct text){ t.p + 3, t.n - 3 };
	return t;
}

static struct text first_line(struct text t)
{
	const char *nl = t.n ? memchr(t.p, '\n', t.n) : NULL;
	return (struct text){ t.p, nl ? (size_t)(nl - t.p) : t.n };
}

bool cursor_usage_known(const char *path)
{
	char head[HEADER_MOST];
	int at[COLUMNS], fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : pread(fd, head, sizeof head, 0);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	struct text line = first_line(without_mark((struct text){ head, (size_t)n }));
	if (!memmem(line.p, line.n, "Cache Write)", 12))
		return false;
	struct csv_record *r = mem_zalloc(sizeof *r);
	bool known = csv_split(r, line, ',', NULL) == 0 && find_columns(r, at);
	csv_record_release(r);
	free(r);
	return known;
}

/* A count with or without separators of thousands; empty is none. */
static int count_of(struct text field, const char *name, int64_t *out, struct err *e)
{
	*out = 0;
	for (size_t i = 0; i < field.n; i++) {
		if (field.p[i] == ',')
			continue;
		if (field.p[i] < '0' || field.p[i] > '9' || *out > INT64_MAX / 10 - 9)
			return err_set(e, ERR_INVALID, "column '%s' is no count ('%.*s')", name,
				       field.n > 40 ? 40 : (int)field.n, field.p);
		*out = *out * 10 + (field.p[i] - '0');
	}
	return 0;
}

static struct text cell(const struct csv_record *row, int at)
{
	return at >= 0 && (size_t)at < row->count ? row->field[at] : TEXT("");
}

static int row_counts(struct raw_counts *c, const struct csv_record *row, const int at[COLUMNS],
		      struct err *e)
{
	static const struct {
		enum column column;
		enum raw_count which;
	} parts[] = { { C_INPUT, RAW_PROMPT },
		      { C_WRITE, RAW_CACHE_WRITE },
		      { C_READ, RAW_CACHE_READ },
		      { C_OUTPUT, RAW_COMPLETION } };
	int128 sum = 0;
	int64_t total;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int64_t *n = &c->count[parts[i].which];
		int rc = count_of(cell(row, at[parts[i].column]), names[parts[i].column], n, e);
		if (rc != 0)
			return rc;
		c->has |= 1u << parts[i].which;
		sum += *n;
	}
	int rc = count_of(cell(row, at[C_TOTAL]), names[C_TOTAL], &total, e);
	if (rc == 0 && cell(row, at[C_TOTAL]).n && total != sum)
		rc = err_set(e, ERR_INVALID,
			     "column 'Total Tokens' (%lld) is not the sum of the other four",
			     (long long)total);
	return rc;
}

static void take_row(struct payload_reader *r, const struct csv_record *row, const int at[COLUMNS],
		     struct dict *same, int64_t line)
{
	struct metered m;
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true };
	struct instant t;
	struct err e;
	struct buf raw = { 0 };
	struct text kind = cell(row, at[C_KIND]), date = cell(row, at[C_DATE]),
		    model = cell(row, at[C_MODEL]);
	payload_begin(&m, "cursor.usage", line);
	int rc = row_counts(&c, row, at, &e);
	/* "Errored, No Charge": what is not charged has no price */
	bool free_of_charge = false;
	for (size_t i = 0; i + 9 <= kind.n; i++)
		free_of_charge |=
			strncasecmp(kind.p + i, "no charge", 9) == 0 ||
			(i + 11 <= kind.n && strncasecmp(kind.p + i, "not charged", 11) == 0);
	bool any = c.count[RAW_PROMPT] || c.count[RAW_CACHE_WRITE] || c.count[RAW_CACHE_READ] ||
		   c.count[RAW_COMPLETION];
	if (rc == 0 && (free_of_charge || !any)) {
		r->passed_over++;
		return;
	}
	const char *key = arena_printf(
		&r->arena, "cursor:%.*s/%.*s/%lld/%lld/%lld/%lld", date.n > 60 ? 60 : (int)date.n,
		date.p, model.n > 200 ? 200 : (int)model.n, model.p, (long long)c.count[RAW_PROMPT],
		(long long)c.count[RAW_CACHE_WRITE], (long long)c.count[RAW_CACHE_READ],
		(long long)c.count[RAW_COMPLETION]);
	uint64_t *n = dict_need(same, text_of(key), NULL);
	if (++*n > 1)
		key = arena_printf(&r->arena, "%s#%llu", key, (unsigned long long)*n);
	agent_set(&m.record, FIELD_ID, text_of(key));
	agent_set(&m.record, FIELD_MODEL, model);
	buf_puts(&raw, "{");
	for (int i = 0; i < COLUMNS; i++) {
		if (!cell(row, at[i]).n)
			continue;
		buf_printf(&raw, "%s\"%s\":", raw.n > 1 ? "," : "", names[i]);
		json_put_string(&raw, cell(row, at[i]));
	}
	buf_puts(&raw, "}");
	if (rc == 0 && (rc = instant_parse_lenient(&t, date, &e)) == 0)
		agent_set_time(&m.record, FIELD_TIME, t.us);
	agent_take(r, &m, &c, (struct text){ raw.p, raw.n }, rc, &e);
	buf_release(&raw);
}

int cursor_usage_read(const char *path, struct payload_reader *r, struct err *e)
{
	struct buf whole = { 0 };
	struct dict same = { 0 };
	struct csv_record *row = mem_zalloc(sizeof *row);
	int at[COLUMNS], rc = file_read(&whole, path, FILE_MOST, e);
	struct text left = without_mark((struct text){ whole.p, whole.n });
	int64_t line = 1;
	size_t columns = COLUMNS;
	for (bool header = true; rc == 0 && left.n; header = false) {
		struct err why;
		const char *end = csv_record_end(left.p, left.p + left.n, true, ',', columns);
		struct text record = { left.p, (size_t)(end - left.p) };
		left = (struct text){ end, left.n - record.n };
		if (record.n && record.p[record.n - 1] == '\n')
			record.n--;
		int bad = csv_split(row, record, ',', &why);
		if (header && (bad || !find_columns(row, at)))
			rc = err_set(e, ERR_INVALID,
				     "%s: line 1 is not the header of Cursor's usage", path);
		else if (!header && bad)
			r->sink.refuse(r->sink.user, line, record, &why);
		else if (!header && record.n)
			take_row(r, row, at, &same, line);
		columns = header ? row->count : columns;
		for (const char *p = record.p; p <= record.p + record.n && p < end; p++)
			line += *p == '\n';
	}
	csv_record_release(row);
	free(row);
	dict_release(&same);
	buf_release(&whole);
	return rc;
}
