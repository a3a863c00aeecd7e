#include "cli/serve_commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

extern char **environ;

enum { ARGUMENTS_MAX = 64, OUTPUT_MAX = 64 << 20, SECONDS_MAX = 120, SCENARIOS_MOST = 20 };

/* A value of the request that becomes --name=VALUE, or with "" an argument of its own. */
struct from_request {
	const char *key, *option;
	bool flag; /* "true" becomes the bare option */
};

struct endpoint {
	const char *method, *path;
	unsigned scope;
	bool priced; /* it takes price cards */
	const char *command[3];
	struct from_request take[12];
};

static const struct endpoint endpoints[] = {
	{ "POST",
	  "/v1/whatif",
	  SCOPE_READ,
	  true,
	  { "whatif" },
	  { { "since", "since", false },
	    { "until", "until", false },
	    { "customer", "customer", false },
	    { "project", "project", false },
	    { "plan", "plan", false },
	    { "at", "at", false },
	    { "cache", "cache", false },
	    { "scope", "scope", false },
	    { "budget", "budget", false },
	    { "sensitivity", "sensitivity", false },
	    { "baseline", "baseline", false } } },
};

static const struct endpoint *find(const char *method, const char *path)
{
	for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
		if (strcmp(endpoints[i].path, path) == 0 &&
		    strcmp(endpoints[i].method, method) == 0)
			return &endpoints[i];
	return NULL;
}

unsigned serve_command_scope(const char *method, const char *path)
{
	const struct endpoint *p = find(method, path);
	return p ? p->scope : 0;
}

/* --- arguments --- */

struct line {
	const char *argument[ARGUMENTS_MAX + 1];
	int count;
	struct arena arena;
};

static void add(struct line *l, const char *argument)
{
	CHECK(l->count < ARGUMENTS_MAX);
	l->argument[l->count++] = argument;
}

static void add_option(struct line *l, const char *name, struct text value)
{
	struct buf b = { 0 };
	buf_printf(&b, "--%s=", name);
	buf_add(&b, value.p, value.n);
	add(l, arena_text(&l->arena, b.p, b.n));
	buf_release(&b);
}

/* The request's value: a query parameter of GET, a member of the JSON settings of POST. */
static struct text value_of(const struct http_question *q, json_value *settings, const char *key)
{
	if (!settings) {
		const char *given = q->parameter(q, key);
		return given ? text_of(given) : (struct text){ 0 };
	}
	json_value *m = json_member(settings, key);
	return json_number_or_string(m);
}

/* Names of files stay on the server. */
static int check_value(const char *key, struct text v, struct err *e)
{
	if (v.n > 2000 || memchr(v.p, 0, v.n))
		return err_set(e, ERR_USAGE, "'%s' is too long", key);
	if (strcmp(key, "plan") == 0 && (memchr(v.p, '/', v.n) || memchr(v.p, '.', v.n)))
		return err_set(e, ERR_USAGE, "'plan' is the name of a shipped plan here");
	return 0;
}

static int add_scenarios(struct line *l, json_value *list, struct err *e)
{
	int n = 0;
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		struct text s = json_string(m);
		const char *equals = memchr(s.p ? s.p : "", '=', s.n);
		struct text spec = s;
		if (equals) {
			spec.p = equals + 1;
			spec.n = s.n - (size_t)(equals + 1 - s.p);
		}
		if (++n > SCENARIOS_MOST)
			return err_set(e, ERR_USAGE, "at most %d scenarios at once",
				       SCENARIOS_MOST);
		if (s.n > 500 || (spec.n > 6 && memcmp(spec.p, "rules:", 6) == 0) ||
		    (spec.n > 8 && memcmp(spec.p, "cascade:", 8) == 0))
			return err_set(
				e, ERR_USAGE,
				"scenarios with files are for the command line: tally whatif");
		add_option(l, "scenario", s);
	}
	return n ? 0 : err_set(e, ERR_USAGE, "'scenarios' is a list of NAME=SPEC");
}

static int make_line(struct line *l, const struct serve_commands *c, const struct endpoint *p,
		     const struct http_question *q, json_value *settings, struct err *e)
{
	const char *positional[4] = { 0 };
	int positionals = 0, rc = 0;
	add(l, "tally");
	for (int i = 0; i < 3 && p->command[i]; i++)
		add(l, p->command[i]);
	add(l, "--json");
	add(l, "--quiet");
	for (int i = 0; p->priced && i < c->prices; i++)
		add_option(l, "prices", text_of(c->price[i]));
	for (int i = 0; rc == 0 && i < 12 && p->take[i].key; i++) {
		const struct from_request *t = &p->take[i];
		struct text v = value_of(q, settings, t->key);
		if (v.n == 0 && *t->option == 0)
			rc = err_set(e, ERR_USAGE, "'%s' is missing", t->key);
		if (rc != 0 || v.n == 0)
			continue;
		rc = check_value(t->key, v, e);
		if (rc == 0 && *t->option == 0)
			positional[positionals++] = arena_text(&l->arena, v.p, v.n);
		else if (rc == 0 && t->flag)
			add(l, "--quiet");
		else if (rc == 0)
			add_option(l, t->option, v);
	}
	if (rc == 0 && strcmp(p->path, "/v1/whatif") == 0)
		rc = add_scenarios(l, json_member(settings, "scenarios"), e);
	if (positionals)
		add(l, "--");
	for (int i = 0; i < positionals; i++)
		add(l, positional[i]);
	return rc;
}

/* --- the process --- */

