#include "pricing/cache_contract.h"

#include <string.h>

#include "pricing/fault.h"
#include "pricing/usage.h"

struct taker {
	struct arena *a;
	struct fault_list *faults;
	const char *place;
};

static int64_t whole(const struct taker *t, json_value *v, const char *key, int64_t missing)
{
	json_value *m = json_member(v, key);
	struct decimal d;
	int64_t n = missing;
	if (m && (json_kind(m) != JSON_NUMBER || decimal_parse(&d, json_number(m), NULL) != 0 ||
		  !decimal_to_int64(d, 0, &n) || n < 0 || n > INT64_C(1000000000000)))
		fault_add(t->faults, t->place, "'%s' is a whole number from 0", key);
	return n;
}

static bool truth(const struct taker *t, json_value *v, const char *key, bool missing)
{
	json_value *m = json_member(v, key);
	if (m && json_kind(m) != JSON_BOOL)
		fault_add(t->faults, t->place, "'%s' is true or false", key);
	return m ? json_true(m) : missing;
}

static const char *name(const struct taker *t, json_value *v, const char *key, bool needed)
{
	const struct text s = json_string(json_member(v, key));
	if (s.n)
		return arena_text(t->a, s.p, s.n);
	if (needed || json_member(v, key))
		fault_add(t->faults, t->place, "'%s' is needed, a text", key);
	return NULL;
}

/* Whether the client marks what is kept; missing: where nothing is said. */
static bool asks(const struct taker *t, json_value *v, const bool *missing)
{
	const struct text by = json_string(json_member(v, "asked_by"));
	const bool marks = text_is(by, "breakpoints");
	if (!json_member(v, "asked_by") && missing)
		return *missing;
	if (!marks && !text_is(by, "nobody"))
		fault_add(t->faults, t->place, "'asked_by' is nobody (automatic) or breakpoints");
	return marks;
}

/* What a lifetime does not say for itself is as it is for all. */
static void take_lifetimes(const struct taker *t, json_value *contract, struct cache_contract *c)
{
	static const char *const keys[] = { "seconds",	"seconds_most",	      "write",
					    "asked_by", "refreshed_by_reads", "storage",
					    NULL };
	json_value *list = json_member(contract, "lifetimes");
	const bool marks = asks(t, contract, NULL),
		   refreshed = truth(t, contract, "refreshed_by_reads", true);
	const char *storage = name(t, contract, "storage", false);
	struct err e;
	int i = 0;
	for (json_value *v = json_first(list); v; v = json_next(v), i++) {
		const struct text write = json_string(json_member(v, "write"));
		const int bucket = write.n ? bucket_by_name(write.p, write.n) : -1;
		if (i == CACHE_LIFETIMES || json_check_keys(v, keys, "a lifetime", &e) != 0 ||
		    (write.n && bucket != BUCKET_CACHE_WRITE_5M &&
		     bucket != BUCKET_CACHE_WRITE_1H)) {
			fault_add(t->faults, t->place,
				  "'lifetimes' is a list of one or two {\"seconds\", "
				  "\"seconds_most\", \"write\": the bucket of a cache write, "
				  "\"storage\", \"asked_by\", \"refreshed_by_reads\"}");
			return;
		}
		c->breakpoints[i] = asks(t, v, &marks);
		c->of_write[i] = !truth(t, v, "refreshed_by_reads", refreshed);
		c->storage[i] = json_member(v, "storage") ? name(t, v, "storage", false) : storage;
		c->life_us[i] = whole(t, v, "seconds", 0) * US_PER_SECOND;
		if (i == CACHE_SHORT)
			c->life_most_us = whole(t, v, "seconds_most", 0) * US_PER_SECOND;
		c->write[i] = bucket;
	}
	if (c->life_us[CACHE_SHORT] <= 0)
		fault_add(t->faults, t->place, "'lifetimes' is needed, each with its 'seconds'");
	if (c->life_most_us < c->life_us[CACHE_SHORT])
		c->life_most_us = c->life_us[CACHE_SHORT];
}

