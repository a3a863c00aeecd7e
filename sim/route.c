#include "sim/route.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "pricing/model_names.h"

/* The pieces of a spec between colons; the last one keeps the colons in it. */
static size_t split(struct text spec, struct text *piece, size_t most)
{
	size_t n = 0;
	while (n + 1 < most) {
		const char *colon = memchr(spec.p, ':', spec.n);
		if (!colon)
			break;
		piece[n++] = (struct text){ spec.p, (size_t)(colon - spec.p) };
		spec.n -= (size_t)(colon + 1 - spec.p);
		spec.p = colon + 1;
	}
	piece[n++] = spec;
	return n;
}

static bool is_provider(const struct book *book, struct text name)
{
	for (size_t i = 0; i < book_card_count(book); i++) {
		const struct card *c = book_card(book, i);
		if (c->provider && text_is(name, c->provider))
			return true;
		for (size_t k = 0; k < c->price_count; k++)
			if (c->price[k].provider && text_is(name, c->price[k].provider))
				return true;
	}
	return false;
}

static int add_target(struct route *r, struct text name, const struct book *book, struct arena *a,
		      uint32_t *out, struct err *e)
{
	struct route_target t = { .model = name };
	if (name.n == 0)
		return err_set(e, ERR_USAGE, "a model's name is missing");
	const char *slash = memchr(name.p, '/', name.n);
	if (slash && is_provider(book, (struct text){ name.p, (size_t)(slash - name.p) })) {
		t.provider = (struct text){ name.p, (size_t)(slash - name.p) };
		t.model = (struct text){ slash + 1, name.n - t.provider.n - 1 };
	}
	for (uint32_t i = 0; i < r->targets; i++)
		if (text_eq(r->target[i].provider, t.provider) &&
		    text_eq(r->target[i].model, t.model)) {
			*out = i;
			return 0;
		}
	if (r->targets == ROUTE_TARGETS_MAX)
		return err_set(e, ERR_USAGE, "a route names more than %d models",
			       ROUTE_TARGETS_MAX);
	t.provider.p = arena_text(a, t.provider.p, t.provider.n);
	t.model.p = arena_text(a, t.model.p, t.model.n);
	*out = r->targets;
	r->target[r->targets++] = t;
	return 0;
}

static int whole(int64_t *out, struct text s, int64_t least, const char *what, struct err *e)
{
	struct decimal d;
	if (decimal_parse(&d, s, NULL) != 0 || !decimal_to_int64(d, 0, out) || *out < least)
		return err_set(e, ERR_USAGE, "%s '%.*s' is not a whole number from %lld", what,
			       (int)s.n, s.p, (long long)least);
	return 0;
}

/* "0.2" or "20%", as a part of 2^64. */
int share_parse(uint64_t *part, bool *all, struct text s, struct err *e)
{
	struct text digits = s;
	struct decimal d;
	int64_t billionth;
	bool percent = s.n > 1 && s.p[s.n - 1] == '%';
	digits.n -= percent;
	if (decimal_parse(&d, digits, NULL) != 0 ||
	    !decimal_to_int64(d, percent ? 7 : 9, &billionth) || billionth < 0 ||
	    billionth > 1000000000)
		return err_set(e, ERR_USAGE,
			       "a share is a number from 0 to 1 with at most nine decimals, or a "
			       "percentage, not '%.*s'",
			       (int)s.n, s.p);
	*all = billionth == 1000000000;
	*part = (uint64_t)(((uint128)(uint64_t)billionth << 64) / 1000000000);
	return 0;
}

