#include "base/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/library.h"

#define FUNCTIONS(X) \
	X(gnutls_hash_fast) \
	X(gnutls_hash_init) X(gnutls_hash) X(gnutls_hash_deinit) X(gnutls_strerror)
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

int digest_begin(struct digest_run *r, struct err *e)
{
	gnutls_hash_hd_t state;
	r->state = NULL;
	int rc = library_need(&library, e);
	if (rc != 0)
		return rc;
	int failed = tls.gnutls_hash_init(&state, GNUTLS_DIG_SHA256);
	if (failed)
		return err_set(e, ERR_SYSTEM, "SHA-256: %s", tls.gnutls_strerror(failed));
	r->state = state;
	return 0;
}

int digest_add(struct digest_run *r, struct text t, struct err *e)
{
	int failed = t.n ? tls.gnutls_hash(r->state, t.p, t.n) : 0;
	return failed ? err_set(e, ERR_SYSTEM, "SHA-256: %s", tls.gnutls_strerror(failed)) : 0;
}

void digest_end(struct digest_run *r, uint8_t out[DIGEST_BYTES])
{
	uint8_t none[DIGEST_BYTES];
	if (r->state)
		tls.gnutls_hash_deinit(r->state, out ? out : none);
	r->state = NULL;
}

char *digest_text(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < DIGEST_BYTES; i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	out[2 * DIGEST_BYTES] = 0;
	return out;
}
