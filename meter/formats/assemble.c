#include "meter/formats/assemble.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/dict.h"
#include "pricing/spelling.h"

enum { BLOCKS_MOST = 40 };

struct assembly {
	/* 1 + index of the call that sightings of the id are merged into; the same of other ids */
	struct dict by_id, by_also, by_twin;
	/* calls that another session has as well: that session and the place, each once */
	struct dict shares;
	struct shared_call {
		struct text session;
		size_t call;
	} * shared;
	size_t shared_count;
	/* block b holds twice as many calls as the one before it; they stay where they are */
	struct metered *block[BLOCKS_MOST];
	size_t count, conflicts;
	bool every;
	struct arena arena;
};

static inline size_t calls_in_block(unsigned b)
{
	return (size_t)1 << b;
}

/* Blocks before b hold 2^b - 1 calls together. */
static inline struct metered *call_at(const struct assembly *a, size_t i)
{
	const unsigned b = 63 - (unsigned)__builtin_clzll((unsigned long long)i + 1);
	return &a->block[b][i + 1 - calls_in_block(b)];
}

static struct metered *call_new(struct assembly *a)
{
	const unsigned b = 63 - (unsigned)__builtin_clzll((unsigned long long)a->count + 1);
	CHECK(b < BLOCKS_MOST);
	if (!a->block[b])
		a->block[b] = mem_block(calls_in_block(b) * sizeof **a->block);
	return call_at(a, a->count++);
}

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
	dict_release(&a->by_also);
	dict_release(&a->by_twin);
	dict_release(&a->shares);
	free(a->shared);
	arena_release(&a->arena);
	for (unsigned b = 0; b < BLOCKS_MOST && a->block[b]; b++)
		mem_block_free(a->block[b], calls_in_block(b) * sizeof **a->block);
	free(a);
}

static struct text keep(struct assembly *a, struct text t)
{
	return t.n ? (struct text){ arena_text(&a->arena, t.p, t.n), t.n } : t;
}

/* Texts that repeat from call to call are kept once; m is the last of the calls. */
static void keep_texts(struct assembly *a, struct metered *m)
{
	const struct metered *before = a->count > 1 ? call_at(a, a->count - 2) : NULL;
	for (int f = 0; f < FIELD_TEXTS; f++) {
		struct text *t = &m->record.text[f];
		*t = before && f != FIELD_ID && text_eq(*t, before->record.text[f])
			     ? before->record.text[f]
			     : keep(a, *t);
	}
	m->raw = keep(a, m->raw);
	m->also = keep(a, m->also);
	m->copy_of = keep(a, m->copy_of);
	m->twin = keep(a, m->twin);
	m->mapped = keep(a, m->mapped);
	m->holds = keep(a, m->holds);
	if (m->unread)
		m->unread = arena_text(&a->arena, m->unread, strlen(m->unread));
}

/* The call that this is another sighting of, from 1; 0: none. */
static uint64_t find_call(const struct dict *ids, struct text id)
{
	const uint64_t *at = id.n ? dict_find(ids, id) : NULL;
	return at ? *at : 0;
}

static void know_as(struct dict *ids, struct text id, uint64_t call)
{
	uint64_t *at = id.n ? dict_need(ids, id, NULL) : NULL;
	if (at && !*at)
		*at = call;
}

int64_t sighting_writes(const int64_t tokens[BUCKET_COUNT])
{
	return tokens[BUCKET_CACHE_WRITE_5M] + tokens[BUCKET_CACHE_WRITE_1H];
}

bool sighting_is_other_request(const int64_t a[BUCKET_COUNT], const int64_t b[BUCKET_COUNT])
{
	return a[BUCKET_INPUT] != b[BUCKET_INPUT] || a[BUCKET_CACHE_READ] != b[BUCKET_CACHE_READ] ||
	       sighting_writes(a) != sighting_writes(b);
}

int128 sighting_prompt(const struct record *r)
{
	int128 prompt = 0;
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (bucket_is_prompt((enum bucket)b))
			prompt += r->tokens[b];
	return prompt;
}

bool sighting_is_other_answer(const struct record *a, const struct record *b)
{
	return a->time_us != b->time_us && sighting_prompt(a) != sighting_prompt(b);
}

/* The next spelling of a name that is certain: what else a name ends in may be a model's own. */
static bool next_spelling(struct spelling *s, struct text *name)
{
	if (spelling_take_offer(name) || spelling_take_edition(name))
		return true;
	const bool more = spelling_next(s) && !s->tiers && !s->loose;
	*name = s->model;
	return more;
}

