/*
 * short_names: the scripts' own functions, variables and parameters by short names. Which name
 * means which variable is found as the language has it: by scopes. What is not declared in the
 * scripts (the browser's), and all members of objects, keep their names; so does a variable whose
 * name is also a member's within its scope, so that no member can be taken for a variable. A scope
 * is never taken to be smaller than it is, and the same name declared around it is the same
 * variable.
 */
#ifndef TOOLS_SHORT_NAMES_H
#define TOOLS_SHORT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TOKEN_WORD = 'w', TOKEN_TEXT = 's' };

/* A word, a text, a part of a template, a regular expression, or else one character, which is its
 * kind. */
struct token {
	size_t from, length; /* in the text */
	char kind;
	size_t pair;  /* of a bracket: the other one */
	size_t in;    /* the bracket around it, or the number of tokens */
	int word;     /* its number */
	int variable; /* which it means, or -1 */
};

struct packed {
	char *text;
	size_t length;
	struct token *tokens; /* with room for one more */
	size_t count;
};

/* Writes the text with short names; false: its brackets do not match. */
bool short_names_write(struct packed *p, FILE *out);

#endif
