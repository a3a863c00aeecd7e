#include "sim/outcomes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"

enum { FILE_MAX = 1 << 30, COLUMNS_MAX = 512 };

struct reader {
	struct outcomes *o;
	const char *path, *signal;
	size_t room;
};

static uint64_t task_number(struct reader *r, struct text name)
{
	struct outcomes *o = r->o;
	uint64_t *n = dict_need(&o->task_dict, name, NULL);
	if (*n)
		return *n - 1;
	if (o->tasks == r->room) {
		r->room = r->room ? r->room * 2 : 256;
		o->task = mem_grow(o->task, r->room * sizeof *o->task);
		o->outcome =
			mem_grow(o->outcome, r->room * OUTCOME_MODELS_MAX * sizeof *o->outcome);
	}
	memset(o->outcome + o->tasks * OUTCOME_MODELS_MAX, 0,
	       OUTCOME_MODELS_MAX * sizeof *o->outcome);
	o->task[o->tasks] = dict_key(&o->task_dict, name).p;
	*n = ++o->tasks;
	return *n - 1;
}

int outcomes_model(const struct outcomes *o, struct text model)
{
	for (size_t i = 0; i < o->models; i++)
		if (text_eq(o->model[i], model))
			return (int)i;
	for (size_t i = 0; o->names && i < o->models; i++)
		if (model_names_same(o->names, model,
				     &(struct named_model){ TEXT(""), o->model[i], o->at }))
			return (int)i;
	return -1;
}

static int model_number(struct reader *r, struct text model, int *out, struct err *e)
{
	struct outcomes *o = r->o;
	*out = outcomes_model(o, model);
	if (*out >= 0)
		return 0;
	if (o->models == OUTCOME_MODELS_MAX)
		return err_set(e, ERR_INVALID, "more than %d models", OUTCOME_MODELS_MAX);
	*out = (int)o->models;
	o->model[o->models++] = (struct text){ arena_text(&o->arena, model.p, model.n), model.n };
	return 0;
}

static int read_solved(struct text s, const char *field, bool *out, struct err *e)
{
	static const char *const yes[] = { "true", "True", "TRUE", "1", "1.0", "yes" };
	static const char *const no[] = { "false", "False", "FALSE", "0", "0.0", "no" };
	for (int i = 0; i < 6; i++) {
		if (text_is(s, yes[i])) {
			*out = true;
			return 0;
		}
		if (text_is(s, no[i])) {
			*out = false;
			return 0;
		}
	}
	return err_set(e, ERR_INVALID, "field '%s': '%.*s' is neither true nor false", field,
		       (int)s.n, s.p);
}

/* Costs that went through binary floating point are read at 15 significant digits. */
static int read_cost(struct text s, const char *field, struct money_total *out, struct err *e)
{
	struct decimal d;
	bool changed;
	int rc = decimal_parse(&d, s, e);
	if (rc != 0)
		return err_context(e, "field '%s'", field);
	d = decimal_round_significant(d, 15, &changed);
	if (d.digits < 0)
		return err_set(e, ERR_INVALID, "field '%s': a cost cannot be negative", field);
	if (d.scale > MONEY_TOTAL_PLACES)
		d = decimal_round_places(d, MONEY_TOTAL_PLACES, &changed);
	if (d.digits > (int128)1000000000000000) /* 15 digits, however large */
		return err_set(e, ERR_RANGE, "field '%s': the cost is too large", field);
	out->atto = d.digits;
	for (int i = d.scale; i < MONEY_TOTAL_PLACES; i++)
		out->atto *= 10;
	if (out->atto > (int128)1000000000 * 1000000000000000000)
		return err_set(e, ERR_RANGE, "field '%s': the cost is too large", field);
	return 0;
}

static void add_attempt(struct reader *r, size_t task, int model, bool solved,
			const struct money_total *cost)
{
	struct outcome *t = &r->o->outcome[task * OUTCOME_MODELS_MAX + (size_t)model];
	/* a cost is known when every attempt's is */
	t->has_cost = (t->has_cost || !t->tried) && cost;
	t->tried = true;
	t->solved |= solved;
	r->o->attempts++;
	if (cost) {
		t->cost.atto += cost->atto;
		r->o->cost.atto += cost->atto;
	}
}

