/*
 * live: streams of server-sent events that say when something has changed.
 *
 * Each stream gets a snapshot when it opens, whenever it has changed (looked at twice a second),
 * and every 15 seconds. Connections sleep in between.
 */
#ifndef TALLY_SERVER_LIVE_H
#define TALLY_SERVER_LIVE_H

#include <microhttpd.h>

#include "base/text.h"

enum { LIVE_STREAMS_MAX = 200 };

struct live;
/* snapshot appends one line of JSON; called from a thread of live's own. */
struct live *live_open(void (*snapshot)(void *user, struct buf *out), void *user);
/* NULL when there are too many streams. may: whether it may still be told, asked before each event;
 * the stream ends with its right. */
struct MHD_Response *live_stream(struct live *l, struct MHD_Connection *c, bool (*may)(void *user),
				 void *user);
/* Ends all streams; before the daemon stops. */
void live_end(struct live *l);
/* After it. */
void live_close(struct live *l);

#endif
