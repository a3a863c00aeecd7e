#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "reports/cascade_report.h"
#include "reports/html_report.h"

static const struct option options[] = {
	{ "cheap", 0, "MODEL", "tried first (default, of two models: the one that cost less)",
	  false },
	{ "strong", 0, "MODEL", "tried when the gate rejects the first answer", false },
	{ "sensitivity", 0, "S", "share of correct answers that the gate accepts (default 1)",
	  false },
	{ "false-accept", 0, "F", "share of wrong answers that it accepts (default 0)", false },
	{ "sweep", 0, "FIELD", "try every threshold of a signal column", false },
	{ "escalate", 0, "low|high|routellm",
	  "which end of the signal escalates: low, the default (confidence), "
	  "or high (difficulty); routellm, whose score "
	  "is high when the strong model is needed, means high",
	  false },
	{ "html", 0, "FILE", "also write one self-contained HTML file with charts", false },
	{ "seed", 0, "N", "of the resamples (default 1)", false, OPTION_ADVANCED },
	{ "resamples", 0, "N", "for the interval (default 1000; 0: none)", false, OPTION_ADVANCED },
	{ 0 },
};

static int read_share(struct cli *cli, const char *name, int64_t missing, struct decimal *out,
		      struct err *e)
{
	const char *text = cli_value(cli, name);
	*out = (struct decimal){ missing, 0 };
	if (!text)
		return 0;
	if (decimal_parse(out, text_of(text), NULL) != 0 || out->digits < 0 || out->scale > 9 ||
	    decimal_cmp(*out, (struct decimal){ 1, 0 }) > 0)
		return err_set(e, ERR_USAGE,
			       "--%s is a number from 0 to 1 with at most nine decimals, not '%s'",
			       name, text);
	return 0;
}

static int find_model(const struct outcomes *o, const char *option, const char *name, int *out,
		      struct err *e)
{
	char known[400] = "";
	*out = outcomes_model(o, text_of(name));
	if (*out >= 0)
		return 0;
	for (size_t i = 0; i < o->models && strlen(known) + o->model[i].n + 4 < sizeof known; i++) {
		strcat(known, i ? ", " : "");
		strncat(known, o->model[i].p, o->model[i].n);
	}
	return err_set(e, ERR_NOT_FOUND, "--%s: the file has no attempts by '%s', only by %s",
		       option, name, known);
}

static int choose_models(struct cli *cli, const struct outcomes *o, struct cascade_options *c,
			 bool *chosen, struct err *e)
{
	const char *cheap = cli_value(cli, "cheap"), *strong = cli_value(cli, "strong");
	*chosen = true;
	if (!cheap && !strong && o->models == 2) {
		struct money_total cost[2] = { 0 };
		for (size_t t = 0; t < o->tasks; t++)
			for (int m = 0; m < 2; m++)
				money_total_add(&cost[m], outcome_at(o, t, m)->cost);
		c->cheap = cost[1].atto < cost[0].atto;
		c->strong = !c->cheap;
		return 0;
	}
	if (!cheap && !strong) {
		*chosen = false;
		return 0;
	}
	if (!cheap || !strong)
		return err_set(e, ERR_USAGE, "name both --cheap and --strong");
	int rc = find_model(o, "cheap", cheap, &c->cheap, e);
	if (rc == 0)
		rc = find_model(o, "strong", strong, &c->strong, e);
	if (rc == 0 && c->cheap == c->strong)
		rc = err_set(e, ERR_USAGE, "--cheap and --strong are the same model");
	return rc;
}

static int run(struct cli *cli, struct err *e)
{
	struct outcomes *o = NULL;
	struct book *book = NULL;
	struct model_names *names = NULL;
	struct cascade_options c = { .level_permille = 950,
				     .threads = (int)sysconf(_SC_NPROCESSORS_ONLN) };
	struct cascade_result result = { 0 };
	const char *sweep = cli_value(cli, "sweep");
	int64_t seed;
	bool chosen = false;
	static const char *const ends[] = { "low", "high", "routellm", NULL };
	int end, rc = cli_choice(cli, "escalate", ends, &end, e);
	c.high_escalates = end > 0;
	if (rc == 0 && end > 0 && !sweep)
		rc = err_set(e, ERR_USAGE, "--escalate needs --sweep");
	if (rc == 0)
		rc = read_share(cli, "sensitivity", 1, &c.sensitivity, e);
	if (rc == 0)
		rc = read_share(cli, "false-accept", 0, &c.false_accept, e);
	if (rc == 0)
		rc = cli_count(cli, "seed", 1, &seed, e);
	if (rc == 0)
		rc = cli_count(cli, "resamples", 1000, &c.resamples, e);
	if (rc == 0 && c.resamples > RESAMPLES_MAX)
		rc = err_set(e, ERR_USAGE, "at most %d resamples", RESAMPLES_MAX);
	if (rc == 0)
		rc = cli_book(cli, &book, e);
	if (rc == 0) {
		names = model_names_open(book);
		rc = outcomes_read(&o, cli->argument[0],
				   &(struct outcomes_options){ sweep, names, clock_now() }, e);
	}
	if (rc == 0)
		rc = choose_models(cli, o, &c, &chosen, e);
	if (rc == 0 && chosen) {
		c.outcomes = o;
		c.sweep = sweep != NULL;
		c.seed = (uint64_t)seed;
		rc = cascade_run(&result, &c, e);
	}
	if (rc == 0) {
		struct cascade_report report = {
			o, &c, chosen ? &result : NULL, sweep, cli_currency(cli), cli->quiet
		};
		struct buf document = { 0 };
		const char *html = cli_value(cli, "html");
		cascade_report_put(&document, &report);
		const struct text text = { document.p, document.n };
		if (html)
			rc = html_report_write(html, "A cascade of two models", text, e);
		if (rc == 0 && cli->json)
			rc = file_write(NULL, text, e);
		else if (cli->csv)
			cascade_report_csv(&report);
		else
			cascade_report_table(&report);
		buf_release(&document);
	}
	cascade_release(&result);
	outcomes_close(o);
	model_names_close(names);
	book_close(book);
	return rc;
}

const struct command command_cascade = {
	.name = "cascade",
	.place = HELP_PLAN + 12,
	.summary = "try a cheap model first, and a strong one where it fails",
	.arguments = "OUTCOMES",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Reads how models did on the same tasks, and what each attempt cost: CSV with the columns task, model, solved, cost (a row an attempt, further columns are signals), CSV with columns MODEL_correct and MODEL_cost (a row a task), or JSON Lines with a task's attempts in a list. The cascade is computed from the joint outcomes and each task's own costs, never from averages.\n"
		"\n"
		"The gate is perfect unless --sensitivity and --false-accept say otherwise; then counts and costs are expectations. --sweep tries every threshold of a signal: answers below it escalate; with --escalate high, answers at or above it do.",
	.examples = "  tally cascade outcomes.csv --cheap deepseek-v4-flash --strong "
		    "deepseek-v4-pro\n"
		    "  tally cascade outcomes.csv --cheap flash --strong pro --sensitivity 0.9 "
		    "--false-accept 0.1 --json\n"
		    "  tally cascade outcomes.csv --cheap flash --strong pro --sweep confidence\n",
	.options = options,
	.common = TAKES_CSV | TAKES_CURRENCY | TAKES_PRICES,
	.run = run,
};
