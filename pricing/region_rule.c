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

void region_rule_parse(struct region_rule **list, size_t *count, json_value *v, const char *place,
		       struct arena *a, struct fault_list *faults)
{
	static const char *const keys[] = { "provider", "models", "same", "source", "note", NULL };
	struct err e;
	if (json_check_keys(v, keys, "a rule of regions", &e) != 0) {
		fault_add(faults, place, "%s", e.message);
		return;
	}
	const struct text provider = json_string(json_member(v, "provider"));
	struct region_rule r = {
		.provider = provider.n ? arena_text(a, provider.p, provider.n) : NULL,
		.same = take_names(a, faults, place, v, "same", NULL),
	};
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
		if (strcmp(*s, "*") == 0 ? !has_regional_prices : text_is(region, *s))
			return true;
	return false;
}