/* Reads until the end, the limit or the last second. */
static int read_all(int fd, pid_t child, struct buf *out, struct err *e)
{
	const int64_t until_us = clock_monotonic_us() + SECONDS_MAX * US_PER_SECOND;
	char chunk[65536];
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left_ms = (until_us - clock_monotonic_us()) / 1000;
		ssize_t n;
		if (left_ms <= 0 || out->n > OUTPUT_MAX) {
			kill(child, SIGKILL);
			return err_set(e, ERR_RANGE,
				       left_ms <= 0 ? "it took longer than %d seconds; use the "
						      "command line for it"
						    : "the answer is larger than %d MiB",
				       left_ms <= 0 ? SECONDS_MAX : OUTPUT_MAX >> 20);
		}
		if (poll(&p, 1, (int)left_ms) <= 0)
			continue;
		n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		buf_add(out, chunk, (size_t)n);
	}
}

static int run(const struct line *l, struct buf *out, int *status, struct err *e)
{
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], wait_status = 0;
	pid_t child;
	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return err_set(e, ERR_SYSTEM, "could not start a command: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int failed = posix_spawn(&child, "/proc/self/exe", &actions, NULL,
				 (char *const *)(uintptr_t)l->argument, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	if (failed) {
		close(pipe_fd[0]);
		return err_set(e, ERR_SYSTEM, "could not start a command: %s", strerror(failed));
	}
	int rc = read_all(pipe_fd[0], child, out, e);
	close(pipe_fd[0]);
	while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR)
		;
	*status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
	return rc;
}

/* An uploaded trace in a file without a name that lasts as long as the descriptor. */
static int keep_upload(struct text body, char path[64], int *fd, struct err *e)
{
	strcpy(path, "/tmp/tally-upload-XXXXXX");
	*fd = mkostemp(path, O_CLOEXEC);
	size_t done = 0;
	while (*fd >= 0 && done < body.n) {
		ssize_t n = write(*fd, body.p + done, body.n - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return *fd >= 0 && done == body.n
		       ? 0
		       : err_set(e, ERR_SYSTEM, "the trace could not be kept: %s", strerror(errno));
}

/* The status of a document that says what went wrong. */
static int status_of(const struct buf *b)
{
	struct json_document *d;
	int status = 200;
	if (b->n > 1 << 16 || json_open(&d, (struct text){ b->p, b->n }, NULL) != 0)
		return 200;
	struct text code = json_string(json_member(json_member(json_root(d), "error"), "code"));
	if (code.n)
		status = text_is(code, "not_found")  ? 404
			 : text_is(code, "conflict") ? 409
			 : text_is(code, "usage")    ? 400
			 : text_is(code, "store")    ? 503
						     : 422;
	json_close(d);
	return status;
}

void serve_command_run(const struct serve_commands *c, const struct http_question *q,
		       struct http_reply *out)
{
	const struct endpoint *p = find(q->method, q->path);
	const struct text body = q->body;
	const bool posts = strcmp(q->method, "POST") == 0,
		   uploads = strcmp(p->path, "/v1/whatif") == 0;
	struct json_document *settings = NULL;
	struct line l = { 0 };
	struct err e = { 0 };
	char upload[64] = "", html[64] = "";
	const char *given = uploads ? q->parameter(q, "settings") : NULL;
	int rc = 0, status = 0, fd = -1, html_fd = -1;
	if (posts)
		rc = json_open(&settings, given ? text_of(given) : body, &e);
	if (rc == 0 && posts && json_kind(json_root(settings)) != JSON_OBJECT)
		rc = err_set(&e, ERR_INVALID, "the settings are a JSON object");
	if (rc == 0)
		rc = make_line(&l, c, p, q, posts ? json_root(settings) : NULL, &e);
	if (rc == 0 && given && body.n) {
		rc = keep_upload(body, upload, &fd, &e);
		/* a trace instead of the database */
		for (int i = 0; rc == 0 && i < l.count; i++)
			if (strncmp(l.argument[i], "--db=", 5) == 0)
				l.argument[i] = "--quiet";
		add(&l, "--");
		add(&l, upload);
	}
	const bool as_html = posts && json_true(json_member(json_root(settings), "html"));
	if (rc == 0 && uploads && as_html) {
		strcpy(html, "/tmp/tally-report-XXXXXX");
		html_fd = mkostemp(html, O_CLOEXEC);
		struct buf b = { 0 };
		buf_printf(&b, "--html=%s", html);
		l.argument[3] = arena_text(&l.arena, b.p, b.n); /* instead of --quiet */
		buf_release(&b);
	}
	if (rc == 0)
		rc = run(&l, &out->body, &status, &e);
	if (rc == 0 && (status < 0 || (out->body.n == 0 && (status == 1 || status == 2))))
		rc = err_set(&e, ERR_SYSTEM, "the command ended without an answer");
	if (rc == 0 && out->body.n == 0)
		buf_puts(&out->body, "{}\n");
	if (rc == 0)
		out->status = status_of(&out->body);
	if (rc == 0 && out->status == 200 && html_fd >= 0) {
		struct stat st;
		out->body.n = 0;
		if (fstat(html_fd, &st) == 0 && st.st_size > 0 && st.st_size < OUTPUT_MAX) {
			buf_need(&out->body, (size_t)st.st_size);
			ssize_t n = pread(html_fd, out->body.p, (size_t)st.st_size, 0);
			out->body.n = n > 0 ? (size_t)n : 0;
		}
		out->type = "text/html; charset=utf-8";
		out->filename = "whatif.html";
	}
	if (rc != 0)
		reply_error(out, &e);
	if (fd >= 0) {
		close(fd);
		unlink(upload);
	}
	if (html_fd >= 0) {
		close(html_fd);
		unlink(html);
	}
	json_close(settings);
	arena_release(&l.arena);
}
