#include "sim/scenario_hosting.h"

const char *const scenario_hosting_keys[] = { "machine",
					      "gpu_hour",
					      "gpus",
					      "prompt_tokens_per_second",
					      "slots",
					      "output_tokens_per_second",
					      "replicas",
					      "replicas_least",
					      "wait_seconds",
					      "source",
					      NULL };

/* A whole number of the object, from `least` to a million; *out stays where it is not stated. */
static int whole(json_value *o, const char *key, int64_t least, int64_t *out, struct err *e)
{
	json_value *v = json_member(o, key);
	struct decimal d;
	if (v && (decimal_parse(&d, json_number_or_string(v), NULL) != 0 ||
		  !decimal_to_int64(d, 0, out) || *out < least || *out > 1000000))
		return err_set(e, ERR_INVALID, "'%s' is a whole number from %lld to a million", key,
			       (long long)least);
	return 0;
}

static int price_of(json_value *o, struct money *out, struct err *e)
{
	struct decimal d;
	json_value *v = json_member(o, "gpu_hour");
	if (!v)
		return 0;
	int rc = decimal_parse(&d, json_number_or_string(v), NULL);
	if (rc == 0)
		rc = money_from_decimal(out, d, e);
	return rc == 0 && out->pico > 0
		       ? 0
		       : err_set(e, ERR_INVALID,
				 "'gpu_hour' is the price of one GPU for an hour, above 0");
}

static int rate_of(json_value *o, const char *key, struct decimal *out, struct err *e)
{
	json_value *v = json_member(o, key);
	if (v && (decimal_parse(out, json_number_or_string(v), NULL) != 0 || out->digits <= 0 ||
		  out->scale > 9 || out->digits > (int128)1000000000000))
		return err_set(e, ERR_INVALID, "'%s' is a number of tokens above 0", key);
	return 0;
}

/* What the object states of prices and speeds. */
static int read_figures(struct hosting *h, json_value *o, struct err *e)
{
	int rc = price_of(o, &h->gpu_hour, e);
	if (rc == 0)
		rc = whole(o, "gpus", 1, &h->gpus, e);
	if (rc == 0)
		rc = whole(o, "slots", 1, &h->slots, e);
	if (rc == 0)
		rc = rate_of(o, "prompt_tokens_per_second", &h->prompt_rate, e);
	return rc == 0 ? rate_of(o, "output_tokens_per_second", &h->output_rate, e) : rc;
}

static int check_one(json_value *v, const char *const *keys, const char *what, struct err *e)
{
	struct hosting h = { 0 };
	int rc = json_check_keys(v, keys, what, e);
	if (rc == 0 && json_string(json_member(v, "source")).n == 0)
		rc = err_set(e, ERR_INVALID,
			     "'source' is missing: a figure that nobody vouches for");
	if (rc == 0 && json_member(v, "date") && json_string(json_member(v, "date")).n == 0)
		rc = err_set(e, ERR_INVALID,
			     "'date' is when the figures were taken, as text: \"2026-06\"");
	if (rc == 0)
		rc = read_figures(&h, v, e);
	return rc == 0 ? 0 : err_context(e, "%s", what);
}

static int two_speeds(struct text machine, struct text model, struct err *e)
{
	return err_set(e, ERR_INVALID,
		       "'throughput': machine '%.*s' has two speeds for model '%.*s'; keep one",
		       (int)machine.n, machine.p, (int)model.n, model.p);
}

/* Two speeds of one model on one machine would have it be the luck of their order. */
static int check_alone(json_value *rates, json_value *v, struct err *e)
{
	const struct text machine = json_string(json_member(v, "machine")),
			  model = json_string(json_member(v, "model"));
	for (json_value *w = json_first(rates); w != v; w = json_next(w))
		if (text_eq(machine, json_string(json_member(w, "machine"))) &&
		    text_eq(model, json_string(json_member(w, "model"))))
			return two_speeds(machine, model, e);
	return 0;
}

