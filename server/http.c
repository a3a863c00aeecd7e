#include "server/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/store/day_cells.h"
#include "meter/store/row_peaks.h"

/* Threads that answer questions, and how many may wait for them. */
enum {
	LINES_A_MINUTE = 20,
	QUICK_THREADS = 2,
	DAY_CELLS_BYTES = 64 << 20, /* some five million sums of a day */
	QUICK_WAITING_MOST = 1024,
	BODY_THREADS = 2,
	LONG_THREADS = 2,
	LONG_WAITING_MOST = 32
};

/* TLS 1.2 and 1.3, and what is considered strong enough today. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* From the thread of live alone. */
static void snapshot(void *user, struct buf *out)
{
	struct http *h = user;
	const struct writer_stats *s = writer_stats(h->o.writer);
	const int64_t rows = atomic_load(&s->rows);
	buf_printf(out,
		   "{\"rows\":%lld,\"accepted\":%lld,\"duplicates\":%lld,\"conflicts\":%lld,"
		   "\"quarantined\":%lld,\"unpriced\":%lld,",
		   (long long)rows, (long long)atomic_load(&s->accepted),
		   (long long)atomic_load(&s->duplicates), (long long)atomic_load(&s->conflicts),
		   (long long)atomic_load(&s->quarantined), (long long)atomic_load(&s->unpriced));
	totals_put(h->totals, rows, out);
	buf_puts(out, "}");
}

