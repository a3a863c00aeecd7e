#include "meter/read/source.h"
#include "meter/read/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/peek.h"
#include "meter/formats/otlp_proto.h"
#include "meter/formats/session_database.h"
#include "meter/read/exports.h"
#include "meter/read/places.h"
#include "meter/read/shape.h"

enum { CHUNK = 1 << 20, CHUNK_TO_LOOK = 16 << 10 };

struct source {
	char *path;
	int fd;
	gzFile gz; /* NULL: plain */
	struct buf text;
	size_t at; /* of text: the next line */
	int64_t number, offset, size;
	size_t chunk; /* bytes that are read at a time */
	bool ended;
};

static bool path_is_directory(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool path_is_many(const char *path)
{
	return places_named(path) || path_is_directory(path);
}

static void add_path(struct path_list *list, const char *path, bool found)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 16;
		list->path = mem_grow(list->path, list->room * sizeof *list->path);
		list->found = mem_grow(list->found, list->room * sizeof *list->found);
	}
	list->found[list->count] = found;
	list->path[list->count++] = arena_text(&list->arena, path, strlen(path));
}

static bool is_log(const char *name)
{
	static const char *const ends[] = { ".jsonl", ".json",	   ".ndjson",  ".har",
					    ".sse",   ".jsonl.gz", ".json.gz", ".ndjson.gz" };
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static struct text without_end(struct text line)
{
	while (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* What one of its first lines is the header of: an export of usage; the first that of a trace,
 * where that is asked. */
static const struct export_format *table_of(const char *path, bool trace)
{
	const struct export_format *f = NULL;
	struct source *s;
	struct text line;
	struct stat st;
	char separator;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || source_open(&s, path, NULL) != 0)
		return NULL;
	s->chunk = CHUNK_TO_LOOK;
	for (int i = 0; !f && i < EXPORT_LINES_ABOVE && source_line(s, &line, false, NULL) > 0;
	     i++) {
		line = without_end(line);
		f = export_of_header(line, &separator);
		if (!f && trace && i == 0)
			f = export_of_trace(line, &separator);
	}
	source_close(s);
	return f;
}

static bool is_table(const char *path, bool trace)
{
	return table_of(path, trace) != NULL;
}

/* By its name as far as that tells, then by what it holds. */
static enum otlp_signal read_request(const char *path, struct buf *whole);

static bool is_agents(const char *path)
{
	const char *end = strrchr(path, '.');
	if (!end)
		return false;
	if (strcmp(end, ".csv") == 0)
		return is_table(path, true);
	if (strcmp(end, ".pb") == 0 || strcmp(end, ".binpb") == 0)
		return read_request(path, NULL) != OTLP_NONE;
	return (strcmp(end, ".db") == 0 || strcmp(end, ".sqlite") == 0) &&
	       session_database_known(path);
}

static int not_opened(const char *path, struct err *e)
{
	return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE,
		       "could not open '%s': %s", path, strerror(errno));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The directories on the way: a link may lead back. */
struct visited {
	dev_t device;
	ino_t inode;
};
struct walk {
	struct path_list *list;
	struct visited *visited;
	size_t count;
	bool hidden; /* a folder was skipped because its name begins with a dot */
};

static bool visit(struct walk *w, const struct stat *st)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->visited[i].device == st->st_dev && w->visited[i].inode == st->st_ino)
			return false;
	if ((w->count & (w->count - 1)) == 0)
		w->visited =
			mem_grow(w->visited, (w->count ? w->count * 2 : 1) * sizeof *w->visited);
	w->visited[w->count++] = (struct visited){ st->st_dev, st->st_ino };
	return true;
}

/* The logs of agents in hidden folders of what may be a home, or the copy of one. */
static void add_hidden(struct path_list *list, const char *home)
{
	struct places found;
	places_below(&found, home);
	for (size_t i = 0; i < found.files; i++)
		add_path(list, found.file[i], true);
	for (size_t i = 0; i < found.count; i++)
		if (found.place[i].why)
			add_path(list, found.place[i].path, true);
	places_release(&found);
}

