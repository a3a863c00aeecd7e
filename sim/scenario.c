#include "sim/scenario.h"

#include <stdlib.h>

#include "base/json.h"
#include "pricing/model_names.h"
#include "sim/cache_words.h"
#include "sim/scenario_hosting.h"

static int new_scenario(struct scenario_list *l, struct text name, struct scenario **out,
			struct err *e)
{
	if (name.n == 0)
		return err_set(e, ERR_USAGE, "a scenario has no name");
	for (size_t i = 0; i < l->count; i++)
		if (text_is(name, l->scenario[i].name))
			return err_set(e, ERR_USAGE, "two scenarios are called '%.*s'", (int)name.n,
				       name.p);
	if (l->count == SCENARIOS_MAX)
		return err_set(e, ERR_USAGE, "at most %d scenarios at once", SCENARIOS_MAX);
	l->scenario = mem_grow(l->scenario, (l->count + 1) * sizeof *l->scenario);
	*out = &l->scenario[l->count];
	**out = (struct scenario){ .name = arena_text(&l->arena, name.p, name.n) };
	return 0;
}

int scenario_add(struct scenario_list *l, const char *text, const struct book *book, struct err *e)
{
	const char *equals = strchr(text, '=');
	struct text name = { text, equals ? (size_t)(equals - text) : strlen(text) };
	struct scenario *s;
	int rc = new_scenario(l, name, &s, e);
	if (rc != 0)
		return rc;
	s->spec = equals ? equals + 1 : text;
	s->spec = arena_text(&l->arena, s->spec, strlen(s->spec));
	rc = route_parse(&s->route, s->spec, book, &l->arena, e);
	if (rc != 0)
		return err_context(e, "scenario '%s'", s->name);
	l->count++;
	return 0;
}

int scenario_list_known(const struct scenario_list *l, const struct book *book, struct err *e)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct scenario *s = &l->scenario[i];
		for (uint32_t t = 0; t < s->route.targets; t++)
			if (!s->hosting[t].gpu_hour.pico &&
			    route_target_known(&s->route.target[t], book, e) != 0)
				return err_context(e, "scenario '%s'", s->name);
	}
	return 0;
}

/* Which models of the route a name means: those of that very name, else those that have it as
 * another name. Errors: ERR_INVALID where there is none. */
static int targets_of(const struct scenario_list *l, const struct scenario *s, const char *name,
		      const char *key, bool is[ROUTE_TARGETS_MAX], struct err *e)
{
	const struct route *r = &s->route;
	bool found = false;
	for (uint32_t t = 0; t < r->targets; t++)
		found |= is[t] = text_is(r->target[t].model, name);
	for (uint32_t t = 0, none = !found; none && t < r->targets; t++)
		found |= is[t] = model_names_same(
			l->names, text_of(name),
			&(struct named_model){ r->target[t].provider, r->target[t].model, l->now });
	return found ? 0 : err_set(e, ERR_INVALID, "'%s': the route has no model '%s'", key, name);
}

/* {"MODEL": "1.2"}: a positive number for each model of the route that it names. */
static int by_model(const struct scenario_list *l, const struct scenario *s, json_value *v,
		    const char *key, struct decimal out[ROUTE_TARGETS_MAX], struct err *e)
{
	if (v && json_kind(v) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "'%s' is an object from models to numbers", key);
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		struct decimal d;
		bool is[ROUTE_TARGETS_MAX];
		struct text digits = json_number_or_string(m);
		if (decimal_parse(&d, digits, NULL) != 0 || d.digits <= 0 || d.scale > 9 ||
		    d.digits > (int128)1000000000000)
			return err_set(e, ERR_INVALID,
				       "'%s': '%.*s' is not a number above 0 with at most nine "
				       "decimals",
				       key, (int)digits.n, digits.p);
		int rc = targets_of(l, s, json_key(m), key, is, e);
		if (rc != 0)
			return rc;
		for (uint32_t t = 0; t < s->route.targets; t++)
			if (is[t])
				out[t] = d;
	}
	return 0;
}

struct each {
	const char *const *keys;
	int (*take)(struct scenario_list *l, struct scenario *s, uint32_t target, json_value *o,
		    struct err *e);
};

