#include "meter/read/item_words.h"

#include <string.h>
#include <strings.h>

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static char lower(char c)
{
	return is_upper(c) ? (char)(c + 32) : c;
}

static const char *found_in(struct text s, const char *word)
{
	const size_t n = strlen(word);
	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.p + i, word, n) == 0)
			return s.p + i;
	return NULL;
}

static bool contains(struct text s, const char *word)
{
	return found_in(s, word) != NULL;
}

static bool book_knows(const struct book *book, struct text name, struct instant at)
{
	static const char *const currencies[] = { "USD", "CNY" };
	struct price_match m;
	for (size_t i = 0; book && name.n && i < 2; i++) {
		struct price_query q = { .model = name, .currency = currencies[i], .at = at };
		if (book_find(book, &q, &m, NULL) == 0)
			return true;
	}
	return false;
}

/* --- display names --- */

/* "Claude4.6Sonnet": the version in front of the family. */
static bool version_first(struct buf *b, struct text s)
{
	size_t digits = 6;
	while (digits < s.n && (is_digit(s.p[digits]) || s.p[digits] == '.'))
		digits++;
	if (digits == 6 || digits >= s.n || s.p[digits] == ' ' || s.p[digits] == '-')
		return false;
	buf_puts(b, "claude-");
	buf_add(b, s.p + digits, s.n - digits);
	buf_puts(b, "-");
	buf_add(b, s.p + 6, digits - 6);
	return true;
}

void model_from_display(struct buf *b, struct text s)
{
	static const char *const families[] = { "Claude", "GPT", "Gemini", "Grok" };
	size_t from = b->n, family = 0;
	if (text_begins_caseless(s, "Auto: "))
		s = (struct text){ s.p + 6, s.n - 6 };
	while (family < 4 &&
	       !(text_begins_caseless(s, families[family]) && s.n > strlen(families[family]) &&
		 is_upper(*s.p) && s.p[strlen(families[family])] != '/'))
		family++;
	bool claude = family == 0;
	if (family == 4 || (!claude && !memchr(s.p, ' ', s.n) && !is_upper(s.p[1]))) {
		buf_add(b, s.p, s.n);
		return;
	}
	const char *note = text_find(s, " (");
	if (note)
		s.n = (size_t)(note - s.p);
	if (!claude || !version_first(b, s))
		buf_add(b, s.p, s.n);
	for (size_t i = from; i < b->n; i++) {
		char *c = &b->p[i];
		*c = *c == ' ' || (claude && *c == '.') ? '-' : lower(*c);
	}
}

/* --- line items of OpenAI: "priority | gpt-5, output, long context" --- */

static bool openai_item(struct buf *b, struct text s, struct instant at, const struct book *book)
{
	static const char *const modality[] = { " audio", " image", " text" };
	const char *bar = text_find(s, " | ");
	if (bar)
		s = (struct text){ bar + 3, (size_t)(s.p + s.n - bar - 3) };
	const char *comma = s.n ? memchr(s.p, ',', s.n) : NULL;
	s.n = comma ? (size_t)(comma - s.p) : s.n;
	for (size_t i = 0; i < sizeof modality / sizeof *modality; i++) {
		size_t n = strlen(modality[i]);
		if (s.n > n && memcmp(s.p + s.n - n, modality[i], n) == 0)
			s.n -= n;
	}
	/* "web search tool calls" are of no model */
	if (s.n && memchr(s.p, ' ', s.n) && !book_knows(book, s, at))
		return false;
	buf_add(b, s.p, s.n);
	return true;
}

/* --- usage types of AWS: "USE1-Claude4.6Sonnet-input-tokens" --- */