static bool is_spelled(struct text model, struct text name)
{
	struct spelling s = { .model = model };
	struct text as = model;
	do
		if (as.n == name.n && strncasecmp(as.p, name.p, name.n) == 0)
			return true;
	while (next_spelling(&s, &as));
	return false;
}

bool sighting_is_other_model(struct text a, struct text b)
{
	if (!a.n || !b.n || text_eq(a, b))
		return false;
	struct spelling s = { .model = b };
	struct text as = b;
	do
		if (is_spelled(a, as))
			return false;
	while (next_spelling(&s, &as));
	return true;
}

/* A count that one of two sightings does not tell; false: they tell different ones. */
static bool share_count(int64_t *shared, int64_t a, int64_t b)
{
	*shared = a > b ? a : b;
	return !a || !b || a == b;
}

/* What one sighting does not state, it does not deny. */
void sighting_share_cached(int64_t a[BUCKET_COUNT], int64_t b[BUCKET_COUNT])
{
	const int64_t written_a = sighting_writes(a), written_b = sighting_writes(b),
		      prompt = a[BUCKET_INPUT] + a[BUCKET_CACHE_READ] + written_a;
	int64_t reasoned, cached, written;
	if (share_count(&reasoned, a[BUCKET_REASONING], b[BUCKET_REASONING]))
		a[BUCKET_REASONING] = b[BUCKET_REASONING] = reasoned;
	if (prompt != b[BUCKET_INPUT] + b[BUCKET_CACHE_READ] + written_b ||
	    !share_count(&cached, a[BUCKET_CACHE_READ], b[BUCKET_CACHE_READ]) ||
	    !share_count(&written, written_a, written_b) || cached + written > prompt)
		return;
	a[BUCKET_INPUT] = b[BUCKET_INPUT] = prompt - cached - written;
	a[BUCKET_CACHE_READ] = b[BUCKET_CACHE_READ] = cached;
	/* writes that both tell keep the lifetimes that each has */
	if (written_a && written_b)
		return;
	const int64_t *from = written_a ? a : b;
	int64_t *to = written_a ? b : a;
	to[BUCKET_CACHE_WRITE_5M] = from[BUCKET_CACHE_WRITE_5M];
	to[BUCKET_CACHE_WRITE_1H] = from[BUCKET_CACHE_WRITE_1H];
}

void sighting_share_split(int64_t a[BUCKET_COUNT], int64_t b[BUCKET_COUNT])
{
	int64_t *from = a[BUCKET_CACHE_WRITE_1H] ? a : b, *to = from == a ? b : a;
	if (to[BUCKET_CACHE_WRITE_1H] != 0 ||
	    to[BUCKET_CACHE_WRITE_5M] != from[BUCKET_CACHE_WRITE_5M] + from[BUCKET_CACHE_WRITE_1H])
		return;
	to[BUCKET_CACHE_WRITE_5M] = from[BUCKET_CACHE_WRITE_5M];
	to[BUCKET_CACHE_WRITE_1H] = from[BUCKET_CACHE_WRITE_1H];
}

bool sighting_is_part(enum sighting s, bool first, bool second)
{
	return s == SIGHTING_LARGER ? second : first && (second || s == SIGHTING_SMALLER);
}

bool sighting_is_unsplit(enum sighting s, struct sighting_lifetimes first,
			 struct sighting_lifetimes second)
{
	if (first.written == second.written)
		return first.unsplit && second.unsplit;
	if (!first.written || !second.written)
		return first.written ? first.unsplit : second.unsplit;
	return sighting_is_part(s, first.unsplit, second.unsplit);
}

static void begin_at(struct record *r, int64_t us)
{
	r->time_us = us;
	if (us != TIME_ABSENT)
		r->present |= (uint64_t)1 << FIELD_TIME;
}

static void end_at(struct record *r, int64_t us)
{
	const uint64_t bit = (uint64_t)1 << FIELD_COMPLETED;
	r->completed_us = us;
	r->present = us != TIME_ABSENT ? r->present | bit : r->present & ~bit;
}

/* The call begins at or before its first sighting and ends at or behind its last. */
static void span(struct record *have, const struct record *r)
{
	sighting_span(&have->time_us, &have->completed_us, r);
	begin_at(have, have->time_us);
	end_at(have, have->completed_us);
}

