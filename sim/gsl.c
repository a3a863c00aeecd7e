#include "sim/gsl.h"

struct gsl gsl;
static const char *const names[] = { GSL_FUNCTIONS(LIBRARY_NAME) };
static struct library library = LIBRARY(library_gsl, names, &gsl);

int gsl_need(struct err *e)
{
	return library_need(&library, e);
}
