#include "server/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/file.h"

enum { TOKENS_BYTES_MAX = 1 << 20 };

struct known {
	struct token_grant grant;
	uint8_t hash[DIGEST_BYTES];
};

struct tokens {
	struct arena arena;
	struct known *known;
	size_t count;
};

static bool from_hex(struct text hex, uint8_t out[DIGEST_BYTES])
{
	if (hex.n != DIGEST_BYTES * 2)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		char c = hex.p[i];
		int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
		if (d < 0)
			return false;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | d : d << 4);
	}
	return true;
}

/* Words of a line, up to `most`; returns how many there are. */
static size_t split(struct text line, struct text *word, size_t most)
{
	size_t n = 0;
	for (size_t i = 0; i < line.n;) {
		while (i < line.n && strchr(" \t\r", line.p[i]))
			i++;
		size_t from = i;
		while (i < line.n && !strchr(" \t\r", line.p[i]))
			i++;
		if (i > from) {
			if (n < most)
				word[n] = (struct text){ line.p + from, i - from };
			n++;
		}
	}
	return n;
}

static int read_scopes(struct text words, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i <= words.n;) {
		size_t n = 0;
		while (i + n < words.n && words.p[i + n] != ',')
			n++;
		struct text w = { words.p + i, n };
		if (text_is(w, "read"))
			*out |= SCOPE_READ;
		else if (text_is(w, "write"))
			*out |= SCOPE_WRITE;
		else if (text_is(w, "admin"))
			*out |= SCOPE_ADMIN | SCOPE_READ | SCOPE_WRITE;
		else
			return -1;
		i += n + 1;
	}
	return 0;
}

static int read_line(struct tokens *t, struct text line, struct err *e)
{
	struct text word[4];
	struct known k = { 0 };
	size_t n = split(line, word, 4);
	if (n == 0 || *word[0].p == '#')
		return 0;
	if (n != 4)
		return err_set(e, ERR_INVALID, "a line is NAME SCOPES CUSTOMER HASH");
	if (read_scopes(word[1], &k.grant.scopes) != 0)
		return err_set(e, ERR_INVALID, "scopes are read, write, admin, not '%.*s'",
			       (int)word[1].n, word[1].p);
	if (!from_hex(word[3], k.hash))
		return err_set(e, ERR_INVALID,
			       "the hash must be a SHA-256 in lower-case hexadecimal (make one "
			       "with `tally token`)");
	k.grant.name = arena_text(&t->arena, word[0].p, word[0].n);
	k.grant.customer =
		text_is(word[2], "*") ? NULL : arena_text(&t->arena, word[2].p, word[2].n);
	if ((t->count & (t->count - 1)) == 0)
		t->known = mem_grow(t->known, (t->count ? t->count * 2 : 1) * sizeof *t->known);
	t->known[t->count++] = k;
	return 0;
}

int tokens_open(struct tokens **out, const char *path, struct err *e)
{
	struct buf b = { 0 };
	struct tokens *t = mem_zalloc(sizeof *t);
	int rc = file_read(&b, path, TOKENS_BYTES_MAX, e), number = 0;
	for (size_t i = 0; rc == 0 && i < b.n;) {
		const char *nl = memchr(b.p + i, '\n', b.n - i);
		size_t n = nl ? (size_t)(nl - (b.p + i)) : b.n - i;
		number++;
		rc = read_line(t, (struct text){ b.p + i, n }, e);
		if (rc != 0)
			err_context(e, "%s:%d", path, number);
		i += n + 1;
	}
	if (rc == 0 && t->count == 0)
		rc = err_set(e, ERR_INVALID, "'%s' holds no token", path);
	buf_release(&b);
	if (rc != 0) {
		tokens_close(t);
		return rc;
	}
	*out = t;
	return 0;
}

void tokens_close(struct tokens *t)
{
	if (!t)
		return;
	free(t->known);
	arena_release(&t->arena);
	free(t);
}

const struct token_grant *tokens_find(const struct tokens *t, struct text token)
{
	uint8_t hash[DIGEST_BYTES];
	const struct token_grant *found = NULL;
	if (digest_sha256(hash, token, NULL) != 0)
		return NULL;
	for (size_t i = 0; i < t->count; i++) {
		uint8_t differ = 0;
		for (int k = 0; k < DIGEST_BYTES; k++)
			differ |= hash[k] ^ t->known[i].hash[k];
		found = differ ? found : &t->known[i].grant;
	}
	return found;
}

int token_make(char token[48], char hash[65], struct err *e)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t random[32], digest[DIGEST_BYTES];
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return err_set(e, ERR_SYSTEM, "the system gives no random bytes");
	size_t n = 0;
	for (size_t bit = 0; bit + 6 <= sizeof random * 8; bit += 6) {
		unsigned two = (unsigned)random[bit / 8] << 8 |
			       (bit / 8 + 1 < sizeof random ? random[bit / 8 + 1] : 0);
		token[n++] = digits[two >> (10 - bit % 8) & 63];
	}
	token[n] = 0;
	int rc = digest_sha256(digest, (struct text){ token, n }, e);
	if (rc != 0)
		return rc;
	for (int i = 0; i < DIGEST_BYTES; i++)
		sprintf(hash + i * 2, "%02x", digest[i]);
	return 0;
}
