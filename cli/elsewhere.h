/* elsewhere: what people type who know other programs, such as ccusage, and what does it here. */
#ifndef TALLY_CLI_ELSEWHERE_H
#define TALLY_CLI_ELSEWHERE_H

#include "base/text.h"

/* The command that does what `typed` names, with its arguments; NULL. */
const char *elsewhere_command(const char *typed);
/* The i-th option that may stand for `typed`; NULL after the last. */
const char *elsewhere_option(struct text typed, int i);
/* What to do instead of an option of that name in that command; NULL where nothing is known. */
const char *elsewhere_hint(const char *command, struct text typed);

/* The i-th second word ("show") that may stand for `typed` in a family of commands; NULL after the
 * last. */
const char *elsewhere_member(const char *typed, int i);
/* The command that a name after the family's word is meant for ("price gpt-5"); NULL: none. */
const char *elsewhere_asked(const char *family);

/*
 * `codex monthly --json` as `monthly --json agents:codex`: the reports of one agent. argv has room
 * for one entry more than argc; returns the new argc, or argc where the first word is no agent.
 * The report is `daily` where none is named.
 */
int elsewhere_agent(int argc, char **argv);

#endif
