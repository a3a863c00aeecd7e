#include "base/json.h"

#include <cjson/cJSON.h>
#include <endian.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"

/* Stands before the digits of a number in the text that cJSON parses. A string cannot begin with
 * it: it is refused. */
#define NUMBER_MARK '\x01'

/* Everything that cJSON makes of a document lies in one arena and goes with it. */
struct json_document {
	struct arena arena;
	cJSON *root;
};

static _Thread_local struct arena *parsing;

static void *take_memory(size_t n)
{
	return arena_alloc(parsing, n);
}

static void keep_memory(void *p)
{
	(void)p;
}

static void use_arenas(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){ take_memory, keep_memory });
}

const char *json_skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static int hex4(const char *p, const char *end)
{
	int v = 0;
	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int d = is_digit(c)	       ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* The first quote, backslash or control character, or end; *beyond: whether ASCII may not be all.
 */
static const char *skip_plain(const char *p, const char *end, bool *beyond)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	for (; end - p >= 8; p += 8) {
		uint64_t eight;
		memcpy(&eight, p, 8);
		eight = le64toh(eight);
		/* of several the lowest bit is right, which is all that is asked for */
		const uint64_t quote = eight ^ ones * '"', slash = eight ^ ones * '\\';
		const uint64_t special = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
					  ((eight - ones * 0x20) & ~eight)) &
					 high;
		*beyond |= (eight & high) != 0;
		if (special)
			return p + __builtin_ctzll(special) / 8;
	}
	for (; p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\'; p++)
		*beyond |= (unsigned char)*p >= 0x80;
	return p;
}

/* Behind the escape whose backslash is at p, or NULL. opens: it is the first character. */
static const char *skip_escape(const char *p, const char *end, bool opens)
{
	if (++p >= end)
		return NULL;
	if (*p != 'u')
		return memchr("\"\\/bfnrt", *p, 8) ? p + 1 : NULL;
	const int u = hex4(p + 1, end);
	if (u <= 0 || (u >= 0xDC00 && u <= 0xDFFF) || (u == NUMBER_MARK && opens))
		return NULL;
	p += 5;
	if (u < 0xD800 || u > 0xDBFF)
		return p;
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return NULL;
	const int low = hex4(p + 2, end);
	return low >= 0xDC00 && low <= 0xDFFF ? p + 6 : NULL;
}

const char *json_scan_string(const char *p, const char *end)
{
	if (p >= end || *p != '"')
		return NULL;
	const char *first = ++p;
	for (;;) {
		const char *clean = p;
		bool beyond = false;
		p = skip_plain(p, end, &beyond);
		const size_t n = (size_t)(p - clean);
		if (p >= end || (unsigned char)*p < 0x20 ||
		    (beyond && utf8_valid_prefix(clean, n) != n))
			return NULL;
		if (*p == '"')
			return p + 1;
		p = skip_escape(p, end, p == first);
		if (!p)
			return NULL;
	}
}

const char *json_scan_number(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p >= end || *p < '0' || *p > '9')
		return NULL;
	if (*p == '0')
		p++;
	else
		while (p < end && is_digit(*p))
			p++;
	if (p < end && *p == '.') {
		const char *first = ++p;
		while (p < end && is_digit(*p))
			p++;
		if (p == first)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		const char *first = p;
		while (p < end && is_digit(*p))
			p++;
		if (p == first)
			return NULL;
	}
	return p;
}

static const char *scan_word(const char *p, const char *end)
{
	static const char *const words[] = { "true", "false", "null" };
	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(end - p) >= n && memcmp(p, words[i], n) == 0)
			return p + n;
	}
	return NULL;
}

static const char *scan_scalar(const char *p, const char *end)
{
	if (p >= end)
		return NULL;
	if (*p == '"')
		return json_scan_string(p, end);
	if (*p == '-' || is_digit(*p))
		return json_scan_number(p, end);
	return scan_word(p, end);
}

const char *json_scan_flat(const char *p, const char *end)
{
	if (p >= end)
		return NULL;
	if (*p != '[')
		return scan_scalar(p, end);
	p = json_skip_space(p + 1, end);
	if (p < end && *p == ']')
		return p + 1;
	for (;;) {
		p = scan_scalar(p, end);
		if (!p)
			return NULL;
		p = json_skip_space(p, end);
		if (p >= end)
			return NULL;
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return NULL;
		p = json_skip_space(p + 1, end);
	}
}

