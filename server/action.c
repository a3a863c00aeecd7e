#include "server/action.h"

#include <string.h>

#include "base/clock.h"
#include "meter/store/trail.h"
#include "server/question.h"

enum { DETAIL_MOST = 16 << 10 };

static int add_to_trail(struct action *a, struct err *e)
{
	const struct text body = a->q->body;
	const struct trail_entry t = { .at = a->c.now,
				       .who = text_of(a->q->who ? a->q->who : ""),
				       .what = text_of(a->what),
				       .customer = a->customer,
				       .about = a->about,
				       .detail = body.n <= DETAIL_MOST ? body : TEXT("{}") };
	return trail_add(a->c.store, &t, e);
}

int act(struct reader *r, const struct http_question *q, struct http_reply *out, const char *what,
	int (*run)(struct action *a, struct err *e), struct err *e)
{
	struct action a = { .o = r->o, .q = q, .out = out, .what = what };
	int rc = change_begin(&a.c, r->o, e);
	if (rc == 0)
		rc = run(&a, e);
	if (rc == 0)
		rc = question_refuse_unknown(q, e);
	if (rc == 0 && a.dry)
		change_drop(&a.c);
	else
		rc = change_end(&a.c, rc == 0 ? add_to_trail(&a, e) : rc, e);
	if (rc == 0 && out->body.n == 0)
		buf_puts(&out->body, "{}\n");
	arena_release(&a.arena);
	exchange_close(a.rates);
	return rc;
}

int action_text(struct action *a, const char *name, bool needed, const char **out, struct err *e)
{
	struct text t;
	int rc = setting_text(a->q, name, needed, &t, e);
	*out = rc == 0 && t.n ? arena_text(&a->arena, t.p, t.n) : NULL;
	return rc;
}

int action_choice(struct action *a, const char *name, const char *const *words, int *out,
		  struct err *e)
{
	const char *text;
	int rc = action_text(a, name, false, &text, e);
	*out = 0;
	if (rc != 0 || !text)
		return rc;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "'%s' of '%s' is not known", text, name);
}

int action_count(struct action *a, const char *name, int64_t missing, int64_t most, int64_t *out,
		 struct err *e)
{
	const char *text;
	struct decimal d;
	int rc = action_text(a, name, false, &text, e);
	*out = missing;
	if (rc != 0 || !text)
		return rc;
	if (decimal_parse(&d, text_of(text), NULL) != 0 || d.digits < 0 ||
	    !decimal_to_int64(d, 0, out) || *out > most)
		return err_set(e, ERR_USAGE, "'%s' is from 0 to %lld", name, (long long)most);
	return 0;
}

int action_instant(struct action *a, const char *name, const char *zone, struct instant *out,
		   struct err *e)
{
	const char *text;
	struct zone *z = NULL;
	int rc = action_text(a, name, false, &text, e);
	if (rc != 0 || !text)
		return rc;
	rc = zone_open(&z, zone, e);
	if (rc == 0)
		rc = asked_instant(name, text, a->c.now, z, out, e);
	zone_close(z);
	return rc;
}

int action_amount(struct action *a, const char *name, bool needed, struct decimal *out, bool *given,
		  struct err *e)
{
	const char *text;
	int rc = action_text(a, name, needed, &text, e);
	*given = rc == 0 && text;
	if (*given && (decimal_parse(out, text_of(text), NULL) != 0 || out->digits <= 0))
		return err_set(e, ERR_USAGE, "'%s': '%s' is no amount above 0", name, text);
	return rc;
}

int action_credits(struct action *a, const char *name, struct nano_credits *out, bool *given,
		   struct err *e)
{
	const char *text;
	struct decimal d;
	int rc = action_text(a, name, false, &text, e);
	*given = rc == 0 && text;
	if (!*given)
		return rc;
	if (decimal_parse(&d, text_of(text), NULL) != 0 || d.digits < 0)
		return err_set(e, ERR_USAGE, "'%s': '%s' is no amount", name, text);
	return nano_credits_from_decimal(out, d, e);
}

bool action_flag(struct action *a, const char *name)
{
	return json_true(setting(a->q, name));
}
