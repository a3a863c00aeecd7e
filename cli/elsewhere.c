#include "cli/elsewhere.h"

#include <stdio.h>
#include <string.h>

#include "meter/read/places.h"

enum { PAIR = 2 };

static const char *const commands[][PAIR] = {
	{ "accounts", "credit accounts" },
	{ "add", "ingest" },
	{ "agents", "sources" },
	{ "alerts", "budget status" },
	{ "balance", "credit balance" },
	{ "bill", "invoice draft" },
	{ "block", "blocks" },
	{ "budgets", "budget status" },
	{ "cache-hit", "usage --by model --hits" },
	{ "cache-hits", "usage --by model --hits" },
	{ "calc", "cost" },
	{ "calculate", "cost" },
	{ "calls", "records" },
	{ "check", "fsck" },
	{ "compare", "whatif" },
	{ "costs", "usage" },
	{ "credits", "credit accounts" },
	{ "customers", "usage --by customer" },
	{ "dashboard", "live" },
	{ "day", "daily" },
	{ "days", "daily" },
	{ "delete", "void" },
	{ "doctor", "fsck" },
	{ "errors", "quarantine list" },
	{ "exports", "export" },
	{ "estimate", "plan" },
	{ "hit-rate", "usage --by model --hits" },
	{ "hits", "usage --by model --hits" },
	{ "import", "ingest" },
	{ "init", "db init" },
	{ "invoices", "invoice list" },
	{ "limits", "limit list" },
	{ "list", "records" },
	{ "load", "ingest" },
	{ "log", "records" },
	{ "login", "token" },
	{ "logs", "sources" },
	{ "model", "price show" },
	{ "models", "price list" },
	{ "monitor", "live" },
	{ "migration", "migrate" },
	{ "month", "monthly" },
	{ "move", "db move" },
	{ "months", "monthly" },
	{ "plans", "credit plan" },
	{ "predict", "forecast" },
	{ "prices", "price list" },
	{ "pricing", "price list" },
	{ "project", "forecast" },
	{ "projects", "usage --by project" },
	{ "rates", "price list" },
	{ "report", "usage" },
	{ "scan", "ingest" },
	{ "self-host", "whatif --scenario" },
	{ "server", "serve" },
	{ "sessions", "session" },
	{ "settings", "config" },
	{ "simulate", "whatif" },
	{ "start", "serve" },
	{ "stats", "usage" },
	{ "summary", "overview" },
	{ "spend", "usage" },
	{ "top", "live" },
	{ "unpriced", "records --unpriced" },
	{ "update", "price update" },
	{ "watch", "live" },
	{ "week", "weekly" },
	{ "weeks", "weekly" },
	{ "yesterday", "daily --period yesterday" },
};

const char *elsewhere_command(const char *typed)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i][0], typed) == 0)
			return commands[i][1];
	return NULL;
}

const char *elsewhere_option(struct text typed, int i)
{
	static const char *const words[][PAIR] = {
		{ "account", "customer" },
		{ "cache", "cache-read" },
		{ "cache-hit", "cache-read" },
		{ "cache-read", "cached" },
		{ "cached", "cache-read" },
		{ "cached-tokens", "cache-read" },
		{ "calls", "requests" },
		{ "calls", "per-day" },
		{ "client", "customer" },
		{ "completion", "output" },
		{ "completion-tokens", "output" },
		{ "count", "requests" },
		{ "count", "limit" },
		{ "database", "db" },
		{ "date", "at" },
		{ "day", "period" },
		{ "end", "until" },
		{ "file", "db" },
		{ "format", "json" },
		{ "from", "since" },
		{ "group", "by" },
		{ "group-by", "by" },
		{ "in", "input" },
		{ "input-tokens", "input" },
		{ "last", "since" },
		{ "letter", "paper" },
		{ "month", "period" },
		{ "number", "limit" },
		{ "out", "output" },
		{ "output-tokens", "output" },
		{ "price", "prices" },
		{ "prompt", "input" },
		{ "prompt-tokens", "prompt" },
		{ "prompt-tokens", "input" },
		{ "range", "period" },
		{ "requests", "per-day" },
		{ "session-length", "hours" },
		{ "silent", "quiet" },
		{ "sort", "order" },
		{ "start", "since" },
		{ "team", "customer" },
		{ "to", "scenario" },
		{ "to", "until" },
		{ "top", "limit" },
		{ "tz", "timezone" },
		{ "until", "by" },
		{ "user", "customer" },
		{ "vendor", "provider" },
		{ "when", "at" },
		{ "write", "output" },
		{ "zone", "timezone" },
	};
	for (size_t k = 0; k < sizeof words / sizeof *words; k++)
		if (text_is(typed, words[k][0]) && i-- == 0)
			return words[k][1];
	return NULL;
}

static const char *const reports[] = { "daily", "weekly",   "monthly", "session",    "blocks",
				       "today", "overview", "live",    "statusline", NULL };

