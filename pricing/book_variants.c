#include "pricing/book_parts.h"
#include "pricing/regional.h"
#include "pricing/spelling.h"

/* A price that differs from a card's; unit: the fee of its own on every request, FEE_REGION where
 * it is that of a region, or whatever else tells the variants of one price apart. */
struct variant {
	struct price price;
	const struct price *of;
	const char *unit;
	struct variant *next;
};

/* The variant of p that was made before, or one that begins as p with room for one more fee. */
static struct variant *variant_of(struct book *b, const struct price *p, const char *unit,
				  bool *made)
{
	struct variant *v = b->variant;
	while (v && (v->of != p || v->unit != unit))
		v = v->next;
	*made = !v;
	if (v)
		return v;
	v = arena_alloc(&b->arena, sizeof *v);
	*v = (struct variant){ .price = *p, .of = p, .unit = unit, .next = b->variant };
	v->price.fee = arena_alloc(&b->arena, (p->fee_count + 1) * sizeof *p->fee);
	return b->variant = v;
}

const struct price *book_price_without_region(struct book *b, const struct price *p)
{
	static const char *const region[] = { FEE_REGION, NULL };
	bool made;
	if (!p || p->region)
		return p;
	const struct region_rule *rule = card_region_rule(p->card, p);
	if (!rule || rule->unsaid == UNSAID_IS_SAME)
		return p;
	struct variant *v = variant_of(b, p, FEE_REGION, &made);
	if (made && rule->unsaid == UNSAID_IS_OPEN) {
		v->price.fee = p->fee;
		v->price.doubt = arena_printf(&b->arena,
					      "%s%sthe record does not say in which region it was "
					      "served, and some cost less or more",
					      p->doubt ? p->doubt : "", p->doubt ? "; " : "");
	} else if (made) { /* in front, so that a fee which a call may tell stays the last */
		v->price.fee[0] = (struct fee){ FEE_PER_REQUEST, { 0 }, 1, region };
		if (p->fee_count)
			memcpy(v->price.fee + 1, p->fee, p->fee_count * sizeof *p->fee);
		v->price.fee_count++;
	}
	return &v->price;
}

const struct price *book_price_with_request_fee(struct book *b, const struct price *p,
						const char *unit)
{
	bool made, stated = false;
	if (!p)
		return NULL;
	struct variant *v = variant_of(b, p, unit, &made);
	if (!made)
		return &v->price;
	for (size_t i = 0; i < p->fee_count; i++) {
		v->price.fee[i] = p->fee[i];
		if (strcmp(p->fee[i].unit, unit) == 0) {
			v->price.fee[i].unit = FEE_PER_REQUEST;
			stated = true;
		}
	}
	v->price.id = arena_printf(&b->arena, "%s/%s", p->id, unit);
	v->price.of_spelling = true;
	if (stated)
		v->price.doubt = arena_printf(
			&b->arena,
			"%s%swhat it searched is charged as one search of the size that is the "
			"default; the record does not say what it was",
			p->doubt ? p->doubt : "", p->doubt ? "; " : "");
	else /* the maker's own search, of which a call makes as many as it likes */
		v->price.needs = unit_name(UNIT_WEB_SEARCH);
	return &v->price;
}

const struct price *book_price_standing_in(struct book *b, const struct price *p)
{
	static const char sold_via[] = SOLD_VIA;
	bool made;
	if (!p)
		return NULL;
	struct variant *v = variant_of(b, p, sold_via, &made);
	if (!made)
		return &v->price;
	v->price.fee = p->fee;
	v->price.stands_in = true;
	v->price.doubt = arena_printf(&b->arena,
				      "%s%sno card has prices of the seller that is named: this is "
				      "what %s asks",
				      p->doubt ? p->doubt : "", p->doubt ? "; " : "", p->provider);
	return &v->price;
}

/* Whether the name means the newest model of a line; a "chat-latest" is what one of ChatGPT's
 * models is called, and codex-mini-latest was never another. */
static bool is_moving(const char *name)
{
	static const char *const ends[] = { "chat-latest", "mini-latest", "-latest" };
	const size_t n = strlen(name);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const size_t end = strlen(ends[i]);
		if (n > end && strcasecmp(name + n - end, ends[i]) == 0)
			return ends[i][0] == '-';
	}
	return false;
}

/* The month or day in the end of a snapshot's name as 20260300 or 20260316; 0: it is none of the
 * line ("mistral-small-" of 14). */
static int64_t snapshot_day(const char *name, const char *line, size_t n)
{
	int64_t day = 0;
	int digits = 0;
	if (strncasecmp(name, line, n) != 0)
		return 0;
	for (const char *p = name + n; *p; p++) {
		if (*p == '-')
			continue;
		if (*p < '0' || *p > '9' || ++digits > 8)
			return 0;
		day = day * 10 + (*p - '0');
	}
	return digits == 8 ? day : digits == 4 && day > 2300 ? 20000000 + day * 100 : 0;
}

