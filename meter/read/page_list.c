#include "meter/read/page_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loose.h"
#include "base/arena.h"
#include "base/dict.h"
#include "meter/read/exports.h"

static void add(struct page_list *l, const struct page *p)
{
	if ((l->count & (l->count - 1)) == 0)
		l->page = mem_grow(l->page, (l->count ? l->count * 2 : 8) * sizeof *l->page);
	l->page[l->count++] = *p;
}

static void take_times(json_value *item, struct page *p)
{
	static const char *const starts[] = { "starting_at", "start_time", "date", "day" };
	static const char *const ends[] = { "ending_at", "end_time" };
	struct loose_time t;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		struct text s = json_number_or_string(json_member(item, starts[i]));
		if (!s.n || loose_time_parse(&t, s, NULL) != 0)
			continue;
		p->from_us = t.at.us < p->from_us ? t.at.us : p->from_us;
		/* the end is told, or it is a day */
		if (!json_member(item, "ending_at") && !json_member(item, "end_time") &&
		    t.at.us + US_PER_DAY > p->to_us)
			p->to_us = t.at.us + US_PER_DAY;
	}
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct text s = json_number_or_string(json_member(item, ends[i]));
		if (s.n && loose_time_parse(&t, s, NULL) == 0 && t.at.us > p->to_us)
			p->to_us = t.at.us;
	}
}

static int64_t whole(json_value *v, const char *key)
{
	struct decimal d;
	int64_t n;
	struct text s = json_number_or_string(json_member(v, key));
	return s.n && decimal_parse(&d, s, NULL) == 0 && decimal_to_int64(d, 0, &n) && n > 0 ? n
											     : 0;
}

/* Where an answer says which part of the whole it is. */
static const char *const places[] = { "",	    "metadata", "meta",	     "result_info",
				      "pagination", "paging",	"page_info", "pageInfo",
				      "cursors",    "links",	"_links" };

static json_value *place_in(json_value *v, size_t i)
{
	return *places[i] ? json_member(v, places[i]) : v;
}

/* That there is more: by a word, or by what leads there. A word goes first. */
static bool says_more(json_value *v, bool *told)
{
	static const char *const words[] = { "has_more",  "hasMore",	   "has_next",
					     "hasNext",	  "has_next_page", "hasNextPage",
					     "truncated", "is_truncated",  "isTruncated" };
	static const char *const leads[] = { "next_page",     "next",	       "nextPage",
					     "next_cursor",   "nextCursor",    "next_page_token",
					     "nextPageToken", "NextPageToken", "nextLink",
					     "next_url",      "cursor" };
	bool more = false, leads_on = false;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		json_value *in = place_in(v, i);
		for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
			json_value *word = json_member(in, words[k]);
			*told |= json_kind(word) == JSON_BOOL;
			more |= json_true(word);
		}
		for (size_t k = 0; k < sizeof leads / sizeof *leads; k++)
			leads_on |= json_number_or_string(json_member(in, leads[k])).n > 0;
	}
	leads_on &= !*told;
	*told |= leads_on;
	return more || leads_on;
}

/* The number of the page and how many there are, as several interfaces tell it. */
static void take_number(json_value *v, struct page *p)
{
	static const char *const totals[] = { "total_pages", "totalPages", "page_count" };
	for (size_t i = 0; !p->of && i < sizeof places / sizeof *places; i++) {
		json_value *in = place_in(v, i);
		p->number = whole(in, "page");
		for (size_t k = 0; p->number && !p->of && k < sizeof totals / sizeof *totals; k++)
			p->of = whole(in, totals[k]);
		const int64_t each = whole(in, "per_page"), all = whole(in, "total_count");
		if (p->number && !p->of && each && all)
			p->of = (all + each - 1) / each;
	}
}

