#include "meter/ledger/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_amount(json_value *v, const char *key, struct nano_credits *out, struct err *e)
{
	struct decimal d;
	struct text s = json_string(json_member(v, key));
	int rc = s.n ? decimal_parse(&d, s, e)
		     : err_set(e, ERR_INVALID, "must be a decimal number as text");
	if (rc == 0)
		rc = nano_credits_from_decimal(out, d, e);
	return rc == 0 ? 0 : err_context(e, "field '%s'", key);
}

static int read_instant(json_value *v, const char *key, struct instant missing, struct instant *out,
			struct err *e)
{
	struct text s = json_string(json_member(v, key));
	*out = missing;
	if (s.n == 0)
		return 0;
	return instant_parse(out, s, e) == 0 ? 0 : err_context(e, "field '%s'", key);
}

static int do_grant(struct ledger *l, json_value *v, const struct account *a, struct instant now,
		    struct err *e)
{
	struct text class = json_string(json_member(v, "class")),
		    basis = json_string(json_member(v, "cost_basis"));
	struct grant g = { .account = a->id,
			   .name = json_string(json_member(v, "id")),
			   .note = json_string(json_member(v, "note")),
			   .currency = json_string(json_member(v, "currency")),
			   .kind = text_is(class, "paid") ? LOT_PAID : LOT_GRANTED };
	struct decimal d;
	int64_t id;
	int rc = read_amount(v, "amount", &g.amount, e);
	if (rc == 0)
		rc = read_instant(v, "effective", now, &g.effective, e);
	if (rc == 0)
		rc = read_instant(v, "expires", INSTANT_MAX, &g.expires, e);
	if (rc == 0 && class.n && !text_is(class, "paid") && !text_is(class, "granted"))
		rc = err_set(e, ERR_INVALID, "field 'class' is granted or paid");
	if (rc == 0 && json_member(v, "priority") &&
	    (decimal_parse(&d, json_number(json_member(v, "priority")), NULL) != 0 ||
	     !decimal_to_int64(d, 0, &g.priority)))
		rc = err_set(e, ERR_INVALID, "field 'priority' is a whole number");
	if (rc == 0 && basis.n) {
		rc = decimal_parse(&d, basis, e);
		if (rc == 0)
			rc = money_from_decimal(&g.cost_basis, d, e);
		g.has_cost_basis = true;
	}
	return rc == 0 ? ledger_grant(l, &g, now, &id, e) : rc;
}

/* The set is closed: what is not understood may have been what limits it. */
static int check_members(json_value *v, struct text op, struct err *e)
{
	static const char *const grant[] = { "op",    "customer",   "id",	 "amount",
					     "class", "priority",   "effective", "expires",
					     "note",  "cost_basis", "currency",	 "linked",
					     NULL };
	static const char *const draw[] = { "op", "customer", "id",	"amount",
					    "at", "note",     "linked", NULL };
	static const char *const take_back[] = { "op", "customer", "id", "note", "linked", NULL };
	const char *const *keys = text_is(op, "grant")				 ? grant
				  : text_is(op, "void")				 ? take_back
				  : text_is(op, "draw") || text_is(op, "refund") ? draw
										 : NULL;
	if (!keys)
		return err_set(e, ERR_INVALID, "field 'op' is grant, draw, refund or void");
	int rc = json_check_keys(v, keys, "an operation", e);
	for (json_value *m = json_first(v); rc == 0 && m; m = json_next(m)) {
		const enum json_kind kind = json_kind(m);
		const char *key = json_key(m);
		const bool flag = strcmp(key, "linked") == 0, number = strcmp(key, "priority") == 0;
		if (kind != JSON_NULL && kind != (number ? JSON_NUMBER
						  : flag ? JSON_BOOL
							 : JSON_STRING))
			rc = err_set(e, ERR_INVALID, "field '%s' must be %s", key,
				     number ? "a whole number"
				     : flag ? "true or false"
					    : "a text");
	}
	return rc;
}

