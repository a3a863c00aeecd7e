#include "pricing/spelling.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What stands before a model's name. A rule is used once, in this order; "*" takes one more part up
 * to the next slash, as a region. */
static const struct {
	const char *prefix, *provider, *region, *service_tier;
} prefixes[] = {
	{ "openrouter/", "openrouter", "", "" },
	{ "accounts/fireworks/models/", "fireworks", "", "" },
	{ "bedrock/converse/", "bedrock", "", "" },
	{ "bedrock_converse/", "bedrock", "", "" },
	{ "bedrock/", "bedrock", "", "" },
	{ "vertex_ai/", "vertex", "", "" },
	{ "google-vertex/", "vertex", "", "" },
	{ "google_vertexai/", "vertex", "", "" },
	{ "gemini/", "google", "", "" },
	{ "models/", "google", "", "" },
	{ "google_genai/", "google", "", "" },
	{ "azure/global-standard/", "azure", "global", "" },
	{ "azure/global/", "azure", "global", "" },
	{ "azure/us/", "azure", "us", "" },
	{ "azure/eu/", "azure", "eu", "" },
	{ "azure/responses/", "azure", "", "" },
	{ "azure/", "azure", "", "" },
	{ "azure_ai/global/", "azure", "global", "" },
	{ "azure_ai/", "azure", "", "" },
	{ "openai/responses/", "openai", "", "" },
	{ "fast/", "", "", "fast" },
	{ "us/", "", "us", "" },
	{ "eu/", "", "eu", "" },
	{ "global.", "bedrock", "global", "" },
	{ "us-gov.", "bedrock", "us-gov", "" },
	{ "us.", "bedrock", "us", "" },
	{ "eu.", "bedrock", "eu", "" },
	{ "apac.", "bedrock", "apac", "" },
	{ "au.", "bedrock", "au", "" },
	{ "jp.", "bedrock", "jp", "" },
};

/* What stands behind it: an end that tells the service tier, or one that means something at one
 * vendor only, which is then who sells it. `alone`: the price is that of the end, whatever stands
 * before it. */
static const struct {
	const char *suffix, *service_tier, *provider, *request_fee;
	bool alone;
} suffixes[] = {
	{ .suffix = "[1m]" },
	{ .suffix = "@default" },
	{ .suffix = ":thinking", .provider = "openrouter" },
	{ .suffix = ":nitro", .provider = "openrouter" },
	{ .suffix = ":floor", .provider = "openrouter" },
	{ .suffix = ":exacto", .provider = "openrouter" },
	{ .suffix = ":free", .provider = "openrouter", .alone = true },
	{ .suffix = ":online", .provider = "openrouter", .request_fee = "online" },
	{ .suffix = ":18k" },
	{ .suffix = ":28k" },
	{ .suffix = ":48k" },
	{ .suffix = ":100k" },
	{ .suffix = ":200k" },
	{ .suffix = ":batch", .service_tier = "batch" },
	{ .suffix = "-batch", .service_tier = "batch" },
	{ .suffix = "-fast", .service_tier = "fast" },
	{ .suffix = "-v1:0" },
	{ .suffix = "-v2:0" },
	{ .suffix = "-v1" },
};

