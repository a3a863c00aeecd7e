#include "server/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* "HOST:PORT" with an IPv4 or bracketed IPv6 address; "localhost" is 127.0.0.1. */
static int parse_address(const char *text, struct sockaddr_storage *out, socklen_t *n,
			 bool *loopback, struct err *e)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : -1;
	size_t len = colon ? (size_t)(colon - text) : 0;
	memset(out, 0, sizeof *out);
	if (!colon || port < 0 || port > 65535 || *end || end == colon + 1 || len >= sizeof host)
		return err_set(e, ERR_USAGE, ASKED("listen") " %s: an address is HOST:PORT", text);
	memcpy(host, text, len);
	host[len] = 0;
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	if (*host == '[' && len > 2 && host[len - 1] == ']') {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)(void *)out;
		host[len - 1] = 0;
		a->sin6_family = AF_INET6;
		a->sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, host + 1, &a->sin6_addr) != 1)
			return err_set(e, ERR_USAGE,
				       ASKED("listen") " %s: '%s' is not an IPv6 address", text,
				       host + 1);
		*loopback = IN6_IS_ADDR_LOOPBACK(&a->sin6_addr);
		*n = sizeof *a;
		return 0;
	}
	struct sockaddr_in *a = (struct sockaddr_in *)(void *)out;
	a->sin_family = AF_INET;
	a->sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &a->sin_addr) != 1)
		return err_set(e, ERR_USAGE,
			       ASKED("listen") " %s: '%s' is not an address; write one such as "
					       "127.0.0.1:8687",
			       text, host);
	*loopback = (ntohl(a->sin_addr.s_addr) >> 24) == 127;
	*n = sizeof *a;
	return 0;
}

int address_parse_and_bind(struct listener *out, const char *text, struct err *e)
{
	struct sockaddr_storage address;
	socklen_t n;
	int yes = 1;
	out->socket = -1;
	int rc = parse_address(text, &address, &n, &out->loopback, e);
	if (rc != 0)
		return rc;
	out->socket = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (out->socket >= 0)
		setsockopt(out->socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (out->socket < 0 || bind(out->socket, (struct sockaddr *)&address, n) != 0)
		return err_set(e, ERR_SYSTEM, "could not listen on %s: %s", text, strerror(errno));
	if (getsockname(out->socket, (struct sockaddr *)&address, &n) == 0)
		out->port = ntohs(address.ss_family == AF_INET6
					  ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
					  : ((struct sockaddr_in *)(void *)&address)->sin_port);
	return 0;
}

int address_listen(const struct listener *l, const char *text, struct err *e)
{
	return listen(l->socket, 1024) == 0 ? 0
					    : err_set(e, ERR_SYSTEM, "could not listen on %s: %s",
						      text, strerror(errno));
}

/* As IPv6, into which IPv4 is mapped. */
static bool parse_literal(const char *name, struct in6_addr *out)
{
	struct in_addr four;
	if (inet_pton(AF_INET6, name, out) == 1)
		return true;
	if (inet_pton(AF_INET, name, &four) != 1)
		return false;
	memset(out, 0, sizeof *out);
	out->s6_addr[10] = out->s6_addr[11] = 0xFF;
	memcpy(out->s6_addr + 12, &four, 4);
	return true;
}

static bool is_own(const struct in6_addr *a, int connection)
{
	struct sockaddr_storage to;
	socklen_t n = sizeof to;
	struct in6_addr own = { 0 };
	if (IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127))
		return true;
	if (getsockname(connection, (struct sockaddr *)&to, &n) != 0)
		return false;
	if (to.ss_family == AF_INET6) {
		own = ((struct sockaddr_in6 *)(void *)&to)->sin6_addr;
	} else {
		own.s6_addr[10] = own.s6_addr[11] = 0xFF;
		memcpy(own.s6_addr + 12, &((struct sockaddr_in *)(void *)&to)->sin_addr, 4);
	}
	return memcmp(&own, a, sizeof own) == 0;
}

bool address_is_named(const char *host, int connection, const char *const *names)
{
	char name[256];
	struct in6_addr literal;
	const bool bracketed = host && *host == '[';
	if (!host)
		return false;
	host += bracketed;
	size_t n = strcspn(host, bracketed ? "]" : ":");
	if (bracketed && host[n] != ']')
		return false;
	const char *port = host + n + bracketed;
	if (*port && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1)))
		return false;
	if (n && host[n - 1] == '.')
		n--;
	if (n == 0 || n >= sizeof name)
		return false;
	memcpy(name, host, n);
	name[n] = 0;
	if (parse_literal(name, &literal) && is_own(&literal, connection))
		return true;
	for (size_t i = 0; names && names[i]; i++)
		if (!bracketed && strcasecmp(name, names[i]) == 0)
			return true;
	return !bracketed && strcasecmp(name, "localhost") == 0;
}
