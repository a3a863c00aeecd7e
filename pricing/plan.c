#include "pricing/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "pricing/rate.h"

struct model_value {
	const char *model;
	struct decimal single; /* multiplier or credits per call */
	struct decimal model_ratio, completion_ratio, cache_ratio, cache_write_ratio;
	struct decimal unit_price[BUCKET_COUNT];
	uint32_t unit_known;
};

enum unlisted_rule { UNLISTED_BY_RULE, UNLISTED_REFUSE, UNLISTED_VALUE, UNLISTED_OWN_PRICE };

struct plan_table {
	struct instant from, to;
	const struct model_value *value;
	size_t count;
};

struct category {
	const char *name;
	uint32_t buckets;
	int first; /* bucket whose price the category takes */
};

struct plan {
	const char *name, *title, *source, *note, *currency, *rule_name, *rounding_text;
	enum plan_rule rule;
	struct decimal per_unit, group_ratio;
	const char *baseline_provider, *baseline_model;
	struct plan_table *table;
	size_t table_count;
	struct category category[PLAN_CATEGORIES_MAX];
	int category_count;
	enum rounding_scope scope;
	enum rounding_mode mode, unit_mode;
	/* models that no table has */
	enum unlisted_rule unlisted;
	struct model_value unlisted_value;
	struct decimal unlisted_factor;
};

struct plan_file {
	struct arena arena;
	struct plan *plan;
	size_t count;
};

static const char *const rule_names[] = { "multiplier", "token-priced", "ratio", "flat" };
static const char *const scope_names[] = { "none", "category", "record" };
static const char *const mode_names[] = { "none", "up", "down", "half-up", "half-even" };

struct parse {
	struct plan_file *file;
	const char *name;
	struct err *e;
	int rc;	     /* of the last fault */
	bool failed; /* and nothing more is looked at */
};

struct words {
	const char *const *word;
	int count, missing; /* missing: below 0 where there must be one */
};

/* The first fault ends it, unless all are asked for. */
static void note_fault(struct parse *s, int rc)
{
	s->rc = rc;
	s->failed |= err_next(s->e, rc) != 0;
}

static void fail(struct parse *s, const char *place, const char *what)
{
	if (!s->failed)
		note_fault(s, err_set(s->e, ERR_INVALID, "plan file %s: %s: %s", s->name, place,
				      what));
}

/* "flat.tables[0]" and "from": "flat.tables[0].from". */
static const char *within(struct parse *s, const char *place, const char *key)
{
	return arena_printf(&s->file->arena, "%s.%s", place, key);
}

static void check_keys(struct parse *s, json_value *v, const char *const *keys, const char *place)
{
	const size_t before = err_noted(s->e);
	if (!v || s->failed)
		return;
	const int rc = err_within(s->e, before, json_check_keys(v, keys, place, s->e),
				  "plan file %s", s->name);
	if (rc != 0)
		note_fault(s, rc);
	else if (err_noted(s->e) > before)
		s->rc = -ERR_INVALID;
}

static const char *take(struct parse *s, json_value *v, const char *key, const char *place,
			bool required)
{
	json_value *m = json_member(v, key);
	struct text t = json_string(m);
	if (m && json_kind(m) != JSON_STRING)
		fail(s, within(s, place, key), "a text is expected");
	else if (t.n == 0 && required)
		fail(s, within(s, place, key), "is missing");
	return t.n ? arena_text(&s->file->arena, t.p, t.n) : NULL;
}

/* The member of v; `missing` without it. */
static struct decimal take_decimal(struct parse *s, json_value *v, const char *key,
				   const char *place, struct decimal missing)
{
	json_value *m = json_member(v, key);
	struct decimal d;
	if (!m)
		return missing;
	if (json_kind(m) != JSON_STRING || decimal_parse(&d, json_string(m), NULL) != 0 ||
	    d.digits < 0) {
		fail(s, within(s, place, key), "a decimal in quotes, not negative, is expected");
		return missing;
	}
	return d;
}

