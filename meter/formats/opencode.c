/*
 * OpenCode and its forks (Kilo, MiMoCode): a SQLite database, before 1.2 a JSON file a message, and
 * what `opencode export` writes of a session.
 *
 * A message's tokens are those of its last step, each step is a call of its own. Forking a session
 * copies its messages under new ids, and some versions wrote files and database both: a call is
 * known by when its message began, its model and its counts. Input never holds what the cache did.
 * Whether the output holds the reasoning changed between versions; the total tells. A step that
 * began and has no end when its message has one was cut: what it used is unknown.
 */
#include <dirent.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/peek.h"
#include "meter/formats/agent_call.h"

struct message {
	struct text model, provider, session, project, effort;
	struct text created, completed; /* milliseconds, in digits */
	struct text tokens, cost;	/* JSON */
	int64_t line;
	bool has_steps;
	int begun;	  /* steps that have not ended */
	struct dict same; /* how many equal steps there were */
};

/* The counts of one step; *any: whether there are some. */
static int read_tokens(struct raw_counts *c, json_value *tokens, bool *any, struct err *e)
{
	static const struct agent_count table[] = {
		{ "input", RAW_PROMPT, false },	       { "output", RAW_COMPLETION, false },
		{ "reasoning", RAW_REASONING, false }, { "total", RAW_TOTAL, false },
		{ "cache", RAW_COUNTS, true },	       { NULL, RAW_COUNTS, false }
	};
	static const struct agent_count cache[] = { { "read", RAW_CACHE_READ, false },
						    { "write", RAW_CACHE_WRITE, false },
						    { NULL, RAW_COUNTS, false } };
	*c = (struct raw_counts){ .cache = CACHE_BESIDE, .fixed = true };
	int rc = agent_counts(c, tokens, table, e);
	if (rc == 0)
		rc = agent_counts(c, json_member(tokens, "cache"), cache, e);
	if (rc != 0)
		return rc;
	const int64_t reasoning = c->count[RAW_REASONING], total = c->count[RAW_TOTAL];
	const int128 rest = (int128)c->count[RAW_PROMPT] + c->count[RAW_COMPLETION] +
			    c->count[RAW_CACHE_READ] + c->count[RAW_CACHE_WRITE];
	*any = rest != 0 || reasoning != 0;
	c->reasoning_beside = total == rest + reasoning || reasoning > c->count[RAW_COMPLETION];
	if (total && total != rest + reasoning && total != rest)
		return err_set(e, ERR_INVALID,
			       "the total (%lld) is not the sum of its parts: input %lld, output "
			       "%lld, reasoning %lld, cache read %lld, cache write %lld",
			       (long long)total, (long long)c->count[RAW_PROMPT],
			       (long long)c->count[RAW_COMPLETION], (long long)reasoning,
			       (long long)c->count[RAW_CACHE_READ],
			       (long long)c->count[RAW_CACHE_WRITE]);
	return 0;
}

static void set_instant(struct record *r, enum record_field f, struct text ms)
{
	struct instant t;
	if (ms.n && instant_parse_lenient(&t, ms, NULL) == 0)
		agent_set_time(r, f, t.us);
}

