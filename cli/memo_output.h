/* memo_output: reports that are printed, or written as HTML or PDF to hand on. */
#ifndef TALLY_CLI_MEMO_OUTPUT_H
#define TALLY_CLI_MEMO_OUTPUT_H

#include "cli/command.h"
#include "reports/memo.h"

#define MEMO_OPTIONS \
	{ "format",	0, "text|html|pdf", "how the report is printed (default text)", false, \
	  OPTION_OUTPUT }, \
		{ "write", 'o', "FILE", "write the report to FILE", false, OPTION_OUTPUT }, \
	{ \
		"letter", 0, NULL, "PDF pages of US letter size instead of A4", false, \
			OPTION_OUTPUT \
	}

enum memo_format { MEMO_AS_TEXT, MEMO_AS_HTML, MEMO_AS_PDF };

/* Errors: ERR_USAGE. */
int cli_memo_format(const struct cli *cli, enum memo_format *out, struct err *e);
/* The memo in that format, to --write or standard output. */
int cli_memo_show(const struct cli *cli, const struct memo *memo, enum memo_format format,
		  struct err *e);
/* A document to --write or standard output. */
int cli_document_show(const struct cli *cli, struct text document, struct err *e);

#endif
