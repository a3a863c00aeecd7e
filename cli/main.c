#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/elsewhere.h"
#include "reports/table.h"

#ifndef TALLY_VERSION
#define TALLY_VERSION "0.0.0"
#endif

static bool has_reported; /* why it failed */

static int report_error(const struct err *e, bool json)
{
	has_reported = true;
	fflush(stdout);
	print_notice("tally: %s\n", e->message);
	if (json) {
		struct buf b = { 0 };
		buf_printf(&b, "{\"error\":{\"code\":\"%s\",\"message\":", err_name(e->code));
		json_put_string(&b, text_of(e->message));
		buf_puts(&b, "}}\n");
		plain_write(stdout, (struct text){ b.p, b.n });
		buf_release(&b);
	}
	return err_exit_status(e->code);
}

/* The command whose words stand at argv, the longer name first; *used is how many. */
static const struct command *find_command(int argc, char **argv, int *used)
{
	const struct command *found = NULL;
	for (const struct command *c = cli_commands(); c->name; c++) {
		const char *space = strchr(c->name, ' ');
		size_t n = space ? (size_t)(space - c->name) : strlen(c->name);
		if (argc < 1 || strlen(argv[0]) != n || memcmp(argv[0], c->name, n) != 0)
			continue;
		if (!space && !found) {
			*used = 1;
			found = c;
		} else if (space && argc > 1 && strcmp(argv[1], space + 1) == 0) {
			*used = 2;
			return c;
		}
	}
	return found;
}

/* The command whose name, or first word, differs least from what was typed, or the only one whose
 * second word it is; NULL when there is none. */
static const char *nearest_command(const char *typed)
{
	struct text_nearest x = { .typed = text_of(typed) };
	const char *near = NULL, *of_family = NULL;
	int families = 0;
	for (const struct command *c = cli_commands(); c->name; c++) {
		const struct text word = { c->name, strcspn(c->name, " ") };
		text_nearest_try(&x, word);
		near = x.name.p == word.p ? c->name : near;
		if (c->name[word.n] && strcmp(c->name + word.n + 1, typed) == 0) {
			of_family = c->name;
			families++;
		}
	}
	text_nearest_try(&x, TEXT("help"));
	/* "statement" is a word of one family alone */
	return text_is(x.name, "help") ? "help" : near ? near : families == 1 ? of_family : NULL;
}

/* "price --help": the commands of that first word, with what each does; false: there are none. */
static bool print_family(const char *first)
{
	const size_t n = strlen(first);
	bool any = false;
	for (const struct command *c = cli_commands(); c->name; c++) {
		if (strncmp(c->name, first, n) != 0 || c->name[n] != ' ')
			continue;
		if (!any)
			printf("Usage: tally %s COMMAND [options]\n\n", first);
		printf("  %-18s %s\n", c->name, c->summary);
		any = true;
	}
	if (any)
		printf("\nSee `tally %s COMMAND --help`.\n", first);
	return any;
}

static bool is_command(const char *name)
{
	const struct command *c = cli_commands();
	while (c->name && strcmp(c->name, name) != 0)
		c++;
	return c->name != NULL;
}

enum { MEMBER_MAX = 100 };
/* The command of a family (price, invoice) that `typed` may mean: a word like one of its own, a
 * word of other programs, or a name to ask it about ("show gpt-5"); empty: none. */
static void nearest_member(char out[MEMBER_MAX], const char *family, const char *typed)
{
	const size_t n = strlen(family);
	const char *word, *asked = elsewhere_asked(family);
	struct text_nearest x = { .typed = text_of(typed) };
	*out = 0;
	for (const struct command *c = cli_commands(); c->name; c++)
		if (strncmp(c->name, family, n) == 0 && c->name[n] == ' ')
			text_nearest_try(&x, text_of(c->name + n + 1));
	if (x.name.n)
		snprintf(out, MEMBER_MAX, "%s %.*s", family, (int)x.name.n, x.name.p);
	for (int i = 0; !*out && (word = elsewhere_member(typed, i)); i++) {
		snprintf(out, MEMBER_MAX, "%s %s", family, word);
		*out = is_command(out) ? *out : 0;
	}
	if (!*out && asked)
		snprintf(out, MEMBER_MAX, "%s %.60s", asked, typed);
}

