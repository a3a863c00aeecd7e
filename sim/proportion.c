#include "sim/proportion.h"

#include <math.h>

#include "sim/gsl.h"

void wilson_interval(int64_t k, int64_t n, int level_permille, int64_t nano[2])
{
	if (n == 0) {
		nano[0] = 0;
		nano[1] = 1000000000;
		return;
	}
	const double z = gsl.gsl_cdf_ugaussian_Pinv(0.5 + level_permille / 2000.0);
	const double p = (double)k / (double)n, m = (double)n;
	const double middle = (p + z * z / (2 * m)) / (1 + z * z / m);
	const double half = z / (1 + z * z / m) * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
	nano[0] = llround(fmax(0, middle - half) * 1e9);
	nano[1] = llround(fmin(1, middle + half) * 1e9);
}

int64_t mcnemar_exact_nano(int64_t b, int64_t c)
{
	const int64_t n = b + c, least = b < c ? b : c;
	if (n == 0 || n > INT32_MAX)
		return 1000000000;
	const double p = 2 * gsl.gsl_cdf_binomial_P((unsigned)least, 0.5, (unsigned)n);
	return llround(fmin(1, p) * 1e9);
}