static void add_nameless(struct reader *r, const struct money_total *cost)
{
	r->o->attempts++;
	r->o->without_model++;
	if (cost) {
		r->o->cost.atto += cost->atto;
		r->o->cost_without_model.atto += cost->atto;
	}
}

/* --- CSV --- */

enum column_kind { OTHER, TASK, MODEL, SOLVED, COST, SIGNAL, MODEL_SOLVED, MODEL_COST };
struct column {
	enum column_kind kind;
	int model;
};

static bool ends_with(struct text s, const char *end, struct text *stem)
{
	size_t n = strlen(end);
	if (s.n <= n || memcmp(s.p + s.n - n, end, n) != 0)
		return false;
	*stem = (struct text){ s.p, s.n - n };
	return true;
}

static int read_header(struct reader *r, const struct csv_record *h, struct column *c, bool *wide,
		       struct err *e)
{
	bool task = false, model = false, solved = false;
	struct text stem;
	int rc = 0;
	*wide = false;
	if (h->count > COLUMNS_MAX)
		return err_set(e, ERR_INVALID, "more than %d columns", COLUMNS_MAX);
	for (size_t i = 0; i < h->count; i++) {
		struct text name = h->field[i];
		c[i] = (struct column){ OTHER, -1 };
		if (text_is(name, "task") || text_is(name, "instance_id")) {
			c[i].kind = TASK;
			task = true;
		} else if (text_is(name, "model")) {
			c[i].kind = MODEL;
			model = true;
		} else if (text_is(name, "solved")) {
			c[i].kind = SOLVED;
			solved = true;
		} else if (text_is(name, "cost")) {
			c[i].kind = COST;
		} else if (r->signal && text_is(name, r->signal)) {
			c[i].kind = SIGNAL;
		}
	}
	if (model && task && solved)
		return 0;
	*wide = true;
	bool any = false;
	for (size_t i = 0; rc == 0 && i < h->count; i++) {
		if (ends_with(h->field[i], "_correct", &stem) ||
		    ends_with(h->field[i], "_solved", &stem)) {
			c[i].kind = MODEL_SOLVED;
			any = true;
		} else if (ends_with(h->field[i], "_cost", &stem)) {
			c[i].kind = MODEL_COST;
		} else {
			continue;
		}
		rc = model_number(r, stem, &c[i].model, e);
		for (size_t k = 0; rc == 0 && k < i; k++)
			if (c[k].kind == c[i].kind && c[k].model == c[i].model)
				rc = err_set(e, ERR_INVALID,
					     "columns '%.*s' and '%.*s' are of one model",
					     (int)h->field[k].n, h->field[k].p, (int)h->field[i].n,
					     h->field[i].p);
	}
	if (rc == 0 && !any)
		rc = err_set(e, ERR_INVALID,
			     "the header has neither the columns task, model, solved (a row an "
			     "attempt) nor columns MODEL_correct (a row a task)");
	if (rc == 0 && !task) /* the first column that means nothing else names the task */
		for (size_t i = 0; i < h->count; i++)
			if (c[i].kind == OTHER) {
				c[i].kind = TASK;
				break;
			}
	return rc;
}

static int read_signal(struct text s, const char *name, struct outcome *t, struct err *e)
{
	if (s.n == 0)
		return 0;
	if (decimal_parse(&t->signal, s, e) != 0)
		return err_context(e, "field '%s'", name);
	t->has_signal = true;
	return 0;
}

/* One attempt. */
static int read_row(struct reader *r, const struct csv_record *v, const struct column *c,
		    struct err *e)
{
	struct text task = { 0 }, model = { 0 }, solved = { 0 }, cost = { 0 }, signal = { 0 };
	struct money_total amount;
	bool ok = false;
	int at, rc = 0;
	for (size_t i = 0; i < v->count; i++) {
		struct text *to = c[i].kind == TASK	? &task
				  : c[i].kind == MODEL	? &model
				  : c[i].kind == SOLVED ? &solved
				  : c[i].kind == COST	? &cost
							: &signal;
		if (c[i].kind != OTHER)
			*to = v->field[i];
	}
	if (task.n == 0)
		return err_set(e, ERR_INVALID, "field 'task' is empty");
	if (cost.n)
		rc = read_cost(cost, "cost", &amount, e);
	if (rc == 0 && solved.n)
		rc = read_solved(solved, "solved", &ok, e);
	if (rc == 0 && !solved.n && model.n)
		rc = err_set(e, ERR_INVALID, "field 'solved' is empty");
	if (rc != 0)
		return rc;
	if (model.n == 0) {
		add_nameless(r, cost.n ? &amount : NULL);
		return 0;
	}
	rc = model_number(r, model, &at, e);
	if (rc != 0)
		return rc;
	size_t n = task_number(r, task);
	add_attempt(r, n, at, ok, cost.n ? &amount : NULL);
	return read_signal(signal, r->signal, &r->o->outcome[n * OUTCOME_MODELS_MAX + (size_t)at],
			   e);
}

