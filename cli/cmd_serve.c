#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dict.h"
#include "base/file.h"
#include "base/json.h"
#include "base/zone.h"
#include "cli/command.h"
#include "meter/billing/exchange.h"
#include "meter/store/cards.h"
#include "meter/store/store_models.h"
#include "meter/billing/budget.h"
#include "reports/json_out.h"
#include "reports/web.h"
#include "server/http.h"

static const struct option serve_options[] = {
	{ "listen", 0, "HOST:PORT", "where to listen (default 127.0.0.1:8687)", false },
	{ "tokens", 0, "FILE", "file of bearer tokens (see `tally token`); required off loopback",
	  false },
	{ "tls-cert", 0, "FILE", "certificate chain (PEM): serve https", false },
	{ "tls-key", 0, "FILE", "its private key (PEM)", false },
	{ "rates", 0, "FILE",
	  "exchange rates by day, as for `invoice draft`; read for every invoice", true },
	{ "host", 0, "NAME", "host name to accept (localhost and the address always are)", true },
	{ "queue", 0, "N", "requests waiting for a commit (default 4096)", false, OPTION_ADVANCED },
	{ "connections", 0, "N", "open connections (default 2000)", false, OPTION_ADVANCED },
	{ "connections-each", 0, "N", "connections per address (default 512)", false,
	  OPTION_ADVANCED },
	{ "requests", 0, "N", "concurrent requests (default 1024)", false, OPTION_ADVANCED },
	{ "body-memory", 0, "MIB", "memory for incoming bodies (default 256)", false,
	  OPTION_ADVANCED },
	{ "body-seconds", 0, "N", "time allowed to receive a body (default 60)", false,
	  OPTION_ADVANCED },
	{ 0 },
};

static const struct option token_options[] = {
	{ "scope", 0, "SCOPES", "read, write, admin (a,b; default write)", false },
	{ "customer", 0, "NAME", "only for this customer (default all)", false },
	{ "expires", 0, "WHEN", "when it ends: an instant, a day, or 90d, 12h from now", false },
	{ "file", 0, "FILE", "append to FILE (created readable by its owner only)", false },
	{ "revoke", 0, NULL, "revoke the tokens of that name in FILE, also on a running server",
	  false },
	{ 0 },
};

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

/* One JSON object a line on standard error. */
static void log_event(void *user, const char *event, const char *message)
{
	struct buf b = { 0 };
	char when[INSTANT_TEXT_MAX];
	(void)user;
	buf_printf(&b, "{\"time\":\"%s\",\"event\":\"%s\",\"message\":",
		   instant_format(clock_now(), when), event);
	json_put_string(&b, text_of(message));
	buf_puts(&b, "}\n");
	pthread_mutex_lock(&log_lock);
	fwrite(b.p, 1, b.n, stderr);
	fflush(stderr);
	pthread_mutex_unlock(&log_lock);
	buf_release(&b);
}

/* The page and what it is made of. */
static struct text page_file(void *user, const char *path, const char **type)
{
	static const struct {
		const char *path, *asset, *type;
	} files[] = { { "/", "page.html.gz", "text/html; charset=utf-8" },
		      { "/page.css", "page.css.gz", "text/css; charset=utf-8" },
		      { "/page.js", "page.js.gz", "text/javascript; charset=utf-8" } };
	(void)user;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(path, files[i].path) == 0) {
			*type = files[i].type;
			return web_asset(files[i].asset);
		}
	return (struct text){ 0 };
}

static atomic_int signals;

/* From the first signal on. Whoever starts servers mostly kills them after 30 seconds. */
#define STOP_SECONDS 25
#define DIGITS_OF(x) #x
#define DIGITS(x) DIGITS_OF(x)

static void on_signal(int number)
{
	(void)number;
	if (atomic_fetch_add(&signals, 1) == 0)
		alarm(STOP_SECONDS);
}

/* What is acknowledged is durable; nothing else was promised. */
static void on_late(int number)
{
	static const char line[] =
		"{\"event\":\"stop_late\",\"message\":\"the database has not let the server end for " DIGITS(
			STOP_SECONDS) " seconds: it ends without it; what was not answered may be sent "
				      "again\"}\n";
	(void)number;
	const ssize_t n = write(STDERR_FILENO, line, sizeof line - 1);
	_exit(n < 0 ? 2 : 1);
}