static int add_directory(struct walk *w, const char *path, int depth, struct err *e)
{
	enum { DEPTH_MAX = 32 };
	struct dirent **entry;
	struct stat st;
	bool home = false;
	int n = scandir(path, &entry, NULL, by_name);
	if (n < 0)
		return not_opened(path, e);
	for (int i = 0; i < n; i++) {
		struct buf full = { 0 };
		buf_printf(&full, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
			   entry[i]->d_name);
		if (entry[i]->d_name[0] == '.') {
			const bool up =
				!strcmp(entry[i]->d_name, ".") || !strcmp(entry[i]->d_name, "..");
			w->hidden |= !up && stat(full.p, &st) == 0 && S_ISDIR(st.st_mode);
			home |= !up && places_hidden(entry[i]->d_name);
		} else {
			bool there = stat(full.p, &st) == 0;
			if (there && S_ISDIR(st.st_mode)) {
				if (depth < DEPTH_MAX && visit(w, &st) &&
				    add_directory(w, full.p, depth + 1, NULL) != 0)
					add_path(w->list, full.p, true);
			} else if (!there || S_ISREG(st.st_mode)) {
				if (is_log(entry[i]->d_name) || (there && is_agents(full.p)))
					add_path(w->list, full.p, true);
			}
		}
		buf_release(&full);
		free(entry[i]);
	}
	free(entry);
	if (home)
		add_hidden(w->list, path);
	return 0;
}

/* Where nothing lies, that is no error: whoever asks for every agent has some of them. */
static int add_places(struct path_list *list, const char *agents, struct err *e)
{
	struct places found;
	int rc = places_find(&found, agents, e);
	for (size_t i = 0; rc == 0 && i < found.files; i++)
		add_path(list, found.file[i], true);
	for (size_t i = 0; rc == 0 && i < found.count; i++)
		if (found.place[i].why)
			add_path(list, found.place[i].path, true);
	places_release(&found);
	return rc;
}

int path_list_add(struct path_list *list, const char *path, struct err *e)
{
	size_t before = list->count;
	struct walk w = { .list = list };
	struct stat st;
	if (places_named(path))
		return add_places(list, path + sizeof PLACES_OF_AGENTS - 1, e);
	if (!path_is_directory(path)) {
		add_path(list, path, false);
		return 0;
	}
	if (stat(path, &st) == 0)
		visit(&w, &st);
	int rc = add_directory(&w, path, 0, e);
	free(w.visited);
	if (rc == 0 && list->count == before)
		rc = err_set(e, ERR_NOT_FOUND,
			     "the directory '%s' holds no .jsonl or .json file, and no database "
			     "or export of a known agent%s",
			     path,
			     w.hidden ? " (folders whose names begin with a dot are skipped, "
					"except those of agents: name them)"
				      : "");
	return rc;
}

void path_list_add_found(struct path_list *list, const char *path)
{
	add_path(list, path, true);
}

void path_list_release(struct path_list *list)
{
	free(list->path);
	free(list->found);
	arena_release(&list->arena);
	*list = (struct path_list){ 0 };
}

int source_open(struct source **out, const char *path, struct err *e)
{
	bool standard_input = strcmp(path, "-") == 0;
	int fd = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	unsigned char magic[2] = { 0 };
	if (fd < 0)
		return not_opened(path, e);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_UNREADABLE, "'%s' is a directory; name a file in it", path);
	}
	struct source *s = mem_zalloc(sizeof *s);
	s->path = strcpy(mem_alloc(strlen(path) + 32), file_title(path));
	s->fd = fd;
	s->chunk = CHUNK;
	s->size = S_ISREG(st.st_mode) ? st.st_size : 0;
	if (!S_ISREG(st.st_mode) ||
	    (pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b))
		s->gz = gzdopen(fd, "rb"); /* reads plain text as well */
	if (s->gz)
		gzbuffer(s->gz, CHUNK / 4);
	*out = s;
	return 0;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->gz)
		gzclose(s->gz);
	else
		close(s->fd);
	buf_release(&s->text);
	free(s->path);
	free(s);
}

int64_t source_number(const struct source *s)
{
	return s->number;
}

int64_t source_offset(const struct source *s)
{
	return s->offset;
}

static int64_t source_size(const struct source *s)
{
	return s->size;
}

int source_seek(struct source *s, int64_t offset, int64_t number, struct err *e)
{
	if (s->gz || lseek(s->fd, offset, SEEK_SET) < 0)
		return err_set(e, ERR_UNREADABLE, "%s cannot be resumed in the middle", s->path);
	s->offset = offset;
	s->number = number;
	s->text.n = s->at = 0;
	s->ended = false;
	return 0;
}

