#include "meter/store/store_models.h"

#include <stdlib.h>

#include "meter/store/cards.h"
#include "pricing/model_names.h"
#include "pricing/spelling.h"

struct store_models {
	struct book_source source;
	const struct book *book;
	struct book *own; /* opened here */
	struct model_names *names;
	int64_t turn; /* of books */
};

static void close_models(void *what)
{
	struct store_models *m = what;
	model_names_close(m->names);
	book_close(m->own);
	free(m);
}

static struct store_models *models_of(struct store *s)
{
	struct store_beside *slot = store_models_slot(s);
	if (!slot->what)
		*slot = (struct store_beside){ mem_zalloc(sizeof(struct store_models)),
					       close_models };
	return slot->what;
}

void store_use_book(struct store *s, const struct book *b)
{
	struct store_models *m = models_of(s);
	if (m->book == b)
		return;
	model_names_close(m->names);
	book_close(m->own);
	m->names = NULL;
	m->own = NULL;
	m->book = b;
	m->turn++;
}

void store_book_from(struct store *s, struct book_source source)
{
	models_of(s)->source = source;
}

static int open_shipped(struct store *s, struct book **out, struct err *e)
{
	int rc = book_open(out, e);
	if (rc != 0 || (rc = own_cards_add(store_db(s), *out, e)) == 0)
		return rc;
	book_close(*out);
	*out = NULL;
	return rc;
}

static int names_of(struct store *s, struct model_names **out, struct err *e)
{
	struct store_models *m = models_of(s);
	int rc = 0;
	if (!m->book) {
		rc = m->source.open ? m->source.open(m->source.user, &m->own, e)
				    : open_shipped(s, &m->own, e);
		if (rc != 0)
			return rc;
		m->book = m->own;
	}
	if (!m->names)
		m->names = model_names_open(m->book);
	*out = m->names;
	return 0;
}

int store_is_model(struct store *s, struct text typed, const struct recorded_model *m, bool *out,
		   struct err *e)
{
	const struct stored_price *p = m->price;
	struct model_names *names;
	*out = text_eq(typed, m->subject->model);
	int rc = *out ? 0 : names_of(s, &names, e);
	if (rc != 0 || *out)
		return rc;
	const bool rated = p && !p->reason.n && p->model.n && !spelling_is_offer(p->model);
	const struct named_model call = { rated ? p->vendor : m->subject->provider,
					  rated ? p->model : m->subject->model, m->at };
	*out = model_names_same(names, typed, &call);
	return 0;
}

int store_model_name(struct store *s, const struct named_model *m, struct text *out, struct err *e)
{
	struct model_names *names;
	int rc = names_of(s, &names, e);
	if (rc == 0)
		*out = model_names_of(names, m);
	return rc;
}

int store_same_model(struct store *s, struct text a, struct text b, struct instant at, bool *out,
		     struct err *e)
{
	struct model_names *names;
	*out = text_eq(a, b);
	int rc = *out ? 0 : names_of(s, &names, e);
	if (rc == 0 && !*out)
		*out = model_names_same(names, a, &(struct named_model){ TEXT(""), b, at });
	return rc;
}

int store_models_turn(struct store *s, struct instant at, int64_t *out, struct err *e)
{
	enum { TURNS_OF_ONE_BOOK = 1 << 20 };
	struct model_names *names;
	int rc = names_of(s, &names, e);
	if (rc == 0)
		*out = models_of(s)->turn * TURNS_OF_ONE_BOOK + model_names_turn(names, at);
	return rc;
}
