#include "server/routes.h"

#include <string.h>

#include "server/answers.h"
#include "server/http.h"

enum { BODY = HTTP_BODY_MAX, SETTINGS = HTTP_COMMAND_BODY_MAX, TOKEN = 1000 };

static const struct http_route routes[] = {
#define ROUTE(...) { __VA_ARGS__ },
#define GET(path, scope, data, its) { "GET", path, scope, data, ROUTE_ASK, 0, false, its, false },
#define GET_LONG(path, scope, data, its) \
	{ "GET", path, scope, data, ROUTE_ASK, 0, true, its, false },
#define POST(path, scope, data, its, uploads) \
	{ "POST", path, scope, data, ROUTE_ASK, SETTINGS, true, its, uploads },
#define CHANGE(path, its) POST(path, SCOPE_ADMIN, DATA_ALL, its, false)
#include "server/routes.def"
#undef ROUTE
#undef GET
#undef GET_LONG
#undef POST
#undef CHANGE
	{ 0 },
};

/* One * may stand for anything but nothing. */
static bool fits(const char *pattern, const char *path, struct text *rest)
{
	const char *star = strchr(pattern, '*');
	*rest = (struct text){ 0 };
	if (!star)
		return strcmp(pattern, path) == 0;
	const size_t before = (size_t)(star - pattern), after = strlen(star + 1), n = strlen(path);
	if (n <= before + after || strncmp(pattern, path, before) != 0 ||
	    strcmp(path + n - after, star + 1) != 0)
		return false;
	*rest = (struct text){ path + before, n - before - after };
	return true;
}

const struct http_route *route_find(const char *method, const char *path, struct text *rest,
				    bool *known)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	*known = false;
	for (const struct http_route *r = routes; r->method; r++) {
		if (!fits(r->path, path, rest))
			continue;
		*known = true;
		if (strcmp(r->method, wanted) == 0)
			return r;
	}
	return NULL;
}