/* One of the words; `missing` without the member. */
static int take_word(struct parse *s, json_value *v, const char *key, const char *place,
		     const struct words *of)
{
	json_value *m = json_member(v, key);
	struct buf list = { 0 };
	for (int i = 0; m && i < of->count; i++)
		if (text_is(json_string(m), of->word[i]))
			return i;
	if (!m && of->missing >= 0)
		return of->missing;
	for (int i = 0; i < of->count; i++)
		buf_printf(&list, "%s%s", i ? ", " : "is one of ", of->word[i]);
	fail(s, within(s, place, key), list.p);
	buf_release(&list);
	return of->missing < 0 ? 0 : of->missing;
}

static void take_value(struct parse *s, enum plan_rule rule, json_value *values, const char *model,
		       const char *place, struct model_value *out)
{
	static const char *const ratios[] = { "model_ratio", "completion_ratio", "cache_ratio",
					      "cache_write_ratio", NULL };
	struct decimal *const ratio[] = { &out->model_ratio, &out->completion_ratio,
					  &out->cache_ratio, &out->cache_write_ratio };
	const struct decimal one = { 1, 0 };
	json_value *v = json_member(values, model);
	const char *here = within(s, place, model);
	if (rule == PLAN_MULTIPLIER || rule == PLAN_FLAT) {
		out->single = take_decimal(s, values, model, place, one);
		return;
	}
	if (json_kind(v) != JSON_OBJECT) {
		fail(s, here, "an object of decimals is expected");
		return;
	}
	if (rule == PLAN_RATIO) {
		check_keys(s, v, ratios, here);
		for (int i = 0; ratios[i]; i++)
			*ratio[i] = take_decimal(s, v, ratios[i], here, one);
		return;
	}
	for (json_value *c = json_first(v); c; c = json_next(c)) {
		int b = bucket_by_name(json_key(c), strlen(json_key(c)));
		if (b < 0) {
			fail(s, within(s, here, json_key(c)), "there is no such bucket");
			continue;
		}
		out->unit_price[b] = take_decimal(s, v, json_key(c), here, one);
		out->unit_known |= 1u << b;
	}
}

static void take_values(struct parse *s, enum plan_rule rule, json_value *values, const char *place,
			struct plan_table *t)
{
	size_t n = 0;
	for (json_value *v = json_first(values); v; v = json_next(v))
		n++;
	struct model_value *out = arena_alloc(&s->file->arena, n * sizeof *out);
	t->value = out;
	for (json_value *v = json_first(values); v && !s->failed;
	     v = json_next(v), out++, t->count++) {
		out->model = arena_text(&s->file->arena, json_key(v), strlen(json_key(v)));
		take_value(s, rule, values, out->model, place, out);
	}
}

static void take_categories(struct parse *s, json_value *v, const char *place, struct plan *p)
{
	for (json_value *c = json_first(v); c; c = json_next(c)) {
		const char *here = within(s, place, json_key(c));
		if (p->category_count == PLAN_CATEGORIES_MAX) {
			fail(s, here, "too many categories");
			return;
		}
		struct category *out = &p->category[p->category_count++];
		out->name = arena_text(&s->file->arena, json_key(c), strlen(json_key(c)));
		out->first = -1;
		if (json_kind(c) != JSON_ARRAY || !json_first(c))
			fail(s, here, "a list of buckets is expected");
		for (json_value *b = json_first(c); b; b = json_next(b)) {
			struct text name = json_string(b);
			int bucket = bucket_by_name(name.p, name.n);
			if (bucket < 0) {
				fail(s, here,
				     arena_printf(&s->file->arena, "there is no bucket '%.*s'",
						  (int)name.n, name.n ? name.p : ""));
				return;
			}
			if (out->first < 0)
				out->first = bucket;
			out->buckets |= 1u << bucket;
		}
	}
}

/* "refuse", {"multiplier": "1.5"}, or {"own_price": "1.2"}: the model's own price times a factor.
 */
