#include "cli/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"

static const char *const names[SETTINGS + 1] = { "database", "timezone",   "currency", "prices",
						 "plan",     "prices_url", NULL };

enum { VALUES_MAX = 32 };
static struct {
	bool loaded;
	struct arena arena;
	const char *value[SETTINGS][VALUES_MAX];
} config;

const char *setting_name(enum setting s)
{
	return names[s];
}

int setting_parse(const char *name, enum setting *out, struct err *e)
{
	for (int i = 0; i < SETTINGS; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum setting)i;
			return 0;
		}
	const char *near = strcmp(name, "db") == 0				  ? names[0]
			   : strcmp(name, "tz") == 0 || strcmp(name, "zone") == 0 ? names[1]
										  : NULL;
	for (int i = 0; !near && i < SETTINGS; i++)
		if (text_distance(text_of(name), text_of(names[i]), 2) <= 2)
			near = names[i];
	if (near)
		return err_set(e, ERR_USAGE, "there is no setting '%s'; did you mean '%s'?", name,
			       near);
	return err_set(e, ERR_USAGE,
		       "there is no setting '%s'; there are: database, timezone, currency, prices, "
		       "plan, prices_url",
		       name);
}

const char *config_path(struct buf *room)
{
	const char *named = getenv("TALLY_CONFIG"), *home = getenv("HOME"),
		   *config_home = getenv("XDG_CONFIG_HOME");
	room->n = 0;
	buf_puts(room, "");
	if (named)
		buf_puts(room, named);
	else if (config_home && *config_home)
		buf_printf(room, "%s/tally/config.json", config_home);
	else if (home && *home)
		buf_printf(room, "%s/.config/tally/config.json", home);
	return room->p;
}

/* ~/x, an absolute path or a server; what is relative would mean another file in each directory. */
static int take_path(struct text t, const char **out, struct err *e)
{
	const char *home = getenv("HOME");
	*out = t.n > 1 && t.p[0] == '~' && t.p[1] == '/'
		       ? arena_printf(&config.arena, "%s%.*s", home ? home : "", (int)t.n - 1,
				      t.p + 1)
		       : arena_text(&config.arena, t.p, t.n);
	if (**out != '/' && !strstr(*out, "://"))
		return err_set(e, ERR_INVALID, "'%s' is no absolute path", *out);
	return 0;
}

static int take(enum setting s, json_value *v, struct err *e)
{
	const bool list = s == SET_PRICES && json_kind(v) == JSON_ARRAY;
	size_t n = 0;
	for (json_value *one = list ? json_first(v) : v; one; one = list ? json_next(one) : NULL) {
		struct text t = json_string(one);
		int rc = 0;
		if (!t.n)
			return err_set(e, ERR_INVALID, "it is not a text");
		if (n + 1 == VALUES_MAX)
			return err_set(e, ERR_INVALID, "more than %d values", VALUES_MAX - 1);
		if (s == SET_DATABASE || s == SET_PRICES)
			rc = take_path(t, &config.value[s][n], e);
		else
			config.value[s][n] = arena_text(&config.arena, t.p, t.n);
		if (rc != 0)
			return rc;
		n++;
	}
	return 0;
}

int config_load(struct err *e)
{
	struct buf path = { 0 };
	struct json_document *d = NULL;
	struct err inner;
	if (config.loaded)
		return 0;
	int rc = 0;
	const bool any = *config_path(&path) && access(path.p, F_OK) == 0;
	if (any)
		rc = json_open_file(&d, path.p, e);
	if (rc == 0 && any)
		rc = json_check_keys(json_root(d), names, path.p, e);
	for (int s = 0; rc == 0 && s < SETTINGS; s++) {
		json_value *v = json_member(json_root(d), names[s]);
		if (v && take((enum setting)s, v, &inner) != 0)
			rc = err_set(e, ERR_INVALID, "%s: '%s': %s", path.p, names[s],
				     inner.message);
	}
	config.loaded = rc == 0;
	json_close(d);
	buf_release(&path);
	return rc;
}

const char *config_value(enum setting s, size_t i)
{
	return i < VALUES_MAX ? config.value[s][i] : NULL;
}

static void put_setting(struct buf *b, enum setting s, const char *const *value, size_t count,
			bool first)
{
	buf_printf(b, "%s\n  \"%s\": %s", first ? "" : ",", names[s], count > 1 ? "[" : "");
	for (size_t i = 0; i < count; i++) {
		buf_puts(b, i ? ", " : "");
		json_put_string(b, text_of(value[i]));
	}
	buf_puts(b, count > 1 ? "]" : "");
}

int config_write(enum setting s, const char *const *value, size_t count, struct err *e)
{
	struct buf path = { 0 }, b = { 0 };
	bool first = true;
	if (!*config_path(&path)) {
		buf_release(&path);
		return err_set(
			e, ERR_INVALID,
			"there is no place for settings: HOME is not set, or TALLY_CONFIG is "
			"empty");
	}
	buf_puts(&b, "{");
	for (int i = 0; i < SETTINGS; i++) {
		const char *const *v = i == (int)s ? value : config.value[i];
		size_t n = 0;
		while (i != (int)s && n < VALUES_MAX && v[n])
			n++;
		n = i == (int)s ? count : n;
		if (n)
			put_setting(&b, (enum setting)i, v, n, first);
		first &= n == 0;
	}
	buf_puts(&b, "\n}\n");
	int rc = file_make_folders(path.p, 0700, e);
	if (rc == 0)
		rc = file_write(path.p, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	buf_release(&path);
	return rc;
}
