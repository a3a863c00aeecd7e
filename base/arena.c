#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	_Alignas(16) char bytes[];
};

enum { CHUNK_MOST = 2 * HUGE_PAGE - sizeof(struct arena_chunk) };

static _Noreturn void out_of_memory(size_t size)
{
	fprintf(stderr, "tally: out of memory (%zu bytes asked)\n", size);
	exit(1);
}

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

char *mem_text(const char *s)
{
	return strcpy(mem_alloc(strlen(s) + 1), s);
}

void *mem_zalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

void *mem_grow(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

/* What is mapped for so many bytes, in whole pages of any machine's size where there are many. */
static size_t mapped_size(size_t size)
{
	const size_t page = 1 << 16;
	return size < HUGE_PAGE ? (size ? size : 1) : (size + page - 1) & ~(page - 1);
}

void *mem_pages(size_t size)
{
	/* huge pages must lie at a multiple of their size */
	const size_t bytes = mapped_size(size), spare = size < HUGE_PAGE ? 0 : HUGE_PAGE;
	char *p = mmap(NULL, bytes + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (p == MAP_FAILED)
		out_of_memory(size);
	if (!spare)
		return p;
	const size_t before = -(uintptr_t)p & (HUGE_PAGE - 1);
	if (before)
		munmap(p, before);
	p += before;
	if (spare > before)
		munmap(p + bytes, spare - before);
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

void *mem_pages_as_used(size_t size)
{
	void *p = mem_pages(size);
	if (size >= HUGE_PAGE)
		madvise(p, mapped_size(size), MADV_NOHUGEPAGE);
	return p;
}

void mem_pages_free(void *p, size_t size)
{
	if (p)
		munmap(p, mapped_size(size));
}

void *mem_block(size_t size)
{
	return size < HUGE_PAGE ? mem_alloc(size) : mem_pages(size);
}

void *mem_zblock(size_t size)
{
	return size < HUGE_PAGE ? mem_zalloc(size) : mem_pages(size);
}

void *mem_block_grow(void *old, size_t had, size_t size)
{
	if (size < HUGE_PAGE)
		return mem_grow(old, size);
	void *p = mem_pages(size);
	if (had)
		memcpy(p, old, had);
	mem_block_free(old, had);
	return p;
}

void mem_block_free(void *p, size_t size)
{
	if (size < HUGE_PAGE)
		free(p);
	else
		mem_pages_free(p, size);
}

static void chunk_free(struct arena_chunk *c)
{
	mem_block_free(c, sizeof *c + c->size);
}

void *arena_alloc(struct arena *a, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if ((size_t)(a->end - a->next) < size || !a->next) {
		/* the first chunk is of a size that malloc hands out again cheaply, the last ones
		 * are huge pages */
		size_t want = a->head ? a->head->size * 2 : 960;
		if (want > CHUNK_MOST)
			want = CHUNK_MOST;
		if (want < size)
			want = size;
		struct arena_chunk *c = mem_block(sizeof *c + want);
		c->next = a->head;
		c->size = want;
		a->head = c;
		a->next = c->bytes;
		a->end = c->bytes + want;
	}
	void *p = a->next;
	a->next += size;
	memset(p, 0, size);
	return p;
}

char *arena_text(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);
	if (n)
		memcpy(p, s, n);
	return p;
}

char *arena_join(struct arena *a, const char *const *part, size_t count)
{
	size_t n = 1;
	for (size_t i = 0; i < count; i++)
		n += strlen(part[i]);
	char *all = arena_alloc(a, n), *at = all;
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, part[i]);
	*at = 0;
	return all;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void arena_reset(struct arena *a)
{
	if (!a->head)
		return;
	while (a->head->next) {
		struct arena_chunk *c = a->head->next;
		a->head->next = c->next;
		chunk_free(c);
	}
	a->next = a->head->bytes;
	a->end = a->head->bytes + a->head->size;
}

void arena_release(struct arena *a)
{
	while (a->head) {
		struct arena_chunk *c = a->head;
		a->head = c->next;
		chunk_free(c);
	}
	a->next = a->end = NULL;
}
