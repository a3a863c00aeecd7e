#include "server/question.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/when.h"

void put_error(struct buf *out, const char *code, const char *message)
{
	buf_printf(out, "{\"error\":{\"code\":\"%s\",\"message\":", code);
	json_put_string(out, text_of(message));
	buf_puts(out, "}}\n");
}

void reply_error(struct http_reply *out, const struct err *e)
{
	out->status = err_http_status(e->code);
	out->type = "application/json";
	out->filename = NULL;
	out->body.n = 0;
	put_error(&out->body, err_name(e->code), e->message);
}

static int denied(struct err *e)
{
	return err_set(e, ERR_DENIED, "the token is limited to another customer");
}

int question_customer(const struct http_question *q, const char **out, struct err *e)
{
	const char *asked = q->parameter(q, "customer");
	if (q->customer && asked && strcmp(q->customer, asked) != 0)
		return denied(e);
	*out = q->customer ? q->customer : asked;
	return 0;
}

int question_is_of(const struct http_question *q, struct text customer, struct err *e)
{
	return q->customer && !text_is(customer, q->customer) ? denied(e) : 0;
}

int question_zone(const struct http_question *q, struct zone **out, const char **name,
		  struct err *e)
{
	const char *z = q->parameter(q, "z");
	z = z ? z : q->parameter(q, "timezone");
	*name = z && *z ? z : "UTC";
	return zone_open(out, *name, e);
}

int asked_instant(const char *name, const char *text, struct instant now, const struct zone *z,
		  struct instant *out, struct err *e)
{
	struct when w;
	if (when_parse(&w, text_of(text), now, z, e) != 0) {
		err_context(e, "%s", name);
		e->code = ERR_USAGE;
		return -ERR_USAGE;
	}
	*out = strcmp(name, "until") == 0 ? w.to : w.from;
	return 0;
}

int question_instant(const struct http_question *q, const char *name, const struct zone *z,
		     struct instant *out, struct err *e)
{
	const char *text = q->parameter(q, name);
	return text ? asked_instant(name, text, clock_now(), z, out, e) : 0;
}

void taken_add(struct taken *a, const char *name)
{
	for (int i = 0; i < a->names; i++)
		if (strcmp(a->name[i], name) == 0)
			return;
	CHECK(a->names < TAKEN_MOST && strlen(name) < TAKEN_NAME_ROOM);
	strcpy(a->name[a->names++], name);
}

static int taken_check(const struct taken *a, const char *what, const char *given, struct err *e)
{
	struct buf list = { 0 };
	for (int i = 0; i < a->names; i++) {
		if (strcmp(a->name[i], given) == 0) {
			buf_release(&list);
			return 0;
		}
		buf_printf(&list, "%s%s", i ? ", " : "", a->name[i]);
	}
	err_set(e, ERR_USAGE, "unknown %s '%.80s'%s%s", what, given,
		list.n ? "; known here: " : ", this address takes none", list.n ? list.p : "");
	buf_release(&list);
	return -ERR_USAGE;
}

struct unasked {
	const struct taken *taken;
	struct err *e;
	int rc;
};

static bool check_parameter(void *user, const char *name)
{
	struct unasked *u = user;
	u->rc = taken_check(u->taken, "parameter", name, u->e);
	return u->rc == 0;
}

int question_refuse_unknown(const struct http_question *q, struct err *e)
{
	struct unasked u = { q->parameters, e, 0 };
	q->each_parameter(q, check_parameter, &u);
	if (!q->members->whole)
		for (json_value *m = json_first(q->settings); m && u.rc == 0; m = json_next(m))
			if (json_kind(m) != JSON_NULL)
				u.rc = taken_check(q->members, "member", json_key(m), e);
	return u.rc;
}

json_value *setting(const struct http_question *q, const char *name)
{
	taken_add(q->members, name);
	return json_member(q->settings, name);
}

/* since and until, or the period that names both. */
static int question_span(const struct http_question *q, const struct zone *z,
			 struct usage_filter *out, struct err *e)
{
	const char *period = q->parameter(q, "period");
	int rc = question_instant(q, "since", z, &out->since, e);
	if (rc == 0)
		rc = question_instant(q, "until", z, &out->until, e);
	if (rc != 0 || !period)
		return rc;
	if (q->parameter(q, "since") || q->parameter(q, "until"))
		return err_set(e, ERR_USAGE, "period: give it, or since and until, not both");
	struct when w;
	if (when_parse_period(&w, text_of(period), clock_now(), z, e) != 0) {
		err_context(e, "period");
		e->code = ERR_USAGE;
		return -ERR_USAGE;
	}
	out->since = w.from;
	out->until = w.to;
	return 0;
}

int question_filter(const struct http_question *q, const struct zone *z, struct usage_filter *out,
		    struct err *e)
{
	*out = (struct usage_filter){ .since = INSTANT_MIN,
				      .until = INSTANT_MAX,
				      .project = q->parameter(q, "project"),
				      .model = q->parameter(q, "model"),
				      .currency = q->parameter(q, "currency"),
				      .provider = q->parameter(q, "provider"),
				      .workload = q->parameter(q, "workload"),
				      .effort = q->parameter(q, "effort") };
	int rc = question_customer(q, &out->customer, e);
	return rc == 0 ? question_span(q, z, out, e) : rc;
}

int question_count(const struct http_question *q, const char *name, int64_t missing, int64_t most,
		   int64_t *out, struct err *e)
{
	const char *text = q->parameter(q, name);
	*out = missing;
	if (!text)
		return 0;
	const size_t n = strlen(text);
	if (n == 0 || n > 18 || strspn(text, "0123456789") != n || strtoll(text, NULL, 10) > most)
		return err_set(e, ERR_USAGE, "%s is from 0 to %lld", name, (long long)most);
	*out = strtoll(text, NULL, 10);
	return 0;
}

bool question_flag(const struct http_question *q, const char *name)
{
	const char *text = q->parameter(q, name);
	return text && strcmp(text, "false") != 0 && strcmp(text, "0") != 0;
}

int choice_of(const char *name, const char *text, const char *const *words, int *out, struct err *e)
{
	struct buf list = { 0 };
	*out = 0;
	for (int i = 0; text && words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			buf_release(&list);
			return 0;
		}
		buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	if (!text)
		return 0;
	err_set(e, ERR_USAGE, "%s is one of %s, not '%s'", name, list.p, text);
	buf_release(&list);
	return -ERR_USAGE;
}

int question_choice(const struct http_question *q, const char *name, const char *const *words,
		    int *out, struct err *e)
{
	return choice_of(name, q->parameter(q, name), words, out, e);
}

int setting_text(const struct http_question *q, const char *name, bool needed, struct text *out,
		 struct err *e)
{
	json_value *m = setting(q, name);
	*out = json_number_or_string(m);
	if (m && json_kind(m) != JSON_NULL && !out->p)
		return err_set(e, ERR_USAGE, "'%s' is a text or a number", name);
	if (out->n > QUESTION_TEXT_MAX || (out->n && memchr(out->p, 0, out->n)))
		return err_set(e, ERR_USAGE, "'%s' is too long", name);
	return needed && !out->n ? err_set(e, ERR_USAGE, "'%s' is missing", name) : 0;
}