static struct text without_region(struct text s)
{
	size_t n = 0;
	while (n < s.n && n < 4 && is_upper(s.p[n]))
		n++;
	size_t letters = n;
	while (n < s.n && is_digit(s.p[n]))
		n++;
	bool europe = n == 2 && memcmp(s.p, "EU", 2) == 0;
	if (letters < 2 || (n == letters && !europe) || n >= s.n || s.p[n] != '-')
		return s;
	return (struct text){ s.p + n + 1, s.n - n - 1 };
}

static bool aws_item(struct buf *b, struct text s, struct instant at, const struct book *book)
{
	static const char *const ends[] = { "-mantle-", "-input-", "-output-",
					    "-cache-",	"-batch-", "-priority-",
					    "-flex-",	"-text-",  "-cross-region" };
	size_t from = b->n;
	/* of the marketplace, which names the model as a product, and of other services */
	if (!contains(s, "token") || contains(s, "MP:")) {
		model_from_display(b, s);
		if (book_knows(book, (struct text){ b->p + from, b->n - from }, at))
			return true;
		b->n = from;
		return false;
	}
	s = without_region(s);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const char *end = text_find(s, ends[i]);
		if (end)
			s.n = (size_t)(end - s.p);
	}
	model_from_display(b, s);
	/* Claude 3 and before have the version in the middle */
	struct text made = { b->p + from, b->n - from };
	if (text_begins_caseless(made, "claude-") && !book_knows(book, made, at)) {
		const char *dash = memchr(made.p + 7, '-', made.n - 7);
		size_t n = dash ? (size_t)(dash - made.p) : 0;
		struct buf other = { 0 };
		if (dash)
			buf_printf(&other, "claude-%.*s-%.*s", (int)(made.n - n - 1), dash + 1,
				   (int)(n - 7), made.p + 7);
		if (book_knows(book, (struct text){ other.p, other.n }, at)) {
			b->n = from;
			buf_add(b, other.p, other.n);
		}
		buf_release(&other);
	}
	return b->n > from;
}

/* --- names of models inside other words --- */

/* The word that begins at p, without what stands around it. */
static struct text word_at(const char *p, const char *end)
{
	size_t n = 0;
	while (p + n < end && !strchr(" ,;()[]", p[n]))
		n++;
	return (struct text){ p, n };
}

static const char *word_after(struct text word, const char *end)
{
	const char *p = word.p + word.n;
	while (p < end && strchr(" ,;()[]", *p))
		p++;
	return p;
}

/* As a card may call it: "Claude 4.6 Sonnet" has the version in front, "Llama 3.3 70B" blanks. */
static bool slug_is_known(struct buf *b, struct text s, struct instant at, const struct book *book)
{
	const size_t from = b->n;
	const char *second = s.n ? memchr(s.p, ' ', s.n) : NULL,
		   *third = second ? memchr(second + 1, ' ', (size_t)(s.p + s.n - second - 1))
				   : NULL;
	model_from_display(b, s);
	if (book_knows(book, (struct text){ b->p + from, b->n - from }, at))
		return true;
	b->n = from;
	for (size_t i = 0; i < s.n; i++)
		buf_add(b, &(char){ s.p[i] == ' ' ? '-' : lower(s.p[i]) }, 1);
	if (book_knows(book, (struct text){ b->p + from, b->n - from }, at))
		return true;
	b->n = from;
	if (!text_begins_caseless(s, "Claude ") || !third || !is_digit(second[1]))
		return false;
	buf_printf(b, "claude-%.*s-%.*s", (int)(s.p + s.n - third - 1), third + 1,
		   (int)(third - second - 1), second + 1);
	for (size_t i = from; i < b->n; i++)
		b->p[i] = b->p[i] == '.' || b->p[i] == ' ' ? '-' : lower(b->p[i]);
	if (book_knows(book, (struct text){ b->p + from, b->n - from }, at))
		return true;
	b->n = from;
	return false;
}

/* "$3 per million input tokens for Claude 4.6 Sonnet in Ohio": the longest run of words that begins
 * with a family's name and that a card knows. */
