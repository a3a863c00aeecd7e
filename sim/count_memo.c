#include "sim/count_memo.h"

#include <stdlib.h>

#include "base/arena.h"

struct count_memo *count_memo_open(void)
{
	return mem_zalloc(sizeof(struct count_memo));
}

void count_memo_close(struct count_memo *m)
{
	if (!m)
		return;
	free(m->of);
	free(m);
}

void count_memo_begin(struct count_memo *m, size_t calls)
{
	m->conversation++;
	m->calls = calls <= MEMO_CALLS_MOST ? calls : 0;
	if (m->calls <= m->room)
		return;
	free(m->of);
	m->room = m->calls * 2;
	m->of = mem_zalloc(m->room * MEMO_PLACES * sizeof *m->of);
}
