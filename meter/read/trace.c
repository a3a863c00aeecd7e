#include "meter/read/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "meter/read/columns.h"
#include "meter/read/own_table.h"

enum compression { PLAIN, GZIP, ZSTD };
enum { HEAD_MAX = TRACE_RECORD_MAX + 4096, INPUT_CHUNK = 128 << 10 };

struct trace {
	char *path;
	int fd;
	bool seekable, in_order;
	enum compression compression;
	int64_t size;
	const struct shape *shape;
	char separator;
	size_t columns;
	enum record_field *field;
	char **name;
	bool lacks, mapped, times; /* times: several columns say the time */
	struct doubts doubts;	   /* under the lock */
	int64_t body;		   /* offset of the first record in the (decompressed) text */
	int64_t body_line;

	atomic_int_fast64_t next_block; /* plain files out of order */
	atomic_int_fast64_t consumed;

	/* in order, under the lock */
	pthread_mutex_t lock;
	struct buf rest; /* read but not yet handed out */
	int64_t rest_offset, rest_line;
	bool ended, skipping;
	bool growing;	    /* what has come so far is no end */
	struct err failure; /* what ended the text early */
	z_stream gz;
	bool gz_open, gz_between;
	ZSTD_DStream *zstd;
	size_t zstd_hint;
	char *input;
	size_t input_at, input_n;
};

static int read_failed(const struct trace *t, struct err *e)
{
	return err_set(e, ERR_UNREADABLE, "%s: could not read: %s", t->path, strerror(errno));
}

