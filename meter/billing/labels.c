#include "meter/billing/labels.h"

#include <pthread.h>
#include <string.h>

#include "base/json.h"

/* Compiled in, by the Makefile. */
struct labels_file {
	const char *language, *text;
};
extern const struct labels_file labels_files[];

enum { LANGUAGES_MOST = 32, LABELS_MOST = 160 };

struct labels {
	const char *language;
	struct {
		const char *key, *text;
	} label[LABELS_MOST];
	size_t count;
};

static struct {
	pthread_once_t once;
	struct labels language[LANGUAGES_MOST];
	size_t count;
	char known[LANGUAGES_MOST * 4];
	struct arena arena;
} all = { .once = PTHREAD_ONCE_INIT };

static void read_all(void)
{
	for (const struct labels_file *f = labels_files; f->language; f++) {
		struct labels *l = &all.language[all.count++];
		struct json_document *doc;
		struct err e;
		CHECK(all.count <= LANGUAGES_MOST);
		CHECK(json_open(&doc, text_of(f->text), &e) == 0);
		l->language = f->language;
		strcat(all.known, *all.known ? ", " : "");
		strcat(all.known, f->language);
		for (json_value *v = json_first(json_root(doc)); v; v = json_next(v)) {
			const struct text t = json_string(v);
			CHECK(l->count < LABELS_MOST);
			l->label[l->count].key =
				arena_text(&all.arena, json_key(v), strlen(json_key(v)));
			l->label[l->count++].text = arena_text(&all.arena, t.p, t.n);
		}
		json_close(doc);
	}
}

const struct labels *labels_of(struct text language)
{
	pthread_once(&all.once, read_all);
	if (language.n == 0)
		language = TEXT("en");
	for (size_t i = 0; i < all.count; i++)
		if (text_is(language, all.language[i].language))
			return &all.language[i];
	return NULL;
}

const char *labels_language(const struct labels *l)
{
	return l->language;
}

const char *labels_known(void)
{
	pthread_once(&all.once, read_all);
	return all.known;
}

const char *label_find(const struct labels *l, const char *key)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->label[i].key, key) == 0)
			return l->label[i].text;
	return NULL;
}

const char *label(const struct labels *l, const char *key)
{
	const char *text = label_find(l, key);
	CHECK(text);
	return text;
}

const char *label_with(const struct labels *l, struct arena *a, const char *key,
		       const char *const with[3])
{
	struct buf b = { 0 };
	for (const char *p = label(l, key); *p; p++) {
		if (*p == '{' && p[1] >= '1' && p[1] <= '3' && p[2] == '}') {
			buf_puts(&b, with[p[1] - '1']);
			p += 2;
		} else {
			buf_add(&b, p, 1);
		}
	}
	const char *out = arena_text(a, b.n ? b.p : "", b.n);
	buf_release(&b);
	return out;
}

const char *label_day(const struct labels *l, struct arena *a, const char *day)
{
	const size_t n = strlen(day);
	if (n < 10 || day[4] != '-' || day[7] != '-')
		return arena_text(a, day, n);
	const char *const part[3] = { arena_text(a, day, 4), arena_text(a, day + 5, 2),
				      arena_text(a, day + 8, 2) };
	return label_with(l, a, "date", part);
}

const char *label_number(const struct labels *l, struct arena *a, const char *number)
{
	struct buf b = { 0 };
	for (const char *p = number; *p; p++) {
		if (*p == '.')
			buf_puts(&b, label(l, "decimal"));
		else if (*p == ',')
			buf_puts(&b, label(l, "group"));
		else
			buf_add(&b, p, 1);
	}
	const char *out = arena_text(a, b.n ? b.p : "", b.n);
	buf_release(&b);
	return out;
}
