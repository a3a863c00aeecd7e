#include "server/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

enum { TOKENS_BYTES_MAX = 1 << 20 };

struct set {
	struct arena arena;
	struct token_grant *known; /* names and customers are in the arena */
	size_t count;
};

/* What tells one state of the file from another. */
struct looks {
	bool there;
	int64_t at_s, at_ns, bytes;
	uint64_t inode;
};

struct tokens {
	char *path;
	pthread_rwlock_t lock;
	struct set set;
	struct looks seen;
	bool exposed;
};

static bool from_hex(struct text hex, uint8_t out[DIGEST_BYTES])
{
	if (hex.n != DIGEST_BYTES * 2)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		char c = hex.p[i];
		int d = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
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

static int read_line(struct set *t, struct text line, struct err *e)
{
	struct text word[5];
	struct token_grant k = { .expires = INSTANT_MAX };
	size_t n = split(line, word, 5);
	if (n == 0 || *word[0].p == '#')
		return 0;
	if (n != 4 && n != 5)
		return err_set(e, ERR_INVALID, "a line is NAME SCOPES CUSTOMER HASH [EXPIRES]");
	if (read_scopes(word[1], &k.scopes) != 0)
		return err_set(e, ERR_INVALID, "scopes are read, write, admin, not '%.*s'",
			       (int)word[1].n, word[1].p);
	if (!from_hex(word[3], k.hash))
		return err_set(e, ERR_INVALID,
			       "the hash must be a SHA-256 in lower-case hexadecimal (make one "
			       "with `tally token`)");
	const int rc = n == 5 ? instant_parse(&k.expires, word[4], e) : 0;
	if (rc != 0)
		return rc;
	k.name = arena_text(&t->arena, word[0].p, word[0].n);
	k.customer = text_is(word[2], "*") ? NULL : arena_text(&t->arena, word[2].p, word[2].n);
	if ((t->count & (t->count - 1)) == 0)
		t->known = mem_grow(t->known, (t->count ? t->count * 2 : 1) * sizeof *t->known);
	t->known[t->count++] = k;
	return 0;
}

static void set_release(struct set *t)
{
	free(t->known);
	arena_release(&t->arena);
	*t = (struct set){ 0 };
}

static int read_set(struct set *t, const char *path, struct err *e)
{
	struct buf b = { 0 };
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
	buf_release(&b);
	if (rc != 0)
		set_release(t);
	return rc;
}

static struct looks look_at(const char *path, bool *exposed)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return (struct looks){ 0 };
	*exposed = (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
	return (struct looks){ true, st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_size, st.st_ino };
}

static bool same_looks(const struct looks *a, const struct looks *b)
{
	return a->there == b->there && a->at_s == b->at_s && a->at_ns == b->at_ns &&
	       a->bytes == b->bytes && a->inode == b->inode;
}

int tokens_open(struct tokens **out, const char *path, struct err *e)
{
	struct tokens *t = mem_zalloc(sizeof *t);
	t->path = mem_text(path);
	pthread_rwlock_init(&t->lock, NULL);
	t->seen = look_at(path, &t->exposed);
	int rc = read_set(&t->set, path, e);
	if (rc == 0 && t->set.count == 0)
		rc = err_set(e, ERR_INVALID, "'%s' holds no token", path);
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
	set_release(&t->set);
	pthread_rwlock_destroy(&t->lock);
	free(t->path);
	free(t);
}

int tokens_refresh(struct tokens *t, struct err *e)
{
	bool exposed = false;
	const struct looks now = look_at(t->path, &exposed);
	struct set fresh = { 0 };
	pthread_rwlock_rdlock(&t->lock);
	const bool same = same_looks(&now, &t->seen);
	pthread_rwlock_unlock(&t->lock);
	if (same)
		return 0;
	int rc = read_set(&fresh, t->path, e);
	pthread_rwlock_wrlock(&t->lock);
	t->seen = now;
	t->exposed = exposed;
	struct set old = t->set;
	if (rc == 0)
		t->set = fresh;
	pthread_rwlock_unlock(&t->lock);
	if (rc == 0)
		set_release(&old);
	return rc == 0 ? 1 : rc;
}

bool tokens_are_exposed(const struct tokens *t)
{
	return t->exposed;
}

void token_grant_release(struct token_grant *g)
{
	free(g->name);
	free(g->customer);
	*g = (struct token_grant){ 0 };
}

bool tokens_find_hash(struct tokens *t, const uint8_t hash[DIGEST_BYTES], struct instant now,
		      struct token_grant *out)
{
	const struct token_grant *found = NULL;
	pthread_rwlock_rdlock(&t->lock);
	for (size_t i = 0; i < t->set.count; i++) {
		uint8_t differ = 0;
		for (int k = 0; k < DIGEST_BYTES; k++)
			differ |= hash[k] ^ t->set.known[i].hash[k];
		found = differ || t->set.known[i].expires.us <= now.us ? found : &t->set.known[i];
	}
	if (found) {
		*out = *found;
		out->name = mem_text(found->name);
		out->customer = found->customer ? mem_text(found->customer) : NULL;
	}
	pthread_rwlock_unlock(&t->lock);
	return found != NULL;
}

void tokens_each(struct tokens *t, void (*take)(void *user, const struct token_grant *g),
		 void *user)
{
	pthread_rwlock_rdlock(&t->lock);
	for (size_t i = 0; i < t->set.count; i++)
		take(user, &t->set.known[i]);
	pthread_rwlock_unlock(&t->lock);
}

bool tokens_find(struct tokens *t, struct text token, struct instant now, struct token_grant *out)
{
	uint8_t hash[DIGEST_BYTES];
	return digest_sha256(hash, token, NULL) == 0 && tokens_find_hash(t, hash, now, out);
}

int token_make(char token[48], uint8_t hash[DIGEST_BYTES], struct err *e)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t random[32];
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return err_set(e, ERR_SYSTEM, "could not read random bytes");
	size_t n = 0;
	for (size_t bit = 0; bit + 6 <= sizeof random * 8; bit += 6) {
		unsigned two = (unsigned)random[bit / 8] << 8 |
			       (bit / 8 + 1 < sizeof random ? random[bit / 8 + 1] : 0);
		token[n++] = digits[two >> (10 - bit % 8) & 63];
	}
	token[n] = 0;
	return digest_sha256(hash, (struct text){ token, n }, e);
}