static void hook_told(void *user, const struct budget_alarm *a, bool ok)
{
	char text[300], passed[BUDGET_PASSED_MAX];
	(void)user;
	snprintf(text, sizeof text, "%.80s passed %s: %.40s of its currency is spent",
		 a->budget.name.p, budget_alarm_passed(a, passed), a->spent.p);
	log_event(NULL, ok ? "budget_alarm" : "budget_hook_failed", text);
}

/* Told once an hour, not every few seconds. */
static void budget_failed(void *user, const struct budget *b, const struct err *why)
{
	const uint64_t now_us = (uint64_t)clock_monotonic_us() + 1;
	uint64_t *told_us = dict_need(user, b->name, NULL);
	if (*told_us && now_us - *told_us < US_PER_HOUR)
		return;
	log_event(NULL, "budget_failed", why->message);
	*told_us = now_us;
}

static int count_budget(void *user, const struct budget *b)
{
	(void)b;
	++*(int *)user;
	return 0;
}

/* Raises alarms that are due and looks after their hooks. */
static int watch_once(struct store *store, struct budgets *budgets,
		      const struct budget_listener *listener, struct err *e)
{
	const struct instant now = clock_now();
	int64_t raised = 0;
	int any = 0;
	int rc = budgets_each(budgets, count_budget, &any, e);
	if (rc != 0 || !any)
		return rc;
	rc = store_begin(store, now, e);
	if (rc != 0)
		return rc;
	rc = budgets_raise(budgets, now, listener, &raised, e);
	if (rc == 0 && raised)
		rc = store_commit(store, e);
	else
		store_rollback(store);
	/* hooks of alarms that were raised before are told whatever became of these */
	struct err own;
	int told = budgets_tell(budgets, now, false, listener, &own);
	if (rc == 0 && told != 0) {
		*e = own;
		rc = told;
	}
	return rc;
}

/* The prices that the server uses, and what the cards looked like when they were read. */
struct used_prices {
	const struct cli *cli;
	struct shelf *shelf;
	struct buf trace;
};

/* What changes with any card: files, and those of the database where it is open. */
static int trace_prices(const struct cli *cli, struct store *s, struct buf *out, struct err *e)
{
	cli_book_trace(cli, out);
	return s ? own_cards_trace(store_db(s), out, e) : 0;
}

/* Before the first cards are read, so that no change of them is missed. */
static void first_trace(struct used_prices *p)
{
	struct buf path = { 0 };
	struct store *s = NULL;
	struct err e;
	if (store_open(&s, cli_db_path(p->cli, &path), DB_READ, &e) != 0)
		s = NULL; /* not there yet: no cards */
	trace_prices(p->cli, s, &p->trace, &e);
	store_close(s);
	buf_release(&path);
}

/* Reads the cards again where one has changed; those that cannot be read leave the prices as they
 * are, which is told once. used: the book in use, taken. */
static int renew_prices(struct used_prices *p, struct store *s, const struct book **used,
			struct err *e)
{
	struct buf trace = { 0 };
	struct book *book;
	struct err why;
	int rc = trace_prices(p->cli, s, &trace, e);
	if (rc == 0 && (trace.n != p->trace.n || memcmp(trace.p, p->trace.p, trace.n) != 0)) {
		p->trace.n = 0;
		buf_add(&p->trace, trace.p, trace.n);
		if (cli_database_book(p->cli, DB_READ, &book, NULL, &why) == 0) {
			shelf_put(p->shelf, book);
			log_event(NULL, "prices_changed", "the cards as they are now are in use");
		} else {
			log_event(NULL, "prices_failed", why.message);
		}
	}
	buf_release(&trace);
	const struct book *before = *used;
	*used = shelf_take(p->shelf);
	store_use_book(s, *used);
	shelf_give(p->shelf, before);
	return rc;
}

/* Alarms of budgets and cards that change, until a signal comes: the main thread, with a connection
 * of its own. */
