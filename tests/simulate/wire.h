/* wire: the network between this process and a PostgreSQL server, which fails at a chosen message.
 * The program's send() and recv() stand before those of the C library, for libpq too. */
#ifndef TALLY_TESTS_SIMULATE_WIRE_H
#define TALLY_TESTS_SIMULATE_WIRE_H

#include <stdbool.h>

/* At the n-th message from or to the server from now on the connection is lost, or the process is
 * killed; 0: never. */
void wire_fail_at(int n, bool kill);
/* Whether that happened. */
bool wire_failed(void);

#endif