static int failed(const char *path, int fd, struct err *e)
{
	const int why = errno;
	if (fd >= 0)
		close(fd);
	return err_set(e, why == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "could not write '%s': %s",
		       path, strerror(why));
}

const char *tokens_path(const struct tokens *t)
{
	return t->path;
}

int token_line(struct buf *out, const struct token_wish *w, const uint8_t hash[DIGEST_BYTES],
	       struct err *e)
{
	static const char blanks[] = " \t\r\n";
	char when[INSTANT_TEXT_MAX];
	unsigned scopes;
	if (!*w->name || *w->name == '#' || strpbrk(w->name, blanks) ||
	    (w->customer && strpbrk(w->customer, blanks)))
		return err_set(e, ERR_USAGE,
			       "token and customer names must not contain blanks, nor a token's "
			       "begin with '#'");
	if (w->customer && (!*w->customer || strcmp(w->customer, "*") == 0))
		return err_set(e, ERR_USAGE,
			       "no customer can be called '%s' in a file of tokens; a token of "
			       "all customers names none",
			       w->customer);
	if (read_scopes(text_of(w->scopes), &scopes) != 0)
		return err_set(e, ERR_USAGE, "scopes are read, write, admin, not '%s'", w->scopes);
	buf_printf(out, "%s %s %s ", w->name, w->scopes, w->customer ? w->customer : "*");
	for (int i = 0; i < DIGEST_BYTES; i++)
		buf_printf(out, "%02x", hash[i]);
	if (w->expires.us != INSTANT_MAX.us)
		buf_printf(out, " %s", instant_format(w->expires, when));
	return 0;
}

int tokens_append(const char *path, struct text line, struct err *e)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
	struct buf whole = { 0 };
	struct stat st;
	char last = '\n';
	/* a line that was written by hand may lack its end */
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
	    pread(fd, &last, 1, st.st_size - 1) != 1)
		return failed(path, fd, e);
	buf_printf(&whole, "%s%.*s\n", last == '\n' ? "" : "\n", (int)line.n, line.p);
	const bool written =
		fd >= 0 && write(fd, whole.p, whole.n) == (ssize_t)whole.n && fsync(fd) == 0;
	buf_release(&whole);
	if (!written)
		return failed(path, fd, e);
	return close(fd) == 0 ? 0 : failed(path, -1, e);
}

/* As the old one, so that who could read that can read this: a server that cannot goes on with the
 * tokens that it knows. */
static bool take_after(int fd, const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0 &&
	       fchmod(fd, st.st_mode & 0777) == 0;
}

/* A new file takes the old one's place, so that a server never reads half of one. */
static int replace(const char *path, struct text content, struct err *e)
{
	struct buf name = { 0 };
	buf_printf(&name, "%s.XXXXXX", path);
	const int fd = mkostemp(name.p, O_CLOEXEC);
	int rc = 0;
	if (fd < 0 || !take_after(fd, path) ||
	    write(fd, content.p, content.n) != (ssize_t)content.n || fsync(fd) != 0)
		rc = failed(path, fd, e);
	else if (close(fd) != 0 || rename(name.p, path) != 0)
		rc = failed(path, -1, e);
	if (rc != 0 && fd >= 0)
		unlink(name.p);
	buf_release(&name);
	return rc;
}

int tokens_revoke(const char *path, const char *name, int *lines, struct err *e)
{
	struct buf b = { 0 }, kept = { 0 };
	/* of a link what it leads to: a server may know the file by its own name */
	char *real = realpath(path, NULL);
	int rc = file_read(&b, path, TOKENS_BYTES_MAX, e);
	*lines = 0;
	for (size_t i = 0; rc == 0 && i < b.n;) {
		const char *nl = memchr(b.p + i, '\n', b.n - i);
		const size_t n = nl ? (size_t)(nl - (b.p + i)) + 1 : b.n - i;
		struct text word;
		if (split((struct text){ b.p + i, n - (nl != NULL) }, &word, 1) &&
		    text_is(word, name))
			++*lines;
		else
			buf_add(&kept, b.p + i, n);
		i += n;
	}
	if (rc == 0 && *lines == 0)
		rc = err_set(e, ERR_NOT_FOUND, "'%s' has no token '%s'", path, name);
	if (rc == 0)
		rc = replace(real ? real : path, (struct text){ kept.p ? kept.p : "", kept.n }, e);
	free(real);
	buf_release(&b);
	buf_release(&kept);
	return rc;
}