static void watch(const char *path, struct used_prices *prices)
{
	enum { BUDGETS_EVERY = 3 };
	const struct timespec second = { 1, 0 };
	struct store *store = NULL;
	struct budgets *budgets = NULL;
	struct dict known = { 0 };
	const struct budget_listener listener = { &known, budget_failed, hook_told };
	struct err e = { 0 };
	const struct book *book = shelf_take(prices->shelf);
	for (unsigned turn = 0; atomic_load(&signals) == 0; turn++) {
		int rc = store ? 0 : store_open(&store, path, DB_WRITE, &e);
		if (rc == 0)
			store_use_book(store, book);
		if (rc == 0 && !budgets)
			budgets = budgets_open(store);
		if (rc == 0)
			rc = renew_prices(prices, store, &book, &e);
		if (rc == 0 && turn % BUDGETS_EVERY == 0)
			rc = watch_once(store, budgets, &listener, &e);
		if (rc < 0 && turn % BUDGETS_EVERY == 0)
			log_event(NULL, "store_failed", e.message);
		if (atomic_load(&signals) == 0)
			nanosleep(&second, NULL);
	}
	budgets_close(budgets);
	store_close(store);
	shelf_give(prices->shelf, book);
	dict_release(&known);
}

static int read_pem(const char *path, struct buf *out, struct err *e)
{
	enum { PEM_MAX = 1 << 20 };
	return path ? file_read(out, path, PEM_MAX, e) : 0;
}

static int read_limits(const struct cli *cli, struct http_limits *out, struct err *e)
{
	const struct {
		const char *name;
		int missing, most, *to;
	} each[] = { { "connections", out->connections, 100000, &out->connections },
		     { "connections-each", out->connections_each, 100000, &out->connections_each },
		     { "requests", out->requests, 100000, &out->requests },
		     { "body-seconds", out->body_seconds, 3600, &out->body_seconds } };
	int64_t n, mib;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		int rc = cli_count(cli, each[i].name, each[i].missing, &n, e);
		if (rc != 0)
			return rc;
		if (n < 1 || n > each[i].most)
			return err_set(e, ERR_USAGE, "--%s is 1 to %d", each[i].name, each[i].most);
		*each[i].to = (int)n;
	}
	int rc = cli_count(cli, "body-memory", out->bytes >> 20, &mib, e);
	if (rc == 0 && (mib < 1 || mib > 1 << 20))
		rc = err_set(e, ERR_USAGE, "--body-memory is 1 to %d (MiB)", 1 << 20);
	if (rc == 0)
		out->bytes = mib << 20;
	return rc;
}

static void read_values(struct cli *cli, const char *name, const char *out[OPTION_VALUES_MAX + 1])
{
	for (int i = 0; i < OPTION_VALUES_MAX && (out[i] = cli_value_at(cli, name, i)); i++)
		;
}

/* What cannot be read is told at once, not to whoever asks for the first invoice. */
static int check_rates(const char *const *path, struct err *e)
{
	struct exchange_rates *all = NULL;
	int rc = 0;
	for (; rc == 0 && *path; path++)
		rc = exchange_read(&all, *path, e);
	exchange_close(all);
	return rc;
}

/* What a server is made of, from its options to its threads. */
struct serving {
	const char *listen;
	struct http_limits limits;
	const char *names[OPTION_VALUES_MAX + 1], *rates[OPTION_VALUES_MAX + 1];
	int64_t queue;
	int boundary; /* 1: completion */
	struct buf path, cert, key;
	struct used_prices prices;
	struct tokens *tokens;
	struct writer *writer;
	struct http *http;
};

static int read_options(struct cli *cli, struct serving *s, struct err *e)
{
	static const char *const boundaries[] = { "start", "completion", NULL };
	const char *listen = cli_value(cli, "listen");
	int rc = cli_choice(cli, "boundary", boundaries, &s->boundary, e);
	if (rc == 0)
		rc = cli_count(cli, "queue", 4096, &s->queue, e);
	if (rc == 0)
		rc = read_limits(cli, &s->limits, e);
	s->listen = listen ? listen : "127.0.0.1:8687";
	read_values(cli, "host", s->names);
	read_values(cli, "rates", s->rates);
	if (rc == 0)
		rc = check_rates(s->rates, e);
	if (rc == 0 && !cli_value(cli, "tls-cert") != !cli_value(cli, "tls-key"))
		rc = err_set(e, ERR_USAGE, "--tls-cert and --tls-key belong together");
	cli_db_path(cli, &s->path);
	return rc;
}

