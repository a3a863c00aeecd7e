#include "cli/typed.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loose.h"
#include "base/zone.h"
#include "meter/billing/terms.h"
#include "meter/billing/window.h"
#include "meter/store/refused.h"
#include "meter/store/store_models.h"
#include "meter/store/store_names.h"
#include "reports/table.h"

/* 10k, 2.5M */
static bool in_thousands(struct text s, struct decimal *out)
{
	static const char units[] = "kKmM";
	const char *unit = s.n > 1 ? strchr(units, s.p[s.n - 1]) : NULL;
	if (!unit || decimal_parse(out, (struct text){ s.p, s.n - 1 }, NULL) != 0)
		return false;
	*out = decimal_shift(*out, unit - units < 2 ? 3 : 6);
	return true;
}

/* "1.000" and "2.500": a thousand in half of the world. What has a digit in the last place is in
 * the form in which documents have amounts, which scripts hand back. */
static bool may_be_thousands(struct text s)
{
	const size_t lead = s.n > 4 ? s.n - 4 : 0;
	if (lead < 1 || lead > 3 || s.p[lead] != '.' || *s.p == '0' || s.p[s.n - 1] != '0')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i != lead && !is_digit(s.p[i]))
			return false;
	return true;
}

int cli_amount_of(const char *what, const char *text, const char *currency, struct decimal *out,
		  struct err *e)
{
	const struct text s = text_of(text);
	struct err why;
	char said[4];
	int places;
	/* dinars have three decimals, and documents say so */
	const bool thousandths = currency && currency_places(text_of(currency)) == 3;
	if (!thousandths && may_be_thousands(s)) {
		size_t n = s.n;
		while (s.p[n - 1] == '0')
			n--;
		n -= s.p[n - 1] == '.';
		return err_set(e, ERR_USAGE,
			       "%s: '%s' may be thousands or a fraction; write %.*s or %.*s%s",
			       what, text, (int)n, text, (int)(s.n - 4), text, text + s.n - 3);
	}
	if ((decimal_parse(out, s, NULL) == 0 || in_thousands(s, out)) && out->digits >= 0)
		return 0;
	loose_currency(said, s);
	if (*said && (!currency || strcmp(said, currency) != 0))
		return currency
			       ? err_set(e, ERR_USAGE,
					 "%s: '%s' is in %s, and amounts here are in %s", what,
					 text, said, currency)
			       : err_set(e, ERR_USAGE,
					 "%s: '%s' is money; credits have no currency", what, text);
	if (loose_number(out, &places, s, true, &why) != 0)
		return err_set(e, ERR_USAGE, "%s: %s", what, why.message);
	return out->digits < 0 ? err_set(e, ERR_USAGE, "%s: '%s' is below zero", what, text) : 0;
}

const char *cli_period_words(char room[CLI_PERIOD_MAX], struct text period)
{
	const struct text rolling = TEXT("rolling ");
	struct window w; /* as it is kept */
	if (window_parse(&w, period, NULL) == 0)
		period = text_of(w.text);
	const bool rolls = period.n > rolling.n && memcmp(period.p, rolling.p, rolling.n) == 0;
	const bool number = period.n && is_digit(*period.p);
	const char *before = rolls ? "in any " : number ? "every " : "a ";
	if (text_is(period, "ever"))
		return "in all";
	if (rolls)
		period = (struct text){ period.p + rolling.n, period.n - rolling.n };
	snprintf(room, CLI_PERIOD_MAX, "%s%.*s", before, (int)period.n, period.p);
	return room;
}

enum { NAMES_SHOWN = 5 };
struct nearest {
	struct text typed;
	char name[200];
	int least;
	bool found;
	char known[300]; /* the first of them */
	size_t count;
	struct store *models; /* of names of models */
};

static bool means_the_same(const struct nearest *x, struct text name)
{
	bool same = false;
	struct err none;
	return x->models &&
	       store_same_model(x->models, x->typed, name, clock_now(), &same, &none) == 0 && same;
}

/* "web/shop" of /srv/web/shop. */
static bool is_end_of(struct text project, struct text typed)
{
	const size_t n = typed.n;
	return n && project.n > n && memcmp(project.p + project.n - n, typed.p, n) == 0 &&
	       memchr("/\\", project.p[project.n - n - 1], 2);
}

/* "-home-ada-shop" of /home/ada/shop: the folder in which Claude Code keeps a project's logs, which
 * is how ccusage names it. */
