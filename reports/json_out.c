#include "reports/json_out.h"

#include "base/json.h"

enum { FLUSH_AT = 1 << 16, LINES_TO_DEPTH = 2 };

void json_out_open(struct json_out *j, FILE *file)
{
	*j = (struct json_out){ .file = file, .first = true };
}

static void flush(struct json_out *j)
{
	if (!j->file)
		return;
	plain_write(j->file, (struct text){ j->b.p, j->b.n });
	j->b.n = 0;
}

void json_out_close(struct json_out *j)
{
	CHECK(j->depth == 0);
	buf_add(&j->b, "\n", 1);
	flush(j);
	buf_release(&j->b);
}

void json_out_close_if(struct json_out *j, bool good)
{
	if (good)
		json_out_close(j);
	else
		buf_release(&j->b);
}

void json_out_take(struct json_out *j, struct buf *out)
{
	CHECK(j->depth == 0 && !j->file);
	buf_add(&j->b, "\n", 1);
	buf_release(out);
	buf_add_plain(out, (struct text){ j->b.p, j->b.n });
	buf_release(&j->b);
}

static void line(struct json_out *j)
{
	static const char spaces[] = "\n                ";
	if (j->depth > 0 && j->depth <= LINES_TO_DEPTH)
		buf_add(&j->b, spaces, 1 + (size_t)j->depth);
}

static void member(struct json_out *j, const char *key)
{
	if (!j->first)
		buf_add(&j->b, j->depth > LINES_TO_DEPTH ? ", " : ",",
			j->depth > LINES_TO_DEPTH ? 2 : 1);
	line(j);
	j->first = false;
	if (key) {
		json_put_string(&j->b, text_of(key));
		buf_add(&j->b, ": ", 2);
	}
	if (j->b.n > FLUSH_AT)
		flush(j);
}

void json_out_object(struct json_out *j, const char *key)
{
	member(j, key);
	buf_add(&j->b, "{", 1);
	j->depth++;
	j->first = true;
}

void json_out_array(struct json_out *j, const char *key)
{
	member(j, key);
	buf_add(&j->b, "[", 1);
	j->depth++;
	j->first = true;
}

void json_out_end(struct json_out *j, char bracket)
{
	bool lines = j->depth <= LINES_TO_DEPTH && !j->first;
	j->depth--;
	if (lines && j->depth == 0)
		buf_add(&j->b, "\n", 1);
	else if (lines)
		line(j);
	buf_add(&j->b, &bracket, 1);
	j->first = false;
}

void json_out_text(struct json_out *j, const char *key, struct text value)
{
	member(j, key);
	json_put_string(&j->b, value);
}

void json_out_string(struct json_out *j, const char *key, const char *value)
{
	if (value)
		json_out_text(j, key, text_of(value));
	else
		json_out_null(j, key);
}

void json_out_int(struct json_out *j, const char *key, int64_t value)
{
	member(j, key);
	buf_int(&j->b, value);
}

void json_out_bool(struct json_out *j, const char *key, bool value)
{
	member(j, key);
	buf_puts(&j->b, value ? "true" : "false");
}

void json_out_null(struct json_out *j, const char *key)
{
	member(j, key);
	buf_puts(&j->b, "null");
}

static void quoted(struct json_out *j, const char *key, const char *plain)
{
	member(j, key);
	buf_add(&j->b, "\"", 1);
	buf_puts(&j->b, plain);
	buf_add(&j->b, "\"", 1);
}

void json_out_money(struct json_out *j, const char *key, struct money_total value)
{
	char text[DECIMAL_TEXT_MAX];
	quoted(j, key, money_total_format(value, text));
}

void json_out_credits(struct json_out *j, const char *key, struct credits_total value)
{
	char text[DECIMAL_TEXT_MAX];
	quoted(j, key, credits_format(value, text));
}

void json_out_decimal(struct json_out *j, const char *key, struct decimal value)
{
	char text[DECIMAL_TEXT_MAX];
	quoted(j, key, decimal_format(value, text));
}

void json_out_number(struct json_out *j, const char *key, struct decimal value)
{
	char text[DECIMAL_TEXT_MAX];
	member(j, key);
	buf_puts(&j->b, decimal_format(value, text));
}

void json_out_instant(struct json_out *j, const char *key, struct instant value)
{
	char text[INSTANT_TEXT_MAX];
	if (value.us == INSTANT_MIN.us || value.us == INSTANT_MAX.us)
		json_out_null(j, key);
	else
		quoted(j, key, instant_format(value, text));
}