/* Raw bytes of the file into t->input. 1, 0 at the end, or negative. */
static int fill_input(struct trace *t, struct err *e)
{
	ssize_t n;
	do
		n = read(t->fd, t->input, INPUT_CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return read_failed(t, e);
	t->input_at = 0;
	t->input_n = (size_t)n;
	atomic_fetch_add(&t->consumed, n);
	return n > 0;
}

static int truncated(struct trace *t, const char *what, struct err *e)
{
	return err_set(
		e, ERR_UNREADABLE,
		"%s: the %s data ends too early or is damaged; what could be read was counted",
		t->path, what);
}

static int inflate_some(struct trace *t, char *out, size_t room, size_t *n, struct err *e)
{
	t->gz.next_out = (unsigned char *)out;
	t->gz.avail_out = (unsigned)room;
	while (t->gz.avail_out == room) {
		if (t->input_at == t->input_n) {
			int rc = fill_input(t, e);
			if (rc < 0)
				return rc;
			if (rc == 0)
				return t->gz_between ? (*n = 0, 0) : truncated(t, "gzip", e);
		}
		if (t->gz_between) { /* another member follows */
			inflateReset(&t->gz);
			t->gz_between = false;
		}
		t->gz.next_in = (unsigned char *)t->input + t->input_at;
		t->gz.avail_in = (unsigned)(t->input_n - t->input_at);
		int rc = inflate(&t->gz, Z_NO_FLUSH);
		t->input_at = t->input_n - t->gz.avail_in;
		if (rc == Z_STREAM_END)
			t->gz_between = true;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			break;
	}
	*n = room - t->gz.avail_out;
	return *n ? 1 : truncated(t, "gzip", e);
}

static int unzstd_some(struct trace *t, char *out, size_t room, size_t *n, struct err *e)
{
	ZSTD_outBuffer o = { out, room, 0 };
	while (o.pos == 0) {
		if (t->input_at == t->input_n) {
			int rc = fill_input(t, e);
			if (rc < 0)
				return rc;
			if (rc == 0)
				return t->zstd_hint == 0 ? (*n = 0, 0) : truncated(t, "zstd", e);
		}
		ZSTD_inBuffer in = { t->input, t->input_n, t->input_at };
		t->zstd_hint = ZSTD_decompressStream(t->zstd, &o, &in);
		t->input_at = in.pos;
		if (ZSTD_isError(t->zstd_hint))
			return truncated(t, "zstd", e);
	}
	*n = o.pos;
	return 1;
}

/* Decompressed bytes in order. 1, 0 at the end, or negative. */
static int read_some(struct trace *t, char *out, size_t room, size_t *n, struct err *e)
{
	if (t->compression == GZIP)
		return inflate_some(t, out, room, n, e);
	if (t->compression == ZSTD)
		return unzstd_some(t, out, room, n, e);
	ssize_t got;
	do
		got = read(t->fd, out, room);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return read_failed(t, e);
	*n = (size_t)got;
	atomic_fetch_add(&t->consumed, got);
	return got > 0;
}

/* Reads until rest holds at least `want` bytes or there are no more. */
static int fill_rest(struct trace *t, size_t want, struct err *e)
{
	bool more = !t->ended;
	while (more && t->rest.n < want) {
		size_t n = 0;
		buf_need(&t->rest, INPUT_CHUNK);
		int rc = read_some(t, t->rest.p + t->rest.n, INPUT_CHUNK, &n, &t->failure);
		t->rest.n += n;
		more = rc > 0;
		t->ended = !more && (!t->growing || rc < 0);
		if (rc < 0 && t->rest.n == 0) {
			if (e)
				*e = t->failure;
			t->failure.code = ERR_NONE;
			return rc;
		}
	}
	return 0;
}

static int start_text(struct trace *t, struct err *e)
{
	if (t->seekable && lseek(t->fd, 0, SEEK_SET) < 0)
		return read_failed(t, e);
	t->input_at = t->input_n = 0;
	t->rest.n = 0;
	t->ended = t->skipping = t->growing = false;
	t->failure.code = ERR_NONE;
	atomic_store(&t->consumed, 0);
	if (t->compression == GZIP) {
		if (t->gz_open)
			inflateEnd(&t->gz);
		t->gz = (z_stream){ 0 };
		t->gz_open = inflateInit2(&t->gz, 15 + 16) == Z_OK;
		t->gz_between = false;
		if (!t->gz_open)
			return err_set(e, ERR_SYSTEM, "zlib could not start");
	}
	if (t->compression == ZSTD) {
		if (!t->zstd)
			t->zstd = ZSTD_createDStream();
		t->zstd_hint = ZSTD_initDStream(t->zstd);
	}
	return 0;
}

static bool columns_count(const struct trace *t)
{
	bool counts = false;
	for (size_t i = 0; i < t->columns; i++)
		counts |= t->field[i] >= FIELD_COUNTS && t->field[i] <= FIELD_PROMPT &&
			  t->field[i] != FIELD_REQUESTS;
	return counts;
}

/* Of several columns that may be the time the first is, and the others must say the same. */
static void take_times(struct trace *t, const struct field_map *map, size_t map_count,
		       uint64_t fields)
{
	bool known = fields >> FIELD_TIME & 1, first = true;
	for (size_t m = 0; m < map_count; m++)
		known |= map[m].field == FIELD_TIME;
	for (size_t i = 0; !known && i < t->columns; i++) {
		bool mapped = false;
		for (size_t m = 0; m < map_count; m++)
			mapped |= strcmp(map[m].column, t->name[i]) == 0;
		if (mapped || (t->field[i] < FIELD_END && t->field[i] != FIELD_TIME) ||
		    column_field_meant(text_of(t->name[i])) != FIELD_TIME)
			continue;
		t->field[i] = first ? FIELD_TIME : FIELD_TIME_AGAIN;
		t->times |= !first;
		first = false;
	}
}

/* Columns of one's own whose names are not quite a field's: each gives the field that is meant,
 * where no other column does. */
static void take_meant_fields(struct trace *t, const struct csv_record *header,
			      const struct field_map *map, size_t map_count, uint64_t *fields)
{
	for (size_t i = 0; i < t->columns; i++) {
		const enum record_field f = column_field_meant(text_of(t->name[i]));
		bool alone = f < FIELD_END && t->field[i] >= FIELD_END && !(*fields >> f & 1);
		for (size_t k = 0; alone && k < t->columns; k++)
			alone = k == i || column_field_meant(text_of(t->name[k])) != f;
		for (size_t m = 0; alone && m < map_count; m++)
			alone = strcmp(map[m].column, t->name[i]) != 0 && map[m].field != f;
		if (alone)
			t->field[i] = f;
	}
	take_times(t, map, map_count, *fields);
	/* as usage objects name them: nobody has mapped these counts */
	if (!columns_count(t) &&
	    own_table_fields(t->field, header->field, header->count, map, map_count))
		t->mapped = false;
	for (size_t i = 0; i < t->columns; i++)
		*fields |= (uint64_t)1 << t->field[i];
}

static int take_csv_header(struct trace *t, struct text head, const struct trace_options *o,
			   const struct shape *forced, struct err *e)
{
	const char *nl = memchr(head.p, '\n', head.n);
	if (!nl && head.n >= TRACE_RECORD_MAX)
		return err_set(e, ERR_INVALID, "%s: line 1: the header is longer than %d bytes",
			       t->path, TRACE_RECORD_MAX);
	struct text line = { head.p, nl ? (size_t)(nl - head.p) : head.n };
	while (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	t->body = nl ? nl + 1 - head.p : (int64_t)head.n;
	t->body_line = 2;
	t->separator = csv_separator_of(line);
	struct csv_record *r = mem_zalloc(sizeof *r);
	int rc = csv_split(r, line, t->separator, e);
	if (rc != 0) {
		err_context(e, "%s: line 1", t->path);
		goto done;
	}
	t->shape = forced ? forced : shape_detect(CONTAINER_CSV, r->field, r->count);
	t->columns = r->count;
	t->field = mem_alloc(r->count * sizeof *t->field);
	t->name = mem_zalloc(r->count * sizeof *t->name);
	bool counts = false;
	uint64_t fields = 0;
	for (size_t i = 0; i < r->count; i++) {
		t->name[i] = mem_alloc(r->field[i].n + 1);
		memcpy(t->name[i], r->field[i].p, r->field[i].n);
		t->name[i][r->field[i].n] = 0;
		t->field[i] = column_field(t->shape, o->map, o->map_count, r->field[i]);
		fields |= (uint64_t)1 << t->field[i];
		for (size_t k = 0; k < i && rc == 0; k++)
			if (t->field[i] < FIELD_END && t->field[k] == t->field[i])
				rc = err_set(
					e, ERR_INVALID,
					"%s: line 1: columns '%s' and '%s' both give field '%s'",
					t->path, t->name[k], t->name[i],
					record_field_name(t->field[i]));
	}
	if (rc == 0 && !t->shape->column)
		take_meant_fields(t, r, o->map, o->map_count, &fields);
	counts = columns_count(t);
	t->lacks = fields_lack_counts(fields);
	for (size_t m = 0; m < o->map_count && rc == 0; m++) {
		bool found = false;
		for (size_t i = 0; i < r->count; i++)
			found |= strcmp(t->name[i], o->map[m].column) == 0;
		if (!found)
			rc = err_set(e, ERR_INVALID,
				     "%s: line 1: there is no column '%s' (" ASKED(
					     "map") "); the header is '%.*s'",
				     t->path, o->map[m].column, line.n > 200 ? 200 : (int)line.n,
				     line.p);
	}
	for (const char *const *need = t->shape->needs; *need && rc == 0; need++) {
		bool found = false;
		for (size_t i = 0; i < r->count; i++)
			found |= strcmp(t->name[i], *need) == 0;
		if (!found && o->map_count == 0)
			rc = err_set(e, ERR_INVALID, "%s: line 1: format '%s' needs a column '%s'",
				     t->path, t->shape->name, *need);
	}
	if (rc == 0 && !counts)
		rc = err_set(e, ERR_INVALID,
			     "%s: line 1: no column holds tokens (input, output, ...); name one, "
			     "for example " ASKED("map") " input=COLUMN; the header is '%.*s'",
			     t->path, line.n > 200 ? 200 : (int)line.n, line.p);
done:
	csv_record_release(r);
	free(r);
	return rc;
}

/* The time of the first row says whether a native trace counts from its start. */
static void look_at_first_row(struct trace *t, struct text head)
{
	struct text rest = { head.p + t->body, head.n - (size_t)t->body };
	const char *nl = memchr(rest.p, '\n', rest.n);
	struct csv_record *r = mem_zalloc(sizeof *r);
	rest.n = nl ? (size_t)(nl - rest.p) : rest.n;
	if (rest.n && rest.p[rest.n - 1] == '\r')
		rest.n--;
	if (csv_split(r, rest, t->separator, NULL) == 0)
		for (size_t i = 0; i < r->count && i < t->columns; i++)
			if (t->field[i] == FIELD_TIME)
				t->shape = shape_of_seconds(t->shape, r->field[i]);
	csv_record_release(r);
	free(r);
}

/* The same of the first line. */
static const struct shape *shape_by_first_time(const struct shape *s, const struct trace_options *o,
					       struct text line)
{
	struct json_document *doc;
	if (json_open(&doc, line, NULL) != 0)
		return s;
	json_value *time = NULL, *meant = NULL;
	for (json_value *v = json_first(json_root(doc)); v; v = json_next(v)) {
		if (shape_field(s, o->map, o->map_count, text_of(json_key(v))) == FIELD_TIME)
			time = v;
		else if (column_field_meant(text_of(json_key(v))) == FIELD_TIME)
			meant = v;
	}
	if (time || meant)
		s = shape_of_seconds(s, json_number_or_string(time ? time : meant));
	json_close(doc);
	return s;
}

/* The shape of a line, NULL where it does not tell: the native one fits every line. */
static const struct shape *shape_of_line(struct text line)
{
	struct json_document *doc;
	struct text names[64];
	size_t n = 0;
	if (json_open(&doc, line, NULL) != 0)
		return NULL;
	for (json_value *v = json_first(json_root(doc)); v && n < 64; v = json_next(v))
		names[n++] = text_of(json_key(v));
	const struct shape *s = shape_detect(CONTAINER_JSONL, names, n);
	if (!s->column && !shape_is_native(json_root(doc)))
		s = NULL;
	json_close(doc);
	return s;
}

/* By the first line that tells; what is damaged or beside the matter is refused when its time
 * comes. */
static void take_json_head(struct trace *t, struct text head, const struct trace_options *o,
			   const struct shape *forced)
{
	enum { LINES_LOOKED_AT = 16 };
	const struct shape *s = forced;
	const char *end = memchr(head.p, '\n', head.n);
	const struct text first = { head.p, end ? (size_t)(end - head.p) : head.n };
	t->body = 0;
	t->body_line = 1;
	for (int i = 0; !s && i < LINES_LOOKED_AT && head.n; i++) {
		const char *nl = memchr(head.p, '\n', head.n);
		const size_t n = nl ? (size_t)(nl - head.p) : head.n;
		s = shape_of_line((struct text){ head.p, n });
		head = (struct text){ head.p + n + (nl != NULL), head.n - n - (nl != NULL) };
	}
	t->shape = shape_by_first_time(s ? s : shape_by_name("jsonl"), o, first);
}

/* Tells container and shape from the first bytes. */
static int take_head(struct trace *t, const struct trace_options *o, struct err *e)
{
	const struct shape *forced = NULL;
	int rc = fill_rest(t, HEAD_MAX, e);
	if (rc != 0)
		return rc;
	if (o->format && strcmp(o->format, "auto") != 0) {
		forced = shape_by_name(o->format);
		if (!forced)
			return err_set(e, ERR_USAGE,
				       "no trace format '%s'; see `tally replay --help`",
				       o->format);
	}
	size_t bom = t->rest.n >= 3 && memcmp(t->rest.p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	struct text head = { t->rest.p + bom, t->rest.n - bom };
	const char *first = json_skip_space(head.p, head.p + head.n);
	if (first == head.p + head.n)
		return err_set(e, ERR_INVALID, "%s: the file is empty", t->path);
	if (*first == '[' && !(forced && forced->container == CONTAINER_CSV))
		return err_set(e, ERR_INVALID,
			       "%s: line 1: this is a JSON array; write one object a line (jq -c "
			       "'.[]' FILE)",
			       t->path);
	/* blank lines before the header are not records */
	size_t blank = 0;
	int64_t lines = 0;
	for (const char *p = head.p; p < first; p++)
		if (*p == '\n') {
			blank = (size_t)(p + 1 - head.p);
			lines++;
		}
	head.p += blank;
	head.n -= blank;
	if (forced ? forced->container == CONTAINER_JSONL : *first == '{')
		take_json_head(t, head, o, forced);
	else
		rc = take_csv_header(t, head, o, forced, e);
	if (rc == 0 && t->shape->container == CONTAINER_CSV)
		look_at_first_row(t, head);
	t->body += (int64_t)(bom + blank);
	t->body_line += lines;
	return rc;
}

/* Copies what cannot be read twice into a file without a name. */
static int spool(struct trace *t, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	char path[4096], chunk[65536];
	snprintf(path, sizeof path, "%s/tally-XXXXXX", dir && *dir ? dir : "/tmp");
	int fd = mkstemp(path);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "could not make a temporary file in '%s': %s", path,
			       strerror(errno));
	unlink(path);
	ssize_t n;
	while ((n = read(t->fd, chunk, sizeof chunk)) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(fd, chunk + done, (size_t)(n - done))) < 0) {
				int rc = err_set(e, ERR_SYSTEM, "could not keep standard input: %s",
						 strerror(errno));
				close(fd);
				return rc;
			}
	if (t->fd != STDIN_FILENO)
		close(t->fd);
	t->fd = fd;
	lseek(fd, 0, SEEK_SET);
	return n < 0 ? read_failed(t, e) : 0;
}

int trace_open(struct trace **out, const char *path, const struct trace_options *o, struct err *e)
{
	struct trace *t = mem_zalloc(sizeof *t);
	struct stat st = { 0 };
	int rc = 0;
	bool standard_input = strcmp(path, "-") == 0;
	t->path = strcpy(mem_alloc(strlen(path) + 32), file_title(path));
	pthread_mutex_init(&t->lock, NULL);
	for (size_t i = 0; i < o->map_count; i++)
		t->mapped |= o->map[i].field != FIELD_NONE;
	t->input = mem_alloc(INPUT_CHUNK);
	t->fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0)
		rc = err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE,
			     "could not open '%s': %s", path, strerror(errno));
	else if (fstat(t->fd, &st) == 0 && S_ISDIR(st.st_mode))
		rc = err_set(e, ERR_UNREADABLE, "'%s' is a directory; name a trace file in it",
			     path);
	if (rc == 0 && o->spool && !S_ISREG(st.st_mode))
		rc = spool(t, e);
	if (rc == 0) {
		unsigned char magic[4] = { 0 };
		t->seekable = fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode) &&
			      lseek(t->fd, 0, SEEK_CUR) == 0;
		t->size = t->seekable ? st.st_size : 0;
		if (t->seekable) {
			if (pread(t->fd, magic, 4, 0) < 0)
				rc = read_failed(t, e);
		} else {
			/* the first bytes of a pipe stay in t->input */
			while (t->input_n < 4 && rc == 0) {
				ssize_t n = read(t->fd, t->input + t->input_n,
						 INPUT_CHUNK - t->input_n);
				if (n < 0)
					rc = read_failed(t, e);
				if (n <= 0)
					break;
				t->input_n += (size_t)n;
			}
			memcpy(magic, t->input, t->input_n < 4 ? t->input_n : 4);
		}
		if (magic[0] == 0x1f && magic[1] == 0x8b)
			t->compression = GZIP;
		else if (magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f &&
			 magic[3] == 0xfd)
			t->compression = ZSTD;
	}
	if (rc == 0) {
		size_t kept = t->input_n;
		rc = start_text(t, e);
		t->input_n = kept;
		if (t->compression == PLAIN && kept)
			buf_add(&t->rest, t->input, kept);
	}
	if (rc == 0)
		rc = take_head(t, o, e);
	if (rc == 0)
		rc = trace_rewind(t, false, e);
	if (rc != 0) {
		trace_close(t);
		return rc;
	}
	*out = t;
	return 0;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	if (t->fd > STDIN_FILENO)
		close(t->fd);
	if (t->gz_open)
		inflateEnd(&t->gz);
	ZSTD_freeDStream(t->zstd);
	for (size_t i = 0; i < t->columns; i++)
		free(t->name[i]);
	free(t->name);
	free(t->field);
	free(t->input);
	free(t->path);
	buf_release(&t->rest);
	pthread_mutex_destroy(&t->lock);
	doubts_release(&t->doubts);
	free(t);
}

