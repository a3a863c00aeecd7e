#include "reports/html_report.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "reports/html.h"
#include "reports/web.h"

struct text web_asset(const char *name)
{
	for (const struct web_asset *a = web_assets; a->name; a++)
		if (strcmp(a->name, name) == 0)
			return a->content;
	return (struct text){ 0 };
}

void web_put(struct buf *b, const char *name)
{
	const struct text t = web_asset(name);
	buf_add(b, t.p, t.n);
}

/* Inside a script element "<" could end it; in JSON it stands in strings only. */
static void put_json(struct buf *b, struct text json)
{
	struct buf plain = { 0 };
	buf_add_plain(&plain, json);
	for (size_t i = 0; i < plain.n; i++)
		if (plain.p[i] == '<')
			buf_puts(b, "\\u003c");
		else
			buf_add(b, plain.p + i, 1);
	buf_release(&plain);
}

void html_report_put(struct buf *b, const char *title, struct text document)
{
	buf_puts(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, "
		    "initial-scale=1\">\n<title>");
	html_put(b, text_of(title));
	buf_puts(b, "</title>\n<style>\n");
	web_put(b, "report.css");
	buf_puts(b, "</style>\n</head>\n<body>\n<main>\n<h1>");
	html_put(b, text_of(title));
	buf_puts(b,
		 "</h1>\n<div id=\"report\"><noscript>The figures are drawn by a script, from the "
		 "document in this file.</noscript></div>\n</main>\n"
		 "<script type=\"application/json\" id=\"report-data\">\n");
	put_json(b, document);
	buf_puts(b, "</script>\n");
	buf_puts(b, "<script>\n");
	web_put(b, "report.js");
	buf_puts(b, "</script>\n</body>\n</html>\n");
}

int html_report_write(const char *path, const char *title, struct text document, struct err *e)
{
	struct buf b = { 0 };
	html_report_put(&b, title, document);
	int rc = file_write(path, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}
