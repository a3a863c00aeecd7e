/*
 * The server from a request to its answer, in this process: `tally serve` runs in a thread, and
 * each input is a request that its handler is called with (support/http_in_process). It is raw
 * bytes, or a path, a token and a body for one of the routes of its table. After each record that
 * was taken what is stored is added up and compared.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/support/http_in_process.h"
#include "tests/fuzz/support/server.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECK_EVERY = 50000 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	server_start();
	http_wait_for_server();
	return 0;
}

/* Whether the answer says that a record was stored, or a hold. */
static bool says_stored(int status, const struct buf *answer)
{
	return status == 201 ||
	       (status == 200 && memmem(answer->p, answer->n, "\"accepted\":", 11) &&
		!memmem(answer->p, answer->n, "\"accepted\":0", 12));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int runs;
	static struct buf request, answer;
	if (size < 3 || size > 60000)
		return 0;
	request.n = 0;
	if (data[0] & 128)
		buf_add(&request, (const char *)data + 1, size - 1);
	else
		server_request(&request, data[0], data[1], data + 2, size - 2);
	const int status = http_ask((struct text){ request.p, request.n }, &answer);
	/* no request may be the store's trouble */
	if (status >= 500 && memmem(answer.p, answer.n, "\"code\":\"store\"", 14))
		abort();
	if (says_stored(status, &answer))
		server_add_up_new();
	if (++runs % CHECK_EVERY == 0)
		server_add_up();
	return 0;
}
