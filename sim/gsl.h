/* gsl: the functions of the GNU Scientific Library, loaded by what draws at random, fits or tests.
 */
#ifndef TALLY_SIM_GSL_H
#define TALLY_SIM_GSL_H

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "base/library.h"

#define GSL_FUNCTIONS(X) \
	X(gsl_cdf_binomial_P) \
	X(gsl_cdf_chisq_Q) \
	X(gsl_cdf_fdist_Q) \
	X(gsl_cdf_ugaussian_Pinv) \
	X(gsl_cdf_ugaussian_Q) \
	X(gsl_matrix_alloc) \
	X(gsl_matrix_free) \
	X(gsl_matrix_set) \
	X(gsl_multifit_linear) \
	X(gsl_multifit_linear_alloc) \
	X(gsl_multifit_linear_free) \
	X(gsl_ran_choose) \
	X(gsl_ran_exponential) \
	X(gsl_ran_geometric) \
	X(gsl_ran_lognormal) \
	X(gsl_ran_poisson) \
	X(gsl_ran_shuffle) \
	X(gsl_ran_tdist) \
	X(gsl_rng_alloc) \
	X(gsl_rng_free) \
	X(gsl_rng_set) \
	X(gsl_rng_uniform) \
	X(gsl_rng_uniform_int) \
	X(gsl_vector_alloc) \
	X(gsl_vector_free) \
	X(gsl_vector_get) \
	X(gsl_vector_set) \
	X(gsl_rng_mt19937)

/* The functions, and where the kind of generator is told. */
struct gsl {
	GSL_FUNCTIONS(LIBRARY_POINTER)
};
extern struct gsl gsl;
/* Before anything else. Errors: ERR_SYSTEM. */
int gsl_need(struct err *e);

#endif
