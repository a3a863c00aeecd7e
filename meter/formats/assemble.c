#include "meter/formats/assemble.h"

#include <stdlib.h>

#include "base/dict.h"

struct assembly {
	struct dict by_id; /* 1 + index of the call that sightings of the id are merged into */
	struct metered *call;
	size_t count, room;
	int64_t merged;
	bool every;
	struct arena arena;
};

enum sighting sighting_compare(const int64_t a[BUCKET_COUNT], const int64_t b[BUCKET_COUNT])
{
	bool less = false, more = false;
	for (int k = 0; k < BUCKET_COUNT; k++) {
		less |= b[k] < a[k];
		more |= b[k] > a[k];
	}
	return less && more ? SIGHTING_OTHER
	       : less	    ? SIGHTING_SMALLER
	       : more	    ? SIGHTING_LARGER
			    : SIGHTING_SAME;
}

struct assembly *assembly_open(bool every)
{
	struct assembly *a = mem_zalloc(sizeof *a);
	a->every = every;
	return a;
}

void assembly_close(struct assembly *a)
{
	if (!a)
		return;
	dict_release(&a->by_id);
	arena_release(&a->arena);
	free(a->call);
	free(a);
}

static struct text keep(struct assembly *a, struct text t)
{
	return t.n ? (struct text){ arena_text(&a->arena, t.p, t.n), t.n } : t;
}

/* Texts that repeat from call to call are kept once. */
static void keep_texts(struct assembly *a, struct metered *m)
{
	const struct metered *before = a->count ? &a->call[a->count - 1] : NULL;
	for (int f = 0; f < FIELD_TEXTS; f++) {
		struct text *t = &m->record.text[f];
		*t = before && f != FIELD_ID && text_eq(*t, before->record.text[f])
			     ? before->record.text[f]
			     : keep(a, *t);
	}
	m->raw = keep(a, m->raw);
}

void assembly_add(struct assembly *a, const struct metered *m)
{
	struct text id = m->record.text[FIELD_ID];
	uint64_t *known =
		(m->cumulative || a->every) && id.n ? dict_need(&a->by_id, id, NULL) : NULL;
	bool conflict = false;
	if (known && *known) {
		struct metered *have = &a->call[*known - 1];
		enum sighting s = sighting_compare(have->record.tokens, m->record.tokens);
		if (m->aggregate && s == SIGHTING_SAME &&
		    m->record.requests > have->record.requests)
			s = SIGHTING_LARGER;
		conflict = s == SIGHTING_OTHER ||
			   (s != SIGHTING_SAME && !(m->cumulative && have->cumulative));
		if (!conflict) {
			a->merged++;
			if (s == SIGHTING_SAME && m->record.time_us < have->record.time_us)
				have->record.time_us = m->record.time_us;
			if (s != SIGHTING_LARGER)
				return;
			/* the instant, too, is that of the sighting whose counts are kept */
			memcpy(have->record.tokens, m->record.tokens, sizeof m->record.tokens);
			have->record.present |= m->record.present;
			have->record.requests = m->record.requests;
			have->record.time_us = m->record.time_us;
			have->record.completed_us = m->record.completed_us;
			have->rule = m->rule;
			have->web_searches = m->web_searches;
			have->broken_off = m->broken_off;
			have->line = m->line;
			have->raw = keep(a, m->raw);
			return;
		}
	}
	if (a->count == a->room) {
		a->room = a->room ? a->room * 2 : 1;
		a->call = mem_grow(a->call, a->room * sizeof *a->call);
	}
	a->call[a->count] = *m;
	a->call[a->count].conflict |= conflict;
	keep_texts(a, &a->call[a->count]);
	a->count++;
	if (known && !*known)
		*known = a->count;
}

size_t assembly_count(const struct assembly *a)
{
	return a->count;
}

struct metered *assembly_call(const struct assembly *a, size_t i)
{
	return &a->call[i];
}

int64_t assembly_merged(const struct assembly *a)
{
	return a->merged;
}

void assembly_clear(struct assembly *a)
{
	dict_clear(&a->by_id);
	arena_reset(&a->arena);
	a->count = 0;
	a->merged = 0;
}
