#include "meter/formats/members.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/dict.h"
#include "meter/formats/counts.h"
#include "meter/formats/payload_run.h"

struct member {
	const char *shape, *path, *reason;
	bool either; /* read, as a value or as an object that holds it */
	bool list;   /* what is in it is read of each element of a list */
};

static const struct member members[] = {
#define MEMBER(shape, path, reason) { shape, path, reason, false, false },
#define EITHER(shape, path) { shape, path, "", true, false },
#define LIST(shape, path) { shape, path, "", false, true },
#include "meter/formats/members.def"
};

static const struct {
	const char *shape, *path, *other;
} together[] = {
#define TOGETHER(shape, path, other) { shape, path, other },
#include "meter/formats/members.def"
};

static const struct {
	const char *name;
	bool asked;
} talk[] = {
#define QUESTION(name) { name, true },
#define ANSWER(name) { name, false },
#include "meter/formats/members.def"
};

enum { PATH_ROOM = 256 };

/* talk_names: 1 + whether it was asked; own_counts: shapes that read their own counts alone, and
 * none under the name that it has elsewhere */
static struct dict known, talk_names, own_counts;
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

/* 1 + the number of a member; READ for what counts.c reads; HOLDS of an object in which others are
 * read; OBJECT where it must be one, and a list of such is not read; LISTS where it is a list. */
enum {
	READ = 1 << 20,
	HOLDS = 1 << 21,
	OBJECT = 1 << 22,
	LISTS = 1 << 23,
	FLAGS = HOLDS | OBJECT | LISTS
};

/* Every object on the way to a member that is known holds it. */
static void know(const char *shape, const char *path, uint64_t value)
{
	char room[PATH_ROOM + 64], outer[PATH_ROOM];
	uint64_t *at = dict_need(&known, key_of(room, shape, path), NULL);
	*at = value | (*at & FLAGS);
	snprintf(outer, sizeof outer, "%s", path);
	for (char *dot; (dot = strrchr(outer, '.')) != NULL;) {
		*dot = 0;
		*dict_need(&known, key_of(room, shape, outer), NULL) |= HOLDS;
	}
}

static void make_known(void)
{
	char path[PATH_ROOM];
	const char *outer, *key;
	for (size_t i = 0; counts_key(i, &outer, &key); i++) {
		snprintf(path, sizeof path, "usage%s%s.%s", outer ? "." : "", outer ? outer : "",
			 key);
		know("*", path, READ);
		if (outer) {
			snprintf(path, sizeof path, "usage.%s", outer);
			know("*", path, READ | OBJECT);
		}
	}
#define COUNT(shape, key, which) \
	know(shape, "usage." key, READ); \
	*dict_need(&own_counts, text_of(shape), NULL) = 1;
#include "meter/formats/session_counts.def"
#undef COUNT
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		know(members[i].shape, members[i].path, (i + 1) | (members[i].list ? LISTS : 0));
	for (size_t i = 0; i < sizeof talk / sizeof *talk; i++)
		*dict_need(&talk_names, text_of(talk[i].name), NULL) = 1 + talk[i].asked;
}

bool member_is_talk(const char *name, bool only_asked)
{
	pthread_once(&known_once, make_known);
	const uint64_t *at = dict_find(&talk_names, text_of(name));
	return at && *at > only_asked;
}

/* What is known of a member of that shape, or of any; 0: nothing. */
static uint64_t find_member(const char *shape, const char *path)
{
	char room[PATH_ROOM + 64];
	const uint64_t *own = dict_find(&known, key_of(room, shape, path)),
		       *any = dict_find(&known, key_of(room, "*", path));
	const uint64_t a = own ? *own : 0;
	uint64_t b = any ? *any : 0;
	if ((b & ~(uint64_t)FLAGS) == READ && dict_find(&own_counts, text_of(shape)))
		b = 0;
	return (a & ~(uint64_t)FLAGS ? a : b) | ((a | b) & FLAGS);
}

static const char *reason_of(uint64_t member)
{
	const uint64_t number = member & ~(uint64_t)FLAGS;
	return !number ? NULL : number == READ ? "" : members[number - 1].reason;
}

static bool is_either(uint64_t member)
{
	const uint64_t number = member & ~(uint64_t)FLAGS;
	return number && number != READ && members[number - 1].either;
}

static uint64_t member_of(const char *shape, const char *path)
{
	pthread_once(&known_once, make_known);
	uint64_t m = find_member(shape, path);
	/* a row may be its own usage: what stands beside counts elsewhere is among them here */
	if (!reason_of(m) && strncmp(path, "usage.", 6) == 0)
		m |= find_member(shape, path + 6);
	return m;
}

const char *member_reason(const char *shape, const char *path)
{
	return reason_of(member_of(shape, path));
}

bool member_is_count(const char *shape, const char *name)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "usage.%.200s", name);
	pthread_once(&known_once, make_known);
	return reason_of(find_member(shape, path)) != NULL;
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
	bool apart;	/* in an object that is not known to be about the usage */
	json_value *usage; /* is judged by itself; NULL: there is none */
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