static void take_unlisted(struct parse *s, json_value *v, const char *place, struct plan *p)
{
	static const char *const keys[] = { "multiplier", "own_price", NULL };
	const struct decimal one = { 1, 0 };
	p->unlisted_factor = one;
	json_value *multiplier = json_member(v, "multiplier"), *own = json_member(v, "own_price");
	if (!v)
		return;
	if (json_kind(v) == JSON_STRING && text_is(json_string(v), "refuse")) {
		p->unlisted = UNLISTED_REFUSE;
		return;
	}
	if (json_kind(v) != JSON_OBJECT || json_check_keys(v, keys, "'unlisted'", NULL) != 0 ||
	    !multiplier == !own || (multiplier && p->rule != PLAN_MULTIPLIER)) {
		fail(s, place,
		     "\"unlisted\" is \"refuse\", {\"own_price\": FACTOR}, or for the multiplier "
		     "rule {\"multiplier\": FACTOR}");
		return;
	}
	const struct decimal factor =
		take_decimal(s, v, multiplier ? "multiplier" : "own_price", place, one);
	if (factor.digits <= 0)
		fail(s, place, "\"unlisted\": a factor is above 0");
	p->unlisted = multiplier ? UNLISTED_VALUE : UNLISTED_OWN_PRICE;
	p->unlisted_value.single = factor;
	p->unlisted_factor = own ? factor : one;
}

static void take_rounding(struct parse *s, json_value *v, const char *place, struct plan *p)
{
	static const char *const keys[] = { "scope", "mode", NULL };
	json_value *rounding = json_member(v, "rounding");
	const char *here = within(s, place, "rounding");
	check_keys(s, rounding, keys, here);
	p->scope = (enum rounding_scope)take_word(s, rounding, "scope", here,
						  &(struct words){ scope_names, 3, SCOPE_NONE });
	p->mode = (enum rounding_mode)take_word(s, rounding, "mode", here,
						&(struct words){ mode_names, 5, ROUND_NONE });
	p->unit_mode = (enum rounding_mode)take_word(
		s, v, "unit_rounding", place, &(struct words){ mode_names, 5, ROUND_HALF_UP });
	if ((p->scope != SCOPE_NONE) != (p->mode != ROUND_NONE))
		fail(s, here,
		     "\"rounding\" needs a scope (none, category, record) and a mode (up, down, "
		     "half-up, half-even)");
	p->rounding_text = p->scope == SCOPE_NONE
				   ? "none"
				   : arena_printf(&s->file->arena, "%s, per %s",
						  mode_names[p->mode], scope_names[p->scope]);
}

static void take_instant(struct parse *s, json_value *v, const char *key, const char *place,
			 struct instant *out)
{
	json_value *m = json_member(v, key);
	if (m && json_kind(m) != JSON_NULL &&
	    (json_kind(m) != JSON_STRING || instant_parse(out, json_string(m), NULL) != 0))
		fail(s, within(s, place, key), "a day or an instant is expected");
}

static void take_table(struct parse *s, json_value *t, json_value *tables, const char *place,
		       struct plan *p)
{
	static const char *const keys[] = { "table", "from", "to", NULL };
	static const char *const table_keys[] = { "values", "source", NULL };
	struct plan_table *out = &p->table[p->table_count++];
	const char *name = take(s, t, "table", place, true);
	json_value *named = name ? json_member(tables, name) : NULL;
	check_keys(s, t, keys, place);
	*out = (struct plan_table){ .from = INSTANT_MIN, .to = INSTANT_MAX };
	if (!named) {
		fail(s, within(s, place, "table"),
		     "\"tables\" of the file has no table of that name");
		return;
	}
	const char *here = within(s, "tables", name);
	check_keys(s, named, table_keys, here);
	take_instant(s, t, "from", place, &out->from);
	take_instant(s, t, "to", place, &out->to);
	if (out->to.us <= out->from.us)
		fail(s, within(s, place, "to"), "comes after \"from\"");
	take_values(s, p->rule, json_member(named, "values"), within(s, here, "values"), out);
}