/* 6h, 90m, 3600s or 3600, 2d */
static int delay(int64_t *out, struct text s, struct err *e)
{
	static const struct {
		char letter;
		int64_t us;
	} unit[] = { { 's', US_PER_SECOND },
		     { 'm', 60 * US_PER_SECOND },
		     { 'h', US_PER_HOUR },
		     { 'd', US_PER_DAY } };
	int64_t per = US_PER_SECOND;
	struct text digits = s;
	for (size_t i = 0; s.n && i < sizeof unit / sizeof *unit; i++)
		if (s.p[s.n - 1] == unit[i].letter) {
			per = unit[i].us;
			digits.n--;
		}
	if (digits.n == 0 || span_parse(out, digits, per, NULL) != 0)
		return err_set(e, ERR_USAGE,
			       "a delay is seconds, or a number with s, m, h or d, not '%.*s'",
			       (int)s.n, s.p);
	return 0;
}

/* Text, or not there at all. */
static int text_member(json_value *v, const char *key, struct arena *a, struct text *out,
		       struct err *e)
{
	json_value *m = json_member(v, key);
	const struct text s = json_string(m);
	*out = (struct text){ arena_text(a, s.p, s.n), s.n };
	return !m || s.n ? 0
			 : err_set(e, ERR_INVALID, "'%s' is text, and here it is %s", key,
				   json_kind(m) == JSON_STRING ? "empty" : json_kind_name(m));
}

static int count_member(json_value *v, const char *key, int64_t missing, int64_t *out,
			struct err *e)
{
	json_value *m = json_member(v, key);
	*out = missing;
	return m ? whole(out, json_number_or_string(m), 0, key, e) : 0;
}

/* A model's name, or "recorded". */
static int target_member(struct route *r, json_value *v, const struct book *book, struct arena *a,
			 uint32_t *out, struct err *e)
{
	if (json_kind(v) != JSON_STRING)
		return err_set(e, ERR_INVALID, "a rule names its model as text");
	if (text_is(json_string(v), "recorded")) {
		*out = ROUTE_AS_RECORDED;
		return 0;
	}
	return add_target(r, json_string(v), book, a, out, e);
}

/* What a call must be. */
static int read_when(struct route_rule *rule, json_value *when, struct arena *a, struct err *e)
{
	static const char *const keys[] = { "workload",	  "task",	"project",
					    "customer",	  "model",	"effort",
					    "prompt_min", "prompt_max", NULL };
	int rc = json_check_keys(when, keys, "'when'", e);
	if (rc == 0)
		rc = count_member(when, "prompt_min", 0, &rule->prompt_min, e);
	if (rc == 0)
		rc = count_member(when, "prompt_max", INT64_MAX, &rule->prompt_max, e);
	if (rc == 0 && rule->prompt_min > rule->prompt_max)
		rc = err_set(e, ERR_INVALID, "'prompt_min' is above 'prompt_max'");
	struct text *const names[] = { &rule->workload, &rule->task,  &rule->project,
				       &rule->customer, &rule->model, &rule->effort };
	for (size_t i = 0; rc == 0 && i < sizeof names / sizeof *names; i++)
		rc = text_member(when, keys[i], a, names[i], e);
	return rc;
}

static int read_rule(struct route *r, json_value *v, const struct book *book, struct arena *a,
		     struct err *e)
{
	static const char *const keys[] = { "when", "model", NULL };
	struct route_rule *rule = &r->rule[r->rules];
	int rc = json_check_keys(v, keys, "a rule", e);
	if (rc == 0)
		rc = read_when(rule, json_member(v, "when"), a, e);
	if (rc == 0)
		rc = target_member(r, json_member(v, "model"), book, a, &rule->target, e);
	r->rules += rc == 0;
	return rc;
}

/* 'share' of the conversations, or their names and those of tasks as 'escalated'; 'when', alone or
 * beside either: only such calls. */