int scenario_hosting_check(json_value *table, struct err *e)
{
	static const char *const keys[] = { "schema", "note", "machines", "throughput", NULL };
	static const char *const of_machine[] = {
		"gpu_hour", "gpus", "source", "date", "note", NULL
	};
	static const char *const of_rate[] = { "machine",
					       "model",
					       "prompt_tokens_per_second",
					       "output_tokens_per_second",
					       "slots",
					       "source",
					       "date",
					       "note",
					       NULL };
	json_value *machines = json_member(table, "machines"),
		   *rates = json_member(table, "throughput");
	int rc = json_check_keys(table, keys, "'machines'", e);
	if (rc == 0 && (json_kind(machines) != JSON_OBJECT || json_kind(rates) != JSON_ARRAY))
		rc = err_set(e, ERR_INVALID,
			     "machines are {\"machines\": {NAME: ..}, \"throughput\": [..]}");
	for (json_value *v = rc == 0 ? json_first(machines) : NULL; rc == 0 && v; v = json_next(v))
		rc = check_one(v, of_machine, json_key(v), e);
	for (json_value *v = rc == 0 ? json_first(rates) : NULL; rc == 0 && v; v = json_next(v)) {
		const struct text name = json_string(json_member(v, "machine"));
		rc = check_one(v, of_rate, "'throughput'", e);
		bool known = false;
		for (json_value *m = json_first(machines); m; m = json_next(m))
			known |= text_is(name, json_key(m));
		if (rc == 0 && !known)
			rc = err_set(e, ERR_INVALID, "'throughput': there is no machine '%.*s'",
				     (int)name.n, name.p);
		if (rc == 0)
			rc = check_alone(rates, v, e);
	}
	return rc;
}

/* Whose figures they are, and of when. */
static const char *source_of(json_value *o, struct arena *a)
{
	const struct text s = json_string(json_member(o, "source")),
			  date = json_string(json_member(o, "date"));
	if (!s.n)
		return NULL;
	return date.n ? arena_printf(a, "%.*s (%.*s)", (int)s.n, s.p, (int)date.n, date.p)
		      : arena_text(a, s.p, s.n);
}

/* How fast the model is on the machine: what stands there under its very name, else under another
 * one. Errors: ERR_INVALID where two do. */
static int rate_on(const struct machines *m, struct text machine, const char *model,
		   json_value **out, struct err *e)
{
	json_value *other = NULL;
	bool two = false;
	*out = NULL;
	for (json_value *v = json_first(json_member(m->table, "throughput")); v; v = json_next(v)) {
		const struct text name = json_string(json_member(v, "model"));
		if (!text_eq(machine, json_string(json_member(v, "machine"))))
			continue;
		if (text_is(name, model)) {
			*out = v;
			return 0;
		}
		if (model_names_same(m->names, text_of(model),
				     &(struct named_model){ TEXT(""), name, m->at })) {
			two = other != NULL;
			other = v;
		}
	}
	*out = other;
	return two ? two_speeds(machine, text_of(model), e) : 0;
}

/* The price of the machine, and how fast the model is on it. */
static int look_up(struct hosting *h, const char *model, struct text name, const struct machines *m,
		   struct arena *a, struct err *e)
{
	json_value *machine = NULL, *rate;
	for (json_value *v = json_first(json_member(m->table, "machines")); v; v = json_next(v))
		if (text_is(name, json_key(v)))
			machine = v;
	if (!machine)
		return err_set(e, ERR_INVALID, "no table has a machine '%.*s'", (int)name.n,
			       name.p);
	int rc = rate_on(m, name, model, &rate, e);
	if (rc == 0)
		rc = read_figures(h, machine, e);
	if (rc == 0 && rate)
		rc = read_figures(h, rate, e);
	if (rc != 0)
		return rc;
	h->gpu_source = source_of(machine, a);
	h->rate_source = rate ? source_of(rate, a) : NULL;
	return 0;
}

int scenario_hosting_read(struct hosting *h, const char *model, json_value *o,
			  const struct machines *m, struct arena *a, struct err *e)
{
	const struct text machine = json_string(json_member(o, "machine"));
	json_value *wait = json_member(o, "wait_seconds");
	*h = (struct hosting){ .slots = 1, .replicas_least = 1, .wait_us = 60 * US_PER_SECOND };
	int rc = json_member(o, "machine") ? look_up(h, model, machine, m, a, e) : 0;
	if (rc == 0)
		rc = read_figures(h, o, e);
	if (rc == 0)
		rc = whole(o, "replicas", 1, &h->replicas, e);
	if (rc == 0)
		rc = whole(o, "replicas_least", 0, &h->replicas_least, e);
	if (rc == 0 && wait &&
	    span_parse(&h->wait_us, json_number_or_string(wait), US_PER_SECOND, NULL) != 0)
		rc = err_set(e, ERR_INVALID, "'wait_seconds' is a number of seconds");
	if (rc == 0 && json_member(o, "source"))
		h->gpu_source = h->rate_source = source_of(o, a);
	if (rc != 0)
		return rc;
	if (!h->gpu_hour.pico || !h->gpus || !h->prompt_rate.digits || !h->output_rate.digits)
		return err_set(e, ERR_INVALID,
			       "'gpu_hour', 'gpus', 'prompt_tokens_per_second' and "
			       "'output_tokens_per_second' are needed, or a 'machine' on which a "
			       "table has them for %s",
			       model);
	return 0;
}
