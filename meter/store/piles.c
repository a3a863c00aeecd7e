#include "meter/store/piles.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static uint32_t *slot_of(const struct piles *p, int64_t who, int64_t price)
{
	const uint64_t mixed =
		((uint64_t)who * 31 + (uint64_t)price) * UINT64_C(0x9E3779B97F4A7C15);
	size_t i = mixed >> 32 & (p->slots - 1);
	while (p->slot[i] &&
	       (p->pile[p->slot[i] - 1].who != who || p->pile[p->slot[i] - 1].price != price))
		i = (i + 1) & (p->slots - 1);
	return &p->slot[i];
}

/* Where its sums are; those of a new one are 0. */
static struct pile *pile_of(struct piles *p, const struct pile *like)
{
	if (p->count * 2 >= p->slots) {
		free(p->slot);
		p->slots = p->slots ? p->slots * 2 : 1024;
		p->slot = mem_zalloc(p->slots * sizeof *p->slot);
		for (size_t i = 0; i < p->count; i++)
			*slot_of(p, p->pile[i].who, p->pile[i].price) = (uint32_t)i + 1;
	}
	uint32_t *slot = slot_of(p, like->who, like->price);
	if (!*slot) {
		if (p->count == p->room) {
			p->room = p->room ? p->room * 2 : 256;
			p->pile = mem_grow(p->pile, p->room * sizeof *p->pile);
		}
		p->pile[p->count] = (struct pile){ like->cell, like->who, like->price, { 0 } };
		*slot = (uint32_t)++p->count;
	}
	return &p->pile[*slot - 1];
}

bool piles_add(struct piles *p, const struct pile *more)
{
	struct pile *to = pile_of(p, more);
	int64_t sum[DAY_SUMS];
	bool bad = false;
	for (int i = 0; i < DAY_SUMS; i++)
		bad |= __builtin_add_overflow(to->sum[i], more->sum[i], &sum[i]);
	if (!bad)
		memcpy(to->sum, sum, sizeof sum);
	return !bad;
}

void piles_clear(struct piles *p)
{
	if (p->count)
		memset(p->slot, 0, p->slots * sizeof *p->slot);
	p->count = 0;
}

void piles_release(struct piles *p)
{
	free(p->pile);
	free(p->slot);
	*p = (struct piles){ 0 };
}
