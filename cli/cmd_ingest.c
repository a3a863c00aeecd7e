#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/metering.h"
#include "cli/sources.h"
#include "cli/progress.h"
#include "cli/refusals.h"
#include "meter/ledger/draw.h"
#include "meter/ingest/ingest_follow.h"
#include "meter/read/exports.h"
#include "meter/read/doubts.h"
#include "meter/read/places.h"
#include "reports/json_out.h"
#include "reports/left_out.h"
#include "reports/lower_bound_report.h"
#include "reports/table.h"

static const struct option options[] = {
	OPTIONS_OF_FORMATS,
	OPTIONS_OF_RECORDS,
	{ "follow", 'F', NULL,
	  "keep reading files (plain CSV, JSON Lines, logs) as they grow, "
	  "and draw credits for them; ends with Ctrl-C",
	  false },
	{ 0 },
};

enum { DRAW_EVERY_US = 1000000 };

struct work {
	struct store *store;
	struct book *book;
	int64_t drawn_at_us, drawn_up_to; /* records that were in the store then */
	int64_t uncovered;		  /* that drew nothing */
	struct refusals refusals;
	struct progress progress;
	bool quiet;
	const char *path; /* of a refusal whose line comes next */
	char why[600];
};

static void show_refusal(void *user, const char *path, int64_t line, const char *why)
{
	struct work *s = user;
	/* records of a trace are told by their reason first, then by their line */
	if (why && line == 0) {
		snprintf(s->why, sizeof s->why, "%s", why);
		return;
	}
	if (!why)
		why = s->why;
	refusals_add(&s->refusals, path, line, why);
}

static void show_progress(void *user, int64_t records, int64_t done, int64_t total)
{
	struct work *s = user;
	char note[2 * COUNT_WORDS_MAX], read[COUNT_WORDS_MAX], speed[COUNT_WORDS_MAX];
	const int64_t spent_us = clock_monotonic_us() - s->progress.began_us + 1;
	snprintf(note, sizeof note, "%s, %s/s", count_words(read, records, "record"),
		 count_words(speed, (int64_t)((int128)records * US_PER_SECOND / spent_us), ""));
	progress_show(&s->progress, done, total, note);
}

static void put_counts(struct json_out *j, const struct ingest_counts *c, int64_t uncovered,
		       const struct doubts *doubts)
{
	json_out_string(j, "schema", "tally.ingest/1");
	json_out_int(j, "read", c->read);
	json_out_int(j, "accepted", c->accepted);
	json_out_int(j, "duplicates", c->duplicates);
	json_out_int(j, "conflicts", c->conflicts);
	json_out_int(j, "quarantined", c->quarantined);
	json_out_int(j, "unpriced", c->unpriced);
	json_out_int(j, "uncovered", uncovered);
	json_out_int(j, "grown", c->grown);
	if (c->archived)
		json_out_int(j, "of_archived_records", c->archived);
	json_out_int(j, "passed_over", c->passed_over);
	json_out_int(j, "unread", c->unread);
	put_doubts(j, doubts);
	put_lower_bound(j, &c->bound);
}

static void print_counts(const struct ingest_counts *c, int64_t uncovered,
			 const struct doubts *doubts, bool json)
{
	if (json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		put_counts(&j, c, uncovered, doubts);
		json_out_end(&j, '}');
		json_out_close(&j);
		return;
	}
	printf("%s read: %s accepted, %s", COUNTED(c->read, "record"), COUNTED(c->accepted, ""),
	       COUNTED(c->duplicates, "duplicate"));
	if (c->archived)
		printf(" (%s of them of archived records, with which they could not be compared)",
		       COUNTED(c->archived, ""));
	if (c->grown)
		printf(" (%s of them updates of a call that grew)", COUNTED(c->grown, ""));
	printf(", %s, %s quarantined\n", COUNTED(c->conflicts, "conflict"),
	       COUNTED(c->quarantined, ""));
	if (c->unpriced)
		print_note("%s of the accepted have no price (tally usage names them)",
			   COUNTED(c->unpriced, ""));
	if (uncovered)
		print_note("%s draw no credits: the plan of their account does not cover them (add "
			   "what is missing, then tally credit draw)",
			   COUNTED(uncovered, ""));
	if (c->unread)
		print_note("%s could not be read or understood, and not counted",
			   COUNTED(c->unread, "file"));
	if (page_list_is_part(&doubts->pages))
		print_note("has_more: this is a part of the pages; add the others");
	print_lower_bound(&c->bound);
	if (c->conflicts || c->quarantined)
		printf("see: tally quarantine list\n");
}

static atomic_bool stop;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&stop, true);
}

/* Credits of accounts for what came in. */
static int draw(struct work *w, struct err *e)
{
	struct draw_counts drawn;
	w->drawn_at_us = clock_monotonic_us();
	int rc = draw_all(w->store, w->book, clock_now(), &drawn, e);
	w->uncovered += rc == 0 ? drawn.uncovered : 0;
	return rc;
}

static int draw_while_following(void *user, const struct ingest_counts *counts, struct err *e)
{
	struct work *w = user;
	if (counts->accepted == w->drawn_up_to ||
	    clock_monotonic_us() - w->drawn_at_us < DRAW_EVERY_US)
		return 0;
	w->drawn_up_to = counts->accepted;
	return draw(w, e);
}

