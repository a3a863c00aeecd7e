/* Any bytes as the server's file of tokens: an error with its line, or tokens that can be asked. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[40];
	struct tokens *t;
	if (fd < 0) {
		fd = memfd_create("tokens", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (tokens_open(&t, path, NULL) == 0)
		tokens_close(t);
	return 0;
}
