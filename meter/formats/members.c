#include "meter/formats/members.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/dict.h"
#include "meter/formats/counts.h"

struct member {
	const char *shape, *path, *reason;
};

static const struct member members[] = {
#define MEMBER(shape, path, reason) { shape, path, reason },
#include "meter/formats/members.def"
#undef MEMBER
};

enum { PATH_ROOM = 256 };

static struct dict known;
static pthread_once_t known_once = PTHREAD_ONCE_INIT;

static struct text key_of(char room[PATH_ROOM + 64], const char *shape, const char *path)
{
	size_t n = strlen(shape), m = strlen(path);
	n = n < 60 ? n : 60;
	m = m < PATH_ROOM ? m : PATH_ROOM - 1;
	memcpy(room, shape, n);
	room[n] = '\t';
	memcpy(room + n + 1, path, m);
	return (struct text){ room, n + 1 + m };
}

/* 1 + the number of a member; READ for what counts.c reads. */
enum { READ = 1 << 20 };

static void make_known(void)
{
	char room[PATH_ROOM + 64], path[PATH_ROOM];
	const char *outer, *key;
	for (size_t i = 0; counts_key(i, &outer, &key); i++) {
		snprintf(path, sizeof path, "usage%s%s.%s", outer ? "." : "", outer ? outer : "",
			 key);
		*dict_need(&known, key_of(room, "*", path), NULL) = READ;
		if (outer) {
			snprintf(path, sizeof path, "usage.%s", outer);
			*dict_need(&known, key_of(room, "*", path), NULL) = READ;
		}
	}
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		*dict_need(&known, key_of(room, members[i].shape, members[i].path), NULL) = i + 1;
}

static const uint64_t *find_member(const char *shape, const char *path)
{
	char room[PATH_ROOM + 64];
	const uint64_t *at = dict_find(&known, key_of(room, shape, path));
	return at ? at : dict_find(&known, key_of(room, "*", path));
}

const char *member_reason(const char *shape, const char *path)
{
	pthread_once(&known_once, make_known);
	const uint64_t *at = find_member(shape, path);
	/* a row may be its own usage: what stands beside counts elsewhere is among them here */
	if (!at && strncmp(path, "usage.", 6) == 0)
		at = find_member(shape, path + 6);
	return !at ? NULL : *at == READ ? "" : members[*at - 1].reason;
}

static bool is_count(json_value *v)
{
	struct text s = json_number_or_string(v);
	if (json_kind(v) == JSON_NUMBER || json_kind(v) == JSON_BOOL)
		return true;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.')
			return false;
	return s.n > 0;
}

struct walk {
	const char *shape;
	char path[PATH_ROOM];
	void (*take)(void *user, const char *path, const char *reason);
	void *user;
	bool only_tokens;
	bool dimension; /* inside a member that speaks of a dimension of the price: words count, too
			 */
	bool found;	/* and path names it */
};

static size_t push(struct walk *w, size_t at, const char *name)
{
	size_t n = strlen(name);
	if (at + n + 2 > PATH_ROOM)
		n = PATH_ROOM > at + 2 ? PATH_ROOM - at - 2 : 0;
	if (at && n)
		w->path[at++] = '.';
	memcpy(w->path + at, name, n);
	w->path[at + n] = 0;
	return at + n;
}

static bool holds_token(const char *name)
{
	for (; *name; name++)
		if ((*name | 0x20) == 't' && strncasecmp(name, "token", 5) == 0)
			return true;
	return false;
}

static bool speaks_of_usage(const char *name)
{
	return strcasestr(name, "usage") != NULL;
}

static bool speaks_of_dimension(const char *name)
{
	return strcasestr(name, "tier") || strcasestr(name, "speed") || strcasestr(name, "geo") ||
	       strcasestr(name, "traffic") || strcasestr(name, "performance");
}

/* What is found is left in w->path. */
static void walk_members(struct walk *w, json_value *v, size_t at, bool closed);

static void judge(struct walk *w, json_value *v, const char *name, size_t at, bool closed)
{
	enum json_kind kind = json_kind(v);
	size_t end = name ? push(w, at, name) : at;
	if (kind != JSON_OBJECT && kind != JSON_ARRAY && json_is_nothing(v))
		return;
	const char *reason = member_reason(w->shape, w->path);
	if (reason && !w->take && (*reason || (kind != JSON_OBJECT && kind != JSON_ARRAY)))
		return; /* most are */
	bool money =
		name && (w->only_tokens ? holds_token(name) : name_speaks_of_money(text_of(name)));
	if (w->take && reason && (money || *reason || is_count(v)))
		w->take(w->user, w->path, reason);
	if (reason && *reason)
		return;
	if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
		/* the steps of a call count as the call does */
		bool again = name && strcmp(w->path, "usage.iterations") == 0;
		const bool outer = w->dimension;
		w->dimension = outer || (name && !w->only_tokens && speaks_of_dimension(name));
		walk_members(w, v, again ? strlen("usage") : end,
			     closed || money || (name && speaks_of_usage(name)));
		w->dimension = outer;
		return;
	}
	if (reason)
		return;
	/* a name beside the usage speaks for itself; inside, whatever counts may be billed */
	if (w->only_tokens ? (money || closed) && is_count(v)
			   : money || w->dimension || (closed && is_count(v))) {
		if (w->take)
			w->take(w->user, w->path, NULL);
		else
			w->found = true;
	}
}

static void walk_members(struct walk *w, json_value *v, size_t at, bool closed)
{
	bool list = json_kind(v) == JSON_ARRAY;
	for (json_value *m = json_first(v); m && !w->found; m = json_next(m)) {
		w->path[at] = 0;
		judge(w, m, list ? NULL : json_key(m), at, closed);
	}
}

static bool found(const struct walk *w, struct buf *path)
{
	path->n = 0;
	if (w->found)
		buf_puts(path, w->path);
	return w->found;
}

bool members_unknown(struct buf *path, const char *shape, json_value *v, const char *prefix,
		     bool closed)
{
	struct walk w = { .shape = shape };
	walk_members(&w, v, push(&w, 0, prefix), closed);
	return found(&w, path);
}

bool members_unknown_beside(struct buf *path, const char *shape, json_value *v, json_value *usage,
			    const char *prefix)
{
	struct walk w = { .shape = shape };
	size_t at = *prefix ? push(&w, 0, prefix) : 0;
	for (json_value *m = json_first(v); m && !w.found; m = json_next(m)) {
		const bool inner = json_kind(m) == JSON_OBJECT || json_kind(m) == JSON_ARRAY;
		if (m == usage || !(name_speaks_of_money(text_of(json_key(m))) ||
				    (inner && speaks_of_usage(json_key(m)))))
			continue;
		w.path[at] = 0;
		judge(&w, m, json_key(m), at, false);
	}
	return found(&w, path);
}

bool members_count_tokens(struct buf *path, const char *shape, json_value *v, const char *prefix)
{
	struct walk w = { .shape = shape, .only_tokens = true };
	walk_members(&w, v, *prefix ? push(&w, 0, prefix) : 0, false);
	return found(&w, path);
}

void members_each(const char *shape, json_value *v, const char *prefix,
		  void (*take)(void *user, const char *path, const char *reason), void *user)
{
	struct walk w = { .shape = shape, .take = take, .user = user };
	walk_members(&w, v, push(&w, 0, prefix), true);
}