struct scan {
	const char *start, *end, *p;
	struct buf out;
	const char *copied;	     /* what is before it lies in out */
	const char *wrong;	     /* what was expected where p stands */
	int64_t values, values_most; /* 0: any number */
	bool only_checks;
};

/* Copies what is before p and not copied yet, and words that the text does not have. */
static void copy_to(struct scan *s, const char *p, const char *words)
{
	if (s->only_checks)
		return;
	buf_add(&s->out, s->copied, (size_t)(p - s->copied));
	buf_puts(&s->out, words);
	s->copied = p;
}

static bool scan_value(struct scan *s, int depth)
{
	if (++s->values > s->values_most && s->values_most) {
		s->wrong = "one document holds too many values";
		return false;
	}
	if (depth > JSON_DEPTH_MAX) {
		s->wrong = "nesting is deeper than 64 levels";
		return false;
	}
	s->p = json_skip_space(s->p, s->end);
	if (s->p >= s->end) {
		s->wrong = "the text ends too early";
		return false;
	}
	char open = *s->p;
	if (open != '{' && open != '[') {
		const char *after = scan_scalar(s->p, s->end);
		if (!after) {
			s->wrong = open == '"'
					   ? "bad string (escape, control character, UTF-8 or end)"
					   : "a value is expected";
			return false;
		}
		bool number = open == '-' || is_digit(open);
		if (number) {
			copy_to(s, s->p, (const char[]){ '"', NUMBER_MARK, 0 });
			copy_to(s, after, "\"");
		}
		s->p = after;
		return true;
	}
	char close = open == '{' ? '}' : ']';
	s->p = json_skip_space(s->p + 1, s->end);
	if (s->p < s->end && *s->p == close) {
		s->p++;
		return true;
	}
	for (;;) {
		if (open == '{') {
			s->p = json_skip_space(s->p, s->end);
			const char *after = json_scan_string(s->p, s->end);
			if (!after) {
				s->wrong = "a key in quotes is expected";
				return false;
			}
			s->p = json_skip_space(after, s->end);
			if (s->p >= s->end || *s->p != ':') {
				s->wrong = "':' is expected";
				return false;
			}
			s->p++;
		}
		if (!scan_value(s, depth + 1))
			return false;
		s->p = json_skip_space(s->p, s->end);
		if (s->p >= s->end || (*s->p != ',' && *s->p != close)) {
			s->wrong =
				open == '{' ? "',' or '}' is expected" : "',' or ']' is expected";
			return false;
		}
		if (*s->p++ == close)
			return true;
	}
}

/* The members of an object by their names. */
struct index {
	size_t count;
	const cJSON *member[];
};

enum { LOOKED_THROUGH = 256 }; /* members that are looked at one by one */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* The name of a key that occurs twice in one object, or NULL. A large object keeps the index that
 * says so, for readers look for thousands of names in it: it lies where a text has its own. */
static const char *duplicate_key(cJSON *v, struct arena *arena)
{
	size_t n = 0;
	for (cJSON *c = v->child; c; c = c->next) {
		const char *deeper = c->child ? duplicate_key(c, arena) : NULL;
		if (deeper)
			return deeper;
		n++;
	}
	if (!cJSON_IsObject(v) || n < 2)
		return NULL;
	if (n <= 16) {
		for (const cJSON *a = v->child; a; a = a->next)
			for (const cJSON *b = a->next; b; b = b->next)
				if (*a->string == *b->string && strcmp(a->string, b->string) == 0)
					return a->string;
		return NULL;
	}
	const size_t bytes = sizeof(struct index) + n * sizeof(cJSON *);
	const bool large = n > LOOKED_THROUGH;
	struct index *x = large ? arena_alloc(arena, bytes) : mem_alloc(bytes);
	const char *found = NULL;
	x->count = 0;
	for (const cJSON *c = v->child; c; c = c->next)
		x->member[x->count++] = c;
	qsort(x->member, n, sizeof *x->member, by_name);
	for (size_t i = 1; i < n && !found; i++)
		if (by_name(&x->member[i], &x->member[i - 1]) == 0)
			found = x->member[i]->string;
	if (large)
		v->valuestring = (char *)x;
	else
		free(x);
	return found;
}

