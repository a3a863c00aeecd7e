/*
 * look: what `tally daily`, `weekly`, `monthly`, `today` and `session` show: one row a period or
 * session, with its models in it.
 */
#ifndef TALLY_REPORTS_LOOK_H
#define TALLY_REPORTS_LOOK_H

#include "base/dict.h"
#include "meter/store/usage_query.h"
#include "reports/left_out.h"

struct look_model {
	struct text name;
	struct usage_sums sums;
};

/* Sums by name, in the order in which they were first met. */
struct look_models {
	struct look_model *model;
	size_t count;
	struct dict index; /* while they are added up */
};
void look_models_add(struct look_models *m, struct text name, const struct usage_sums *sums);

/* A row: its labels, what all its models come to, and each of them, the dearest first. */
struct look_row {
	struct text label[GROUPING_COUNT];
	struct text last_day; /* of sessions */
	struct usage_sums sums;
	struct look_model *model;
	size_t models;
};

struct look {
	struct look_row *row;
	size_t rows;
	const struct usage_result *result;
};

/* result: by `labels` dimensions, then (where has_day) by day, then by model. Texts are the
 * result's. */
void look_fold(struct look *l, const struct usage_result *result, size_t labels, bool has_day);
void look_release(struct look *l);
/* Whether some row has that label. */
bool look_names(const struct look *l, size_t label);

enum look_order { LOOK_BY_KEY, LOOK_BY_COST, LOOK_BY_RECORDS, LOOK_BY_LAST };
void look_sort(struct look *l, enum look_order order);
void look_reverse(struct look *l);

struct look_report {
	const struct look *look;
	const char *const
		*title; /* of the labels that are shown: "day", or "session" and "project" */
	size_t titles;
	bool has_last, breakdown;
	int64_t limit;		     /* rows; 0: all */
	bool from_start;	     /* the first of them, else the last */
	const char *timezone, *from; /* from: what was read, in words */
	const struct left_out *left_out;
	struct lower_bound bound;
	bool recorded; /* what sources say of costs is shown, too */
};
void look_report_table(const struct look_report *r);
void look_report_csv(const struct look_report *r);
void look_report_json(const struct look_report *r);

/* A few short names, and how many more there are. */
void look_put_names(struct buf *b, size_t count, struct text (*name)(const void *of, size_t i),
		    const void *of);
/* The parts of a result whose total holds, so no sum of them overflows. */
void look_add(struct usage_sums *to, const struct usage_sums *more);
/* All tokens, cached ones with them. */
int64_t look_tokens(const struct usage_sums *s);
/* A line each about what has no price, is in quarantine or could not be read; nothing when all is
 * well. Returns how many lines. */
int look_put_attention(const struct usage_result *r, const struct left_out *left_out);

#endif