static void take_tables(struct parse *s, json_value *list, json_value *tables, const char *place,
			struct plan *p)
{
	size_t n = 0;
	if (list && json_kind(list) != JSON_ARRAY)
		fail(s, place, "a list is expected");
	for (json_value *t = json_first(list); t; t = json_next(t))
		n++;
	p->table = arena_alloc(&s->file->arena, n * sizeof *p->table);
	for (json_value *t = json_first(list); t && !s->failed; t = json_next(t))
		take_table(s, t, tables,
			   arena_printf(&s->file->arena, "%s[%zu]", place, p->table_count), p);
	if (n == 0 && (p->rule == PLAN_MULTIPLIER || p->rule == PLAN_FLAT))
		fail(s, place, "this rule needs \"tables\"");
}

static void take_plan(struct parse *s, json_value *v, json_value *tables, struct plan *p)
{
	static const char *const keys[] = { "plan",
					    "title",
					    "source",
					    "note",
					    "currency",
					    "rule",
					    "credits_per_unit",
					    "group_ratio",
					    "baseline",
					    "rounding",
					    "unit_rounding",
					    "categories",
					    "unlisted",
					    "tables",
					    NULL };
	static const char *const baseline_keys[] = { "provider", "model", NULL };
	const struct decimal one = { 1, 0 };
	char number[32];
	snprintf(number, sizeof number, "plans[%zu]", s->file->count - 1);
	p->name = take(s, v, "plan", number, true);
	const char *place = p->name ? p->name : number;
	check_keys(s, v, keys, place);
	p->title = take(s, v, "title", place, false);
	p->source = take(s, v, "source", place, false);
	p->note = take(s, v, "note", place, false);
	p->currency = take(s, v, "currency", place, false);
	if (!p->currency)
		p->currency = "USD";
	p->rule = (enum plan_rule)take_word(s, v, "rule", place,
					    &(struct words){ rule_names, 4, -1 });
	if (!text_is(json_string(json_member(v, "rule")), rule_names[p->rule]))
		return; /* what else there must be is told by the rule */
	p->rule_name = rule_names[p->rule];
	p->per_unit = take_decimal(s, v, "credits_per_unit", place, one);
	p->group_ratio = take_decimal(s, v, "group_ratio", place, one);
	json_value *baseline = json_member(v, "baseline");
	const char *base = within(s, place, "baseline");
	check_keys(s, baseline, baseline_keys, base);
	p->baseline_provider = take(s, baseline, "provider", base, false);
	p->baseline_model = take(s, baseline, "model", base, p->rule == PLAN_MULTIPLIER);
	take_rounding(s, v, place, p);
	take_categories(s, json_member(v, "categories"), within(s, place, "categories"), p);
	take_unlisted(s, json_member(v, "unlisted"), within(s, place, "unlisted"), p);
	if (p->scope == SCOPE_CATEGORY && p->category_count == 0)
		fail(s, place, "rounding per category needs \"categories\"");
	take_tables(s, json_member(v, "tables"), tables, within(s, place, "tables"), p);
	if (p->per_unit.digits <= 0)
		fail(s, within(s, place, "credits_per_unit"), "is above 0");
}

int plan_file_parse(struct plan_file **out, struct text json, const char *name, struct err *e)
{
	struct json_document *doc;
	int rc = json_open(&doc, json, e);
	if (rc != 0)
		return err_context(e, "plan file %s", name);
	struct plan_file *f = mem_zalloc(sizeof *f);
	struct parse s = { .file = f, .name = arena_text(&f->arena, name, strlen(name)), .e = e };
	json_value *root = json_root(doc), *plans = json_member(root, "plans");
	static const char *const keys[] = { "schema", "plans", "tables", "source", "note", NULL };
	check_keys(&s, root, keys, "the file");
	if (!text_is(json_string(json_member(root, "schema")), "tally.plans/1"))
		fail(&s, "schema", "\"tally.plans/1\" is expected");
	size_t n = 0;
	for (json_value *v = json_first(plans); v; v = json_next(v))
		n++;
	if (n == 0)
		fail(&s, "plans", "at least one plan is expected");
	f->plan = arena_alloc(&f->arena, n * sizeof *f->plan);
	for (json_value *v = json_first(plans); v && !s.failed; v = json_next(v))
		take_plan(&s, v, json_member(root, "tables"), &f->plan[f->count++]);
	json_close(doc);
	if (s.rc != 0) {
		plan_file_close(f);
		return s.rc;
	}
	*out = f;
	return 0;
}