/* How gateways, clouds and telemetry call a vendor. */
static const struct {
	const char *word, *provider;
} vendors[] = {
	{ "amazon", "amazon-nova" },
	{ "amazon-bedrock", "bedrock" },
	{ "amazon_nova", "amazon-nova" },
	{ "aws", "bedrock" },
	{ "aws.bedrock", "bedrock" },
	{ "aws_bedrock", "bedrock" },
	{ "az.ai.inference", "azure" },
	{ "az.ai.openai", "azure" },
	{ "azure-cognitive-services", "azure" },
	{ "azure-openai", "azure" },
	{ "azure.ai.inference", "azure" },
	{ "azure.ai.openai", "azure" },
	{ "azure_ai", "azure" },
	{ "azure_openai", "azure" },
	{ "azure_text", "azure" },
	{ "bedrock_converse", "bedrock" },
	{ "bedrock_mantle", "bedrock" },
	{ "claude", "anthropic" },
	{ "cloudflare-workers-ai", "cloudflare" },
	{ "cohere_chat", "cohere" },
	{ "dashscope", "alibaba" },
	{ "deepseek-ai", "deepseek" },
	{ "deepseek_ai", "deepseek" },
	{ "fireworks-ai", "fireworks" },
	{ "fireworks_ai", "fireworks" },
	{ "gcp.gemini", "google" },
	{ "gcp.gen_ai", "google" },
	{ "gcp.vertex_ai", "vertex" },
	{ "gcp_vertex_ai", "vertex" },
	{ "gemini", "google" },
	{ "google-gla", "google" },
	{ "google-vertex", "vertex" },
	{ "google-vertex-anthropic", "vertex" },
	{ "google.vertex", "vertex" },
	{ "google_genai", "google" },
	{ "google_vertexai", "vertex" },
	{ "meta-llama", "meta" },
	{ "mistral_ai", "mistral" },
	{ "mistralai", "mistral" },
	{ "moonshotai", "moonshot" },
	{ "novita-ai", "novita" },
	{ "opencode", "opencode-zen" },
	{ "qwen", "alibaba" },
	{ "stepfun-ai", "stepfun" },
	{ "tencent-tokenhub", "tokenhub" },
	{ "together_ai", "together" },
	{ "togetherai", "together" },
	{ "vertex.anthropic", "vertex" },
	{ "vertex_ai", "vertex" },
	{ "vertexai", "vertex" },
	{ "voyageai", "voyage" },
	{ "x-ai", "xai" },
	{ "x_ai", "xai" },
	{ "z-ai", "zai" },
	{ "zai-org", "zai" },
	{ "zhipu", "zai" },
	{ "zhipuai", "zai" },
};

/*
 * What telemetry gives in the place of the seller and sells nothing: what the call was made with.
 *
 * Sources: google/adk-python, strands-agents/sdk-python, traceloop/openllmetry (langchain, crewai,
 * llamaindex, agno, haystack), openlit/openlit (SemanticConvention), microsoft/agent-framework,
 * microsoft/autogen, spring-projects/spring-ai (AiProvider).
 */
static const char *const frameworks[] = {
	"ag2",
	"agno",
	"autogen",
	"claude.agent_sdk",
	"crewai",
	"gcp.vertex.agent",
	"haystack",
	"langchain",
	"litellm",
	"llamaindex",
	"microsoft.agent_framework",
	"semantic_kernel",
	"spring_ai",
	"strands-agents",
};

/* LiteLLM names what is served beside who serves it: vertex_ai-language-models,
 * text-completion-openai; the AI SDK by which interface: anthropic.messages, google.vertex.chat. */
static struct text without_kind(struct text provider)
{
	static const char before[] = "text-completion-", after[] = "_ai-";
	const size_t n = sizeof before - 1;
	if (!provider.n)
		return provider;
	if (provider.n > n && strncasecmp(provider.p, before, n) == 0)
		return (struct text){ provider.p + n, provider.n - n };
	static const char *const interfaces[] = { ".chat",	 ".responses",	   ".messages",
						  ".completion", ".generative-ai", ".embedding" };
	for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
		const size_t k = strlen(interfaces[i]);
		if (provider.n > k &&
		    strncasecmp(provider.p + provider.n - k, interfaces[i], k) == 0)
			return (struct text){ provider.p, provider.n - k };
	}
	const char *at = memmem(provider.p, provider.n, after, sizeof after - 1);
	return at ? (struct text){ provider.p, (size_t)(at - provider.p) + 3 } : provider;
}

/* The same word but for case and what stands between its parts: "Together AI" is togetherai. */
static bool same_word(struct text a, const char *b)
{
	static const char between[] = " -_.";
	size_t i = 0;
	for (;; i++, b++) {
		while (i < a.n && memchr(between, a.p[i], sizeof between - 1))
			i++;
		while (*b && memchr(between, *b, sizeof between - 1))
			b++;
		if (i == a.n || !*b)
			return i == a.n && !*b;
		if (strncasecmp(a.p + i, b, 1) != 0)
			return false;
	}
}

struct text provider_spelling(struct text provider)
{
	const struct text word = without_kind(provider);
	for (size_t i = 0; word.n && i < sizeof vendors / sizeof *vendors; i++)
		if (same_word(word, vendors[i].word))
			return text_of(vendors[i].provider);
	return word;
}