static int read_escalated(struct route *r, json_value *v, struct arena *a, struct err *e)
{
	json_value *share_of = json_member(v, "share"), *list = json_member(v, "escalated"),
		   *when = json_member(v, "when");
	if ((share_of && list) || (!share_of && !list && !when))
		return err_set(e, ERR_INVALID,
			       "state either 'share' (of the conversations that are escalated) or "
			       "'escalated' (their names), or 'when' (what such a call is)");
	if (list && json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "'escalated' is a list of names");
	r->escalates = true;
	r->by_name = list != NULL;
	r->all = !share_of && !list;
	for (json_value *m = json_first(list); m; m = json_next(m)) {
		const struct text name = json_number_or_string(m);
		if (!name.n)
			return err_set(e, ERR_INVALID, "'escalated' names conversations and tasks");
		if (dict_find(&r->escalated, name))
			continue;
		*dict_need(&r->escalated, name, NULL) = 1;
		r->escalated_name = mem_grow(r->escalated_name,
					     (r->escalated_names + 1) * sizeof *r->escalated_name);
		r->escalated_name[r->escalated_names++] =
			(struct text){ arena_text(a, name.p, name.n), name.n };
	}
	r->escalate_when = (struct route_rule){ .prompt_max = INT64_MAX };
	int rc = when ? read_when(&r->escalate_when, when, a, e) : 0;
	if (rc == 0 && share_of)
		rc = share_parse(&r->share, &r->all, json_number_or_string(share_of), e);
	return rc;
}

/* Behind rules that decide beforehand: what went to `from` and is sent on to `to`. */
static int read_escalation(struct route *r, json_value *v, const struct book *book, struct arena *a,
			   struct err *e)
{
	static const char *const keys[] = { "from", "to", "share", "escalated", "when", NULL };
	json_value *from = json_member(v, "from");
	int rc = json_check_keys(v, keys, "'escalate'", e);
	if (rc == 0)
		rc = add_target(r, json_string(json_member(v, "to")), book, a, &r->escalate_to, e);
	r->escalate_from = ROUTE_AS_RECORDED;
	if (rc == 0 && from)
		rc = add_target(r, json_string(from), book, a, &r->escalate_from, e);
	if (rc == 0 && r->escalate_from == r->escalate_to)
		rc = err_set(e, ERR_INVALID, "'from' and 'to' are the same model");
	if (rc == 0)
		rc = read_escalated(r, v, a, e);
	return rc == 0 ? 0 : err_context(e, "'escalate'");
}

static int read_rules(struct route *r, json_value *root, const struct book *book, struct arena *a,
		      struct err *e)
{
	static const char *const keys[] = { "rules", "otherwise", "escalate", NULL };
	json_value *escalate = json_member(root, "escalate");
	json_value *otherwise = json_member(root, "otherwise"), *rules = json_member(root, "rules");
	int rc = json_check_keys(root, keys, "the file", e);
	if (rc == 0 && rules && json_kind(rules) != JSON_ARRAY)
		rc = err_set(e, ERR_INVALID, "'rules' is a list of rules");
	if (rc != 0)
		return rc;
	r->rule = mem_zalloc(ROUTE_RULES_MAX * sizeof *r->rule);
	for (json_value *v = json_first(rules); rc == 0 && v; v = json_next(v)) {
		if (r->rules == ROUTE_RULES_MAX)
			return err_set(e, ERR_INVALID, "more than %d rules", ROUTE_RULES_MAX);
		rc = read_rule(r, v, book, a, e);
		if (rc != 0)
			return err_context(e, "rule %zu", r->rules + 1);
	}
	r->otherwise = ROUTE_AS_RECORDED;
	if (otherwise)
		rc = target_member(r, otherwise, book, a, &r->otherwise, e);
	return rc == 0 && escalate ? read_escalation(r, escalate, book, a, e) : rc;
}

static int read_cascade(struct route *r, json_value *root, const struct book *book, struct arena *a,
			struct err *e)
{
	static const char *const keys[] = { "cheap", "strong", "share", "escalated", "when", NULL };
	int rc = json_check_keys(root, keys, "the file", e);
	if (rc == 0)
		rc = add_target(r, json_string(json_member(root, "cheap")), book, a,
				&r->escalate_from, e);
	if (rc == 0)
		rc = add_target(r, json_string(json_member(root, "strong")), book, a,
				&r->escalate_to, e);
	if (rc == 0 && r->targets != 2)
		rc = err_set(e, ERR_INVALID, "'cheap' and 'strong' are the same model");
	return rc == 0 ? read_escalated(r, root, a, e) : rc;
}

