/*
 * tokens: who may do what at the server.
 *
 * A file of lines `NAME SCOPES CUSTOMER HASH`: scopes of read, write and admin, joined by commas;
 * customer a name, or * for all; hash the SHA-256 of the token in hexadecimal. The tokens
 * themselves are stored nowhere. Blank lines and lines that begin with # do not count.
 */
#ifndef TALLY_SERVER_TOKENS_H
#define TALLY_SERVER_TOKENS_H

#include "base/err.h"
#include "base/text.h"

enum token_scope { SCOPE_READ = 1, SCOPE_WRITE = 2, SCOPE_ADMIN = 4 };

struct token_grant {
	const char *name, *customer; /* customer NULL: all */
	unsigned scopes;
};

struct tokens;
/* Errors: ERR_NOT_FOUND, ERR_UNREADABLE, ERR_INVALID with file and line. */
int tokens_open(struct tokens **out, const char *path, struct err *e);
void tokens_close(struct tokens *t);
/* What the token allows; NULL when it is unknown. Takes the same time for every token. */
const struct token_grant *tokens_find(const struct tokens *t, struct text token);

/* A new random token (43 characters and a NUL), and the hash to store (64 and a NUL). */
int token_make(char token[48], char hash[65], struct err *e);

#endif
