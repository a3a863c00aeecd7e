#include "meter/read/archive.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/unpack.h"
#include "meter/read/exports.h"

enum { ARCHIVE_BYTES_MAX = 256 << 20, FIRST_BYTES = 4096 };

bool archive_known(const char *path)
{
	struct stat st;
	char first[FIRST_BYTES] = { 0 };
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
	if (!f)
		return false;
	const size_t n = fread(first, 1, sizeof first, f);
	bool is = (n >= 4 && memcmp(first, "PK\3\4", 4) == 0) ||
		  text_is_utf16((struct text){ first, n }) ||
		  text_ends_lines_with_cr((struct text){ first, n });
	fclose(f);
	return is;
}

struct reading {
	struct payload_reader *r;
	const struct export_format *bill; /* of an entry that is one */
	int read;
};

static void read_lines(struct payload_reader *r, struct text all)
{
	int64_t number = 0;
	for (const char *p = all.p, *end = all.p + all.n; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		struct text line = { p, (size_t)((newline ? newline : end) - p) };
		payload_line(r, line, ++number);
		p += line.n + (newline != NULL);
	}
}

/* Whether the text may be lines of JSON, or something else that a crash left before them. */
static bool may_be_lines(struct text all)
{
	return memchr(all.p, '{', all.n) != NULL;
}

static int take_entry(void *user, struct text name, struct text all, struct err *e)
{
	struct reading *x = user;
	struct json_document *doc;
	const struct export_format *f = all.n ? export_of_text(all) : NULL;
	if (f && f->kind == EXPORT_BILL) {
		x->bill = f;
		return 0;
	}
	x->read += all.n > 0;
	if (all.n == 0 || payload_table(x->r, all))
		return 0;
	if (json_open(&doc, all, NULL) == 0) {
		payload_value(x->r, json_root(doc), 1);
		json_close(doc);
	} else if (!name.n && !may_be_lines(all)) {
		const char *end = memchr(all.p, '\n', all.n);
		const size_t n = end ? (size_t)(end - all.p) : all.n;
		return err_set(e, ERR_INVALID,
			       "line 1: no column holds tokens (input, output, ...); the header is "
			       "'%.*s'",
			       n > 200 ? 200 : (int)n, all.p);
	} else {
		read_lines(x->r, all);
	}
	return 0;
}

int archive_read(const char *path, struct payload_reader *r, struct err *e)
{
	struct reading x = { .r = r };
	struct buf whole = { 0 };
	int rc = file_read(&whole, path, ARCHIVE_BYTES_MAX, e);
	if (rc == 0 && (rc = unpack((struct text){ whole.p, whole.n }, ARCHIVE_BYTES_MAX,
				    take_entry, &x, e)) != 0)
		err_context(e, "%s", path);
	if (rc == 0 && x.read == 0)
		rc = x.bill ? err_set(e, ERR_INVALID,
				      "'%s' holds a bill (%s), not usage: compare it with tally "
				      "reconcile",
				      path, x.bill->title)
			    : err_set(e, ERR_INVALID, "'%s' holds no file", path);
	payload_finish(r);
	buf_release(&whole);
	return rc;
}