static int refuse_at(const struct scan *s, const char *what, struct err *e)
{
	int line = 1, column = 1;
	for (const char *p = s->start; p < s->p; p++) {
		column++;
		if (*p == '\n')
			line++, column = 1;
	}
	return err_set(e, ERR_INVALID, "not valid JSON at line %d, column %d: %s", line, column,
		       what);
}

/* The whole text, from its mark of UTF-8 to its last blank. */
static int scan_all(struct scan *s, struct text text, struct err *e)
{
	if (text.n > JSON_BYTES_MAX)
		return err_set(e, ERR_RANGE, "JSON text is larger than %d MiB",
			       JSON_BYTES_MAX >> 20);
	s->start = s->p = text.p;
	s->end = text.p + text.n;
	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		s->p += 3;
	s->copied = s->p;
	bool ok = scan_value(s, 1);
	if (ok) {
		s->p = json_skip_space(s->p, s->end);
		if (s->p != s->end) {
			s->wrong = "text follows the value";
			ok = false;
		}
	}
	if (ok) {
		copy_to(s, s->end, "");
		return 0;
	}
	buf_release(&s->out);
	return refuse_at(s, s->wrong, e);
}

int json_check(struct text text, struct err *e)
{
	struct scan s = { .only_checks = true };
	return scan_all(&s, text, e);
}

int json_open(struct json_document **out, struct text text, struct err *e)
{
	return json_open_within(out, text, 0, e);
}

int json_open_within(struct json_document **out, struct text text, int64_t values_most,
		     struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct json_document doc = { 0 };
	struct scan s = { .values_most = values_most };
	pthread_once(&once, use_arenas);
	int failed = scan_all(&s, text, e);
	if (failed != 0)
		return failed;
	parsing = &doc.arena;
	doc.root = cJSON_ParseWithLength(s.out.p, s.out.n);
	parsing = NULL;
	buf_release(&s.out);
	const char *twice = doc.root ? duplicate_key(doc.root, &doc.arena) : NULL;
	if (!doc.root || twice) {
		int rc = twice ? err_set(e, ERR_INVALID, "key \"%.80s\" occurs twice in one object",
					 twice)
			       : err_set(e, ERR_INVALID, "not valid JSON");
		arena_release(&doc.arena);
		return rc;
	}
	/* the document lies in its own arena, whose last chunk it then knows */
	*out = arena_alloc(&doc.arena, sizeof **out);
	**out = doc;
	return 0;
}

int json_open_file(struct json_document **out, const char *path, struct err *e)
{
	struct buf b = { 0 };
	int rc = file_read(&b, path, JSON_BYTES_MAX, e);
	if (rc == 0 && (rc = json_open(out, (struct text){ b.p, b.n }, e)) != 0)
		err_context(e, "%s", path);
	buf_release(&b);
	return rc;
}

void json_close(struct json_document *d)
{
	if (!d)
		return;
	struct arena arena = d->arena;
	arena_release(&arena);
}

json_value *json_root(const struct json_document *d)
{
	return d ? d->root : NULL;
}

static bool is_number(json_value *v)
{
	return cJSON_IsString(v) && v->valuestring[0] == NUMBER_MARK;
}

enum json_kind json_kind(json_value *v)
{
	if (!v || cJSON_IsNull(v))
		return JSON_NULL;
	if (cJSON_IsBool(v))
		return JSON_BOOL;
	if (cJSON_IsArray(v))
		return JSON_ARRAY;
	if (cJSON_IsObject(v))
		return JSON_OBJECT;
	return is_number(v) ? JSON_NUMBER : JSON_STRING;
}

const char *json_kind_name(json_value *v)
{
	static const char *const names[] = { "null", "true or false", "a number",
					     "text", "an array",      "an object" };
	return names[json_kind(v)];
}

