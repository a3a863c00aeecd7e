#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/command.h"
#include "pricing/plan.h"
#include "pricing/rate.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const struct option options[] = {
	{ "model", 'm', "MODEL", "model or alias, as the vendor or you call it", false },
	{ "provider", 'p', "VENDOR", "who sells it; required where several vendors do", false },
	{ "at", 0, "WHEN", "the instant of the calls (default now)", false },
	{ "input", 0, "N", "uncached input tokens of one request", false },
	{ "cache-read", 0, "N", "input tokens read from the cache", false },
	{ "cache-write", 0, "N", "tokens written to the cache for 5 minutes", false },
	{ "cache-write-1h", 0, "N", "tokens written to the cache for 1 hour", false },
	{ "output", 0, "N", "output tokens, reasoning included", false },
	{ "reasoning", 0, "N", "the part of output that is reasoning", false },
	{ "tokens", 0, "BUCKET=N", "any other bucket, such as input_audio or output_image", true },
	{ "unit", 0, "NAME=N", "counted things with a fee, such as search", true },
	{ "requests", 'n', "N", "number of identical requests (default 1)", false },
	{ "service-tier", 0, "TIER", "standard, batch, flex, priority, ... (default standard)",
	  false },
	{ "region", 0, "REGION", "where the call is served", false },
	{ "plan", 0, "PLAN", "also credits under this plan (see `tally credit plan`)", false },
	{ "byo", 0, NULL, "bring your own key: the vendor bills you, no credits are drawn", false },
	{ 0 },
};

static int named_count(const char *option, const char *spec, struct text *name, int64_t *out,
		       struct err *e)
{
	const char *equals = strchr(spec, '=');
	struct decimal d;
	if (!equals || equals == spec || decimal_parse(&d, text_of(equals + 1), NULL) != 0 ||
	    d.digits < 0 || !decimal_to_int64(d, 0, out))
		return err_set(e, ERR_USAGE, "--%s %s: NAME=N with a whole number N is expected",
			       option, spec);
	*name = (struct text){ spec, (size_t)(equals - spec) };
	return 0;
}

/* One request from the options. */
static int take_usage(const struct cli *cli, struct arena *arena, struct usage *u, struct err *e)
{
	static const struct {
		const char *option;
		enum bucket bucket;
	} plain[] = { { "input", BUCKET_INPUT },
		      { "cache-read", BUCKET_CACHE_READ },
		      { "cache-write", BUCKET_CACHE_WRITE_5M },
		      { "cache-write-1h", BUCKET_CACHE_WRITE_1H },
		      { "output", BUCKET_OUTPUT },
		      { "reasoning", BUCKET_REASONING } };
	int rc = 0;
	const char *spec;
	struct text name;
	int64_t n;
	*u = (struct usage){ .requests = 1 };
	for (size_t i = 0; rc == 0 && i < sizeof plain / sizeof *plain; i++)
		rc = cli_count(cli, plain[i].option, 0, &u->tokens[plain[i].bucket], e);
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "tokens", i)); i++) {
		rc = named_count("tokens", spec, &name, &n, e);
		int b = rc == 0 ? bucket_by_name(name.p, name.n) : 0;
		if (b < 0)
			rc = err_set(e, ERR_USAGE, "--tokens %s: no such bucket", spec);
		else if (rc == 0)
			u->tokens[b] = n;
	}
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "unit", i)); i++) {
		if (u->unit_count == USAGE_UNITS_MAX)
			return err_set(e, ERR_USAGE, "more than %d units", USAGE_UNITS_MAX);
		rc = named_count("unit", spec, &name, &n, e);
		if (rc == 0)
			u->unit[u->unit_count++] =
				(struct usage_unit){ arena_text(arena, name.p, name.n), n };
	}
	if (rc == 0 && usage_check(u, e) != 0)
		rc = -(int)(e->code = ERR_USAGE);
	return rc;
}

/* The rating of one request into that of `requests` equal ones. */
static int repeat(struct rating *r, int64_t requests, struct err *e)
{
	struct money_total total = { 0 };
	for (int i = 0; i < r->line_count; i++) {
		struct rate_line *l = &r->line[i];
		l->amount = (struct money_total){ 0 };
		if (__builtin_mul_overflow(l->quantity, requests, &l->quantity) ||
		    !money_total_add_units(&l->amount, l->price, l->quantity, l->per) ||
		    !money_total_add(&total, l->amount))
			return err_set(e, ERR_RANGE, "the amount for %s is out of range", l->name);
	}
	r->total = total;
	return 0;
}