void plan_file_close(struct plan_file *f)
{
	if (!f)
		return;
	arena_release(&f->arena);
	free(f);
}

size_t plan_file_count(const struct plan_file *f)
{
	return f->count;
}

const struct plan *plan_file_plan(const struct plan_file *f, size_t i)
{
	return &f->plan[i];
}

static int open_user_file(struct plan_file **file, const struct plan **out, const char *spec,
			  struct err *e)
{
	const char *json = strstr(spec, ".json");
	char path[4096];
	const char *wanted = json[5] == ':' ? json + 6 : NULL;
	snprintf(path, sizeof path, "%.*s", (int)(json + 5 - spec), spec);
	struct buf b = { 0 };
	int rc = file_read(&b, path, JSON_BYTES_MAX, e);
	if (rc == 0)
		rc = plan_file_parse(file, (struct text){ b.p, b.n }, path, e);
	buf_release(&b);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < (*file)->count; i++)
		if (!wanted || strcmp((*file)->plan[i].name, wanted) == 0) {
			*out = &(*file)->plan[i];
			return 0;
		}
	plan_file_close(*file);
	return err_set(e, ERR_NOT_FOUND, "plan file '%s' has no plan '%s'", path, wanted);
}

int plan_open(struct plan_file **file, const struct plan **out, const char *spec, struct err *e)
{
	if (strstr(spec, ".json"))
		return open_user_file(file, out, spec, e);
	struct buf names = { 0 };
	for (const struct shipped_file *s = shipped_plans; s->name; s++) {
		struct plan_file *f;
		int rc = plan_file_parse(&f, text_of(s->bytes), s->name, e);
		if (rc != 0) {
			buf_release(&names);
			return rc;
		}
		for (size_t i = 0; i < f->count; i++) {
			if (strcmp(f->plan[i].name, spec) == 0) {
				*file = f;
				*out = &f->plan[i];
				buf_release(&names);
				return 0;
			}
			buf_printf(&names, "%s%s", names.n ? ", " : "", f->plan[i].name);
		}
		plan_file_close(f);
	}
	int rc = err_set(e, ERR_NOT_FOUND,
			 "there is no plan '%s'; shipped are %s, or name a FILE.json", spec,
			 names.p);
	buf_release(&names);
	return rc;
}

const char *plan_name(const struct plan *p)
{
	return p->name;
}
const char *plan_title(const struct plan *p)
{
	return p->title ? p->title : p->name;
}
const char *plan_source(const struct plan *p)
{
	return p->source ? p->source : "";
}
const char *plan_note(const struct plan *p)
{
	return p->note ? p->note : "";
}
enum plan_rule plan_rule(const struct plan *p)
{
	return p->rule;
}
const char *plan_rule_name(const struct plan *p)
{
	return p->rule_name;
}
const char *plan_rounding_text(const struct plan *p)
{
	return p->rounding_text;
}
struct decimal plan_credits_per_unit(const struct plan *p)
{
	return p->per_unit;
}
const char *plan_currency(const struct plan *p)
{
	return p->currency;
}
/* The one value of the table for a name that means the same model; NULL where there is none, or
 * several. */
static const struct model_value *find_same(const struct plan_table *t,
					   const struct plan_question *of, struct instant *until)
{
	const struct named_model call = { of->query->provider, of->query->model, of->query->at };
	const struct model_value *found = NULL;
	for (size_t k = 0; k < t->count; k++) {
		const struct model_value *v = &t->value[k];
		if (strcmp(v->model, "*") == 0 ||
		    !book_same_model(of->book, text_of(v->model), &call, until))
			continue;
		if (found)
			return NULL;
		found = v;
	}
	return found;
}

/* The plan's value for the model: by the name that was asked, by the resolved name, by another name
 * that means it, or by "*". */
