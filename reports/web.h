/* web: the parts of HTML reports and of the page that are compiled in (reports/web). */
#ifndef TALLY_REPORTS_WEB_H
#define TALLY_REPORTS_WEB_H

struct web_asset {
	const char *name, *text;
};
extern const struct web_asset web_assets[]; /* ends with a NULL name */

/* NULL when there is none of that name. */
const char *web_asset(const char *name);

#endif
