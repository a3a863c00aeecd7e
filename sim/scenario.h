/*
 * scenario: what the user asked for, as NAME=SPEC or as a file of scenarios (docs/whatif.md).
 */
#ifndef TALLY_SIM_SCENARIO_H
#define TALLY_SIM_SCENARIO_H

#include "base/json.h"
#include "sim/whatif.h"

enum { SCENARIOS_MAX = 256 };

struct scenario_list {
	struct scenario *scenario;
	size_t count;
	const char *baseline; /* that a file names; NULL: none */
	/* while a file is read: what names of models mean now, and its table of machines */
	struct model_names *names;
	struct instant now;
	json_value *machines;
	struct arena arena;
};

/* "flash=deepseek-v4-flash"; without a name the spec is the name. Errors: ERR_USAGE and those of
 * route_parse. */
int scenario_add(struct scenario_list *l, const char *text, const struct book *book, struct err *e);
/* Names of models in its parts mean what they do now. Errors: ERR_INVALID, and those of
 * scenario_add and of reading a file. */
int scenario_add_file(struct scenario_list *l, const char *path, const struct book *book,
		      struct instant now, struct err *e);
/* A part of a cache's contract by name (ttl, settle, quantum, minimum, recompute, expire, writes),
 * for options and scenarios alike. Errors: ERR_USAGE. */
int cache_part_parse(struct cache_rules *r, const char *key, struct text value, struct err *e);
/*
 * Adds each model that a scenario routes to, or that the workload ran on where a scenario keeps
 * what was recorded, as a scenario of its own ("only MODEL") that answers everything and so stays
 * warm; with the factors, machines and caches of the scenario that named it. Errors: ERR_USAGE.
 */
int scenario_add_singles(struct scenario_list *l, const struct workload *w, struct err *e);
/* Routes name models of the workload by all their spellings (route_bind): before they are asked,
 * and again where scenarios were added. */
void scenario_list_bind(struct scenario_list *l, const struct workload *w, const struct book *book,
			struct instant at);
/* Of the scenarios in which one model answers everything, the cheapest one without a call that has
 * no price. Errors: ERR_UNPRICED. */
int scenario_cheapest_single(const struct scenario_list *l, const struct whatif_result *r,
			     size_t *out, struct err *e);
/* Refuses a target that no card has, unless it is hosted (route_target_known). Errors:
 * ERR_NOT_FOUND. */
int scenario_list_known(const struct scenario_list *l, const struct book *book, struct err *e);
/* The place of that name. Errors: ERR_USAGE. */
int scenario_find(const struct scenario_list *l, const char *name, size_t *out, struct err *e);
void scenario_list_release(struct scenario_list *l);

#endif
