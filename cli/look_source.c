#include "cli/look_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/progress.h"
#include "cli/typed.h"
#include "meter/ingest/quarantine.h"
#include "meter/read/places.h"
#include "meter/read/read_ahead.h"
#include "meter/read/trace.h"
#include "meter/store/refused.h"
#include "meter/store/store_names.h"
#include "meter/store/usage_query.h"
#include "reports/table.h"

enum { COMPACT = 60 };

static void show_progress(void *user, int64_t records, int64_t done, int64_t total)
{
	char calls[COUNT_WORDS_MAX];
	progress_show(user, done, total, count_words(calls, records, "call"));
}

/* The user's own price cards decide the answers as well. */
static void put_prices(struct buf *key, const struct cli *cli)
{
	const char *path;
	struct stat st;
	for (int i = 0; (path = cli_price_path(cli, i)); i++) {
		buf_printf(key, "%s", path);
		if (stat(path, &st) == 0)
			buf_printf(key, ":%lld:%lld", (long long)st.st_size,
				   (long long)st.st_mtim.tv_sec);
		buf_puts(key, "|");
	}
	buf_puts(key, cli_currency(cli));
}

static int open_logs(struct look_source *x, const struct cli *cli, const char *const *path,
		     size_t count, bool quick, struct err *e)
{
	struct progress progress = progress_begin(cli, "reading logs");
	struct buf key = { 0 };
	struct log_cache_options o = {
		.files = { .options = { .currency = cli_currency(cli),
					.ahead_us_most = AHEAD_DAYS_MOST * US_PER_DAY,
					.behind_us_most = BEHIND_DAYS_MOST * US_PER_DAY },
			   .progress = show_progress,
			   .user = &progress },
		.only_if_idle = quick,
	};
	int rc = cli_book(cli, &x->book, e);
	put_prices(&key, cli);
	o.key = key.p;
	o.files.options.book = x->book;
	if (rc == 0)
		rc = log_cache_open(&x->cache, path, count, &o, e);
	progress_end(&progress);
	buf_release(&key);
	if (rc != 0)
		return rc;
	x->is_cache = true;
	x->store = x->cache.store;
	snprintf(x->words, sizeof x->words, "%s", COUNTED((int64_t)x->cache.files, "log"));
	return 0;
}

static int open_usual(struct look_source *x, const struct cli *cli, bool quick, struct err *e)
{
	static const char *const everywhere[] = { PLACES_OF_AGENTS };
	int rc = open_logs(x, cli, everywhere, 1, quick, e);
	if (rc == 0 && x->cache.files == 0)
		rc = err_set(
			e, ERR_NOT_FOUND,
			"there is no database yet, and no agent's logs are in their usual places "
			"(tally sources lists them); name a folder of logs, or begin with tally "
			"ingest");
	return rc;
}

/* Whether there is a database that holds something. */
static bool open_database(struct look_source *x, const char *path, struct err *e)
{
	if (store_open(&x->store, path, DB_READ, e) != 0)
		return false;
	if (store_refresh(x->store, e) == 0 && store_last_seq(x->store) > 0) {
		snprintf(x->words, sizeof x->words, "database %s", path);
		return true;
	}
	store_close(x->store);
	x->store = NULL;
	return false;
}

/* A file that was named and is no log is read as a table is, and refused as `tally replay` does: it
 * is not a log without calls. */
static int check_file(const char *path, struct err *e)
{
	static const struct trace_options any;
	struct trace *t;
	struct stat st;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || source_is_payload(path, false))
		return 0;
	struct err why;
	if (trace_open(&t, path, &any, &why) != 0)
		return err_set(e, why.code, "%s%s", why.message,
			       why.code == ERR_INVALID && strstr(why.message, "--map")
				       ? " (of `tally replay` and `tally ingest`)"
				       : "");
	trace_close(t);
	return 0;
}

/* A path that is not there is a mistake, not a place without logs. */
static int check_paths(const struct cli *cli, struct err *e)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < cli->argument_count; i++) {
		const char *path = cli->argument[i];
		if (strncmp(path, "agents:", 7) != 0 && access(path, F_OK) != 0)
			return err_set(e, ERR_NOT_FOUND, "could not open '%s': %s", path,
				       strerror(errno));
		rc = check_file(path, e);
	}
	return rc;
}

