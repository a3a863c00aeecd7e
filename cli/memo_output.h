/* memo_output: reports that are printed, or written as HTML or PDF to hand on. */
#ifndef TALLY_CLI_MEMO_OUTPUT_H
#define TALLY_CLI_MEMO_OUTPUT_H

#include "cli/command.h"
#include "reports/json_out.h"
#include "reports/memo.h"

/* output: the name of the option for the file, which is -o everywhere. */
#define MEMO_OPTIONS_WITH(output) \
	{ "format",	0, "text|html|pdf", "how the report is printed (default text)", false, \
	  OPTION_OUTPUT }, \
		{ output, 'o', "FILE", "write the report to FILE", false, OPTION_OUTPUT }, \
	{ \
		"paper", 0, "a4|letter", "of the PDF (default a4)", false, OPTION_OUTPUT \
	}
#define MEMO_OPTIONS MEMO_OPTIONS_WITH("output")

enum memo_format { MEMO_AS_TEXT, MEMO_AS_HTML, MEMO_AS_PDF };

/* Errors: ERR_USAGE. */
int cli_memo_format(const struct cli *cli, enum memo_format *out, struct err *e);
/* The memo in that format, to the file of -o or standard output. */
int cli_memo_show(const struct cli *cli, const struct memo *memo, enum memo_format format,
		  struct err *e);
/* A JSON document that begins, and ends, for the file of -o or standard output. */
void cli_json_open(const struct cli *cli, struct json_out *j);
int cli_json_close(const struct cli *cli, struct json_out *j, struct err *e);
/* A document to the file of -o or standard output. */
int cli_document_show(const struct cli *cli, struct text document, struct err *e);

#endif
