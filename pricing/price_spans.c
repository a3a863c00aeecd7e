#include "pricing/price_spans.h"

#include <stdlib.h>
#include <strings.h>

struct name_list {
	const char **name;
	size_t count, room;
};

struct maker {
	struct price_spans *out;
	const struct book *book;
	const struct spans_wanted *wanted;
	size_t span_room, answer_room;
};

static void add_name(struct name_list *l, const char *name)
{
	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		l->name = mem_grow(l->name, l->room * sizeof *l->name);
	}
	l->name[l->count++] = name;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_and_merge(struct name_list *l)
{
	size_t kept = 0;
	if (l->count)
		qsort(l->name, l->count, sizeof *l->name, name_order);
	for (size_t i = 0; i < l->count; i++)
		if (i == 0 || strcmp(l->name[i], l->name[kept - 1]) != 0)
			l->name[kept++] = l->name[i];
	l->count = kept;
}

static const char *in_lower_case(struct arena *a, const char *s)
{
	char *copy = arena_text(a, s, strlen(s));
	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 'a' - 'A');
	return copy;
}

static bool is_wanted(const struct spans_wanted *w, const char *model)
{
	for (size_t i = 0; i < w->model_count; i++)
		if (strcasecmp(w->model[i], model) == 0)
			return true;
	return w->model_count == 0;
}

static size_t answer_number(struct maker *m, struct span_answer a)
{
	struct price_spans *out = m->out;
	for (size_t i = out->answer_count; i-- > 0;) {
		const struct span_answer *x = &out->answer[i];
		if (x->price == a.price && x->tariff == a.tariff &&
		    strcmp(x->reason, a.reason) == 0)
			return i;
	}
	if (out->answer_count == m->answer_room) {
		m->answer_room = m->answer_room ? m->answer_room * 2 : 64;
		out->answer = mem_grow(out->answer, m->answer_room * sizeof *out->answer);
	}
	a.reason = arena_text(&out->arena, a.reason, strlen(a.reason));
	out->answer[out->answer_count] = a;
	return out->answer_count++;
}

static void add_span(struct maker *m, struct price_span s, bool first)
{
	struct price_spans *out = m->out;
	struct price_span *last = out->count ? &out->span[out->count - 1] : NULL;
	if (!first && last->answer == s.answer && last->guess == s.guess) {
		last->until = s.until;
		return;
	}
	if (out->count == m->span_room) {
		m->span_room = m->span_room ? m->span_room * 2 : 1024;
		out->span = mem_grow(out->span, m->span_room * sizeof *out->span);
	}
	out->span[out->count++] = s;
}

/* Every stretch of one name. Those that never have a price are left out when `needed` is false. */
static void add_spans(struct maker *m, struct span_name name, struct text provider,
		      struct text model, bool needed)
{
	struct price_spans *out = m->out;
	const size_t before = out->count, answers_before = out->answer_count;
	const struct span_name *kept = NULL;
	bool priced = false;
	struct price_query q = { .provider = provider,
				 .model = model,
				 .service_tier = text_of(name.service_tier),
				 .region = text_of(name.region),
				 .currency = m->wanted->currency,
				 .at = m->wanted->since };
	name.provider = in_lower_case(&out->arena, name.provider);
	name.model = in_lower_case(&out->arena, name.model);
	kept = memcpy(arena_alloc(&out->arena, sizeof name), &name, sizeof name);
	while (q.at.us < m->wanted->until.us) {
		struct price_match match;
		struct err why;
		struct span_answer a = { .reason = "" };
		if (book_find(m->book, &q, &match, &why) == 0) {
			a.price = match.price;
			a.tariff = match.tariff;
			priced = true;
		} else {
			a.reason = why.message;
		}
		struct instant until =
			match.until.us < m->wanted->until.us ? match.until : m->wanted->until;
		add_span(m,
			 (struct price_span){ kept, q.at, until, answer_number(m, a),
					      a.price && match.guess },
			 out->count == before);
		q.at = until;
	}
	if (!priced && !needed) {
		out->count = before;
		out->answer_count = answers_before;
	}
}

/* The name alone and with its service tiers and regions. */
static void add_variants(struct maker *m, const char *provider, const char *model,
			 struct text asked_provider, struct text asked_model)
{
	const struct price_spans *out = m->out;
	for (size_t t = 0; t <= out->tier_count; t++)
		for (size_t r = 0; r <= out->region_count; r++)
			add_spans(m,
				  (struct span_name){ provider, model,
						      t ? out->service_tier[t - 1] : "",
						      r ? out->region[r - 1] : "" },
				  asked_provider, asked_model, t == 0 && r == 0);
}

static int span_order(const void *x, const void *y)
{
	const struct price_span *a = x, *b = y;
	int c = strcmp(a->name->model, b->name->model);
	c = c ? c : strcmp(a->name->provider, b->name->provider);
	c = c ? c : strcmp(a->name->service_tier, b->name->service_tier);
	c = c ? c : strcmp(a->name->region, b->name->region);
	if (c == 0 && a->from.us != b->from.us)
		c = a->from.us < b->from.us ? -1 : 1;
	return c;
}

