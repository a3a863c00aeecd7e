#include "sim/generate_layers.h"

#include <stdlib.h>
#include <string.h>

static int read_layer(struct synthetic *s, json_value *v, struct err *e)
{
	int64_t n[2] = { 0 };
	size_t k = 0;
	bool ok = json_kind(v) == JSON_ARRAY;
	for (json_value *m = json_first(v); ok && m; m = json_next(m), k++) {
		struct decimal d;
		ok = k < 2 && decimal_parse(&d, json_number(m), NULL) == 0 &&
		     decimal_to_int64(d, 0, &n[k]) && n[k] >= 0 && n[k] <= INT64_C(1000000000000);
	}
	ok = ok && k && n[0] > 0 && n[1] <= (int64_t)s->layers &&
	     (n[1] == 0 || s->layer[n[1] - 1].tokens < n[0]);
	if (!ok)
		return err_set(e, ERR_INVALID,
			       "layer %zu of 'layers' is a list of one or two whole numbers: "
			       "tokens from the prompt's start, and the number of the layer before "
			       "it, which is shorter, that it goes on from",
			       s->layers + 1);
	s->layer[s->layers++] = (struct synthetic_layer){ n[0], (uint32_t)n[1] };
	return 0;
}

int layers_read(struct synthetic *s, json_value *list, struct err *e)
{
	size_t n = 0;
	int rc = 0;
	if (list && json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "'layers' is a list");
	for (json_value *v = json_first(list); v; v = json_next(v))
		n++;
	s->layer = arena_alloc(&s->arena, (n + s->classes + 1) * sizeof *s->layer);
	for (json_value *v = json_first(list); rc == 0 && v; v = json_next(v))
		rc = read_layer(s, v, e);
	return rc;
}

uint32_t layers_add(struct synthetic *s, int64_t tokens)
{
	s->layer[s->layers++] = (struct synthetic_layer){ tokens, 0 };
	return (uint32_t)s->layers;
}

void synthetic_take_writes(struct synthetic_call *c)
{
	int64_t *from[2] = { &c->cache_write_5m, &c->cache_write_1h };
	for (int i = 0; i < 2; i++) {
		const int64_t part = *from[i] < -c->input ? *from[i] : -c->input;
		*from[i] -= part;
		c->input += part;
	}
}

/* A layer as far as some call keeps it warm. */
struct warm_layer {
	int64_t tokens, last_us;
	uint32_t model; /* whose cache that is */
};

/* The layers of a session, from the outermost in. */
struct layer_path {
	uint32_t *number;
	size_t count, room;
};

static void find_path(struct layer_path *p, const struct synthetic *s, uint32_t layer)
{
	size_t n = 0;
	for (uint32_t k = layer; k; k = s->layer[k - 1].parent)
		n++;
	if (n > p->room)
		p->number = mem_grow(p->number, (p->room = n) * sizeof *p->number);
	p->count = n;
	for (uint32_t k = layer; k; k = s->layer[k - 1].parent)
		p->number[--n] = k;
}

static void warm_call(struct synthetic *s, struct synthetic_call *c, uint32_t model,
		      struct warm_layer *warm, const struct layer_path *path)
{
	const struct synthetic_class *w = &s->work[c->place];
	const int64_t prompt = synthetic_prompt(c);
	const bool kept = prompt >= w->minimum;
	int64_t there = 0;
	bool whole = true; /* all layers above are there */
	for (size_t i = 0; i < path->count; i++) {
		struct warm_layer *h = &warm[path->number[i] - 1];
		const int64_t end = s->layer[path->number[i] - 1].tokens,
			      own = end < prompt ? end : prompt;
		if (h->model != model || c->time_us - h->last_us > w->keeps_us)
			h->tokens = 0;
		const int64_t found = own < h->tokens ? own : h->tokens;
		there = whole && found > there ? found : there;
		whole &= found == own;
		if (!kept)
			continue;
		*h = (struct warm_layer){ own > h->tokens ? own : h->tokens, c->time_us, model };
	}
	if (w->fills && there > c->cache_read && there >= w->minimum) {
		c->input -= there - c->cache_read;
		c->cache_read = there;
		if (c->input < 0)
			synthetic_take_writes(c);
	}
	if (kept && (w->writes_5m || w->writes_1h)) {
		*(w->writes_5m ? &c->cache_write_5m : &c->cache_write_1h) += c->input;
		c->input = 0;
		s->has_writes = true;
	}
}

/* The first class of the same model. */
static uint32_t model_of(const struct synthetic *s, uint32_t place)
{
	uint32_t k = 0;
	while (strcmp(s->work[k].model, s->work[place].model) != 0 ||
	       strcmp(s->work[k].provider, s->work[place].provider) != 0)
		k++;
	return k;
}

void layers_warm(struct synthetic *s)
{
	struct warm_layer *warm = mem_zalloc((s->layers + 1) * sizeof *warm);
	struct layer_path path = { 0 };
	size_t *from = mem_zalloc((s->classes + 2) * sizeof *from),
	       *place = mem_alloc((s->count + 1) * sizeof *place);
	uint32_t *model = mem_alloc((s->classes + 1) * sizeof *model);
	for (uint32_t k = 0; k < s->classes; k++)
		model[k] = model_of(s, k);
	for (size_t i = 0; i < s->count; i++)
		from[model[s->call[i].place] + 1]++;
	for (size_t k = 0; k < s->classes; k++)
		from[k + 1] += from[k];
	for (size_t i = 0; i < s->count; i++)
		place[from[model[s->call[i].place]]++] = i;
	for (size_t i = 0; i < s->count; i++) {
		struct synthetic_call *c = &s->call[place[i]];
		find_path(&path, s, c->layer);
		warm_call(s, c, model[c->place] + 1, warm, &path);
	}
	free(warm);
	free(path.number);
	free(from);
	free(place);
	free(model);
}

int64_t synthetic_found(const struct synthetic *s, const struct synthetic_call *c, int64_t *seen)
{
	int64_t there = c->call ? c->common : 0;
	const int64_t prompt = synthetic_prompt(c);
	for (uint32_t k = c->call ? 0 : c->layer; k; k = s->layer[k - 1].parent) {
		const int64_t own = s->layer[k - 1].tokens < prompt ? s->layer[k - 1].tokens
								    : prompt,
			      found = seen[k - 1] < own ? seen[k - 1] : own;
		there = found > there ? found : there;
		seen[k - 1] = own > seen[k - 1] ? own : seen[k - 1];
	}
	return there;
}
