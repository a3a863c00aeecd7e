#include "cli/refusals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/dict.h"
#include "base/file.h"
#include "meter/read/doubts.h"
#include "reports/table.h"

/* The lines behind the last one that was printed. */
static void end_run(struct refusals *r)
{
	if (r->to > r->line + 1)
		print_notice("tally: %s:%" PRId64 " to %" PRId64 ": the same\n", r->path,
			     r->line + 1, r->to);
	else if (r->to > r->line)
		print_notice("tally: %s:%" PRId64 ": the same\n", r->path, r->to);
	r->line = r->to = 0;
}

/* What a reason is without what it quotes and counts. */
static uint64_t kind_of(const char *why)
{
	static const uint64_t seed[2] = { 3, 4 };
	char plain[600];
	size_t n = 0;
	bool quoted = false;
	for (; *why && n < sizeof plain; why++) {
		quoted ^= *why == '\'';
		if (!quoted && !is_digit(*why))
			plain[n++] = *why;
	}
	return hash_bytes(plain, n, seed);
}

/* Whether as many of its kind were printed as are; else it is one more. */
static bool is_one_of_many(struct refusals *r, const char *why)
{
	const uint64_t kind = kind_of(why);
	int i = 0;
	while (i < r->kinds && r->kind[i] != kind)
		i++;
	if (i == REFUSAL_KINDS)
		return false;
	if (i == r->kinds)
		r->kind[r->kinds++] = kind;
	return r->of_kind[i]++ >= REFUSALS_OF_A_KIND;
}

void refusals_add(void *user, const char *path, int64_t line, const char *why)
{
	struct refusals *r = user;
	path = file_title(path);
	r->met++;
	if (line > 0 && line == r->to + 1 && strncmp(why, r->why, sizeof r->why - 1) == 0 &&
	    strcmp(path, r->path) == 0) {
		r->to = line;
		r->named++;
		return;
	}
	end_run(r);
	if (r->told == REFUSALS_TOLD || is_one_of_many(r, why))
		return;
	r->told++;
	r->named++;
	snprintf(r->path, sizeof r->path, "%s", path);
	snprintf(r->why, sizeof r->why, "%s", why);
	if (line > 0) {
		print_notice("tally: %s:%" PRId64 ": %s\n", path, line, why);
		r->line = r->to = line;
	} else {
		print_notice("tally: %s: %s\n", path, why);
	}
}

void refusals_end(struct refusals *r, int64_t met)
{
	end_run(r);
	if (met > r->named)
		print_notice("tally: and %s more\n", COUNTED(met - r->named, ""));
	r->named = met;
}

int refusals_sum(struct refusals *r, int64_t refused, const char *what)
{
	refusals_end(r, refused);
	if (refused)
		print_notice("tally: %s refused and not %s\n", COUNTED(refused, "record"), what);
	return refused ? 3 : 0;
}

void refusals_zeros(int64_t zeros)
{
	if (zeros)
		print_notice(
			"tally: the logs hold %s of zero, as crashes leave them: a call whose line "
			"was not written yet is in none of them\n",
			COUNTED(zeros, "byte"));
}

int refusals_columns(struct text columns)
{
	struct buf said = { 0 };
	doubts_put_sentences(&said, columns,
			     "; where they count tokens, name them with --map FIELD=COLUMN, else "
			     "say --map none=COLUMN");
	for (const char *line = said.n ? said.p : ""; *line; line += strcspn(line, "\n") + 1)
		print_notice("tally: %.*s\n", (int)strcspn(line, "\n"), line);
	buf_release(&said);
	return columns.n ? 3 : 0;
}