bool spelling_is_framework(struct text word)
{
	for (size_t i = 0; i < sizeof frameworks / sizeof *frameworks; i++)
		if (same_word(word, frameworks[i]))
			return true;
	return false;
}

static bool starts(struct text t, const char *word)
{
	size_t n = strlen(word);
	return t.n > n && strncasecmp(t.p, word, n) == 0;
}

const char *spelling_other_card(const char *provider, struct text model)
{
	return strcmp(provider, "bedrock") == 0 && starts(model, "amazon.nova-") ? "amazon-nova"
										 : NULL;
}

bool spelling_via(struct text *provider)
{
	if (!starts(*provider, SOLD_VIA))
		return false;
	const size_t n = sizeof SOLD_VIA - 1;
	*provider = (struct text){ provider->p + n, provider->n - n };
	return true;
}

bool spelling_own_name(char room[SPELLING_MAX], const char *provider, struct text name, int n)
{
	static const struct {
		const char *provider, *begins, *before, *after;
	} own[] = {
		{ "opencode-zen", "", "opencode/", "" },
		{ "bedrock", "claude-", "anthropic.", "-v1:0" },
		{ "bedrock", "claude-", "anthropic.", "" },
		{ "bedrock", "claude-", "anthropic.", "-v1" },
		{ "bedrock", "anthropic.claude-", "", "-v1:0" },
		{ "bedrock", "anthropic.claude-", "", "-v1" },
	};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		const size_t begins = strlen(own[i].begins);
		if (strcmp(own[i].provider, provider) != 0 || name.n < begins ||
		    strncasecmp(name.p, own[i].begins, begins) != 0 || n-- > 0)
			continue;
		const int length = snprintf(room, SPELLING_MAX, "%s%.*s%s", own[i].before,
					    (int)name.n, name.p, own[i].after);
		return length < SPELLING_MAX;
	}
	return false;
}

static bool ends(struct text t, const char *word)
{
	size_t n = strlen(word);
	return t.n > n && strncasecmp(t.p + t.n - n, word, n) == 0;
}

static bool all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n > 0;
}

/* How long the vendor's name is in VENDOR.MODEL, which is how Bedrock names a model; 0: it is none.
 */
static size_t dotted_vendor(struct text model)
{
	static const char *const dotted[] = {
		"anthropic.", "moonshotai.", "deepseek.", "mistral.",
		"openai.",    "qwen.",	     "zai.",	  "minimax."
	};
	for (size_t i = 0; i < sizeof dotted / sizeof *dotted; i++)
		if (starts(model, dotted[i]))
			return strlen(dotted[i]) - 1;
	return 0;
}

static bool take_end(struct text *model, const char *end)
{
	if (!ends(*model, end))
		return false;
	model->n -= strlen(end);
	return true;
}

bool spelling_take_offer(struct text *model)
{
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (suffixes[i].alone && take_end(model, suffixes[i].suffix))
			return true;
	return false;
}

bool spelling_is_offer(struct text model)
{
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (suffixes[i].alone && text_is(model, suffixes[i].suffix))
			return true;
	return false;
}

/* How long a date at the end is, with the mark before it: -20250929, -2025-09-29, @20250929. */
static size_t date_at_end(struct text m)
{
	static const char *const forms[] = { "-dddddddd", "@dddddddd", "-dddd-dd-dd" };
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const size_t n = strlen(forms[i]);
		bool fits = m.n > n;
		for (size_t k = 0; k < n && fits; k++) {
			const char c = m.p[m.n - n + k];
			fits = forms[i][k] == 'd' ? is_digit(c) : c == forms[i][k];
		}
		if (fits)
			return n;
	}
	return 0;
}

bool spelling_take_edition(struct text *model)
{
	static const char *const editions[] = { "-latest", "@latest", ":latest", "-1:0" };
	for (size_t i = 0; i < sizeof editions / sizeof *editions; i++)
		if (take_end(model, editions[i]))
			return true;
	const size_t date = date_at_end(*model);
	model->n -= date;
	return date != 0;
}

