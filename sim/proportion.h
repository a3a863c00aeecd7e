/* proportion: statistics of shares. Answers are in billionths; floating point stays in here and
 * touches no money, credits or tokens. After gsl_need. */
#ifndef TALLY_SIM_PROPORTION_H
#define TALLY_SIM_PROPORTION_H

#include <stdint.h>

/* Wilson's score interval of k out of n (1927) at that level. */
void wilson_interval(int64_t k, int64_t n, int level_permille, int64_t nano[2]);
/* McNemar's exact test (1947): two-sided probability of b and c discordant pairs or worse when both
 * were as likely. */
int64_t mcnemar_exact_nano(int64_t b, int64_t c);

#endif
