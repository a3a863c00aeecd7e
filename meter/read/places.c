#include "meter/read/places.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"

struct place {
	const char *agent, *title;
	/* names a directory (or several, by commas) above `under`; NULL: where the variable is set,
	   another row follows it */
	const char *variable, *under;
	const char *path;  /* else; ~ the home, data: and config: as XDG says */
	const char *files; /* patterns of paths under the place; * spans slashes */
};

#define VSCODE_FILES "*/ui_messages.json"
#define VSCODE_OF(agent, title, editor, extension) \
	{ \
		agent, title, NULL, NULL, editor "/User/globalStorage/" extension "/tasks", \
			VSCODE_FILES \
	}
#define VSCODE(agent, title, extension) \
	VSCODE_OF(agent, title, "config:/Code", extension), \
		VSCODE_OF(agent, title, "config:/Code - Insiders", extension), \
		VSCODE_OF(agent, title, "config:/VSCodium", extension), \
		VSCODE_OF(agent, title, "config:/Cursor", extension), \
		VSCODE_OF(agent, title, "config:/Windsurf", extension), \
		VSCODE_OF(agent, title, "~/.vscode-server/data", extension), \
		VSCODE_OF(agent, title, "~/.cursor-server/data", extension), \
		VSCODE_OF(agent, title, "~/Library/Application Support/Code", extension), \
		VSCODE_OF(agent, title, "~/Library/Application Support/Cursor", extension)

#define ANTIGRAVITY(variable, under, writer) \
	{ \
		"antigravity", "Antigravity", variable, under, \
			"~/.gemini/antigravity" writer "/conversations", "*.db" \
	}

#define CHAT_FILES "*chat-messages.json"
#define OPENCODE_FILES "opencode*.db|storage/message/*/msg_*.json"