/* More text behind what is there; ended is set at the end. */
static int fill(struct source *s, struct err *e)
{
	if (s->at) {
		memmove(s->text.p, s->text.p + s->at, s->text.n - s->at);
		s->text.n -= s->at;
		s->at = 0;
	}
	buf_need(&s->text, s->chunk);
	ssize_t n;
	if (s->gz) {
		n = gzread(s->gz, s->text.p + s->text.n, (unsigned)s->chunk);
		int code = 0;
		const char *why = gzerror(s->gz, &code);
		/* what came before the end of a file that was cut is there */
		if (n < 0 || (n == 0 && code == Z_BUF_ERROR))
			return err_set(e, ERR_UNREADABLE,
				       "%s: the compressed data are damaged or end too early (%s)",
				       s->path, why);
	} else {
		n = read(s->fd, s->text.p + s->text.n, s->chunk);
		if (n < 0)
			return err_set(e, ERR_UNREADABLE, "could not read '%s': %s", s->path,
				       strerror(errno));
	}
	s->text.n += (size_t)n;
	s->ended = n == 0;
	return 0;
}

int source_line(struct source *s, struct text *line, bool whole_only, struct err *e)
{
	size_t searched = 0;
	for (;;) {
		const char *p = s->text.p ? s->text.p + s->at : NULL;
		size_t n = s->text.n - s->at;
		const char *nl = n > searched ? memchr(p + searched, '\n', n - searched) : NULL;
		if (nl || (s->ended && n && !whole_only)) {
			size_t len = nl ? (size_t)(nl - p) : n;
			*line = (struct text){ p, len };
			/* a byte order mark belongs to the file, not to its first line */
			if (s->offset == 0 && len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
				*line = (struct text){ p + 3, len - 3 };
			s->at += len + (nl != NULL);
			s->offset += (int64_t)len + (nl != NULL);
			s->number++;
			return 1;
		}
		if (s->ended) {
			s->ended = !whole_only; /* a file that grows is read on at the next call */
			return 0;
		}
		if (n > SOURCE_LINE_MAX)
			return err_set(e, ERR_UNREADABLE,
				       "%s:%lld: the line is longer than %d bytes", s->path,
				       (long long)s->number + 1, SOURCE_LINE_MAX);
		searched = n;
		int rc = fill(s, e);
		if (rc != 0)
			return rc;
	}
}

/* The lines that were read to look for a header, one by one. */
static void take_lines(struct payload_reader *r, struct text all)
{
	int64_t number = 0;
	for (const char *p = all.p, *end = all.p + all.n; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		payload_line(r, (struct text){ p, (size_t)(nl - p) }, ++number);
		p = nl + 1;
	}
}

static bool is_header(struct text line, bool first)
{
	char separator;
	line = without_end(line);
	return export_of_header(line, &separator) || (first && export_of_trace(line, &separator));
}

/* A CSV of usage that an export is known by is read as a whole: its rows make records together.
 * Words may stand above its header. */
static int read_table(struct source *s, struct text first, struct payload_reader *r, bool *was,
		      struct err *e)
{
	struct buf whole = { 0 };
	struct text line = first;
	int rc = 1;
	*was = is_header(first, true);
	if (!*was && first.n && strchr("{[:", *first.p))
		return 0;
	const bool below = !*was;
	for (int i = 0; rc > 0 && whole.n < SOURCE_LINE_MAX; i++) {
		*was = *was || is_header(line, i == 0);
		buf_add(&whole, line.p, line.n);
		buf_puts(&whole, "\n");
		if (!*was && i + 1 == EXPORT_LINES_ABOVE)
			break;
		rc = source_line(s, &line, false, e);
	}
	if (rc > 0 && *was)
		rc = err_set(e, ERR_UNREADABLE, "%s: the export is longer than %d bytes", s->path,
			     SOURCE_LINE_MAX);
	if (rc == 0 && *was)
		payload_table(r, (struct text){ whole.p, whole.n });
	else if (rc >= 0 && below)
		take_lines(r, (struct text){ whole.p, whole.n });
	buf_release(&whole);
	return rc < 0 ? rc : 0;
}

/* Documents one after the other, each from a line of its own, as jq prints them; r NULL: whether
 * that is all there is. */
static bool read_values(struct text all, struct payload_reader *r)
{
	const char *end = all.p + all.n, *p = json_skip_space(all.p, end), *last = all.p;
	struct json_document *doc;
	struct text value;
	int64_t line = 1;
	for (bool own_line = true; p < end; p = json_skip_space(last, end)) {
		for (; last < p; last++)
			if (*last == '\n')
				line++, own_line = true;
		if (!own_line || (*p != '{' && *p != '[') || !json_walk_element(p, end, &value) ||
		    json_open(&doc, value, NULL) != 0)
			return false;
		if (r)
			payload_value(r, json_root(doc), line);
		json_close(doc);
		for (last = value.p + value.n; p < last; p++)
			line += *p == '\n';
		own_line = false;
	}
	return true;
}

/* JSON that spans lines is a document, like a body that was saved to a file, or several. */
static int read_document(struct source *s, struct text first, struct payload_reader *r, bool *was,
			 struct err *e)
{
	struct json_document *doc;
	struct buf whole = { 0 };
	struct text line;
	int rc;
	*was = false;
	while (first.n && (first.p[first.n - 1] == '\r' || first.p[first.n - 1] == ' '))
		first.n--;
	if (first.n == 0 || (*first.p != '{' && *first.p != '['))
		return 0;
	if (json_open(&doc, first, NULL) == 0) {
		json_close(doc);
		return 0;
	}
	buf_add(&whole, first.p, first.n);
	buf_puts(&whole, "\n");
	while ((rc = source_line(s, &line, false, e)) > 0 && whole.n < SOURCE_LINE_MAX) {
		buf_add(&whole, line.p, line.n);
		buf_puts(&whole, "\n");
	}
	const struct text all = { whole.p, whole.n };
	if (rc == 0 && read_values(all, NULL)) {
		read_values(all, r);
		*was = true;
	} else if (rc >= 0) {
		/* lines after all, and the first of them is damaged */
		take_lines(r, all);
		*was = rc == 0;
	}
	buf_release(&whole);
	return rc < 0 ? rc : 0;
}

/*
 * The whole source into the reader: line by line, or as one document when it is JSON that spans
 * lines. Errors as source_line; what cannot be taken is refused to the reader's sink.
 */
static int source_read(struct source *s, struct payload_reader *r, struct err *e)
{
	struct text line;
	bool first = true;
	int rc;
	while ((rc = source_line(s, &line, false, e)) > 0) {
		if (first && source_number(s) == 1) {
			bool was_document;
			rc = read_table(s, line, r, &was_document, e);
			if (rc == 0 && !was_document && source_number(s) == 1)
				rc = read_document(s, line, r, &was_document, e);
			first = false;
			if (rc != 0 || was_document)
				break;
			if (source_number(s) > 1) /* its lines have been read */
				continue;
		}
		first = false;
		payload_line(r, line, source_number(s));
	}
	payload_finish(r);
	return rc;
}

/* All of it, if it can be an OTLP request in protobuf: one field that holds the rest, or several.
 */
static enum otlp_signal read_request(const char *path, struct buf *whole)
{
	enum { FIRST = '\n' }; /* field 1, of bytes: no log begins with an empty line */
	struct source *s;
	struct stat st;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || source_open(&s, path, NULL) != 0)
		return OTLP_NONE;
	s->chunk = CHUNK_TO_LOOK;
	int rc = fill(s, NULL);
	while (rc == 0 && !s->ended && s->text.n && *s->text.p == FIRST &&
	       s->text.n < SOURCE_LINE_MAX) {
		s->chunk = CHUNK;
		rc = fill(s, NULL);
	}
	const enum otlp_signal signal =
		rc == 0 && s->ended ? otlp_proto_signal((struct text){ s->text.p, s->text.n })
				    : OTLP_NONE;
	if (signal && whole) {
		*whole = s->text;
		s->text = (struct buf){ 0 };
	}
	source_close(s);
	return signal;
}