static json_value *look_up(const struct index *x, const char *key)
{
	size_t from = 0, to = x->count;
	while (from < to) {
		const size_t middle = from + (to - from) / 2;
		const int order = strcmp(x->member[middle]->string, key);
		if (order == 0)
			return x->member[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

json_value *json_member(json_value *v, const char *key)
{
	if (!v || !cJSON_IsObject(v))
		return NULL;
	if (v->valuestring)
		return look_up((const struct index *)(const void *)v->valuestring, key);
	for (const cJSON *c = v->child; c; c = c->next)
		if (*c->string == *key && strcmp(c->string, key) == 0)
			return c;
	return NULL;
}

json_value *json_first(json_value *v)
{
	return v ? v->child : NULL;
}

json_value *json_next(json_value *v)
{
	return v ? v->next : NULL;
}

const char *json_key(json_value *v)
{
	return v && v->string ? v->string : "";
}

struct text json_string(json_value *v)
{
	return v && cJSON_IsString(v) && !is_number(v) ? text_of(v->valuestring) : TEXT("");
}

struct text json_number(json_value *v)
{
	return v && is_number(v) ? text_of(v->valuestring + 1) : TEXT("");
}

bool json_true(json_value *v)
{
	return v && cJSON_IsTrue(v);
}

struct text json_number_or_string(json_value *v)
{
	return json_kind(v) == JSON_NUMBER ? json_number(v) : json_string(v);
}

/* Whether the key is the name of an entry of json_check_members; *holds: what it says behind it. */
static bool is_member(const char *entry, const char *key, const char **holds)
{
	const size_t n = strcspn(entry, "[{");
	*holds = entry + n;
	return strlen(key) == n && memcmp(entry, key, n) == 0;
}

/* The entry of a key; else NULL, which is the error, and names the one that is like it. */
static int find_member(json_value *m, const char *const *known, const char *place,
		       const char **holds, struct err *e)
{
	struct text_nearest near = { .typed = text_of(json_key(m)) };
	for (int i = 0; known[i]; i++)
		if (is_member(known[i], json_key(m), holds))
			return 0;
	for (int i = 0; known[i]; i++)
		text_nearest_try(&near, (struct text){ known[i], strcspn(known[i], "[{") });
	return near.name.n ? err_set(e, ERR_INVALID, "%s: unknown key '%s'; did you mean '%.*s'?",
				     place, json_key(m), (int)near.name.n, near.name.p)
			   : err_set(e, ERR_INVALID, "%s: unknown key '%s'", place, json_key(m));
}

static bool is_plain(json_value *v)
{
	return json_kind(v) == JSON_NUMBER || json_kind(v) == JSON_STRING;
}

static int check_value(json_value *m, const char *holds, const char *place, struct err *e)
{
	const bool list = *holds == '[', objects = strchr(holds, '{') != NULL;
	const char *of = objects ? "an object" : "a number or text";
	bool right = list      ? json_kind(m) == JSON_ARRAY
		     : objects ? json_kind(m) == JSON_OBJECT
			       : is_plain(m);
	if (!right)
		return err_set(e, ERR_INVALID, "%s: '%s' must be %s, and is %s", place, json_key(m),
			       list ? "an array" : of, json_kind_name(m));
	for (json_value *x = list ? json_first(m) : NULL; x; x = json_next(x)) {
		right = objects ? json_kind(x) == JSON_OBJECT : is_plain(x);
		if (!right)
			return err_set(e, ERR_INVALID,
				       "%s: each element of '%s' must be %s, and one is %s", place,
				       json_key(m), of, json_kind_name(x));
	}
	return 0;
}

/* values: whether what a key holds is looked at, too. */
static int check_object(json_value *v, const char *const *known, bool values, const char *place,
			struct err *e)
{
	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "%s must be an object, and is %s", place,
			       json_kind_name(v));
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		const char *holds;
		int rc = find_member(m, known, place, &holds, e);
		if (rc == 0 && values)
			rc = check_value(m, holds, place, e);
		if (rc != 0 && (rc = err_next(e, rc)) != 0)
			return rc;
	}
	return 0;
}

int json_check_keys(json_value *v, const char *const *known, const char *place, struct err *e)
{
	return check_object(v, known, false, place, e);
}

int json_check_members(json_value *v, const char *const *known, const char *place, struct err *e)
{
	return check_object(v, known, true, place, e);
}

/* Behind the string that begins at p, or NULL. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; (p = memchr(p, '"', (size_t)(end - p))); p++) {
		const char *q = p;
		while (q[-1] == '\\')
			q--;
		if ((p - q) % 2 == 0)
			return p + 1;
	}
	return NULL;
}

/* Behind the value that begins at p, or NULL. */
static const char *skip_value(const char *p, const char *end)
{
	if (p < end && *p == '"')
		return skip_string(p, end);
	if (p < end && (*p == '{' || *p == '[')) {
		int depth = 0;
		while (p < end) {
			if (*p == '"') {
				if (!(p = skip_string(p, end)))
					return NULL;
				continue;
			}
			depth += *p == '{' || *p == '[';
			if ((*p == '}' || *p == ']') && --depth == 0)
				return p + 1;
			p++;
		}
		return NULL;
	}
	const char *first = p;
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\t' &&
	       *p != '\n' && *p != '\r')
		p++;
	return p > first ? p : NULL;
}

