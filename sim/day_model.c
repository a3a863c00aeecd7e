#include "sim/day_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "sim/gsl.h"

/* Growth of the first coming day counts so much, that of the second its square, and so on: together
 * some 32 days. */
static const double damping = 0.97;
static const double certain = 0.01;
/* A step is searched for at every place, so what passes for one must be larger than a test at a
 * single place asks for; and smaller steps than a quarter are no change of level. */
static const double step_ratio = 16, step_least = 0.2231435513142098; /* log 1.25 */

static const double growth_least = 0.09531017980432493; /* log 1.1 */

static size_t weekday_of(size_t i, int first_weekday)
{
	return ((size_t)first_weekday + i) % 7;
}

static double mean_of(const double *x, size_t from, size_t to)
{
	double sum = 0;
	for (size_t i = from; i < to; i++)
		sum += x[i];
	return sum / (double)(to - from);
}

static double squares_about_mean(const double *x, size_t from, size_t to)
{
	const double mean = mean_of(x, from, to);
	double sum = 0;
	for (size_t i = from; i < to; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sum;
}

/* Each day against the mean of the seven days around it. */
static double *against_level(const double *x, size_t n)
{
	double *r = mem_alloc(n * sizeof *r);
	for (size_t i = 0; i < n; i++) {
		size_t from = i < 3 ? 0 : i - 3;
		from = from + 7 > n ? n - 7 : from;
		r[i] = x[i] - mean_of(x, from, from + 7);
	}
	return r;
}

/* Kruskal and Wallis: the chance that groups of the same kind differ so much in their ranks. */
static double chance_of_ranks(const double *r, size_t n, int first_weekday, const int group[7],
			      int groups)
{
	double sum[7] = { 0 }, count[7] = { 0 }, ties = 0, h = 0;
	for (size_t i = 0; i < n; i++) {
		double below = 0, same = 0;
		for (size_t k = 0; k < n; k++) {
			below += r[k] < r[i];
			same += r[k] == r[i];
		}
		const int g = group[weekday_of(i, first_weekday)];
		sum[g] += below + (same + 1) / 2;
		count[g]++;
		ties += same * same - 1; /* over the members of a tie: t^3 - t */
	}
	const double all = (double)n;
	for (int g = 0; g < groups; g++)
		h += count[g] > 0 ? sum[g] * sum[g] / count[g] : 0;
	h = 12 / (all * (all + 1)) * h - 3 * (all + 1);
	const double correction = 1 - ties / (all * all * all - all);
	return correction > 0 ? gsl.gsl_cdf_chisq_Q(h / correction, groups - 1) : 1;
}

/* Takes the mean of its group from each day; the mean of few days is drawn towards none by the
 * weight of one. */
static void take_groups(double *r, size_t n, int first_weekday, const int group[7],
			double factor[7])
{
	double sum[7] = { 0 }, count[7] = { 0 };
	for (size_t i = 0; i < n; i++) {
		sum[group[weekday_of(i, first_weekday)]] += r[i];
		count[group[weekday_of(i, first_weekday)]]++;
	}
	for (int w = 0; w < 7; w++)
		factor[w] += sum[group[w]] / (count[group[w]] + 1);
	for (size_t i = 0; i < n; i++) {
		const int g = group[weekday_of(i, first_weekday)];
		r[i] -= sum[g] / count[g];
	}
}

/* Weekends against working days first: where they tell all, there are more days of a kind. */
static void find_weekdays(struct day_model *m, const double *x, size_t n, int first_weekday)
{
	static const int apart[7] = { 0, 1, 2, 3, 4, 5, 6 }, weekend[7] = { 0, 0, 0, 0, 0, 1, 1 };
	if (n < DAY_MODEL_WEEK_DAYS)
		return;
	double *r = against_level(x, n);
	if (chance_of_ranks(r, n, first_weekday, weekend, 2) < certain) {
		take_groups(r, n, first_weekday, weekend, m->factor);
		memcpy(m->group, weekend, sizeof weekend);
	}
	if (chance_of_ranks(r, n, first_weekday, apart, 7) < certain) {
		take_groups(r, n, first_weekday, apart, m->factor);
		memcpy(m->group, apart, sizeof apart);
	}
	m->seasonal = m->group[6] != 0;
	free(r);
}

/* Whether what changed holds still: the last days are nearer to what came after than to what was
 * before. A few days without use that are over are no level, and no fall. */
static bool holds(const double *z, size_t n, double before, double after)
{
	int nearer = 0;
	for (size_t i = n - DAY_MODEL_LEVEL_DAYS; i < n; i++)
		nearer += fabs(z[i] - after) < fabs(z[i] - before) ? 1 : -1;
	return nearer > 0;
}

/* The best place for one step in [from, n), larger than that, 0 when there is none; *left: squares
 * that it leaves. */
static size_t find_step(const double *z, size_t from, size_t n, double larger, double *left)
{
	const size_t least = DAY_MODEL_LEVEL_DAYS;
	const double whole = squares_about_mean(z, from, n);
	size_t best = 0;
	*left = whole;
	for (size_t k = from + least; k + least <= n; k++) {
		const double here = squares_about_mean(z, from, k) + squares_about_mean(z, k, n),
			     before = mean_of(z, from, k), after = mean_of(z, k, n);
		if (here < *left && fabs(before - after) > larger && holds(z, n, before, after)) {
			*left = here;
			best = k;
		}
	}
	/* as an F statistic of one further mean */
	const double spread = *left / (double)(n - from - 2);
	return best && whole - *left > step_ratio * spread ? best : 0;
}

/* Sums of the first values, and of their squares. */
struct sums_to {
	double *x, *xx;
};

static double squares_of(const struct sums_to *s, size_t from, size_t to)
{
	const double x = s->x[to] - s->x[from];
	return fmax(s->xx[to] - s->xx[from] - x * x / (double)(to - from), 0);
}

static double mean_to(const struct sums_to *s, size_t from, size_t to)
{
	return (s->x[to] - s->x[from]) / (double)(to - from);
}

/* The best place for the end of a level that came and is over, as no single step tells it: what was
 * before may be as it is now. Otherwise as find_step. */
static size_t find_episode(const double *z, size_t from, size_t n, double *left)
{
	const size_t least = DAY_MODEL_LEVEL_DAYS;
	struct sums_to s = { mem_zalloc((n + 1) * sizeof *s.x),
			     mem_zalloc((n + 1) * sizeof *s.xx) };
	for (size_t i = from; i < n; i++) {
		s.x[i + 1] = s.x[i] + z[i];
		s.xx[i + 1] = s.xx[i] + z[i] * z[i];
	}
	const double whole = squares_of(&s, from, n);
	size_t best = 0;
	*left = whole;
	for (size_t k = from + 2 * least; k < n; k++)
		for (size_t j = from + least; j + least <= k; j++) {
			const double here = squares_of(&s, from, j) + squares_of(&s, j, k) +
					    squares_of(&s, k, n),
				     then = mean_to(&s, j, k), now = mean_to(&s, k, n);
			if (here < *left && fabs(then - now) > step_least &&
			    holds(z, n, then, now)) {
				*left = here;
				best = k;
			}
		}
	free(s.x);
	free(s.xx);
	/* as an F statistic of two further means */
	const double spread = *left / (double)(n - from - 3);
	/* what is over for fewer days is not known to be */
	return best && best + least <= n && whole - *left > 2 * step_ratio * spread ? best : 0;
}

/* Squares that a straight line leaves; its slope where that is certain, else 0, and the standard
 * error of that. */
static double find_slope(const double *z, size_t n, double *slope, double *error)
{
	const double middle = (double)(n - 1) / 2, mean = mean_of(z, 0, n);
	double xx = 0, xz = 0, left = 0;
	for (size_t i = 0; i < n; i++) {
		xx += ((double)i - middle) * ((double)i - middle);
		xz += ((double)i - middle) * (z[i] - mean);
	}
	*slope = xz / xx;
	for (size_t i = 0; i < n; i++) {
		const double d = z[i] - mean - *slope * ((double)i - middle);
		left += d * d;
	}
	const double spread = left / (double)(n - 2),
		     now = mean + *slope * (middle - (double)(DAY_MODEL_LEVEL_DAYS / 2));
	*error = sqrt(spread / xx);
	/* less than a tenth over the whole past is no growth to go on with */
	if (fabs(*slope) * (double)n < growth_least || !holds(z, n, mean, now) ||
	    (spread > 0 &&
	     gsl.gsl_cdf_fdist_Q(*slope * xz / spread, 1, (double)(n - 2)) >= certain))
		*slope = 0;
	return left;
}

/* Squares (of logarithms) that growth by the same amount a day leaves; *added: that amount over the
 * level of the first day. INFINITY where such a line touches zero. */
static double find_added(const double *z, size_t n, double *added)
{
	double mean = 0, xx = 0, xv = 0, *line = mem_alloc(n * sizeof *line);
	const double middle = (double)(n - 1) / 2, top = z[n - 1];
	for (size_t i = 0; i < n; i++)
		mean += exp(z[i] - top) / (double)n;
	for (size_t i = 0; i < n; i++) {
		const double x = (double)i - middle;
		xx += x * x;
		xv += x * (exp(z[i] - top) - mean);
	}
	const double slope = xv / xx, first = mean - slope * middle, last = mean + slope * middle;
	*added = slope / first;
	for (size_t i = 0; i < n; i++)
		line[i] = z[i] - log1p(*added * (double)i);
	const double left =
		first > 0 && last > 0 ? squares_about_mean(line, 0, n) : (double)INFINITY;
	free(line);
	return left;
}

/* Whether an episode that leaves so many squares tells the days better than growth that leaves
 * `grows`, by Schwarz's criterion: it has three more numbers. */
static bool tells_better(double left, double grows, size_t days)
{
	return left * pow((double)days, 3.0 / (double)days) < grows;
}

/* How likely that one is of two that leave so many squares; what touches zero is not (INFINITY). */
static double share_of(double left, double other, size_t days)
{
	if (!(left < (double)INFINITY) || other <= 0)
		return 0;
	return 1 / (1 + pow(left / other, (double)days / 2));
}

static void take_growth(struct day_model *m, double slope, double added, double share, size_t days)
{
	m->factor_a_day = slope;
	m->added = added;
	m->added_share = share;
	m->growth = share * added / (1 + added * (double)(days - 1)) + (1 - share) * slope;
}

/* The level that holds now, and its growth: of what a step or a slope explain, what leaves less.
 * Where there is growth to be explained, a step of the same size will do. */
static void find_level(struct day_model *m, const double *z, size_t n)
{
	while (n - m->first >= (size_t)2 * DAY_MODEL_LEVEL_DAYS) {
		const double *level = z + m->first;
		const size_t days = n - m->first;
		double slope, error, added, left;
		const double by_slope = find_slope(level, days, &slope, &error),
			     by_added = find_added(level, days, &added),
			     grows = fmin(by_slope, by_added);
		size_t step =
			find_step(z, m->first, n, slope != 0 ? growth_least : step_least, &left);
		if (step && slope != 0 && grows < left) {
			step = 0;
		} else if (!step && (step = find_episode(z, m->first, n, &left)) != 0) {
			if (slope != 0 && !tells_better(left, grows, days))
				step = 0;
		}
		if (!step) {
			if (slope != 0) {
				take_growth(m, slope, added, share_of(by_added, by_slope, days),
					    days);
				m->growth_error = error;
				m->growth_freedom = (double)(days - 2);
			}
			return;
		}
		m->first = step;
		m->changed = true;
	}
}

void day_model_fit(struct day_model *m, const double *value, size_t n, int first_weekday,
		   size_t from)
{
	double sum = 0;
	size_t used = 0;
	*m = (struct day_model){ .first = from, .changed = from > 0 };
	for (size_t i = 0; i < n; i++) {
		sum += value[i];
		used += value[i] > 0;
	}
	if (used == 0)
		return;
	/* days without use have a logarithm, too */
	const double little = sum / (double)used / 200;
	double *x = mem_alloc(n * sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = log(value[i] + little);
	find_weekdays(m, x, n, first_weekday);
	for (size_t i = 0; i < n; i++)
		x[i] -= m->factor[weekday_of(i, first_weekday)];
	find_level(m, x, n);
	free(x);
}

/* Days of growth up to t, those beyond the past damped. */
static double grown(size_t n, size_t t)
{
	if (t < n)
		return (double)t;
	const double coming = (double)(t - n + 1);
	return (double)(n - 1) + damping * (1 - pow(damping, coming)) / (1 - damping);
}

double day_model_growth_days(size_t n, size_t i, size_t t)
{
	return grown(n, t) - grown(n, i);
}

/* The level of a day, over that of the first one at this level; what falls keeps a tenth of the
 * last one. */
static double amounted(const struct day_model *m, size_t n, size_t t)
{
	const double first = (double)m->first;
	return fmax(1 + m->added * (grown(n, t) - first),
		    (1 + m->added * ((double)(n - 1) - first)) / 10);
}

double day_model_ratio(const struct day_model *m, size_t n, int first_weekday, size_t i, size_t t)
{
	const double of = m->factor[weekday_of(i, first_weekday)],
		     to = m->factor[weekday_of(t, first_weekday)];
	if (m->growth == 0 && of == to)
		return 1;
	const double by_factor = exp(m->factor_a_day * (grown(n, t) - grown(n, i))),
		     by_amount = m->added_share > 0 ? amounted(m, n, t) / amounted(m, n, i) : 0;
	return (m->added_share * by_amount + (1 - m->added_share) * by_factor) * exp(to - of);
}
