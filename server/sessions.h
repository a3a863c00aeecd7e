/*
 * sessions: people who signed in to the page. The browser keeps a random name, the server what it
 * stands for, in memory: a session ends when its time is over, when it is signed out, and when the
 * server stops. The token it was begun with is asked for again at each use, by its hash.
 */
#ifndef TALLY_SERVER_SESSIONS_H
#define TALLY_SERVER_SESSIONS_H

#include "server/tokens.h"

enum { SESSION_SECONDS = 12 * 3600, SESSIONS_MOST = 1000, SESSION_NAME_MAX = 48 };

struct sessions;
struct sessions *sessions_open(void);
void sessions_close(struct sessions *s);
/* Where there are too many the oldest ends. Errors: ERR_SYSTEM. */
int sessions_begin(struct sessions *s, const uint8_t token[DIGEST_BYTES], struct instant now,
		   char name[SESSION_NAME_MAX], struct err *e);
/* Whether there is such a session, and the hash of its token. */
bool sessions_find(struct sessions *s, struct text name, struct instant now,
		   uint8_t token[DIGEST_BYTES]);
void sessions_end(struct sessions *s, struct text name);

#endif
