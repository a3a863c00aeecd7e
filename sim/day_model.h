/*
 * day_model: what a row of past days says of the coming ones: their level now, whether weekdays
 * differ, whether there is growth.
 *
 * Everything is seen in logarithms, so that a factor is the same at every level. Weekdays are
 * compared with the level of the days around them, so that growth does not hide a week. A change of
 * level makes the days before it say nothing about the level (they still tell the week); an
 * episode that is over makes them say nothing either. Steady growth is told from a change by which
 * of the two leaves less unexplained; of growth by a factor a day and by an amount a day each
 * counts as much as it is likely. What is not certain (1 %) is not there: equal days stay equal to
 * the last digit.
 */
#ifndef TALLY_SIM_DAY_MODEL_H
#define TALLY_SIM_DAY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DAY_MODEL_WEEK_DAYS = 14, DAY_MODEL_LEVEL_DAYS = 5 };

struct day_model {
	size_t first;	  /* the first day of the level that holds now */
	bool changed;	  /* there was another level before it */
	int group[7];	  /* weekdays that are alike have the same number */
	bool seasonal;	  /* there is more than one group */
	double factor[7]; /* logarithm, of a weekday against the level */
	double growth;	  /* logarithm, a day, on the last day; 0: none */
	/* how it grows, by a factor a day (the logarithm) and by an amount (over the level of day
	   `first`), and how much the second tells the past better: 0 to 1 */
	double factor_a_day, added, added_share;
	double growth_error; /* standard error of factor_a_day, of so many degrees of freedom */
	double growth_freedom;
};

/* value: of n days in their order, none negative; first_weekday: of the first one, 0 = Monday.
 * from: the level is known to have changed then (0: it is not); days before it tell the week only.
 */
void day_model_fit(struct day_model *m, const double *value, size_t n, int first_weekday,
		   size_t from);
/* By what a past day i of the level that holds now is multiplied to stand for day t (both counted
 * from the first past day; t may lie behind the last of n). Growth beyond the past is damped: it
 * goes on for about a month and then levels off. 1.0 exactly where nothing tells the days apart. */
double day_model_ratio(const struct day_model *m, size_t n, int first_weekday, size_t i, size_t t);
/* Over how many days growth works between them: by an error of growth to their power the ratio is
 * wrong. */
double day_model_growth_days(size_t n, size_t i, size_t t);

#endif