/* Also sizes of a search and places, which have prices of their own. */
static bool is_price_word(json_value *v)
{
	static const char *const words[] = { "low", "medium", "high", "us", "eu", "jp", "apac" };
	const struct text s = json_string(v);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_is(s, words[i]))
			return true;
	return tier_is_word(s);
}

/* "llmFirstTokenLatencyMs" */
static bool is_time(const char *name)
{
	const size_t n = strlen(name);
	return (n > 2 && strcmp(name + n - 2, "Ms") == 0) || strcasestr(name, "_ms") ||
	       strcasestr(name, "latency");
}

static bool is_rate_or_time(const char *name)
{
	return is_time(name) || strcasestr(name, "per_second") || strcasestr(name, "time_to");
}

static bool speaks_of_usage(const char *name)
{
	return strcasestr(name, "usage") != NULL;
}

/* A usage that is a text may hold one. */
static bool is_usage(const char *name)
{
	const size_t n = strlen(name);
	return n >= 5 && strcasecmp(name + n - 5, "usage") == 0;
}

static bool speaks_of_dimension(const char *name)
{
	return strcasestr(name, "tier") || strcasestr(name, "speed") || strcasestr(name, "geo") ||
	       strcasestr(name, "traffic") || strcasestr(name, "performance");
}

/* Whether the value of a member that is read cannot be what is read there: something else where an
 * object should hold counts, an element of a list that is none, a dimension of the price that is no
 * word. What is read is then less than what is written. */
static bool is_of_another_kind(const struct walk *w, json_value *v, const char *name,
			       uint64_t member)
{
	const enum json_kind kind = json_kind(v);
	if (w->only_tokens)
		return false;
	if (kind == JSON_OBJECT)
		return name && ((member & LISTS) || !(member & (HOLDS | OBJECT)));
	/* a list by modality is Gemini's, whose parts have names of their own */
	if (kind == JSON_ARRAY)
		return name && (member & (OBJECT | HOLDS)) && !(member & LISTS) && json_first(v) &&
		       !json_member(json_first(v), "modality");
	if (member & HOLDS)
		return !is_either(member);
	return !name || (speaks_of_dimension(name) && kind != JSON_STRING);
}

/* What is found is left in w->path. */
static void walk_members(struct walk *w, json_value *v, size_t at, bool closed);

static void judge(struct walk *w, json_value *v, const char *name, size_t at, bool closed)
{
	enum json_kind kind = json_kind(v);
	size_t end = name ? push(w, at, name) : at;
	if ((v == w->usage && v) ||
	    (kind != JSON_OBJECT && kind != JSON_ARRAY && json_is_nothing(v)))
		return;
	const uint64_t member = member_of(w->shape, w->path);
	const char *reason = reason_of(member);
	if (reason && !*reason && !w->take && is_of_another_kind(w, v, name, member)) {
		w->found = true;
		return;
	}
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
	/* a name beside the usage speaks for itself; inside, whatever counts may be billed, and a
	 * word of the usage may say how it counts */
	if (w->only_tokens
		    ? ((money || closed || (name && speaks_of_usage(name))) && is_count(v)) ||
			      (kind == JSON_STRING && name && is_usage(name))
	    : w->apart ? (money || closed) && is_count(v) && !(name && is_rate_or_time(name))
		       : (money && (closed || !name || !is_time(name))) || w->dimension ||
				 (closed && (is_count(v) || is_price_word(v) ||
					     (name && speaks_of_usage(name))))) {
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

static bool is_told(json_value *v)
{
	return v && json_kind(v) != JSON_NULL;
}

const char *members_missing(const char *shape, json_value *usage, const char **beside)
{
	for (size_t i = 0; i < sizeof together / sizeof *together; i++) {
		if (strcmp(together[i].shape, shape) != 0 ||
		    !is_told(json_at(usage, together[i].path)) ||
		    is_told(json_at(usage, together[i].other)))
			continue;
		*beside = together[i].path;
		return together[i].other;
	}
	return NULL;
}

bool members_unknown_beside(struct buf *path, const char *shape, json_value *v, json_value *usage,
			    const char *prefix)
{
	struct walk w = { .shape = shape, .usage = usage };
	size_t at = *prefix ? push(&w, 0, prefix) : 0;
	for (json_value *m = json_first(v); m && !w.found; m = json_next(m)) {
		const bool inner = json_kind(m) == JSON_OBJECT || json_kind(m) == JSON_ARRAY;
		const char *key = json_key(m) ? json_key(m) : "";
		w.apart = !name_speaks_of_money(text_of(key)) && !(inner && speaks_of_usage(key));
		if (m == usage || (w.apart && (!inner || member_is_talk(key, false))))
			continue;
		w.path[at] = 0;
		judge(&w, m, key, at, false);
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
