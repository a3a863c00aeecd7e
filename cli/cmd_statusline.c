#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/zone.h"
#include "cli/look_source.h"
#include "meter/ingest/quota_log.h"
#include "meter/store/usage_blocks.h"
#include "reports/amount.h"
#include "reports/blocks_report.h"
#include "reports/plain.h"
#include "reports/quota_report.h"
#include "reports/table.h"

/*
 * A status line is drawn several times a second, by many sessions at once. So it never reads logs:
 * it prints what a small file holds, and where that is old a process of its own renews it behind
 * the line's back. That process holds a lock which the line took before it started it: there is one
 * at a time, and whoever waits for the lock waits for its end.
 */
enum { STATE_BYTES_MAX = 1 << 20, INPUT_BYTES_MAX = 1 << 20, RENEW_SECONDS = 10 };

static const struct option options[] = {
	{ "renew", 0, NULL, "refresh the figures now and wait for it; print nothing", false },
	/* those of ccusage's status line, so that its settings go on working */
	{ "visual-burn-rate", 'B', "STYLE", "accepted, without effect", false, OPTION_ADVANCED },
	{ "cost-source", 0, "SOURCE", "accepted, without effect", false, OPTION_ADVANCED },
	{ "cache", 0, NULL, "accepted, without effect", false, OPTION_ADVANCED },
	{ "no-cache", 0, NULL, "accepted, without effect", false, OPTION_ADVANCED },
	{ "no-offline", 0, NULL, "accepted, without effect", false, OPTION_ADVANCED },
	{ "refresh-interval", 0, "SECONDS", "accepted, without effect", false, OPTION_ADVANCED },
	{ "context-low-threshold", 0, "PERCENT", "accepted, without effect", false,
	  OPTION_ADVANCED },
	{ "context-medium-threshold", 0, "PERCENT", "accepted, without effect", false,
	  OPTION_ADVANCED },
	{ "config", 0, "FILE", "accepted, without effect", false, OPTION_ADVANCED },
	{ "debug", 'd', NULL, "accepted, without effect", false, OPTION_ADVANCED },
	OPTIONS_OF_LOOKS,
	{ 0 },
};

static bool state_path(struct buf *path, const char *name)
{
	const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
	if (cache && *cache)
		buf_printf(path, "%s/tally/%s", cache, name);
	else if (home && *home)
		buf_printf(path, "%s/.cache/tally/%s", home, name);
	return path->n > 0;
}

/* The refresher's lock: a descriptor, or -1 where another process holds it (only_if_free) or the
 * cache has no place. */