static const struct model_value *find_value(const struct plan *p, const struct plan_question *of,
					    struct instant *until)
{
	const struct model_value *any = NULL;
	const struct instant t = of->query->at;
	for (size_t i = 0; i < p->table_count; i++) {
		const struct plan_table *tab = &p->table[i];
		if (tab->from.us > t.us && tab->from.us < until->us)
			*until = tab->from;
		if (t.us < tab->from.us || t.us >= tab->to.us)
			continue;
		if (tab->to.us < until->us)
			*until = tab->to;
		const struct model_value *by_resolved = NULL;
		for (size_t k = 0; k < tab->count; k++) {
			const struct model_value *v = &tab->value[k];
			if (text_is(of->query->model, v->model))
				return v;
			if (of->resolved && strcmp(of->resolved, v->model) == 0)
				by_resolved = v;
			if (strcmp(v->model, "*") == 0)
				any = v;
		}
		by_resolved = by_resolved ? by_resolved : find_same(tab, of, until);
		if (by_resolved)
			return by_resolved;
	}
	return any;
}

/* amount (per million tokens) x factor, in 1e-18 credit a token */
static bool to_atto_per_token(struct decimal per_million, struct decimal factor, int128 *out)
{
	struct decimal d;
	if (!decimal_multiply(per_million, factor, &d) || d.scale > MONEY_PLACES)
		return false;
	int128 v = d.digits;
	for (int i = d.scale; i < MONEY_PLACES; i++) {
		if (v >= (int128)1 << 100)
			return false;
		v *= 10;
	}
	*out = v;
	return v < (int128)1 << 84;
}

static int too_fine(const struct price_query *q, struct err *e)
{
	return err_set(e, ERR_RANGE, "the credit rate of '%.*s' cannot be held exactly",
		       (int)q->model.n, q->model.p);
}

static int not_covered(const struct plan *p, const struct price_query *q, struct err *e)
{
	return err_set(e, ERR_UNPRICED, "plan '%s' has no entry for '%.*s'", p->name,
		       q->model.n > 100 ? 100 : (int)q->model.n, q->model.p);
}

static struct decimal money_decimal(struct money m)
{
	return decimal_shift((struct decimal){ m.pico, MONEY_PLACES }, 0);
}

/* A question at work, and its answer in the making. */
struct asked {
	const struct plan *plan;
	const struct plan_question *of;
	struct credit_rates *out;
	struct instant *until;
};

/* Rates of the model that the plan prices by (the baseline or the model itself) in the plan's
 * currency. */
static int money_rates(const struct asked *a, struct price_query q, const struct rates **rates,
		       struct err *e)
{
	struct price_match m;
	q.currency = a->plan->currency;
	int rc = book_find(a->of->book, &q, &m, e);
	if (m.until.us < a->until->us)
		*a->until = m.until;
	if (rc != 0)
		return rc;
	*rates = tariff_rates(m.tariff, a->of->prompt_tokens);
	a->out->depends_on_prompt |= m.tariff->tier_count > 0;
	a->out->above_lowest_tier |= *rates != &m.tariff->rates;
	return 0;
}

static int scaled_rates(const struct price_query *q, const struct rates *rates,
			struct decimal factor, struct credit_rates *out, struct err *e)
{
	out->known = rates->known;
	for (int i = 0; i < BUCKET_COUNT; i++)
		if (rates->known >> i & 1 &&
		    !to_atto_per_token(money_decimal(rates->per_million[i]), factor,
				       &out->atto_per_token[i]))
			return too_fine(q, e);
	return 0;
}

static int multiplier_rates(const struct asked *a, const struct model_value *v, struct err *e)
{
	const struct plan *p = a->plan;
	const struct price_query *q = a->of->query;
	struct credit_rates *out = a->out;
	const struct rates *rates;
	struct decimal factor;
	struct price_query base = { .provider = text_of(p->baseline_provider),
				    .model = text_of(p->baseline_model),
				    .at = q->at };
	int rc = money_rates(a, base, &rates, e);
	if (rc != 0)
		return err_context(e, "baseline of plan '%s'", p->name);
	if (!decimal_multiply(v->single, p->per_unit, &factor))
		return too_fine(q, e);
	out->has_multiplier = true;
	out->multiplier = v->single;
	return scaled_rates(q, rates, factor, out, e);
}

