#include "base/clock.h"
#include "cli/command.h"
#include "meter/read/shape.h"
#include "reports/price_sql.h"

static const struct option options[] = {
	{ "dialect", 'd', "ENGINE", "postgres, duckdb, clickhouse or sqlite", false },
	{ "table", 0, "NAME", "the table of usage, may be SCHEMA.NAME (default usage)", false },
	{ "columns", 0, "FIELD,...",
	  "what the table has (default time,customer,project,task,provider,model, the token "
	  "buckets, requests)",
	  false },
	{ "map", 0, "FIELD=COLUMN",
	  "a field whose column has another name; prompt is the whole prompt", true },
	{ "time", 0, "KIND",
	  "how the table writes instants: own (a timestamp; in SQLite text), or s, ms, us since "
	  "1970",
	  false },
	{ 0 },
};

static const char default_columns[] = "time,customer,project,task,provider,model,input,cache_read,"
				      "cache_write_5m,cache_write_1h,output,reasoning,requests";

static int take_columns(const struct cli *cli, struct price_sql *o, struct err *e)
{
	const char *given = cli_value(cli, "columns"), *spec, *mapped[FIELD_NONE] = { 0 };
	const char *list = given ? given : default_columns;
	for (int i = 0; (spec = cli_value_at(cli, "map", i)); i++) {
		struct field_map m;
		int rc = field_map_parse(&m, spec, e);
		if (rc != 0)
			return rc;
		mapped[m.field] = m.column;
	}
	for (size_t n; *list; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		enum record_field f = record_field_by_name((struct text){ list, n });
		if (f == FIELD_NONE)
			return err_set(e, ERR_USAGE,
				       "--columns: there is no field '%.*s'; columns of other "
				       "names are told with --map FIELD=COLUMN",
				       n > 100 ? 100 : (int)n, list);
		if (given || f != FIELD_COUNTS || !mapped[FIELD_PROMPT])
			price_sql_column(o, f, mapped[f] ? mapped[f] : record_field_name(f));
	}
	for (int f = 0; f < FIELD_NONE; f++)
		if (mapped[f])
			price_sql_column(o, (enum record_field)f, mapped[f]);
	return price_sql_check(o, e);
}

/* The prices of this year and the next, when nothing else was asked for. */
static struct instant end_of_next_year(struct instant now)
{
	struct civil c = civil_from_day(floor_div(now.us, US_PER_DAY));
	return (struct instant){ civil_to_day((struct civil){ c.year + 2, 1, 1 }) * US_PER_DAY };
}

static int price_sql(struct cli *cli, struct err *e)
{
	int dialect, time;
	struct book *book = NULL;
	struct price_spans spans = { 0 };
	struct buf sql = { 0 };
	const char *table = cli_value(cli, "table");
	struct spans_wanted wanted = { .currency = cli_currency(cli),
				       .model = (const char *const *)cli->argument,
				       .model_count = (size_t)cli->argument_count };
	struct price_sql o = { .table = table ? table : "usage", .currency = wanted.currency };
	if (!cli_value(cli, "dialect"))
		return err_set(e, ERR_USAGE,
			       "--dialect postgres, duckdb, clickhouse or sqlite "
			       "says whose SQL it is");
	int rc = cli_choice(cli, "dialect", sql_dialect_names, &dialect, e);
	if (rc == 0)
		rc = cli_choice(cli, "time", sql_time_names, &time, e);
	if (rc == 0)
		rc = take_columns(cli, &o, e);
	if (rc == 0)
		rc = cli_period(cli, NULL, &wanted.since, &wanted.until, e);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc != 0)
		return rc;
	if (wanted.until.us == INSTANT_MAX.us)
		wanted.until = end_of_next_year(clock_now());
	wanted.tiers = o.column[FIELD_SERVICE_TIER];
	wanted.regions = o.column[FIELD_REGION];
	o.dialect = (enum sql_dialect)dialect;
	o.time = (enum sql_time)time;
	o.until = wanted.until;
	rc = price_spans_make(&spans, book, &wanted, e);
	if (rc == 0)
		rc = price_sql_write(&sql, &o, &spans, e);
	if (rc == 0 && fwrite(sql.p, 1, sql.n, stdout) != sql.n)
		rc = err_set(e, ERR_SYSTEM, "could not write the script");
	buf_release(&sql);
	price_spans_release(&spans);
	book_close(book);
	return rc;
}

const struct command command_price_sql = {
	.name = "price sql",
	.place = HELP_PRICES + 16,
	.summary = "prices as SQL, to price usage in another database",
	.arguments = "[MODEL...]",
	.arguments_max = -1,
	.description =
		"Prints a script that makes tables of prices and the view tally_priced over your "
		"table of usage: its rows with their exact cost, or the reason why there is "
		"none. Time windows, holidays, aliases, promotions and context lengths are in "
		"it, and the totals are those of `tally replay` to the last digit.\n\nThe usage "
		"table needs a time and a model; buckets that it lacks count zero. It is made "
		"when it does not exist. Windows are laid out until --until (the end of next "
		"year by default); usage after that is shown as unpriced, and the script is made "
		"again. Without names it holds what first parties and your cards sell; with "
		"names, the prices of those models, including resellers. docs/sql.md tells more.",
	.examples = "  tally price sql --dialect postgres | psql mydb\n"
		    "  tally price sql --dialect duckdb --table calls --columns time,model,output "
		    "--map prompt=prompt_tokens\n",
	.options = options,
	.common = TAKES_PRICES | TAKES_CURRENCY | TAKES_PERIOD,
	.run = price_sql,
};