static bool name_within(struct buf *b, struct text s, struct instant at, const struct book *book)
{
	static const char *const families[] = { "claude",  "gpt-",	"gemini",  "grok", "llama",
						"nova",	   "deepseek",	"mistral", "qwen", "kimi",
						"command", "codestral", NULL };
	enum { WORDS_MOST = 6 };
	const char *end = s.p + s.n, *next;
	for (const char *p = s.p; s.n && p < end; p = next) {
		struct text word = word_at(p, end);
		next = word_after(word, end);
		bool family = false;
		for (size_t i = 0; families[i]; i++)
			family |= text_begins_caseless(word, families[i]);
		const char *ends[WORDS_MOST];
		int words = 0;
		for (const char *w = p; family && words < WORDS_MOST && w < end;) {
			struct text one = word_at(w, end);
			ends[words++] = one.p + one.n;
			w = one.p + one.n < end && one.p[one.n] == ' ' ? one.p + one.n + 1 : end;
		}
		while (words--)
			if (slug_is_known(b, (struct text){ p, (size_t)(ends[words] - p) }, at,
					  book))
				return true;
	}
	return false;
}

/* --- SKUs of Google: "Gemini 2.5 Flash GA Text Input - Predictions" --- */

/* From the name of the family on; "Batch" and "Generate content input token count for" may stand
 * before it. */
static struct text from_family(struct text s)
{
	static const char *const families[] = { "gemini", "claude" };
	for (size_t i = 0; i < s.n; i++)
		for (size_t k = 0; k < 2; k++)
			if ((i == 0 || s.p[i - 1] == ' ') &&
			    text_begins_caseless((struct text){ s.p + i, s.n - i }, families[k]))
				return (struct text){ s.p + i, s.n - i };
	return (struct text){ s.p, 0 };
}

/* "DeepSeek R1 Input Tokens" of a partner, which no card need know: what stands before the kind. */
static bool gcp_partner(struct buf *b, struct text s)
{
	static const char *const kinds[] = { " input", " output", " batch", " cache", " cached" };
	const char *end = NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const char *kind = found_in(s, kinds[i]);
		end = kind && (!end || kind < end) ? kind : end;
	}
	if (!end || end == s.p || !contains(s, "token"))
		return false;
	for (const char *p = s.p; p < end; p++)
		buf_add(b, &(char){ *p == ' ' ? '-' : lower(*p) }, 1);
	return true;
}

static bool gcp_item(struct buf *b, struct text words, struct instant at, const struct book *book)
{
	static const char *const parts[] = { "gemini", "flash", "pro",	  "lite",    "ultra",
					     "nano",   "image", "claude", "sonnet",  "opus",
					     "haiku",  "live",	"fable",  "instant", NULL };
	size_t from = b->n;
	const struct text s = from_family(words);
	for (const char *p = s.p, *end = s.p + s.n; s.n && p < end;) {
		const char *space = memchr(p, ' ', (size_t)(end - p));
		size_t n = (size_t)((space ? space : end) - p);
		const bool whole = p == s.p && memchr(p, '-', n); /* as the interface spells it */
		if (!whole && !(n && is_digit(*p)) &&
		    !text_is_one_of_caseless((struct text){ p, n }, parts))
			break;
		if (b->n > from)
			buf_puts(b, "-");
		buf_add(b, p, n);
		p += n + (space != NULL);
	}
	bool claude = b->n > from + 6 && strncasecmp(b->p + from, "claude", 6) == 0;
	for (size_t i = from; i < b->n; i++)
		b->p[i] = claude && b->p[i] == '.' ? '-' : lower(b->p[i]);
	return b->n > from || name_within(b, words, at, book) || gcp_partner(b, words);
}

/* --- meters of Azure: "gpt 4o 1120 cached Inp glbl Tokens", "5.4 opt Dz 1M Tokens" --- */

/* "gpt-4o-1120" as gpt-4o-2024-11-20 where a card lists it, or as the model without a date; whether
 * a card knows the name. */