static int read_file(struct route *r, struct text name, const struct book *book, struct arena *a,
		     struct err *e)
{
	struct json_document *d;
	const char *path = arena_text(a, name.p, name.n);
	int rc = json_open_file(&d, path, e);
	if (rc != 0)
		return rc;
	rc = r->kind == ROUTE_RULES ? read_rules(r, json_root(d), book, a, e)
				    : read_cascade(r, json_root(d), book, a, e);
	json_close(d);
	return rc == 0 ? 0 : err_context(e, "%s", path);
}

/* The words of routes, and how many parts each has. */
static const struct {
	const char *word;
	enum route_kind kind;
	size_t pieces;
} route_words[] = { { "every", ROUTE_EVERY, 4 },     { "conversation", ROUTE_CONVERSATION, 4 },
		    { "from", ROUTE_FROM, 4 },	     { "share", ROUTE_SHARE, 4 },
		    { "offpeak", ROUTE_OFFPEAK, 3 }, { "batch", ROUTE_MODEL, 2 },
		    { "rules", ROUTE_RULES, 2 },     { "cascade", ROUTE_CASCADE, 2 } };

static int parse(struct route *r, const char *spec, const struct book *book, struct arena *a,
		 struct err *e)
{
	struct text piece[4];
	uint32_t place;
	int rc = 0;
	if (strcmp(spec, "recorded") == 0) {
		r->kind = ROUTE_RECORDED;
		return 0;
	}
	for (size_t i = 0; i < sizeof route_words / sizeof *route_words; i++) {
		size_t n = strlen(route_words[i].word);
		if (strncmp(spec, route_words[i].word, n) != 0 || spec[n] != ':')
			continue;
		r->kind = route_words[i].kind;
		if (split(text_of(spec), piece, route_words[i].pieces) != route_words[i].pieces)
			return err_set(e, ERR_USAGE,
				       "a route '%s' has %zu parts with ':' between them",
				       route_words[i].word, route_words[i].pieces);
		if (r->kind == ROUTE_RULES || r->kind == ROUTE_CASCADE)
			return read_file(r, piece[1], book, a, e);
		if (r->kind == ROUTE_MODEL) {
			r->service_tier = text_of(route_words[i].word);
			return add_target(r, piece[1], book, a, &place, e);
		}
		if (r->kind == ROUTE_OFFPEAK)
			rc = delay(&r->delay_us, piece[1], e);
		else if (r->kind == ROUTE_SHARE)
			rc = share_parse(&r->share, &r->all, piece[1], e);
		else
			rc = whole(&r->n, piece[1], r->kind == ROUTE_FROM ? 0 : 1,
				   route_words[i].word, e);
		for (size_t k = 2; rc == 0 && k < route_words[i].pieces; k++)
			rc = add_target(r, piece[k], book, a, &place, e);
		if (rc == 0 && route_words[i].pieces == 4 &&
		    r->targets == 1) /* A and B are the same */
			r->target[r->targets++] = r->target[0];
		return rc;
	}
	const char *dot = strrchr(spec, '.');
	if (dot && strcmp(dot, ".json") == 0)
		return err_set(
			e, ERR_USAGE,
			"'%s' is the name of a file, not of a model; the rules in it are the "
			"scenario rules:%s",
			spec, spec);
	r->kind = ROUTE_MODEL;
	return add_target(r, text_of(spec), book, a, &place, e);
}

int route_parse(struct route *r, const char *spec, const struct book *book, struct arena *a,
		struct err *e)
{
	*r = (struct route){ 0 };
	int rc = parse(r, spec, book, a, e);
	if (rc != 0)
		route_release(r);
	return rc;
}

