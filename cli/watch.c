#include "cli/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/decimal.h"
#include "reports/table.h"

enum { SECONDS_DEFAULT = 2, ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80, SECONDS_MOST = 3600 };

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	if (number != SIGWINCH) /* which only ends the pause */
		ended = 1;
}

static int take_interval(const struct cli *cli, struct timespec *out, struct err *e)
{
	const char *s = cli_value(cli, "interval");
	struct decimal d;
	int64_t ms = SECONDS_DEFAULT * 1000;
	if (s && (decimal_parse(&d, text_of(s), NULL) != 0 || !decimal_to_int64(d, 3, &ms) ||
		  ms < 100 || ms > SECONDS_MOST * 1000))
		return err_set(e, ERR_USAGE,
			       "--interval: '%s' is not a number of seconds from 0.1 to %d", s,
			       SECONDS_MOST);
	*out = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	return 0;
}

/* What draw prints. */
static int picture_of(struct cli *cli, int (*draw)(struct cli *cli, struct err *e), struct buf *out,
		      struct err *e)
{
	FILE *kept_in = tmpfile();
	const int file = kept_in ? fileno(kept_in) : -1, kept = dup(STDOUT_FILENO);
	struct stat st = { 0 };
	if (file < 0 || kept < 0) {
		err_set(e, ERR_SYSTEM, "could not keep a picture: %s", strerror(errno));
		if (kept_in)
			fclose(kept_in);
		return -ERR_SYSTEM;
	}
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	const int rc = draw(cli, e);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	out->n = 0;
	if (fstat(file, &st) == 0 && st.st_size > 0) {
		buf_need(out, (size_t)st.st_size);
		const ssize_t n = pread(file, out->p, (size_t)st.st_size, 0);
		out->n = n > 0 ? (size_t)n : 0;
		out->p[out->n] = 0;
	}
	fclose(kept_in);
	return rc;
}

static void put(const char *s, size_t n)
{
	while (n) {
		const ssize_t written = write(STDOUT_FILENO, s, n);
		if (written <= 0)
			return;
		s += written;
		n -= (size_t)written;
	}
}

/* As much of the picture as there are rows, over the one before: the cursor goes home, and what is
 * left of old lines and below is cleared. */
static void redraw(const struct buf *picture, int rows)
{
	struct buf b = { 0 };
	const char *p = picture->n ? picture->p : "";
	buf_puts(&b, "\x1b[H");
	for (int i = 0; *p && i < rows - 1; i++) {
		const size_t n = strcspn(p, "\n");
		buf_add(&b, p, n);
		buf_puts(&b, "\x1b[K\r\n");
		p += n + (p[n] == '\n');
	}
	buf_puts(&b, "\x1b[J");
	put(b.p, b.n);
	buf_release(&b);
}

static int run(struct cli *cli, int (*draw)(struct cli *cli, struct err *e), struct timespec pause,
	       bool terminal, struct err *e)
{
	struct buf picture = { 0 }, before = { 0 };
	struct winsize size;
	int rc = 0;
	while (rc >= 0 && !ended) {
		if (terminal) {
			if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
				size = (struct winsize){ ROWS_DEFAULT, COLUMNS_DEFAULT, 0, 0 };
			table_draw_for(size.ws_col);
		}
		rc = picture_of(cli, draw, &picture, e);
		if (rc >= 0 && terminal) {
			redraw(&picture, size.ws_row);
		} else if (rc >= 0 &&
			   (picture.n != before.n || memcmp(picture.p, before.p, before.n) != 0)) {
			put(picture.p, picture.n);
			before.n = 0;
			buf_add(&before, picture.p, picture.n);
		}
		if (rc >= 0 && !ended)
			nanosleep(&pause, NULL);
	}
	if (terminal) {
		put("\x1b[?1049l\x1b[?25h", 14);
		put(picture.p, picture.n);
	}
	buf_release(&picture);
	buf_release(&before);
	return rc;
}

int watch(struct cli *cli, int (*draw)(struct cli *cli, struct err *e), struct err *e)
{
	const bool terminal = isatty(STDOUT_FILENO) && !cli->json;
	struct sigaction act = { .sa_handler = on_signal };
	struct timespec pause = { 0 };
	int rc = take_interval(cli, &pause, e);
	if (rc != 0)
		return rc;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGWINCH, &act, NULL);
	if (terminal)
		put("\x1b[?1049h\x1b[?25l", 14);
	return run(cli, draw, pause, terminal, e);
}