const char *trace_path(const struct trace *t)
{
	return t->path;
}
const struct shape *trace_shape(const struct trace *t)
{
	return t->shape;
}
char trace_separator(const struct trace *t)
{
	return t->separator;
}
size_t trace_columns(const struct trace *t)
{
	return t->columns;
}
enum record_field trace_column_field(const struct trace *t, size_t i)
{
	return t->field[i];
}
struct csv_layout trace_csv_layout(const struct trace *t, uint64_t unneeded, bool strict_only)
{
	return (struct csv_layout){ .shape = t->shape,
				    .separator = t->separator,
				    .columns = t->columns,
				    .field = t->field,
				    .name = (const char *const *)t->name,
				    .unneeded = unneeded,
				    .strict_only = strict_only || t->times,
				    .lacks = t->lacks };
}

void trace_doubt(void *trace, struct text column)
{
	struct trace *t = trace;
	pthread_mutex_lock(&t->lock);
	if (!t->mapped)
		doubts_add_column(&t->doubts, column);
	pthread_mutex_unlock(&t->lock);
}

const struct doubts *trace_doubts(const struct trace *t)
{
	return &t->doubts;
}

const char *trace_column_name(const struct trace *t, size_t i)
{
	return t->name[i];
}
int64_t trace_body_line(const struct trace *t)
{
	return t->body_line;
}
int64_t trace_size(const struct trace *t)
{
	return t->size;
}
int64_t trace_progress(const struct trace *t)
{
	return atomic_load(&t->consumed);
}
/* Whether blocks come in order in any case (compressed or standard input). */
static bool trace_is_stream(const struct trace *t)
{
	return !t->seekable || t->compression != PLAIN;
}

