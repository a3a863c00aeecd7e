/*
 * pack_script FILE...: the scripts as one, without comments and the blanks that only people need;
 * what stands in texts, templates (but the indentation of their lines, and line ends before tags;
 * closing tags become htm's short one) and regular expressions stays. Lines stay apart where one
 * ends, so that nothing that a line's end ends is joined. Names of the scripts' own functions and
 * variables become short (short_names.h). Used by the build.
 */
#include "tools/short_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MOST = 4 << 20 };

static char *source;
static size_t at, length;
static struct packed packed;
static int last = '\n';	     /* of what was written */
static bool blank, line_end; /* stood before what comes next */

static void write_one(int c)
{
	packed.text[packed.length++] = (char)c;
	last = c;
}

/* What is written from here to the end is one token. */
static void add_token(char kind, size_t from)
{
	packed.tokens[packed.count++] =
		(struct token){ .from = from, .length = packed.length - from, .kind = kind };
}

static bool is_word(int c)
{
	return isalnum(c) || c == '_' || c == '$' || c == '#' || c > 127;
}

/* Whether leaving a blank out before c would join what it parts. */
static bool needs_blank(int c)
{
	return (is_word(last) && is_word(c)) || ((c == '+' || c == '-' || c == '/') && last == c);
}

static void part(int c)
{
	if (line_end && last != '\n' && !strchr("{[(,;", last))
		write_one('\n');
	else if (blank && needs_blank(c))
		write_one(' ');
	blank = line_end = false;
}

/* A text from its quote to its quote. */
static void take_text(int quote)
{
	const size_t from = packed.length;
	write_one(source[at++]);
	while (at < length && source[at] != quote) {
		if (source[at] == '\\')
			write_one(source[at++]);
		write_one(source[at++]);
	}
	write_one(source[at++]);
	add_token(TOKEN_TEXT, from);
}

/* A regular expression with its flags. */
static void take_pattern(void)
{
	const size_t from = packed.length;
	bool in_class = false;
	write_one(source[at++]);
	while (at < length && (in_class || source[at] != '/')) {
		in_class = source[at] == '[' || (in_class && source[at] != ']');
		if (source[at] == '\\')
			write_one(source[at++]);
		write_one(source[at++]);
	}
	write_one(source[at++]);
	while (isalpha((unsigned char)source[at]))
		write_one(source[at++]);
	add_token(TOKEN_TEXT, from);
}

/* Words after which a / begins a pattern. */
static bool is_operator(const char *word, size_t n)
{
	static const char *const all[] = { "return", "typeof", "case", "in", "of", "void", NULL };
	for (int i = 0; all[i]; i++)
		if (strlen(all[i]) == n && memcmp(all[i], word, n) == 0)
			return true;
	return false;
}

static void take_code(int until);

/* A character of a template. Of a line's end nothing stays before a tag or a part, where htm takes
 * blanks away, and of what follows none of its indentation. */
static void take_character(void)
{
	const int c = source[at++];
	if (c != '\n') {
		write_one(c);
		return;
	}
	while (source[at] == '\t' || source[at] == ' ')
		at++;
	if (source[at] != '<' && !(source[at] == '$' && source[at + 1] == '{'))
		write_one(c);
}

/* A closing tag as htm's short one, which closes whatever is open. */
static void take_closing_tag(void)
{
	for (const char *c = "<//>"; *c; c++)
		write_one(*c);
	while (source[at] != '>')
		at++;
	at++;
}

/* Its parts are tokens in brackets, as the arguments of a call are. */
static void take_template(void)
{
	size_t from = packed.length;
	write_one(source[at++]);
	while (at < length && source[at] != '`') {
		if (source[at] == '$' && source[at + 1] == '{') {
			add_token(TOKEN_TEXT, from);
			from = packed.length;
			write_one(source[at++]);
			write_one(source[at++]);
			add_token('(', from);
			take_code('}');
			packed.tokens[packed.count - 1].kind = ')';
			from = packed.length;
		} else if (source[at] == '<' && source[at + 1] == '/' &&
			   isalpha((unsigned char)source[at + 2])) {
			take_closing_tag();
		} else {
			if (source[at] == '\\')
				write_one(source[at++]);
			take_character();
		}
	}
	write_one(source[at++]);
	add_token(TOKEN_TEXT, from);
}

static bool take_space(void)
{
	const size_t from = at;
	if (isspace((unsigned char)source[at])) {
		line_end |= source[at++] == '\n';
	} else if (source[at] == '/' && source[at + 1] == '/') {
		while (at < length && source[at] != '\n')
			at++;
	} else if (source[at] == '/' && source[at + 1] == '*') {
		const char *end = strstr(source + at + 2, "*/");
		at = end ? (size_t)(end - source) + 2 : length;
	}
	blank |= at > from;
	return at > from;
}

/* Up to the bracket that ends it, which is written; until 0: all. */
static void take_code(int until)
{
	bool value = false; /* before it, so that a / divides */
	int depth = 0;
	while (at < length) {
		if (take_space())
			continue;
		const int c = (unsigned char)source[at];
		part(c);
		if (c == '\'' || c == '"') {
			take_text(c);
			value = true;
		} else if (c == '`') {
			take_template();
			value = true;
		} else if (c == '/' && !value) {
			take_pattern();
			value = true;
		} else if (is_word(c)) {
			const size_t from = at, written = packed.length;
			while (at < length && is_word((unsigned char)source[at]))
				write_one((unsigned char)source[at++]);
			add_token(TOKEN_WORD, written);
			value = !is_operator(source + from, at - from);
		} else {
			at++;
			write_one(c);
			add_token((char)c, packed.length - 1);
			value = c == ')' || c == ']' || c == '}';
			depth += (c == '{') - (c == '}');
			if (until && depth < 0)
				return;
		}
	}
}

int main(int count, char **path)
{
	source = calloc(1, BYTES_MOST + 1);
	packed.text = calloc(1, 2 * BYTES_MOST);
	packed.tokens = calloc(BYTES_MOST, sizeof *packed.tokens);
	if (!source || !packed.text || !packed.tokens)
		return fprintf(stderr, "pack_script: out of memory\n"), 1;
	for (int i = 1; i < count; i++) {
		FILE *f = fopen(path[i], "r");
		if (!f)
			return perror(path[i]), 1;
		length += fread(source + length, 1, BYTES_MOST - length, f);
		fclose(f);
	}
	if (length == BYTES_MOST)
		return fprintf(stderr, "pack_script: the scripts are too long\n"), 1;
	take_code(0);
	if (!short_names_write(&packed, stdout))
		return fprintf(stderr, "pack_script: a bracket has no end\n"), 1;
	putchar('\n');
	free(packed.tokens);
	free(packed.text);
	free(source);
	return ferror(stdout) ? 1 : 0;
}
