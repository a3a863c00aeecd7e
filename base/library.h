/*
 * library: shared libraries that few commands need, loaded when one does.
 *
 * Drawing a PDF, writing a spreadsheet, serving HTTP and hashing take some fifty libraries, which
 * would cost every start of the program ten milliseconds. Functions keep their declared types:
 *
 *	#define FUNCTIONS(X) X(cairo_create) X(cairo_destroy)
 *	static struct { FUNCTIONS(LIBRARY_POINTER) } pdf;
 *	static const char *const names[] = { FUNCTIONS(LIBRARY_NAME) };
 *	static struct library library = LIBRARY(library_pangocairo, names, &pdf);
 *
 * and after library_need(&library, e) the calls are pdf.cairo_create(...).
 */
#ifndef TALLY_BASE_LIBRARY_H
#define TALLY_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define LIBRARY_POINTER(f) __typeof__(f) *f;
#define LIBRARY_NAME(f) #f,

struct library {
	const char *file;
	const char *const *name;
	size_t count;
	void *functions; /* as many pointers */
	bool loaded;
};
#define LIBRARY(file, names, functions) \
	{ \
		file, names, sizeof(names) / sizeof *(names), functions, false \
	}

/* The files that the program was built against, by their sonames; from the Makefile. */
extern const char library_pangocairo[], library_xlsxwriter[], library_microhttpd[],
	library_gnutls[], library_pq[], library_gsl[];

/* Any thread may ask, any number of times. Errors: ERR_SYSTEM when it is not installed. */
int library_need(struct library *l, struct err *e);

#endif