static enum MHD_Result answer_submitted(struct request *r)
{
	if (!atomic_load(&r->done))
		return MHD_YES;
	if (!r->commanded) {
		const struct buf body = r->job->answer;
		r->job->answer = (struct buf){ 0 };
		return respond(r, r->job->status, response_type(r), body.p ? body.p : "", body.n,
			       body.p ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	}
	if (r->route == ROUTE_ASK)
		return respond_read(r, &r->reply);
	return respond(r, r->reply.status, r->reply.type, r->reply.body.p ? r->reply.body.p : "",
		       r->reply.body.n, MHD_RESPMEM_MUST_COPY);
}

/* Whether its token or session would still open the stream. */
static bool may_watch(void *user)
{
	struct request again = *(struct request *)user;
	again.customer = again.who = NULL;
	const bool may = gate_authorise(&again).status == 0;
	free(again.customer);
	free(again.who);
	return may;
}

static enum MHD_Result answer_live(struct request *r)
{
	struct MHD_Response *response = live_stream(r->http->live, r->connection, may_watch, r);
	if (!response)
		return respond_error(r, 429, "busy", "too many pages are open");
	microhttpd.MHD_add_response_header(response, "Content-Type", "text/event-stream");
	microhttpd.MHD_add_response_header(response, "Cache-Control", "no-store");
	visitor_is_answered(r->visitor, true);
	enum MHD_Result rc = microhttpd.MHD_queue_response(r->connection, 200, response);
	microhttpd.MHD_destroy_response(response);
	return rc;
}

/* The head of a request has come. What is refused is told at once where a body would follow. */
static enum MHD_Result begin(struct request *r)
{
	const char *length = request_header(r, "Content-Length");
	const bool has_body =
		(length && strcmp(length, "0") != 0) || request_header(r, "Transfer-Encoding");
	const enum visitor_verdict verdict = visitor_asks(r->visitor);
	gate_find_route(r);
	r->refusal = gate_judge_head(r);
	const bool unclear = r->refusal.status;
	if (!unclear)
		r->refusal = gate_admit(r, verdict);
	if (!r->refusal.status || (!has_body && !unclear))
		return MHD_YES;
	r->cut_off = true;
	return respond_error(r, r->refusal.status, r->refusal.code, r->refusal.message);
}

/* A piece of the body. What cannot be kept is read to its end and told then. */
static void take_body(struct request *r, const char *p, size_t n)
{
	const int64_t room = 2 * (int64_t)n; /* a buffer grows by doubling */
	if (r->too_large || r->crowded)
		return;
	if (r->body.n + n > r->body_most)
		r->too_large = true;
	else if (!visitors_take(r->http->visitors, room))
		r->crowded = true;
	if (r->too_large || r->crowded) {
		request_drop_body(r);
		return;
	}
	r->taken += room;
	buf_add(&r->body, p, n);
}

static enum MHD_Result serve(struct request *r)
{
	if (r->refusal.status)
		return respond_error(r, r->refusal.status, r->refusal.code, r->refusal.message);
	if (r->crowded)
		return respond_error(r, 503, "busy",
				     "too many bodies are being received; try "
				     "again");
	if (r->too_large)
		return respond_error(r, 413, "too_large",
				     "the body is too large (16 MiB, settings 1 MiB)");
	switch (r->route) {
	case ROUTE_HEALTH:
		return respond(r, 200, "text/plain", "ok\n", 3, MHD_RESPMEM_PERSISTENT);
	case ROUTE_READY:
		return ask_readiness(r);
	case ROUTE_SESSION:
		r->shown = true;
		return strcmp(r->method, "POST") == 0 ? sign_in(r) : sign_in_state(r);
	case ROUTE_ASK:
		return start_question(r);
	case ROUTE_NONE: /* was refused */
	case ROUTE_FILE:
		return respond_file(r);
	case ROUTE_LIVE:
		return answer_live(r);
	case ROUTE_GAUGES:
		r->shown = true;
		return answer_gauges(r);
	case ROUTE_USAGE:
	case ROUTE_EVENTS:
	case ROUTE_TRACES:
	case ROUTE_LOGS:
	case ROUTE_METRICS:
	case ROUTE_OBSERVATIONS:
	case ROUTE_HOLD:
	case ROUTE_SETTLE:
	case ROUTE_RELEASE:
		return intake_write(r);
	}
	return MHD_NO;
}

static struct visitor *visitor_of(struct MHD_Connection *c)
{
	return microhttpd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct request *r = *state;
	(void)version;
	if (!r) {
		r = mem_zalloc(sizeof *r);
		r->http = user;
		r->connection = connection;
		r->visitor = visitor_of(connection);
		r->method = method;
		r->path = path;
		*state = r;
		return begin(r);
	}
	if (*upload_size) {
		take_body(r, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (r->made.aside) {
		if (!atomic_load(&r->made.is))
			return MHD_YES;
		r->made.aside = false;
		return intake_use(r);
	}
	return r->submitted ? answer_submitted(r) : serve(r);
}

/* What has come of a body that nobody read: while it lies there, the end of the connection would
 * take the answer with it. */
static void swallow(int fd)
{
	enum { MOST = 4 << 20 };
	char bin[1 << 16];
	ssize_t n, all = 0;
	shutdown(fd, SHUT_WR);
	while (all < MOST && (n = recv(fd, bin, sizeof bin, MSG_DONTWAIT)) > 0)
		all += n;
}

static void completed(void *user, struct MHD_Connection *connection, void **state,
		      enum MHD_RequestTerminationCode code)
{
	struct request *r = *state;
	(void)user;
	(void)connection;
	if (!r)
		return;
	if (r->cut_off)
		swallow(visitor_socket(r->visitor));
	else if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		visitor_is_done(r->visitor);
	job_close(r->job);
	job_close(r->made.job);
	request_drop_body(r);
	buf_release(&r->reply.body);
	free(r->customer);
	free(r->who);
	free(r);
	*state = NULL;
}

/* A connection begins or ends. */
static void notify(void *user, struct MHD_Connection *c, void **context,
		   enum MHD_ConnectionNotificationCode code)
{
	struct http *h = user;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const int fd =
			microhttpd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd;
		const struct sockaddr *address =
			microhttpd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
				->client_addr;
		*context = visitor_came(h->visitors, fd, address);
	} else if (*context) {
		visitor_left(*context);
		*context = NULL;
	}
}

/* Of a minute's lines the first are written, the rest counted. Whether this one is; *left_out: how
 * many of an earlier minute were not. */
static bool may_write(struct http *h, uint64_t *left_out)
{
	const int64_t minute = (clock_monotonic_us() - h->began_us) / 60000000;
	pthread_mutex_lock(&h->lines_lock);
	*left_out = 0;
	if (h->lines_minute != minute) {
		*left_out = h->lines > LINES_A_MINUTE ? h->lines - LINES_A_MINUTE : 0;
		h->lines_minute = minute;
		h->lines = 0;
	}
	const bool may = ++h->lines <= LINES_A_MINUTE;
	pthread_mutex_unlock(&h->lines_lock);
	return may;
}

static void write_left_out(struct http *h, uint64_t count)
{
	char line[80];
	snprintf(line, sizeof line, "%llu more lines of a minute were left out",
		 (unsigned long long)count);
	if (count)
		h->o.log(h->o.user, "http", line);
}

static void log_mhd(void *user, const char *fmt, va_list ap)
{
	struct http *h = user;
	char line[300];
	uint64_t left_out;
	if (!may_write(h, &left_out))
		return;
	write_left_out(h, left_out);
	vsnprintf(line, sizeof line, fmt, ap);
	size_t n = strlen(line);
	while (n && (line[n - 1] == '\n' || line[n - 1] == ' '))
		line[--n] = 0;
	h->o.log(h->o.user, "http", line);
}

/* As many open files as connections need, where the system lets us; fewer connections else. */
static void fit_to_files(struct http_limits *l)
{
	enum { OTHER_FILES = 100 };
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	const rlim_t need = (rlim_t)l->connections + OTHER_FILES;
	if (files.rlim_cur < need) {
		files.rlim_cur = files.rlim_max < need ? files.rlim_max : need;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur < need)
		l->connections =
			files.rlim_cur > 2 * OTHER_FILES ? (int)files.rlim_cur - OTHER_FILES : 50;
}

/* A NUL would end a text for us, not for who sent it: a text with one stays as it is written. */
static size_t unescape(void *user, struct MHD_Connection *c, char *text)
{
	(void)user;
	(void)c;
	return strstr(text, "%00") ? strlen(text) : microhttpd.MHD_http_unescape(text);
}

static int start_daemon(struct http *h, struct err *e)
{
	const struct http_options *o = &h->o;
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);
	const unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			       MHD_USE_ERROR_LOG | (o->cert ? MHD_USE_TLS : 0);
	/* half of the processors; the writer and the clients need some, too */
	const unsigned threads = cores > 3 ? (unsigned)cores / 2 : 1;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL }
	};
	struct MHD_OptionItem pool[] = { { MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL },
					 { MHD_OPTION_END, 0, NULL } };
	/* times and numbers are ours (visitors.h); the library's bound only lies above */
	const unsigned connections = ((unsigned)o->limits.connections + 50) * (threads + 1);
	h->daemon = microhttpd.MHD_start_daemon(
		flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, h,
		MHD_OPTION_LISTEN_SOCKET, h->listener.socket, MHD_OPTION_NOTIFY_COMPLETED,
		completed, h, MHD_OPTION_NOTIFY_CONNECTION, notify, h, MHD_OPTION_UNESCAPE_CALLBACK,
		unescape, h, MHD_OPTION_CONNECTION_LIMIT, connections,
		MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_HEADERS_MAX, MHD_OPTION_ARRAY, o->cert ? tls : tls + 3,
		MHD_OPTION_ARRAY, threads > 1 ? pool : pool + 1, MHD_OPTION_END);
	return h->daemon ? 0
			 : err_set(e, ERR_SYSTEM,
				   o->cert ? "the server could not start: check the certificate "
					     "and its key"
					   : "the server could not start");
}