/* What stands between two marks of a path, or (NULL) up to its end; none: nothing. */
static struct text path_between(struct text path, const char *before, const char *after)
{
	const char *from = memmem(path.p, path.n, before, strlen(before));
	if (!from)
		return TEXT("");
	from += strlen(before);
	const size_t left = path.n - (size_t)(from - path.p);
	const char *to = after ? memmem(from, left, after, strlen(after)) : from + left;
	return (struct text){ from, to ? (size_t)(to - from) : 0 };
}

/* projects/P/locations/us-east5/publishers/anthropic/models/claude-...: Vertex names a model, and
 * where it is served. */
static bool take_resource(struct spelling *s)
{
	if (!starts(s->model, "projects/") && !starts(s->model, "publishers/"))
		return false;
	const struct text model = path_between(s->model, "/models/", NULL);
	if (!model.n)
		return false;
	s->region = path_between(s->model, "/locations/", "/");
	s->provider = TEXT("vertex");
	s->model = model;
	return true;
}

/* VENDOR.MODEL is how Bedrock names a model: it is looked up there first as it stands. What Bedrock
 * does not list is looked up at its maker. */
static bool take_bedrock_name(struct spelling *s)
{
	if (s->provider.n || !dotted_vendor(s->model))
		return false;
	s->provider = TEXT("bedrock");
	return true;
}

/* VENDOR/MODEL:END is how a router writes that knows the end: it may list the name as it stands. */
static bool take_router_name(struct spelling *s)
{
	if (s->provider.n || !s->model.n || !memchr(s->model.p, '/', s->model.n))
		return false;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (suffixes[i].provider && ends(s->model, suffixes[i].suffix)) {
			s->provider = text_of(suffixes[i].provider);
			return true;
		}
	return false;
}

static bool take_prefix(struct spelling *s)
{
	if (take_resource(s))
		return true;
	/* arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-... */
	const char *last =
		starts(s->model, "arn:aws") ? memrchr(s->model.p, '/', s->model.n) : NULL;
	if (last) {
		s->model.n -= (size_t)(last + 1 - s->model.p);
		s->model.p = last + 1;
		s->provider = TEXT("bedrock");
		return s->model.n > 0;
	}
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		if (!starts(s->model, prefixes[i].prefix))
			continue;
		size_t n = strlen(prefixes[i].prefix);
		s->model = (struct text){ s->model.p + n, s->model.n - n };
		if (*prefixes[i].provider)
			s->provider = text_of(prefixes[i].provider);
		if (*prefixes[i].region)
			s->region = text_of(prefixes[i].region);
		if (*prefixes[i].service_tier)
			s->service_tier = text_of(prefixes[i].service_tier);
		/* bedrock/us-east-1/MODEL names a region */
		const char *slash = memchr(s->model.p, '/', s->model.n);
		if (text_eq(s->provider, TEXT("bedrock")) && slash) {
			s->region = (struct text){ s->model.p, (size_t)(slash - s->model.p) };
			s->model = (struct text){ slash + 1, s->model.n - s->region.n - 1 };
		}
		return true;
	}
	return false;
}

static bool take_suffix(struct spelling *s)
{
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		const size_t n = strlen(suffixes[i].suffix);
		if (!ends(s->model, suffixes[i].suffix) ||
		    (suffixes[i].service_tier && !s->tiers) ||
		    ((suffixes[i].alone || suffixes[i].request_fee) &&
		     !text_is(s->provider, suffixes[i].provider)))
			continue;
		if (suffixes[i].alone)
			s->model.p += s->model.n - n;
		s->model.n = suffixes[i].alone ? n : s->model.n - n;
		if (suffixes[i].service_tier)
			s->service_tier = text_of(suffixes[i].service_tier);
		if (suffixes[i].request_fee)
			s->request_fee = suffixes[i].request_fee;
		return true;
	}
	/* @20250929, @001: a snapshot on Vertex */
	const char *at = s->model.n ? memchr(s->model.p, '@', s->model.n) : NULL;
	if (at && at > s->model.p &&
	    all_digits(at + 1, s->model.n - (size_t)(at + 1 - s->model.p))) {
		s->model.n = (size_t)(at - s->model.p);
		return true;
	}
	return false;
}

/* A Claude snapshot is priced as its model; of other vendors a date may tell prices apart, so only
 * those that a card lists are folded. */
static bool take_claude_date(struct spelling *s)
{
	struct text m = s->model;
	if (!starts(m, "claude-") || m.n < 16 || m.p[m.n - 9] != '-' ||
	    !all_digits(m.p + m.n - 8, 8))
		return false;
	s->model.n -= 9;
	return true;
}