static int do_one(struct ledger *l, json_value *v, struct instant now, struct err *e)
{
	const struct account *a;
	struct text op = json_string(json_member(v, "op")), id = json_string(json_member(v, "id")),
		    note = json_string(json_member(v, "note"));
	struct draw d = { .now = now, .key = id, .note = note, .policy = SHORT_REFUSE };
	struct nano_credits amount;
	struct drawn out;
	char why[200];
	int rc = json_kind(v) == JSON_OBJECT
			 ? ledger_account(l, json_string(json_member(v, "customer")), &a, e)
			 : err_set(e, ERR_INVALID, "an operation is a JSON object");
	if (rc == 0)
		rc = check_members(v, op, e);
	if (rc == 0 && id.n == 0)
		rc = err_set(e, ERR_INVALID, "field 'id' is missing");
	if (rc != 0)
		return rc;
	if (text_is(op, "grant"))
		return do_grant(l, v, a, now, e);
	if (text_is(op, "void")) {
		snprintf(why, sizeof why, "%.*s", (int)(note.n < 190 ? note.n : 190), note.p);
		return ledger_void_grant(l, a->customer, id, now, why, e);
	}
	rc = read_amount(v, "amount", &amount, e);
	if (rc == 0)
		rc = read_instant(v, "at", now, &d.at, e);
	if (rc != 0)
		return rc;
	return text_is(op, "draw") ? ledger_draw(l, a->id, amount, &d, &out, e)
				   : ledger_refund(l, a->id, amount, &d, NULL, e);
}

static bool of_the_store(const struct err *e)
{
	return e->code == ERR_STORE || e->code == ERR_BUSY || e->code == ERR_SYSTEM;
}

struct operation {
	struct json_document *json;
	bool linked;
};

/* One chain, or one operation alone. */
static int run_chain(struct ledger *l, const struct operation *op, struct batch_result *r, size_t n,
		     struct instant now, struct err *e)
{
	size_t failed = n;
	for (size_t i = 0; i < n; i++)
		if (!op[i].json)
			failed = i;
	int rc = ledger_mark(l, e);
	for (size_t i = 0; rc == 0 && failed == n && i < n; i++) {
		if (do_one(l, json_root(op[i].json), now, &r[i].why) == 0)
			continue;
		if (of_the_store(&r[i].why)) {
			return err_pass(e, &r[i].why);
		}
		failed = i;
	}
	if (rc == 0 && failed < n)
		rc = ledger_undo(l, e);
	if (rc == 0)
		rc = ledger_pass(l, e);
	/* what was redone for nothing would be again for the next one */
	if (rc == 0 && failed < n && ledger_redid(l))
		rc = ledger_redo_all(l, NULL, e);
	for (size_t i = 0; i < n; i++) {
		r[i].done = failed == n;
		r[i].undone = failed < n && i != failed && r[i].why.code == ERR_NONE;
	}
	return rc;
}

int batch_run(struct ledger *l, struct text lines, struct instant now,
	      struct batch_result **results, size_t *count, struct err *e)
{
	struct operation *op = NULL;
	struct batch_result *r = NULL;
	size_t n = 0;
	int rc = 0;
	for (const char *p = lines.p, *end = lines.p + lines.n; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct text line = { p, (size_t)((nl ? nl : end) - p) };
		p = nl ? nl + 1 : end;
		if (line.n == 0 || text_is(line, "\r"))
			continue;
		if ((n & (n - 1)) == 0) {
			op = mem_grow(op, (n ? n * 2 : 1) * sizeof *op);
			r = mem_grow(r, (n ? n * 2 : 1) * sizeof *r);
		}
		r[n] = (struct batch_result){ 0 };
		op[n] = (struct operation){ 0 };
		if (json_open(&op[n].json, line, &r[n].why) != 0)
			op[n].json = NULL;
		else
			op[n].linked = json_true(json_member(json_root(op[n].json), "linked"));
		n++;
	}
	for (size_t from = 0, to; rc == 0 && from < n; from = to) {
		for (to = from; to < n && op[to].linked; to++)
			;
		to = to < n ? to + 1 : n;
		rc = run_chain(l, op + from, r + from, to - from, now, e);
	}
	for (size_t i = 0; i < n; i++)
		json_close(op[i].json);
	free(op);
	*results = r;
	*count = n;
	return rc;
}

const char *batch_reason(const struct batch_result *r)
{
	return r->undone ? "another operation of its chain failed" : r->why.message;
}