void sighting_span(int64_t *time_us, int64_t *completed_us, const struct record *r)
{
	int64_t last = r->completed_us != TIME_ABSENT ? r->completed_us : r->time_us;
	int64_t had = *completed_us != TIME_ABSENT ? *completed_us : *time_us;
	if (r->time_us == TIME_ABSENT || *time_us == TIME_ABSENT) {
		*time_us = r->time_us != TIME_ABSENT ? r->time_us : *time_us;
		return;
	}
	if (r->time_us != *time_us || last != had || *completed_us != TIME_ABSENT)
		*completed_us = last > had ? last : had;
	*time_us = r->time_us < *time_us ? r->time_us : *time_us;
}

/* Another sighting of a call that is there; false when it contradicts it. */
void sighting_share_others(int64_t *to, const int64_t *more)
{
	for (int k = BUCKET_COUNT; k < COUNT_KINDS; k++)
		to[k] = more[k] > to[k] ? more[k] : to[k];
}

/* What two sightings of a sum know of the calls in it. */
static void share_held(struct assembly *a, struct metered *have, const struct metered *m)
{
	if (m->holds.n && !text_eq(m->holds, have->holds))
		have->holds = text_of(arena_printf(&a->arena, "%.*s%.*s", (int)have->holds.n,
						   have->holds.n ? have->holds.p : "",
						   (int)m->holds.n, m->holds.p));
	have->holds_more &= m->holds_more;
}

static void note_shared(struct assembly *a, size_t call, struct text session)
{
	char place[24];
	bool is_new = false;
	struct buf name = { 0 };
	if (!session.n || text_eq(session, call_at(a, call)->record.text[FIELD_SESSION]))
		return;
	buf_add(&name, session.p, session.n);
	buf_add(&name, place, (size_t)snprintf(place, sizeof place, "#%zu", call));
	dict_need(&a->shares, (struct text){ name.p, name.n }, &is_new);
	buf_release(&name);
	if (!is_new)
		return;
	if ((a->shared_count & (a->shared_count - 1)) == 0)
		a->shared = mem_grow(a->shared, (a->shared_count ? a->shared_count * 2 : 1) *
							sizeof *a->shared);
	a->shared[a->shared_count++] = (struct shared_call){ keep(a, session), call };
}

/* How the counts of m compare with those of the call that is there; *known and *counts become what
 * each says with what it has from the other. */
static enum sighting compare_with(const struct metered *have, const struct metered *m,
				  int64_t known[BUCKET_COUNT], int64_t counts[BUCKET_COUNT])
{
	memcpy(known, have->record.tokens, sizeof have->record.tokens);
	memcpy(counts, m->record.tokens, sizeof m->record.tokens);
	/* one that is not understood may leave out how long its cache writes stay, too */
	if (m->record.unsplit || have->record.unsplit || m->unread || have->unread)
		sighting_share_split(known, counts);
	if (m->twin.n && text_eq(m->twin, have->twin))
		sighting_share_cached(known, counts);
	enum sighting s = sighting_compare(known, counts);
	for (int u = 0; u < UNIT_COUNT; u++)
		if (s == SIGHTING_SAME && m->record.units[u] != have->record.units[u])
			s = m->record.units[u] > have->record.units[u] ? SIGHTING_LARGER
								       : SIGHTING_SMALLER;
	if (m->aggregate && s == SIGHTING_SAME && m->record.requests > have->record.requests)
		s = SIGHTING_LARGER;
	if (m->cumulative && have->cumulative && !m->aggregate)
		s = sighting_beside_weak(s, have->unread, m->unread);
	if (m->cumulative && m->also.n && !m->within && text_eq(m->also, have->also))
		s = sighting_beside_weak(s, have->broken_off, m->broken_off);
	return s;
}

