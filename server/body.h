/*
 * body: what a request carries: unpacked, taken apart into records, and bounded in what it may
 * become in memory; and how an answer is packed and known again.
 */
#ifndef TALLY_SERVER_BODY_H
#define TALLY_SERVER_BODY_H

#include "server/writer.h"

enum {
	BODY_INFLATED_MAX = 64 << 20,
	BODY_RECORDS_MAX = 100000,
};

/* gzip in place, every member of it; false when it is damaged or would grow too large. */
bool body_inflate(struct buf *body, struct err *e);
/* Packs an answer as gzip, where that makes it smaller; false: it is as it was. often: what is
 * answered again and again is packed fast, and what a browser keeps is packed well. */
bool body_deflate(struct buf *body, bool often);
enum { BODY_TAG_MAX = 40 };
/* The entity tag of an answer: weak, since it is the same compressed or not. */
void body_tag(char out[BODY_TAG_MAX], struct text body);
/* Whether the list of tags of an If-None-Match names it. */
bool body_tag_is_known(const char *if_none_match, const char *tag);
/*
 * Fills the job with the records of one document or of lines. An array is taken element by element.
 * Errors: ERR_RANGE when there are more than BODY_RECORDS_MAX; of a job with observations
 * ERR_INVALID when the body is no batch of events.
 */
int body_read(struct job *j, struct text body, struct err *e);

#endif
