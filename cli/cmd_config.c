#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/zone.h"
#include "cli/config.h"
#include "pricing/plan.h"
#include "reports/json_out.h"
#include "reports/table.h"
#include "cli/command.h"

static const struct option options[] = {
	{ "plan", 0, "PLAN", "as the option takes it", false },
	{ 0 },
};

struct shown {
	struct arena arena;
	const char *value[SETTINGS], *from[SETTINGS];
};

static void put(struct shown *x, enum setting s, const char *value, const char *from)
{
	x->value[s] = value ? arena_text(&x->arena, value, strlen(value)) : NULL;
	x->from[s] = arena_text(&x->arena, from, strlen(from));
}

/* What commands would use, and who says so. */
static void gather(const struct cli *cli, struct shown *x)
{
	static const char *const option[SETTINGS] = { "db",	"timezone", "currency",
						      "prices", "plan",	    "from" };
	struct buf room = { 0 }, file = { 0 }, prices = { 0 };
	char zone[ZONE_NAME_MAX], typed[40], from[600];
	const char *path, *env = getenv("TALLY_DB"), *url = getenv("TALLY_PRICES_URL");
	config_path(&file);
	for (int s = 0; s < SETTINGS; s++) {
		snprintf(typed, sizeof typed, "--%s", option[s]);
		snprintf(from, sizeof from, "%s",
			 cli_value(cli, option[s])	      ? typed
			 : s == SET_DATABASE && env && *env   ? "$TALLY_DB"
			 : s == SET_PRICES_URL && url && *url ? "$TALLY_PRICES_URL"
			 : config_value((enum setting)s, 0)   ? file.p
			 : s == SET_TIMEZONE		      ? "this machine"
							      : "default");
		put(x, (enum setting)s, NULL, from);
	}
	for (int i = 0; (path = cli_price_path(cli, i)); i++)
		buf_printf(&prices, "%s%s", i ? ", " : "", path);
	put(x, SET_DATABASE, cli_db_path(cli, &room), x->from[SET_DATABASE]);
	put(x, SET_TIMEZONE, cli_zone_name(cli, zone), x->from[SET_TIMEZONE]);
	put(x, SET_CURRENCY, cli_currency(cli), x->from[SET_CURRENCY]);
	put(x, SET_PRICES, prices.n ? prices.p : "the shipped cards", x->from[SET_PRICES]);
	put(x, SET_PLAN, cli_plan(cli), x->from[SET_PLAN]);
	url = cli_prices_url();
	put(x, SET_PRICES_URL, *url ? url : NULL, x->from[SET_PRICES_URL]);
	buf_release(&room);
	buf_release(&file);
	buf_release(&prices);
}

static int run_show(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = { { "SETTING" },
						       { "VALUE", .may_shrink = true },
						       { "FROM", .may_shrink = true } };
	struct shown x = { 0 };
	struct buf file = { 0 };
	(void)e;
	gather(cli, &x);
	config_path(&file);
	if (cli->json) {
		struct json_out j;
		json_out_open(&j, stdout);
		json_out_object(&j, NULL);
		json_out_string(&j, "schema", "tally.config/1");
		json_out_string(&j, "file", file.p);
		json_out_bool(&j, "found", *file.p && access(file.p, F_OK) == 0);
		json_out_array(&j, "settings");
		for (int s = 0; s < SETTINGS; s++) {
			json_out_object(&j, NULL);
			json_out_string(&j, "name", setting_name((enum setting)s));
			json_out_string(&j, "value", x.value[s]);
			json_out_string(&j, "from", x.from[s]);
			json_out_end(&j, '}');
		}
		json_out_end(&j, ']');
		json_out_end(&j, '}');
		json_out_close(&j);
	} else {
		struct table *t = table_open(columns, 3);
		for (int s = 0; s < SETTINGS; s++) {
			table_cell(t, setting_name((enum setting)s));
			table_cell(t, x.value[s] ? x.value[s] : "-");
			table_cell(t, x.from[s]);
		}
		table_print(t);
		table_close(t);
	}
	buf_release(&file);
	arena_release(&x.arena);
	return 0;
}