/* NULL, or what contradicts what is known of the call. */
static const char *merge(struct assembly *a, size_t at, const struct metered *m)
{
	struct metered *have = call_at(a, at);
	int64_t known[BUCKET_COUNT], counts[BUCKET_COUNT];
	const struct sighting_lifetimes first = { sighting_writes(have->record.tokens),
						  have->record.unsplit },
					second = { sighting_writes(m->record.tokens),
						   m->record.unsplit };
	if (sighting_is_other_model(have->record.text[FIELD_MODEL], m->record.text[FIELD_MODEL]))
		return "another model";
	const enum sighting s = compare_with(have, m, known, counts);
	const bool grows = m->cumulative && have->cumulative;
	if (have->made && m->made && !grows && have->record.time_us != m->record.time_us)
		return "another time";
	if (s == SIGHTING_OTHER ||
	    ((have->made || m->made) && sighting_is_other_answer(&have->record, &m->record)) ||
	    (s != SIGHTING_SAME && !grows))
		return "other counts";
	memcpy(have->record.tokens, known, sizeof known);
	if (m->unread && !have->unread)
		have->unread = arena_text(&a->arena, m->unread, strlen(m->unread));
	if (m->cumulative && have->cumulative && !m->aggregate)
		span(&have->record, &m->record);
	else if (have->record.time_us == TIME_ABSENT ||
		 (m->record.time_us != TIME_ABSENT && m->record.time_us < have->record.time_us)) {
		begin_at(&have->record, m->record.time_us);
		if (!m->aggregate)
			end_at(&have->record, m->record.completed_us);
	}
	note_shared(a, at, m->record.text[FIELD_SESSION]);
	have->broken_off = sighting_is_part(s, have->broken_off, m->broken_off);
	have->record.unsplit = sighting_is_unsplit(s, first, second);
	have->record.undivided = sighting_is_part(s, have->record.undivided, m->record.undivided);
	have->in_run &= m->in_run;
	share_held(a, have, m);
	if (strcmp(have->shape, m->shape) != 0)
		have->met = m->shape;
	if (!have->stated.given ||
	    (m->stated.given && have->stated.estimate && !m->stated.estimate))
		have->stated = m->stated;
	for (int f = 0; f < FIELD_TEXTS; f++)
		if (!have->record.text[f].n && m->record.text[f].n) {
			have->record.text[f] = keep(a, m->record.text[f]);
			have->record.present |= (uint64_t)1 << f;
		}
	if (s != SIGHTING_LARGER)
		return NULL;
	memcpy(have->record.tokens, counts, sizeof counts);
	have->record.present |= m->record.present;
	have->record.requests = m->record.requests;
	if (m->aggregate && m->record.completed_us > have->record.completed_us)
		have->record.completed_us = m->record.completed_us; /* a sum that goes on */
	have->rule = m->rule;
	sighting_share_others(have->record.counts, m->record.counts);
	if (m->stated.given && (!m->stated.estimate || have->stated.estimate))
		have->stated = m->stated;
	have->line = m->line;
	have->raw = keep(a, m->raw);
	return NULL;
}

static void append(struct assembly *a, const struct metered *m)
{
	struct metered *call = call_new(a);
	*call = *m;
	keep_texts(a, call);
	a->conflicts += call->conflict != NULL;
}

/* What another source calls it: an id that is not the call's own proves nothing where the input
 * side is another. */
static uint64_t find_elsewhere(const struct assembly *a, const struct metered *m)
{
	uint64_t known = m->also.n ? find_call(&a->by_id, m->also)
				   : find_call(&a->by_also, m->record.text[FIELD_ID]);
	if (known &&
	    sighting_is_other_request(call_at(a, known - 1)->record.tokens, m->record.tokens))
		known = 0;
	if (!known)
		known = find_call(&a->by_id, m->copy_of);
	return known ? known : find_call(&a->by_also, m->copy_of);
}

/* "[1m]", "@20250929" and "-20250929" name the same model. */
static size_t plain_model(struct text model)
{
	size_t n = 0, digits = 0;
	while (n < model.n && model.p[n] != '[' && model.p[n] != '@')
		n++;
	while (digits < n && is_digit(model.p[n - 1 - digits]))
		digits++;
	return digits == 8 && n > 9 && model.p[n - 9] == '-' ? n - 9 : n;
}

struct text session_name(char room[SESSION_ROOM], const struct metered *m, bool any_model,
			 bool calls)
{
	const struct text session = m->record.text[FIELD_SESSION],
			  model = m->record.text[FIELD_MODEL];
	if (!session.n || session.n > 150 || m->aggregate)
		return TEXT("");
	const size_t most = any_model || m->of_any_model ? 0 : plain_model(model);
	char *end = text_put(room, calls ? TEXT("calls:") : TEXT("sum:"));
	end = text_put(text_put(end, session), TEXT("#"));
	end = text_put(end, (struct text){ model.p, most > 200 ? 200 : most });
	return (struct text){ room, (size_t)(end - room) };
}

bool session_sum_is_of_thread(struct text shape)
{
	return text_is(shape, "codex.print");
}