static bool is_report(const char *command)
{
	int i = 0;
	while (reports[i] && strcmp(reports[i], command) != 0)
		i++;
	return reports[i] != NULL;
}

/* Of these the answer is about reports, and elsewhere the name means another thing. */
static bool is_of_reports(struct text typed)
{
	static const char *const names[] = { "b", "breakdown", "d", "m" };
	bool is = false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		is |= text_is(typed, names[i]);
	return is;
}

const char *elsewhere_hint(const char *command, struct text typed)
{
	static const char *const hints[][PAIR] = {
		{ "by-agent",
		  "`tally codex daily` has one agent; --json lists the models of each row" },
		{ "color", "colours are never needed to read what is printed" },
		{ "config", "name a file of settings with $TALLY_CONFIG; see `tally config`" },
		{ "context-low-threshold", "that is an option of `tally statusline`" },
		{ "context-medium-threshold", "that is an option of `tally statusline`" },
		{ "debug", "calls without a price are named below each table; `tally explain ID` "
			   "shows one call, `tally sources` what is read" },
		{ "b", "--json lists the models of each row" },
		{ "breakdown", "--json lists the models of each row" },
		{ "d", "calls without a price are named below each table; `tally explain ID` shows "
		       "one call" },
		{ "debug-samples", "`tally records --unpriced` lists calls" },
		{ "html", "`tally migrate`, `plan` and `decide` write --format html or pdf with -o "
			  "FILE; `whatif` and `cascade` have --html FILE" },
		{ "id", "`tally session --id ID` is one session" },
		{ "jq", "print --json and pipe it into jq" },
		{ "live", "`tally live` is the running view" },
		{ "locale", "dates are always 2026-08-30 and numbers 1,234.5" },
		{ "m", "every report is of all models; `tally daily --model NAME` is of one" },
		{ "mode",
		  "amounts are always computed from tokens; `tally reconcile` compares them "
		  "with what a vendor billed" },
		{ "no-cost", "in --csv the cost is the column `total`, which can be cut away" },
		{ "no-offline", "`tally price update` installs newer prices" },
		{ "project-aliases",
		  "projects are named by their last folder; --json has the whole path" },
		{ "refresh-interval", "`tally live --interval` is the running view" },
		{ "sections",
		  "run `tally daily`, `weekly`, `monthly` and `session` one after another; "
		  "a second look takes milliseconds" },
		{ "self-host",
		  "`tally whatif` compares with machines of your own (docs/whatif.md)" },
		{ "single-thread", "answers do not depend on the number of threads" },
		{ "speed", "the service tier that a log states is priced by itself" },
		{ "v", "`tally --version` prints the version" },
		{ "version", "`tally --version` prints the version" },
		{ "start-of-week", "weeks begin on Monday (ISO 8601)" },
	};
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if (text_is(typed, hints[i][0]))
			return is_of_reports(typed) && !is_report(command) ? NULL : hints[i][1];
	return NULL;
}

const char *elsewhere_member(const char *typed, int i)
{
	static const char *const words[][PAIR] = {
		{ "add", "set" },	   { "add", "install" },    { "set", "install" },
		{ "buy", "top-up" },	   { "create", "draft" },   { "delete", "clear" },
		{ "forecast", "balance" }, { "get", "show" },	    { "give", "grant" },
		{ "info", "show" },	   { "issue", "finalize" }, { "list", "status" },
		{ "ls", "list" },	   { "ls", "status" },	    { "new", "draft" },
		{ "print", "show" },	   { "remove", "clear" },   { "rm", "clear" },
		{ "show", "list" },	   { "show", "status" },    { "status", "list" },
		{ "topup", "top-up" },	   { "upgrade", "update" }, { "usage", "ledger" },
		{ "view", "show" },
	};
	for (size_t k = 0; k < sizeof words / sizeof *words; k++)
		if (strcmp(words[k][0], typed) == 0 && i-- == 0)
			return words[k][1];
	return NULL;
}

const char *elsewhere_asked(const char *family)
{
	static const char *const of_a_name[][PAIR] = {
		{ "budget", "budget set" },	{ "config", "config set" },
		{ "credit", "credit balance" }, { "invoice", "invoice draft" },
		{ "limit", "limit set" },	{ "price", "price show" },
	};
	for (size_t i = 0; i < sizeof of_a_name / sizeof *of_a_name; i++)
		if (strcmp(of_a_name[i][0], family) == 0)
			return of_a_name[i][1];
	return NULL;
}

int elsewhere_agent(int argc, char **argv)
{
	static char path[64], daily[] = "daily";
	if (argc < 1 || !places_agent(argv[0]))
		return argc;
	snprintf(path, sizeof path, "%s%s", PLACES_OF_AGENTS, argv[0]);
	if (argc > 1 && is_report(argv[1])) {
		memmove(argv, argv + 1, (size_t)(argc - 1) * sizeof *argv);
		argc--;
	} else {
		argv[0] = daily;
	}
	if (strcmp(argv[0], "statusline") != 0) /* it has one source, the pipe */
		argv[argc++] = path;
	return argc;
}