struct credit_answer {
	const struct plan *plan;
	struct credit_rates rates;
	struct credits_total total, built_in; /* total is 0 with a key of one's own */
	bool byo, uncovered;
	struct err why;
};

/* What hangs on a change of price whose instant is not known. */
struct hinge {
	const struct price *later; /* NULL: nothing does */
	bool known;		   /* the later price has all that is needed */
	struct rating rating;
};

/* A question and its answer. */
struct answer {
	const struct cli *cli;
	const struct book *book;
	struct price_query q;
	struct usage usage; /* of one request */
	int64_t requests;
	struct price_match m;
	struct rating rating; /* of all requests */
	struct credit_answer credits;
	struct hinge hinge;
};

static int take_credits(struct answer *x, struct err *e)
{
	struct credit_answer *c = &x->credits;
	struct instant until = INSTANT_MAX;
	struct plan_question of = { .book = x->book,
				    .query = &x->q,
				    .resolved = x->m.price->model };
	int rc = usage_prompt(&x->usage, &of.prompt_tokens, e);
	if (rc != 0)
		return rc;
	c->byo = cli_flag(x->cli, "byo");
	if (plan_rates(c->plan, &of, &c->rates, &until, &c->why) != 0 ||
	    credits_of(&c->rates, x->usage.tokens, 1, &c->built_in, &c->why) != 0) {
		c->uncovered = true;
		return 0;
	}
	const int128 limit = ((int128)1 << 126) / x->requests;
	if (c->built_in.atto > limit)
		return err_set(e, ERR_RANGE, "the credits are larger than a total can hold");
	c->built_in.atto *= x->requests;
	if (!c->byo)
		c->total = c->built_in;
	return 0;
}

static void take_hinge(struct answer *x)
{
	struct hinge *h = &x->hinge;
	h->later = x->m.may_be;
	if (!h->later)
		return;
	const struct tariff *t = &h->later->tariff[h->later->tariff_count - 1];
	h->known = rate_usage(&h->rating, &x->usage, h->later, t, NULL) == 0 &&
		   repeat(&h->rating, x->requests, NULL) == 0;
}

/* Every reason to doubt the price of the call, in one sentence or several; empty: none. */
static void put_doubt(struct buf *b, const struct answer *x)
{
	const struct price_match *m = &x->m;
	const struct hinge *h = &x->hinge;
	char seen[INSTANT_TEXT_MAX], from[INSTANT_TEXT_MAX];
	if (m->price->doubt)
		buf_puts(b, m->price->doubt);
	if (!h->later)
		return;
	buf_printf(b, "%sthe price changed between %s and %s", b->n ? "; " : "",
		   instant_format(h->later->old_seen, seen), instant_format(h->later->from, from));
	if (h->known) {
		buf_puts(b, ", and by the later one the total would be ");
		cli_put_money(b, h->rating.total, h->later->currency);
	}
}

static void put_price_json(struct json_out *j, const struct price_match *m)
{
	const struct price *p = m->price;
	json_out_object(j, "price");
	json_out_string(j, "id", p->id);
	json_out_instant(j, "from", p->from);
	json_out_instant(j, "to", p->to);
	json_out_string(j, "window", m->tariff->window);
	json_out_string(j, "kind", p->kind);
	json_out_string(j, "source", p->source);
	json_out_string(j, "sure", p->sure);
	json_out_string(j, "grade", p->grade);
	json_out_string(j, "note", p->note);
	json_out_instant(j, "until", m->until);
	if (m->guess)
		json_out_string(j, "guess", "the public holidays of that year are not known");
	json_out_end(j, '}');
}