/* The members of v are models of the route and objects with no other keys than these. */
static int each_model(struct scenario_list *l, struct scenario *s, json_value *v, const char *key,
		      const struct each *each, struct err *e)
{
	if (v && json_kind(v) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "'%s' is an object from models to objects", key);
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		bool is[ROUTE_TARGETS_MAX];
		if (json_check_keys(m, each->keys, json_key(m), e) != 0)
			return err_context(e, "'%s'", key);
		int rc = targets_of(l, s, json_key(m), key, is, e);
		if (rc != 0)
			return rc;
		for (uint32_t t = 0; t < s->route.targets; t++)
			if (is[t] && each->take(l, s, t, m, e) != 0)
				return err_context(e, "'%s', '%s'", key, json_key(m));
	}
	return 0;
}

static int take_retry(struct scenario_list *l, struct scenario *s, uint32_t target, json_value *o,
		      struct err *e)
{
	(void)l;
	static const char *const bills[] = { "nothing", "prompt", "all" };
	struct retry *t = &s->retry[target];
	json_value *billed = json_member(o, "billed");
	int rc = share_parse(&t->share, &t->all, json_number_or_string(json_member(o, "share")), e);
	t->bill = RETRY_BILLS_ALL;
	for (int i = 0; rc == 0 && billed; i++) {
		if (i == 3)
			return err_set(e, ERR_INVALID, "'billed' is nothing, prompt or all");
		if (text_is(json_string(billed), bills[i])) {
			t->bill = (enum retry_bill)i;
			break;
		}
	}
	s->has_retries = true;
	return rc;
}

/* {"MODEL": {"share": "2%", "billed": "prompt"}} */
static int retries(struct scenario_list *l, struct scenario *s, json_value *v, struct err *e)
{
	static const char *const keys[] = { "share", "billed", NULL };
	return each_model(l, s, v, "retries", &(struct each){ keys, take_retry }, e);
}

static int take_hosting(struct scenario_list *l, struct scenario *s, uint32_t target, json_value *o,
			struct err *e)
{
	const struct machines table = { l->machines, l->names, l->now };
	return scenario_hosting_read(&s->hosting[target], json_key(o), o, &table, &l->arena, e);
}

/* {"MODEL": {"gpu_hour": "2", "gpus": 8, "prompt_tokens_per_second": ..,
 * "output_tokens_per_second": ..}} */
static int self_hosted(struct scenario_list *l, struct scenario *s, json_value *v, struct err *e)
{
	return each_model(l, s, v, "self_hosted",
			  &(struct each){ scenario_hosting_keys, take_hosting }, e);
}

static int waits(struct scenario_list *l, struct scenario *s, json_value *v, struct err *e)
{
	size_t n = 0;
	if (v && json_kind(v) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "'wait' is a list of workloads");
	if (v && s->route.kind != ROUTE_OFFPEAK && !s->route.service_tier.n)
		return err_set(e, ERR_INVALID,
			       "'wait' belongs to a route 'offpeak:' or 'batch:', or to a "
			       "'service_tier'");
	for (json_value *m = json_first(v); m; m = json_next(m))
		if (json_kind(m) != JSON_STRING || json_string(m).n == 0)
			return err_set(e, ERR_INVALID, "'wait' is a list of workloads by name");
	for (json_value *m = json_first(v); m; m = json_next(m))
		n++;
	s->route.wait = arena_alloc(&l->arena, (n + 1) * sizeof *s->route.wait);
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		struct text name = json_string(m);
		s->route.wait[s->route.waits++] =
			(struct text){ arena_text(&l->arena, name.p, name.n), name.n };
	}
	return 0;
}

static int service_tier(struct scenario_list *l, struct scenario *s, json_value *v, struct err *e)
{
	struct text tier = json_string(v);
	if (!v)
		return 0;
	if (json_kind(v) != JSON_STRING || tier.n == 0)
		return err_set(e, ERR_INVALID, "'service_tier' is a tier's name, such as batch");
	if (s->route.service_tier.n && !text_eq(s->route.service_tier, tier))
		return err_set(e, ERR_INVALID, "the route says '%.*s', 'service_tier' '%.*s'",
			       (int)s->route.service_tier.n, s->route.service_tier.p, (int)tier.n,
			       tier.p);
	s->route.service_tier = (struct text){ arena_text(&l->arena, tier.p, tier.n), tier.n };
	return 0;
}

static int writes(struct scenario *s, json_value *v, struct err *e)
{
	if (!v)
		return 0;
	s->cache.asked |= CACHE_ASKED_WRITES;
	s->cache.writes = json_true(v) ? CACHE_WRITES_ASKED : CACHE_WRITES_NONE;
	s->cache.writes_us = 300 * US_PER_SECOND;
	s->cache.lifetime = CACHE_SHORT;
	return json_kind(v) == JSON_BOOL ? 0 : err_set(e, ERR_INVALID, "'writes' is true or false");
}

