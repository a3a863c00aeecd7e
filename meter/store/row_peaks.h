/*
 * row_peaks: the most and the least that stored rows cost and count, by stretches of row numbers: a
 * memory that the stores of a process share, so that the dearest rows of millions are found in the
 * few stretches in which they can be.
 *
 * Rows never change, so what is noted of a stretch whose rows are all stored always holds. Not
 * for a database on a server, where rows appear between others.
 */
#ifndef TALLY_METER_STORE_ROW_PEAKS_H
#define TALLY_METER_STORE_ROW_PEAKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"

enum { ROWS_A_STRETCH = 512 };
enum peak_kind { PEAK_COST, PEAK_TOKENS, PEAK_KINDS };

struct row_peak {
	int64_t first_us, last_us; /* instants of its rows */
	int128 least[PEAK_KINDS], most[PEAK_KINDS];
};

struct row_peaks;
struct row_peaks *row_peaks_open(void);
void row_peaks_close(struct row_peaks *p);
/* Stretch k holds the rows from 1 + k * ROWS_A_STRETCH on. False: nothing is noted of it. */
bool row_peaks_known(struct row_peaks *p, size_t stretch, struct row_peak *out);
void row_peaks_note(struct row_peaks *p, size_t stretch, const struct row_peak *peak);

#endif