static struct instant when(const struct taker *t, json_value *v, const char *key,
			   struct instant open)
{
	json_value *m = json_member(v, key);
	struct instant at = open;
	if (m && json_kind(m) != JSON_NULL && instant_parse(&at, json_string(m), NULL) != 0)
		fault_add(t->faults, t->place, "'%s' is an instant", key);
	return at;
}

void cache_contract_parse(struct cache_contract **list, size_t *count, json_value *v,
			  const char *place, struct arena *a, struct fault_list *faults)
{
	static const char *const keys[] = { "models",
					    "from",
					    "to",
					    "asked_by",
					    "minimum_tokens",
					    "quantum_tokens",
					    "lifetimes",
					    "refreshed_by_reads",
					    "last_token_computed",
					    "settle_seconds",
					    "lookback_content_blocks",
					    "isolation",
					    "storage",
					    "source",
					    "sure",
					    "note",
					    NULL };
	static const char *const ends[] = { "organization", "customer" };
	const struct taker t = { a, faults, place };
	const struct text isolation = json_string(json_member(v, "isolation"));
	struct err e;
	struct cache_contract c = { .write = { -1, -1 } };
	if (json_check_keys(v, keys, "a cache", &e) != 0)
		fault_add(faults, place, "%s", e.message);
	c.from = when(&t, v, "from", INSTANT_MIN);
	c.to = when(&t, v, "to", INSTANT_MAX);
	c.minimum = whole(&t, v, "minimum_tokens", 0);
	c.quantum = whole(&t, v, "quantum_tokens", 1);
	c.settle_us = whole(&t, v, "settle_seconds", 0) * US_PER_SECOND;
	c.lookback = whole(&t, v, "lookback_content_blocks", 0);
	c.computed = truth(&t, v, "last_token_computed", false);
	c.by_customer = text_is(isolation, ends[1]);
	if (isolation.n && !c.by_customer && !text_is(isolation, ends[0]))
		fault_add(faults, place, "'isolation' is organization or customer");
	c.source = name(&t, v, "source", true);
	c.sure = name(&t, v, "sure", true);
	take_lifetimes(&t, v, &c);
	json_value *models = json_member(v, "models");
	if (json_kind(models) != JSON_ARRAY || !json_first(models))
		fault_add(faults, place, "'models' is a list of models; a star ends a beginning");
	for (json_value *m = json_first(models); m; m = json_next(m)) {
		const struct text s = json_string(m);
		c.models = arena_text(a, s.p ? s.p : "", s.n);
		*list = mem_grow(*list, (*count + 1) * sizeof **list);
		(*list)[(*count)++] = c;
	}
}

size_t cache_contract_names(const struct cache_contract *c, const char *model)
{
	const size_t n = strlen(c->models);
	if (n && c->models[n - 1] == '*')
		return strncmp(c->models, model, n - 1) == 0 ? n : 0;
	return strcmp(c->models, model) == 0 ? SIZE_MAX : 0;
}

enum cache_lifetime cache_contract_lifetime(const struct cache_contract *c, int64_t asked_us)
{
	return c->life_us[CACHE_LONG] && c->life_us[CACHE_LONG] <= asked_us ? CACHE_LONG
									    : CACHE_SHORT;
}

bool cache_contract_alike(const struct cache_contract *a, const struct cache_contract *b)
{
	bool alike = a && b && a->quantum == b->quantum && a->computed == b->computed &&
		     a->settle_us == b->settle_us && a->lookback == b->lookback &&
		     a->breakpoints[CACHE_SHORT] == b->breakpoints[CACHE_SHORT] &&
		     a->of_write[CACHE_SHORT] == b->of_write[CACHE_SHORT] &&
		     a->by_customer == b->by_customer;
	/* what has to be asked for and bills no write, nobody asked for */
	for (int i = 0; alike && i < CACHE_LIFETIMES; i++)
		alike = a->write[i] == b->write[i] &&
			(a->life_us[i] == b->life_us[i] || (i == CACHE_LONG && a->write[i] < 0));
	return a == b ? a != NULL : alike;
}
