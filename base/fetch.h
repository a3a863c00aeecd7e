/*
 * fetch: a file over HTTPS (libcurl, loaded when it is first asked for).
 *
 * Plain HTTP is taken from this machine only. What fails leaves nothing behind. $CURL_CA_BUNDLE,
 * else $SSL_CERT_FILE, names the certificates that are trusted in place of the system's; proxies
 * are those of $https_proxy.
 */
#ifndef TALLY_BASE_FETCH_H
#define TALLY_BASE_FETCH_H

#include "base/err.h"
#include "base/text.h"

enum { FETCH_ETAG_MAX = 200 };

struct fetch {
	const char *url;
	const char *etag; /* of the copy that is there, or NULL */
	size_t bytes_max;
	int64_t ms_most; /* for all of it, in milliseconds; at least 1 */
	/* the answer */
	struct buf body; /* the caller's, appended */
	int status;	 /* 200, 304, 404, ... */
	char answer_etag[FETCH_ETAG_MAX];
};

/* Errors: ERR_USAGE (no https URL), ERR_SYSTEM (no libcurl), ERR_UNREADABLE (offline, refused,
 * timed out, cut off), ERR_RANGE (larger than bytes_max). Any HTTP status is an answer. */
int fetch_url(struct fetch *f, struct err *e);

#endif
