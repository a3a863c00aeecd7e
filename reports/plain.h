/*
 * plain: what is printed for people, with every text from outside as buf_add_plain shows it.
 *
 * Whoever includes this prints through it: here printf and fprintf are functions of this room,
 * which clean what a %s stands for and leave the format's own characters as they are. Documents for
 * programs (CSV, JSON, PDF) are written as bytes.
 */
#ifndef TALLY_REPORTS_PLAIN_H
#define TALLY_REPORTS_PLAIN_H

#include <stdio.h>

#include "base/text.h"

int plain_printf(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A text as a whole. */
void plain_write(FILE *out, struct text t);

#undef printf
#undef fprintf
#define printf(...) plain_printf(stdout, __VA_ARGS__)
#define fprintf(out, ...) plain_printf(out, __VA_ARGS__)

#endif