bool trace_is_pipe(const struct trace *t)
{
	return !t->seekable;
}

bool trace_may_have(const struct trace *t, enum record_field f)
{
	if (t->shape->container == CONTAINER_JSONL)
		return true;
	for (size_t i = 0; i < t->columns; i++)
		if (t->field[i] == f)
			return true;
	return false;
}

int trace_rewind(struct trace *t, bool in_order, struct err *e)
{
	t->in_order = in_order || trace_is_stream(t);
	atomic_store(&t->next_block, 0);
	atomic_store(&t->consumed, 0);
	if (!t->in_order)
		return 0;
	/* a pipe is read once; its head is still in rest, until it was skipped */
	if (!t->seekable && t->rest_offset == t->body)
		return 0;
	if (t->seekable) {
		int rc = start_text(t, e);
		if (rc == 0)
			rc = fill_rest(t, (size_t)t->body, e);
		if (rc != 0)
			return rc;
	}
	CHECK((size_t)t->body <= t->rest.n);
	t->rest.n -= (size_t)t->body;
	memmove(t->rest.p, t->rest.p + t->body, t->rest.n);
	t->rest_offset = t->body;
	t->rest_line = t->body_line;
	return 0;
}

int trace_read_on(struct trace *t, int64_t offset, int64_t line, struct err *e)
{
	if (trace_is_stream(t))
		return err_set(e, ERR_USAGE,
			       "'%s' is compressed or not a regular file, and cannot be followed",
			       t->path);
	int rc = start_text(t, e);
	if (rc == 0 && lseek(t->fd, offset > t->body ? offset : t->body, SEEK_SET) < 0)
		rc = read_failed(t, e);
	t->in_order = t->growing = true;
	t->rest_offset = offset > t->body ? offset : t->body;
	t->rest_line = offset > t->body ? line : t->body_line;
	return rc;
}