/* VENDOR/MODEL and VENDOR.MODEL, as gateways and Bedrock write them: the vendor sells it. */
static bool take_vendor(struct spelling *s)
{
	const char *slash = s->model.n ? memchr(s->model.p, '/', s->model.n) : NULL;
	const size_t n = slash ? (size_t)(slash - s->model.p) : dotted_vendor(s->model);
	if (!n || n + 1 >= s->model.n)
		return false;
	struct text head = { s->model.p, n };
	s->provider = provider_spelling(head);
	s->model = (struct text){ s->model.p + n + 1, s->model.n - n - 1 };
	return true;
}

/* Writes the name with the dots of versions as dashes, or the other way round, into the room. */
static bool take_marks(struct spelling *s, size_t from, char mark, char other)
{
	if (s->model.n >= SPELLING_MAX || !memchr(s->model.p + from, mark, s->model.n - from))
		return false;
	memmove(s->room, s->model.p, s->model.n);
	for (size_t i = from; i < s->model.n; i++)
		if (s->room[i] == mark)
			s->room[i] = other;
	s->model.p = s->room;
	return true;
}

/* claude-opus-4.6 as claude-opus-4-6. */
static bool take_dots(struct spelling *s)
{
	return starts(s->model, "claude-") && take_marks(s, 0, '.', '-');
}

/* claude-4-6-opus as claude-opus-4-6, since their names changed with version 4; gpt-5-4 as gpt-5.4.
 */
static bool take_order(struct spelling *s)
{
	const char *p = s->model.p;
	const size_t n = s->model.n;
	if (starts(s->model, "gpt-") && n >= 7 && n < SPELLING_MAX && is_digit(p[4]) &&
	    p[5] == '-' && is_digit(p[6]) && (n == 7 || p[7] == '-')) {
		memmove(s->room, p, n);
		s->room[5] = '.';
		s->model.p = s->room;
		return true;
	}
	if (!starts(s->model, "claude-") || n >= SPELLING_MAX || n < 9 || !is_digit(p[7]) ||
	    p[7] < '4' || p[8] != '-')
		return false;
	const size_t version = is_digit(p[9]) && n > 10 && p[10] == '-' ? 3 : 1,
		     family = 7 + version + 1;
	char room[SPELLING_MAX];
	size_t end = family;
	while (end < n && p[end] != '-')
		end++;
	if (end == family || !is_letter(p[family]))
		return false;
	const int length = snprintf(room, sizeof room, "claude-%.*s-%.*s%.*s", (int)(end - family),
				    p + family, (int)version, p + 7, (int)(n - end), p + end);
	memcpy(s->room, room, (size_t)length);
	s->model = (struct text){ s->room, (size_t)length };
	return true;
}

/* gpt-5.4-high, claude-opus-4-6-thinking: how hard a model thinks, which changes no price of a
 * token. */
static bool take_effort(struct spelling *s)
{
	static const char *const of[] = { "gpt-", "o1", "o3", "o4", "claude-", "gemini-", "grok-" };
	static const char *const ends_in[] = { "-minimal", "-low",   "-medium",
					       "-high",	   "-xhigh", "-thinking" };
	bool known = false;
	const char *last = s->model.n ? memrchr(s->model.p, '/', s->model.n) : NULL;
	const struct text name = { last ? last + 1 : s->model.p,
				   s->model.n - (last ? (size_t)(last + 1 - s->model.p) : 0) };
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		known |= starts(name, of[i]);
	for (size_t i = 0; s->loose && known && i < sizeof ends_in / sizeof *ends_in; i++)
		if (ends(name, ends_in[i])) {
			s->model.n -= strlen(ends_in[i]);
			return true;
		}
	return false;
}

/* A mark between two numbers of a version, not of a date: grok-4.1-fast as grok-4-1-fast, and
 * gemini-2-5-pro as gemini-2.5-pro. */
static size_t change_marks(char *p, size_t n, char mark, char other)
{
	size_t changed = 0;
	for (size_t i = 1; i + 1 < n; i++) {
		const bool one_digit = is_digit(p[i - 1]) && (i < 2 || !is_digit(p[i - 2])) &&
				       is_digit(p[i + 1]) && (i + 2 == n || !is_digit(p[i + 2]));
		if (p[i] == mark && one_digit) {
			p[i] = other;
			changed++;
		}
	}
	return changed;
}