const char *json_walk(const char *p, const char *end, struct text *key, struct text *value)
{
	*key = (struct text){ NULL, 0 };
	*value = (struct text){ NULL, 0 };
	p = json_skip_space(p, end);
	if (p < end && *p == ',')
		p = json_skip_space(p + 1, end);
	if (p < end && *p == '}') {
		*value = (struct text){ "", 0 };
		return NULL;
	}
	if (p >= end || *p != '"')
		return NULL;
	const char *after = skip_string(p, end);
	if (!after)
		return NULL;
	const char *at = json_skip_space(after, end);
	if (at >= end || *at != ':')
		return NULL;
	at = json_skip_space(at + 1, end);
	const char *stop = skip_value(at, end);
	if (!stop)
		return NULL;
	*key = (struct text){ p + 1, (size_t)(after - 1 - (p + 1)) };
	*value = (struct text){ at, (size_t)(stop - at) };
	return stop;
}

const char *json_walk_element(const char *p, const char *end, struct text *value)
{
	p = json_skip_space(p, end);
	if (p < end && *p == ',')
		p = json_skip_space(p + 1, end);
	if (p >= end || *p == ']')
		return NULL;
	const char *stop = skip_value(p, end);
	if (stop)
		*value = (struct text){ p, (size_t)(stop - p) };
	return stop;
}

void json_put_value(struct buf *b, json_value *v)
{
	bool object = cJSON_IsObject(v);
	if (object || cJSON_IsArray(v)) {
		buf_puts(b, object ? "{" : "[");
		for (json_value *m = json_first(v); m; m = json_next(m)) {
			if (m != json_first(v))
				buf_puts(b, ",");
			if (object) {
				json_put_string(b, text_of(json_key(m)));
				buf_puts(b, ":");
			}
			json_put_value(b, m);
		}
		buf_puts(b, object ? "}" : "]");
	} else if (is_number(v)) {
		buf_puts(b, v->valuestring + 1);
	} else if (cJSON_IsString(v)) {
		json_put_string(b, text_of(v->valuestring));
	} else {
		buf_puts(b, cJSON_IsTrue(v) ? "true" : cJSON_IsFalse(v) ? "false" : "null");
	}
}

void json_put_string(struct buf *b, struct text s)
{
	buf_need(b, s.n * 6 + 2);
	char *o = b->p + b->n;
	*o++ = '"';
	for (size_t i = 0; i < s.n;) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\') {
			*o++ = '\\';
			*o++ = (char)c;
			i++;
		} else if (c < 0x20) {
			o += sprintf(o, "\\u%04x", c);
			i++;
		} else if (c < 0x80) {
			*o++ = (char)c;
			i++;
		} else {
			size_t most = s.n - i < 4 ? s.n - i : 4, len = 0;
			for (size_t k = 2; k <= most && !len; k++)
				if (utf8_valid_prefix(s.p + i, k) == k)
					len = k;
			if (len) {
				memcpy(o, s.p + i, len);
				o += len;
				i += len;
			} else {
				memcpy(o, "\xEF\xBF\xBD", 3);
				o += 3;
				i++;
			}
		}
	}
	*o++ = '"';
	b->n = (size_t)(o - b->p);
	*o = 0;
}

json_value *json_at(json_value *v, const char *path)
{
	char name[64];
	while (v && *path) {
		const size_t n = strcspn(path, ".");
		snprintf(name, sizeof name, "%.*s", (int)n, path);
		json_value *m = n < sizeof name && json_kind(v) == JSON_OBJECT
					? json_member(v, name)
					: NULL;
		if (json_kind(v) == JSON_ARRAY && strspn(name, "0123456789") == n && n < 6) {
			m = json_first(v);
			for (int place = atoi(name); m && place; place--)
				m = json_next(m);
		}
		v = m;
		path += n + (path[n] == '.');
	}
	return v;
}
