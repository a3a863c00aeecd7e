/* web: the parts of HTML reports and of the page that are compiled in (reports/web). */
#ifndef TALLY_REPORTS_WEB_H
#define TALLY_REPORTS_WEB_H

#include "base/text.h"

struct web_asset {
	const char *name;
	struct text content;
};
#define WEB_ASSET(name, literal) \
	{ \
		name, \
		{ \
			literal, sizeof(literal) - 1 \
		} \
	}
extern const struct web_asset web_assets[]; /* ends with a NULL name */

/* Those of the page (page.html, page.css and page.js, each with .gz) are gzip. Nothing (a NULL
 * pointer) when there is none of that name. */
struct text web_asset(const char *name);
/* Adds a part of reports. */
void web_put(struct buf *b, const char *name);

#endif
