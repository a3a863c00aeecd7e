/* slow: work that takes longer than a connection's thread may wait, done by two threads aside. */
#ifndef TALLY_SERVER_SLOW_H
#define TALLY_SERVER_SLOW_H

#include <stdbool.h>

enum { SLOW_WAITING_MAX = 32 };

struct slow;
struct slow *slow_open(void);
/* run(user) in one of the threads; false when too much waits already. */
bool slow_submit(struct slow *s, void (*run)(void *user), void *user);
/* Finishes what waits. */
void slow_close(struct slow *s);

#endif
