/*
 * arena: memory that lives as long as one command, card or block of records, and is freed at once.
 *
 * Owns its chunks. Never returns NULL: a process that cannot get memory ends with a message.
 */
#ifndef TALLY_BASE_ARENA_H
#define TALLY_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *head;
	char *next, *end;
};

/* All bytes zeroed, aligned to 16. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of n bytes with a NUL behind them. */
char *arena_text(struct arena *a, const char *s, size_t n);
/* The parts one after the other. */
char *arena_join(struct arena *a, const char *const *part, size_t count);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Forgets everything but keeps the largest chunk for reuse. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

/* malloc and realloc that end the process with a message when there is no memory. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_grow(void *old, size_t size);
/* Pages straight from the system, zeroed, for what takes much memory; given back at once when they
 * are freed. From 2 MB on they are huge ones where the system has them: random access to small
 * pages is slow, and so is getting each of them. size is the same for both. NULL is freed, too. */
void *mem_pages(size_t size);
void mem_pages_free(void *p, size_t size);
/* Small ones: for what is filled in no order while something else is given back. */
void *mem_pages_as_used(size_t size);
/* The same from 2 MB on, and of malloc below: what grows to megabytes in some runs. mem_block and
 * what is added by mem_block_grow are not zeroed. */
void *mem_block(size_t size);
void *mem_zblock(size_t size);
void *mem_block_grow(void *old, size_t had, size_t size);
void mem_block_free(void *p, size_t size);
/* A copy of a text, to be freed. */
char *mem_text(const char *s);

#endif