/* One task, all models. */
static int read_wide_row(struct reader *r, const struct csv_record *h, const struct csv_record *v,
			 const struct column *c, struct err *e)
{
	struct text task = { 0 };
	char name[80];
	int rc = 0;
	for (size_t i = 0; i < v->count; i++)
		if (c[i].kind == TASK)
			task = v->field[i];
	if (task.n == 0)
		return err_set(e, ERR_INVALID, "the task has no name");
	if (dict_find(&r->o->task_dict, task))
		return err_set(e, ERR_INVALID, "the task '%.*s' is listed twice", (int)task.n,
			       task.p);
	size_t n = task_number(r, task);
	for (size_t i = 0; rc == 0 && i < v->count; i++) {
		bool ok;
		if (c[i].kind != MODEL_SOLVED || v->field[i].n == 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(h->field[i].n < 79 ? h->field[i].n : 79),
			 h->field[i].p);
		rc = read_solved(v->field[i], name, &ok, e);
		struct money_total cost, *known = NULL;
		for (size_t k = 0; rc == 0 && k < v->count; k++)
			if (c[k].kind == MODEL_COST && c[k].model == c[i].model && v->field[k].n) {
				rc = read_cost(v->field[k], "cost", &cost, e);
				known = &cost;
			}
		if (rc == 0)
			add_attempt(r, n, c[i].model, ok, known);
		for (size_t k = 0; rc == 0 && k < v->count; k++)
			if (c[k].kind == SIGNAL)
				rc = read_signal(
					v->field[k], r->signal,
					&r->o->outcome[n * OUTCOME_MODELS_MAX + (size_t)c[i].model],
					e);
	}
	return rc;
}

static int read_csv(struct reader *r, struct text all, struct err *e)
{
	struct csv_record head = { 0 }, row = { 0 };
	struct column column[COLUMNS_MAX];
	bool wide = false;
	const char *p = all.p, *end = all.p + all.n;
	int64_t line = 0;
	int rc = 0;
	while (rc == 0 && p < end) {
		const char *next = csv_record_end(p, end, true, ',', line ? head.count : 1);
		struct text record = { p, (size_t)(next - p) };
		const int64_t at = line + 1;
		for (const char *q = p; q < next; q++)
			line += *q == '\n';
		line += next == end && next[-1] != '\n';
		p = next;
		if (record.n && record.p[record.n - 1] == '\n')
			record.n--;
		if (record.n == 0 || text_is(record, "\r"))
			continue;
		if (head.count == 0) {
			rc = csv_split(&head, record, ',', e);
			if (rc == 0)
				rc = read_header(r, &head, column, &wide, e);
		} else {
			rc = csv_split(&row, record, ',', e);
			if (rc == 0 && row.count != head.count)
				rc = err_set(e, ERR_INVALID, "%zu fields, and the header has %zu",
					     row.count, head.count);
			if (rc == 0)
				rc = wide ? read_wide_row(r, &head, &row, column, e)
					  : read_row(r, &row, column, e);
		}
		if (rc != 0)
			err_context(e, "%s:%lld", r->path, (long long)at);
	}
	csv_record_release(&head);
	csv_record_release(&row);
	return rc;
}

/* --- JSON Lines with lists of attempts --- */

