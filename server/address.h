/* address: where the server listens, and by which names it is asked. */
#ifndef TALLY_SERVER_ADDRESS_H
#define TALLY_SERVER_ADDRESS_H

#include "base/err.h"
#include "base/text.h"

struct listener {
	int socket, port;
	bool loopback; /* only this machine can reach it */
};
/* "HOST:PORT" with an IPv4 or bracketed IPv6 address; "localhost" is 127.0.0.1. Errors: ERR_USAGE,
 * ERR_SYSTEM. */
int address_parse_and_bind(struct listener *out, const char *text, struct err *e);
int address_listen(const struct listener *l, const char *text, struct err *e);

/*
 * Whether a Host header names this server: localhost, an address of this machine's own
 * (127.0.0.0/8,
 * ::1), the address that the connection came to, or one of the names (ended by NULL). The port does
 * not count, nor do case and a final dot.
 */
bool address_is_named(const char *host, int connection, const char *const *names);

#endif