/* The value as the file keeps it: paths absolute, names checked. */
static int checked(enum setting s, const char *value, struct arena *a, const char **out,
		   struct err *e)
{
	struct zone *z = NULL;
	struct plan_file *plans = NULL;
	const struct plan *plan;
	char here[4096];
	int rc = 0;
	*out = value;
	switch (s) {
	case SET_PRICES:
		if (access(value, R_OK) != 0)
			return err_set(e, ERR_NOT_FOUND, "no price cards at '%s'", value);
		/* fall through */
	case SET_DATABASE:
		if (*value != '/' && !strstr(value, "://") && getcwd(here, sizeof here))
			*out = arena_printf(a, "%s/%s", here, value);
		break;
	case SET_TIMEZONE:
		rc = strcmp(value, "local") == 0 ? 0 : zone_open(&z, value, e);
		zone_close(z);
		break;
	case SET_CURRENCY:
		if (strlen(value) != 3 || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
			rc = err_set(e, ERR_USAGE,
				     "'%s' is not a currency; write a code such as EUR", value);
		break;
	case SET_PLAN:
		rc = plan_open(&plans, &plan, value, e);
		plan_file_close(plans);
		if (rc == 0 && strchr(value, '/') && *value != '/' && getcwd(here, sizeof here))
			*out = arena_printf(a, "%s/%s", here, value);
		break;
	case SET_PRICES_URL:
		if (strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0)
			rc = err_set(e, ERR_USAGE,
				     "'%s' is not an address; write one that begins with https://",
				     value);
		break;
	case SETTINGS:
		break;
	}
	return rc;
}

static int changed(const struct cli *cli)
{
	struct buf file = { 0 };
	config_path(&file);
	cli_done(cli, true, cli->argument[0], "%s: %s in %s", cli->argument[0],
		 cli->argument_count > 1 ? "set" : "not set any more", file.p);
	buf_release(&file);
	return 0;
}

static int run_set(struct cli *cli, struct err *e)
{
	struct arena a = { 0 };
	const char *value[OPTION_VALUES_MAX];
	enum setting s;
	const int count = cli->argument_count - 1;
	int rc = setting_parse(cli->argument[0], &s, e);
	if (rc == 0 && count > (s == SET_PRICES ? 30 : 1))
		rc = err_set(e, ERR_USAGE, "%s takes one value", cli->argument[0]);
	for (int i = 0; rc == 0 && i < count; i++)
		rc = checked(s, cli->argument[i + 1], &a, &value[i], e);
	if (rc == 0)
		rc = config_write(s, value, (size_t)count, e);
	arena_release(&a);
	return rc ? rc : changed(cli);
}

static int run_unset(struct cli *cli, struct err *e)
{
	enum setting s;
	int rc = setting_parse(cli->argument[0], &s, e);
	if (rc == 0)
		rc = config_write(s, NULL, 0, e);
	return rc ? rc : changed(cli);
}

const struct command command_config = {
	.name = "config",
	.place = HELP_OPERATE + 2,
	.summary = "the defaults of all commands, and where each comes from",
	.arguments = "",
	.description =
		"Shows the database, time zone, currency, price cards and credit plan that "
		"commands use, and where each comes from: an option, the environment, the config "
		"file, this machine, or the built-in default.\n\nThe file is $TALLY_CONFIG, else "
		"tally/config.json in $XDG_CONFIG_HOME or ~/.config. `tally config set` and "
		"`unset` change it.",
	.examples = "  tally config\n"
		    "  tally config set timezone Europe/Berlin\n"
		    "  tally config set prices ~/cards && tally config set plan vm0\n",
	.options = options,
	.common = TAKES_DB | TAKES_PRICES | TAKES_ZONE | TAKES_CURRENCY,
	.run = run_show,
};

const struct command command_config_set = {
	.name = "config set",
	.place = HELP_OPERATE + 4,
	.summary = "set database, timezone, currency, prices, plan or prices_url",
	.arguments = "SETTING VALUE...",
	.arguments_min = 2,
	.arguments_max = 31,
	.description = "Stores a value in the config file. Options and the environment still "
		       "take precedence. Only prices takes several values.",
	.examples = "  tally config set database ~/usage.db\n"
		    "  tally config set currency CNY\n",
	.run = run_set,
};

const struct command command_config_unset = {
	.name = "config unset",
	.place = HELP_OPERATE + 6,
	.summary = "remove a setting",
	.arguments = "SETTING",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Removes a value from the config file.",
	.examples = "  tally config unset plan\n",
	.run = run_unset,
};
