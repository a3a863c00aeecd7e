#include "meter/read/nested_rows.h"

#include <string.h>

/* An item says `of`, and has its groups in `list`, each with a name and its rows; or it has one
 * number under each name in the object `list`, which become the members `name` and `value`. */
static const struct nest {
	const char *of, *list, *name, *rows, *value;
} nests[] = {
	/* docs.litellm.ai, proxy/cost_tracking: /global/spend/report by team, customer and key */
	{ "group_by_day", "teams", "team_name", "metadata", NULL },
	{ "group_by_day", "customers", "customer", "metadata", NULL },
	{ "api_key", "model_details", NULL, NULL, NULL },
	/* LiteLLM's /spend/logs, summarised */
	{ "startTime", "models", "model", NULL, "spend" },
};

static const struct nest *nest_of(json_value *item)
{
	for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
		json_value *list = json_member(item, nests[i].list);
		const enum json_kind kind = nests[i].value ? JSON_OBJECT : JSON_ARRAY;
		if (json_kind(list) == kind && json_member(item, nests[i].of) &&
		    (!nests[i].value || !json_first(list) ||
		     json_kind(json_first(list)) == JSON_NUMBER))
			return &nests[i];
	}
	return NULL;
}

static void put_named(struct buf *out, const char *name, json_value *v)
{
	json_put_string(out, text_of(name));
	buf_puts(out, ":");
	if (v)
		json_put_value(out, v);
	else
		buf_puts(out, "null");
}

/* What the lists around a row say, and what it says itself. */
static void put_row(struct buf *out, const struct nest *nest, json_value *item, json_value *group,
		    json_value *row)
{
	buf_puts(out, "{");
	put_named(out, nest->of, json_member(item, nest->of));
	if (group && nest->name) {
		buf_puts(out, ",");
		put_named(out, nest->name, json_member(group, nest->name));
	}
	for (json_value *m = json_first(row); m; m = json_next(m)) {
		buf_puts(out, ",");
		put_named(out, json_key(m), m);
	}
	buf_puts(out, "},");
}

/* One number of an object; NULL: the item has none. */
static void put_number(struct buf *out, const struct nest *nest, json_value *item, json_value *m)
{
	buf_puts(out, "{");
	put_named(out, nest->of, json_member(item, nest->of));
	buf_puts(out, ",");
	json_put_string(out, text_of(nest->name));
	buf_puts(out, ":");
	if (m)
		json_put_string(out, text_of(json_key(m)));
	else
		buf_puts(out, "null");
	buf_puts(out, ",");
	put_named(out, nest->value, m);
	buf_puts(out, "},");
}

static void put_item(struct buf *out, const struct nest *nest, json_value *item)
{
	json_value *list = json_member(item, nest->list);
	if (nest->value && !json_first(list))
		put_number(out, nest, item, NULL);
	for (json_value *one = json_first(list); one; one = json_next(one)) {
		if (nest->value) {
			put_number(out, nest, item, one);
			continue;
		}
		if (!nest->rows) {
			put_row(out, nest, item, NULL, one);
			continue;
		}
		for (json_value *row = json_first(json_member(one, nest->rows)); row;
		     row = json_next(row))
			put_row(out, nest, item, one, row);
	}
}

bool nested_put_page(struct buf *out, json_value *v)
{
	const bool list = json_kind(v) == JSON_ARRAY;
	const struct nest *nest = nest_of(list ? json_first(v) : v);
	if (!nest)
		return false;
	buf_puts(out, "{\"data\":[");
	for (json_value *item = list ? json_first(v) : v; item;
	     item = list ? json_next(item) : NULL) {
		const struct nest *its = nest_of(item);
		if (its)
			put_item(out, its, item);
		else { /* left as it is, so that it is named */
			json_put_value(out, item);
			buf_puts(out, ",");
		}
	}
	out->n -= out->p[out->n - 1] == ',';
	buf_puts(out, "],\"has_more\":false}");
	return true;
}
