/*
 * places: where the agents of this machine keep their logs, and what lies there.
 *
 * A row of the table is a place: the agent, the variable of the environment that moves it, its
 * default, and which files in it are logs. Nothing is opened here but the registry of projects that
 * Crush keeps; what the files say is read by whoever opens them.
 */
#ifndef TALLY_METER_READ_PLACES_H
#define TALLY_METER_READ_PLACES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

/* A path that names the logs of every agent in its default places, wherever paths of logs are taken
 * (path_list_add, and so replay, ingest and following); with names behind it, of these agents only:
 * "agents:claude,codex". */
#define PLACES_OF_AGENTS "agents:"
bool places_named(const char *path);
/* Whether an agent has that name. */
bool places_agent(const char *name);

struct found_place {
	const char *agent, *title; /* "claude", "Claude Code" */
	const char *variable;	   /* of the environment, that can name another place; or NULL */
	bool moved;		   /* the variable is set, and was followed */
	const char *path;	   /* the root of the place */
	bool exists;
	size_t first, files; /* in struct places: file[first] and those behind it */
	int64_t bytes;
	int64_t newest_us; /* the last change of its newest file; INT64_MIN: no file */
	const char *why;   /* it is there and could not be looked into; or NULL */
};

struct places {
	struct arena arena;
	struct found_place *place; /* in the order of the table, those of an agent together */
	size_t count, room;
	const char **file;
	size_t files, file_room;
};

/* Looks into the places of the agents named (separated by commas; NULL or "": all). A place that is
 * not there, or not readable, is an entry that says so. Errors: ERR_USAGE, there is no agent of
 * that name. */
int places_find(struct places *out, const char *agents, struct err *e);
/* Whether an agent keeps its logs in a hidden folder of that name in a home. */
bool places_hidden(const char *name);
/* Looks into the hidden places of all agents below a folder that is taken for a home: the copy of
 * one, say. */
void places_below(struct places *out, const char *home);
void places_release(struct places *p);
/* "claude, codex, ..." for messages. */
void places_put_names(struct buf *b);

#endif
