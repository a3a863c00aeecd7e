/*
 * html_report: one self-contained HTML file that shows a document of --json as tables and charts.
 *
 * Needs no network and no server; draws with reports/web/report.js. Without scripts it names what
 * it holds.
 */
#ifndef TALLY_REPORTS_HTML_REPORT_H
#define TALLY_REPORTS_HTML_REPORT_H

#include "base/err.h"
#include "base/text.h"

/* The document is one JSON value, escaped here. */
void html_report_put(struct buf *out, const char *title, struct text document);
/* Errors: ERR_SYSTEM. */
int html_report_write(const char *path, const char *title, struct text document, struct err *e);

#endif
