#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "reports/table.h"

enum {
	WIDTH = 78,
	EXAMPLE_INDENT = 2,
	OPTION_COLUMN = 31,
	MANUAL_WIDTH = 70
}; /* where the text of an option begins */

static int width_of(FILE *out)
{
	return out == stdout && table_room(WIDTH) < WIDTH ? table_room(WIDTH) : WIDTH;
}

/* Text wrapped at 78 columns, or as many as the terminal has, of which the first line has reached
 * `column` already; further lines begin at `indent`. */
static void put_hanging(FILE *out, const char *text, int column, int indent)
{
	const int width = width_of(out);
	while (*text) {
		size_t n = strcspn(text, " \n");
		if (column && column + 1 + (int)n > width) {
			fputc('\n', out);
			column = 0;
		}
		if (column == 0) {
			fprintf(out, "%*s", indent, "");
			column = indent;
		} else {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)n, text);
		column += (int)n;
		text += n;
		if (*text == '\n') {
			fputc('\n', out);
			column = 0;
			text++;
		} else if (*text == ' ') {
			text++;
		}
	}
	if (column)
		fputc('\n', out);
}

/* The end of the longest part of a line of shell that fits, at a space outside quotes that does not
 * part an option from its value; the whole line where there is none. */
static size_t part_of_line(const char *line, size_t whole, size_t fits)
{
	size_t end = whole, word = 0;
	char quote = 0;
	for (size_t i = 0; whole > fits && i < whole && (i + 2 <= fits || end == whole); i++) {
		if (quote ? line[i] == quote : line[i] == '\'' || line[i] == '"')
			quote = quote ? 0 : line[i];
		if (line[i] != ' ' || quote)
			continue;
		if (i > EXAMPLE_INDENT && (line[word] != '-' || line[i + 1] == '-'))
			end = i;
		word = i + 1;
	}
	return end;
}

/* Lines of shell, those that are too wide going on behind a backslash. */
static void put_examples(struct buf *out, const char *text, int width)
{
	while (*text) {
		size_t whole = strcspn(text, "\n"), indent = 0;
		for (size_t n; whole; text += n, whole -= n, indent = 2 * EXAMPLE_INDENT) {
			n = part_of_line(text, whole, (size_t)width - indent);
			buf_printf(out, "%*s%.*s%s\n", (int)indent, "", (int)n, text,
				   n < whole ? " \\" : "");
			n += n < whole;
		}
		text += *text == '\n';
	}
}

static void put_wrapped(FILE *out, const char *text, int indent)
{
	put_hanging(out, text, 0, indent);
}

/* A letter that a command has for another option is not told of a common one. */
static bool has_letter(const struct command *c, const struct option *o)
{
	return o->letter && cli_option_of_letter(c, o->letter) == o;
}

static void put_option(FILE *out, const struct command *c, const struct option *o)
{
	char left[80];
	char letter[8] = "";
	if (has_letter(c, o))
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	int n = snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->argument ? " " : "",
			 o->argument ? o->argument : "");
	bool narrow = n > OPTION_COLUMN - 2;
	fprintf(out, "%-*s%s", OPTION_COLUMN - 1, left, narrow ? "\n" : "");
	put_hanging(out, o->help, narrow ? 0 : OPTION_COLUMN - 1, OPTION_COLUMN);
}

static void put_options(FILE *out, const struct command *c, enum option_group group,
			const char *title)
{
	const struct option *o;
	bool any = false;
	for (int i = 0; (o = cli_option_at(c, i)); i++) {
		if (o->group != group)
			continue;
		if (!any)
			fprintf(out, "\n%s:\n", title);
		any = true;
		put_option(out, c, o);
	}
}

void cli_print_help(const struct command *c, FILE *out)
{
	static const char *const titles[] = {
#define X(id, title) [id] = title,
		OPTION_GROUPS(X)
#undef X
	};
	char line[200];
	snprintf(line, sizeof line, "tally %s - %s", c->name, c->summary);
	put_wrapped(out, line, 0);
	fprintf(out, "\nUsage: tally %s [options]%s%s\n\n", c->name, *c->arguments ? " " : "",
		c->arguments);
	put_wrapped(out, c->description, 0);
	for (enum option_group g = 0; g < OPTION_GROUP_COUNT; g++)
		put_options(out, c, g, titles[g]);
	if (c->examples) {
		struct buf lines = { 0 };
		put_examples(&lines, c->examples, width_of(out));
		fprintf(out, "\nExamples:\n%s", lines.p);
		buf_release(&lines);
	}
}

/* The ten lines that matter first, each with what it answers. */
static const char *const first_ten[][2] = {
	{ "tally", "what your coding agents cost today, this week and this month, by model" },
	{ "tally daily --last 7", "the same by day; also: weekly, monthly, session, blocks" },
	{ "tally cost MODEL --input 2000 --output 300", "what a call costs, and why" },
	{ "tally price show MODEL", "a model's price, its source, and since when it holds" },
	{ "tally plan --per-day 10k --input 300 --output 150 -m MODEL",
	  "what future work will cost" },
	{ "tally migrate --to MODEL", "what your recorded work would cost there, as a report" },
	{ "tally ingest FILE...", "store usage, each call once" },
	{ "tally usage --by customer,model", "who used how much of the stored usage" },
	{ "tally budget set all --amount 100; tally forecast", "when the money runs out" },
	{ "tally invoice draft NAME --period last-month",
	  "what a customer owes, in credits or money" },
};

static void put_summary(FILE *out, const struct command *c)
{
	fprintf(out, "  %-18s", c->name);
	put_hanging(out, c->summary, 20, 21);
}

