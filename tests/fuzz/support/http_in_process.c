#include "tests/fuzz/support/http_in_process.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "server/microhttpd.h"

enum { PIECE = 4096, REQUESTS_EACH = 64, PAIRS_MOST = 64 };

struct pair {
	enum MHD_ValueKind kind;
	const char *name, *value;
};

struct MHD_Connection {
	struct arena texts;
	struct pair pair[PAIRS_MOST];
	int pairs, fd[2], requests;
	void *socket_context;
	bool suspended;
	struct MHD_Response *response;
	unsigned status;
};

struct MHD_Response {
	const char *p;
	size_t n;
	enum MHD_ResponseMemoryMode mode;
	MHD_ContentReaderCallback read;
	MHD_ContentReaderFreeCallback drop;
	void *user;
	int references;
	bool closes;
};

typedef size_t (*UnescapeCallback)(void *user, struct MHD_Connection *c, char *text);
static struct {
	MHD_AccessHandlerCallback handle;
	void *handle_user;
	MHD_RequestCompletedCallback completed;
	void *completed_user;
	MHD_NotifyConnectionCallback notify;
	void *notify_user;
	UnescapeCallback unescape;
	void *unescape_user;
	bool started;
} server;
static struct MHD_Connection *connection;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* --- the functions of the library --- */

static void read_options(va_list ap)
{
	for (int option; (option = va_arg(ap, int)) != MHD_OPTION_END;)
		switch (option) {
		case MHD_OPTION_NOTIFY_COMPLETED:
			server.completed = va_arg(ap, MHD_RequestCompletedCallback);
			server.completed_user = va_arg(ap, void *);
			break;
		case MHD_OPTION_NOTIFY_CONNECTION:
			server.notify = va_arg(ap, MHD_NotifyConnectionCallback);
			server.notify_user = va_arg(ap, void *);
			break;
		case MHD_OPTION_UNESCAPE_CALLBACK:
			server.unescape = va_arg(ap, UnescapeCallback);
			server.unescape_user = va_arg(ap, void *);
			break;
		case MHD_OPTION_EXTERNAL_LOGGER:
			(void)va_arg(ap, MHD_LogCallback);
			(void)va_arg(ap, void *);
			break;
		case MHD_OPTION_ARRAY:
			(void)va_arg(ap, struct MHD_OptionItem *);
			break;
		case MHD_OPTION_CONNECTION_MEMORY_LIMIT:
			(void)va_arg(ap, size_t);
			break;
		default: /* numbers */
			(void)va_arg(ap, unsigned);
		}
}

static struct MHD_Daemon *start(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback policy,
				void *policy_user, MHD_AccessHandlerCallback handle, void *user,
				...)
{
	va_list ap;
	(void)flags, (void)port, (void)policy, (void)policy_user;
	pthread_mutex_lock(&lock);
	server.handle = handle;
	server.handle_user = user;
	va_start(ap, user);
	read_options(ap);
	va_end(ap);
	server.started = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return (struct MHD_Daemon *)(void *)&server;
}

static void stop(struct MHD_Daemon *d)
{
	(void)d;
}

static MHD_socket quiesce(struct MHD_Daemon *d)
{
	(void)d;
	return MHD_INVALID_SOCKET;
}

static void set_suspended(struct MHD_Connection *c, bool suspended)
{
	pthread_mutex_lock(&lock);
	c->suspended = suspended;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}
static void suspend(struct MHD_Connection *c)
{
	set_suspended(c, true);
}
static void resume(struct MHD_Connection *c)
{
	set_suspended(c, false);
}

static const char *lookup(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *name)
{
	for (int i = 0; i < c->pairs; i++)
		if (c->pair[i].kind == kind && strcasecmp(c->pair[i].name, name) == 0)
			return c->pair[i].value;
	return NULL;
}

static int each_value(struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIterator take,
		      void *user)
{
	int told = 0;
	for (int i = 0; i < c->pairs; i++) {
		if (c->pair[i].kind != kind)
			continue;
		told++;
		if (take(user, kind, c->pair[i].name, c->pair[i].value) != MHD_YES)
			break;
	}
	return told;
}

