/* slow: work that takes longer than a connection's thread may wait, done by a few threads aside. */
#ifndef TALLY_SERVER_SLOW_H
#define TALLY_SERVER_SLOW_H

#include <stdbool.h>

struct slow;
struct slow *slow_open(int threads, int waiting_most);
/* run(user) in one of the threads; false when too much waits already. */
bool slow_submit(struct slow *s, void (*run)(void *user), void *user);
/* Finishes what waits; NULL: nothing. */
void slow_close(struct slow *s);

#endif