static const struct place table[] = {
	{ "claude", "Claude Code", "CLAUDE_CONFIG_DIR", "/projects", "~/.claude/projects",
	  "*.jsonl" },
	{ "claude", "Claude Code", "CLAUDE_CONFIG_DIR", NULL, "config:/claude/projects",
	  "*.jsonl" },
	{ "codex", "Codex", "CODEX_HOME", "/sessions", "~/.codex/sessions", "*.jsonl" },
	{ "codex", "Codex", "CODEX_HOME", "/archived_sessions", "~/.codex/archived_sessions",
	  "*.jsonl" },
	{ "opencode", "OpenCode", "OPENCODE_DB", "", NULL, "" },
	{ "opencode", "OpenCode", "OPENCODE_DATA_DIR", "", "data:/opencode", OPENCODE_FILES },
	{ "kilo", "Kilo Code", "KILO_DATA_DIR", "", "data:/kilo", "kilo*.db" },
	VSCODE("kilo", "Kilo Code", "kilocode.kilo-code"),
	{ "mimocode", "MiMoCode", NULL, NULL, "data:/mimocode", "mimocode*.db" },
	{ "gemini", "Gemini CLI", "GEMINI_CLI_HOME", "/.gemini/tmp", "~/.gemini/tmp",
	  "*/chats/*.json|*/chats/*.jsonl" },
	{ "qwen", "Qwen Code", "QWEN_DATA_DIR", "/projects", "~/.qwen/projects",
	  "*/chats/*.jsonl" },
	{ "copilot", "GitHub Copilot CLI", NULL, NULL, "~/.copilot",
	  "session-store.db|session-state/*/events.jsonl" },
	{ "amp", "Amp", "AMP_DATA_DIR", "/threads", "data:/amp/threads", "T-*.json" },
	{ "droid", "Factory Droid", "DROID_SESSIONS_DIR", "", NULL, "*.settings.json" },
	{ "droid", "Factory Droid", "FACTORY_DIR", "/sessions", "~/.factory/sessions",
	  "*.settings.json" },
	{ "kimi", "Kimi", "KIMI_SHARE_DIR", "/sessions", "~/.kimi/sessions", "*wire.jsonl" },
	{ "kimi", "Kimi", "KIMI_CODE_HOME", "/sessions", "~/.kimi-code/sessions", "*wire.jsonl" },
	{ "goose", "Goose", "GOOSE_PATH_ROOT", "/data/sessions", "data:/goose/sessions",
	  "sessions.db" },
	{ "goose", "Goose", "GOOSE_PATH_ROOT", NULL, "~/Library/Application Support/goose/sessions",
	  "sessions.db" },
	{ "goose", "Goose", "GOOSE_PATH_ROOT", NULL, "data:/Block/goose/sessions", "sessions.db" },
	{ "cline", "Cline", "CLINE_SESSION_DATA_DIR", "", NULL, "*.messages.json" },
	{ "cline", "Cline", "CLINE_DATA_DIR", "", NULL,
	  "sessions/*.messages.json|tasks/" VSCODE_FILES },
	{ "cline", "Cline", "CLINE_DIR", "/data", "~/.cline/data",
	  "sessions/*.messages.json|tasks/" VSCODE_FILES },
	VSCODE("cline", "Cline", "saoudrizwan.claude-dev"),
	VSCODE("roo", "Roo Code", "rooveterinaryinc.roo-cline"),
	{ "crush", "Crush", "CRUSH_GLOBAL_DATA", "", "data:/crush", "projects.json" },
	{ "pi", "pi", "PI_CODING_AGENT_DIR", "/sessions", "~/.pi/agent/sessions", "*.jsonl" },
	{ "pi", "pi", "PI_CODING_AGENT_DIR", NULL, "~/.omp/agent/sessions", "*.jsonl" },
	{ "openclaw", "OpenClaw", "OPENCLAW_DIR", "/agents", "~/.openclaw/agents",
	  "*/sessions/*.jsonl" },
	{ "openclaw", "OpenClaw", "OPENCLAW_DIR", NULL, "~/.clawdbot/agents",
	  "*/sessions/*.jsonl" },
	{ "openclaw", "OpenClaw", "OPENCLAW_DIR", NULL, "~/.moltbot/agents", "*/sessions/*.jsonl" },
	{ "openclaw", "OpenClaw", "OPENCLAW_DIR", NULL, "~/.moldbot/agents", "*/sessions/*.jsonl" },
	{ "zed", "Zed", NULL, NULL, "data:/zed/threads", "threads.db" },
	{ "zed", "Zed", NULL, NULL, "~/Library/Application Support/Zed/threads", "threads.db" },
	{ "hermes", "Hermes", "HERMES_HOME", "", "~/.hermes", "state.db|profiles/*/state.db" },
	{ "zcode", "ZCode", "ZCODE_HOME", "/cli/db", "~/.zcode/cli/db", "*.sqlite" },
	{ "mux", "Mux", "MUX_ROOT", "/sessions", "~/.mux/sessions", "*chat.jsonl" },
	{ "continue", "Continue", "CONTINUE_GLOBAL_DIR", "/sessions", "~/.continue/sessions",
	  "*.json" },
	{ "grok", "Grok", "GROK_HOME", "/sessions", "~/.grok/sessions", "*updates.jsonl" },
	{ "codebuddy", "CodeBuddy", NULL, NULL, "~/.codebuddy/projects", "*.jsonl" },
	{ "codebuff", "Codebuff", "CODEBUFF_DATA_DIR", "/projects", "~/.config/manicode/projects",
	  CHAT_FILES },
	{ "codebuff", "Codebuff", "CODEBUFF_DATA_DIR", NULL, "~/.config/manicode-dev/projects",
	  CHAT_FILES },
	{ "codebuff", "Codebuff", "CODEBUFF_DATA_DIR", NULL, "~/.config/manicode-staging/projects",
	  CHAT_FILES },
	ANTIGRAVITY("ANTIGRAVITY_DATA_DIR", "/conversations", ""),
	ANTIGRAVITY("ANTIGRAVITY_DATA_DIR", NULL, "-cli"),
	ANTIGRAVITY("ANTIGRAVITY_DATA_DIR", NULL, "-ide"),
	ANTIGRAVITY("ANTIGRAVITY_DATA_DIR", NULL, "-acp"),
	{ "vibe", "Mistral Vibe", "VIBE_HOME", "/logs/session", "~/.vibe/logs/session",
	  "*meta.json" },
	{ "dsh", "DeepSeek Harness", "DSH_HOME", "/sessions", "~/.dsh/sessions", "*session.jsonl" },
};
enum { ROWS = sizeof table / sizeof *table, DEPTH_MAX = 12 };

bool places_named(const char *path)
{
	return strncmp(path, PLACES_OF_AGENTS, sizeof PLACES_OF_AGENTS - 1) == 0;
}

bool places_agent(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(table[i].agent, name) == 0)
			return true;
	return false;
}

void places_put_names(struct buf *b)
{
	for (size_t i = 0; i < ROWS; i++)
		if (i == 0 || strcmp(table[i].agent, table[i - 1].agent) != 0)
			buf_printf(b, "%s%s", i ? ", " : "", table[i].agent);
}

static const char *set_variable(const char *name)
{
	const char *v = name ? getenv(name) : NULL;
	return v && *v ? v : NULL;
}