/* Whole credits per million tokens that a price comes to under the plan. */
static int whole_credits(const struct plan *p, const struct price_query *q, struct money price,
			 struct decimal *out, struct err *e)
{
	int64_t scaled;
	bool changed;
	if (!decimal_multiply(money_decimal(price), p->per_unit, out) ||
	    !decimal_multiply(*out, p->unlisted_factor, out))
		return too_fine(q, e);
	*out = decimal_round_places(*out, 12, &changed);
	if (!decimal_to_int64(*out, 6, &scaled))
		return too_fine(q, e);
	const struct credits_total whole = credits_round(
		(struct credits_total){ (int128)scaled * 1000000000000 }, p->unit_mode);
	*out = decimal_shift((struct decimal){ whole.atto, MONEY_TOTAL_PLACES }, 0);
	return 0;
}

/* Whole credits per million tokens a category, from the table or rounded from the model's own
 * price. A price that would be rounded to nothing is not covered. */
static int token_rates(const struct asked *a, const struct model_value *v, struct err *e)
{
	const struct plan *p = a->plan;
	const struct price_query *q = a->of->query;
	struct credit_rates *out = a->out;
	const struct rates *rates = NULL;
	int rc = v ? 0 : money_rates(a, *q, &rates, e);
	for (int c = 0; rc == 0 && c < p->category_count; c++) {
		const int first = p->category[c].first;
		const uint32_t known = v ? v->unit_known : rates->known;
		struct decimal unit;
		if (!(known >> first & 1))
			continue;
		if (v)
			unit = v->unit_price[first];
		else
			rc = whole_credits(p, q, rates->per_million[first], &unit, e);
		if (rc == 0 && !v && unit.digits == 0 && rates->per_million[first].pico != 0) {
			out->vanished |= p->category[c].buckets;
			continue;
		}
		for (int i = 0; rc == 0 && i < BUCKET_COUNT; i++)
			if (p->category[c].buckets >> i & 1) {
				if (!to_atto_per_token(unit, (struct decimal){ 1, 0 },
						       &out->atto_per_token[i]))
					rc = too_fine(q, e);
				out->known |= 1u << i;
			}
	}
	return rc;
}

/* new-api: quota = tokens x model ratio x group ratio, completion and cache weighted; without
 * ratios, money x quota per unit. */
static int ratio_rates(const struct asked *a, const struct model_value *v, struct err *e)
{
	const struct plan *p = a->plan;
	const struct price_query *q = a->of->query;
	struct credit_rates *out = a->out;
	if (!v) {
		const struct rates *rates;
		struct decimal factor;
		int rc = money_rates(a, *q, &rates, e);
		if (rc != 0)
			return rc;
		if (!decimal_multiply(p->per_unit, p->group_ratio, &factor))
			return too_fine(q, e);
		return scaled_rates(q, rates, factor, out, e);
	}
	const struct decimal million = { PER_MILLION, 0 };
	const struct {
		int bucket;
		struct decimal weight;
	} parts[] = { { BUCKET_INPUT, { 1, 0 } },
		      { BUCKET_CACHE_READ, v->cache_ratio },
		      { BUCKET_CACHE_WRITE_5M, v->cache_write_ratio },
		      { BUCKET_CACHE_WRITE_1H, v->cache_write_ratio },
		      { BUCKET_OUTPUT, v->completion_ratio } };
	struct decimal unit;
	if (!decimal_multiply(v->model_ratio, p->group_ratio, &unit) ||
	    !decimal_multiply(unit, million, &unit))
		return too_fine(q, e);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (!to_atto_per_token(unit, parts[i].weight,
				       &out->atto_per_token[parts[i].bucket]))
			return too_fine(q, e);
		out->known |= 1u << parts[i].bucket;
	}
	return 0;
}