/* A bill is no usage: what was charged is compared, not counted. */
static int refuse_bills(struct cli *cli, struct err *e)
{
	for (int i = 0; i < cli->argument_count && !cli_value(cli, "map"); i++) {
		const struct export_format *f = export_of_file(cli->argument[i]);
		if (f && f->kind == EXPORT_BILL)
			return err_set(e, ERR_INVALID,
				       "'%s' is a bill (%s), not usage: compare it with tally "
				       "reconcile",
				       cli->argument[i], f->title);
	}
	return 0;
}

static int run(struct cli *cli, struct err *e)
{
	struct field_map map[OPTION_VALUES_MAX];
	struct work work = { .progress = progress_begin(cli, ""), .quiet = cli->quiet };
	struct doubts doubts = { 0 };
	struct ingest_files o = { .doubts = &doubts,
				  .format = cli_value(cli, "format"),
				  .map = map,
				  .on_refusal = show_refusal,
				  .progress = show_progress,
				  .user = &work };
	struct ingest_counts counts = { 0 };
	const char *spec, *const *path;
	size_t paths = 0;
	int rc = cli_database_book(cli, DB_CREATE, &work.book, &work.store, e);
	if (rc == 0)
		rc = cli_ingest_options(cli, work.book, &o.options, e);
	for (int i = 0; rc == 0 && (spec = cli_value_at(cli, "map", i)); i++)
		rc = field_map_parse(&map[o.map_count++], spec, e);
	if (rc == 0)
		rc = refuse_bills(cli, e);
	if (rc == 0)
		rc = cli_paths(cli, cli_flag(cli, "follow"), &path, &paths, e);
	/* what cannot be read is told before a database is made */
	for (int i = 0; rc == 0 && i < cli->argument_count && cli_flag(cli, "follow"); i++)
		if (strcmp(cli->argument[i], "-") == 0)
			rc = err_set(e, ERR_USAGE,
				     "--follow needs files; standard input is read to its end "
				     "without it");
	for (int i = 0; rc == 0 && i < cli->argument_count && !cli_flag(cli, "follow"); i++)
		if (strcmp(cli->argument[i], "-") != 0 && !places_named(cli->argument[i]) &&
		    access(cli->argument[i], R_OK) != 0)
			rc = err_set(e, ERR_NOT_FOUND, "could not open '%s': %s", cli->argument[i],
				     strerror(errno));
	if (rc == 0)
		rc = cli_store_kept(cli, &work.store, DB_CREATE, e);
	if (rc == 0 && cli_flag(cli, "follow")) {
		struct sigaction act = { .sa_handler = on_signal };
		sigaction(SIGINT, &act, NULL);
		sigaction(SIGTERM, &act, NULL);
		rc = ingest_follow(work.store, &o,
				   &(struct follow){ path, paths, &stop, draw_while_following },
				   &counts, e);
	} else {
		for (size_t i = 0; rc == 0 && i < paths; i++)
			rc = ingest_path(work.store, &o, path[i], &counts, e);
	}
	progress_end(&work.progress);
	refusals_end(&work.refusals, work.refusals.met);
	const bool partial = page_list_is_part(&doubts.pages), columns = doubts.columns.n > 0;
	refusals_columns((struct text){ doubts.columns.p, doubts.columns.n });
	refusals_zeros(doubts.zeros);
	if (rc == 0)
		rc = draw(&work, e);
	if (rc == 0 || counts.read)
		if (!(rc != 0 && cli->json))
			print_counts(&counts, work.uncovered, &doubts, cli->json);
	doubts_release(&doubts);
	store_close(work.store);
	book_close(work.book);
	cli_tell_unread_input(cli);
	bool lacks = counts.unpriced || work.uncovered || counts.quarantined || counts.conflicts ||
		     counts.unread || partial || columns;
	return rc ? rc : lacks ? 3 : 0;
}

const struct command command_ingest = {
	.name = "ingest",
	.place = HELP_METER + 2,
	.summary = "store usage records in the database, each once",
	.arguments = "[FILE|DIRECTORY...]",
	.arguments_min = 0,
	.arguments_max = -1,
	.description =
		"Stores usage permanently: native CSV and JSON Lines, traces, answers and "
		"streams of OpenAI, DeepSeek, Anthropic, Gemini, Bedrock, xAI, Groq and "
		"OpenRouter, logs of coding agents, LiteLLM, Langfuse and new-api rows, "
		"CloudEvents, and OTLP requests; plain, .gz or .zst; - is standard input. "
		"Without a path the logs of every agent on this machine are found and read "
		"(tally sources).\n\nEach record is accepted, a duplicate, a conflict (the same "
		"id with other content: the first counts, both are kept) or quarantined (kept "
		"with the reason). Reading anything again, in any order or in pieces, changes "
		"nothing. A record without an id is identified by its content (on a PostgreSQL server "
		"as --map read it).",
	.examples = "  tally ingest\n"
		    "  tally ingest ~/.claude/projects\n"
		    "  tally ingest usage.csv --customer acme\n"
		    "  curl -s ... | tally ingest - --at now\n"
		    "  tally ingest --follow ~/.codex/sessions\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_BOUNDARY,
	.run = run,
};
