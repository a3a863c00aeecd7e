#include "server/microhttpd.h"

struct microhttpd microhttpd;
static const char *const names[] = { MICROHTTPD_FUNCTIONS(LIBRARY_NAME) };
static struct library library = LIBRARY(library_microhttpd, names, &microhttpd);

int microhttpd_need(struct err *e)
{
	return library_need(&library, e);
}
