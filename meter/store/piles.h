/* piles: sums of rollups added up by who used it and at which price, so that they are priced and
 * grouped once. */
#ifndef TALLY_METER_STORE_PILES_H
#define TALLY_METER_STORE_PILES_H

#include "meter/store/day_cells.h"

struct pile {
	int64_t cell, who, price; /* cell: of the first that was added */
	int64_t sum[DAY_SUMS];
};
struct piles {
	struct pile *pile;
	size_t count, room;
	uint32_t *slot; /* 1 + place; a power of two of them */
	size_t slots;
};

/* False where the sum does not fit, and then nothing is added. */
bool piles_add(struct piles *p, const struct pile *more);
/* Keeps the room. */
void piles_clear(struct piles *p);
void piles_release(struct piles *p);

#endif