static int take_lock(bool only_if_free)
{
	struct buf path = { 0 };
	struct err none;
	int fd = -1;
	if (state_path(&path, "statusline.lock") && file_make_folders(path.p, 0700, &none) == 0)
		fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	buf_release(&path);
	if (fd >= 0 && flock(fd, LOCK_EX | (only_if_free ? LOCK_NB : 0)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Amounts as they are printed. */
static void put_cents(struct buf *b, const char *key, const struct usage_sums *s,
		      const char *currency)
{
	struct buf amount = { 0 };
	json_put_string(b, text_of(key));
	buf_puts(b, ":");
	json_put_string(b, text_of(cents_cost(&amount, s, currency)));
	buf_release(&amount);
}

static int put_sessions(struct buf *b, struct store *s, const struct zone *zone,
			const struct usage_filter *filter, struct err *e)
{
	static const enum grouping dims[] = { BY_SESSION };
	struct usage_filter all = { .since = INSTANT_MIN, .until = INSTANT_MAX };
	struct usage_result *recent, *result;
	int rc = usage_query(&recent, s, filter, &(struct usage_grouping){ dims, 1, zone }, e);
	if (rc != 0)
		return rc;
	rc = usage_query(&result, s, &all, &(struct usage_grouping){ dims, 1, zone }, e);
	size_t k = 0;
	bool any = false;
	/* both come in the order of their labels */
	for (size_t i = 0; rc == 0 && i < usage_group_count(recent); i++) {
		const struct text name = usage_label(recent, i, 0);
		while (k < usage_group_count(result) &&
		       text_cmp(usage_label(result, k, 0), name) < 0)
			k++;
		if (k == usage_group_count(result) || name.n == 0)
			continue;
		const struct usage_sums *sums = usage_group(result, k);
		buf_puts(b, any ? "," : "");
		put_cents(b, name.p, sums, usage_currency(result));
		any = true;
	}
	if (rc == 0)
		usage_result_close(result);
	usage_result_close(recent);
	return rc;
}

static int put_state(struct buf *b, struct store *s, const struct zone *zone, struct instant now,
		     struct err *e)
{
	const int64_t day = zone_day(zone, now);
	struct usage_filter today = { .since = zone_midnight(zone, day),
				      .until = zone_midnight(zone, day + 1) },
			    recent = { .since = { now.us - 2 * US_PER_DAY }, .until = INSTANT_MAX };
	struct usage_result *result;
	struct usage_blocks blocks;
	char text[INSTANT_TEXT_MAX];
	int rc = usage_query(&result, s, &today, &(struct usage_grouping){ .zone = zone }, e);
	if (rc != 0)
		return rc;
	buf_printf(b, "{\"at\":\"%s\",\"day\":%lld,", instant_format(now, text), (long long)day);
	put_cents(b, "today", usage_total(result), usage_currency(result));
	usage_result_close(result);
	rc = usage_blocks_read(&blocks, s, &recent, 5, e);
	if (rc != 0)
		return rc;
	if (blocks.count && usage_block_active(&blocks.block[blocks.count - 1], now.us)) {
		const struct usage_block *last = &blocks.block[blocks.count - 1];
		buf_printf(b, ",\"block_ends\":\"%s\",",
			   instant_format((struct instant){ last->end_us }, text));
		put_cents(b, "block", &last->sums, blocks.currency);
	}
	usage_blocks_release(&blocks);
	buf_puts(b, ",\"sessions\":{");
	rc = put_sessions(b, s, zone, &recent, e);
	buf_puts(b, "}}\n");
	return rc;
}

/* In place at once: a line that is drawn meanwhile reads the old one or the new one. */
static int write_state(const char *path, struct text content, struct err *e)
{
	struct buf beside = { 0 };
	buf_printf(&beside, "%s.%ld", path, (long)getpid());
	int rc = file_write(beside.p, content, e);
	if (rc == 0 && rename(beside.p, path) != 0)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s': %s", path, strerror(errno));
	if (rc != 0)
		unlink(beside.p);
	buf_release(&beside);
	return rc;
}

static int renew(struct cli *cli, struct err *e)
{
	struct look_source source = { 0 };
	struct buf state = { 0 }, path = { 0 };
	struct zone *zone = NULL;
	if (!state_path(&path, "statusline.json"))
		return 0;
	int rc = cli_zone(cli, &zone, e);
	if (rc == 0)
		rc = look_source_open(&source, cli, true, e);
	if (rc == 0)
		rc = put_state(&state, source.store, zone, clock_now(), e);
	if (rc == 0)
		rc = write_state(path.p, (struct text){ state.p, state.n }, e);
	look_source_close(&source);
	zone_close(zone);
	buf_release(&state);
	buf_release(&path);
	return rc;
}

static int renew_here(struct cli *cli, struct err *e)
{
	int lock = take_lock(false);
	int rc = renew(cli, e);
	if (lock >= 0)
		close(lock);
	return rc;
}

/* In a process of its own that outlives this one and holds none of its pipes, but the lock. */
static void renew_behind(struct cli *cli)
{
	struct err none;
	int lock = take_lock(true);
	if (lock < 0)
		return;
	if (fork() != 0) {
		close(lock);
		return;
	}
	if (setsid() < 0 || fork() != 0)
		_exit(0);
	int fd = open("/dev/null", O_RDWR);
	for (int k = 0; fd >= 0 && k < 3; k++)
		dup2(fd, k);
	renew(cli, &none);
	_exit(0);
}

static void put_part(struct buf *line, const char *text)
{
	buf_printf(line, "%s%s", line->n ? " | " : "", text);
}

static int64_t instant_of(json_value *v)
{
	struct instant t;
	struct err none;
	return instant_parse(&t, json_string(v), &none) == 0 ? t.us : INT64_MIN;
}

/* What the state says, as far as it is of now. */
static void put_costs(struct buf *line, json_value *state, json_value *input, struct instant now,
		      int64_t day)
{
	struct buf b = { 0 };
	struct decimal told;
	char span[32], room[128];
	struct text session = json_string(json_member(input, "session_id"));
	snprintf(room, sizeof room, "%.*s", (int)session.n, session.p);
	struct text own = json_string(json_member(json_member(state, "sessions"), room));
	struct text client = json_number(json_member(json_member(input, "cost"), "total_cost_usd"));
	if (own.n) {
		buf_printf(&b, "session %.*s", (int)own.n, own.p);
		put_part(line, b.p);
	} else if (decimal_parse(&told, client, NULL) == 0) {
		bool cut;
		char text[DECIMAL_TEXT_MAX];
		decimal_format(decimal_round_places(told, 2, &cut), text);
		/* the agent's own figure */
		buf_printf(&b, "session ~$%s", text);
		put_part(line, b.p);
	}
	int64_t of_day = 0, ends = instant_of(json_member(state, "block_ends"));
	struct text today = json_string(json_member(state, "today")),
		    block = json_string(json_member(state, "block"));
	if (decimal_parse(&told, json_number(json_member(state, "day")), NULL) == 0)
		decimal_to_int64(told, 0, &of_day);
	b.n = 0;
	if (today.n && of_day == day) {
		buf_printf(&b, "today %.*s", (int)today.n, today.p);
		put_part(line, b.p);
	}
	b.n = 0;
	if (block.n && ends > now.us) {
		buf_printf(&b, "block %.*s, %s left", (int)block.n, block.p,
			   span_words(span, ends - now.us));
		put_part(line, b.p);
	}
	buf_release(&b);
}

static void put_windows(struct buf *line, const struct quota_list *l, struct instant now)
{
	struct buf b = { 0 }, title = { 0 };
	char span[32];
	for (size_t i = 0; i < l->count; i++) {
		const struct quota *q = &l->window[i];
		const struct quota_pace p = quota_pace(q, now);
		if (quota_is_over(q, now))
			continue;
		b.n = 0;
		if (q->length_us && !q->limit[0])
			buf_printf(&b, "%lld%s ",
				   (long long)(q->length_us % US_PER_DAY
						       ? q->length_us / US_PER_HOUR
						       : q->length_us / US_PER_DAY),
				   q->length_us % US_PER_DAY ? "h" : "d");
		else
			buf_printf(&b, "%s ", q->limit);
		put_percent(&b, q->used);
		buf_puts(&b, " %");
		if (p.known && !p.lasts)
			buf_printf(&b, ", used up in %s", span_words(span, p.used_up_us));
		put_part(line, b.p);
	}
	buf_release(&b);
	buf_release(&title);
}

static int print_line(json_value *input, json_value *state, const struct quota_list *windows,
		      const struct zone *zone)
{
	const struct instant now = clock_now();
	struct buf line = { 0 }, part = { 0 };
	json_value *model = json_member(input, "model");
	struct text name = json_string(json_member(model, "display_name"));
	if (!name.n)
		name = json_string(json_member(model, "id"));
	struct text context =
		json_number(json_member(json_member(input, "context_window"), "used_percentage"));
	if (name.n) {
		buf_printf(&part, "%.*s", (int)name.n, name.p);
		put_part(&line, part.p);
	}
	put_costs(&line, state, input, now, zone_day(zone, now));
	put_windows(&line, windows, now);
	part.n = 0;
	if (context.n) {
		buf_printf(&part, "context %.*s %%", (int)strcspn(context.p, "."), context.p);
		put_part(&line, part.p);
	}
	printf("%s\n", line.n ? line.p : "tally");
	buf_release(&part);
	buf_release(&line);
	return 0;
}

static int run(struct cli *cli, struct err *e)
{
	struct buf given = { 0 }, path = { 0 }, kept = { 0 };
	struct json_document *input = NULL, *state = NULL;
	struct quota_list windows = { 0 };
	struct zone *zone = NULL;
	struct err none;
	if (cli_flag(cli, "renew"))
		return renew_here(cli, e);
	if (isatty(STDIN_FILENO))
		return err_set(
			e, ERR_USAGE,
			"`tally statusline` reads what Claude Code pipes into a status line; "
			"see `tally statusline --help`");
	int rc = file_read(&given, NULL, INPUT_BYTES_MAX, e);
	if (rc == 0 && given.n == 0)
		rc = err_set(e, ERR_INVALID,
			     "standard input is empty; Claude Code pipes a JSON object into "
			     "`tally statusline`");
	if (rc == 0)
		rc = json_open(&input, (struct text){ given.p, given.n }, e);
	if (rc == 0)
		rc = cli_zone(cli, &zone, e);
	if (rc == 0) {
		const struct instant now = clock_now();
		quota_of_status_line(&windows, json_root(input), now);
		if (state_path(&path, "statusline.json") &&
		    file_read(&kept, path.p, STATE_BYTES_MAX, &none) == 0 &&
		    json_open(&state, (struct text){ kept.p, kept.n }, &none) != 0)
			state = NULL;
		const int64_t at = instant_of(json_member(json_root(state), "at"));
		rc = print_line(json_root(input), json_root(state), &windows, zone);
		fflush(stdout);
		quota_log_keep(&windows);
		if (at == INT64_MIN || now.us - at > RENEW_SECONDS * US_PER_SECOND || at > now.us)
			renew_behind(cli);
	}
	json_close(input);
	json_close(state);
	zone_close(zone);
	buf_release(&given);
	buf_release(&path);
	buf_release(&kept);
	return rc;
}

const struct command command_statusline = {
	.name = "statusline",
	.place = HELP_LOOK + 20,
	.summary = "one line for Claude Code's status line: costs, block, quota",
	.arguments = "",
	.description =
		"Reads the JSON that Claude Code pipes into a status line and prints one line: "
		"the model, what this session, today and the block of five hours cost (from the "
		"logs, each call once; ~ marks the agent's own figure until they are read), and "
		"how much of the subscription's windows is used. The line itself reads no logs: "
		"a background process refreshes the figures every ten seconds, one at a "
		"time; --renew does it in the foreground.\n\nIn ~/.claude/settings.json:\n  \"statusLine\": { \"type\": "
		"\"command\", \"command\": \"tally statusline\" }",
	.examples = "  echo '{\"session_id\":\"s1\"}' | tally statusline\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_CURRENCY | TAKES_ZONE,
	.run = run,
};
