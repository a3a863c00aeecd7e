#include "pricing/region_rule.h"

#include <string.h>

#include "pricing/card.h"

/* The texts of a list, ended by NULL; `missing` where there is no such key. */
static const char *const *take_names(struct arena *a, struct fault_list *faults, const char *place,
				     json_value *v, const char *key, const char *missing)
{
	json_value *list = json_member(v, key);
	size_t n = 0;
	for (json_value *m = json_first(list); m; m = json_next(m))
		n++;
	const char **out = arena_alloc(a, (n + 2) * sizeof *out);
	n = 0;
	if (!list && missing)
		out[n++] = missing;
	else if (json_kind(list) != JSON_ARRAY)
		fault_add(faults, place, "'%s' is a list of names", key);
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		const struct text s = json_string(m);
		if (s.n == 0)
			fault_add(faults, place, "'%s' is a list of names", key);
		else
			out[n++] = arena_text(a, s.p, s.n);
	}
	out[n] = NULL;
	return out;
}

/* {"us": "1.1", "*": "1.2"}, ended by one without a region. */
static const struct region_factor *take_factors(struct arena *a, struct fault_list *faults,
						const char *place, json_value *all)
{
	size_t n = 0;
	for (json_value *v = json_first(all); v; v = json_next(v))
		n++;
	struct region_factor *out = arena_alloc(a, (n + 1) * sizeof *out);
	n = 0;
	if (all && json_kind(all) != JSON_OBJECT)
		fault_add(faults, place, "'times' is an object of factors by region");
	for (json_value *v = json_kind(all) == JSON_OBJECT ? json_first(all) : NULL; v;
	     v = json_next(v)) {
		struct region_factor f = { .region = arena_text(a, json_key(v),
								strlen(json_key(v))) };
		if (!*f.region || json_kind(v) != JSON_STRING ||
		    decimal_parse(&f.times, json_string(v), NULL) != 0 || f.times.digits <= 0)
			fault_add(faults, place,
				  "'times' of '%s': a positive decimal in quotes is expected",
				  f.region);
		else
			out[n++] = f;
	}
	out[n] = (struct region_factor){ 0 };
	return out;
}

void region_rule_parse(struct region_rule **list, size_t *count, json_value *v, const char *place,
		       struct arena *a, struct fault_list *faults)
{
	static const char *const keys[] = { "provider", "models", "same", "times", "unsaid",
					    "doubt",	"source", "note", NULL };
	struct err e;
	if (json_check_keys(v, keys, "a rule of regions", &e) != 0) {
		fault_add(faults, place, "%s", e.message);
		return;
	}
	const struct text provider = json_string(json_member(v, "provider")),
			  doubt = json_string(json_member(v, "doubt")),
			  source = json_string(json_member(v, "source")),
			  unsaid = json_string(json_member(v, "unsaid"));
	json_value *same = json_member(v, "same"), *times = json_member(v, "times");
	static const char *const nowhere[] = { NULL };
	struct region_rule r = {
		.provider = provider.n ? arena_text(a, provider.p, provider.n) : NULL,
		.same = same || !times ? take_names(a, faults, place, v, "same", NULL) : nowhere,
		.times = take_factors(a, faults, place, times),
		.unsaid = text_is(unsaid, "least")  ? UNSAID_IS_LEAST
			  : text_is(unsaid, "open") ? UNSAID_IS_OPEN
						    : UNSAID_IS_SAME,
		.doubt = doubt.n ? arena_text(a, doubt.p, doubt.n) : NULL,
		.source = source.n ? arena_text(a, source.p, source.n) : NULL,
	};
	if (json_member(v, "unsaid") && r.unsaid == UNSAID_IS_SAME)
		fault_add(faults, place, "'unsaid' is \"least\" or \"open\"");
	const char *const *models = take_names(a, faults, place, v, "models", "*");
	for (; *models; models++) {
		r.models = *models;
		*list = mem_grow(*list, (*count + 1) * sizeof **list);
		(*list)[(*count)++] = r;
	}
}

size_t region_rule_names(const struct region_rule *r, const char *model)
{
	const size_t n = strlen(r->models);
	if (n && r->models[n - 1] == '*')
		return strncmp(r->models, model, n - 1) == 0 ? n : 0;
	return strcmp(r->models, model) == 0 ? SIZE_MAX : 0;
}

bool region_rule_holds(const struct region_rule *r, struct text region, bool has_regional_prices)
{
	for (const char *const *s = r->same; *s; s++)
		if (strcmp(*s, REGION_ANY_OTHER) == 0 && !has_regional_prices)
			return true;
	return region_rule_names_same(r, region);
}

bool region_rule_names_same(const struct region_rule *r, struct text region)
{
	for (const char *const *s = r->same; *s; s++)
		if (text_is(region, *s))
			return true;
	return false;
}