static void unknown_member(const char *family, const char *typed, const char *all, struct err *e)
{
	char near[MEMBER_MAX];
	nearest_member(near, family, typed);
	if (*near)
		err_set(e, ERR_USAGE,
			"there is no command 'tally %s %s'; did you mean `tally %s`? (`tally help "
			"%s` lists them)",
			family, typed, near, family);
	else
		err_set(e, ERR_USAGE, "there is no command 'tally %s %s'; there are: %s", family,
			typed, all);
}

/* The first word that is a file: an unknown word before it, or it alone, asks what is in it. */
static const char *first_file(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (argv[i][0] != '-' && access(argv[i], F_OK) == 0)
			return argv[i];
	return NULL;
}

/* "price" alone, or with an unknown second word: the list of what there is. */
static int unknown_command(int argc, char **argv, bool json)
{
	struct err e;
	struct buf family = { 0 };
	const char *near, *file = first_file(argc, argv);
	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	     strcmp(argv[1], "help") == 0) &&
	    print_family(argv[0]))
		return 0;
	for (const struct command *c = cli_commands(); c->name; c++) {
		const char *space = strchr(c->name, ' ');
		if (space && strlen(argv[0]) == (size_t)(space - c->name) &&
		    memcmp(c->name, argv[0], (size_t)(space - c->name)) == 0)
			buf_printf(&family, "%s%s", family.n ? ", " : "", space + 1);
	}
	if (family.n && (argc < 2 || argv[1][0] == '-'))
		err_set(&e, ERR_USAGE,
			"`tally %s` needs one of: %s (`tally help %s` explains them)", argv[0],
			family.p, argv[0]);
	else if (family.n)
		unknown_member(argv[0], argv[1], family.p, &e);
	else if ((near = elsewhere_command(argv[0])) ||
		 (file != argv[0] && (near = nearest_command(argv[0]))))
		err_set(&e, ERR_USAGE, "there is no command '%s'; did you mean `tally %s`?",
			argv[0], near);
	else if (file)
		err_set(&e, ERR_USAGE, "there is no command '%s'; did you mean `tally replay %s`?",
			argv[0], file);
	else
		err_set(&e, ERR_USAGE, "there is no command '%s'; see `tally help`", argv[0]);
	buf_release(&family);
	return report_error(&e, json);
}

/* The first word of commands ("credit") that differs least from what was typed; empty: none. */
static struct text nearest_family(const char *typed)
{
	struct text_nearest x = { .typed = text_of(typed) };
	for (const struct command *c = cli_commands(); c->name; c++)
		text_nearest_try(&x, (struct text){ c->name, strcspn(c->name, " ") });
	return x.name;
}

static int help(int argc, char **argv)
{
	struct text near;
	int used;
	if (argc < 1 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
		cli_print_overview(stdout);
		return 0;
	}
	if (strcmp(argv[0], "--manual") == 0) {
		cli_print_manual(stdout);
		return 0;
	}
	if (strcmp(argv[0], "--completion") == 0) {
		struct err e;
		int rc = cli_print_completion(argc > 1 ? argv[1] : "bash", stdout, &e);
		return rc < 0 ? report_error(&e, false) : 0;
	}
	if (strcmp(argv[0], "--candidates") == 0) {
		cli_print_candidates(argc - 1, argv + 1, stdout);
		return 0;
	}
	const struct command *c = find_command(argc, argv, &used);
	if (!c && argc == 1 && cli_print_family(argv[0], stdout))
		return 0;
	if (!c && argc == 1 && (near = nearest_family(argv[0])).n) {
		struct err e;
		err_set(&e, ERR_USAGE, "there is no command '%s'; did you mean `tally help %.*s`?",
			argv[0], (int)near.n, near.p);
		return report_error(&e, false);
	}
	if (!c)
		return unknown_command(argc, argv, false);
	cli_print_help(c, stdout);
	return 0;
}

static const struct command *command_named(const char *name)
{
	char room[16], *words[1] = { room };
	int used;
	snprintf(room, sizeof room, "%s", name);
	return find_command(1, words, &used);
}

/* Whether the command takes these options. */
static bool takes(const char *command, int argc, char **argv)
{
	char **copy = mem_zalloc((size_t)argc * sizeof *copy);
	struct cli cli;
	struct err none;
	memcpy(copy, argv, (size_t)argc * sizeof *copy);
	const int rc = cli_parse(&cli, command_named(command), argc, copy, &none);
	free(copy);
	return rc >= 0;
}

