#include "reports/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"

struct table {
	struct libscols_table *scols;
	struct libscols_line *row;
	size_t columns, next;
};

struct table *table_open(const struct table_column *columns, size_t count)
{
	struct table *t = mem_zalloc(sizeof *t);
	t->scols = scols_new_table();
	t->columns = count;
	CHECK(t->scols);
	scols_table_set_column_separator(t->scols, "  ");
	bool terminal = isatty(STDOUT_FILENO);
	if (terminal) {
		struct winsize size;
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
			scols_table_set_termwidth(t->scols, size.ws_col);
	} else {
		scols_table_set_termforce(t->scols, SCOLS_TERMFORCE_NEVER);
	}
	for (size_t i = 0; i < count; i++) {
		int flags = columns[i].right	    ? SCOLS_FL_RIGHT
			    : columns[i].may_shrink ? SCOLS_FL_TRUNC
						    : 0;
		struct libscols_column *c = scols_table_new_column(
			t->scols, columns[i].title, columns[i].may_shrink ? 0.3 : 0.01, flags);
		CHECK(c);
		struct libscols_cell *head = scols_column_get_header(c);
		scols_cell_set_flags(head,
				     columns[i].right ? SCOLS_CELL_FL_RIGHT : SCOLS_CELL_FL_LEFT);
	}
	return t;
}

void table_close(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->scols);
	free(t);
}

void table_cell(struct table *t, const char *text)
{
	if (t->next == 0) {
		t->row = scols_table_new_line(t->scols, NULL);
		CHECK(t->row);
	}
	CHECK(scols_line_set_data(t->row, t->next, text) == 0);
	t->next = (t->next + 1) % t->columns;
}

void table_blank(struct table *t)
{
	CHECK(t->next == 0);
	for (size_t i = 0; i < t->columns; i++)
		table_cell(t, "");
}

void table_print(struct table *t)
{
	fflush(stdout);
	scols_print_table(t->scols);
}

char *number_grouped(char buf[DECIMAL_TEXT_MAX * 2], const char *plain)
{
	const char *digits = plain + (*plain == '-');
	size_t whole = strcspn(digits, ".");
	char *o = buf;
	if (*plain == '-')
		*o++ = '-';
	for (size_t i = 0; i < whole; i++) {
		if (i && (whole - i) % 3 == 0)
			*o++ = ',';
		*o++ = digits[i];
	}
	strcpy(o, digits + whole);
	return buf;
}