void session_tally_add(struct session_tally *t, const int64_t tokens[BUCKET_COUNT])
{
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (bucket_is_prompt((enum bucket)b))
			t->prompt += tokens[b];
	t->output += tokens[BUCKET_OUTPUT];
}

/* Up to that byte, which is left out. */
static struct text cut_at(struct text *rest, const char *byte)
{
	const char *end = text_find(*rest, byte);
	const struct text head = { rest->p, end ? (size_t)(end - rest->p) : rest->n };
	*rest = end ? (struct text){ end + 1, rest->n - head.n - 1 } : TEXT("");
	return head;
}

bool held_next(struct text *rest, struct text *id, struct text *also)
{
	if (!rest->n)
		return false;
	*also = cut_at(rest, "\n");
	*id = cut_at(also, "\t");
	return true;
}

bool model_is_same(struct text a, struct text b)
{
	return text_eq((struct text){ a.p, plain_model(a) }, (struct text){ b.p, plain_model(b) });
}

struct text twin_name(char room[TWIN_ROOM], const struct metered *m, int place, bool in_log)
{
	const int n = snprintf(room, TWIN_ROOM, "%.*s#%d/%s", (int)m->twin.n, m->twin.p, place,
			       in_log ? "log" : "event");
	return (struct text){ room, n < TWIN_ROOM ? (size_t)n : TWIN_ROOM - 1 };
}

/* The call of the agent's other source that says the same, and has no pair yet; *place is the
 * number of the pair. */
static uint64_t find_twin(const struct assembly *a, const struct metered *m, int *place)
{
	char room[TWIN_ROOM];
	for (*place = 1; m->twin.n; ++*place)
		if (!find_call(&a->by_twin, twin_name(room, m, *place, m->in_log)))
			return find_call(&a->by_twin, twin_name(room, m, *place, !m->in_log));
	return 0;
}

static void know_twin(struct assembly *a, const struct metered *m, int place, uint64_t call)
{
	char room[TWIN_ROOM];
	if (m->twin.n)
		know_as(&a->by_twin, twin_name(room, m, place, m->in_log), call);
}

void assembly_add(struct assembly *a, const struct metered *given)
{
	struct metered own = *given;
	const struct metered *m = &own;
	struct text *id = &own.record.text[FIELD_ID];
	if (!(m->cumulative || a->every) || id->n == 0) {
		append(a, m);
		return;
	}
	uint64_t known = find_call(&a->by_id, *id);
	if (known && m->also.n && !m->within && call_at(a, known - 1)->also.n &&
	    find_call(&a->by_also, m->also) != known &&
	    sighting_is_other_request(call_at(a, known - 1)->record.tokens, m->record.tokens)) {
		/* some relays give every answer one id */
		*id = text_of(arena_printf(&a->arena, "%.*s#%.*s", (int)id->n, id->p,
					   (int)m->also.n, m->also.p));
		known = find_call(&a->by_id, *id);
	}
	if (!known)
		known = find_elsewhere(a, m);
	int place = 0; /* 0: it is known without its twin */
	if (!known)
		known = find_twin(a, m, &place);
	const char *differs = known ? merge(a, known - 1, m) : NULL;
	if (known && !differs) {
		know_as(&a->by_id, *id, known);
		know_as(&a->by_also, m->also, known);
		if (place)
			know_twin(a, m, place, known);
		return;
	}
	if (differs)
		own.conflict = differs;
	append(a, m);
	if (!known) {
		know_as(&a->by_id, *id, a->count);
		know_as(&a->by_also, m->also, a->count);
		know_twin(a, m, place, a->count);
	}
}

const struct metered *assembly_shared(const struct assembly *a, size_t i, struct text *session)
{
	if (i >= a->shared_count)
		return NULL;
	*session = a->shared[i].session;
	return call_at(a, a->shared[i].call);
}

bool assembly_knows(const struct assembly *a, struct text id)
{
	return find_call(&a->by_id, id) || find_call(&a->by_also, id);
}

size_t assembly_count(const struct assembly *a)
{
	return a->count;
}

size_t assembly_conflicts(const struct assembly *a)
{
	return a->conflicts;
}

struct metered *assembly_call(const struct assembly *a, size_t i)
{
	return call_at(a, i);
}

void assembly_clear(struct assembly *a)
{
	dict_clear(&a->by_id);
	dict_clear(&a->by_also);
	dict_clear(&a->by_twin);
	dict_clear(&a->shares);
	a->shared_count = 0;
	arena_reset(&a->arena);
	a->count = a->conflicts = 0;
}
