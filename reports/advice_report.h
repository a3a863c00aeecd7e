/* advice_report: what to pay for in a cache, whether to switch, and at what share of hits two
 * models cost the same. */
#ifndef TALLY_REPORTS_ADVICE_REPORT_H
#define TALLY_REPORTS_ADVICE_REPORT_H

#include "sim/advice.h"

/* The document "tally.advice/1" on standard output, or a table. */
void advice_cache_report(const struct advice_cache *a, const struct advice_cache_asked *asked,
			 bool json);
void advice_switch_report(const struct advice_switch *a, const struct advice_switch_asked *asked,
			  bool json);
/* own_hits: the share of hits that the first model has, in billionths; -1: as recorded. */
void advice_hits_report(const struct advice_hits *a, const char *currency, int64_t own_hits,
			bool json);

#endif
