#include "meter/ingest/follow_whole.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/dict.h"
#include "base/peek.h"
#include "meter/read/doubts.h"
#include "meter/read/read_ahead.h"

enum { TRIES_MOST = 10, SETTLED_US = 1000000 };

/* What changes when a file does; of a database also its write-ahead log. */
struct look {
	int64_t inode, size, us, log_size, log_us;
};

struct follow_whole {
	char *path, *log;
	bool database;
	struct look seen, done; /* at the last look; when it was read */
	bool again;		/* it had just changed then, and may have had more to show */
	struct dict calls;	/* by id: a mark of what was taken */
	struct dict refused;	/* by content: 1 it was told */
	bool once;		/* it was read before */
	struct doubts doubts;	/* of what it held when it was read last */
	int tries;		/* to read it as it is now */
	int64_t not_before_us;	/* a large one is not read all the time */
};

bool follow_whole_wants(const char *path)
{
	size_t n = strlen(path), json = strlen(".json");
	return source_is_whole(path) || (n > json && strcmp(path + n - json, ".json") == 0);
}

struct follow_whole *follow_whole_open(const char *path)
{
	struct follow_whole *w = mem_zalloc(sizeof *w);
	struct buf log = { 0 };
	buf_printf(&log, "%s-wal", path);
	w->log = log.p;
	w->path = mem_text(path);
	w->database = peek_is_database(path);
	return w;
}

void follow_whole_close(struct follow_whole *w)
{
	if (!w)
		return;
	dict_release(&w->calls);
	dict_release(&w->refused);
	doubts_release(&w->doubts);
	free(w->path);
	free(w->log);
	free(w);
}

static int64_t changed_us(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

static bool look(const struct follow_whole *w, struct look *out)
{
	struct stat st;
	*out = (struct look){ 0 };
	if (stat(w->path, &st) != 0)
		return false;
	*out = (struct look){ .inode = (int64_t)st.st_ino,
			      .size = st.st_size,
			      .us = changed_us(&st) };
	if (w->database && stat(w->log, &st) == 0) {
		out->log_size = st.st_size;
		out->log_us = changed_us(&st);
	}
	return true;
}

static bool same(const struct look *a, const struct look *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Whether that is new: a call that was not seen, or seen with other counts. */
static bool is_new(struct follow_whole *w, const struct metered *m)
{
	static const uint64_t seed[2] = { 0x452821E638D01377u, 0xBE5466CF34E90C6Cu };
	const struct record *r = &m->record;
	if (r->text[FIELD_ID].n == 0)
		return true;
	const uint64_t parts[] = { hash_bytes(r->counts, sizeof r->counts, seed),
				   hash_bytes(r->text[FIELD_MODEL].p, r->text[FIELD_MODEL].n,
					      seed) };
	const uint64_t mark = hash_bytes(parts, sizeof parts, seed) | 1;
	uint64_t *known = dict_need(&w->calls, r->text[FIELD_ID], NULL);
	const bool news = *known != mark;
	*known = mark;
	return news;
}

static int take(struct follow_whole *w, struct intake *run, struct parsed_file *f, struct err *e)
{
	int rc = 0;
	/* places in the file tell records without ids apart, from its start */
	intake_set_source(run, w->path);
	for (size_t i = 0; rc == 0 && i < f->refused_count; i++) {
		uint64_t *told = dict_need(&w->refused, f->refused[i].raw, NULL);
		if (!*told)
			rc = intake_refuse(run, &f->refused[i], e);
		*told = 1;
	}
	for (size_t i = 0; rc == 0 && i < assembly_count(f->calls); i++) {
		const struct metered *m = assembly_call(f->calls, i);
		if (is_new(w, m))
			rc = intake_take(run, m, m->line, e);
	}
	if (!w->once)
		ingest_add_passed_over(run->in, f->passed_over);
	w->once = true;
	return rc;
}

static void tell(const struct follow_whole *w, struct intake *run, const char *why)
{
	ingest_add_unread(run->in);
	if (run->o->on_refusal)
		run->o->on_refusal(run->o->user, w->path, -1, why);
}

static bool has_settled(const struct look *now)
{
	const int64_t us = now->us > now->log_us ? now->us : now->log_us;
	return clock_now().us - us > SETTLED_US;
}

/*
 * Whether it is time to read the file, which looks like that now. What is written to a log beside a
 * database is seen by its readers a moment later, and two changes of one instant look like one:
 * what was read soon after it had changed is read once more.
 */
static bool is_due(struct follow_whole *w, const struct look *now)
{
	const bool settled = w->database || same(now, &w->seen) || has_settled(now);
	w->seen = *now;
	return settled && (!same(now, &w->done) || (w->again && has_settled(now))) &&
	       clock_monotonic_us() >= w->not_before_us;
}

int follow_whole_look(struct follow_whole *w, struct intake *run, bool *any, struct err *e)
{
	struct look now;
	if (!look(w, &now) || !is_due(w, &now))
		return 0;
	struct parsed_file f = { 0 };
	const bool again = !has_settled(&now);
	const int64_t began_us = clock_monotonic_us();
	parsed_file_read(&f, w->path, true, &(struct reading){ 0 });
	const int64_t ended_us = clock_monotonic_us();
	w->not_before_us = ended_us + (ended_us - began_us) * 2;
	int rc = 0;
	if (!f.not_read) {
		rc = take(w, run, &f, e);
		doubts_release(&w->doubts);
		doubts_append(&w->doubts, &f.doubts);
	}
	if (f.not_read && ++w->tries < TRIES_MOST) {
		parsed_file_release(&f);
		return 0;
	}
	if (f.not_read)
		tell(w, run, f.not_read);
	w->done = now;
	w->again = again;
	w->tries = 0;
	*any = true;
	parsed_file_release(&f);
	return rc;
}

const struct doubts *follow_whole_doubts(const struct follow_whole *w)
{
	return &w->doubts;
}