bool source_is_whole(const char *path)
{
	return peek_is_database(path) || archive_known(path) || is_table(path, false) ||
	       read_request(path, NULL);
}

bool source_is_known(const char *path)
{
	return peek_is_database(path) || archive_known(path) || is_table(path, true) ||
	       read_request(path, NULL);
}

/* A saved body of OTLP, as the server would have read it. */
static int read_otlp(struct payload_reader *r, enum otlp_signal signal, struct text body,
		     struct err *e)
{
	struct buf json = { 0 };
	struct json_document *doc;
	int rc = otlp_proto_read(&json, signal, body, e);
	if (rc == 0)
		rc = json_open(&doc, (struct text){ json.p, json.n }, e);
	if (rc == 0) {
		payload_value(r, json_root(doc), 0);
		json_close(doc);
		payload_finish(r);
	}
	buf_release(&json);
	return rc;
}

int source_read_path(const char *path, struct payload_reader *r, int64_t *bytes, struct err *e)
{
	struct source *s;
	struct stat st;
	*bytes = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
	if (peek_is_database(path))
		return session_database_read(path, r, e);
	if (archive_known(path))
		return archive_read(path, r, e);
	struct buf request = { 0 };
	const enum otlp_signal signal = read_request(path, &request);
	int rc = signal ? read_otlp(r, signal, (struct text){ request.p, request.n }, e) : 0;
	buf_release(&request);
	if (signal)
		return rc;
	rc = source_open(&s, path, e);
	if (rc != 0)
		return rc;
	rc = source_read(s, r, e);
	*bytes = source_size(s);
	source_close(s);
	return rc;
}

