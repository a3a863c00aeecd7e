#include "cli/elsewhere.h"

#include <stdio.h>
#include <string.h>

#include "meter/read/places.h"

enum { PAIR = 2 };

static const char *const commands[][PAIR] = {
	{ "accounts", "credit accounts" },
	{ "add", "ingest" },
	{ "agents", "sources" },
	{ "agy", "antigravity" },
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
	{ "cheapest", "cost MODEL MODEL" },
	{ "check", "fsck" },
	{ "claude-code", "claude" },
	{ "completion", "help --completion bash" },
	{ "completions", "help --completion bash" },
	{ "compare", "cost MODEL MODEL` or `tally whatif FILE" },
	{ "copilot-cli", "copilot" },
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
	{ "factory", "droid" },
	{ "gemini-cli", "gemini" },
	{ "hit-rate", "usage --by model --hits" },
	{ "hits", "usage --by model --hits" },
	{ "import", "ingest" },
	{ "init", "db init" },
	{ "invoices", "invoice list" },
	{ "kimi-code", "kimi" },
	{ "limits", "limit list" },
	{ "list", "records" },
	{ "load", "ingest" },
	{ "log", "records" },
	{ "login", "token" },
	{ "logs", "sources" },
	{ "man", "help" },
	{ "manual", "help" },
	{ "model", "price show" },
	{ "models", "price list" },
	{ "monitor", "live" },
	{ "migration", "migrate" },
	{ "month", "monthly" },
	{ "move", "db move" },
	{ "months", "monthly" },
	{ "pi-agent", "pi" },
	{ "plans", "credit plan" },
	{ "predict", "forecast" },
	{ "prices", "price list" },
	{ "pricing", "price list" },
	{ "project", "forecast" },
	{ "projects", "usage --by project" },
	{ "qwen-code", "qwen" },
	{ "rates", "price list" },
	{ "report", "usage" },
	{ "roo-code", "roo" },
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
	{ "total", "usage" },
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

#define REPORTS "" /* every one of them, where a row says so */
/* What to do instead of an option: OF one command, of the reports, or (NULL) of any. */
static const struct hint {
	const char *of, *typed, *says;
} hints[] = {
	{ REPORTS, "b", "--json lists the models of each row" },
	{ "cost", "batch", "write --service-tier batch" },
	{ NULL, "batch", "--scenario batch:MODEL makes the calls in batches" },
	{ REPORTS, "breakdown", "--json lists the models of each row" },
	{ REPORTS, "by",
	  "`tally usage --by day,model` groups as you like, and `tally daily --breakdown` adds a row for each model" },
	{ NULL, "by-agent",
	  "`tally codex daily` has one agent; --json lists the models of each row" },
	{ NULL, "color", "colours are never needed to read what is printed" },
	{ NULL, "config", "name a file of settings with $TALLY_CONFIG; see `tally config`" },
	{ NULL, "context-low-threshold", "that is an option of `tally statusline`" },
	{ NULL, "context-medium-threshold", "that is an option of `tally statusline`" },
	{ NULL, "cost", "every table has the cost; --order cost sorts by it" },
	{ NULL, "credits", "--plan PLAN adds credits (`tally credit plan` lists the plans)" },
	{ "amend", "customer", "write --set customer=NAME" },
	{ REPORTS, "d",
	  "calls without a price are named below each table; `tally explain ID` shows one call" },
	{ "forecast", "days", "--until DATE is the last day of the forecast" },
	{ NULL, "debug",
	  "calls without a price are named below each table; `tally explain ID` shows one call, `tally sources` what is read" },
	{ NULL, "debug-samples", "`tally records --unpriced` lists calls" },
	{ NULL, "email", "records know customers and projects: --customer NAME" },
	{ NULL, "filter", "--customer, --project and --model narrow a report" },
	{ "export", "format", "the format is the first word: tally export csv" },
	{ "usage", "html", "write --format html -o FILE" },
	{ NULL, "html",
	  "`tally usage`, `migrate`, `plan` and `decide` write --format html or pdf with -o FILE; `whatif` and `cascade` have --html FILE" },
	{ NULL, "id", "`tally session --id ID` is one session" },
	{ "amend", "input", "write --set input=N" },
	{ NULL, "jq", "print --json and pipe it into jq" },
	{ "session", "last", "--limit N shows N sessions, --since 7d those of a week" },
	{ NULL, "last", "write --since 7d for seven days, --limit N for N rows" },
	{ NULL, "live", "`tally live` is the running view" },
	{ NULL, "locale", "dates are always 2026-08-30 and numbers 1,234.5" },
	{ REPORTS, "m", "every report is of all models; `tally daily --model NAME` is of one" },
	{ NULL, "mode",
	  "amounts are always computed from tokens; `tally reconcile` compares them with what a vendor billed" },
	{ "amend", "model", "write --set model=NAME" },
	{ NULL, "n", "--limit N shows N rows" },
	{ NULL, "no-cost", "in --csv the cost is the column `total`, which can be cut away" },
	{ NULL, "no-offline", "`tally price update` installs newer prices" },
	{ "amend", "output", "write --set output=N" },
	{ "plan", "per-hour", "--per-day N is the work of a day, --hours 9-17 when it is done" },
	{ "plan", "per-month",
	  "--per-day N is the work of a day: a thirtieth of a month's, or a twentieth with --weekdays mon-fri" },
	{ "plan", "per-week", "--per-day N is the work of a day: a seventh of a week's" },
	{ "serve", "port", "write --listen 127.0.0.1:PORT" },
	{ "amend", "project", "write --set project=NAME" },
	{ NULL, "project-aliases",
	  "projects are named by their last folder; --json has the whole path" },
	{ NULL, "refresh-interval", "`tally live --interval` is the running view" },
	{ NULL, "sections",
	  "run `tally daily`, `weekly`, `monthly` and `session` one after another; a second look takes milliseconds" },
	{ NULL, "self-host", "`tally whatif` compares with machines of your own (docs/whatif.md)" },
	{ NULL, "single-thread", "answers do not depend on the number of threads" },
	{ NULL, "speed", "the service tier that a log states is priced by itself" },
	{ NULL, "start-of-week", "weeks begin on Monday (ISO 8601)" },
	{ "forecast", "to", "--move MODEL is where the work moves to, --until DATE the last day" },
	{ NULL, "v", "`tally --version` prints the version" },
	{ NULL, "version", "`tally --version` prints the version" },
	{ NULL, "where", "--customer, --project and --model narrow a report" },
};

const char *elsewhere_hint(const char *command, struct text typed)
{
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if (text_is(typed, hints[i].typed) &&
		    (!hints[i].of ||
		     (*hints[i].of ? strcmp(hints[i].of, command) == 0 : is_report(command))))
			return hints[i].says;
	return NULL;
}

const char *elsewhere_member(const char *typed, int i)
{
	static const char *const words[][PAIR] = {
		{ "add", "set" },	 { "add", "install" },	    { "add", "grant" },
		{ "history", "ledger" }, { "list", "accounts" },    { "ls", "accounts" },
		{ "spend", "draw" },	 { "use", "draw" },	    { "download", "show" },
		{ "set", "install" },	 { "buy", "top-up" },	    { "create", "draft" },
		{ "delete", "clear" },	 { "forecast", "balance" }, { "get", "show" },
		{ "give", "grant" },	 { "email", "show" },	    { "send", "show" },
		{ "pdf", "show" },	 { "info", "show" },	    { "issue", "finalize" },
		{ "list", "status" },	 { "ls", "list" },	    { "ls", "status" },
		{ "new", "draft" },	 { "print", "show" },	    { "remove", "clear" },
		{ "rm", "clear" },	 { "show", "list" },	    { "show", "status" },
		{ "status", "list" },	 { "topup", "top-up" },	    { "upgrade", "update" },
		{ "usage", "ledger" },	 { "view", "show" },	    { "refund", "post" },
		{ "deduct", "draw" },	 { "revoke", "void" },	    { "cancel", "void" },
		{ "reserve", "hold" },
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
