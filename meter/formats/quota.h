/*
 * quota: how much of a subscription's windows is used, as agents tell it: Claude Code in what it
 * pipes into a status line, Codex in its logs.
 *
 * A window is of the account, not of a session or machine: the newest observation of each window
 * counts, whoever saw it. What was not told is unknown, never zero. Sources: the status line's JSON
 * (rate_limits.five_hour, .seven_day) and Codex's token_count events (rate_limits.primary,
 * .secondary), where the length decides what a window is, not its place.
 */
#ifndef TALLY_METER_FORMATS_QUOTA_H
#define TALLY_METER_FORMATS_QUOTA_H

#include "base/instant.h"
#include "base/json.h"

enum { QUOTA_NAME_MAX = 48, QUOTA_WINDOWS_MAX = 32 };
#define QUOTA_WHOLE INT64_C(1000000) /* 100 % */

struct quota {
	char provider[16];	    /* anthropic, openai */
	char limit[QUOTA_NAME_MAX]; /* the vendor's name of it; "" for the general one */
	int64_t length_us;	    /* 0: not told */
	int64_t used;		    /* millionths of the whole; may exceed it */
	int64_t resets_us;	    /* TIME_UNKNOWN where not told */
	int64_t observed_us;
};
#define TIME_UNKNOWN INT64_MIN

struct quota_list {
	struct quota window[QUOTA_WINDOWS_MAX];
	size_t count;
};

/* Keeps the newest observation of each window: provider, limit and length. Windows beyond the
 * room are dropped. */
void quota_add(struct quota_list *l, const struct quota *q);

/* What a status line's JSON tells, at `now`. */
void quota_of_status_line(struct quota_list *l, json_value *root, struct instant now);
/* What a line of a Codex log tells; nothing when it is of another kind. */
void quota_of_codex_line(struct quota_list *l, struct text line);

/*
 * Whether use goes faster or slower than the window passes, and when it would be used up at the
 * speed so far. Unknown where the window has no length or reset, has just begun or is over.
 */
struct quota_pace {
	bool known, lasts;  /* lasts: not used up before it resets */
	int64_t expected;   /* millionths that would be used at an even speed */
	int64_t used_up_us; /* from now; 0 when it is */
};
struct quota_pace quota_pace(const struct quota *q, struct instant now);
/* After its reset an observation says nothing about the window that came. */
bool quota_is_over(const struct quota *q, struct instant now);

/* One observation as a line of JSON, and back (false when it is none). */
void quota_put(struct buf *b, const struct quota *q);
bool quota_read(struct quota *q, struct text line);

#endif
