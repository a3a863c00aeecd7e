/* server: `tally serve` in a thread of this process, with a database and tokens of its own. */
#ifndef TALLY_TESTS_FUZZ_SERVER_H
#define TALLY_TESTS_FUZZ_SERVER_H

#include <stdint.h>

#include "base/text.h"

/* Starts it on a port of this machine, which it returns. */
int server_start(void);
/* A request for one of the routes: `which` and `who` choose it and its token; the first line of the
 * data is the rest of the path, what follows the body. */
void server_request(struct buf *out, uint8_t which, uint8_t who, const uint8_t *data, size_t size);
/* What the rows say is what the sums say, and nothing is wrong with either. Ends the program
 * where that is not so. */
void server_add_up(void);
/* The same for the rows since the last call, quickly. */
void server_add_up_new(void);

#endif