int64_t trace_next_offset(const struct trace *t)
{
	return t->skipping ? -1 : t->rest_offset;
}

int64_t trace_next_line(const struct trace *t)
{
	return t->rest_line;
}

static void block_need(struct trace_block *b, size_t bytes)
{
	size_t room = bytes + 2 * TRACE_SLACK + 1;
	if (b->room >= room)
		return;
	free(b->memory);
	b->memory = mem_zalloc(room);
	b->room = room;
}

void trace_block_release(struct trace_block *b)
{
	free(b->memory);
	free(b->span);
	*b = (struct trace_block){ 0 };
}

/* At the end of the text the last record may lack its newline. */
static void close_last_line(struct trace_block *b)
{
	if (b->n && b->p[b->n - 1] != '\n')
		b->p[b->n++] = '\n';
}

static ssize_t read_at(const struct trace *t, char *out, size_t n, int64_t offset)
{
	size_t done = 0;
	while (done < n) {
		ssize_t got = pread(t->fd, out + done, n - done, offset + (int64_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int next_independent(struct trace *t, struct trace_block *b, struct err *e)
{
	const size_t overlap = 4096;
	block_need(b, 1 + TRACE_BLOCK + TRACE_RECORD_MAX + overlap);
	char *base = b->memory + TRACE_SLACK;
	for (;;) {
		int64_t k = atomic_fetch_add(&t->next_block, 1);
		int64_t from = t->body + k * TRACE_BLOCK;
		if (from >= t->size)
			return 0;
		/* one byte more in front tells whether a line begins at `from` */
		size_t lead = k > 0;
		ssize_t got = read_at(t, base, lead + TRACE_BLOCK + overlap, from - (int64_t)lead);
		if (got < 0)
			return read_failed(t, e);
		size_t n = (size_t)got, own = lead + TRACE_BLOCK;
		atomic_fetch_add(&t->consumed, n < own ? (int64_t)(n - lead) : TRACE_BLOCK);
		if (n <= lead)
			return 0; /* the file shrank */
		bool at_end = n < own + overlap;
		size_t start = 0;
		if (lead) {
			const char *nl = memchr(base, '\n', n < own ? n : own);
			if (!nl || (size_t)(nl + 1 - base) >= own || (size_t)(nl + 1 - base) >= n)
				continue; /* no record begins in this block */
			start = (size_t)(nl + 1 - base);
		}
		b->p = base + start;
		b->offset = from - (int64_t)lead + (int64_t)start;
		b->line = -1;
		b->cut = b->in_order = false;
		b->span_count = 0;
		if (n <= own) {
			b->n = n - start;
			close_last_line(b);
			return 1;
		}
		/* the record that holds the block's last byte belongs to it */
		size_t search = own - 1;
		for (;;) {
			const char *nl = memchr(base + search, '\n', n - search);
			if (nl) {
				b->n = (size_t)(nl + 1 - b->p);
				return 1;
			}
			if (at_end) {
				b->n = n - start;
				close_last_line(b);
				return 1;
			}
			if (n - own > TRACE_RECORD_MAX) {
				b->n = n - start;
				b->cut = true;
				return 1;
			}
			size_t more = TRACE_RECORD_MAX + overlap + own - n;
			search = n;
			got = read_at(t, base + n, more, from - (int64_t)lead + (int64_t)n);
			if (got < 0)
				return read_failed(t, e);
			at_end = (size_t)got < more;
			n += (size_t)got;
		}
	}
}

static int64_t count_lines(const char *p, size_t n)
{
	int64_t lines = 0;
	const char *end = p + n;
	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		lines++;
		p++;
	}
	return lines;
}

static void add_span(struct trace_block *b, size_t from, size_t to)
{
	if (b->span_count == b->span_room) {
		b->span_room = b->span_room ? b->span_room * 2 : 16;
		b->span = mem_grow(b->span, b->span_room * sizeof *b->span);
	}
	b->span[b->span_count++] = (struct record_span){ from, to };
}

/* The first bytes of rest that are whole records; 0 when not even one is. Lists the records of
 * several lines in b. */
static size_t whole_records(const struct trace *t, struct trace_block *b)
{
	b->span_count = 0;
	const char *p = t->rest.p, *end = p + t->rest.n;
	if (t->shape->container == CONTAINER_JSONL || !memchr(p, '"', t->rest.n)) {
		if (t->ended)
			return t->rest.n;
		const char *nl = memrchr(p, '\n', t->rest.n);
		return nl ? (size_t)(nl + 1 - p) : 0;
	}
	const char *whole = p;
	while (whole < end) {
		const char *next = csv_record_end(whole, end, t->ended, t->separator, t->columns);
		if (!next)
			break;
		const char *nl = memchr(whole, '\n', (size_t)(next - whole));
		if (nl && nl != next - 1)
			add_span(b, (size_t)(whole - p), (size_t)(next - p));
		whole = next;
	}
	return (size_t)(whole - p);
}

static int next_in_order(struct trace *t, struct trace_block *b, struct err *e)
{
	for (;;) {
		int rc = fill_rest(t, TRACE_BLOCK, e);
		if (rc < 0)
			return rc;
		if (t->growing && t->rest.n == 0 && !t->ended)
			return 0;
		if (t->skipping) { /* the rest of a record that was too long */
			const char *nl = memchr(t->rest.p, '\n', t->rest.n);
			size_t drop = nl ? (size_t)(nl + 1 - t->rest.p) : t->rest.n;
			t->skipping = !nl && !t->ended;
			t->rest.n -= drop;
			t->rest_offset += (int64_t)drop;
			t->rest_line += nl != NULL;
			memmove(t->rest.p, t->rest.p + drop, t->rest.n);
			if (!t->ended || t->rest.n)
				continue;
		}
		if (t->rest.n == 0) {
			if (t->failure.code == ERR_NONE)
				return 0;
			*e = t->failure;
			t->failure.code = ERR_NONE;
			return -(int)e->code;
		}
		size_t n = whole_records(t, b);
		if (n == 0 && t->rest.n <= TRACE_RECORD_MAX) {
			const size_t had = t->rest.n;
			rc = fill_rest(t, had + TRACE_BLOCK, e);
			if (rc < 0)
				return rc;
			if (t->growing && t->rest.n == had && !t->ended)
				return 0;
			continue;
		}
		b->cut = n == 0;
		if (b->cut) {
			n = t->rest.n;
			t->skipping = true;
		}
		block_need(b, n + 1);
		b->p = b->memory + TRACE_SLACK;
		memcpy(b->p, t->rest.p, n);
		b->n = n;
		b->offset = t->rest_offset;
		b->line = t->rest_line;
		t->rest_offset += (int64_t)n;
		t->rest_line += count_lines(b->p, n);
		t->rest.n -= n;
		memmove(t->rest.p, t->rest.p + n, t->rest.n);
		if (!b->cut)
			close_last_line(b);
		b->in_order = true;
		return 1;
	}
}

int trace_next(struct trace *t, struct trace_block *b, struct err *e)
{
	if (!t->in_order)
		return next_independent(t, b, e);
	pthread_mutex_lock(&t->lock);
	int rc = next_in_order(t, b, e);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int64_t trace_line_at(const struct trace *t, int64_t offset)
{
	return trace_line_from(t, 0, 1, offset);
}

int64_t trace_line_from(const struct trace *t, int64_t at, int64_t line, int64_t offset)
{
	char *chunk = mem_alloc(INPUT_CHUNK);
	while (at < offset) {
		size_t n = offset - at < INPUT_CHUNK ? (size_t)(offset - at) : INPUT_CHUNK;
		ssize_t got = read_at(t, chunk, n, at);
		if (got <= 0)
			break;
		line += count_lines(chunk, (size_t)got);
		at += got;
	}
	free(chunk);
	return line;
}