static void name(struct look_source *x, struct left_out_named *to, size_t *n, const char *where,
		 struct text why)
{
	if (*n == LEFT_OUT_NAMED)
		return;
	to[(*n)++] = (struct left_out_named){ arena_printf(&x->texts, "%s", where),
					      arena_text(&x->texts, why.p, why.n) };
}

static void name_at(struct look_source *x, struct text source, int64_t line, struct text why)
{
	struct buf where = { 0 };
	buf_printf(&where, "%.*s", (int)source.n, source.n ? source.p : "");
	if (line > 0)
		buf_printf(&where, ":%lld", (long long)line);
	name(x, x->left_out.record, &x->left_out.records, where.p, why);
	buf_release(&where);
}

static int name_record(void *user, const struct held *h)
{
	name_at(user, h->source, h->line, h->reason);
	return 0;
}

static int name_conflict(void *user, const struct conflicting *c)
{
	struct buf why = { 0 };
	buf_printf(&why, "the id has another %.*s elsewhere; the first record counts",
		   (int)c->differs.n, c->differs.p);
	name_at(user, c->source, c->line, (struct text){ why.p, why.n });
	buf_release(&why);
	return 0;
}

/* What was read just now and contradicts itself is left out as well. */
static int name_conflicts(struct look_source *x, struct err *e)
{
	int64_t n = 0;
	int rc = conflict_count(x->store, &n, e);
	x->left_out.quarantined += n;
	return rc == 0 && n ? conflict_each(x->store, name_conflict, x, e) : rc;
}

static void name_file(void *user, struct text path, struct text why)
{
	struct look_source *x = user;
	name(x, x->left_out.file, &x->left_out.files, path.p, why);
}

static int name_left_out(struct look_source *x, struct err *e)
{
	struct left_out *l = &x->left_out;
	int rc = refused_all(x->store, &l->quarantined, e);
	l->in_database = !x->is_cache;
	l->unread = x->is_cache ? x->cache.unread : 0;
	l->partial = page_list_is_part(&x->cache.doubts.pages);
	l->columns = (struct text){ x->cache.doubts.columns.n ? x->cache.doubts.columns.p : "",
				    x->cache.doubts.columns.n };
	if (rc == 0 && l->quarantined)
		rc = quarantine_each(x->store, false, name_record, x, e);
	if (rc == 0 && x->is_cache)
		rc = name_conflicts(x, e);
	if (rc == 0 && l->unread)
		rc = log_cache_each_unread(&x->cache, name_file, x, e);
	return rc;
}

/* Files that were named and of which nothing was taken: why, as whoever reads one alone is told;
 * what lies beside logs in a folder is skipped. */
static int name_not_understood(struct look_source *x, const struct cli *cli, struct err *e)
{
	struct left_out *l = &x->left_out;
	int rc = store_refresh(x->store, e);
	if (rc != 0 || left_out_any(l) || store_last_seq(x->store) > 0)
		return rc;
	for (int i = 0; i < cli->argument_count; i++) {
		struct parsed_file f = { 0 };
		if (path_is_many(cli->argument[i]) || !source_is_payload(cli->argument[i], false))
			continue;
		parsed_file_read(&f, cli->argument[i], false, &(struct reading){ 0 });
		for (size_t k = 0; k < f.refused_count; k++)
			name_at(x, text_of(cli->argument[i]), f.refused[k].line,
				text_of(f.refused[k].why));
		l->quarantined += (int64_t)f.refused_count;
		if (f.not_read || f.failure.code != ERR_NONE) {
			l->unread++;
			name_file(x, text_of(cli->argument[i]),
				  text_of(f.not_read ? f.not_read : f.failure.message));
		}
		parsed_file_release(&f);
	}
	return 0;
}