static void warm_readers(void *user)
{
	struct http *h = user;
	readers_warm(h->readers);
}

int http_open(struct http **out, const struct http_options *o, struct err *e)
{
	struct http *h = mem_zalloc(sizeof *h);
	h->o = *o;
	h->o.reading.tokens = o->tokens;
	h->o.reading.ending = &h->ending;
	h->listener.socket = -1;
	h->began_us = clock_monotonic_us();
	pthread_mutex_init(&h->probes_lock, NULL);
	pthread_mutex_init(&h->lines_lock, NULL);
	int rc = microhttpd_need(e);
	if (rc == 0)
		rc = address_parse_and_bind(&h->listener, o->address, e);
	if (rc == 0 && !h->listener.loopback && !o->tokens)
		rc = err_set(
			e, ERR_USAGE,
			ASKED("listen") " %s: that address is reachable by others, so tokens are "
					"required (" ASKED(
						"tokens") " FILE; make them with `tally token`)",
			o->address);
	if (rc == 0)
		rc = address_listen(&h->listener, o->address, e);
	if (rc == 0) {
		fit_to_files(&h->o.limits);
		const struct http_limits *l = &h->o.limits;
		h->visitors = visitors_open(&(struct visitor_limits){
			l->connections, l->connections_each, l->requests, l->bytes,
			HTTP_HEAD_SECONDS, HTTP_PAUSE_SECONDS, l->body_seconds, HTTP_ANSWER_SECONDS,
			o->cert != NULL });
		visitors_each_tick(h->visitors, readiness_tell_waiting, h);
		h->sessions = sessions_open();
		h->observations = observations_open();
		h->o.reading.days = day_cells_open(DAY_CELLS_BYTES);
		h->o.reading.peaks = row_peaks_open();
		h->o.reading.ids = (struct store_finder){ writer_find, h->o.writer };
		h->totals = totals_open(&h->o.reading);
		h->live = live_open(snapshot, h);
		h->quick = slow_open(QUICK_THREADS, QUICK_WAITING_MOST);
		h->slow = slow_open(LONG_THREADS, LONG_WAITING_MOST);
		h->bodies = slow_open(BODY_THREADS, QUICK_WAITING_MOST);
		h->readers = readers_open(&h->o.reading, QUICK_THREADS + LONG_THREADS);
		slow_submit(h->slow, warm_readers, h);
		rc = start_daemon(h, e);
	}
	if (rc != 0) {
		if (h->listener.socket >= 0)
			close(h->listener.socket);
		http_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

int http_port(const struct http *h)
{
	return h->listener.port;
}

void http_quiesce(struct http *h)
{
	atomic_store(&h->ending, true);
	MHD_socket fd = microhttpd.MHD_quiesce_daemon(h->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	/* nothing may sleep when the daemon stops */
	struct slow *const threads[] = { h->bodies, h->quick, h->slow };
	const size_t kinds = sizeof threads / sizeof *threads;
	for (size_t i = 0; i < kinds; i++)
		slow_end(threads[i]);
	if (h->live)
		live_end(h->live);
	if (h->daemon)
		microhttpd.MHD_stop_daemon(h->daemon);
	/* until then a connection may still ask */
	for (size_t i = 0; i < kinds; i++)
		slow_close(threads[i]);
	if (h->live)
		live_close(h->live);
	totals_close(h->totals);
	readers_close(h->readers);
	day_cells_close(h->o.reading.days);
	row_peaks_close(h->o.reading.peaks);
	visitors_close(h->visitors);
	sessions_close(h->sessions);
	observations_close(h->observations);
	write_left_out(h, h->lines > LINES_A_MINUTE ? h->lines - LINES_A_MINUTE : 0);
	pthread_mutex_destroy(&h->lines_lock);
	pthread_mutex_destroy(&h->probes_lock);
	free(h);
}