/* The lifetimes that vendors sell, by their names. */
static bool lifetime_us(struct text v, int64_t *out)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} sold[] = { { "5m", 300 }, { "1h", 3600 }, { "24h", 86400 } };
	for (size_t i = 0; i < sizeof sold / sizeof *sold; i++)
		if (text_is(v, sold[i].name)) {
			*out = sold[i].seconds * US_PER_SECOND;
			return true;
		}
	return false;
}

int cache_part_parse(struct cache_rules *r, const char *key, struct text v, struct err *e)
{
	static const struct {
		const char *key;
		unsigned asked;
		size_t at;
		bool seconds;
	} parts[] = {
		{ "ttl", CACHE_ASKED_TTL, offsetof(struct cache_rules, ttl_us), true },
		{ "settle", CACHE_ASKED_SETTLE, offsetof(struct cache_rules, settle_us), true },
		{ "quantum", CACHE_ASKED_QUANTUM, offsetof(struct cache_rules, quantum), false },
		{ "minimum", CACHE_ASKED_MINIMUM, offsetof(struct cache_rules, minimum), false },
		{ "recompute", CACHE_ASKED_RECOMPUTE, offsetof(struct cache_rules, recompute),
		  false },
		{ "lookback", CACHE_ASKED_LOOKBACK, offsetof(struct cache_rules, lookback), false },
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strcmp(key, parts[i].key) != 0)
			continue;
		int64_t *to = (int64_t *)(void *)((char *)r + parts[i].at);
		struct decimal d;
		r->asked |= parts[i].asked;
		if (parts[i].seconds && lifetime_us(v, to))
			return 0;
		if (parts[i].seconds ? span_parse(to, v, US_PER_SECOND, NULL) != 0
				     : decimal_parse(&d, v, NULL) != 0 ||
					       !decimal_to_int64(d, 0, to) || *to < 0)
			return err_set(e, ERR_USAGE, "%s is %s, not '%.*s'", key,
				       parts[i].seconds ? "a number of seconds"
				       : strcmp(key, "lookback") == 0
					       ? "a whole number of content blocks from 0"
					       : "a whole number of tokens from 0",
				       (int)v.n, v.p);
		return 0;
	}
	if (strcmp(key, "scope") == 0) {
		struct buf word = { 0 };
		buf_add(&word, v.p ? v.p : "", v.n);
		r->asked |= CACHE_ASKED_SCOPE;
		const int rc = cache_scope_parse(word.p ? word.p : "", &r->scope, e);
		buf_release(&word);
		return rc;
	}
	if (strcmp(key, "expire") == 0 && (text_is(v, "touch") || text_is(v, "write"))) {
		r->asked |= CACHE_ASKED_EXPIRE;
		r->ttl_of_write = text_is(v, "write");
		return 0;
	}
	if (strcmp(key, "writes") == 0 && (text_is(v, "none") || lifetime_us(v, &r->writes_us))) {
		r->asked |= CACHE_ASKED_WRITES;
		r->writes = text_is(v, "none") ? CACHE_WRITES_NONE : CACHE_WRITES_ASKED;
		r->lifetime = text_is(v, "none") || text_is(v, "5m") ? CACHE_SHORT : CACHE_LONG;
		return 0;
	}
	return err_set(e, ERR_USAGE, "%s is %s, not '%.*s'", key,
		       strcmp(key, "writes") == 0 ? "none, 5m, 1h or 24h" : "touch or write",
		       (int)v.n, v.p);
}

/* {"ttl": 3600, "writes": "1h", ...}: parts of the contract that are otherwise here. */
static int cache(struct scenario *s, json_value *v, struct err *e)
{
	static const char *const keys[] = { "ttl",	 "settle", "quantum", "minimum", "expire",
					    "recompute", "writes", "scope",   NULL };
	int rc = v ? json_check_keys(v, keys, "'cache'", e) : 0;
	for (json_value *m = json_first(v); rc == 0 && m; m = json_next(m)) {
		const struct text part = json_number_or_string(m);
		struct err why;
		if (cache_part_parse(&s->cache, json_key(m), part, &why) != 0)
			rc = err_set(e, ERR_INVALID, "'cache': %s", why.message);
	}
	return rc;
}

