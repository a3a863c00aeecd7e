#include "tools/short_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MOST = 1 << 14, SCOPES_MOST = 1 << 13, VARIABLES_MOST = 1 << 14, NAME_MOST = 8 };

static struct token *t;
static size_t count;
static const char *text;

/* --- words --- */

static struct {
	const char *text;
	size_t length;
	int used_in; /* the scope that was named last in which it may not mean anything else */
} words[WORDS_MOST];
static int word_count;

static int word_of(const char *s, size_t n)
{
	for (int i = 0; i < word_count; i++)
		if (words[i].length == n && memcmp(words[i].text, s, n) == 0)
			return i;
	if (word_count == WORDS_MOST)
		abort();
	words[word_count].text = s;
	words[word_count].length = n;
	words[word_count].used_in = -1;
	return word_count++;
}

static bool is(size_t i, const char *word)
{
	return i < count && t[i].kind == TOKEN_WORD && t[i].length == strlen(word) &&
	       memcmp(text + t[i].from, word, t[i].length) == 0;
}

static char kind(size_t i)
{
	return i < count ? t[i].kind : '\0';
}

static bool is_name(size_t i)
{
	return kind(i) == TOKEN_WORD && !isdigit((unsigned char)text[t[i].from]);
}

/* --- brackets --- */

static bool pair_brackets(void)
{
	size_t around = count;
	for (size_t i = 0; i < count; i++) {
		if (strchr(")]}", t[i].kind)) {
			if (around == count)
				return false;
			t[around].pair = i;
			t[i].pair = around;
			around = t[around].in;
		}
		t[i].in = around;
		if (strchr("([{", t[i].kind))
			around = i;
	}
	return around == count;
}

/* The token behind one and what is in its brackets. */
static size_t behind(size_t i)
{
	return strchr("([{", kind(i)) && i < count ? t[i].pair + 1 : i + 1;
}

static bool ends_here(size_t i)
{
	return i >= count || strchr(")]}", t[i].kind);
}

static bool is_class(size_t brace)
{
	return brace >= 2 && t[brace - 1].kind == TOKEN_WORD &&
	       (is(brace - 2, "class") || is(brace - 2, "extends"));
}

/* Of statements, not of members: something ends with a semicolon, or what is before it has a body.
 */
static bool is_block(size_t brace)
{
	if (is_class(brace))
		return false;
	if (brace == 0 || strchr(");{}", t[brace - 1].kind) || is(brace - 1, "else") ||
	    is(brace - 1, "try") || is(brace - 1, "finally") || is(brace - 1, "do") ||
	    is(brace - 1, "catch") || (t[brace - 1].kind == '>' && kind(brace - 2) == '='))
		return true;
	for (size_t i = brace + 1; i < t[brace].pair; i = behind(i))
		if (t[i].kind == ';')
			return true;
	return false;
}

/* --- members --- */

enum member { NO_MEMBER, MEMBER, MEMBER_AND_VARIABLE };

static bool is_arrow(size_t i)
{
	return kind(i) == '=' && kind(i + 1) == '>' && t[i].from + 1 == t[i + 1].from;
}

static enum member member_at(size_t i)
{
	const char before = i ? t[i - 1].kind : '\0', after = kind(i + 1);
	if (before == '.')
		return i > 1 && t[i - 2].kind == '.' ? NO_MEMBER : MEMBER;
	const size_t around = t[i].in;
	if (kind(around) != '{' || is_block(around))
		return NO_MEMBER;
	if (is_class(around))
		return MEMBER;
	if (before != '{' && before != ',')
		return NO_MEMBER;
	if (after == ':' || after == '(')
		return MEMBER;
	return after == ',' || after == '}' || (after == '=' && !is_arrow(i + 1))
		       ? MEMBER_AND_VARIABLE
		       : NO_MEMBER;
}

/* --- scopes: of tokens, an outer one before those in it --- */

static struct scope {
	size_t from, to;
} scopes[SCOPES_MOST];
static int scope_count;

static void add_scope(size_t from, size_t to)
{
	if (scope_count == SCOPES_MOST)
		abort();
	scopes[scope_count++] = (struct scope){ from, to };
}

static int outer_first(const void *a, const void *b)
{
	const struct scope *x = a, *y = b;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to < y->to) - (x->to > y->to);
}