void page_list_see(struct page_list *l, json_value *v, const struct export_format *kind)
{
	static const uint64_t seed[2] = { 0 };
	struct page p = { .kind = kind, .from_us = INT64_MAX, .to_us = INT64_MIN };
	json_value *items = export_page_items(v);
	bool told = false;
	p.more = says_more(v, &told);
	take_number(v, &p);
	const struct text document = json_string(json_member(v, "of_document"));
	p.document = document.n ? hash_bytes(document.p, document.n, seed) | 1 : 0;
	if (!items || (!told && !p.of))
		return;
	for (json_value *item = json_first(items); item; item = json_next(item))
		take_times(item, &p);
	add(l, &p);
}

void page_list_append(struct page_list *to, const struct page_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		add(to, &from->page[i]);
}

static bool has_number(const struct page_list *l, const struct page *like, int64_t number)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->page[i].kind == like->kind && l->page[i].of == like->of &&
		    l->page[i].number == number)
			return true;
	return false;
}

/* Whether an earlier page has the same number of the same answer. */
static bool seen_before(const struct page_list *l, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (l->page[i].kind == l->page[k].kind && l->page[i].of == l->page[k].of &&
		    l->page[i].number == l->page[k].number)
			return true;
	return false;
}

/* Whether q follows p: it begins where p ends, holds the rest of the same days, or has none. */
static bool follows(const struct page *p, const struct page *q)
{
	/* a page of empty buckets is of no kind */
	const bool same_kind = q->kind == p->kind || !q->kind || !p->kind;
	if (!same_kind || q->document != p->document)
		return false;
	return q->from_us == INT64_MAX ||
	       (q->from_us == p->to_us ||
		(q->from_us == p->from_us && q->to_us >= p->to_us && !q->more));
}

bool page_list_is_part(const struct page_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct page *p = &l->page[i];
		bool found = !p->more;
		for (int64_t n = 1; n <= p->of && (size_t)n <= l->count + 1; n++)
			if (!has_number(l, p, n))
				return true;
		/* the last of the numbers, which says that there is more, is the last no longer */
		if (p->of && !(p->more && p->number >= p->of))
			continue;
		for (size_t k = 0; !found && k < l->count; k++)
			found = k != i && follows(p, &l->page[k]);
		if (!found)
			return true;
	}
	return false;
}

void page_list_missing(const struct page_list *l, int64_t *missing, int64_t *of)
{
	*missing = *of = 0;
	for (size_t i = 0; i < l->count; i++)
		if (l->page[i].of > *of) {
			*of = l->page[i].of;
			*missing = *of;
			for (size_t k = 0; k < l->count; k++)
				*missing -= l->page[k].of == *of &&
					    l->page[k].kind == l->page[i].kind &&
					    !seen_before(l, k);
		}
}

void page_list_write(const struct page_list *l, struct buf *out)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct page *p = &l->page[i];
		buf_printf(out, "%lld %lld %lld %lld %d %s\n", (long long)p->from_us,
			   (long long)p->to_us, (long long)p->number, (long long)p->of, p->more,
			   p->kind ? p->kind->shape : "-");
	}
}

bool page_list_read(struct page_list *l, struct text s)
{
	while (s.n) {
		long long from, to, number, of;
		int more, at = 0;
		char line[256];
		const char *end = memchr(s.p, '\n', s.n);
		const size_t n = end ? (size_t)(end - s.p) : 0;
		if (!end || n >= sizeof line)
			return false;
		memcpy(line, s.p, n);
		line[n] = 0;
		if (sscanf(line, "%lld %lld %lld %lld %d %n", &from, &to, &number, &of, &more,
			   &at) != 5 ||
		    !at)
			return false;
		add(l, &(struct page){ .from_us = from,
				       .to_us = to,
				       .number = number,
				       .of = of,
				       .more = more != 0,
				       .kind = export_named(text_of(line + at)) });
		s = (struct text){ end + 1, s.n - n - 1 };
	}
	return true;
}

void page_list_release(struct page_list *l)
{
	free(l->page);
	*l = (struct page_list){ 0 };
}
