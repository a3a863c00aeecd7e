#include "base/err.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static const struct {
	const char *name;
	int exit_status, http_status;
	const char *meaning;
} codes[] = { [ERR_NONE] = { "none", 0, 200, "no error" },
#define X(code, name, exit_status, http_status, meaning) \
	[code] = { name, exit_status, http_status, meaning },
	      ERR_CODES(X)
#undef X
};

static atomic_bool as_options;

void err_name_options(bool yes)
{
	as_options = yes;
}

/* What ASKED marked, as options or as it is. A message that is too long for it loses its end. */
static void put_names(char *message, size_t size)
{
	static const char dashes[] = "--";
	const size_t more = as_options ? strlen(dashes) : 0;
	for (char *p = message; (p = strchr(p, ASKED("")[0])); p += more) {
		const size_t at = (size_t)(p - message);
		if (at + more >= size - 1) {
			*p = 0;
			break;
		}
		const size_t room = size - 1 - at - more;
		const size_t rest = strlen(p + 1) < room ? strlen(p + 1) : room;
		memmove(p + more, p + 1, rest);
		memcpy(p, dashes, more);
		p[more + rest] = 0;
	}
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		va_start(ap, fmt);
		e->code = code;
		vsnprintf(e->message, sizeof e->message, fmt, ap);
		va_end(ap);
		put_names(e->message, sizeof e->message);
	}
	return -(int)code;
}

int err_pass(struct err *e, const struct err *noted)
{
	if (e) {
		e->code = noted->code;
		memcpy(e->message, noted->message, sizeof e->message);
	}
	return -(int)noted->code;
}

enum { HEAD_MAX = 256 };

static void put_in_front(struct err *e, const char *head)
{
	char tail[sizeof e->message];
	memcpy(tail, e->message, sizeof tail);
	int used = snprintf(e->message, sizeof e->message, "%s: ", head);
	snprintf(e->message + used, sizeof e->message - (size_t)used, "%.*s",
		 (int)(sizeof e->message - (size_t)used - 1), tail);
	put_names(e->message, sizeof e->message);
}

int err_context(struct err *e, const char *fmt, ...)
{
	if (!e)
		return -1;
	char head[HEAD_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	put_in_front(e, head);
	return -(int)e->code;
}

static _Thread_local struct {
	const struct err *of;
	struct err_list *all;
} gathering;

void err_gather(const struct err *e, struct err_list *all)
{
	gathering.of = e;
	gathering.all = all;
}

static struct err_list *list_of(const struct err *e)
{
	return e && gathering.of == e ? gathering.all : NULL;
}

int err_next(struct err *e, int rc)
{
	struct err_list *l = list_of(e);
	if (rc == 0 || !l || l->count == ERR_LIST_MOST)
		return rc;
	l->fault = mem_grow(l->fault, (l->count + 1) * sizeof *l->fault);
	l->fault[l->count++] = *e;
	return 0;
}

size_t err_noted(const struct err *e)
{
	const struct err_list *l = list_of(e);
	return l ? l->count : 0;
}

int err_within(struct err *e, size_t from, int rc, const char *fmt, ...)
{
	if (!e)
		return rc;
	char head[HEAD_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	for (size_t i = from; i < err_noted(e); i++)
		put_in_front(&gathering.all->fault[i], head);
	if (rc != 0)
		put_in_front(e, head);
	return rc;
}

void err_list_release(struct err_list *l)
{
	free(l->fault);
	*l = (struct err_list){ 0 };
}

const char *err_name(enum err_code code)
{
	return codes[code].name;
}

int err_exit_status(enum err_code code)
{
	return codes[code].exit_status;
}

int err_http_status(enum err_code code)
{
	return codes[code].http_status;
}

const char *err_meaning(enum err_code code)
{
	return codes[code].meaning;
}

void err_check_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "tally: internal fault at %s:%d: %s does not hold\n", file, line, what);
	abort();
}