/* The model's own price times the factor, whatever the rule is for those that are listed. */
static int own_rates(const struct asked *a, struct err *e)
{
	const struct price_query *q = a->of->query;
	const struct rates *rates;
	struct decimal factor;
	int rc = money_rates(a, *q, &rates, e);
	if (rc != 0)
		return rc;
	if (!decimal_multiply(a->plan->per_unit, a->plan->unlisted_factor, &factor))
		return too_fine(q, e);
	return scaled_rates(q, rates, factor, a->out, e);
}

int plan_rates(const struct plan *p, const struct plan_question *of, struct credit_rates *out,
	       struct instant *until, struct err *e)
{
	const struct price_query *q = of->query;
	const struct asked a = { p, of, out, until };
	const struct model_value *v = find_value(p, of, until);
	*out = (struct credit_rates){ .scope = p->scope,
				      .mode = p->mode,
				      .category_count = p->category_count };
	for (int c = 0; c < p->category_count; c++)
		out->category[c] = p->category[c].buckets;
	if (!v && p->unlisted == UNLISTED_REFUSE)
		return not_covered(p, q, e);
	if (!v && p->unlisted == UNLISTED_VALUE)
		v = &p->unlisted_value;
	if (!v && p->unlisted == UNLISTED_OWN_PRICE && p->rule != PLAN_TOKEN_PRICED)
		return own_rates(&a, e);
	switch (p->rule) {
	case PLAN_MULTIPLIER:
		return v ? multiplier_rates(&a, v, e) : not_covered(p, q, e);
	case PLAN_TOKEN_PRICED:
		return token_rates(&a, v, e);
	case PLAN_RATIO:
		return ratio_rates(&a, v, e);
	case PLAN_FLAT:
		if (!v)
			return not_covered(p, q, e);
		out->known = (1u << BUCKET_COUNT) - 1;
		/* per million tokens -> per token is the same shift as credits -> 1e-18 / 1e-12 */
		if (!to_atto_per_token(v->single, (struct decimal){ PER_MILLION, 0 },
				       &out->atto_per_request))
			return too_fine(q, e);
		return 0;
	}
	return 0;
}

int credits_of(const struct credit_rates *r, const int64_t *counts, int64_t requests,
	       struct credits_total *out, struct err *e)
{
	const int64_t most = INT64_C(1) << 40; /* x 2^84 < 2^127 / 8 */
	struct credits_total sum = { 0 };
	struct rates priced = { .known = r->known };
	uint32_t left = (1u << BUCKET_COUNT) - 1;
	if (requests > most)
		return err_set(e, ERR_RANGE, "too many requests for one record of credits");
	sum.atto = r->atto_per_request * requests;
	for (int c = -1; c < r->category_count; c++) {
		/* first the buckets of each category, at last those of none */
		uint32_t mask = c + 1 < r->category_count ? r->category[c + 1] : left;
		struct credits_total part = { 0 };
		for (int b = 0; b < BUCKET_COUNT; b++) {
			if (!(mask & left) || !(mask >> b & 1) || !(left >> b & 1))
				continue;
			int64_t n = rate_billed_tokens(&priced, counts, b);
			if (n == 0)
				continue;
			if (!(r->known >> b & 1))
				return err_set(e, ERR_UNPRICED,
					       r->vanished >> b & 1
						       ? "the plan rounds the price of %s to no "
							 "credits"
						       : "the plan states no credits for %s",
					       bucket_name((enum bucket)b));
			if (n > most)
				return err_set(e, ERR_RANGE,
					       "too many tokens for one record of credits");
			part.atto += r->atto_per_token[b] * n;
		}
		left &= ~mask;
		if (r->scope == SCOPE_CATEGORY)
			part = credits_round(part, r->mode);
		if (!credits_add(&sum, part))
			return err_set(e, ERR_RANGE,
				       "the credits are larger than a total can hold");
	}
	*out = r->scope == SCOPE_RECORD ? credits_round(sum, r->mode) : sum;
	return 0;
}

bool plan_worth(const struct plan *p, struct credits_total credits, struct money_total *out)
{
	int64_t per_unit;
	if (!decimal_to_int64(p->per_unit, 0, &per_unit) || per_unit <= 0 ||
	    credits.atto % per_unit)
		return false;
	out->atto = credits.atto / per_unit;
	return true;
}