static bool same_name(const struct span_name *a, const struct span_name *b)
{
	return strcmp(a->model, b->model) == 0 && strcmp(a->provider, b->provider) == 0 &&
	       strcmp(a->service_tier, b->service_tier) == 0 && strcmp(a->region, b->region) == 0;
}

/* Names that differ only in case are one when they have the same prices. */
static int merge_cases(struct price_spans *s, struct err *e)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct price_span *a = kept ? &s->span[kept - 1] : NULL, *b = &s->span[i];
		if (a && same_name(a->name, b->name) && b->from.us < a->until.us) {
			if (a->from.us != b->from.us || a->until.us != b->until.us ||
			    a->answer != b->answer)
				return err_set(e, ERR_AMBIGUOUS,
					       "the price cards know '%s' in several spellings "
					       "that differ only in case and have different "
					       "prices; name the models that you want",
					       b->name->model);
			continue;
		}
		s->span[kept++] = *b;
	}
	s->count = kept;
	return 0;
}

/* Without wanted names: what first parties and cards of the user's sell. */
static bool is_shown(const struct spans_wanted *wanted, const struct card *c)
{
	return wanted->model_count || !c->reseller;
}

static void find_tiers_and_regions(struct maker *m)
{
	struct name_list tiers = { 0 }, regions = { 0 };
	for (size_t i = 0; i < book_card_count(m->book); i++) {
		const struct card *c = book_card(m->book, i);
		if (!is_shown(m->wanted, c))
			continue;
		for (size_t k = 0; k < c->price_count; k++) {
			const struct price *p = &c->price[k];
			if (m->wanted->tiers && strcmp(p->service_tier, "standard") != 0)
				add_name(&tiers, p->service_tier);
			if (m->wanted->regions && p->region)
				add_name(&regions, p->region);
		}
		for (size_t k = 0; m->wanted->regions && k < c->region_rule_count; k++)
			for (const char *const *s = c->region_rule[k].same; *s; s++)
				add_name(&regions, *s);
	}
	if (m->wanted->regions)
		add_name(&regions, SPAN_OTHER_REGION);
	sort_and_merge(&tiers);
	sort_and_merge(&regions);
	m->out->service_tier = tiers.name;
	m->out->tier_count = tiers.count;
	m->out->region = regions.name;
	m->out->region_count = regions.count;
}

/* Every model and alias, by itself and as its vendors sell it. */
int price_spans_make(struct price_spans *out, const struct book *book,
		     const struct spans_wanted *wanted, struct err *e)
{
	struct maker m = { out, book, wanted, 0, 0 };
	struct name_list names = { 0 };
	*out = (struct price_spans){ 0 };
	find_tiers_and_regions(&m);
	for (size_t i = 0; i < book_card_count(book); i++) {
		const struct card *c = book_card(book, i);
		if (!is_shown(wanted, c))
			continue;
		for (size_t k = 0; k < c->price_count; k++)
			add_name(&names, c->price[k].model);
		for (size_t k = 0; k < c->alias_count; k++)
			add_name(&names, c->alias[k].alias);
	}
	sort_and_merge(&names);
	for (size_t n = 0; n < names.count; n++) {
		const char *model = names.name[n];
		struct name_list providers = { 0 };
		if (!is_wanted(wanted, model))
			continue;
		for (size_t i = 0; i < book_card_count(book); i++) {
			const struct card *c = book_card(book, i);
			if (!is_shown(wanted, c))
				continue;
			for (size_t k = 0; k < c->price_count; k++)
				if (strcmp(c->price[k].model, model) == 0)
					add_name(&providers, c->price[k].provider);
			for (size_t k = 0; k < c->alias_count; k++)
				if (strcmp(c->alias[k].alias, model) == 0)
					add_name(&providers, c->alias[k].provider);
		}
		sort_and_merge(&providers);
		add_variants(&m, "", model, TEXT(""), text_of(model));
		for (size_t p = 0; p < providers.count; p++) {
			const char *joined =
				arena_printf(&out->arena, "%s/%s", providers.name[p], model);
			add_variants(&m, providers.name[p], model, text_of(providers.name[p]),
				     text_of(model));
			add_variants(&m, "", joined, TEXT(""), text_of(joined));
		}
		free(providers.name);
	}
	free(names.name);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < wanted->model_count; i++) {
		bool known = false;
		for (size_t k = 0; k < out->count && !known; k++)
			known = strcasecmp(out->span[k].name->model, wanted->model[i]) == 0;
		if (!known)
			rc = err_set(e, ERR_NOT_FOUND,
				     "model '%s' is in no price card; see `tally price list`",
				     wanted->model[i]);
	}
	if (out->count)
		qsort(out->span, out->count, sizeof *out->span, span_order);
	if (rc == 0)
		rc = merge_cases(out, e);
	if (rc != 0)
		price_spans_release(out);
	return rc;
}

void price_spans_release(struct price_spans *s)
{
	free(s->answer);
	free(s->span);
	free(s->service_tier);
	free(s->region);
	arena_release(&s->arena);
	*s = (struct price_spans){ 0 };
}
