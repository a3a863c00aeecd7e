#include "pricing/model_names.h"

#include <stdlib.h>

#include "base/dict.h"

/* Names that are remembered; whoever is told names without end begins again. */
enum { NAMES_MOST = 1 << 17 };

struct model_names {
	const struct book *book;
	struct dict index; /* provider, 0, model to 1 + place */
	struct text *meaning;
	size_t count;
	struct held_span held; /* all that is remembered */
	int64_t turn;
	struct arena texts;
	struct buf key, name, typed;
};

static void forget(struct model_names *x)
{
	dict_release(&x->index);
	arena_release(&x->texts);
	free(x->meaning);
	x->meaning = NULL;
	x->count = 0;
	x->held = (struct held_span){ INSTANT_MIN, INSTANT_MAX };
}

struct model_names *model_names_open(const struct book *b)
{
	struct model_names *x = mem_zalloc(sizeof *x);
	x->book = b;
	forget(x);
	return x;
}

void model_names_close(struct model_names *x)
{
	if (!x)
		return;
	forget(x);
	buf_release(&x->key);
	buf_release(&x->name);
	buf_release(&x->typed);
	free(x);
}

int64_t model_names_turn(struct model_names *x, struct instant at)
{
	if (at.us < x->held.from.us || at.us >= x->held.until.us) {
		forget(x);
		x->turn++;
	}
	return x->turn;
}

/* NULL in its text: new. */
static struct text *meaning_of(struct model_names *x, const struct named_model *m)
{
	x->key.n = 0;
	buf_add(&x->key, m->provider.p, m->provider.n);
	buf_add(&x->key, "", 1);
	buf_add(&x->key, m->model.p, m->model.n);
	uint64_t *at = dict_need(&x->index, (struct text){ x->key.p, x->key.n }, NULL);
	if (!*at) {
		if ((x->count & (x->count - 1)) == 0)
			x->meaning = mem_grow(x->meaning,
					      (x->count ? x->count * 2 : 1) * sizeof *x->meaning);
		x->meaning[x->count] = (struct text){ 0 };
		*at = ++x->count;
	}
	return &x->meaning[*at - 1];
}

struct text model_names_of(struct model_names *x, const struct named_model *m)
{
	struct held_span held;
	model_names_turn(x, m->at);
	if (x->count >= NAMES_MOST)
		forget(x);
	struct text *known = meaning_of(x, m);
	if (known->p)
		return *known;
	x->name.n = 0;
	book_model_name(x->book, m, &x->name, &held);
	if (held.from.us > x->held.from.us)
		x->held.from = held.from;
	if (held.until.us < x->held.until.us)
		x->held.until = held.until;
	*known = (struct text){ arena_text(&x->texts, x->name.p, x->name.n), x->name.n };
	return *known;
}

bool model_names_same(struct model_names *x, struct text typed, const struct named_model *call)
{
	if (text_eq(typed, call->model))
		return true;
	/* the first answer may be forgotten by the second question */
	const struct text a = model_names_of(x, &(struct named_model){ TEXT(""), typed, call->at });
	x->typed.n = 0;
	buf_add(&x->typed, a.p, a.n);
	return text_eq(model_names_of(x, call), (struct text){ x->typed.p, x->typed.n });
}
