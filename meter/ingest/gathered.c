#include "meter/ingest/gathered.h"

#include <stdlib.h>

static struct text keep(struct gathered *g, struct text t)
{
	return t.n ? (struct text){ arena_text(&g->arena, t.p, t.n), t.n } : t;
}

static struct gathered_item *next(struct gathered *g)
{
	if (g->count == g->room) {
		g->room = g->room ? g->room * 2 : 64;
		g->item = mem_grow(g->item, g->room * sizeof *g->item);
	}
	return &g->item[g->count++];
}

void gathered_add(struct gathered *g, const struct metered *m, struct text id, int64_t line)
{
	struct gathered_item *i = next(g);
	*i = (struct gathered_item){ .record = *m, .id = keep(g, id), .line = line };
	struct metered *own = &i->record;
	/* texts that repeat from record to record are kept once */
	const struct metered *before = g->count > 1 && !i[-1].refused.why ? &i[-1].record : NULL;
	for (int f = 0; f < FIELD_TEXTS; f++) {
		struct text *t = &own->record.text[f];
		*t = f == FIELD_ID && t->n			     ? i->id
		     : before && text_eq(*t, before->record.text[f]) ? before->record.text[f]
								     : keep(g, *t);
	}
	own->raw = keep(g, m->raw);
	own->also = keep(g, m->also);
	own->copy_of = keep(g, m->copy_of);
	own->twin = keep(g, m->twin);
	own->mapped = keep(g, m->mapped);
	own->holds = keep(g, m->holds);
	own->unread = m->unread ? keep(g, text_of(m->unread)).p : NULL;
	g->in_turn += !metered_stands_alone(m);
}

void gathered_refuse(struct gathered *g, const struct refused_line *r)
{
	*next(g) = (struct gathered_item){ .refused = { .line = r->line,
							.raw = keep(g, r->raw),
							.header = keep(g, r->header),
							.why = keep(g, text_of(r->why)).p } };
	g->refusals++;
}

void gathered_clear(struct gathered *g)
{
	arena_reset(&g->arena);
	g->count = g->refusals = g->in_turn = 0;
}

void gathered_release(struct gathered *g)
{
	arena_release(&g->arena);
	free(g->item);
}
