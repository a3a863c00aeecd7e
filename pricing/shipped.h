/*
 * shipped: the price cards that are compiled into the program, compressed, with a table of every
 * name that they know. Made by tools/embed_cards; nothing is parsed before a model asks for it.
 */
#ifndef TALLY_PRICING_SHIPPED_H
#define TALLY_PRICING_SHIPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shipped_card {
	const char *name, *provider;
	bool reseller;
	bool bounded; /* it may have prices whose start is known to lie between two days only */
	const unsigned char *bytes; /* zlib */
	uint32_t packed, size;
};
extern const struct shipped_card shipped_cards[];
extern const size_t shipped_card_count;
enum { SHIPPED_CARDS_MAX = 256 };

/* Ascending by text (lower case), then by card. */
struct shipped_name {
	uint32_t at; /* of its text in shipped_name_text */
	uint16_t card;
};
extern const struct shipped_name shipped_names[];
extern const size_t shipped_name_count;
extern const char shipped_name_text[];
/* The day on which the newest of them was checked: 2026-11-27. */
extern const char shipped_released[];

/* A book: the shipped one, or one that was installed (pricing/book_pack.h). */
struct card_table {
	const struct shipped_card *card;
	size_t cards;
	const struct shipped_name *name;
	size_t names;
	const char *text;
	const char *released;
};

#endif