static int read_attempt(struct reader *r, size_t task, json_value *a, bool resolved, bool *accepted,
			struct err *e)
{
	struct text model = json_string(json_member(a, "model"));
	struct text cost_text = json_number_or_string(json_member(a, "cost"));
	json_value *plausible = json_member(a, "plausible"), *solved = json_member(a, "solved");
	struct money_total cost;
	int at, rc = 0;
	if (cost_text.n)
		rc = read_cost(cost_text, "cost", &cost, e);
	if (rc != 0)
		return rc;
	if (model.n == 0) {
		add_nameless(r, cost_text.n ? &cost : NULL);
		return 0;
	}
	*accepted |= json_true(plausible);
	rc = model_number(r, model, &at, e);
	if (rc != 0)
		return rc;
	/* an attempt without a verdict of its own has solved the task when the gate took it and the
	 * task was solved */
	add_attempt(r, task, at, solved ? json_true(solved) : resolved && json_true(plausible),
		    cost_text.n ? &cost : NULL);
	return r->signal ? read_signal(json_number_or_string(json_member(a, r->signal)), r->signal,
				       &r->o->outcome[task * OUTCOME_MODELS_MAX + (size_t)at], e)
			 : 0;
}

static int read_task(struct reader *r, json_value *v, struct err *e)
{
	struct text name = json_number_or_string(json_member(v, "instance_id"));
	json_value *list = json_member(v, "attempts");
	bool resolved = json_true(json_member(v, "resolved")), accepted = false;
	int rc = 0;
	if (name.n == 0)
		name = json_number_or_string(json_member(v, "task"));
	if (name.n == 0 || json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_INVALID,
			       "a task is an object with 'instance_id' (or 'task') and a list "
			       "'attempts'");
	if (dict_find(&r->o->task_dict, name))
		return err_set(e, ERR_INVALID, "the task '%.*s' is listed twice", (int)name.n,
			       name.p);
	size_t task = task_number(r, name);
	for (json_value *a = json_first(list); rc == 0 && a; a = json_next(a))
		rc = read_attempt(r, task, a, resolved, &accepted, e);
	r->o->run_solved += resolved;
	r->o->accepted += accepted;
	r->o->accepted_solved += accepted && resolved;
	return rc;
}

static int read_lines(struct reader *r, struct text all, struct err *e)
{
	const char *p = all.p, *end = all.p + all.n;
	int rc = 0;
	r->o->has_runs = true;
	for (int64_t line = 1; rc == 0 && p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct text s = { p, (size_t)((nl ? nl : end) - p) };
		struct json_document *d;
		p = nl ? nl + 1 : end;
		if (s.n == 0 || text_is(s, "\r"))
			continue;
		rc = json_open(&d, s, e);
		if (rc == 0) {
			rc = read_task(r, json_root(d), e);
			json_close(d);
		}
		if (rc != 0)
			err_context(e, "%s:%lld", r->path, (long long)line);
	}
	return rc;
}

int outcomes_read(struct outcomes **out, const char *path, const struct outcomes_options *how,
		  struct err *e)
{
	struct buf b = { 0 };
	int rc = file_read(&b, path, FILE_MAX, e);
	if (rc == 0)
		rc = outcomes_parse(out, (struct text){ b.p, b.n }, path, how, e);
	buf_release(&b);
	return rc;
}

int outcomes_parse(struct outcomes **out, struct text all, const char *path,
		   const struct outcomes_options *how, struct err *e)
{
	struct reader r = { .path = path, .signal = how->signal };
	int rc;
	r.o = mem_zalloc(sizeof *r.o);
	r.o->names = how->names;
	r.o->at = how->at;
	if (all.n >= 3 && memcmp(all.p, "\xef\xbb\xbf", 3) == 0) {
		all.p += 3;
		all.n -= 3;
	}
	if (utf8_valid_prefix(all.p, all.n) != all.n)
		rc = err_set(e, ERR_INVALID, "'%s' is not text in UTF-8", path);
	else
		rc = all.n && *all.p == '{' ? read_lines(&r, all, e) : read_csv(&r, all, e);
	if (rc == 0 && r.o->tasks == 0)
		rc = err_set(e, ERR_INVALID, "'%s' holds no task", path);
	/* sums times a billionth must fit into 127 bits */
	if (rc == 0 && r.o->cost.atto > (int128)10000000000 * 1000000000000000000)
		rc = err_set(e, ERR_RANGE, "'%s': the costs add up to more than 10,000,000,000",
			     path);
	if (rc != 0) {
		outcomes_close(r.o);
		return rc;
	}
	*out = r.o;
	return 0;
}

void outcomes_close(struct outcomes *o)
{
	if (!o)
		return;
	free(o->task);
	free(o->outcome);
	dict_release(&o->task_dict);
	arena_release(&o->arena);
	free(o);
}