/* Whether it has every name that a published trace needs: more than the one member by which an
 * answer is told. */
static bool fits_a_trace(json_value *v)
{
	enum { NAMES = 64 };
	struct text name[NAMES];
	size_t n = 0;
	for (json_value *m = json_first(v); m && n < NAMES; m = json_next(m))
		name[n++] = text_of(json_key(m));
	return shape_detect(CONTAINER_JSONL, name, n)->column;
}

/* A line of a stream of events, whose comments begin with a colon. */
static bool is_of_event(struct text line)
{
	static const char *const fields[] = { ":", "data:", "event:", "id:", "retry:" };
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (line.n >= strlen(fields[i]) &&
		    memcmp(line.p, fields[i], strlen(fields[i])) == 0)
			return true;
	return false;
}

/* What a line tells: 1 payloads, 0 a trace, -1 nothing, for it may be damaged or beside the matter;
 * an object that is nobody's sets *unclaimed.
 */
static int tells(struct text line, bool first, bool *unclaimed)
{
	struct json_document *doc;
	if (is_of_event(line))
		return 1;
	/* a document that spans lines, a list, or a table of usage */
	char separator;
	if (first && (*line.p == '[' || (*line.p == '{' && line.n == 1) ||
		      export_of_header(line, &separator)))
		return 1;
	if (first && export_of_trace(line, &separator))
		return 0;
	/* below the words that some consoles put above */
	if (*line.p != '{' && export_of_header(line, &separator))
		return 1;
	if (*line.p != '{' || json_open(&doc, line, NULL) != 0)
		return -1;
	int rc = fits_a_trace(json_root(doc))	   ? 0
		 : payload_knows(json_root(doc))   ? 1
		 : shape_is_native(json_root(doc)) ? 0
						   : -1;
	*unclaimed |= rc < 0;
	json_close(doc);
	return rc;
}

/* Whether a line may be the next one of a document: of words of JSON, and none by itself. */
static bool goes_on(struct text line)
{
	const char *p = line.p, *end = line.p + line.n;
	while (p && p < end)
		p = memchr("{}[],: \t", *p, 8) ? p + 1 : json_scan_flat(p, end);
	return p && json_check(line, NULL) != 0;
}

/* What the first lines tell, as `tells`. An object that nobody claims is an answer, unless its
 * names are mapped. */
static int beginning_tells(const char *path, bool mapped)
{
	enum { LINES_LOOKED_AT = 20 };
	struct source *s;
	struct text line;
	struct stat st;
	int told = -1;
	bool first = true, begun = false, unclaimed = false;
	/* what can be read only once is not tried */
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	if (st.st_size == 0)
		return is_log(path) ? 1 : -1;
	if (source_is_whole(path))
		return 1;
	if (source_open(&s, path, NULL) != 0)
		return -1;
	s->chunk = CHUNK_TO_LOOK;
	for (int i = 0; i < LINES_LOOKED_AT && told < 0 && source_line(s, &line, false, NULL) > 0;
	     i++) {
		while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
			line.n--;
		if (line.n == 0)
			continue;
		/* an object that goes on where its line ends is a document, unless what follows is
		 * one by itself, or nothing of JSON's, below a damaged line */
		const bool open = *line.p == '{' && json_check(line, NULL) != 0;
		told = begun && goes_on(line) ? 1 : tells(line, first, &unclaimed);
		begun = first && open;
		first = false;
	}
	source_close(s);
	return told < 0 && unclaimed && !mapped ? 1 : told;
}

