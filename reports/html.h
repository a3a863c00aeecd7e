/* html: text into HTML, escaped. */
#ifndef TALLY_REPORTS_HTML_H
#define TALLY_REPORTS_HTML_H

#include "base/text.h"

/* Appends s as the text of an element or of a quoted attribute. */
void html_put(struct buf *b, struct text s);

#endif
