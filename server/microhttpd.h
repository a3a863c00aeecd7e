/* microhttpd: the functions of libmicrohttpd, loaded when a server starts. */
#ifndef TALLY_SERVER_MICROHTTPD_H
#define TALLY_SERVER_MICROHTTPD_H

#include <microhttpd.h>

#include "base/library.h"

#define MICROHTTPD_FUNCTIONS(X) \
	X(MHD_start_daemon) \
	X(MHD_stop_daemon) \
	X(MHD_quiesce_daemon) \
	X(MHD_suspend_connection) \
	X(MHD_resume_connection) \
	X(MHD_lookup_connection_value) \
	X(MHD_http_unescape) \
	X(MHD_get_connection_values) \
	X(MHD_get_connection_info) \
	X(MHD_create_response_from_buffer) \
	X(MHD_create_response_from_callback) \
	X(MHD_add_response_header) \
	X(MHD_queue_response) \
	X(MHD_destroy_response)

struct microhttpd {
	MICROHTTPD_FUNCTIONS(LIBRARY_POINTER)
};
extern struct microhttpd microhttpd;
/* Before anything else. Errors: ERR_SYSTEM. */
int microhttpd_need(struct err *e);

#endif