static const union MHD_ConnectionInfo *info(struct MHD_Connection *c,
					    enum MHD_ConnectionInfoType type, ...)
{
	static union MHD_ConnectionInfo out;
	static struct sockaddr_in address = { .sin_family = AF_INET };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (type == MHD_CONNECTION_INFO_CONNECTION_FD)
		out.connect_fd = c->fd[0];
	else if (type == MHD_CONNECTION_INFO_CLIENT_ADDRESS)
		out.client_addr = (struct sockaddr *)&address;
	else
		out.socket_context = c->socket_context;
	return &out;
}

static struct MHD_Response *from_buffer(size_t n, void *p, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = mem_zalloc(sizeof *r);
	*r = (struct MHD_Response){ .p = p, .n = n, .mode = mode, .references = 1 };
	if (mode == MHD_RESPMEM_MUST_COPY) {
		char *copy = mem_alloc(n + 1);
		memcpy(copy, p, n);
		r->p = copy;
		r->mode = MHD_RESPMEM_MUST_FREE;
	}
	return r;
}

static struct MHD_Response *from_callback(uint64_t size, size_t block,
					  MHD_ContentReaderCallback read, void *user,
					  MHD_ContentReaderFreeCallback drop)
{
	(void)size, (void)block;
	struct MHD_Response *r = mem_zalloc(sizeof *r);
	*r = (struct MHD_Response){ .read = read, .user = user, .drop = drop, .references = 1 };
	return r;
}

static enum MHD_Result add_header(struct MHD_Response *r, const char *name, const char *value)
{
	if (strpbrk(name, "\r\n:") || strpbrk(value, "\r\n"))
		abort();
	r->closes |= strcasecmp(name, "Connection") == 0;
	return MHD_YES;
}

static enum MHD_Result queue(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
	if (c->response)
		abort();
	c->response = r;
	c->status = status;
	r->references++;
	return MHD_YES;
}

static void destroy(struct MHD_Response *r)
{
	if (--r->references)
		return;
	if (r->drop)
		r->drop(r->user);
	if (r->mode == MHD_RESPMEM_MUST_FREE)
		free((void *)(uintptr_t)r->p);
	free(r);
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* %XX as the byte that it stands for, in place. */
static size_t decode(char *text)
{
	char *to = text;
	for (const char *p = text; *p; p++)
		if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
			*to++ = (char)(hex(p[1]) * 16 + hex(p[2]));
			p += 2;
		} else {
			*to++ = *p;
		}
	*to = 0;
	return (size_t)(to - text);
}

struct microhttpd microhttpd = {
	.MHD_start_daemon = start,
	.MHD_stop_daemon = stop,
	.MHD_quiesce_daemon = quiesce,
	.MHD_suspend_connection = suspend,
	.MHD_resume_connection = resume,
	.MHD_lookup_connection_value = lookup,
	.MHD_http_unescape = decode,
	.MHD_get_connection_values = each_value,
	.MHD_get_connection_info = info,
	.MHD_create_response_from_buffer = from_buffer,
	.MHD_create_response_from_callback = from_callback,
	.MHD_add_response_header = add_header,
	.MHD_queue_response = queue,
	.MHD_destroy_response = destroy,
};

/* Each is stood in for. */
#define STANDS(NAME) CHECK(microhttpd.NAME);
int microhttpd_need(struct err *e)
{
	(void)e;
	MICROHTTPD_FUNCTIONS(STANDS)
	return 0;
}

/* --- a request --- */

void http_wait_for_server(void)
{
	pthread_mutex_lock(&lock);
	while (!server.started)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void come(void)
{
	connection = mem_zalloc(sizeof *connection);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, connection->fd) != 0)
		abort();
	server.notify(server.notify_user, connection, &connection->socket_context,
		      MHD_CONNECTION_NOTIFY_STARTED);
}

static void leave(void)
{
	server.notify(server.notify_user, connection, &connection->socket_context,
		      MHD_CONNECTION_NOTIFY_CLOSED);
	close(connection->fd[0]);
	close(connection->fd[1]);
	arena_release(&connection->texts);
	free(connection);
	connection = NULL;
}

static void keep(enum MHD_ValueKind kind, const char *name, const char *value)
{
	if (connection->pairs < PAIRS_MOST)
		connection->pair[connection->pairs++] = (struct pair){ kind, name, value };
}

/* As the library does it: with the server's own function. */
static char *unescape(struct text t, bool plus)
{
	char *out = (char *)(uintptr_t)arena_text(&connection->texts, t.p, t.n);
	for (char *p = out; plus && *p; p++)
		*p = *p == '+' ? ' ' : *p;
	server.unescape(server.unescape_user, connection, out);
	return out;
}

