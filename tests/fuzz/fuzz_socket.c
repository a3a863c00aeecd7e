/*
 * The server from bytes to answer: each input goes through a socket to `tally serve` in this
 * process, as it is or as a request for one of the routes, and with it through libmicrohttpd.
 * fuzz_serve is faster; this is for what is between bytes and a request.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/support/server.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECK_EVERY = 20000 };

static int port, connection = -1;

static int dial(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	port = server_start();
	for (int i = 0; i < 500 && connection < 0; i++) {
		usleep(20000);
		connection = dial();
	}
	return connection < 0;
}

static bool put(int fd, const void *p, size_t n)
{
	return send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* Reads one answer; false when the connection is at its end. whole: up to there, whatever comes. */
static bool take_answer(int fd, bool whole)
{
	static char room[1 << 20];
	size_t n = 0, need = SIZE_MAX;
	while (n < need && n < sizeof room - 1) {
		ssize_t got = recv(fd, room + n, sizeof room - 1 - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
		room[n] = 0;
		const char *end = strstr(room, "\r\n\r\n"),
			   *length = strcasestr(room, "\nContent-Length:");
		if (whole || !end)
			continue;
		if (strncmp(room, "HTTP/1.1 5", 10) == 0 && strstr(end, "\"code\":\"store\""))
			abort();	     /* no request may be the store's trouble */
		if (!length || length > end) /* a stream of events */
			return false;
		need = (size_t)(end + 4 - room) + strtoul(length + 16, NULL, 10);
	}
	return !whole && n == need && !strcasestr(room, "\nConnection: close");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int runs;
	static struct buf request;
	if (size < 3 || size > 60000)
		return 0;
	for (int i = 0; connection < 0 && i < 100; i++)
		if ((connection = dial()) < 0)
			usleep(1000);
	if (connection < 0)
		abort();
	bool open = false;
	if (data[0] & 128) {
		if (put(connection, data + 1, size - 1) && shutdown(connection, SHUT_WR) == 0)
			take_answer(connection, true);
	} else {
		request.n = 0;
		server_request(&request, data[0], data[1], data + 2, size - 2);
		open = put(connection, request.p, request.n) && take_answer(connection, false);
	}
	if (!open) {
		close(connection);
		connection = -1;
	}
	if (++runs % CHECK_EVERY == 0)
		server_add_up();
	return 0;
}