static bool whole_date(struct buf *b, size_t from, struct instant at, const struct book *book)
{
	enum { FIRST_YEAR = 2023, YEARS = 20 };
	struct text made = { b->p + from, b->n - from };
	bool dated = made.n > 5 && made.p[made.n - 5] == '-';
	for (size_t i = 1; dated && i <= 4; i++)
		dated = is_digit(made.p[made.n - i]);
	if (book_knows(book, made, at))
		return true;
	if (!dated)
		return false;
	const char *day = made.p + made.n - 4;
	struct buf other = { 0 };
	bool found = false;
	for (int year = FIRST_YEAR; !found && year < FIRST_YEAR + YEARS; year++) {
		other.n = 0;
		buf_printf(&other, "%.*s-%d-%.2s-%.2s", (int)(made.n - 5), made.p, year, day,
			   day + 2);
		found = book_knows(book, (struct text){ other.p, other.n }, at);
	}
	if (!found) {
		other.n = 0;
		buf_add(&other, made.p, made.n - 5);
		found = book_knows(book, (struct text){ other.p, other.n }, at);
	}
	if (found) {
		b->n = from;
		buf_add(b, other.p, other.n);
	}
	buf_release(&other);
	return found;
}

static bool azure_item(struct buf *b, struct text s, struct instant at, const struct book *book)
{
	static const char *const parts[] = {
		"inp",	  "inpt",   "input",	"in",	 "out",	     "outp",	"outpt",  "opt",
		"output", "cached", "cchd",	"cache", "cd",	     "glbl",	"gl",	  "global",
		"rgnl",	  "regnl",  "regional", "regn",	 "dz",	     "dzone",	"dzn",	  "data",
		"zone",	  "batch",  "btch",	"prty",	 "priority", "pp",	"1k",	  "1m",
		"tokens", "token",  "txt",	"text",	 "aud",	     "audio",	"img",	  "image",
		"short",  "long",   "co",	"cntxt", "context",  "shortco", "longco", "std",
		"stnd",	  NULL
	};
	size_t from = b->n;
	bool embedding = text_begins_caseless(s, "embedding");
	bool tokens = contains(s, "token");
	for (const char *p = s.p, *end = s.p + s.n; s.n && p < end;) {
		size_t n = 0;
		while (p + n < end && p[n] != ' ' && p[n] != '-')
			n++;
		if (text_is_one_of_caseless((struct text){ p, n }, parts) &&
		    (p > s.p || !text_begins_caseless(s, "text-embedding")))
			break;
		if (n && b->n == from && (is_digit(*p) || embedding))
			buf_puts(b, embedding ? "text" : "gpt");
		if (n && b->n > from)
			buf_puts(b, "-");
		for (size_t i = 0; i < n; i++)
			buf_add(b, &(char){ lower(p[i]) }, 1);
		p += n + 1;
	}
	bool known = whole_date(b, from, at, book);
	if (tokens || known)
		return b->n > from;
	b->n = from;
	return false;
}

/* --- instances of Alibaba: "text_token;WORKSPACE;MODEL;output_token;app" --- */

/* The part before the one that says which kind of token it is, the last of these. */
static bool bailian_item(struct buf *b, struct text s)
{
	struct text before = { "", 0 }, model = { "", 0 };
	for (const char *p = s.p, *end = s.p + s.n; s.n && p < end;) {
		const char *next = memchr(p, ';', (size_t)(end - p));
		struct text part = { p, (size_t)((next ? next : end) - p) };
		if (before.n && contains(part, "token"))
			model = before;
		before = part;
		p += part.n + 1;
	}
	buf_add(b, model.p, model.n);
	return model.n > 0;
}

/* --- words of anybody: what a card knows --- */