/* Whether a row of a table of calls says when it was in seconds from the start. */
static bool row_counts_seconds(const struct export_format *f, struct text header, struct text row,
			       char separator)
{
	const struct shape *csv = shape_by_name("csv");
	struct csv_record *names = mem_zalloc(sizeof *names), *r = mem_zalloc(sizeof *r);
	bool counts = false;
	if (csv_split(names, header, separator, NULL) == 0 &&
	    csv_split(r, row, separator, NULL) == 0)
		for (size_t i = 0; i < names->count && i < r->count; i++)
			for (const struct export_column *c = f->column; c->name; c++)
				if (c->role == ROLE_START &&
				    export_is_named(names->field[i], c->name))
					counts |= shape_of_seconds(csv, r->field[i]) != csv;
	csv_record_release(names);
	csv_record_release(r);
	free(names);
	free(r);
	return counts;
}

/* Whether it is a table of nobody's in particular, as simulators and generators of load write it,
 * whose first row counts seconds from the start: only a trace's reader moves these. */
static bool is_table_of_seconds(const char *path)
{
	struct source *s;
	struct text line;
	char separator;
	const struct export_format *f = table_of(path, false);
	bool counts = false;
	if (!f || !f->general || f->kind != EXPORT_CALLS || source_open(&s, path, NULL) != 0)
		return false;
	s->chunk = CHUNK_TO_LOOK;
	if (source_line(s, &line, false, NULL) > 0 &&
	    export_of_header(line = without_end(line), &separator) == f) {
		struct buf header = { 0 };
		buf_add(&header, line.p, line.n);
		counts = source_line(s, &line, false, NULL) > 0 &&
			 row_counts_seconds(f, (struct text){ header.p, header.n },
					    without_end(line), separator);
		buf_release(&header);
	}
	source_close(s);
	return counts;
}

bool source_is_payload(const char *path, bool mapped)
{
	const struct export_format *f = mapped ? table_of(path, false) : NULL;
	return !(f && f->kind == EXPORT_CALLS) && beginning_tells(path, mapped) == 1 &&
	       !is_table_of_seconds(path);
}

bool source_is_trace(const char *path)
{
	return beginning_tells(path, false) == 0 || is_table_of_seconds(path);
}

static const char *without_blanks(const char *q, const char *end)
{
	while (q < end && *q == ' ')
		q++;
	return q;
}

static bool is_count(const char *q, const char *end)
{
	q = without_blanks(q, end);
	return q < end && *q >= '1' && *q <= '9';
}

/* From there to the end of an object, or of the line, which sets *open. */
static bool object_counts(const char *q, const char *end, bool *open)
{
	const char *close = memchr(q, '}', (size_t)(end - q));
	*open = !close;
	for (; q < (close ? close : end); q++)
		if (*q == ':' && is_count(q + 1, end))
			return true;
	return false;
}

/* "...token...": 123, or, where `open` is given, an object of that name that counts; *open: one
 * goes on behind the line. */
static bool names_count(struct text line, const char *stem, bool *open)
{
	const char *end = line.p + line.n;
	for (const char *p = line.p; (p = memmem(p, (size_t)(end - p), stem, strlen(stem))); p++) {
		const char *q = memchr(p, '"', (size_t)(end - p));
		if (!q || q - p > 40)
			continue;
		q = without_blanks(q + 1, end);
		if (q == end || *q != ':')
			continue;
		q = without_blanks(q + 1, end);
		if (is_count(q, end) ||
		    (open && q < end && *q == '{' && object_counts(q, end, open)))
			return true;
	}
	return false;
}

static bool line_counts_tokens(struct text line, bool *open)
{
	if (open && *open && object_counts(line.p, line.p + line.n, open))
		return true;
	return names_count(line, "oken", open) || (open && names_count(line, "usage", open));
}

/* The letters of a line in UTF-16, which is not read and must not be taken for nothing. */
static struct text without_nuls(struct buf *b, struct text line)
{
	b->n = 0;
	buf_puts(b, "");
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i])
			buf_add(b, &line.p[i], 1);
	return (struct text){ b->p, b->n };
}

bool source_counts_tokens(const char *path, bool objects)
{
	enum { BYTES_LOOKED_AT = 16 << 20 };
	struct source *s;
	struct text line;
	struct buf narrow = { 0 };
	bool found = false, open = false;
	if (source_open(&s, path, NULL) != 0)
		return false;
	while (!found && source_offset(s) < BYTES_LOOKED_AT &&
	       source_line(s, &line, false, NULL) > 0)
		found = line_counts_tokens(memchr(line.p, 0, line.n) ? without_nuls(&narrow, line)
								     : line,
					   objects ? &open : NULL);
	buf_release(&narrow);
	source_close(s);
	return found;
}
