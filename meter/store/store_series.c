#include "meter/store/store_parts.h"

int store_series(struct store *s, const struct record *r, int64_t *out, struct err *e)
{
	return dictionary_series(s->dictionary, r, out, e);
}

int store_want_series(struct store *s, const struct record *r, struct err *e)
{
	return dictionary_want_series(s->dictionary, r, e);
}

int store_make_series(struct store *s, struct err *e)
{
	return dictionary_make_series(s->dictionary, e);
}

int store_origin(struct store *s, const char *source, const char *shape, const char *rule,
		 int64_t *out, struct err *e)
{
	return dictionary_origin(s->dictionary, source, shape, rule, out, e);
}

int store_source(struct store *s, int64_t origin, int *place, struct err *e)
{
	return dictionary_source(s->dictionary, origin, place, e);
}

int store_price(struct store *s, const struct stored_price *p, int64_t *out, struct err *e)
{
	return dictionary_price(s->dictionary, p, out, e);
}

int store_stored_price(struct store *s, int64_t price, const struct stored_price **out,
		       struct err *e)
{
	return dictionary_stored_price(s->dictionary, price, out, e);
}

int store_series_names(struct store *s, int64_t series, const struct series_names **out,
		       struct err *e)
{
	return dictionary_series_names(s->dictionary, series, out, e);
}

int store_names_of(struct store *s, int64_t series, const struct series_names **names,
		   const struct subject_names **subject, struct err *e)
{
	int rc = store_series_names(s, series, names, e);
	return rc == 0 ? store_subject_names(s, (*names)->subject, subject, e) : rc;
}

int store_take_names(struct store *s, int64_t series, struct record *r, struct err *e)
{
	const struct series_names *names;
	const struct subject_names *subject;
	int rc = store_names_of(s, series, &names, &subject, e);
	if (rc != 0)
		return rc;
	r->text[FIELD_CUSTOMER] = names->customer;
	r->text[FIELD_PROJECT] = names->project;
	r->text[FIELD_WORKLOAD] = names->workload;
	r->text[FIELD_EFFORT] = names->effort;
	r->text[FIELD_PROVIDER] = subject->provider;
	r->text[FIELD_MODEL] = subject->model;
	r->text[FIELD_SERVICE_TIER] = subject->service_tier;
	r->text[FIELD_REGION] = subject->region;
	return 0;
}

int store_subject_names(struct store *s, int64_t subject, const struct subject_names **out,
			struct err *e)
{
	return dictionary_subject_names(s->dictionary, subject, out, e);
}
