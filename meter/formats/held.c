/* What a held record says of its call beside its fields, so that one that is released is the call
 * that was refused. */
#include <string.h>

#include "meter/formats/payload_run.h"

static void put_text(struct buf *b, const char *key, struct text value)
{
	if (!value.n)
		return;
	buf_printf(b, "%s\"%s\":", b->p[b->n - 1] == '{' ? "" : ",", key);
	json_put_string(b, value);
}

static void put_flag(struct buf *b, const char *key, bool value)
{
	if (value)
		put_text(b, key, TEXT("true"));
}

#define FLAGS(X, m) \
	X("cumulative", (m)->cumulative) \
	X("aggregate", (m)->aggregate) \
	X("session_sum", (m)->session_sum) \
	X("of_any_model", (m)->of_any_model) \
	X("holds_more", (m)->holds_more) \
	X("in_run", (m)->in_run) \
	X("broken_off", (m)->broken_off) \
	X("unsplit", (m)->record.unsplit) \
	X("undivided", (m)->record.undivided) \
	X("within", (m)->within) \
	X("in_log", (m)->in_log)
#define TEXTS(X, m) \
	X("also", (m)->also) \
	X("copy_of", (m)->copy_of) \
	X("twin", (m)->twin) \
	X("mapped", (m)->mapped) \
	X("holds", (m)->holds) \
	X("raw", (m)->raw)

void payload_put_held(struct buf *b, const struct metered *m)
{
	char amount[DECIMAL_TEXT_MAX];
	buf_puts(b, "{");
	put_text(b, "shape", text_of(m->shape));
	put_text(b, "rule", text_of(m->rule));
#define X(key, value) put_flag(b, key, value);
	FLAGS(X, m)
#undef X
#define X(key, value) put_text(b, key, value);
	TEXTS(X, m)
#undef X
	if (m->unread)
		put_text(b, "unread", text_of(m->unread));
	if (m->stated.given)
		put_text(b, m->stated.estimate ? "estimated" : "charged",
			 text_of(money_format(m->stated.amount, amount)));
	buf_puts(b, "}");
}

/* Kept as long as the reader. */
static const char *keep(struct payload_reader *r, json_value *v, const char *otherwise)
{
	const struct text s = json_string(v);
	return s.n ? arena_text(&r->arena, s.p, s.n) : otherwise;
}

void payload_take_held(struct payload_reader *r, struct metered *m, json_value *held)
{
	json_value *charged = json_member(held, "charged");
	m->shape = keep(r, json_member(held, "shape"), m->shape);
	m->rule = keep(r, json_member(held, "rule"), m->rule);
	m->unread = keep(r, json_member(held, "unread"), m->unread);
#define X(key, value) value = text_is(json_string(json_member(held, key)), "true");
	FLAGS(X, m)
#undef X
#define X(key, value) value = json_string(json_member(held, key));
	TEXTS(X, m)
#undef X
	payload_recorded_as(m, json_string(charged ? charged : json_member(held, "estimated")),
			    charged != NULL);
}