static int add_object(struct scenario_list *l, json_value *v, const struct book *book,
		      struct err *e)
{
	static const char *const keys[] = { "name",
					    "route",
					    "input_factor",
					    "output_factor",
					    "reasoning_factor",
					    "retries",
					    "self_hosted",
					    "writes",
					    "cache",
					    "service_tier",
					    "first_token_seconds",
					    "output_tokens_per_second",
					    "wait",
					    "note",
					    NULL };
	struct scenario *s;
	int rc = json_check_keys(v, keys, "a scenario", e);
	if (rc != 0)
		return rc;
	struct text route = json_string(json_member(v, "route"));
	rc = new_scenario(l, json_string(json_member(v, "name")), &s, e);
	if (rc != 0)
		return rc;
	if (route.n == 0)
		return err_set(e, ERR_INVALID, "scenario '%s' has no 'route'", s->name);
	s->spec = arena_text(&l->arena, route.p, route.n);
	rc = route_parse(&s->route, s->spec, book, &l->arena, e);
	if (rc != 0)
		return err_context(e, "scenario '%s'", s->name);
	l->count++;
	if (json_member(v, "note") && json_kind(json_member(v, "note")) != JSON_STRING)
		rc = err_set(e, ERR_INVALID, "'note' is text");
	if (rc == 0)
		rc = by_model(l, s, json_member(v, "input_factor"), "input_factor", s->input_factor,
			      e);
	if (rc == 0)
		rc = by_model(l, s, json_member(v, "output_factor"), "output_factor",
			      s->output_factor, e);
	if (rc == 0)
		rc = by_model(l, s, json_member(v, "reasoning_factor"), "reasoning_factor",
			      s->reasoning_factor, e);
	if (rc == 0)
		rc = retries(l, s, json_member(v, "retries"), e);
	if (rc == 0)
		rc = self_hosted(l, s, json_member(v, "self_hosted"), e);
	if (rc == 0)
		rc = by_model(l, s, json_member(v, "first_token_seconds"), "first_token_seconds",
			      s->first_token_seconds, e);
	if (rc == 0)
		rc = by_model(l, s, json_member(v, "output_tokens_per_second"),
			      "output_tokens_per_second", s->tokens_per_second, e);
	if (rc == 0)
		rc = service_tier(l, s, json_member(v, "service_tier"), e);
	if (rc == 0)
		rc = writes(s, json_member(v, "writes"), e);
	if (rc == 0)
		rc = cache(s, json_member(v, "cache"), e);
	if (rc == 0)
		rc = waits(l, s, json_member(v, "wait"), e);
	s->has_factors = json_member(v, "input_factor") || json_member(v, "output_factor") ||
			 json_member(v, "reasoning_factor");
	return rc == 0 ? 0 : err_context(e, "scenario '%s'", s->name);
}

/* A table of machines, or the name of a file that has one. */
static int machines(struct scenario_list *l, json_value *v, struct json_document **file,
		    struct err *e)
{
	const struct text name = json_string(v);
	if (!v)
		return 0;
	l->machines = v;
	if (name.n) {
		const char *path = arena_text(&l->arena, name.p, name.n);
		int rc = json_open_file(file, path, e);
		if (rc != 0)
			return rc;
		l->machines = json_root(*file);
		rc = scenario_hosting_check(l->machines, e);
		return rc == 0 ? 0 : err_context(e, "%s", path);
	}
	return scenario_hosting_check(v, e);
}

int scenario_add_file(struct scenario_list *l, const char *path, const struct book *book,
		      struct instant now, struct err *e)
{
	static const char *const keys[] = { "schema",	 "note",     "baseline",
					    "scenarios", "machines", NULL };
	struct json_document *d, *tables = NULL;
	int rc = json_open_file(&d, path, e);
	if (rc != 0)
		return rc;
	json_value *list = json_member(json_root(d), "scenarios"),
		   *named = json_member(json_root(d), "baseline");
	struct text baseline = json_string(named);
	rc = json_check_keys(json_root(d), keys, "a file of scenarios", e);
	if (rc == 0 && named && !baseline.n)
		rc = err_set(e, ERR_INVALID, "'baseline' is the name of a scenario");
	if (rc == 0 && json_kind(list) != JSON_ARRAY)
		rc = err_set(e, ERR_INVALID,
			     "a file of scenarios is {\"scenarios\": [{\"name\": .., \"route\": "
			     "..}]}");
	if (rc == 0)
		rc = machines(l, json_member(json_root(d), "machines"), &tables, e);
	l->names = model_names_open(book);
	l->now = now;
	for (json_value *v = json_first(list); rc == 0 && v; v = json_next(v))
		rc = add_object(l, v, book, e);
	model_names_close(l->names);
	l->names = NULL;
	if (baseline.n)
		l->baseline = arena_text(&l->arena, baseline.p, baseline.n);
	l->machines = NULL;
	if (tables)
		json_close(tables);
	json_close(d);
	return rc == 0 ? 0 : err_context(e, "%s", path);
}

