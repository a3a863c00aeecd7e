#include "meter/store/row_peaks.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

struct noted {
	bool known;
	struct row_peak peak;
};

struct row_peaks {
	pthread_mutex_t lock;
	struct noted *stretch;
	size_t room;
};

struct row_peaks *row_peaks_open(void)
{
	struct row_peaks *p = mem_zalloc(sizeof *p);
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void row_peaks_close(struct row_peaks *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p->stretch);
	free(p);
}

bool row_peaks_known(struct row_peaks *p, size_t stretch, struct row_peak *out)
{
	pthread_mutex_lock(&p->lock);
	const bool known = stretch < p->room && p->stretch[stretch].known;
	if (known)
		*out = p->stretch[stretch].peak;
	pthread_mutex_unlock(&p->lock);
	return known;
}

void row_peaks_note(struct row_peaks *p, size_t stretch, const struct row_peak *peak)
{
	pthread_mutex_lock(&p->lock);
	if (stretch >= p->room) {
		const size_t room = stretch * 2 + 64;
		p->stretch = mem_grow(p->stretch, room * sizeof *p->stretch);
		for (size_t i = p->room; i < room; i++)
			p->stretch[i].known = false;
		p->room = room;
	}
	p->stretch[stretch] = (struct noted){ true, *peak };
	pthread_mutex_unlock(&p->lock);
}
