#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "meter/cluster.h"
#include "meter/move.h"
#include "meter/retention.h"
#include "meter/store/store.h"
#include "reports/amount.h"
#include "reports/json_out.h"
#include "reports/table.h"

static void show_progress(void *user, const char *what, const char *table, int64_t done,
			  int64_t total)
{
	char note[80];
	snprintf(note, sizeof note, "%s %s", what, table);
	progress_show(user, done, total, note);
}

static int move(struct cli *cli, struct err *e)
{
	struct progress bar = progress_begin(cli, "");
	const struct move_progress progress = { &bar, show_progress };
	const char *from = cli->argument[0], *to = cli->argument[1];
	struct move_counts n;
	const int64_t began = clock_monotonic_us();
	int rc = move_database(from, to, cli->quiet ? NULL : &progress, &n, e);
	progress_end(&bar);
	if (rc != 0)
		return rc;
	const double seconds = (double)(clock_monotonic_us() - began) / 1e6;
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.db.move/1");
		json_out_int(&j, "tables", n.tables);
		json_out_int(&j, "rows", n.rows);
		json_out_int(&j, "records", n.records);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (!cli->quiet) {
		struct buf b = { 0 };
		put_count(&b, n.records);
		printf("%s rows of usage", b.p);
		b.n = 0;
		put_count(&b, n.rows);
		printf(" (%s rows in %lld tables) in %.1f s, each read back and compared\n", b.p,
		       (long long)n.tables, seconds);
		buf_release(&b);
	}
	return 0;
}

static void show_table(void *user, const char *table, size_t done, size_t total)
{
	char note[80];
	snprintf(note, sizeof note, "distributing %s", table);
	progress_show(user, (int64_t)done, (int64_t)total, note);
}

static int distribute_store(struct cli *cli, struct store *s, struct cluster_state *out,
			    struct err *e)
{
	struct progress bar = progress_begin(cli, "");
	struct cluster_options o = { CLUSTER_SHARDS, cli->quiet ? NULL : show_table, &bar };
	int rc = cli_count(cli, "shards", CLUSTER_SHARDS, &o.shards, e);
	if (rc == 0 && (o.shards < 1 || o.shards > CLUSTER_SHARDS_MOST))
		rc = err_set(e, ERR_USAGE, "--shards is from 1 to %d", CLUSTER_SHARDS_MOST);
	if (rc == 0)
		rc = cluster_distribute(s, &o, out, e);
	progress_end(&bar);
	return rc;
}