/* One model for everything, as recorded: no tier, no waiting. */
static bool is_single(const struct scenario *s)
{
	return s->route.kind == ROUTE_MODEL && s->route.service_tier.n == 0;
}

/* from: the scenario that names it as its target t; SIZE_MAX: nobody, it was recorded. */
static int add_single(struct scenario_list *l, const struct route_target *t, size_t from,
		      uint32_t place, struct err *e)
{
	struct scenario *s;
	struct buf name = { 0 };
	for (size_t i = 0; i < l->count; i++)
		if (is_single(&l->scenario[i]) &&
		    text_eq(l->scenario[i].route.target[0].model, t->model) &&
		    text_eq(l->scenario[i].route.target[0].provider, t->provider))
			return 0;
	const struct route_target single = *t;
	buf_printf(&name, "only %.*s%s%.*s", (int)t->provider.n, t->provider.n ? t->provider.p : "",
		   t->provider.n ? "/" : "", (int)t->model.n, t->model.p);
	int rc = new_scenario(l, (struct text){ name.p, name.n }, &s, e);
	buf_release(&name);
	if (rc != 0)
		return rc;
	l->count++;
	s->spec = s->name + strlen("only ");
	s->route = (struct route){ .kind = ROUTE_MODEL, .targets = 1 };
	s->route.target[0] = single;
	if (from == SIZE_MAX)
		return 0;
	const struct scenario *f = &l->scenario[from];
	s->input_factor[0] = f->input_factor[place];
	s->output_factor[0] = f->output_factor[place];
	s->reasoning_factor[0] = f->reasoning_factor[place];
	s->has_factors = f->has_factors;
	s->retry[0] = f->retry[place];
	s->has_retries = f->has_retries;
	s->hosting[0] = f->hosting[place];
	s->cache = f->cache;
	s->first_token_seconds[0] = f->first_token_seconds[place];
	s->tokens_per_second[0] = f->tokens_per_second[place];
	return 0;
}

int scenario_add_singles(struct scenario_list *l, const struct workload *w, struct err *e)
{
	const size_t asked = l->count;
	bool recorded = false;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < asked; i++) {
		const struct route *route = &l->scenario[i].route;
		recorded |= route->kind == ROUTE_RECORDED || route->kind == ROUTE_RULES;
		for (uint32_t t = 0; rc == 0 && t < l->scenario[i].route.targets; t++)
			rc = add_single(l, &l->scenario[i].route.target[t], i, t, e);
	}
	for (size_t k = 0; rc == 0 && recorded && k < w->subjects; k++)
		rc = add_single(
			l, &(struct route_target){ w->subject[k].provider, w->subject[k].model },
			SIZE_MAX, 0, e);
	return rc;
}

void scenario_list_bind(struct scenario_list *l, const struct workload *w, const struct book *book,
			struct instant at)
{
	for (size_t i = 0; i < l->count; i++)
		route_bind(&l->scenario[i].route, w, book, at, &l->arena);
}

int scenario_cheapest_single(const struct scenario_list *l, const struct whatif_result *r,
			     size_t *out, struct err *e)
{
	bool any = false;
	for (size_t i = 0; i < l->count; i++) {
		if (!is_single(&l->scenario[i]) || r[i].unpriced)
			continue;
		if (!any || whatif_headline(&r[i]).atto < whatif_headline(&r[*out]).atto)
			*out = i;
		any = true;
	}
	return any ? 0
		   : err_set(e, ERR_UNPRICED,
			     ASKED("baseline") " best: no model has a price for all of the calls");
}

int scenario_find(const struct scenario_list *l, const char *name, size_t *out, struct err *e)
{
	for (*out = 0; *out < l->count; ++*out)
		if (strcmp(l->scenario[*out].name, name) == 0)
			return 0;
	return err_set(e, ERR_USAGE, ASKED("baseline") ": there is no scenario '%s'", name);
}

void scenario_list_release(struct scenario_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		route_release(&l->scenario[i].route);
	free(l->scenario);
	arena_release(&l->arena);
}
