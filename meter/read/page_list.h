/*
 * page_list: pages of interfaces that hand out an answer in parts, and whether all of it is here.
 *
 * A page that says that there is more needs the one that begins where it ends; a page with a number
 * of so many needs all of the others.
 */
#ifndef TALLY_METER_READ_PAGE_LIST_H
#define TALLY_METER_READ_PAGE_LIST_H

#include "base/json.h"

struct export_format;

/* What one page says of itself. */
struct page {
	const struct export_format
		*kind;		/* of its report; pages of another are no part of its answer */
	int64_t from_us, to_us; /* of its buckets; from INT64_MAX: it has none */
	bool more;
	int64_t number, of; /* 0: it has no number */
	/* of which document it is a part, where documents that look alike are answers of their own
	 * (invoices: bills only, so it is not written); 0: not said */
	uint64_t document;
};

struct page_list {
	struct page *page;
	size_t count;
};

/* The document is a page of that kind, where it says that it is one; its items are looked through
 * for the time that they cover. */
void page_list_see(struct page_list *l, json_value *document, const struct export_format *kind);
void page_list_append(struct page_list *to, const struct page_list *from);
/* Whether a page of these is not here. */
bool page_list_is_part(const struct page_list *l);
/* Where pages have numbers: how many of how many are not here; else 0 of 0. */
void page_list_missing(const struct page_list *l, int64_t *missing, int64_t *of);
/* Writes the list as text, and adds what such a text holds to a list. Errors: false for another
 * text. */
void page_list_write(const struct page_list *l, struct buf *out);
bool page_list_read(struct page_list *l, struct text s);
void page_list_release(struct page_list *l);

#endif