int route_target_known(const struct route_target *t, const struct book *book, struct err *e)
{
	struct price_match m;
	struct err why;
	const struct price_query q = {
		.provider = t->provider, .model = t->model, .currency = "USD", .at = INSTANT_MIN
	};
	if (book_find(book, &q, &m, &why) != -ERR_NOT_FOUND)
		return 0;
	const char *colon = memchr(t->model.p, ':', t->model.n);
	if (!colon)
		return err_pass(e, &why);
	struct text_nearest near = { .typed = { t->model.p, (size_t)(colon - t->model.p) } };
	struct buf all = { 0 };
	for (size_t i = 0; i < sizeof route_words / sizeof *route_words; i++) {
		text_nearest_try(&near, text_of(route_words[i].word));
		buf_printf(&all, "%s%s", i ? ", " : "", route_words[i].word);
	}
	const int rc = err_set(e, ERR_NOT_FOUND,
			       "'%.*s' is neither a model of a price card nor a route%s%.*s%s "
			       "(routes: %s)",
			       t->model.n > 200 ? 200 : (int)t->model.n, t->model.p,
			       near.name.n ? "; did you mean '" : "", (int)near.name.n,
			       near.name.n ? near.name.p : "", near.name.n ? ":'?" : "", all.p);
	buf_release(&all);
	return rc;
}

int route_only_from(struct route *r, struct text model, struct err *e)
{
	if (r->rules == ROUTE_RULES_MAX)
		return err_set(e, ERR_USAGE, "more than %d models", ROUTE_RULES_MAX);
	if (!r->rule)
		r->rule = mem_zalloc(ROUTE_RULES_MAX * sizeof *r->rule);
	r->kind = ROUTE_RULES;
	r->otherwise = ROUTE_AS_RECORDED;
	r->rule[r->rules++] = (struct route_rule){ .model = model, .prompt_max = INT64_MAX };
	return 0;
}

void route_release(struct route *r)
{
	free(r->rule);
	free(r->escalated_name);
	dict_release(&r->escalated);
	r->rule = NULL;
	r->escalated_name = NULL;
}

/* Rows of `means`. */
static size_t row_of_when(const struct route *r)
{
	return r->rules;
}

static size_t row_of_target(const struct route *r, uint32_t target)
{
	return r->rules + 1 + target;
}

static bool means(const struct route *r, size_t row, struct text name, const struct workload *w,
		  uint32_t subject)
{
	return r->means ? r->means[row * w->subjects + subject]
			: text_eq(name, w->subject[subject].model);
}

bool route_rule_means(const struct route *r, size_t rule, const struct workload *w,
		      uint32_t subject)
{
	const struct route_rule *u = rule < r->rules ? &r->rule[rule] : &r->escalate_when;
	return means(r, rule, u->model, w, subject);
}

void route_bind(struct route *r, const struct workload *w, const struct book *book,
		struct instant at, struct arena *a)
{
	r->means = NULL;
	if (!r->rules && !r->escalates) /* it asks for no model */
		return;
	const size_t rows = row_of_target(r, r->targets);
	bool *found = arena_alloc(a, rows * w->subjects + 1);
	struct model_names *names = model_names_open(book);
	for (size_t row = 0; row < rows; row++) {
		const struct text name = row < r->rules ? r->rule[row].model
					 : row == row_of_when(r)
						 ? r->escalate_when.model
						 : r->target[row - row_of_target(r, 0)].model;
		for (size_t i = 0; name.n && i < w->subjects; i++)
			found[row * w->subjects + i] =
				model_names_same(names, name,
						 &(struct named_model){ w->subject[i].provider,
									w->subject[i].model, at });
	}
	model_names_close(names);
	r->means = found;
}

static bool in_share(const struct route *r, const struct workload *w, const struct work_call *c,
		     uint64_t seed)
{
	const uint64_t seeds[2] = { seed, 0x74616c6c79 };
	const int64_t id = w->conversation_id[c->conversation];
	return r->all || hash_bytes(&id, sizeof id, seeds) < r->share;
}

