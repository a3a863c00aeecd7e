#include "base/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/library.h"

#define FUNCTIONS(X) X(gnutls_hash_fast) X(gnutls_strerror)
static struct {
	FUNCTIONS(LIBRARY_POINTER)
} tls;
static const char *const names[] = { FUNCTIONS(LIBRARY_NAME) };
static struct library library = LIBRARY(library_gnutls, names, &tls);

int digest_sha256(uint8_t out[DIGEST_BYTES], struct text t, struct err *e)
{
	int rc = library_need(&library, e);
	if (rc != 0)
		return rc;
	int failed = tls.gnutls_hash_fast(GNUTLS_DIG_SHA256, t.p, t.n, out);
	return failed ? err_set(e, ERR_SYSTEM, "SHA-256: %s", tls.gnutls_strerror(failed)) : 0;
}
