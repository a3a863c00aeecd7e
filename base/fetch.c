#include "base/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/library.h"

/*
 * What is used of libcurl, as its version 4 has it on every system since 2006; declared here, so
 * that its headers are not needed to build.
 */
typedef void CURL;
struct curl_slist;
enum { CURL_GLOBAL_ALL = 3 };
enum curl_option {
	OPT_WRITEDATA = 10001,
	OPT_URL = 10002,
	OPT_USERAGENT = 10018,
	OPT_HTTPHEADER = 10023,
	OPT_HEADERDATA = 10029,
	OPT_CAINFO = 10065,
	OPT_WRITEFUNCTION = 20011,
	OPT_HEADERFUNCTION = 20079,
	OPT_TIMEOUT_MS = 155,
	OPT_FOLLOWLOCATION = 52,
	OPT_MAXREDIRS = 68,
	OPT_CONNECTTIMEOUT = 78,
	OPT_NOSIGNAL = 99,
	OPT_PROTOCOLS = 181,
	OPT_REDIR_PROTOCOLS = 182
};
enum { PROTOCOL_HTTP = 1, PROTOCOL_HTTPS = 2 };
enum { INFO_RESPONSE_CODE = 0x200002 };
int curl_global_init(long flags);
CURL *curl_easy_init(void);
int curl_easy_setopt(CURL *c, int option, ...);
int curl_easy_perform(CURL *c);
int curl_easy_getinfo(CURL *c, int info, ...);
void curl_easy_cleanup(CURL *c);
const char *curl_easy_strerror(int code);
struct curl_slist *curl_slist_append(struct curl_slist *l, const char *s);
void curl_slist_free_all(struct curl_slist *l);

#define FUNCTIONS(X) \
	X(curl_global_init) \
	X(curl_easy_init) \
	X(curl_easy_setopt) \
	X(curl_easy_perform) \
	X(curl_easy_getinfo) \
	X(curl_easy_cleanup) X(curl_easy_strerror) X(curl_slist_append) X(curl_slist_free_all)
static struct {
	FUNCTIONS(LIBRARY_POINTER)
} web;
static const char *const names[] = { FUNCTIONS(LIBRARY_NAME) };

/* By whatever name the system has it. */
static int need_library(struct err *e)
{
	static struct library kinds[] = { LIBRARY("libcurl.so.4", names, &web),
					  LIBRARY("libcurl-gnutls.so.4", names, &web),
					  LIBRARY("libcurl.4.dylib", names, &web) };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (library_need(&kinds[i], e) == 0) {
			web.curl_global_init(CURL_GLOBAL_ALL);
			return 0;
		}
	return err_set(e, ERR_SYSTEM, "libcurl is missing (run ./quickstart)");
}

static size_t take_body(const char *p, size_t size, size_t n, void *user)
{
	struct fetch *f = user;
	if (f->body.n + size * n > f->bytes_max)
		return 0;
	buf_add(&f->body, p, size * n);
	return size * n;
}

static size_t take_header(const char *p, size_t size, size_t n, void *user)
{
	static const char name[] = "etag:";
	struct fetch *f = user;
	struct text t = { p, size * n };
	if (t.n > 5 && strncasecmp(t.p, "HTTP/", 5) == 0)
		*f->answer_etag = 0; /* of another answer, before a redirection */
	if (t.n < sizeof name - 1 || strncasecmp(t.p, name, sizeof name - 1) != 0)
		return size * n;
	t.p += sizeof name - 1;
	t.n -= sizeof name - 1;
	while (t.n && (*t.p == ' ' || *t.p == '\t'))
		t.p++, t.n--;
	while (t.n && (t.p[t.n - 1] == '\r' || t.p[t.n - 1] == '\n' || t.p[t.n - 1] == ' '))
		t.n--;
	if (t.n < sizeof f->answer_etag)
		snprintf(f->answer_etag, sizeof f->answer_etag, "%.*s", (int)t.n, t.p);
	return size * n;
}

static bool is_local(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1", "http://localhost",
					     "http://[::1]" };
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		size_t n = strlen(hosts[i]);
		if (strncmp(url, hosts[i], n) == 0 && (url[n] == ':' || url[n] == '/'))
			return true;
	}
	return false;
}