int look_source_open(struct look_source *x, const struct cli *cli, bool quick, struct err *e)
{
	struct buf room = { 0 };
	struct err none;
	if (cli_flag(cli, "compact"))
		table_draw_for(table_room(COMPACT) < COMPACT ? table_room(COMPACT) : COMPACT);
	*x = (struct look_source){ 0 };
	const char *db = cli_db_path(cli, &room);
	const bool named = cli_value(cli, "db") || (cli_db_is_named(cli) && !cli_flag(cli, "logs"));
	int rc = check_paths(cli, e);
	if (rc == 0 && named && !cli->argument_count)
		rc = cli_store(cli, &x->store, DB_READ, e);
	else if (rc == 0 && cli->argument_count)
		rc = open_logs(x, cli, (const char *const *)cli->argument,
			       (size_t)cli->argument_count, quick, e);
	else if (rc == 0 && (cli_flag(cli, "logs") || !open_database(x, db, &none)))
		rc = open_usual(x, cli, quick, e);
	if (rc == 0 && !x->words[0])
		snprintf(x->words, sizeof x->words, "database %s", db);
	if (rc == 0) {
		cli_name_models(cli, x->store);
		rc = name_left_out(x, e);
	}
	if (rc == 0 && x->is_cache && cli->argument_count)
		rc = name_not_understood(x, cli, e);
	buf_release(&room);
	if (rc != 0)
		look_source_close(x);
	return rc;
}

struct taken {
	const struct found_place *place;
	bool any;
};

/* Of a source or a shape: whether it is in the place, or of its agent. */
static void compare_place(void *user, struct text name)
{
	struct taken *x = user;
	const size_t path = strlen(x->place->path), agent = strlen(x->place->agent);
	x->any |= (name.n > path && memcmp(name.p, x->place->path, path) == 0) ||
		  (name.n >= agent && memcmp(name.p, x->place->agent, agent) == 0);
}

/* Whether the database holds something of that agent's; true where that cannot be told. */
static bool is_taken(struct store *s, const struct found_place *p)
{
	struct taken x = { .place = p };
	struct err none;
	return store_each_name(s, STORE_SHAPES, compare_place, &x, &none) != 0 || x.any ||
	       store_each_name(s, STORE_SOURCES, compare_place, &x, &none) != 0 || x.any;
}

void look_source_tell_newer(const struct look_source *x, const struct cli *cli)
{
	struct places p = { 0 };
	const struct found_place *newest = NULL, *never = NULL;
	struct instant first, last;
	struct err none;
	bool any = false;
	if (x->is_cache || cli->quiet || cli_value(cli, "db") ||
	    usage_span(x->store, &first, &last, &any, &none) != 0 || !any ||
	    places_find(&p, NULL, &none) != 0)
		return;
	for (size_t i = 0; i < p.count; i++)
		if (p.place[i].files && (!newest || p.place[i].newest_us > newest->newest_us))
			newest = &p.place[i];
	for (size_t i = 0; i < p.count && !never; i++)
		if (p.place[i].files && !is_taken(x->store, &p.place[i]))
			never = &p.place[i];
	if (never)
		print_notice("tally: logs of %s are not in the database: `tally ingest` stores "
			     "them, `tally --logs` looks at logs alone\n",
			     never->title);
	else if (newest && newest->newest_us > last.us + US_PER_HOUR)
		print_notice(
			"tally: logs of %s are newer than the database: `tally ingest` stores them, "
			"`tally --logs` looks at logs alone\n",
			newest->title);
	places_release(&p);
}

void look_source_tell_empty(const struct look_source *x, const struct cli *cli,
			    const struct zone *z)
{
	if (x->is_cache && x->cache.files && store_last_seq(x->store) == 0) {
		if (!cli->quiet && !left_out_any(&x->left_out))
			print_notice("tally: there are no calls in %s\n", x->words);
	} else if (!x->is_cache || x->cache.files) {
		cli_tell_empty(cli, x->store, z);
		look_source_tell_newer(x, cli);
	} else if (!cli->quiet)
		print_notice("tally: there are no logs there; `tally sources` lists the places "
			     "of each agent\n");
}

void look_source_close(struct look_source *x)
{
	if (x->is_cache)
		log_cache_close(&x->cache);
	else
		store_close(x->store);
	book_close(x->book);
	arena_release(&x->texts);
	*x = (struct look_source){ 0 };
}