static bool is_folder_of(struct text project, struct text typed)
{
	bool same = typed.n > 1 && *typed.p == '-' && typed.n == project.n;
	for (size_t i = 0; same && i < typed.n; i++) {
		const char c = project.p[i];
		const bool letter = is_digit(c) || is_letter(c);
		same = typed.p[i] == (letter ? c : '-');
	}
	return same;
}

static void compare(void *user, struct text name)
{
	struct nearest *x = user;
	const char *slash = NULL;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/')
			slash = name.p + i;
	const struct text last =
		slash ? (struct text){ slash + 1, (size_t)(name.p + name.n - slash - 1) } : name;
	const int whole = text_distance(x->typed, name, 2), end = text_distance(x->typed, last, 2),
		  d = end < whole ? end : whole;
	const size_t n = strlen(x->known);
	if (x->count++ < NAMES_SHOWN)
		snprintf(x->known + n, sizeof x->known - n, "%s%.*s", n ? ", " : "", (int)name.n,
			 name.p);
	x->found |= d == 0 || is_end_of(name, x->typed) || is_folder_of(name, x->typed) ||
		    means_the_same(x, name);
	if (d < x->least) {
		x->least = d;
		snprintf(x->name, sizeof x->name, "%.*s", (int)name.n, name.p);
	}
}

/* Of a name that no record has: says so, and what may have been meant. */
static void tell_unknown(const struct cli *cli, struct store *s, const char *option,
			 enum store_names which)
{
	const char *typed = cli_value(cli, option);
	struct nearest x = { .typed = text_of(typed ? typed : ""),
			     .least = 3,
			     .models = which == STORE_MODELS ? s : NULL };
	struct err none;
	if (!typed || store_each_name(s, which, compare, &x, &none) != 0 || x.found)
		return;
	print_notice("tally: no usage of %s '%s'", option, typed);
	if (*x.name)
		print_notice("; did you mean '%s'?\n", x.name);
	else if (x.count)
		print_notice("; there %s %s%s\n", x.count > 1 ? "are" : "is", x.known,
			     x.count > NAMES_SHOWN ? ", ..." : "");
	else
		print_notice("\n");
}

void cli_tell_unknown(const struct cli *cli, struct store *s)
{
	if (!cli->quiet) {
		tell_unknown(cli, s, "customer", STORE_CUSTOMERS);
		tell_unknown(cli, s, "project", STORE_PROJECTS);
		tell_unknown(cli, s, "model", STORE_MODELS);
	}
}

struct ends_so {
	struct text typed;
	struct buf *found;
	bool exact;
	size_t count;
};

static void compare_project(void *user, struct text name)
{
	struct ends_so *x = user;
	x->exact |= text_eq(name, x->typed);
	if (!is_end_of(name, x->typed) && !is_folder_of(name, x->typed))
		return;
	if (x->count++ < 3)
		buf_printf(x->found, "%s%.*s", x->found->n ? ", " : "", (int)name.n, name.p);
}

int cli_names_open(struct cli_names *n, const struct cli *cli, struct store *s,
		   struct usage_filter *out, struct err *e)
{
	out->customer = cli_value(cli, "customer");
	out->project = cli_value(cli, "project");
	out->model = cli_value(cli, "model");
	cli_tell_unknown(cli, s);
	struct ends_so x = { .typed = text_of(out->project ? out->project : ""),
			     .found = &n->room };
	int rc = x.typed.n ? store_each_name(s, STORE_PROJECTS, compare_project, &x, e) : 0;
	if (rc != 0 || x.exact || x.count == 0)
		return rc;
	if (x.count > 1)
		return err_set(e, ERR_USAGE,
			       "--project: %zu projects end in '%s' (%.300s%s); name "
			       "one by its path",
			       x.count, out->project, n->room.p, x.count > 3 ? ", ..." : "");
	out->project = n->room.p;
	return 0;
}

void cli_names_release(struct cli_names *n)
{
	buf_release(&n->room);
}

void cli_tell_empty(const struct cli *cli, struct store *s, const struct zone *z)
{
	const struct usage_filter all = { .since = INSTANT_MIN, .until = INSTANT_MAX };
	struct instant first = { 0 }, last = { 0 };
	struct err none;
	int64_t refused = 0;
	bool any = false;
	if (cli->quiet || usage_span(s, &first, &last, &any, &none) != 0)
		return;
	char days[DAYS_TEXT_MAX];
	if (any)
		print_notice("tally: there are records of %s\n",
			     days_format(zone_day(z, first), zone_day(z, last), days));
	else if (refused_count(s, &all, &refused, &none) == 0 && refused)
		print_notice("tally: there are no records: %lld refused (tally quarantine list)\n",
			     (long long)refused);
	else
		print_notice("tally: there are no records yet; `tally ingest` reads them\n");
}
