#include <unistd.h>

#include "meter/store/row_columns.h"
#include "reports/export.h"
#include "reports/standing_rows.h"

struct table {
	struct row_columns columns;
	struct parquet *file;
	struct export_told *told;
	struct err *e;
};

static int put_row(void *user, const struct usage_row *row)
{
	struct table *x = user;
	struct row_amount said;
	int rc = row_columns_put(&x->columns, x->file, row, &said, x->e);
	if (rc != 0)
		return rc;
	x->told->no_amount += said.unpriced;
	x->told->placeholders += said.part;
	x->told->unsaid += said.unsaid;
	return parquet_end_row(x->file, x->e);
}

int export_parquet(struct ledger *l, const struct export_options *o, struct export_told *told,
		   struct err *e)
{
	struct table x = { .columns = { ledger_store(l), { 0 } }, .told = told, .e = e };
	struct parquet_column list[ROW_COLUMNS_MOST];
	struct standing_rows *rows;
	bool has[COUNT_KINDS] = { false };
	unsigned flags = 0;
	if (isatty(fileno(o->out)))
		return err_set(e, ERR_USAGE, ASKED("output") " is required: Parquet is no text");
	int rc = standing_rows_open(&rows,
				    &(struct standing_question){ x.columns.store, o->since,
								 o->until, o->customer },
				    has, &flags, e);
	const size_t columns = row_columns_list(&x.columns, has, list);
	x.file = parquet_open(o->out, list, columns);
	if (rc == 0)
		rc = standing_rows_each(rows, put_row, &x, e);
	if (rc == 0)
		rc = parquet_finish(x.file, e);
	parquet_release(x.file);
	standing_rows_close(rows);
	return rc;
}
