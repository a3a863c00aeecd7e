#include "base/processor.h"

#include <sched.h>
#include <time.h>

static void stay_on(int processor)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

void processor_pin(int index)
{
	cpu_set_t all;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return;
	int n = CPU_COUNT(&all), skip = n ? index % n : 0;
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &all) && skip-- == 0) {
			stay_on(c);
			return;
		}
}

void processor_pin_beside(int processor)
{
	cpu_set_t all;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return;
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &all) && c != processor) {
			stay_on(c);
			return;
		}
}

int processor_now(void)
{
	return sched_getcpu();
}

void processor_wait(pthread_t thread, void (*tell)(void *user), void *user)
{
	struct timespec until;
	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 100000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		tell(user);
	} while (pthread_timedjoin_np(thread, NULL, &until) != 0);
}