/* The certificates that are trusted in place of the system's, as the command curl is told of them;
 * NULL: the system's. */
static const char *trusted(void)
{
	static const char *const variables[] = { "CURL_CA_BUNDLE", "SSL_CERT_FILE" };
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *file = getenv(variables[i]);
		if (file && *file)
			return file;
	}
	return NULL;
}

static int say_failure(const struct fetch *f, int code, struct err *e)
{
	enum { WRITE_ERROR = 23, TIMED_OUT = 28, UNTRUSTED = 60, BAD_CERTIFICATES = 77 };
	if (code == WRITE_ERROR)
		return err_set(e, ERR_RANGE, "%s is larger than %zu KiB", f->url,
			       f->bytes_max >> 10);
	if (code == TIMED_OUT)
		return err_set(e, ERR_UNREADABLE,
			       "%s did not come in the time that there was; " ASKED(
				       "timeout") " gives it more",
			       f->url);
	err_set(e, ERR_UNREADABLE, "%s: %s", f->url, web.curl_easy_strerror(code));
	if (code == UNTRUSTED || code == BAD_CERTIFICATES)
		err_set(e, ERR_UNREADABLE, "%s: %s; trusted are %s%s", f->url,
			web.curl_easy_strerror(code),
			trusted() ? "those of "
				  : "the system's certificates ($SSL_CERT_FILE "
				    "names others)",
			trusted() ? trusted() : "");
	return -ERR_UNREADABLE;
}

int fetch_url(struct fetch *f, struct err *e)
{
	const bool local = is_local(f->url);
	if (!local && strncmp(f->url, "https://", 8) != 0)
		return err_set(e, ERR_USAGE, "'%s' is not an https:// address", f->url);
	int rc = need_library(e);
	if (rc != 0)
		return rc;
	CURL *c = web.curl_easy_init();
	if (!c)
		return err_set(e, ERR_SYSTEM, "libcurl could not start");
	struct curl_slist *headers = NULL;
	struct buf line = { 0 };
	long status = 0;
	if (f->etag && *f->etag) {
		buf_printf(&line, "If-None-Match: %s", f->etag);
		headers = web.curl_slist_append(headers, line.p);
		web.curl_easy_setopt(c, OPT_HTTPHEADER, headers);
	}
	web.curl_easy_setopt(c, OPT_URL, f->url);
	web.curl_easy_setopt(c, OPT_USERAGENT, "tally");
	web.curl_easy_setopt(c, OPT_PROTOCOLS,
			     (long)(local ? PROTOCOL_HTTP | PROTOCOL_HTTPS : PROTOCOL_HTTPS));
	web.curl_easy_setopt(c, OPT_REDIR_PROTOCOLS, (long)PROTOCOL_HTTPS);
	web.curl_easy_setopt(c, OPT_FOLLOWLOCATION, 1L);
	web.curl_easy_setopt(c, OPT_MAXREDIRS, 5L);
	web.curl_easy_setopt(c, OPT_NOSIGNAL, 1L);
	web.curl_easy_setopt(c, OPT_CONNECTTIMEOUT, 10L);
	web.curl_easy_setopt(c, OPT_TIMEOUT_MS, (long)f->ms_most);
	web.curl_easy_setopt(c, OPT_WRITEFUNCTION, take_body);
	web.curl_easy_setopt(c, OPT_WRITEDATA, f);
	web.curl_easy_setopt(c, OPT_HEADERFUNCTION, take_header);
	web.curl_easy_setopt(c, OPT_HEADERDATA, f);
	if (trusted())
		web.curl_easy_setopt(c, OPT_CAINFO, trusted());
	int failed = web.curl_easy_perform(c);
	web.curl_easy_getinfo(c, INFO_RESPONSE_CODE, &status);
	f->status = (int)status;
	if (failed)
		rc = say_failure(f, failed, e);
	web.curl_slist_free_all(headers);
	web.curl_easy_cleanup(c);
	buf_release(&line);
	return rc;
}
