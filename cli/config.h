/*
 * config: what the user always means: a JSON file of a few settings, under what is typed and what
 * the environment says.
 *
 * $TALLY_CONFIG names the file (empty: none), else tally/config.json in $XDG_CONFIG_HOME or
 * ~/.config. It is read once.
 */
#ifndef TALLY_CLI_CONFIG_H
#define TALLY_CLI_CONFIG_H

#include "base/err.h"
#include "base/text.h"

enum setting {
	SET_DATABASE,
	SET_TIMEZONE,
	SET_CURRENCY,
	SET_PRICES,
	SET_PLAN,
	SET_PRICES_URL,
	SETTINGS
};

const char *setting_name(enum setting s);
/* ERR_USAGE names the settings that there are. */
int setting_parse(const char *name, enum setting *out, struct err *e);
/* A file that is not there is an empty one. Errors: as json_open_file, ERR_INVALID. */
int config_load(struct err *e);
/* NULL: not set. Only prices has more than one. */
const char *config_value(enum setting s, size_t i);
/* "" when the user has none, or wants none. */
const char *config_path(struct buf *room);
/* The setting with these values in the file, none: without it; its directory is made. The file is
 * replaced as a whole. Errors: ERR_SYSTEM, ERR_INVALID. */
int config_write(enum setting s, const char *const *value, size_t count, struct err *e);

#endif
