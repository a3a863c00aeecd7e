#include "pricing/book_parts.h"

const struct model_limits *book_limits(const struct book *b, const char *model)
{
	pthread_mutex_lock(&b->self->lock);
	book_look_up(b->self, text_of(model), NULL);
	const struct model_limits *found = NULL;
	for (size_t i = b->card_count; !found && i-- > 0;) {
		const struct card *c = b->card[i];
		for (size_t k = 0; k < c->limits_count; k++)
			if (strcmp(c->limits[k].model, model) == 0) {
				found = &c->limits[k];
				break;
			}
	}
	pthread_mutex_unlock(&b->self->lock);
	return found;
}

const struct cache_contract *book_cache(const struct book *b, const char *provider,
					const char *model, struct instant at, struct instant *until)
{
	const struct cache_contract *found = NULL;
	struct instant edge = INSTANT_MAX;
	pthread_mutex_lock(&b->self->lock);
	book_look_up(b->self, text_of(model), NULL);
	for (size_t i = b->card_count; i-- > 0;) {
		const struct card *c = b->card[i];
		size_t closest = found ? SIZE_MAX : 0; /* of older cards only their dates count */
		for (size_t k = 0; k < c->cache_count; k++) {
			const struct cache_contract *one = &c->cache[k];
			const size_t close = cache_contract_names(one, model);
			if (!close || (one->provider && strcmp(one->provider, provider) != 0))
				continue;
			book_lower_until(&edge, at, one->from);
			book_lower_until(&edge, at, one->to);
			if (close <= closest || !book_holds(one->from, one->to, at))
				continue;
			closest = close;
			found = one;
		}
	}
	pthread_mutex_unlock(&b->self->lock);
	if (until)
		*until = edge;
	return found;
}

const struct dispute *book_dispute(const struct book *b, const char *provider, const char *model,
				   struct instant at, size_t i)
{
	for (size_t c = 0; c < b->card_count; c++)
		for (size_t k = 0; k < b->card[c]->dispute_count; k++) {
			const struct dispute *d = &b->card[c]->dispute[k];
			if (strcmp(d->model, model) == 0 && book_holds(d->from, d->to, at) &&
			    (!d->provider || strcmp(d->provider, provider) == 0) && i-- == 0)
				return d;
		}
	return NULL;
}
