#include "tests/fuzz/support/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/zone.h"
#include "cli/command.h"
#include "meter/check_store.h"
#include "meter/store/usage_query.h"
#include "server/routes.c"
#include "server/tokens.h"

static char folder[64], database[100], tokens[100], address[40];
static const char *const names[] = { "operator", "acme", "contoso" };
static char secret[3][48];

/* What is durable is the store's test; here it would only take time. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}
int fdatasync(int fd)
{
	(void)fd;
	return 0;
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

/* One that nobody has. */
static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof a;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		abort();
	close(fd);
	return ntohs(a.sin_port);
}

int server_start(void)
{
	pthread_t thread;
	const int port = free_port();
	snprintf(folder, sizeof folder, "%s/tally-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		abort();
	atexit(clean_up);
	snprintf(database, sizeof database, "%s/m.db", folder);
	snprintf(tokens, sizeof tokens, "%s/tokens", folder);
	snprintf(address, sizeof address, "127.0.0.1:%d", port);
	make_tokens();
	if (pthread_create(&thread, NULL, serve, NULL) != 0)
		abort();
	/* the fuzzer sets its own handlers only where there is none */
	struct sigaction now = { 0 };
	while (sigaction(SIGALRM, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		usleep(1000);
	signal(SIGALRM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	return port;
}

/* The path of a route: the first line of the data stands for its *, or follows it; what comes after
 * a question mark are parameters. */
static void put_path(struct buf *out, const char *path, struct text line)
{
	const char *star = strchr(path, '*'), *question = memchr(line.p, '?', line.n);
	const size_t name = star ? question ? (size_t)(question - line.p) : line.n : 0;
	buf_add(out, path, star ? (size_t)(star - path) : strlen(path));
	for (size_t i = 0; i < line.n; i++) {
		if (star && i == name)
			buf_puts(out, star + 1);
		if (line.p[i] > ' ' && line.p[i] < 127)
			buf_add(out, line.p + i, 1);
		else
			buf_printf(out, "%%%02X", (uint8_t)line.p[i]);
	}
	if (star && name == line.n)
		buf_puts(out, star + 1);
}

/* The table's routes in turn. One is left out: its answer does not end. */
static const struct http_route *choose(uint8_t which)
{
	const size_t count = sizeof routes / sizeof *routes - 1;
	const struct http_route *r = &routes[which % count];
	return r->kind == ROUTE_LIVE ? routes : r;
}

void server_request(struct buf *out, uint8_t which, uint8_t who, const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	const size_t rest = line ? (size_t)(line - data) : 0, body = line ? size - rest - 1 : size;
	const struct http_route *r = choose(which);
	buf_printf(out, "%s ", r->method);
	put_path(out, r->path, (struct text){ (const char *)data, rest });
	buf_puts(out, " HTTP/1.1\r\nHost: localhost\r\n");
	if (who % 4 < 3)
		buf_printf(out, "Authorization: Bearer %s\r\n", secret[who % 4]);
	if (who & 16)
		buf_puts(out, "Content-Encoding: gzip\r\n");
	if (who & 32)
		buf_puts(out, "ce-specversion: 1.0\r\nce-id: a\"\\\r\nce-source: x\r\n");
	buf_printf(out, "Content-Length: %zu\r\n\r\n", body);
	buf_add(out, (const char *)data + size - body, body);
}

/* What the rows say is what the sums say, and nothing is wrong with either. */
void server_add_up(void)
{
	static const struct usage_filter all = { .since = { INT64_MIN / 2 },
						 .until = { INT64_MAX / 2 } };
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
	    usage_query(&r, s, &all, &(struct usage_grouping){ .zone = utc }, &e) != 0) {
		fprintf(stderr, "%s\n", e.message);
		abort();
	}
	if (usage_total(r)->records != rows || usage_total(r)->tokens[BUCKET_INPUT] != input)
		abort();
	usage_result_close(r);
	store_close(s);
	zone_close(utc);
}

void server_add_up_new(void)
{
	static const struct usage_filter all = { .since = { INT64_MIN / 2 },
						 .until = { INT64_MAX / 2 } };
	static struct store *s;
	static struct zone *utc;
	static int64_t seq, rows, input, output;
	struct err e = { 0 };
	struct usage_result *r;
	struct query *q;
	if (!s && (zone_open(&utc, "UTC", &e) != 0 || store_open(&s, database, DB_READ, &e) != 0))
		abort();
	int rc = db_begin_reading(store_db(s), &e);
	if (rc == 0)
		rc = db_prepare(store_db(s),
				"SELECT seq,kind,input,output FROM usage WHERE seq>:after ORDER BY "
				"seq",
				&q, &e);
	if (rc != 0)
		abort();
	db_bind_int(q, ":after", seq);
	while ((rc = db_step(store_db(s), q, &e)) == 1) {
		seq = db_int(q, 0);
		rows += db_int(q, 1) == 1 ? -1 : 1;
		input += db_int(q, 2);
		output += db_int(q, 3);
	}
	db_drop(q);
	if (rc != 0 || usage_query(&r, s, &all, &(struct usage_grouping){ .zone = utc }, &e) != 0) {
		fprintf(stderr, "%s\n", e.message);
		abort();
	}
	const struct usage_sums *sum = usage_total(r);
	if (sum->records != rows || sum->tokens[BUCKET_INPUT] != input ||
	    sum->tokens[BUCKET_OUTPUT] != output) {
		fprintf(stderr, "the sums are not those of the rows\n");
		abort();
	}
	usage_result_close(r);
	db_rollback(store_db(s));
}