static bool any_item(struct buf *b, struct text s, struct instant at, const struct book *book)
{
	static const enum item_spelling ways[] = { SPELLING_PLAIN, SPELLING_OPENAI, SPELLING_AWS,
						   SPELLING_AZURE, SPELLING_GCP };
	size_t from = b->n;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (item_of(b, ways[i], s, at, book) == ITEM_MODEL &&
		    book_knows(book, (struct text){ b->p + from, b->n - from }, at))
			return true;
		b->n = from;
	}
	/* vendor/model/kind of token, model/kind of token */
	for (const char *p = s.p, *end = s.p + s.n; s.n && p < end;) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		struct text part = { p, (size_t)((slash ? slash : end) - p) };
		if (slash && book_knows(book, part, at)) {
			buf_add(b, part.p, part.n);
			return true;
		}
		p += part.n + 1;
	}
	return name_within(b, s, at, book);
}

void item_with_family(struct buf *b, struct text words, struct text product)
{
	static const char *const families[] = { "deepseek", "grok", "mistral", "llama",
						"cohere",   "phi",  "kimi",    "qwen" };
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (contains(product, families[i]) && !contains(words, families[i]))
			buf_printf(b, "%s ", families[i]);
	buf_add(b, words.p, words.n);
}

enum item item_of(struct buf *b, enum item_spelling how, struct text words, struct instant at,
		  const struct book *book)
{
	static const char *const no_tokens[] = { "caching storage", "grounding", "tuning",
						 "training", "provisioned throughput" };
	switch (how) {
	case SPELLING_PLAIN:
		model_from_display(b, words);
		return ITEM_MODEL;
	case SPELLING_OPENAI:
		return openai_item(b, words, at, book) ? ITEM_MODEL : ITEM_FEE;
	case SPELLING_AWS:
		return aws_item(b, words, at, book) ? ITEM_MODEL : ITEM_OTHER;
	case SPELLING_AZURE:
		return azure_item(b, words, at, book) ? ITEM_MODEL : ITEM_OTHER;
	case SPELLING_GCP:
		/* hours of a cache are no tokens of a model */
		for (size_t i = 0; i < sizeof no_tokens / sizeof *no_tokens; i++)
			if (contains(words, no_tokens[i]))
				return ITEM_FEE;
		return gcp_item(b, words, at, book) ? ITEM_MODEL : ITEM_OTHER;
	case SPELLING_BAILIAN:
		return bailian_item(b, words) ? ITEM_MODEL : ITEM_OTHER;
	case SPELLING_ANY:
		return any_item(b, words, at, book) ? ITEM_MODEL : ITEM_OTHER;
	}
	return ITEM_OTHER;
}

bool item_unit_is_no_count(struct text unit)
{
	static const char *const words[] = { "h",	    "hr", "mo",	 "month",	  "months",
					     "user-months", "gb", "gib", "gibibyte hour", NULL };
	return text_is_one_of_caseless(unit, words) || contains(unit, "hour") ||
	       contains(unit, "byte") || contains(unit, "month");
}

/* Whether it begins with that word: "Total (USD)" does with "total", "totality" does not. */
static bool begins_with_word(struct text s, const char *word)
{
	const size_t n = strlen(word);
	return text_begins_caseless(s, word) &&
	       (s.n == n || !((s.p[n] | 32) >= 'a' && (s.p[n] | 32) <= 'z'));
}

bool words_say_total(struct text s)
{
	static const char *const words[] = {
		"total",	"totals",	 "grand total", "sum",	  "subtotal",
		"sub-total",	"sub total",	 "summe",	"gesamt", "gesamtsumme",
		"gesamtbetrag", "zwischensumme", "sous-total",	"somme",  "suma",
		"totale",	"totali",	 "subtotale",	"totaal", "subtotaal",
		"totais",	"totales",	 "totaux",	"合计",	  "总计",
		"小计",		"合計",		 "総計",	"小計",	  "filtered total"
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (begins_with_word(s, words[i]))
			return true;
	return false;
}
