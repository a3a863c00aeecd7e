#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/instant.h"

enum { SILENT_US = 500000, REDRAWN_US = 100000, BAR = 24 };

struct progress progress_begin(const struct cli *cli, const char *what)
{
	return (struct progress){ .what = what,
				  .wanted = isatty(STDERR_FILENO) && !cli->quiet,
				  .began_us = clock_monotonic_us() };
}

/* 45 s, 3 min 20 s, 1 h 5 min */
static const char *time_words(char room[32], int64_t s)
{
	if (s < 60)
		snprintf(room, 32, "%lld s", (long long)s);
	else if (s < 3600)
		snprintf(room, 32, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
	else
		snprintf(room, 32, "%lld h %lld min", (long long)(s / 3600),
			 (long long)(s / 60 % 60));
	return room;
}

void progress_show(struct progress *p, int64_t done, int64_t of, const char *note)
{
	char left[32];
	if (!p->wanted)
		return;
	const int64_t now_us = clock_monotonic_us(), spent_us = now_us - p->began_us;
	if (spent_us < SILENT_US || now_us - p->drawn_us < REDRAWN_US)
		return;
	p->drawn_us = now_us;
	p->shown = true;
	fprintf(stderr, "\r\033[K%s%s", p->what, *p->what ? " " : "");
	if (of > 0 && done > 0) {
		const int64_t part = done < of ? done : of;
		const int filled = (int)((int128)part * BAR / of);
		const int64_t left_s =
			(int64_t)((int128)spent_us * (of - part) / part / US_PER_SECOND);
		fprintf(stderr, "[%.*s%*s] %3d %%  %s left", filled, "########################",
			BAR - filled, "", (int)((int128)part * 100 / of), time_words(left, left_s));
	}
	fprintf(stderr, "%s%s", *note ? "  " : "", note);
	fflush(stderr);
}

void progress_tell(void *user, int64_t done, int64_t of)
{
	progress_show(user, done, of, "");
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
