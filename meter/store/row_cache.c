#include "meter/store/row_cache.h"

#include <stdlib.h>

static struct text key_of(const int64_t *seq)
{
	return (struct text){ (const char *)seq, sizeof *seq };
}

void row_keep_texts(struct usage_row *row, struct arena *a)
{
	struct text *const texts[] = { &row->record.text[FIELD_ID],
				       &row->record.text[FIELD_TASK],
				       &row->record.text[FIELD_SESSION],
				       &row->raw,
				       &row->source,
				       &row->shape,
				       &row->rule };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i]->n)
			texts[i]->p = arena_text(a, texts[i]->p, texts[i]->n);
}

void row_cache_add(struct row_cache *c, const struct usage_row *row)
{
	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 64;
		c->row = mem_grow(c->row, c->room * sizeof *c->row);
	}
	c->row[c->count] = *row;
	row_keep_texts(&c->row[c->count], &c->arena);
	*dict_need(&c->by_seq, key_of(&row->seq), NULL) = ++c->count;
}

bool row_cache_find(const struct row_cache *c, int64_t seq, struct usage_row *out)
{
	const uint64_t *at = c->count ? dict_find(&c->by_seq, key_of(&seq)) : NULL;
	if (!at)
		return false;
	*out = c->row[*at - 1];
	return true;
}

void row_cache_clear(struct row_cache *c)
{
	if (!c->count)
		return;
	dict_clear(&c->by_seq);
	arena_reset(&c->arena);
	c->count = 0;
}

void row_cache_release(struct row_cache *c)
{
	dict_release(&c->by_seq);
	arena_release(&c->arena);
	free(c->row);
}