/* Cards, tokens and the certificate. */
static int read_files(const struct cli *cli, struct serving *s, struct err *e)
{
	const char *tokens = cli_value(cli, "tokens");
	struct book *book = NULL;
	first_trace(&s->prices);
	int rc = cli_database_book(cli, DB_CREATE, &book, NULL, e);
	if (rc == 0)
		s->prices.shelf = shelf_open(book);
	if (rc == 0 && tokens)
		rc = tokens_open(&s->tokens, tokens, e);
	if (rc == 0)
		rc = read_pem(cli_value(cli, "tls-cert"), &s->cert, e);
	return rc == 0 ? read_pem(cli_value(cli, "tls-key"), &s->key, e) : rc;
}

/* Before any thread exists, so that only this one hears them. */
static void hear_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_late }, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int start(const struct cli *cli, struct serving *s, struct err *e)
{
	int rc = writer_open(&s->writer,
			     &(struct writer_options){ .path = s->path.p,
						       .shelf = s->prices.shelf,
						       .currency = cli_currency(cli),
						       .by_completion = s->boundary == 1,
						       .jobs_most = (size_t)s->queue,
						       .bytes_most = 256 << 20,
						       .log = log_event },
			     e);
	if (rc == 0)
		rc = http_open(
			&s->http,
			&(struct http_options){ .address = s->listen,
						.tokens = s->tokens,
						.names = s->names,
						.limits = s->limits,
						.cert = s->cert.n ? s->cert.p : NULL,
						.key = s->key.n ? s->key.p : NULL,
						.writer = s->writer,
						.reading = { .path = s->path.p,
							     .shelf = s->prices.shelf,
							     .currency = cli_currency(cli),
							     .by_completion = s->boundary == 1,
							     .rates = s->rates },
						.file = page_file,
						.log = log_event },
			e);
	return rc;
}

static void run_until_signal(struct serving *s)
{
	char line[200];
	err_name_options(false); /* who reads from here on has no command line */
	snprintf(line, sizeof line, "listening on %s://%.*s:%d", s->cert.n ? "https" : "http",
		 (int)(strrchr(s->listen, ':') - s->listen), s->listen, http_port(s->http));
	log_event(NULL, "start", line);
	if (s->tokens && tokens_are_exposed(s->tokens))
		log_event(NULL, "tokens_exposed", "the token file is readable by others");
	watch(s->path.p, &s->prices);
	log_event(NULL, "stop", "finishing requests in progress");
	http_quiesce(s->http);
	/* the writer first: it answers all that waits, for no connection may sleep when the daemon
	 * stops */
	writer_stop(s->writer);
	usleep(100000);
	http_close(s->http);
}

static int serve(struct cli *cli, struct err *e)
{
	struct serving s = { .limits = HTTP_LIMITS_DEFAULT, .prices.cli = cli };
	int rc = read_options(cli, &s, e);
	if (rc == 0)
		rc = read_files(cli, &s, e);
	hear_signals();
	if (rc == 0)
		rc = start(cli, &s, e);
	if (rc == 0)
		run_until_signal(&s);
	writer_close(s.writer);
	tokens_close(s.tokens);
	shelf_close(s.prices.shelf);
	buf_release(&s.prices.trace);
	buf_release(&s.path);
	buf_release(&s.cert);
	buf_release(&s.key);
	return rc;
}

/* Nd and Nh count from now here; else a day means its beginning. */
static int read_expiry(const char *text, struct instant *out, struct err *e)
{
	const size_t n = strlen(text);
	const char unit = n > 1 ? text[n - 1] : 0;
	struct zone *utc = NULL;
	int64_t count;
	if ((unit == 'd' || unit == 'h') && strspn(text, "0123456789") == n - 1 && n < 8) {
		count = strtol(text, NULL, 10);
		out->us = clock_now().us + count * (unit == 'd' ? US_PER_DAY : US_PER_DAY / 24);
		return 0;
	}
	int rc = zone_open(&utc, "UTC", e);
	if (rc == 0)
		rc = cli_instant("expires", text, utc, out, e);
	zone_close(utc);
	return rc;
}

static int revoke_token(struct cli *cli, const char *file, struct err *e)
{
	int lines;
	if (!file)
		return err_set(e, ERR_USAGE, "--revoke needs the --file that holds the token");
	int rc = tokens_revoke(file, cli->argument[0], &lines, e);
	if (rc == 0 && !cli->quiet)
		fprintf(stderr, "%s of '%s' revoked; a running server notices at once\n",
			COUNTED(lines, "token"), cli->argument[0]);
	return rc;
}

