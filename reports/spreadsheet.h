/* spreadsheet: the functions of libxlsxwriter, loaded when a workbook is first made. */
#ifndef TALLY_REPORTS_SPREADSHEET_H
#define TALLY_REPORTS_SPREADSHEET_H

#include <xlsxwriter.h>

#include "base/library.h"

#define SPREADSHEET_FUNCTIONS(X) \
	X(workbook_new_opt) \
	X(workbook_set_properties) \
	X(workbook_add_worksheet) \
	X(workbook_add_format) \
	X(workbook_close) \
	X(worksheet_write_number) \
	X(worksheet_write_string) \
	X(worksheet_set_column) \
	X(worksheet_freeze_panes) \
	X(worksheet_write_formula_num) \
	X(worksheet_autofilter) \
	X(worksheet_repeat_rows) \
	X(worksheet_set_landscape) \
	X(worksheet_set_paper) \
	X(worksheet_fit_to_pages) \
	X(format_set_bold) \
	X(format_set_align) \
	X(format_set_bg_color) \
	X(format_set_bottom) \
	X(format_set_top) \
	X(format_set_num_format) \
	X(lxw_strerror)

struct spreadsheet {
	SPREADSHEET_FUNCTIONS(LIBRARY_POINTER)
};
extern struct spreadsheet spreadsheet;
/* Before anything else. Errors: ERR_SYSTEM. */
int spreadsheet_need(struct err *e);

#endif
