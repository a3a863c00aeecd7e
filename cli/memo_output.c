#include "cli/memo_output.h"

#include "base/file.h"

/* Of -o, whatever its long name is. */
static const char *path_of(const struct cli *cli)
{
	for (int i = 0; i < cli->value_count; i++)
		if (cli->option[i]->letter == 'o')
			return cli->value[i];
	return NULL;
}

int cli_memo_format(const struct cli *cli, enum memo_format *out, struct err *e)
{
	static const char *const formats[] = { "text", "html", "pdf", NULL };
	int format;
	int rc = cli_choice(cli, "format", formats, &format, e);
	if (rc == 0 && path_of(cli) && !cli->json && format == MEMO_AS_TEXT)
		rc = err_set(e, ERR_USAGE, "-o needs --format html or pdf, or --json");
	if (rc == 0)
		*out = (enum memo_format)format;
	return rc;
}

int cli_document_show(const struct cli *cli, struct text document, struct err *e)
{
	return file_write(path_of(cli), document, e);
}

void cli_json_open(const struct cli *cli, struct json_out *j)
{
	json_out_open(j, path_of(cli) ? NULL : stdout);
}

int cli_json_close(const struct cli *cli, struct json_out *j, struct err *e)
{
	struct buf b = { 0 };
	if (j->file)
		json_out_close(j);
	else
		json_out_take(j, &b);
	/* of standard output nothing is left but to see that all of it went out */
	const int rc = cli_document_show(cli, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

int cli_memo_show(const struct cli *cli, const struct memo *memo, enum memo_format format,
		  struct err *e)
{
	static const char *const papers[] = { "a4", "letter", NULL };
	struct buf b = { 0 };
	int paper, rc = cli_choice(cli, "paper", papers, &paper, e);
	if (rc != 0)
		return rc;
	switch (format) {
	case MEMO_AS_TEXT:
		memo_print(memo);
		return 0;
	case MEMO_AS_HTML:
		memo_html_put(&b, memo);
		break;
	case MEMO_AS_PDF:
		rc = memo_pdf_put(&b, memo, paper == 1, e);
		break;
	}
	if (rc == 0)
		rc = cli_document_show(cli, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}
