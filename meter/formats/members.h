/*
 * members: which members of a document are understood, so that none that may be billed is missed.
 *
 * The set is closed: a member whose name speaks of money, and inside a usage object any member that
 * counts something, must be read (counts.h), be listed in members.def, or be empty or zero. What is
 * none of these is named, and its record has no price.
 */
#ifndef TALLY_METER_FORMATS_MEMBERS_H
#define TALLY_METER_FORMATS_MEMBERS_H

#include "meter/read/columns.h"

/* What is known of one member: "" when it is read, the reason why it costs nothing, or NULL. */
const char *member_reason(const char *shape, const char *path);

/* Whether a member of a row of that shape is a count that is read. */
bool member_is_count(const char *shape, const char *name);

/* Whether a member of that name holds what was asked or said, of which names and counts are the
 * caller's own. only_asked: what was asked alone. */
bool member_is_talk(const char *name, bool only_asked);

/* The first member of v that is not understood, as a path that begins with prefix, in *path; false
 * when there is none. closed: v is a usage object, where names do not matter to what counts. */
bool members_unknown(struct buf *path, const char *shape, json_value *v, const char *prefix,
		     bool closed);
/* The same of what stands beside the usage: the members of v itself, and all that is in those that
 * speak of money; in all others but what was asked and said (QUESTION and ANSWER in members.def)
 * what counts under a name that speaks of money. usage is skipped at any depth. */
bool members_unknown_beside(struct buf *path, const char *shape, json_value *v, json_value *usage,
			    const char *prefix);
/* The first member that a usage of that shape lacks though *beside, which is written with it, is
 * there (TOGETHER in members.def); NULL: none. */
const char *members_missing(const char *shape, json_value *usage, const char **beside);
/* A member at any depth that counts tokens; texts, which may hold anything, are not looked at. */
bool members_count_tokens(struct buf *path, const char *shape, json_value *v, const char *prefix);
/* Whether an attribute of telemetry has that name, which is read (otlp_names.c). */
bool otlp_name_known(struct text name);
/* Hears of every member that speaks of money or counts: its path, and member_reason of it. */
void members_each(const char *shape, json_value *v, const char *prefix,
		  void (*take)(void *user, const char *path, const char *reason), void *user);

#endif