/* The end of an expression: a comma, a semicolon, a bracket, or the colon of a choice around it. */
static size_t expression_end(size_t i)
{
	int choices = 0;
	for (; !ends_here(i) && t[i].kind != ',' && t[i].kind != ';'; i = behind(i)) {
		if (t[i].kind == '?' && kind(i + 1) == '?')
			i++;
		else if (t[i].kind == '?' && kind(i + 1) != '.')
			choices++;
		else if (t[i].kind == ':' && choices-- == 0)
			return i;
	}
	return i;
}

/* The end of a statement that a loop repeats, or of more. */
static size_t statement_end(size_t i)
{
	if (kind(i) == '{')
		return t[i].pair;
	while (!ends_here(i) && (t[i].kind != ';' || is(i + 1, "else")))
		i = behind(i);
	return i;
}

/* A function from its parameters to the end of its body, and a loop with what its head declares. */
static void find_scopes(void)
{
	add_scope(0, count);
	for (size_t i = 0; i < count; i++) {
		if (is_arrow(i)) {
			const size_t body = i + 2;
			add_scope(t[i - 1].kind == ')' ? t[i - 1].pair : i - 1,
				  kind(body) == '{' ? t[body].pair : expression_end(body));
		} else if (t[i].kind == '(' && kind(t[i].pair + 1) == '{' && i) {
			add_scope(i, t[t[i].pair + 1].pair);
		} else if (is(i, "for") && kind(i + 1) == '(') {
			add_scope(i + 1, statement_end(t[i + 1].pair + 1));
		} else if (t[i].kind == '{' && is_block(i) && i && t[i - 1].kind != ')' &&
			   t[i - 1].kind != '>') {
			add_scope(i, t[i].pair);
		}
	}
	qsort(scopes, (size_t)scope_count, sizeof *scopes, outer_first);
}

/* The innermost scope around a token. */
static int scope_at(size_t i)
{
	int found = 0;
	for (int s = 1; s < scope_count && scopes[s].from <= i; s++)
		if (i <= scopes[s].to)
			found = s;
	return found;
}

/* --- variables --- */

static struct variable {
	int word, scope, uses;
	bool keeps; /* its name */
	char name[NAME_MOST];
} variables[VARIABLES_MOST];
static int variable_count;

static void declare(size_t i)
{
	const int scope = scope_at(i);
	for (int v = 0; v < variable_count; v++)
		if (variables[v].word == t[i].word && variables[v].scope == scope)
			return;
	if (variable_count == VARIABLES_MOST)
		abort();
	variables[variable_count++] = (struct variable){ .word = t[i].word, .scope = scope };
}

static size_t declare_pattern(size_t i);

/* What a list of parameters, or a pattern in brackets, declares. */
static void declare_list(size_t open)
{
	for (size_t i = open + 1; i < t[open].pair;) {
		if (t[i].kind == ',') {
			i++;
			continue;
		}
		if (t[open].kind == '{' && kind(i + 1) == ':')
			i += 2;
		i = declare_pattern(i);
		while (!ends_here(i) && t[i].kind != ',')
			i = behind(i);
	}
}

/* Returns what comes behind it. */
static size_t declare_pattern(size_t i)
{
	while (kind(i) == '.')
		i++;
	if (kind(i) == '{' || kind(i) == '[')
		declare_list(i);
	else if (is_name(i))
		declare(i);
	return behind(i);
}

static void declare_statement(size_t i)
{
	for (;;) {
		i = declare_pattern(i);
		while (!ends_here(i) && !strchr(",;", t[i].kind) && !is(i, "of") && !is(i, "in"))
			i = behind(i);
		if (kind(i) != ',')
			return;
		i++;
	}
}

static void find_variables(void)
{
	for (size_t i = 0; i < count; i++) {
		const bool member = i && t[i - 1].kind == '.';
		if (!member && (is(i, "const") || is(i, "let") || is(i, "var")))
			declare_statement(i + 1);
		else if (!member && (is(i, "function") || is(i, "class")) && is_name(i + 1))
			declare(i + 1);
		if (is_arrow(i) && t[i - 1].kind == TOKEN_WORD)
			declare(i - 1);
		else if (t[i].kind == '(' && i &&
			 (is_arrow(t[i].pair + 1) ||
			  (kind(t[i].pair + 1) == '{' && !is(i - 1, "if") && !is(i - 1, "for") &&
			   !is(i - 1, "while") && !is(i - 1, "switch"))))
			declare_list(i);
	}
}

