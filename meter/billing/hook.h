/*
 * hook: programs that hear of alarms, run beside each other: one that hangs holds up no other, and
 * is ended after HOOK_SECONDS. What it started ends with it (its process group; what left that, by
 * setsid, is on its own), and what it prints is bounded.
 */
#ifndef TALLY_METER_BILLING_HOOK_H
#define TALLY_METER_BILLING_HOOK_H

#include <stdbool.h>

#include "base/text.h"

/* HOOKS_OF_ONE: of those that run at once, so many of the same text */
enum {
	HOOK_SECONDS = 30,
	HOOKS_AT_ONCE = 256,
	HOOKS_OF_ONE = 8,
	HOOK_INPUT_MOST = 32768,
	HOOK_OUTPUT_MOST = 65536
};

struct hook_run; /* one that was started */

/*
 * Starts a shell command, or curl for an http(s) address, with that document as its standard input
 * (of a POST, its body); what it prints, up to HOOK_OUTPUT_MOST, goes to standard error. NULL when
 * it could not be started.
 */
struct hook_run *hook_start(const char *hook, struct text document, int64_t now_us);
/* Whether it has ended; then *ok says whether well. now_us is of a clock that never steps; one that
 * runs for longer than HOOK_SECONDS is ended here. */
bool hook_ended(struct hook_run *r, int64_t now_us, bool *ok);
/* Ends it if it runs. */
void hook_close(struct hook_run *r);

#endif