static void put_cluster(struct json_out *j, const struct cluster_state *c)
{
	json_out_int(j, "workers", c->workers);
	json_out_int(j, "shards", c->shards);
	json_out_array(j, "tables");
	for (size_t i = 0; i < c->tables; i++) {
		const struct cluster_table *t = &c->table[i];
		json_out_object(j, NULL);
		json_out_string(j, "table", t->name);
		json_out_string(j, "by", t->by ? t->by : "");
		json_out_int(j, "rows_moved", t->rows);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static int init(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct cluster_state cluster = { 0 };
	const char *citus = cli_value(cli, "citus");
	int rc = citus ? store_open(&store, citus, DB_CREATE, e)
		       : cli_store(cli, &store, DB_CREATE, e);
	if (rc == 0 && citus)
		rc = distribute_store(cli, store, &cluster, e);
	if (rc != 0) {
		store_close(store);
		return rc;
	}
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.db.init/1");
		json_out_string(&j, "db", store_path(store));
		json_out_int(&j, "rows", store_last_seq(store));
		if (citus)
			put_cluster(&j, &cluster);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (!cli->quiet) {
		printf("%s is ready\n", store_path(store));
	}
	store_close(store);
	return 0;
}

static int distribute(struct cli *cli, struct err *e)
{
	struct store *store = NULL;
	struct cluster_state c;
	int rc = cli_store(cli, &store, DB_WRITE, e);
	if (rc == 0)
		rc = distribute_store(cli, store, &c, e);
	if (rc == 0 && cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.db.distribute/1");
		json_out_string(&j, "db", store_path(store));
		put_cluster(&j, &c);
		json_out_end(&j, '}');
		json_out_close(&j);
	} else if (rc == 0 && !cli->quiet) {
		for (size_t i = 0; i < c.tables; i++) {
			const struct cluster_table *t = &c.table[i];
			printf("%s: %s%s, %s\n", t->name, t->by ? "by " : "on every server",
			       t->by ? t->by : "",
			       t->moved ? COUNTED(t->rows, "row") : "as before");
		}
		printf("%s of usage on %s\n", COUNTED(c.shards, "shard"),
		       COUNTED(c.workers, "worker"));
	}
	store_close(store);
	return rc;
}

/* --- months in files --- */

struct archiving {
	struct cli *cli;
	struct json_out j;
	int64_t stay; /* months that could not go */
};

static void tell_month(void *user, const struct retention_step *step)
{
	struct archiving *x = user;
	const struct retained *r = &step->file;
	char month[MONTH_TEXT_MAX];
	month_format(r->month, month);
	x->stay += *step->why != 0;
	if (x->cli->json) {
		json_out_object(&x->j, NULL);
		json_out_string(&x->j, "month", month);
		json_out_string(&x->j, "state",
				*step->why    ? "stays"
				: step->known ? "known"
					      : "archived");
		if (*step->why)
			json_out_string(&x->j, "why", step->why);
		else
			json_out_string(&x->j, "file", r->file);
		json_out_int(&x->j, "rows", r->rows);
		json_out_int(&x->j, "bytes", r->bytes);
		json_out_end(&x->j, '}');
	} else if (*step->why) {
		print_notice("tally: %s stays: %s\n", month, step->why);
	} else if (!x->cli->quiet && !step->known) {
		printf("%s: %s, %s, %s\n", month, r->file, COUNTED(r->rows, "row"),
		       COUNTED(r->bytes, "byte"));
	}
}

static int archive(struct cli *cli, struct err *e)
{
	struct archiving x = { .cli = cli };
	struct retention_wish w = {
		.folder = cli_value(cli, "to"), .now = clock_now(), .told = tell_month, .user = &x
	};
	const char *before = cli_value(cli, "before");
	struct store *store = NULL;
	if (!before || !w.folder)
		return err_set(e, ERR_USAGE, "say which months with --before, and where with --to");
	int rc = cli_instant("before", before, NULL, &w.before, e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_WRITE, e);
	if (cli->json) {
		json_out_open(&x.j, NULL);
		json_out_object(&x.j, NULL);
		json_out_string(&x.j, "schema", "tally.db.archive/1");
		json_out_array(&x.j, "months");
	}
	if (rc == 0)
		rc = retention_archive(store, &w, e);
	if (cli->json) {
		struct buf document = { 0 };
		json_out_end(&x.j, ']');
		json_out_end(&x.j, '}');
		json_out_take(&x.j, &document);
		if (rc == 0)
			fwrite(document.p, 1, document.n, stdout);
		buf_release(&document);
	}
	store_close(store);
	return rc ? rc : x.stay ? 3 : 0;
}

static int restore(struct cli *cli, struct err *e)
{
	const char *folder = cli_value(cli, "from");
	struct store *store = NULL;
	struct retained r;
	struct instant at;
	if (!folder)
		return err_set(e, ERR_USAGE, "say in which folder its file is with --from");
	int rc = cli_instant("MONTH", cli->argument[0], NULL, &at, e);
	if (rc == 0)
		rc = cli_store(cli, &store, DB_WRITE, e);
	if (rc == 0)
		rc = retention_restore(store, month_of(at.us), folder, clock_now(), &r, e);
	store_close(store);
	return rc ? rc
		  : cli_done(cli, true, cli->argument[0], "%s: %s back in the database, from %s",
			     cli->argument[0], COUNTED(r.rows, "row"), r.file);
}

#define OPTION_SHARDS \
	{ \
		"shards", 0, "N", "into how many shards the records go (8)", false \
	}

static const struct option init_options[] = {
	{ "citus", 0, "URL", "the database of a Citus coordinator: spread it over the workers",
	  false },
	OPTION_SHARDS,
	{ 0 },
};

static const struct option distribute_options[] = {
	OPTION_SHARDS,
	{ 0 },
};

const struct command command_db_init = {
	.name = "db init",
	.place = HELP_OPERATE + 12,
	.summary = "create the tables of a database, or upgrade them",
	.arguments = "",
	.description = "Creates a file, or the tables in an existing PostgreSQL database "
		       "(postgresql://...). Every command that writes does this as well; use it "
		       "when the role that creates tables is not the one that writes records.",
	.examples = "  tally db init --db meter.db\n"
		    "  createdb meter && tally db init --db postgresql:///meter\n"
		    "  tally db init --citus postgresql://coordinator/meter\n",
	.options = init_options,
	.common = TAKES_DB,
	.run = init,
};

const struct command command_db_distribute = {
	.name = "db distribute",
	.place = HELP_OPERATE + 13,
	.summary = "spread a PostgreSQL database over the workers of a Citus cluster",
	.arguments = "",
	.description =
		"The database is that of a Citus coordinator that knows its workers. Records go to the "
		"workers by series and the keys of their ids by key, names and prices to every server; "
		"sums, credits, invoices and the journal stay on the coordinator. Each table is one "
		"transaction, read back and compared: stop it and run it again at any time. Writers "
		"wait meanwhile.",
	.examples = "  tally db distribute --db postgresql://coordinator/meter\n",
	.options = distribute_options,
	.common = TAKES_DB,
	.run = distribute,
};

const struct command command_db_move = {
	.name = "db move",
	.place = HELP_OPERATE + 14,
	.summary = "move a whole database to another file or server",
	.arguments = "FROM TO",
	.arguments_min = 2,
	.arguments_max = 2,
	.description =
		"Copies every record, hold, grant, transaction, invoice and budget with its number: from a file to PostgreSQL (postgresql://...), back, or to another of the same kind. All totals, balances and hashes stay what they are. TO must be new or empty. Every row is read back and compared before the move counts; if the move fails nothing is kept, and FROM is never changed. Writes to FROM during the move are not copied: stop the writers first.",
	.examples = "  createdb meter && tally db move tally.db postgresql:///meter\n"
		    "  tally db move postgresql:///meter back.db\n",
	.run = move,
};

static const struct option archive_options[] = {
	{ "before", 0, "MONTH", "whole months before this one (2026-01, or a day), in UTC", false },
	{ "to", 0, "FOLDER", "where their files go, usage-2025-12-TAG.parquet for each", false },
	{ 0 },
};

const struct command command_db_archive = {
	.name = "db archive",
	.place = HELP_OPERATE + 15,
	.summary = "move the rows of whole months from the database into Parquet files",
	.arguments = "",
	.description =
		"Each month is written, read back and compared, and then its rows leave the database in the "
		"transaction that notes the file. Sums, ids, credits and invoices stay: reports say what "
		"they said. What needs single rows (sessions, tasks, records, exports, corrections) says "
		"that they are archived, exit status 3, unless --with-archive FOLDER has them; `tally db "
		"restore` brings a month back. A month that is needed yet (draft invoices, usage that has "
		"to draw credits) stays, exit status 3. An archived month takes no further records.",
	.examples =
		"  tally db archive --before 2026-01 --to /srv/tally/archive\n"
		"  aws s3 sync /srv/tally/archive s3://bucket/tally\n"
		"  tally usage --by session --since 2025-11 --with-archive /srv/tally/archive\n",
	.options = archive_options,
	.common = TAKES_DB,
	.run = archive,
};

static const struct option restore_options[] = {
	{ "from", 0, "FOLDER", "where its file is", false },
	{ 0 },
};

const struct command command_db_restore = {
	.name = "db restore",
	.place = HELP_OPERATE + 16,
	.summary = "bring the rows of an archived month back into the database",
	.arguments = "MONTH",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"The rows are as they were, with their numbers: records of that month can be "
		"amended, voided and rated again, and it takes records. The file stays where "
		"it is, and the next `tally db archive` replaces it.",
	.examples = "  tally db restore 2025-12 --from /srv/tally/archive\n",
	.options = restore_options,
	.common = TAKES_DB,
	.run = restore,
};
