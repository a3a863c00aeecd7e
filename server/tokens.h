/*
 * tokens: who may do what at the server.
 *
 * A file of lines `NAME SCOPES CUSTOMER HASH [EXPIRES]`: scopes of read, write and admin, joined by
 * commas; customer a name, or * for all; hash the SHA-256 of the token in hexadecimal; expires an
 * instant, from which the token is worth nothing. The tokens themselves are stored nowhere. Blank
 * lines and lines that begin with # do not count. The file is looked at again whenever it has
 * changed: a line that is taken out ends its token at once.
 */
#ifndef TALLY_SERVER_TOKENS_H
#define TALLY_SERVER_TOKENS_H

#include "base/digest.h"
#include "base/instant.h"

enum token_scope { SCOPE_READ = 1, SCOPE_WRITE = 2, SCOPE_ADMIN = 4 };

struct token_grant {
	char *name, *customer; /* customer NULL: all */
	unsigned scopes;
	struct instant expires;
	uint8_t hash[DIGEST_BYTES];
};
void token_grant_release(struct token_grant *g);

struct tokens;
/* Errors: ERR_NOT_FOUND, ERR_UNREADABLE, ERR_INVALID with file and line. */
int tokens_open(struct tokens **out, const char *path, struct err *e);
void tokens_close(struct tokens *t);
/*
 * Reads the file again where it has changed; any thread may ask. 1: it was read; 0: as it was.
 * Errors: as tokens_open, told once a change; what was known before goes on to hold. A file that
 * holds no line any more allows nobody.
 */
int tokens_refresh(struct tokens *t, struct err *e);
/*
 * What the token allows, into *out for token_grant_release; false when it is unknown or has
 * expired. Takes the same time for every token.
 */
bool tokens_find(struct tokens *t, struct text token, struct instant now, struct token_grant *out);
bool tokens_find_hash(struct tokens *t, const uint8_t hash[DIGEST_BYTES], struct instant now,
		      struct token_grant *out);
/* Each token, without its hash; in the order of the file. */
void tokens_each(struct tokens *t, void (*take)(void *user, const struct token_grant *g),
		 void *user);
/* Whether others than the file's owner may read or write it. */
bool tokens_are_exposed(const struct tokens *t);

/* The file that they are read from. */
const char *tokens_path(const struct tokens *t);

/* A new random token (42 characters and a NUL), and its hash. */
int token_make(char token[48], uint8_t hash[DIGEST_BYTES], struct err *e);
/* Who may use a token that is made, as a person says it. */
struct token_wish {
	const char *name, *scopes; /* scopes: "read,write" */
	const char *customer;	   /* NULL: all */
	struct instant expires;
};
/* The token's line, without its end. Errors: ERR_USAGE where the file could not hold it. */
int token_line(struct buf *out, const struct token_wish *w, const uint8_t hash[DIGEST_BYTES],
	       struct err *e);
/* Appends a line to the file, which is made for its owner alone; takes out the lines of a name and
 * says how many. Errors: ERR_NOT_FOUND, ERR_SYSTEM. */
int tokens_append(const char *path, struct text line, struct err *e);
int tokens_revoke(const char *path, const char *name, int *lines, struct err *e);

#endif
