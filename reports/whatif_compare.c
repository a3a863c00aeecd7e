#include "reports/whatif_compare.h"

#include <stdlib.h>

#include "base/json.h"

static int read_total(json_value *scenario, struct money_total *out)
{
	struct decimal d;
	int128 atto;
	json_value *headline = json_member(scenario, "headline");
	if (decimal_parse(&d, json_string(json_member(headline ? headline : scenario, "total")),
			  NULL) != 0 ||
	    d.scale > MONEY_TOTAL_PLACES)
		return -1;
	atto = d.digits;
	for (int i = d.scale; i < MONEY_TOTAL_PLACES; i++)
		if (__builtin_mul_overflow(atto, 10, &atto))
			return -1;
	out->atto = atto;
	return 0;
}

static bool counts_any(json_value *scenario, const char *member)
{
	const struct text n = json_number(json_member(scenario, member));
	return n.n && !text_is(n, "0");
}

static struct whatif_change *change_of(struct whatif_changes *c, struct text name)
{
	for (size_t i = 0; i < c->count; i++)
		if (text_is(name, c->change[i].name))
			return &c->change[i];
	c->change = mem_grow(c->change, (c->count + 1) * sizeof *c->change);
	c->change[c->count] =
		(struct whatif_change){ .name = arena_text(&c->arena, name.p, name.n) };
	return &c->change[c->count++];
}

int whatif_changes_read(struct whatif_changes *out, const char *path,
			const struct whatif_options *o, const struct whatif_result *result,
			struct err *e)
{
	struct json_document *d;
	*out = (struct whatif_changes){ .file = path, .currency = o->currency };
	int rc = json_open_file(&d, path, e);
	if (rc != 0)
		return rc;
	if (!text_is(json_string(json_member(json_root(d), "schema")), "tally.whatif/1"))
		rc = err_set(e, ERR_INVALID, "%s is no report of `tally whatif --save`", path);
	for (size_t i = 0; rc == 0 && i < o->scenarios; i++) {
		struct whatif_change *c = change_of(out, text_of(o->scenario[i].name));
		c->has_new = true;
		c->new_cost = o->sample ? result[i].cost : whatif_headline(&result[i]);
		c->new_lacks = whatif_at_least(&result[i]);
	}
	for (json_value *s = json_first(json_member(json_root(d), "scenarios")); rc == 0 && s;
	     s = json_next(s)) {
		struct text name = json_string(json_member(s, "name"));
		struct text currency = json_string(json_member(s, "currency"));
		struct whatif_change *c = change_of(out, name);
		if (read_total(s, &c->old_cost) != 0)
			rc = err_set(e, ERR_INVALID, "%s: scenario '%.*s' has no total", path,
				     (int)name.n, name.p);
		else if (!text_is(currency, o->currency))
			rc = err_set(e, ERR_INVALID,
				     "%s: scenario '%.*s' is in %.*s, and this report is in %s",
				     path, (int)name.n, name.p, (int)currency.n, currency.p,
				     o->currency);
		/* of an older version: what the replay came to */
		if (c->has_new && !json_member(s, "headline"))
			c->new_cost = result[c - out->change].cost;
		c->has_old = true;
		c->old_lacks = counts_any(s, "unpriced") || counts_any(s, "placeholders");
	}
	json_close(d);
	return rc;
}

void whatif_changes_release(struct whatif_changes *c)
{
	free(c->change);
	arena_release(&c->arena);
}
