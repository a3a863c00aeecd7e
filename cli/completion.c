#include "cli/completion.h"

#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "meter/store/store_names.h"
#include "pricing/plan.h"

int cli_print_completion(const char *shell, FILE *out, struct err *e)
{
	static const char *const scripts[][2] = {
		{ "bash", "# bash completion for tally\n_tally() {\n"
			  "\tmapfile -t COMPREPLY < <(tally help --candidates "
			  "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n}\n"
			  "complete -o default -o bashdefault -F _tally tally\n" },
		{ "zsh", "#compdef tally\n_tally() {\n\tlocal -a found\n"
			 "\tfound=(${(f)\"$(tally help --candidates \"${(@)words[2,CURRENT]}\" "
			 "2>/dev/null)\"})\n"
			 "\tif (( $#found )); then compadd -- $found; else _files; fi\n}\n"
			 "compdef _tally tally\n" },
		{ "fish", "# fish completion for tally\nfunction __tally_candidates\n"
			  "\tset -l words (commandline -opc) (commandline -ct)\n"
			  "\ttally help --candidates $words[2..-1] 2>/dev/null\nend\n"
			  "complete -c tally -a '(__tally_candidates)'\n" },
	};
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		if (strcmp(scripts[i][0], shell) == 0) {
			fputs(scripts[i][1], out);
			return 0;
		}
	return err_set(e, ERR_USAGE, "no completion for '%s'; there are: bash, zsh, fish", shell);
}

struct offer {
	FILE *out;
	struct text begun;
	struct dict seen; /* each once */
};

static void offer(void *user, struct text name)
{
	struct offer *o = user;
	bool is_new;
	if (name.n < o->begun.n || memcmp(name.p, o->begun.p, o->begun.n) != 0)
		return;
	dict_need(&o->seen, name, &is_new);
	if (is_new)
		fprintf(o->out, "%.*s\n", (int)name.n, name.p);
}

/* First words of commands, each once, or the second words of a family. */
static void offer_commands(struct offer *o, const char *family)
{
	const struct command *all = cli_commands();
	const size_t n = family ? strlen(family) : 0;
	for (const struct command *c = all; c->name; c++) {
		const size_t first = strcspn(c->name, " ");
		bool seen = false;
		if (family) {
			if (strncmp(c->name, family, n) == 0 && c->name[n] == ' ')
				offer(o, text_of(c->name + n + 1));
			continue;
		}
		for (const struct command *before = all; before != c; before++)
			seen |= strcspn(before->name, " ") == first &&
				memcmp(before->name, c->name, first) == 0;
		if (!seen)
			offer(o, (struct text){ c->name, first });
	}
	if (!family) {
		offer(o, TEXT("help"));
		offer(o, TEXT("version"));
	}
}

static void offer_customers(struct offer *o, enum store_names which)
{
	struct cli none = { 0 };
	struct store *s = NULL;
	struct err e;
	if (cli_store(&none, &s, DB_READ, &e) == 0)
		store_each_name(s, which, offer, o, &e);
	store_close(s);
}

static void offer_plans(struct offer *o)
{
	struct plan_file *f;
	struct err e;
	for (const struct shipped_file *s = shipped_plans; s->name; s++) {
		if (plan_file_parse(&f, text_of(s->bytes), s->name, &e) != 0)
			continue;
		for (size_t i = 0; i < plan_file_count(f); i++)
			offer(o, text_of(plan_name(plan_file_plan(f, i))));
		plan_file_close(f);
	}
}

/* "text|html|pdf": the words that may be typed; capitals are a kind of value. */
static bool offer_choices(struct offer *o, const char *argument)
{
	if (!strchr(argument, '|') || strpbrk(argument, "ABCDEFGHIJKLMNOPQRSTUVWXYZ["))
		return false;
	for (const char *p = argument; *p;) {
		const size_t n = strcspn(p, "|");
		offer(o, (struct text){ p, n });
		p += n + (p[n] == '|');
	}
	return true;
}

static void offer_values(struct offer *o, const struct option *option)
{
	const char *name = option->name;
	struct book *book;
	struct err e;
	if (offer_choices(o, option->argument))
		return;
	if (strstr(option->argument, "MODEL")) {
		if (book_open(&book, &e) == 0) {
			book_each_name(book, offer, o);
			book_close(book);
		}
	} else if (strcmp(name, "plan") == 0) {
		offer_plans(o);
	} else if (strcmp(name, "customer") == 0) {
		offer_customers(o, STORE_CUSTOMERS);
	} else if (strcmp(name, "project") == 0) {
		offer_customers(o, STORE_PROJECTS);
	} else if (strcmp(name, "period") == 0 || strcmp(name, "since") == 0 ||
		   strcmp(name, "until") == 0) {
		static const char *const words[] = { "today",	   "yesterday", "7d",
						     "30d",	   "this-week", "last-week",
						     "this-month", "last-month" };
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			offer(o, text_of(words[i]));
	}
}

static const struct command *command_of(int count, char **word)
{
	const struct command *found = NULL;
	char both[80];
	for (const struct command *c = cli_commands(); count > 0 && c->name; c++) {
		snprintf(both, sizeof both, "%s %s", word[0], count > 1 ? word[1] : "");
		if (strcmp(c->name, both) == 0)
			return c;
		if (strcmp(c->name, word[0]) == 0)
			found = c;
	}
	return found;
}

void cli_print_candidates(int count, char **word, FILE *out)
{
	static char nothing[] = "";
	char *last = count ? word[count - 1] : nothing;
	struct offer o = { .out = out, .begun = text_of(last) };
	const struct option *option;
	const struct command *c = command_of(count - 1, word);
	option = count > 1 ? cli_option_typed(c, word[count - 2]) : NULL;
	if (count <= 1) {
		offer_commands(&o, NULL);
	} else if (option && option->argument) {
		offer_values(&o, option);
	} else if (*last == '-') {
		for (int i = 0; c && (option = cli_option_at(c, i)); i++) {
			char dashed[60];
			snprintf(dashed, sizeof dashed, "--%s", option->name);
			offer(&o, text_of(dashed));
		}
	} else if (count == 2) {
		strcmp(word[0], "help") == 0 ? offer_commands(&o, NULL)
					     : offer_commands(&o, word[0]);
	} else if (count == 3 && strcmp(word[0], "help") == 0) {
		offer_commands(&o, word[1]);
	}
	dict_release(&o.seen);
}