/* What the card has of the newest snapshot of the line whose newest model the name means. */
static const struct price *newest_of_line(const struct price *p, const char *name)
{
	const size_t n = strlen(name) - strlen("latest");
	const struct price *newest = NULL;
	int64_t day = 0;
	for (size_t i = 0; i < p->card->price_count; i++) {
		const struct price *s = &p->card->price[i];
		const int64_t of = snapshot_day(s->model, name, n);
		if (of > day && !s->withdrawn && !s->region && s->to.us == INSTANT_MAX.us &&
		    book_is_of_tier(s, TEXT("")) && strcmp(s->currency, p->currency) == 0) {
			newest = s;
			day = of;
		}
	}
	return newest;
}

/* Appends what the snapshot costs where that is something else. */
static void put_newest(struct buf *b, const struct price *p, const struct price *newest)
{
	char in[DECIMAL_TEXT_MAX], out[DECIMAL_TEXT_MAX];
	const struct rates *has = &p->tariff[p->tariff_count - 1].rates,
			   *is = newest ? &newest->tariff[newest->tariff_count - 1].rates : NULL;
	if (!is || (is->per_million[BUCKET_INPUT].pico == has->per_million[BUCKET_INPUT].pico &&
		    is->per_million[BUCKET_OUTPUT].pico == has->per_million[BUCKET_OUTPUT].pico))
		return;
	buf_printf(b, "; the newest of its line here, %s, costs %s and %s", newest->model,
		   money_format(is->per_million[BUCKET_INPUT], in),
		   money_format(is->per_million[BUCKET_OUTPUT], out));
}

const struct price *book_price_of_moving_name(struct book *b, const struct price *p,
					      const struct alias *alias)
{
	static const char own_name[] = "-latest", moves[] = "the name moves to newer models";
	char since[INSTANT_TEXT_MAX];
	bool made;
	const bool own = is_moving(p->model);
	const char *name = own ? p->model : alias ? alias->alias : "";
	if (p->layer || p->to.us != INSTANT_MAX.us || !is_moving(name) ||
	    (!own && alias->to.us != INSTANT_MAX.us))
		return p;
	struct variant *v = variant_of(b, p, own ? own_name : alias->alias, &made);
	if (!made)
		return &v->price;
	struct buf doubt = { 0 };
	buf_puts(&doubt, p->doubt ? p->doubt : "");
	if (!p->doubt || !strstr(p->doubt, moves))
		buf_printf(&doubt,
			   "%s%s and costs what they cost; no source dates a move after "
			   "%.10s",
			   doubt.n ? "; " : "", moves, instant_format(p->from, since));
	put_newest(&doubt, p, newest_of_line(p, name));
	v->price.fee = p->fee;
	v->price.moves = true;
	v->price.doubt = arena_text(&b->arena, doubt.p, doubt.n);
	buf_release(&doubt);
	return &v->price;
}

/* The lowest context tier of s above all of t's, in the same window or else whenever. */
static const struct context_tier *first_beyond(const struct tariff *t, const struct price *s)
{
	const struct tariff *of = &s->tariff[s->tariff_count - 1];
	const int64_t last = t->tier_count ? t->tier[t->tier_count - 1].above : -1;
	for (size_t i = 0; i < s->tariff_count; i++)
		if (strcmp(s->tariff[i].window, t->window) == 0)
			of = &s->tariff[i];
	for (size_t i = 0; i < of->tier_count; i++)
		if (of->tier[i].above > last)
			return &of->tier[i];
	return NULL;
}

/* t with one more context tier, in which nothing has a price. */
static void end_at(struct tariff *t, const struct context_tier *beyond, struct arena *a)
{
	struct context_tier *tier = arena_alloc(a, (t->tier_count + 1) * sizeof *tier);
	if (t->tier_count)
		memcpy(tier, t->tier, t->tier_count * sizeof *tier);
	tier[t->tier_count] =
		(struct context_tier){ .above = beyond->above, .inclusive = beyond->inclusive };
	t->tier = tier;
	t->tier_count++;
}

const struct price *book_price_within_stated_length(struct book *b, const struct price *p,
						    const struct price *standard)
{
	bool made, any = false;
	for (size_t i = 0; standard && i < p->tariff_count; i++)
		any |= first_beyond(&p->tariff[i], standard) != NULL;
	if (!any)
		return p;
	struct variant *v = variant_of(b, p, standard->id, &made);
	if (!made)
		return &v->price;
	v->price.fee = p->fee;
	v->price.tariff = arena_alloc(&b->arena, p->tariff_count * sizeof *p->tariff);
	for (size_t i = 0; i < p->tariff_count; i++) {
		const struct context_tier *beyond = first_beyond(&p->tariff[i], standard);
		v->price.tariff[i] = p->tariff[i];
		if (beyond)
			end_at(&v->price.tariff[i], beyond, &b->arena);
	}
	return &v->price;
}