static void take_step(struct payload_reader *r, struct message *m, json_value *tokens,
		      struct text cost)
{
	struct metered out;
	struct raw_counts c;
	struct err e;
	bool any = true;
	payload_begin(&out, "opencode.session", m->line);
	out.cumulative = true; /* met again in forks */
	int rc = read_tokens(&c, tokens, &any, &e);
	if (rc == 0 && !any) {
		r->passed_over++;
		return;
	}
	const char *key =
		arena_printf(&r->arena, "opencode:%.*s/%.*s/%.*s/%lld/%lld/%lld/%lld/%lld",
			     (int)m->created.n, m->created.p, (int)m->provider.n, m->provider.p,
			     (int)m->model.n, m->model.p, (long long)c.count[RAW_PROMPT],
			     (long long)c.count[RAW_CACHE_READ],
			     (long long)c.count[RAW_CACHE_WRITE],
			     (long long)c.count[RAW_COMPLETION], (long long)c.count[RAW_REASONING]);
	uint64_t *same = dict_need(&m->same, text_of(key), NULL);
	if (++*same > 1)
		key = arena_printf(&r->arena, "%s#%llu", key, (unsigned long long)*same);
	agent_set(&out.record, FIELD_ID, text_of(key));
	agent_set(&out.record, FIELD_MODEL, m->model);
	payload_seller(r, &out.record, m->provider);
	agent_set(&out.record, FIELD_SESSION, m->session);
	agent_set(&out.record, FIELD_TASK, m->session);
	agent_set(&out.record, FIELD_PROJECT, m->project);
	agent_set(&out.record, FIELD_EFFORT, m->effort);
	set_instant(&out.record, FIELD_TIME, m->created);
	set_instant(&out.record, FIELD_COMPLETED, m->completed);
	payload_recorded_as(&out, cost, false);
	/* what makes its id, by which forks meet */
	if (!m->created.n || !m->provider.n)
		out.unread = "the message has no 'time.created' or no 'providerID', by which its "
			     "copies are one call";
	agent_take_json(r, &out, &c, tokens, rc, &e);
}

static struct text keep(struct payload_reader *r, struct text s)
{
	return s.n ? (struct text){ arena_text(&r->arena, s.p, s.n), s.n } : TEXT("");
}

/* False: no answer of a model. */
static bool read_message(struct payload_reader *r, struct message *m, json_value *v, bool assistant)
{
	json_value *time = json_member(v, "time"), *model = json_member(v, "model"),
		   *path = json_member(v, "path"), *id = json_member(v, "modelID"),
		   *provider = json_member(v, "providerID"), *root = json_member(path, "root");
	if (!assistant && !text_is(json_string(json_member(v, "role")), "assistant"))
		return false;
	m->model = keep(r, json_string(id ? id : json_member(model, "id")));
	m->provider = keep(r, json_string(provider ? provider : json_member(model, "providerID")));
	/* its name of the effort */
	json_value *variant = json_member(v, "variant");
	m->effort = keep(r, json_string(variant ? variant : json_member(model, "variant")));
	struct text project = json_string(root);
	if (project.n <= 1) /* outside of a repository the root is / */
		project = json_string(json_member(path, "cwd"));
	if (project.n)
		m->project = keep(r, project);
	m->created = keep(r, json_number_or_string(json_member(time, "created")));
	m->completed = keep(r, json_number_or_string(json_member(time, "completed")));
	m->cost = keep(r, json_number(json_member(v, "cost")));
	json_value *tokens = json_member(v, "tokens");
	if (json_kind(tokens) == JSON_OBJECT)
		m->tokens = keep(r, payload_raw(r, tokens));
	return true;
}

/* Whatever else of the message counts. */
static void refuse_cut(struct payload_reader *r, const struct message *m)
{
	struct err e;
	if (m->begun <= 0 || !m->completed.n)
		return;
	err_set(&e, ERR_INVALID,
		"%d of the steps of an answer of '%.*s' broke off, so what they used is unknown",
		m->begun, m->model.n > 60 ? 60 : (int)m->model.n, m->model.n ? m->model.p : "");
	r->sink.refuse(r->sink.user, m->line,
		       text_of(arena_printf(&r->arena, "{\"session\":\"%.*s\",\"created\":%.*s}",
					    m->session.n > 100 ? 100 : (int)m->session.n,
					    m->session.n ? m->session.p : "",
					    m->created.n > 20 ? 20 : (int)m->created.n,
					    m->created.n ? m->created.p : "0")),
		       &e);
}

/* What a message says of its one step, where the steps themselves are not kept. */
static void take_whole(struct payload_reader *r, struct message *m)
{
	struct json_document *doc;
	if (m->tokens.n && json_open(&doc, m->tokens, NULL) == 0) {
		take_step(r, m, json_root(doc), m->cost);
		json_close(doc);
	} else {
		struct err e;
		err_set(&e, ERR_INVALID, "an answer has no 'tokens', so what it used is unknown");
		r->sink.refuse(r->sink.user, m->line, m->session, &e);
	}
}