/* Where, behind options, the words of a command begin: not what is the value of an option, nor a
 * file; 0: nowhere. */
static int command_behind(int argc, char **argv)
{
	int used;
	for (int i = 1; i < argc; i++) {
		const struct command *const of[] = { find_command(argc - i, argv + i, &used),
						     command_named("overview"),
						     command_named("daily") };
		bool value = false;
		for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
			const struct option *o = cli_option_typed(of[k], argv[i - 1]);
			value |= o && o->argument;
		}
		if (of[0] && !value && access(argv[i], F_OK) != 0)
			return i;
	}
	return 0;
}

/* "--json usage" as "usage --json". */
static void put_first(int argc, char **argv, int command)
{
	char **before = mem_zalloc((size_t)argc * sizeof *before);
	memcpy(before, argv, (size_t)command * sizeof *before);
	memmove(argv, argv + command, (size_t)(argc - command) * sizeof *argv);
	memcpy(argv + argc - command, before, (size_t)command * sizeof *argv);
	free(before);
}

/* The command that the words name, or `report` with them as its options. */
static int run_words(int argc, char **argv, const char *report, bool json)
{
	struct err e = { 0 };
	struct cli cli;
	int used;
	char name[16], **words = mem_zalloc((size_t)(argc + 3) * sizeof *words);
	snprintf(name, sizeof name, "%s", report ? report : "");
	if (report)
		words[0] = name;
	memcpy(words + (report != NULL), argv, (size_t)argc * sizeof *words);
	argc = elsewhere_agent(argc + (report != NULL), words);
	const struct command *c = find_command(argc, words, &used);
	if (!c) {
		free(words);
		return unknown_command(argc, argv, json);
	}
	int rc = cli_parse(&cli, c, argc - used, words + used, &e);
	if (rc == 1)
		cli_print_help(c, stdout);
	else if (rc == 0)
		rc = c->run(&cli, &e);
	free(words);
	if (cli.helped)
		return 0;
	return rc < 0 ? report_error(&e, json) : rc;
}

static int run(int argc, char **argv)
{
	bool json = false;
	for (int i = 0; i < argc; i++)
		json |= strcmp(argv[i], "--json") == 0;
	if (argc < 1)
		return run_words(argc, argv, "overview", json);
	if (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0 ||
	    strcmp(argv[0], "-h") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(argv[0], "version") == 0 || strcmp(argv[0], "--version") == 0 ||
	    strcmp(argv[0], "-v") == 0 || strcmp(argv[0], "-V") == 0) {
		puts("tally " TALLY_VERSION);
		return 0;
	}
	if (text_distance(text_of(argv[0]), TEXT("--version"), 3) <= 2) {
		print_notice("tally: there is no option '%s'; did you mean '--version'?\n",
			     argv[0]);
		return 2;
	}
	if (argv[0][0] != '-')
		return run_words(argc, argv, NULL, json);
	/* options alone are of the short reports: the first that has them */
	const int behind = command_behind(argc, argv);
	const char *report = takes("overview", argc, argv) ? "overview" : "daily";
	if (behind)
		put_first(argc, argv, behind);
	return run_words(argc, argv, behind ? NULL : report, json);
}

/* A file that was looked into has become shorter, or its disk has failed: nothing goes on from
 * there. */
static void file_failed(int signal)
{
	static const char why[] = "tally: a file was cut off while it was in use, or its disk "
				  "failed; what was committed is kept\n";
	(void)signal;
	const ssize_t written = write(STDERR_FILENO, why, sizeof why - 1);
	(void)written;
	_exit(1);
}

int main(int argc, char **argv)
{
	/* a reader that goes away ends us quietly; a full disk does not, nor a file that may not
	 * grow (ulimit -f) */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGBUS, file_failed);
	table_use_locale();
	err_name_options(true);
	int status = run(argc - 1, argv + 1);
	/* what was refused is tried once more, and says why again */
	const bool flushed = fflush(stdout) == 0;
	if (flushed && !ferror(stdout))
		return status;
	if (!has_reported)
		print_notice("tally: could not write the output%s%s\n",
			     flushed ? "; a part of it is missing" : ": ",
			     flushed ? "" : strerror(errno));
	return 1;
}