static bool named(const struct workload *w, struct text want, uint32_t name)
{
	return want.n == 0 || (name && text_is(want, w->name[name]));
}

static bool fits(const struct route *r, const struct route_rule *u, size_t row,
		 const struct workload *w, const struct work_call *c)
{
	const int64_t prompt = work_prompt(c);
	return prompt >= u->prompt_min && prompt <= u->prompt_max &&
	       named(w, u->workload, c->workload) && named(w, u->task, c->task) &&
	       named(w, u->project, c->project) && named(w, u->customer, c->customer) &&
	       named(w, u->effort, c->effort) &&
	       (u->model.n == 0 || means(r, row, u->model, w, c->subject));
}

static uint32_t by_rules(const struct route *r, const struct workload *w, const struct work_call *c,
			 bool *decides)
{
	for (size_t i = 0; i < r->rules; i++)
		if (fits(r, &r->rule[i], i, w, c)) {
			decides[i] = true;
			return r->rule[i].target;
		}
	return r->otherwise;
}

/* Whether what has tried the call is that target: itself, or the model on record by its name. */
static bool is_target(const struct route *r, const struct workload *w, const struct work_call *c,
		      uint32_t tried, uint32_t target)
{
	const struct work_subject *s = &w->subject[c->subject];
	const struct route_target *t = &r->target[target];
	return tried < r->targets ? tried == target
				  : means(r, row_of_target(r, target), t->model, w, c->subject) &&
					    (!t->provider.n || text_eq(s->provider, t->provider));
}

uint32_t route_target(const struct route *r, const struct workload *w, const struct work_call *c,
		      uint64_t seed, bool decides[ROUTE_RULES_MAX])
{
	switch (r->kind) {
	case ROUTE_RECORDED:
		return ROUTE_AS_RECORDED;
	case ROUTE_EVERY:
		return c->call % r->n == r->n - 1 ? 0 : 1;
	case ROUTE_CONVERSATION:
		return w->conversation_id[c->conversation] % r->n == r->n - 1 ? 0 : 1;
	case ROUTE_FROM:
		return c->call >= r->n ? 0 : 1;
	case ROUTE_SHARE:
		return in_share(r, w, c, seed) ? 0 : 1;
	case ROUTE_RULES:
		return by_rules(r, w, c, decides);
	case ROUTE_MODEL:
	case ROUTE_OFFPEAK:
	case ROUTE_CASCADE:
		break;
	}
	return 0;
}

bool route_escalates(const struct route *r, const struct workload *w, const struct work_call *c,
		     uint32_t target, uint64_t seed)
{
	if (!r->escalates || is_target(r, w, c, target, r->escalate_to) ||
	    (r->escalate_from != ROUTE_AS_RECORDED &&
	     !is_target(r, w, c, target, r->escalate_from)) ||
	    !fits(r, &r->escalate_when, row_of_when(r), w, c))
		return false;
	if (!r->by_name)
		return in_share(r, w, c, seed);
	char id[24];
	snprintf(id, sizeof id, "%lld", (long long)w->conversation_id[c->conversation]);
	return (c->task && dict_find(&r->escalated, text_of(w->name[c->task]))) ||
	       dict_find(&r->escalated, text_of(id)) ||
	       (w->conversation_name[c->conversation] &&
		dict_find(&r->escalated, text_of(w->conversation_name[c->conversation])));
}

static bool has_time(const struct route *r, const struct workload *w, const struct work_call *c)
{
	if (r->waits == 0)
		return true;
	for (size_t k = 0; k < r->waits; k++)
		if (c->workload && text_is(r->wait[k], w->name[c->workload]))
			return true;
	return false;
}

bool route_may_wait(const struct route *r, const struct workload *w, const struct work_call *c)
{
	return r->kind == ROUTE_OFFPEAK && has_time(r, w, c);
}

bool route_retiers(const struct route *r, const struct workload *w, const struct work_call *c)
{
	return r->service_tier.n && has_time(r, w, c);
}