static const struct {
	const char *prefix, *variable, *in_home;
} bases[] = { { "~", NULL, "" },
	      { "data:", "XDG_DATA_HOME", "/.local/share" },
	      { "config:", "XDG_CONFIG_HOME", "/.config" } };

/* ~, data: and config: replaced by directories; NULL where there is no home. */
static const char *default_path(struct places *p, const char *path)
{
	const char *home = set_variable("HOME");
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
		size_t n = strlen(bases[i].prefix);
		if (strncmp(path, bases[i].prefix, n) != 0)
			continue;
		const char *v = set_variable(bases[i].variable);
		/* the specification calls a relative path invalid */
		if (v && *v == '/')
			return arena_printf(&p->arena, "%s%s", v, path + n);
		return home ? arena_printf(&p->arena, "%s%s%s", home, bases[i].in_home, path + n)
			    : NULL;
	}
	return path;
}

static bool matches(const char *patterns, const char *path)
{
	char one[128];
	while (*patterns) {
		size_t n = strcspn(patterns, "|");
		if (n < sizeof one) {
			memcpy(one, patterns, n);
			one[n] = 0;
			if (fnmatch(one, path, FNM_PERIOD) == 0)
				return true;
		}
		patterns += n + (patterns[n] == '|');
	}
	return false;
}

/* Whether a directory of that path can lead to a file of the patterns: the parts before the first
 * wildcard must agree. */
static bool may_lead(const char *patterns, const char *path)
{
	size_t have = strlen(path);
	while (*patterns) {
		size_t n = strcspn(patterns, "|"), fixed = strcspn(patterns, "|*");
		size_t k = have < fixed ? have : fixed;
		if (strncmp(patterns, path, k) == 0 && (fixed < n || have < fixed))
			return true;
		patterns += n + (patterns[n] == '|');
	}
	return false;
}

static void add_file(struct places *p, struct found_place *f, const char *path,
		     const struct stat *st)
{
	int64_t us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
	if (p->files == p->file_room) {
		p->file_room = p->file_room ? p->file_room * 2 : 64;
		p->file = mem_grow(p->file, p->file_room * sizeof *p->file);
	}
	p->file[p->files++] = arena_text(&p->arena, path, strlen(path));
	f->files++;
	f->bytes += st->st_size;
	if (us > f->newest_us)
		f->newest_us = us;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void look_into(struct places *p, struct found_place *f, const char *patterns,
		      const char *under, int depth)
{
	struct dirent **entry;
	const char *dir = *under ? arena_printf(&p->arena, "%s/%s", f->path, under) : f->path;
	int n = scandir(dir, &entry, NULL, by_name);
	if (n < 0) {
		f->why = arena_printf(&p->arena, "could not read '%s': %s", dir, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = entry[i]->d_name;
		const char *path = *under ? arena_printf(&p->arena, "%s/%s", under, name)
					  : arena_text(&p->arena, name, strlen(name));
		const char *full = arena_printf(&p->arena, "%s/%s", dir, name);
		struct stat st;
		if (*name == '.' || stat(full, &st) != 0)
			; /* hidden, or gone, or a link that leads nowhere */
		else if (S_ISREG(st.st_mode) && matches(patterns, path))
			add_file(p, f, full, &st);
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX && may_lead(patterns, path))
			look_into(p, f, patterns, path, depth + 1);
		free(entry[i]);
	}
	free(entry);
}

/* Crush keeps a database in each project, and a list of the projects. */
static void look_into_projects(struct places *p, struct found_place *f, const char *registry)
{
	struct json_document *doc;
	struct err e;
	if (json_open_file(&doc, registry, &e) != 0) {
		f->why = arena_text(&p->arena, e.message, strlen(e.message));
		return;
	}
	json_value *projects = json_member(json_root(doc), "projects");
	for (json_value *v = json_first(projects); v; v = json_next(v)) {
		struct text at = json_string(json_member(v, "path")),
			    data = json_string(json_member(v, "data_dir"));
		const char *base =
			data.n && *data.p == '/' ? "" : arena_text(&p->arena, at.p, at.n);
		const char *dir = data.n ? arena_text(&p->arena, data.p, data.n) : ".crush";
		const char *db =
			arena_printf(&p->arena, "%s%s%s/crush.db", base, *base ? "/" : "", dir);
		struct stat st;
		if (stat(db, &st) == 0 && S_ISREG(st.st_mode))
			add_file(p, f, db, &st);
	}
	json_close(doc);
}

static void look_at(struct places *p, const struct place *row, const char *path, bool moved)
{
	struct stat st, other;
	bool there = stat(path, &st) == 0;
	/* one directory under two names is one place */
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->place[i].path, path) == 0 ||
		    (there && stat(p->place[i].path, &other) == 0 && other.st_dev == st.st_dev &&
		     other.st_ino == st.st_ino && strcmp(p->place[i].agent, row->agent) == 0))
			return;
	if (p->count == p->room) {
		p->room = p->room ? p->room * 2 : 32;
		p->place = mem_grow(p->place, p->room * sizeof *p->place);
	}
	struct found_place *f = &p->place[p->count++];
	*f = (struct found_place){ .agent = row->agent,
				   .title = row->title,
				   .variable = row->variable,
				   .moved = moved,
				   .path = path,
				   .exists = there,
				   .first = p->files,
				   .newest_us = INT64_MIN };
	if (!there)
		return;
	if (S_ISREG(st.st_mode))
		add_file(p, f, path, &st);
	else if (strcmp(row->agent, "crush") != 0)
		look_into(p, f, row->files, "", 0);
	else if (stat(path = arena_printf(&p->arena, "%s/%s", path, row->files), &st) == 0)
		look_into_projects(p, f, path);
}

