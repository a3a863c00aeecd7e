/*
 * The server from bytes to answer, in this process: `tally serve` runs in a thread, and each input
 * is a request that goes through a socket. It is raw bytes, or a path, a token and a body for one
 * of the routes. Commands of the page get as far as the program that they would start. Now and then
 * what is stored is added up and compared.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/zone.h"
#include "cli/command.h"
#include "meter/check_store.h"
#include "meter/store/usage_query.h"
#include "server/tokens.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECK_EVERY = 20000 };

static char folder[64], database[100], tokens[100], address[40];
static int port, connection = -1;
static const char *const names[] = { "operator", "acme", "contoso" };
static char secret[3][48];

/* No command is started: its arguments were made, and that is what is tried here. */
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	(void)pid, (void)path, (void)actions, (void)attributes, (void)envp;
	for (int i = 0; argv[i]; i++)
		if (i > 1 && strncmp(argv[i], "--db", 4) == 0)
			abort();
	return ENOEXEC;
}

static void *serve(void *unused)
{
	struct cli cli;
	struct err e = { 0 };
	char listen[60], file[120], path[120], name[] = "--queue=64";
	char *argv[] = { listen, file, path, name };
	(void)unused;
	snprintf(listen, sizeof listen, "--listen=%s", address);
	snprintf(file, sizeof file, "--tokens=%s", tokens);
	snprintf(path, sizeof path, "--db=%s", database);
	for (const struct command *c = cli_commands(); c->name; c++)
		if (strcmp(c->name, "serve") == 0 &&
		    (cli_parse(&cli, c, 4, argv, &e) != 0 || c->run(&cli, &e) != 0))
			fprintf(stderr, "serve: %s\n", e.message);
	abort();
}

static void clean_up(void)
{
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		_exit(1);
}

static void make_tokens(void)
{
	uint8_t hash[DIGEST_BYTES];
	struct buf b = { 0 };
	for (int i = 0; i < 3; i++) {
		if (token_make(secret[i], hash, NULL) != 0)
			abort();
		buf_printf(&b, "%s %s %s ", names[i], i ? "read,write" : "read,write,admin",
			   i ? names[i] : "*");
		for (int k = 0; k < DIGEST_BYTES; k++)
			buf_printf(&b, "%02x", hash[k]);
		buf_puts(&b, "\n");
	}
	if (tokens_append(tokens, (struct text){ b.p, b.n }, NULL) != 0)
		abort();
	buf_release(&b);
}

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
	pthread_t thread;
	(void)argc, (void)argv;
	snprintf(folder, sizeof folder, "%s/tally-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		abort();
	atexit(clean_up);
	snprintf(database, sizeof database, "%s/m.db", folder);
	snprintf(tokens, sizeof tokens, "%s/tokens", folder);
	port = 20000 + (int)getpid() % 30000;
	snprintf(address, sizeof address, "127.0.0.1:%d", port);
	make_tokens();
	if (pthread_create(&thread, NULL, serve, NULL) != 0)
		abort();
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

/* What the rows say is what the sums say, and nothing is wrong with either. */
static void add_up(void)
{
	static const struct usage_filter all = {
		{ INT64_MIN / 2 }, { INT64_MAX / 2 }, NULL, NULL, NULL, 0
	};
	struct err e = { 0 };
	struct store *s;
	struct store_check c;
	struct usage_result *r;
	struct zone *utc;
	int64_t rows = 0, input = 0;
	if (zone_open(&utc, "UTC", &e) != 0 || store_open(&s, database, DB_READ, &e) != 0)
		abort();
	if (store_check(s, &c, &e) != 0 || c.faults) {
		fprintf(stderr, "fsck: %s\n", c.faults ? c.fault[0] : e.message);
		abort();
	}
	if (db_begin_reading(store_db(s), &e) != 0 ||
	    db_read_int(store_db(s), "SELECT sum(CASE kind WHEN 1 THEN -1 ELSE 1 END) FROM usage",
			&rows, &e) != 0 ||
	    db_read_int(store_db(s), "SELECT coalesce(sum(input),0) FROM usage", &input, &e) != 0 ||
	    usage_query(&r, s, NULL, 0, &all, utc, &e) != 0) {
		fprintf(stderr, "%s\n", e.message);
		abort();
	}
	if (usage_total(r)->records != rows || usage_total(r)->tokens[BUCKET_INPUT] != input)
		abort();
	usage_result_close(r);
	store_close(s);
	zone_close(utc);
}

static const char *const routes[] = { "POST /v1/usage",
				      "POST /v1/events",
				      "POST /v1/traces",
				      "POST /v1/holds",
				      "POST /v1/holds/",
				      "POST /session",
				      "POST /v1/whatif",
				      "POST /v1/grants",
				      "POST /v1/quarantine/retry",
				      "POST /v1/invoices/draft",
				      "POST /v1/invoices/finalize",
				      "GET /v1/usage",
				      "GET /v1/balance",
				      "GET /v1/balance/",
				      "GET /v1/invoices",
				      "GET /v1/invoices/",
				      "GET /v1/records",
				      "GET /v1/explain",
				      "GET /v1/ledger",
				      "GET /v1/forecast",
				      "GET /v1/tariff",
				      "GET /metrics",
				      "GET /readyz",
				      "GET /session",
				      "GET /",
				      "PUT /v1/usage" };

/* The first line is the rest of the path, what follows the body. */
static bool ask_route(uint8_t which, uint8_t who, const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	const size_t rest = line ? (size_t)(line - data) : 0, body = line ? size - rest - 1 : size;
	struct buf b = { 0 };
	buf_puts(&b, routes[which % (sizeof routes / sizeof *routes)]);
	for (size_t i = 0; i < rest; i++)
		if (data[i] > ' ' && data[i] < 127)
			buf_add(&b, (const char *)data + i, 1);
		else
			buf_printf(&b, "%%%02X", data[i]);
	buf_puts(&b, " HTTP/1.1\r\nHost: localhost\r\n");
	if (who % 4 < 3)
		buf_printf(&b, "Authorization: Bearer %s\r\n", secret[who % 4]);
	if (who & 16)
		buf_puts(&b, "Content-Encoding: gzip\r\n");
	if (who & 32)
		buf_puts(&b, "ce-specversion: 1.0\r\nce-id: a\"\\\r\nce-source: x\r\n");
	buf_printf(&b, "Content-Length: %zu\r\n\r\n", body);
	buf_add(&b, (const char *)data + size - body, body);
	bool open = put(connection, b.p, b.n) && take_answer(connection, false);
	buf_release(&b);
	return open;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int runs;
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
		open = ask_route(data[0], data[1], data + 2, size - 2);
	}
	if (!open) {
		close(connection);
		connection = -1;
	}
	if (++runs % CHECK_EVERY == 0)
		add_up();
	return 0;
}