struct messages {
	struct message *m;
	size_t count, room;
	struct dict by_id; /* 1 + place */
	struct dict cut;   /* by when they began: forks have copies */
};

static bool is_step(struct text data)
{
	enum { STEP_MOST = 8192 };
	return data.n < STEP_MOST &&
	       (text_holds(data, "\"step-finish\"") || text_holds(data, "\"step-start\""));
}

/* Rows (id, session, directory, data, is an answer for certain). */
static int read_messages(struct peek *p, struct payload_reader *r, struct messages *all,
			 const char *sql, struct err *e)
{
	struct peek_rows *rows;
	int rc = peek_query(p, &rows, sql, e);
	if (rc != 0)
		return rc;
	for (int64_t line = 1; (rc = peek_next(rows, e)) > 0; line++) {
		struct json_document *doc;
		struct text data = peek_text(rows, 3);
		const bool certain = peek_int(rows, 4) != 0;
		struct err why;
		if (!certain && !text_holds(data, "\"assistant\"")) {
			r->passed_over++;
			continue;
		}
		if (json_open(&doc, data, &why) != 0) {
			r->sink.refuse(r->sink.user, line, data, &why);
			continue;
		}
		struct message m = { .line = line };
		m.project = keep(r, peek_text(rows, 2));
		m.session = keep(r, peek_text(rows, 1));
		if (read_message(r, &m, json_root(doc), certain)) {
			if (all->count == all->room) {
				all->room = all->room ? all->room * 2 : 256;
				all->m = mem_grow(all->m, all->room * sizeof *all->m);
			}
			all->m[all->count++] = m;
			*dict_need(&all->by_id, peek_text(rows, 0), NULL) = all->count;
		} else {
			payload_pass_over(r, "opencode.session", json_root(doc), line);
		}
		json_close(doc);
	}
	peek_end(rows);
	return rc;
}

/* A step is a call, whose message tells the model. */
static void take_part(struct payload_reader *r, struct message *m, json_value *v, int64_t row)
{
	json_value *tokens = json_member(v, "tokens");
	const struct text type = json_string(json_member(v, "type"));
	struct err e;
	if (text_is(type, "step-start") && m)
		m->begun++;
	if (!text_is(type, "step-finish"))
		return;
	const char *lacks = !m				       ? "the message that it is a step of"
			    : json_kind(tokens) != JSON_OBJECT ? "'tokens'"
							       : NULL;
	if (m)
		m->begun--;
	if (lacks) {
		err_set(&e, ERR_INVALID,
			"a step of an answer has not %s, so what it cost is unknown", lacks);
		payload_refuse(r, row, v, &e);
	} else {
		m->has_steps = true;
		take_step(r, m, tokens, json_number(json_member(v, "cost")));
	}
}

static void read_step(struct payload_reader *r, struct message *m, struct text data, int64_t row)
{
	struct json_document *doc;
	struct err e;
	if (json_open(&doc, data, &e) != 0) {
		r->sink.refuse(r->sink.user, row, data, &e);
		return;
	}
	take_part(r, m, json_root(doc), row);
	json_close(doc);
}

/* Most of the database is in its parts, and most of them are no steps. */
static int read_steps(struct peek *p, struct payload_reader *r, struct messages *all, struct err *e)
{
	struct peek_rows *rows;
	int rc = peek_query(p, &rows, "SELECT message_id, data FROM part", e);
	if (rc != 0)
		return rc;
	for (int64_t row = 1; (rc = peek_next(rows, e)) > 0; row++) {
		const struct text data = peek_text(rows, 1);
		if (!is_step(data))
			continue;
		const uint64_t *at = dict_find(&all->by_id, peek_text(rows, 0));
		read_step(r, at ? &all->m[*at - 1] : NULL, data, row);
	}
	peek_end(rows);
	return rc;
}