/* The directories that a variable names, by commas. */
static void look_at_moved(struct places *p, const struct place *row, const char *list)
{
	while (*list) {
		size_t n = strcspn(list, ","), end = n;
		while (end > 1 && list[end - 1] == '/')
			end--;
		size_t under = strlen(row->under);
		/* some name the place itself */
		bool itself =
			under && end >= under && memcmp(list + end - under, row->under, under) == 0;
		if (end)
			look_at(p, row,
				arena_printf(&p->arena, "%.*s%s", (int)end, list,
					     itself ? "" : row->under),
				true);
		list += n + (list[n] == ',');
	}
}

/* Whether the list names the agent. */
static bool is_named(const char *agents, const char *agent)
{
	size_t length = strlen(agent);
	for (const char *p = agents; *p;) {
		size_t n = strcspn(p, ",");
		if (n == length && memcmp(p, agent, n) == 0)
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

static int check_names(const char *agents, struct err *e)
{
	for (const char *p = agents; *p;) {
		size_t n = strcspn(p, ",");
		bool known = n == 0;
		for (size_t i = 0; i < ROWS && !known; i++)
			known = strlen(table[i].agent) == n && memcmp(table[i].agent, p, n) == 0;
		if (!known) {
			struct buf names = { 0 };
			places_put_names(&names);
			err_set(e, ERR_USAGE, "no agent '%.*s'; choose from %s", (int)n, p,
				names.p);
			buf_release(&names);
			return -ERR_USAGE;
		}
		p += n + (p[n] == ',');
	}
	return 0;
}

int places_find(struct places *out, const char *agents, struct err *e)
{
	*out = (struct places){ 0 };
	int rc = agents ? check_names(agents, e) : 0;
	for (size_t i = 0; rc == 0 && i < ROWS; i++) {
		const struct place *row = &table[i];
		const char *moved = set_variable(row->variable);
		if (agents && *agents && !is_named(agents, row->agent))
			continue;
		if (moved && row->under)
			look_at_moved(out, row, moved);
		const char *path = row->path && !moved ? default_path(out, row->path) : NULL;
		if (path)
			look_at(out, row, path, false);
	}
	return rc;
}

/* Where the row's place is in a home, with a slash before it; NULL: it is not hidden there. */
static const char *in_home(const struct place *row, char room[200])
{
	for (size_t i = 0; row->path && i < sizeof bases / sizeof *bases; i++) {
		const size_t n = strlen(bases[i].prefix);
		if (strncmp(row->path, bases[i].prefix, n) != 0)
			continue;
		snprintf(room, 200, "%s%s", bases[i].in_home, row->path + n);
		return room[1] == '.' ? room : NULL;
	}
	return NULL;
}

bool places_hidden(const char *name)
{
	char room[200];
	const char *path;
	for (size_t i = 0; i < ROWS; i++)
		if ((path = in_home(&table[i], room)) && strlen(name) == strcspn(path + 1, "/") &&
		    strncmp(path + 1, name, strlen(name)) == 0)
			return true;
	return false;
}

void places_below(struct places *out, const char *home)
{
	char room[200];
	const char *path;
	*out = (struct places){ 0 };
	for (size_t i = 0; i < ROWS; i++)
		/* the list of projects that Crush keeps tells of folders elsewhere */
		if (strcmp(table[i].agent, "crush") != 0 && (path = in_home(&table[i], room)))
			look_at(out, &table[i], arena_printf(&out->arena, "%s%s", home, path),
				false);
}

void places_release(struct places *p)
{
	free(p->place);
	free(p->file);
	arena_release(&p->arena);
	*p = (struct places){ 0 };
}