/* The outermost variable of that name around a token, or -1. */
static int variable_at(size_t i)
{
	for (int v = 0; v < variable_count; v++) {
		const struct scope *s = &scopes[variables[v].scope];
		if (variables[v].word == t[i].word && s->from <= i && i <= s->to)
			return v;
	}
	return -1;
}

static int by_scope(const void *a, const void *b)
{
	return ((const struct variable *)a)->scope - ((const struct variable *)b)->scope;
}

static int by_uses(const void *a, const void *b)
{
	const struct variable *x = *(struct variable *const *)a, *y = *(struct variable *const *)b;
	return x->uses != y->uses ? y->uses - x->uses : x->word - y->word;
}

/* Words that the language uses as well where a name may stand. */
static bool is_contextual(size_t i)
{
	return is(i, "of") || is(i, "async") || is(i, "await") || is(i, "get") || is(i, "static");
}

/* What each name means. Scopes are numbered from outside, so that the first variable found is the
 * outermost. */
static void find_meanings(void)
{
	qsort(variables, (size_t)variable_count, sizeof *variables, by_scope);
	for (size_t i = 0; i < count; i++) {
		t[i].variable = -1;
		if (!is_name(i))
			continue;
		const int v = variable_at(i);
		if (member_at(i) == NO_MEMBER && !is_contextual(i)) {
			t[i].variable = v;
			if (v >= 0)
				variables[v].uses++;
		} else {
			for (int k = 0; k < variable_count; k++)
				if (variables[k].word == t[i].word &&
				    scopes[variables[k].scope].from <= i &&
				    i <= scopes[variables[k].scope].to)
					variables[k].keeps = true;
		}
	}
}

/* --- names --- */

static bool is_reserved(const char *name)
{
	static const char *const all[] = { "do",  "if",	 "in",	"of",  "as",  "is",  "let",
					   "new", "var", "for", "try", "get", "set", NULL };
	for (int i = 0; all[i]; i++)
		if (strcmp(all[i], name) == 0)
			return true;
	return false;
}

static void name_of(int n, char *name)
{
	static const char first[] = "etnrisoacldumphgfvbywkxSTAEINOPCRDMLBHFGUVWjqzKXYQJZ$_";
	enum { LETTERS = sizeof first - 1 };
	*name++ = first[n % LETTERS];
	for (n /= LETTERS; n > 0; n = (n - 1) / LETTERS)
		*name++ = first[(n - 1) % LETTERS];
	*name = '\0';
}

/* Names that mean something else in a scope: those of variables around it, and those that are kept.
 */
static void mark_used(int scope)
{
	for (size_t i = scopes[scope].from; i <= scopes[scope].to && i < count; i++) {
		if (!is_name(i) || (member_at(i) == MEMBER))
			continue;
		const struct variable *v = t[i].variable < 0 ? NULL : &variables[t[i].variable];
		if (!v || v->keeps)
			words[t[i].word].used_in = scope;
		else if (*v->name)
			words[word_of(v->name, strlen(v->name))].used_in = scope;
	}
}

static void name_scope(int scope)
{
	static struct variable *own[VARIABLES_MOST];
	size_t n = 0;
	for (int v = 0; v < variable_count; v++)
		if (variables[v].scope == scope && variables[v].uses && !variables[v].keeps)
			own[n++] = &variables[v];
	if (!n)
		return;
	qsort(own, n, sizeof *own, by_uses);
	mark_used(scope);
	int next = 0;
	for (size_t k = 0; k < n; k++) {
		int word;
		do {
			name_of(next++, own[k]->name);
			word = word_of(own[k]->name, strlen(own[k]->name));
		} while (words[word].used_in == scope || is_reserved(own[k]->name));
	}
}

bool short_names_write(struct packed *p, FILE *out)
{
	t = p->tokens;
	count = p->count;
	text = p->text;
	if (!pair_brackets())
		return false;
	for (size_t i = 0; i < count; i++)
		if (t[i].kind == TOKEN_WORD)
			t[i].word = word_of(text + t[i].from, t[i].length);
	find_scopes();
	find_variables();
	find_meanings();
	for (int s = 0; s < scope_count; s++)
		name_scope(s);
	size_t written = 0;
	for (size_t i = 0; i < count; i++) {
		const struct variable *v =
			is_name(i) && t[i].variable >= 0 ? &variables[t[i].variable] : NULL;
		if (!v || v->keeps)
			continue;
		fwrite(text + written, 1, t[i].from - written, out);
		fputs(v->name, out);
		written = t[i].from + t[i].length;
	}
	fwrite(text + written, 1, p->length - written, out);
	return true;
}