static void put_lines_json(struct json_out *j, const struct rating *r)
{
	json_out_array(j, "lines");
	for (int i = 0; i < r->line_count; i++) {
		const struct rate_line *l = &r->line[i];
		char price[DECIMAL_TEXT_MAX];
		bool tokens =
			l->per == PER_MILLION && bucket_by_name(l->name, strlen(l->name)) >= 0;
		json_out_object(j, NULL);
		json_out_string(j, tokens ? "bucket" : "unit", l->name);
		json_out_int(j, tokens ? "tokens" : "quantity", l->quantity);
		json_out_string(j, tokens ? "per_million" : "price", money_format(l->price, price));
		if (!tokens)
			json_out_int(j, "per", l->per);
		json_out_money(j, "amount", l->amount);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_credits_json(struct json_out *j, const struct credit_answer *c)
{
	struct money_total worth;
	json_out_object(j, "credits");
	json_out_string(j, "plan", plan_name(c->plan));
	json_out_string(j, "rule", plan_rule_name(c->plan));
	if (c->rates.has_multiplier)
		json_out_decimal(j, "multiplier", c->rates.multiplier);
	json_out_string(j, "rounding", plan_rounding_text(c->plan));
	if (c->uncovered) {
		json_out_int(j, "unpriced", 1);
		json_out_string(j, "reason", c->why.message);
		json_out_null(j, "total");
	} else {
		json_out_credits(j, "total", c->total);
		json_out_bool(j, "byo", c->byo);
		if (c->byo)
			json_out_credits(j, "built_in", c->built_in);
		if (plan_worth(c->plan, c->total, &worth))
			json_out_money(j, "worth", worth);
	}
	json_out_end(j, '}');
}

static void put_json(const struct answer *x)
{
	struct json_out j;
	const struct price *p = x->m.price;
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.cost/1");
	json_out_string(&j, "provider", p->provider);
	json_out_string(&j, "model", p->model);
	json_out_text(&j, "asked", x->q.model);
	json_out_instant(&j, "at", x->q.at);
	json_out_int(&j, "requests", x->requests);
	put_price_json(&j, &x->m);
	put_lines_json(&j, &x->rating);
	json_out_string(&j, "currency", p->currency);
	json_out_money(&j, "total", x->rating.total);
	struct buf doubt = { 0 };
	put_doubt(&doubt, x);
	json_out_string(&j, "price_doubt", doubt.n ? doubt.p : NULL);
	buf_release(&doubt);
	if (x->hinge.later && x->hinge.known)
		json_out_money(&j, "total_if_changed", x->hinge.rating.total);
	if (x->credits.plan)
		put_credits_json(&j, &x->credits);
	json_out_array(&j, "disputes");
	const struct dispute *d;
	for (size_t i = 0; (d = book_dispute(x->book, p->provider, p->model, x->q.at, i)); i++) {
		json_out_object(&j, NULL);
		json_out_string(&j, "about", d->about);
		json_out_string(&j, "says", d->says);
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_close(&j);
}

static void put_lines(const struct answer *x)
{
	static const struct table_column columns[] = { { "BUCKET", false, false },
						       { "QUANTITY", true, false },
						       { "PRICE", true, false },
						       { "PER", true, false },
						       { "AMOUNT", true, false } };
	const struct rating *r = &x->rating;
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	for (int i = 0; i < r->line_count; i++) {
		const struct rate_line *l = &r->line[i];
		table_cell(t, l->name);
		snprintf(text, sizeof text, "%lld", (long long)l->quantity);
		table_cell(t, number_grouped(grouped, text));
		table_cell(t, money_format(l->price, text));
		snprintf(text, sizeof text, "%lld", (long long)l->per);
		table_cell(t, number_grouped(grouped, text));
		b.n = 0;
		cli_put_money(&b, l->amount, x->m.price->currency);
		table_cell(t, b.p);
	}
	if (r->line_count == 0) {
		printf("nothing was used\n");
	} else {
		table_print(t);
	}
	table_close(t);
	b.n = 0;
	cli_put_money(&b, r->total, x->m.price->currency);
	printf("\ntotal    %s\n", b.p);
	buf_release(&b);
}

static void put_credits(const struct credit_answer *c)
{
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	struct buf b = { 0 };
	if (c->uncovered) {
		printf("credits  unknown: %s\n", c->why.message);
		return;
	}
	struct money_total worth;
	printf("credits  %s under plan %s", number_grouped(grouped, credits_format(c->total, text)),
	       plan_name(c->plan));
	if (c->rates.has_multiplier && !c->byo)
		printf(" (x%s of the baseline)", decimal_format(c->rates.multiplier, text));
	if (c->byo) {
		printf(": own key, the vendor bills the total above; built-in it would be "
		       "%s",
		       number_grouped(grouped, credits_format(c->built_in, text)));
		if (plan_worth(c->plan, c->built_in, &worth)) {
			b.n = 0;
			cli_put_money(&b, worth, plan_currency(c->plan));
			printf(" (worth %s)", b.p);
		}
	} else if (plan_worth(c->plan, c->total, &worth)) {
		b.n = 0;
		cli_put_money(&b, worth, plan_currency(c->plan));
		printf(", worth %s", b.p);
	}
	printf("\n");
	buf_release(&b);
}

static void put_price(const struct answer *x)
{
	const struct price *p = x->m.price;
	char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX];
	struct buf b = { 0 };
	printf("\nprice    %s (%s)\n", p->id, p->kind);
	printf("holds    %s to %s\n",
	       p->from.us == INSTANT_MIN.us ? "always" : instant_format(p->from, from),
	       p->to.us == INSTANT_MAX.us ? "further notice" : instant_format(p->to, to));
	printf("source   %s (%s)\n", p->source, p->sure);
	if (x->cli->quiet)
		return;
	if (p->note)
		printf("note     %s\n", p->note);
	if (x->m.guess)
		printf("note     the public holidays of that year are not known, so peak or "
		       "off-peak is a guess\n");
	put_doubt(&b, x);
	if (b.n)
		printf("doubt    %s\n", b.p);
	buf_release(&b);
	const struct dispute *d;
	for (size_t i = 0; (d = book_dispute(x->book, p->provider, p->model, x->q.at, i)); i++)
		printf("dispute  %s: %s\n", d->about, d->says);
}

static void put_table(const struct answer *x)
{
	const struct price *p = x->m.price;
	char at[INSTANT_TEXT_MAX];
	printf("%s from %s", p->model, p->provider);
	if (!text_is(x->q.model, p->model))
		printf(", asked for as %.*s", (int)x->q.model.n, x->q.model.p);
	printf(", %s at %s", x->m.tariff->window, instant_format(x->q.at, at));
	if (x->requests > 1)
		printf(", %lld requests", (long long)x->requests);
	printf("\n\n");
	put_lines(x);
	if (x->credits.plan)
		put_credits(&x->credits);
	put_price(x);
}

static int run(struct cli *cli, struct err *e)
{
	struct arena arena = { 0 };
	struct book *book = NULL;
	struct plan_file *plans = NULL;
	struct zone *zone = NULL;
	const char *model = cli_value(cli, "model"), *plan = cli_plan(cli),
		   *at = cli_value(cli, "at");
	const char *provider = cli_value(cli, "provider"), *tier = cli_value(cli, "service-tier"),
		   *region = cli_value(cli, "region");
	if (!model)
		return err_set(e, ERR_USAGE,
			       "`tally cost` needs --model, for example --model deepseek-v4-flash");
	struct answer x = { .cli = cli, .requests = 1 };
	x.q = (struct price_query){ .provider = text_of(provider ? provider : ""),
				    .model = text_of(model),
				    .service_tier = text_of(tier ? tier : ""),
				    .region = text_of(region ? region : ""),
				    .currency = cli_currency(cli),
				    .at = clock_now() };
	x.q.at.us -= x.q.at.us % US_PER_SECOND;
	int rc = take_usage(cli, &arena, &x.usage, e);
	if (rc == 0)
		rc = cli_count(cli, "requests", 1, &x.requests, e);
	if (rc == 0 && x.requests < 1)
		rc = err_set(e, ERR_USAGE, "--requests must be 1 or more");
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0 && at)
		rc = cli_instant("at", at, zone, &x.q.at, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0 && plan)
		rc = plan_open(&plans, &x.credits.plan, plan, e);
	if (rc == 0)
		rc = book_find(x.book = book, &x.q, &x.m, e);
	if (rc == 0)
		rc = rate_usage(&x.rating, &x.usage, x.m.price, x.m.tariff, e);
	if (rc == 0)
		rc = repeat(&x.rating, x.requests, e);
	if (rc == 0 && x.credits.plan)
		rc = take_credits(&x, e);
	if (rc == 0) {
		take_hinge(&x);
		(cli->json ? put_json : put_table)(&x);
	}
	plan_file_close(plans);
	zone_close(zone);
	book_close(book);
	arena_release(&arena);
	return rc ? rc : x.credits.uncovered ? 3 : 0;
}

const struct command command_cost = {
	.name = "cost",
	.summary = "what a call costs at an instant, and why",
	.arguments = "",
	.description =
		"Prices one kind of call. Token counts are per request; --requests multiplies. The "
		"answer names the price that held at "
		"the instant, its source, and what the sources disagree about. Nothing is rounded.",
	.examples =
		"  tally cost --model deepseek-v4-flash --input 200 --cache-read 2000 --output 300 "
		"--requests 1000000 --at 2026-05-10\n"
		"  tally cost --model claude-sonnet-4-6 --input 50000 --output 5000 --plan vm0\n"
		"  tally cost --model deepseek-v4-pro --input 188542 --currency CNY --at "
		"2026-08-24T12:00:00Z --json\n",
	.options = options,
	.common = TAKES_PRICES | TAKES_CURRENCY | TAKES_ZONE,
	.run = run,
};
