#include "tests/simulate/wire.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int calls, fail_at;
static bool kills, failed;

static bool fails(int fd)
{
	if (!fail_at || ++calls != fail_at)
		return false;
	if (kills)
		raise(SIGKILL);
	failed = true;
	/* what was sent has arrived; an answer never does */
	shutdown(fd, SHUT_RDWR);
	errno = ECONNRESET;
	return true;
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	return fails(fd) ? -1 : sendto(fd, p, n, flags, NULL, 0);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
	return fails(fd) ? -1 : recvfrom(fd, p, n, flags, NULL, NULL);
}

void wire_fail_at(int n, bool kill)
{
	calls = 0;
	fail_at = n;
	kills = kill;
	failed = false;
}

bool wire_failed(void)
{
	return failed;
}