static struct text cut(struct text *rest, char at)
{
	const char *end = memchr(rest->p, at, rest->n);
	const struct text part = { rest->p, end ? (size_t)(end - rest->p) : rest->n };
	const size_t used = part.n + (end != NULL);
	*rest = (struct text){ rest->p + used, rest->n - used };
	return part;
}

/* What follows '?', or a Cookie header: names and values. */
static void take_list(enum MHD_ValueKind kind, struct text list, char separator)
{
	while (list.n) {
		struct text value = cut(&list, separator);
		while (value.n && *value.p == ' ')
			value = (struct text){ value.p + 1, value.n - 1 };
		const bool has_value = memchr(value.p, '=', value.n) != NULL;
		const struct text name = cut(&value, '=');
		keep(kind, unescape(name, true), has_value ? unescape(value, true) : NULL);
	}
}

static void take_header(struct text line)
{
	struct text value = line;
	const struct text name = cut(&value, ':');
	while (value.n && (*value.p == ' ' || *value.p == '\t'))
		value = (struct text){ value.p + 1, value.n - 1 };
	const char *n = arena_text(&connection->texts, name.p, name.n);
	keep(MHD_HEADER_KIND, n, arena_text(&connection->texts, value.p, value.n));
	if (strcasecmp(n, "Cookie") == 0)
		take_list(MHD_COOKIE_KIND, value, ';');
}

static struct text line_of(struct text *rest)
{
	struct text line = cut(rest, '\n');
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static enum MHD_Result call(const char *path, const char *method, struct text piece, void **state)
{
	size_t n = piece.n;
	return server.handle(server.handle_user, connection, path, method, "HTTP/1.1",
			     n ? piece.p : NULL, &n, state);
}

static enum MHD_Result call_to_the_end(const char *path, const char *method, struct text body,
				       void **state)
{
	enum MHD_Result rc = call(path, method, TEXT(""), state);
	while (rc == MHD_YES && !connection->response && body.n) {
		const struct text piece = { body.p, body.n < PIECE ? body.n : PIECE };
		rc = call(path, method, piece, state);
		body = (struct text){ body.p + piece.n, body.n - piece.n };
	}
	for (int turns = 0; rc == MHD_YES && !connection->response; turns++) {
		if (turns > 1000)
			abort(); /* it would be asked for ever */
		rc = call(path, method, TEXT(""), state);
		pthread_mutex_lock(&lock);
		while (connection->suspended)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
	}
	return rc;
}

/* The body of the answer; of a stream, its beginning. */
static void read_answer(struct MHD_Response *r, struct buf *answer)
{
	char piece[PIECE];
	if (!r->read) {
		buf_add(answer, r->p, r->n);
		return;
	}
	const ssize_t n = r->read(r->user, 0, piece, sizeof piece);
	if (n > 0)
		buf_add(answer, piece, (size_t)n);
	connection->suspended = false;
}

int http_ask(struct text request, struct buf *answer)
{
	void *state = NULL;
	int status = 0;
	answer->n = 0;
	if (!connection)
		come();
	struct text first = line_of(&request), line;
	const struct text method = cut(&first, ' ');
	struct text target = cut(&first, ' ');
	const struct text path = cut(&target, '?');
	take_list(MHD_GET_ARGUMENT_KIND, target, '&');
	while ((line = line_of(&request)).n)
		take_header(line);
	const char *method_text = arena_text(&connection->texts, method.p, method.n);
	const enum MHD_Result rc =
		call_to_the_end(unescape(path, false), method_text, request, &state);
	bool closes = rc != MHD_YES || ++connection->requests == REQUESTS_EACH;
	if (connection->response) {
		status = (int)connection->status;
		closes |= connection->response->closes || connection->response->read;
		read_answer(connection->response, answer);
		if (connection->response->read)
			status = 0;
	}
	server.completed(server.completed_user, connection, &state,
			 rc == MHD_YES ? MHD_REQUEST_TERMINATED_COMPLETED_OK
				       : MHD_REQUEST_TERMINATED_WITH_ERROR);
	if (connection->response)
		destroy(connection->response);
	connection->response = NULL;
	connection->pairs = 0;
	arena_release(&connection->texts);
	if (closes)
		leave();
	return status;
}
