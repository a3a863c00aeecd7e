/* slow: work that takes longer than a connection's thread may wait, done by a few threads aside. */
#ifndef TALLY_SERVER_SLOW_H
#define TALLY_SERVER_SLOW_H

#include <stdbool.h>

struct slow;
struct slow *slow_open(int threads, int waiting_most);
/* run(user) in one of the threads; false when too much waits already. */
bool slow_submit(struct slow *s, void (*run)(void *user), void *user);
/* Finishes what waits, and takes nothing more; NULL: nothing. */
void slow_end(struct slow *s);
/* When nobody can submit any more, after slow_end. */
void slow_close(struct slow *s);

#endif
