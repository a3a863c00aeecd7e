/* `tally sources`: the agents whose logs are read, their places, and what lies there. */
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "cli/command.h"
#include "meter/read/places.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const struct option options[] = {
	{ "all", 'a', NULL, "every place searched, not only those that exist", false },
	{ 0 },
};

static void put_json(const struct places *p)
{
	struct json_out j;
	json_out_open(&j, stdout);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.sources/1");
	json_out_int(&j, "files", (int64_t)p->files);
	json_out_array(&j, "places");
	for (size_t i = 0; i < p->count; i++) {
		const struct found_place *f = &p->place[i];
		json_out_object(&j, NULL);
		json_out_string(&j, "agent", f->agent);
		json_out_string(&j, "title", f->title);
		json_out_string(&j, "path", f->path);
		json_out_string(&j, "variable", f->variable);
		json_out_bool(&j, "moved", f->moved);
		json_out_bool(&j, "exists", f->exists);
		json_out_int(&j, "files", (int64_t)f->files);
		json_out_int(&j, "bytes", f->bytes);
		if (f->files)
			json_out_instant(&j, "newest", (struct instant){ f->newest_us });
		else
			json_out_null(&j, "newest");
		json_out_string(&j, "trouble", f->why);
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_close(&j);
}

/* Places with files; of an agent without any, the first. */
static bool is_shown(const struct places *p, size_t i)
{
	const char *agent = p->place[i].agent;
	bool any = false;
	for (size_t k = 0; k < p->count; k++)
		any |= strcmp(p->place[k].agent, agent) == 0 &&
		       (p->place[k].files || p->place[k].why);
	if (any)
		return p->place[i].files || p->place[i].why;
	return i == 0 || strcmp(p->place[i - 1].agent, agent) != 0;
}

/* A home that everybody knows is written ~. */
static const char *short_path(const char *path, struct buf *room)
{
	const char *home = getenv("HOME");
	size_t n = home ? strlen(home) : 0;
	if (n < 2 || strncmp(path, home, n) != 0 || path[n] != '/')
		return path;
	room->n = 0;
	buf_printf(room, "~%s", path + n);
	return room->p;
}

static void put_table(const struct places *p, bool all)
{
	static const struct table_column columns[] = {
		{ "AGENT", false, false },	{ "FILES", true, false },
		{ "BYTES", true, .leaves = 2 }, { "NEWEST", false, false },
		{ "PLACE", false, true },	{ "MOVED BY", .leaves = 1 }
	};
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf room = { 0 };
	char number[DECIMAL_TEXT_MAX * 2], plain[24], time[INSTANT_TEXT_MAX];
	for (size_t i = 0; i < p->count; i++) {
		const struct found_place *f = &p->place[i];
		if (!all && !is_shown(p, i))
			continue;
		table_cell(t, f->title);
		snprintf(plain, sizeof plain, "%zu", f->files);
		table_cell(t, f->files ? number_grouped(number, plain) : "-");
		snprintf(plain, sizeof plain, "%lld", (long long)f->bytes);
		table_cell(t, f->files ? number_grouped(number, plain) : "-");
		instant_format((struct instant){ f->files ? f->newest_us : 0 }, time);
		time[10] = 0; /* the day */
		table_cell(t, f->files ? time : f->exists ? "nothing" : "not there");
		table_cell(t, short_path(f->path, &room));
		table_cell(t, f->moved ? f->variable : "");
	}
	table_print(t);
	table_close(t);
	buf_release(&room);
}

static int run(struct cli *cli, struct err *e)
{
	struct buf names = { 0 };
	struct places p;
	buf_puts(&names, "");
	for (int i = 0; i < cli->argument_count; i++)
		buf_printf(&names, "%s%s", i ? "," : "", cli->argument[i]);
	int rc = places_find(&p, names.p, e);
	buf_release(&names);
	if (rc == 0 && cli->json)
		put_json(&p);
	else if (rc == 0)
		put_table(&p, cli_flag(cli, "all"));
	for (size_t i = 0; rc == 0 && i < p.count; i++)
		if (p.place[i].why)
			print_notice("tally: %s: %s\n", p.place[i].title, p.place[i].why);
	if (rc == 0 && p.files == 0 && !cli->json)
		print_notice("tally: no logs of agents were found\n");
	places_release(&p);
	return rc;
}

const struct command command_sources = {
	.name = "sources",
	.place = HELP_LOOK + 30,
	.summary = "the agents whose logs are read, where, and what was found",
	.arguments = "[AGENT...]",
	.arguments_min = 0,
	.arguments_max = -1,
	.description =
		"Lists where the logs of each coding agent lie on this machine, how many files "
		"are there and of which day the newest is. `tally ingest` and `tally replay` "
		"without a path read all of them; `agents:claude,codex` as a path selects some.",
	.examples = "  tally sources\n"
		    "  tally sources claude codex --json\n"
		    "  tally replay agents:opencode --by model\n",
	.options = options,
	.common = 0,
	.run = run,
};