int opencode_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	struct messages all = { 0 };
	const bool directory = peek_has_column(p, "session", "directory");
	int rc = read_messages(
		p, r, &all,
		directory ? "SELECT m.id, m.session_id, (SELECT s.directory FROM session s WHERE "
			    "s.id = m.session_id), m.data, 0 FROM message m"
			  : "SELECT id, session_id, '', data, 0 FROM message",
		e);
	if (rc == 0 && peek_has_table(p, "session_message"))
		rc = read_messages(p, r, &all,
				   "SELECT id, session_id, '', data, 1 FROM session_message WHERE "
				   "type = 'assistant'",
				   e);
	if (rc == 0 && peek_has_table(p, "part"))
		rc = read_steps(p, r, &all, e);
	for (size_t i = 0; rc == 0 && i < all.count; i++) {
		struct message *m = &all.m[i];
		if (!m->has_steps)
			take_whole(r, m);
		const char *key = arena_printf(&r->arena, "%.*s/%.*s", (int)m->created.n,
					       m->created.p, (int)m->model.n, m->model.p);
		uint64_t *copies = m->begun > 0 ? dict_need(&all.cut, text_of(key), NULL) : NULL;
		if (copies && !(*copies)++)
			refuse_cut(r, m);
	}
	for (size_t i = 0; i < all.count; i++)
		dict_release(&all.m[i].same);
	dict_release(&all.cut);
	dict_release(&all.by_id);
	free(all.m);
	return rc;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* storage/message/SESSION/msg_1.json has its parts in storage/part/msg_1/. */
static void take_step_files(struct payload_reader *r, struct message *m, struct text id)
{
	struct dirent **entry;
	const char *path = r->path;
	struct text session = path_part(path, 1);
	if (!session.n || !id.n || !text_is(path_part(path, 2), "message"))
		return;
	const char *dir = arena_printf(&r->arena, "%.*spart/%.*s",
				       (int)(path_part(path, 2).p - path), path, (int)id.n, id.p);
	int n = scandir(dir, &entry, NULL, by_name);
	for (int i = 0; i < n; i++) {
		const char *name = entry[i]->d_name;
		struct buf all = { 0 };
		struct err e;
		const char *file = arena_printf(&r->arena, "%s/%s", dir, name);
		if (*name != '.' && file_read(&all, file, JSON_BYTES_MAX, &e) != 0)
			r->sink.refuse(r->sink.user, m->line, text_of(file), &e);
		else if (is_step((struct text){ all.p, all.n }))
			read_step(r, m, (struct text){ all.p, all.n }, m->line);
		buf_release(&all);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

bool opencode_document(struct payload_reader *r, json_value *v, int64_t line)
{
	struct text id = json_string(json_member(v, "id"));
	json_value *session = json_member(v, "sessionID");
	struct message m = { .line = line };
	if (!session || (!text_begins(id, "msg_") && !text_begins(id, "prt_")))
		return false;
	m.session = keep(r, json_string(session));
	/* a part is read with its message */
	if (text_begins(id, "prt_")) {
		r->passed_over++;
		return true;
	}
	if (!read_message(r, &m, v, false)) {
		payload_pass_over(r, "opencode.session", v, line);
		return true;
	}
	take_step_files(r, &m, id);
	if (!m.has_steps)
		take_whole(r, &m);
	refuse_cut(r, &m);
	dict_release(&m.same);
	return true;
}

bool opencode_is_export(json_value *v)
{
	json_value *first = json_first(json_member(v, "messages"));
	return json_kind(json_member(v, "info")) == JSON_OBJECT &&
	       text_begins(json_string(json_member(json_member(v, "info"), "id")), "ses_") &&
	       json_member(json_member(first, "info"), "role") && json_member(first, "parts");
}

void opencode_export(struct payload_reader *r, json_value *v, int64_t line)
{
	for (json_value *each = json_first(json_member(v, "messages")); each;
	     each = json_next(each)) {
		json_value *info = json_member(each, "info");
		struct message m = { .line = line };
		m.session = keep(r, json_string(json_member(info, "sessionID")));
		if (!read_message(r, &m, info, false)) {
			payload_pass_over(r, "opencode.session", info, line);
			continue;
		}
		for (json_value *part = json_first(json_member(each, "parts")); part;
		     part = json_next(part))
			take_part(r, &m, part, line);
		if (!m.has_steps)
			take_whole(r, &m);
		refuse_cut(r, &m);
		dict_release(&m.same);
	}
}
