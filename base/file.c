#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

int file_read(struct buf *out, const char *path, size_t bytes_max, struct err *e)
{
	struct stat st;
	char chunk[65536];
	size_t n, total = 0;
	int rc = 0;
	FILE *f = path ? fopen(path, "rb") : fdopen(dup(STDIN_FILENO), "rb");
	path = path ? path : "(standard input)";
	if (!f)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE,
			       "could not open '%s': %s", path, strerror(errno));
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		rc = err_set(e, ERR_UNREADABLE, "'%s' is a directory; name a file in it", path);
	while (rc == 0 && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
		buf_add(out, chunk, n);
		total += n;
		if (total > bytes_max)
			rc = err_set(e, ERR_RANGE, "'%s' is larger than %zu MiB", path,
				     bytes_max >> 20);
	}
	if (rc == 0 && ferror(f))
		rc = err_set(e, ERR_UNREADABLE, "could not read '%s': %s", path, strerror(errno));
	fclose(f);
	buf_need(out, 0); /* an empty file is empty text, not NULL */
	out->p[out->n] = 0;
	return rc;
}

int file_write(const char *path, struct text content, struct err *e)
{
	FILE *f = path ? fopen(path, "wb") : stdout;
	if (!f)
		return err_set(e, ERR_SYSTEM, "could not write '%s': %s", path, strerror(errno));
	bool ok = !content.n || fwrite(content.p, 1, content.n, f) == content.n;
	ok &= fflush(f) == 0;
	if (path)
		ok &= fclose(f) == 0;
	return ok ? 0
		  : err_set(e, ERR_SYSTEM, "could not write %s%s%s: %s", path ? "'" : "",
			    path ? path : "the output", path ? "'" : "", strerror(errno));
}

int file_make_folders(const char *path, unsigned mode, struct err *e)
{
	char *copy = mem_text(path);
	int rc = 0;
	for (char *slash = strchr(copy + 1, '/'); rc == 0 && slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(copy, mode) != 0 && errno != EEXIST)
			rc = err_set(e, ERR_SYSTEM, "could not make the folder '%s': %s", copy,
				     strerror(errno));
		*slash = '/';
	}
	free(copy);
	return rc;
}

/* Set once, by the command line before it reads anything. */
static char standard_input[32];

static int copy_standard_input(int fd, struct err *e)
{
	char chunk[1 << 16];
	ssize_t n;
	while ((n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(fd, chunk + done, (size_t)(n - done))) < 0)
				return err_set(e, ERR_SYSTEM, "could not keep standard input: %s",
					       strerror(errno));
	return n < 0 ? err_set(e, ERR_UNREADABLE, "could not read standard input: %s",
			       strerror(errno))
		     : 0;
}

/* The path by which an open file is opened again: where there is no /dev (a bare chroot), Linux has
 * it below /proc. */
static void path_of_open(char *out, size_t room, int fd)
{
	snprintf(out, room, "/dev/fd/%d", fd);
	if (access(out, F_OK) != 0)
		snprintf(out, room, "/proc/self/fd/%d", fd);
}

/* Whether nothing of it has been read and it can be opened again. */
static bool is_whole_file(void)
{
	struct stat st;
	char path[sizeof standard_input];
	path_of_open(path, sizeof path, STDIN_FILENO);
	return fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
	       lseek(STDIN_FILENO, 0, SEEK_CUR) == 0 && access(path, R_OK) == 0;
}

int file_of_standard_input(char **path, struct err *e)
{
	*path = standard_input;
	if (*standard_input)
		return 0;
	int fd = STDIN_FILENO, rc = 0;
	if (!is_whole_file()) {
		FILE *f = tmpfile();
		if (!f)
			return err_set(e, ERR_SYSTEM, "could not make a temporary file: %s",
				       strerror(errno));
		fd = dup(fileno(f));
		fclose(f);
		rc = copy_standard_input(fd, e);
	}
	if (rc == 0)
		path_of_open(standard_input, sizeof standard_input, fd);
	return rc;
}

const char *file_title(const char *path)
{
	const bool is =
		strcmp(path, "-") == 0 || (*standard_input && strcmp(path, standard_input) == 0);
	return is ? "(standard input)" : path;
}
