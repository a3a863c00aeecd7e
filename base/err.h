/*
 * err: what went wrong, told once by whoever saw it.
 *
 * Owns the list of error codes with their exit and HTTP status. Never prints; only cli/ does.
 */
#ifndef TALLY_BASE_ERR_H
#define TALLY_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* code, name in JSON, exit status, HTTP status, meaning (docs/errors.md is printed from this table)
 */
#define ERR_CODES(X) \
	X(ERR_USAGE, "usage", 2, 400, "the command line or its options are wrong") \
	X(ERR_NOT_FOUND, "not_found", 1, 404, \
	  "a file, model, provider, plan or zone does not exist") \
	X(ERR_UNREADABLE, "unreadable", 1, 500, "a file exists but cannot be read or decoded") \
	X(ERR_INVALID, "invalid", 1, 422, "content breaks the rules of its format") \
	X(ERR_RANGE, "out_of_range", 1, 422, "a number cannot be held exactly") \
	X(ERR_UNPRICED, "unpriced", 1, 422, "no price applies, so there is no amount") \
	X(ERR_RETIRED, "retired", 1, 410, "the name was valid once and is not any more") \
	X(ERR_AMBIGUOUS, "ambiguous", 1, 409, "several vendors sell this model; name one") \
	X(ERR_CONFLICT, "conflict", 1, 409, "the same id stands for something else already") \
	X(ERR_DENIED, "denied", 1, 403, "the token does not allow it") \
	X(ERR_TOO_LARGE, "too_large", 1, 413, "more than is held in memory for one question") \
	X(ERR_BUSY, "busy", 1, 429, "too much is under way; try again") \
	X(ERR_ARCHIVED, "archived", 3, 409, "it needs records that are archived") \
	X(ERR_LIMIT, "limit", 4, 402, "a budget or a balance does not allow it") \
	X(ERR_MISMATCH, "mismatch", 5, 409, "two things that must match do not") \
	X(ERR_STORE, "store", 1, 503, "the database could not be read or written") \
	X(ERR_SYSTEM, "system", 1, 500, "the operating system refused")

enum err_code {
	ERR_NONE = 0,
#define X(code, name, exit_status, http_status, meaning) code,
	ERR_CODES(X)
#undef X
};

/*
 * The name of something that was asked for, inside of a message: `since` to whoever calls, and the
 * option `--since` to who typed a command. Only the command line knows that there are options.
 */
#define ASKED(name) "\001" name
/* Whether messages name options, from now on, in every thread: true in a command. */
void err_name_options(bool as_options);

/* Means nothing until it is set: callers leave its memory as it is. */
struct err {
	enum err_code code;
	char message[600];
};

/* All faults of what is read, in its order, of readers that can go on behind one. */
struct err_list {
	struct err *fault;
	size_t count;
};
enum { ERR_LIST_MOST = 1000 };

/* Fills *e (which may be NULL) and returns -code, so that callers can `return err_set(...)`. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Tells what was noted elsewhere, to a caller that may not ask (e NULL); returns -code. */
int err_pass(struct err *e, const struct err *noted);
/* Puts "prefix: " in front of the message; the code stays. Returns -code. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From here on readers in this thread that are given e go on behind a fault, and all of them are
 * noted in *all; err_gather(NULL, NULL) ends it. */
void err_gather(const struct err *e, struct err_list *all);
/*
 * The way on behind a part that ended with rc: 0 where e takes all faults (and this one is noted),
 * else rc. What is read afterwards must not need what is missing.
 */
int err_next(struct err *e, int rc);
/* How many are noted. */
size_t err_noted(const struct err *e);
/* As err_context where rc is not 0, and for the faults that were noted behind the first `from`.
 * Returns rc. */
int err_within(struct err *e, size_t from, int rc, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void err_list_release(struct err_list *l);

const char *err_name(enum err_code code);
int err_exit_status(enum err_code code);
int err_http_status(enum err_code code);
const char *err_meaning(enum err_code code);

/* A broken promise of our own code; always compiled in. Never for what a user or a file can cause.
 */
#define CHECK(cond) ((cond) ? (void)0 : err_check_failed(#cond, __FILE__, __LINE__))
_Noreturn void err_check_failed(const char *what, const char *file, int line);

#endif