/* The commands by what people come for, the ones that matter first in each. */
static void put_groups(FILE *out)
{
	static const char *const titles[] = {
#define X(id, title) [id##_GROUP] = title,
		HELP_GROUPS(X)
#undef X
	};
	int group = -1;
	for (const struct command *c = cli_commands(); c->name; c++) {
		if (c->place / HELP_PLACES != group) {
			group = c->place / HELP_PLACES;
			fprintf(out, "\n%s\n", titles[group]);
		}
		put_summary(out, c);
	}
}

void cli_print_overview(FILE *out)
{
	put_wrapped(out,
		    "tally - what language-model calls cost, exactly, in money and in credits\n\n"
		    "Usage: tally COMMAND [options] [arguments]",
		    0);
	fputs("\nStart here:\n", out);
	for (size_t i = 0; i < sizeof first_ten / sizeof *first_ten; i++) {
		fprintf(out, "  %s\n", first_ten[i][0]);
		put_wrapped(out, first_ten[i][1], 6);
	}
	put_groups(out);
	fputc('\n', out);
	put_wrapped(
		out,
		"`tally help COMMAND` explains a command with examples; `tally help credit` lists "
		"a family.\n\n"
		"Exit status: 0 done; 1 failed; 2 wrong usage; 3 done, but some records are "
		"unpriced or refused, and totals are lower bounds; 4 over budget or out of "
		"credit; 5 two things that must match do not.",
		0);
}

int cli_print_family(const char *family, FILE *out)
{
	size_t n = strlen(family);
	int found = 0;
	for (const struct command *c = cli_commands(); c->name; c++)
		if (strncmp(c->name, family, n) == 0 && c->name[n] == ' ') {
			put_summary(out, c);
			found++;
		}
	return found;
}

/* roff escapes */
static void put_roff(FILE *out, const char *s)
{
	bool start = true;
	for (; *s; s++) {
		if (start && (*s == '.' || *s == '\''))
			fputs("\\&", out);
		if (*s == '\\')
			fputs("\\e", out);
		else if (*s == '-')
			fputs("\\-", out);
		else
			fputc(*s, out);
		start = *s == '\n';
	}
}

/* What is read beside the command line: the manual's ENVIRONMENT and FILES. */
static const char *const environment[][2] = {
	{ "TALLY_DB", "The database where no --db is given: a file, or postgresql://..." },
	{ "TALLY_CONFIG", "The file of settings; empty: none. See tally config." },
	{ "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_CACHE_HOME",
	  "Where settings, the database and what was read of logs are kept." },
	{ "XDG_STATE_HOME", "Where what agents say of their quotas is kept." },
	{ "TALLY_PRICES", "Price cards of your own, a file or a folder, as with --prices." },
	{ "TALLY_PRICES_URL", "Where tally price update looks for newer prices." },
	{ "TZ", "The zone of days and hours where neither --timezone nor a setting names one." },
	{ "NO_COLOR", "Set: no colours, as with --no-color." },
	{ "CLAUDE_CONFIG_DIR, CODEX_HOME",
	  "Where these agents keep their logs, as the agents read it. tally sources shows every "
	  "place." },
};
static const char *const files[][2] = {
	{ "~/.config/tally/config.json", "Settings." },
	{ "~/.local/share/tally/tally.db", "The database." },
	{ "~/.cache/tally", "What was read of agents' logs; may be removed." },
	{ "~/.local/state/tally/quota.jsonl", "What agents said of their quotas." },
};

static void put_environment(FILE *out)
{
	fputs(".SH ENVIRONMENT\n", out);
	for (size_t i = 0; i < sizeof environment / sizeof *environment; i++) {
		fprintf(out, ".TP\n.B %s\n", environment[i][0]);
		put_roff(out, environment[i][1]);
		fputc('\n', out);
	}
	fputs(".SH FILES\n", out);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		fprintf(out, ".TP\n.I %s\n", files[i][0]);
		put_roff(out, files[i][1]);
		fputc('\n', out);
	}
}

void cli_print_manual(FILE *out)
{
	fputs(".TH TALLY 1\n.SH NAME\ntally \\- what language-model calls cost, exactly, in money "
	      "and in credits\n"
	      ".SH SYNOPSIS\n.B tally\n.I COMMAND\n[options] [arguments]\n.SH COMMANDS\n",
	      out);
	for (const struct command *c = cli_commands(); c->name; c++) {
		fprintf(out, ".SS tally %s %s\n", c->name, c->arguments);
		put_roff(out, c->summary);
		fputs(".\n.PP\n", out);
		put_roff(out, c->description);
		fputc('\n', out);
		const struct option *o;
		for (int k = 0; (o = cli_option_at(c, k)); k++) {
			fputs(".TP\n.B ", out);
			if (has_letter(c, o))
				fprintf(out, "\\-%c, ", o->letter);
			fprintf(out, "\\-\\-%s%s%s\n", o->name, o->argument ? " " : "",
				o->argument ? o->argument : "");
			put_roff(out, o->help);
			fputc('\n', out);
		}
		if (c->examples) {
			struct buf lines = { 0 };
			put_examples(&lines, c->examples, MANUAL_WIDTH);
			fputs(".PP\n.nf\n", out);
			put_roff(out, lines.p);
			fputs(".fi\n", out);
			buf_release(&lines);
		}
	}
	put_environment(out);
	fputs(".SH ERRORS\nWith \\-\\-json an error is also printed as "
	      "{\"error\":{\"code\",\"message\"}}. The codes:\n",
	      out);
	static const enum err_code codes[] = {
#define X(code, name, exit_status, http_status, meaning) code,
		ERR_CODES(X)
#undef X
	};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		fprintf(out, ".TP\n.B %s\n", err_name(codes[i]));
		put_roff(out, err_meaning(codes[i]));
		fprintf(out, " (exit status %d)\n", err_exit_status(codes[i]));
	}
}