static int token(struct cli *cli, struct err *e)
{
	char secret[48];
	uint8_t hash[DIGEST_BYTES];
	struct instant expires = INSTANT_MAX;
	const char *scopes = cli_value(cli, "scope"), *until = cli_value(cli, "expires"),
		   *file = cli_value(cli, "file");
	struct buf line = { 0 };
	if (cli_flag(cli, "revoke"))
		return revoke_token(cli, file, e);
	int rc = until ? read_expiry(until, &expires, e) : 0;
	if (rc == 0)
		rc = token_make(secret, hash, e);
	if (rc == 0)
		rc = token_line(&line,
				&(struct token_wish){ cli->argument[0], scopes ? scopes : "write",
						      cli_value(cli, "customer"), expires },
				hash, e);
	if (rc == 0 && file)
		rc = tokens_append(file, (struct text){ line.p, line.n }, e);
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.token/1");
		json_out_string(&j, "token", secret);
		json_out_string(&j, "line", line.p);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (rc == 0) {
		/* where output goes to a program or a variable, it is what that one needs */
		const bool piped = file && !isatty(STDOUT_FILENO);
		if (!file || piped)
			printf("%s\n", file ? secret : line.p);
		/* and there alone: what goes to standard error is kept in the logs of jobs */
		if (!piped)
			fprintf(stderr, "token: %s\n(shown once; %s)\n", secret,
				file ? "the file holds only its hash"
				     : "add the line on standard output to the file of --tokens");
		else if (!cli->quiet)
			fprintf(stderr,
				"token of '%s': on standard output, once; '%s' holds only its "
				"hash\n",
				cli->argument[0], file);
	}
	buf_release(&line);
	return rc;
}

const struct command command_serve = {
	.name = "serve",
	.place = HELP_METER + 4,
	.summary = "serve HTTP: take usage durably, answer reports, show the page",
	.arguments = "",
	.description =
		"POST /v1/usage takes one record, an array or JSON Lines, of any shape that "
		"`tally ingest` reads; /v1/events CloudEvents 1.0 (structured, batch, binary); "
		"/v1/traces, /v1/logs and /v1/metrics OTLP/HTTP, protobuf or JSON. Each answer "
		"comes after the data is durable and reports the outcome of every item; "
		"resending is always safe. Bodies may be gzip. Records without an instant count "
		"as of their arrival.\n\nPOST /v1/holds reserves an estimate before a call, "
		"/v1/holds/{id}/settle takes the call's usage (with ?broken_off=1 the estimate, "
		"where nothing was metered), /v1/holds/{id}/release frees it. GET /v1/usage, "
		"/metrics (Prometheus), /healthz (alive), /readyz (the database can be read and "
		"written).\n\nWithout --tokens only loopback is served. Limits per client: "
		"docs/server.md. SIGTERM finishes requests in progress, and stops within " DIGITS(
			STOP_SECONDS) " seconds whatever the database does.",
	.examples = "  tally serve\n"
		    "  curl -d '{\"id\":\"1\",\"model\":\"deepseek-v4-flash\",\"input\":100,"
		    "\"output\":5}' localhost:8687/v1/usage\n"
		    "  tally token ci --scope write --customer acme --file tokens.txt\n"
		    "  tally serve --listen 0.0.0.0:8687 --tokens tokens.txt --tls-cert c.pem "
		    "--tls-key k.pem\n",
	.options = serve_options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_BOUNDARY,
	.run = serve,
};

const struct command command_token = {
	.name = "token",
	.place = HELP_OPERATE + 16,
	.summary = "make a bearer token for the server",
	.arguments = "NAME",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Makes a random token. The server's file holds only its hash. Removing its line "
		"revokes a token at once, also on a running server. With --file the token is "
		"printed once, alone on standard output where that is a pipe or a file.",
	.examples =
		"  TOKEN=$(tally token ci --scope write --customer acme --file tokens.txt)\n"
		"  tally token ci --scope write --customer acme --expires 90d --file tokens.txt\n"
		"  tally token ci --revoke --file tokens.txt\n",
	.options = token_options,
	.common = 0,
	.run = token,
};
