#include "reports/spreadsheet.h"

struct spreadsheet spreadsheet;
static const char *const names[] = { SPREADSHEET_FUNCTIONS(LIBRARY_NAME) };
static struct library library = LIBRARY(library_xlsxwriter, names, &spreadsheet);

int spreadsheet_need(struct err *e)
{
	return library_need(&library, e);
}
