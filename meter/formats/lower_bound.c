#include "meter/formats/lower_bound.h"

#include <string.h>

/* Rows of a gateway, whose calls are all there. */
#define UNTOLD "what of the prompts was cached", "the usage of the answers", true

static const struct log_gap gaps[] = {
	{ "claude-code.log", "claude-code.event", "Claude Code",
	  "calls for titles, compaction, web search and other small tasks",
	  "its telemetry (tally serve)" },
	{ "codex.log", NULL, "Codex", "calls for titles, and answers that were cut",
	  "a gateway that meters every call" },
	{ "gemini-cli.session", NULL, "Gemini CLI",
	  "calls for web search, summaries and compression, and answers that were cut",
	  "a gateway that meters every call" },
	{ "opencode.session", NULL, "OpenCode and its forks",
	  "calls for titles, and answers that were cut", "a gateway that meters every call" },
	{ "continue.session", NULL, "Continue", "answers without text, and those that were cut",
	  "a gateway that meters every call" },
	{ "kimi-code.session", NULL, "Kimi Code", "answers without text, and those that were cut",
	  "a gateway that meters every call" },
	{ "copilot-cli.session", NULL, "GitHub Copilot CLI", "answers that were cut",
	  "a gateway that meters every call" },
	{ "cline-cli.session", NULL, "Cline's command line",
	  "answers without text, and those that were cut", "a gateway that meters every call" },
	{ "qwen-code.session", NULL, "Qwen Code", "calls for summaries, and answers that were cut",
	  "a gateway that meters every call" },
	{ "portkey", NULL, "Portkey", UNTOLD },
	{ "cloudflare.log", NULL, "Cloudflare's AI gateway", UNTOLD },
	{ "openrouter.activity", NULL, "OpenRouter's days", UNTOLD },
	{ "openrouter.days", NULL, "OpenRouter's days as CSV", UNTOLD },
	{ "langfuse.days", NULL, "Langfuse's days", UNTOLD },
	{ "langfuse.metrics", NULL, "Langfuse's metrics", UNTOLD },
	{ "otlp.span.untold", NULL, "spans whose instrumentation leaves it out", UNTOLD },
};

const struct log_gap *log_gap_at(size_t i)
{
	_Static_assert(sizeof gaps / sizeof *gaps <= LOG_GAPS_MOST, "room for every gap");
	return i < sizeof gaps / sizeof *gaps ? &gaps[i] : NULL;
}

/* Asked for every call: most differ in their first letter. */
static bool same(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

void lower_bound_see(struct lower_bound *b, const char *shape)
{
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		b->log[i] |= same(gaps[i].shape, shape);
		b->whole[i] |= gaps[i].whole && same(gaps[i].whole, shape);
	}
}

bool lower_bound_open(const struct lower_bound *b, size_t i)
{
	return i < sizeof gaps / sizeof *gaps && b->log[i] && !b->whole[i];
}

bool lower_bound_is_uncertain(const struct lower_bound *b)
{
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
		if (gaps[i].cache_untold && lower_bound_open(b, i))
			return true;
	return false;
}

void lower_bound_add(struct lower_bound *to, const struct lower_bound *more)
{
	for (size_t i = 0; i < LOG_GAPS_MOST; i++) {
		to->log[i] |= more->log[i];
		to->whole[i] |= more->whole[i];
	}
	to->placeholders += more->placeholders;
	to->unsaid += more->unsaid;
	to->or_more |= more->or_more;
}
