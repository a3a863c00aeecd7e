/*
 * http_in_process: what stands where libmicrohttpd would, for the server in this process: a request
 * is taken apart here, and its handler called by the thread that asks. No socket, no other thread
 * on the way.
 */
#ifndef TALLY_TESTS_FUZZ_HTTP_IN_PROCESS_H
#define TALLY_TESTS_FUZZ_HTTP_IN_PROCESS_H

#include "base/text.h"

/* Waits until the server has started. */
void http_wait_for_server(void);
/* Head and body as they are sent; the status of the answer and its body, 0 where there is none
 * (no request, or a stream of events). Ends the program where a header of an answer would end
 * early. */
int http_ask(struct text request, struct buf *answer);

#endif