static bool take_version(struct spelling *s)
{
	if (!s->loose || s->version_changed || s->model.n >= SPELLING_MAX)
		return false;
	memmove(s->room, s->model.p, s->model.n);
	/* Gemini has no version with a dash */
	const bool dotted = memmem(s->model.p, s->model.n, "gemini-", 7) != NULL;
	if ((dotted || !change_marks(s->room, s->model.n, '.', '-')) &&
	    !change_marks(s->room, s->model.n, '-', '.'))
		return false;
	s->model.p = s->room;
	s->version_changed = true;
	return true;
}

/* gemini-3-pro as gemini-3-pro-preview, where the card has the name it began with. */
static bool take_stable(struct spelling *s)
{
	static const char end[] = "-preview";
	if (!s->loose || !memmem(s->model.p, s->model.n, "gemini-", 7) ||
	    memmem(s->model.p, s->model.n, end, sizeof end - 1) ||
	    s->model.n + sizeof end > SPELLING_MAX)
		return false;
	memmove(s->room, s->model.p, s->model.n);
	memcpy(s->room + s->model.n, end, sizeof end - 1);
	s->model = (struct text){ s->room, s->model.n + sizeof end - 1 };
	return true;
}

/* A name with spaces around it. */
static bool take_space(struct spelling *s)
{
	const struct text was = s->model;
	while (s->model.n && isspace((unsigned char)s->model.p[0]))
		s->model = (struct text){ s->model.p + 1, s->model.n - 1 };
	while (s->model.n && isspace((unsigned char)s->model.p[s->model.n - 1]))
		s->model.n--;
	return s->model.n != was.n;
}

/* As people see it: "Claude Sonnet 4.5", "GPT-5 mini". */
static bool take_words(struct spelling *s)
{
	if (!s->loose || s->model.n >= SPELLING_MAX || !memchr(s->model.p, ' ', s->model.n))
		return false;
	memmove(s->room, s->model.p, s->model.n);
	for (size_t i = 0; i < s->model.n; i++)
		s->room[i] = s->room[i] == ' ' ? '-' : (char)tolower((unsigned char)s->room[i]);
	s->model.p = s->room;
	return true;
}

/* openai:gpt-5.4; v1:0 ends with a number. */
static bool take_colon(struct spelling *s)
{
	const char *colon = s->loose && s->model.n ? memchr(s->model.p, ':', s->model.n) : NULL;
	const size_t n = colon ? (size_t)(colon - s->model.p) : 0;
	if (!n || n + 2 >= s->model.n || is_digit(colon[1]))
		return false;
	s->provider = provider_spelling((struct text){ s->model.p, n });
	s->model = (struct text){ colon + 1, s->model.n - n - 1 };
	return true;
}

bool spelling_next(struct spelling *s)
{
	static bool (*const steps[])(struct spelling *) = {
		take_space,	  take_words,	take_bedrock_name, take_router_name, take_prefix,
		take_suffix,	  take_colon,	take_effort,	   take_dots,	     take_order,
		take_claude_date, take_version, take_stable,	   take_vendor
	};
	/* no name has so many parts: two steps that undo each other must come to an end */
	enum { STEPS = sizeof steps / sizeof *steps, TAKEN_MOST = 100 };
	if (!s->model.p) /* nobody's name is a text as well */
		s->model = TEXT("");
	if (!s->whole.p)
		s->whole = s->model;
	for (;;) {
		for (; s->stage < STEPS; s->stage++)
			if (s->taken < TAKEN_MOST && steps[s->stage](s)) {
				s->taken++;
				/* what is left may have a prefix or suffix again, as us.anthropic.
				 * has */
				s->stage = s->stage == STEPS - 1 ? 0 : s->stage;
				return true;
			}
		if (s->loose)
			return false;
		/* grok-4-fast is a model: only a name that is none ends in a tier, or in how hard
		 * it thinks */
		*s = (struct spelling){
			.model = s->whole, .whole = s->whole, .tiers = !s->tiers, .loose = s->tiers
		};
	}
}
