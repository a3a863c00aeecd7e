#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "pricing/import_catalogue.h"
#include "reports/json_out.h"

static const struct option options[] = {
	{ "from", 0, "CATALOGUE", "litellm, openrouter, models.dev or genai-prices", false },
	{ "output", 'o', "CARD", "output file of the card (default standard output)", false },
	{ "only", 0, "VENDORS", "only these vendors: openai,google", false },
	{ "fill", 0, NULL, "only what the book lacks; an undated price never replaces a dated one",
	  false },
	{ "dry-run", 0, NULL, "show what would change without writing it", false },
	{ 0 },
};

static const char *const event_names[IMPORT_EVENTS] = { "normalised", "rounded", "left_out",
							"refused",    "unasked", "known" };
static const char *const effect_names[IMPORT_EFFECTS] = { "new", "same", "different" };
enum { CHANGES_SHOWN = 20 };

/* Whether input or output costs something else. */
static bool moves(const struct import_change *c)
{
	return c->input_before.pico != c->input_after.pico ||
	       c->output_before.pico != c->output_after.pico;
}

static void put_effects(const struct import *im, FILE *out)
{
	char text[4][DECIMAL_TEXT_MAX];
	fprintf(out, "of its prices %lld are new, %lld the same as now, %lld different\n",
		(long long)im->effect[IMPORT_ADDS], (long long)im->effect[IMPORT_SAME],
		(long long)im->effect[IMPORT_OTHER]);
	for (size_t i = 0; i < im->change_count && i < CHANGES_SHOWN; i++) {
		const struct import_change *c = &im->change[i];
		fprintf(out, "  %s %s%s%s%s%s: ", c->provider, c->model, c->service_tier ? " " : "",
			c->service_tier ? c->service_tier : "", c->region ? " in " : "",
			c->region ? c->region : "");
		if (moves(c))
			fprintf(out, "input %s, output %s instead of %s, %s%s",
				money_format(c->input_after, text[0]),
				money_format(c->output_after, text[1]),
				money_format(c->input_before, text[2]),
				money_format(c->output_before, text[3]), c->besides ? "; " : "");
		fprintf(out, "%s\n", c->besides ? c->besides : "");
	}
	if (im->change_count > CHANGES_SHOWN)
		fprintf(out, "  and %zu more (--json lists all)\n",
			im->change_count - CHANGES_SHOWN);
}

static void put_changes_json(const struct import *im, struct json_out *j)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "prices");
	for (int i = 0; i < IMPORT_EFFECTS; i++)
		json_out_int(j, effect_names[i], im->effect[i]);
	json_out_end(j, '}');
	json_out_array(j, "changes");
	for (size_t i = 0; i < im->change_count; i++) {
		const struct import_change *c = &im->change[i];
		json_out_object(j, NULL);
		json_out_string(j, "provider", c->provider);
		json_out_string(j, "model", c->model);
		json_out_string(j, "service_tier", c->service_tier ? c->service_tier : "standard");
		json_out_string(j, "input_before", money_format(c->input_before, text));
		json_out_string(j, "input", money_format(c->input_after, text));
		json_out_string(j, "output_before", money_format(c->output_before, text));
		json_out_string(j, "output", money_format(c->output_after, text));
		json_out_string(j, "region", c->region);
		json_out_string(j, "besides", c->besides);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_report(const struct import *im, bool json, FILE *out)
{
	if (!json) {
		fprintf(out,
			"%lld entries: %lld taken (%lld normalised, %lld rounded), %lld refused",
			(long long)im->entries, (long long)im->taken,
			(long long)im->count[IMPORT_NORMALISED],
			(long long)im->count[IMPORT_ROUNDED], (long long)im->count[IMPORT_REFUSED]);
		if (im->count[IMPORT_LEFT_OUT])
			fprintf(out, ", %lld with a part left out",
				(long long)im->count[IMPORT_LEFT_OUT]);
		if (im->count[IMPORT_UNASKED])
			fprintf(out, ", %lld of others", (long long)im->count[IMPORT_UNASKED]);
		if (im->count[IMPORT_KNOWN])
			fprintf(out, ", %lld that the book has already",
				(long long)im->count[IMPORT_KNOWN]);
		fputs("\n", out);
		put_effects(im, out);
		for (size_t i = 0; i < im->note_count; i++)
			fprintf(out, "  %s: %s: %s\n", event_names[im->note[i].event],
				im->note[i].entry, im->note[i].why);
		return;
	}
	struct json_out j;
	json_out_open(&j, out);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.price-import/1");
	json_out_string(&j, "from", im->catalogue);
	json_out_int(&j, "entries", im->entries);
	json_out_int(&j, "taken", im->taken);
	for (int i = 0; i < IMPORT_EVENTS; i++)
		json_out_int(&j, event_names[i], im->count[i]);
	put_changes_json(im, &j);
	json_out_array(&j, "notes");
	for (size_t i = 0; i < im->note_count; i++) {
		json_out_object(&j, NULL);
		json_out_string(&j, "entry", im->note[i].entry);
		json_out_string(&j, "result", event_names[im->note[i].event]);
		json_out_string(&j, "why", im->note[i].why);
		json_out_end(&j, '}');
	}
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_close(&j);
}

static int write_card(const struct buf *card, const char *path, struct err *e)
{
	FILE *f = fopen(path, "wb");
	bool ok = f && fwrite(card->p, 1, card->n, f) == card->n;
	if (f && fclose(f) != 0)
		ok = false;
	return ok ? 0
		  : err_set(e, ERR_UNREADABLE, "could not write '%s': %s", path, strerror(errno));
}

static int run(struct cli *cli, struct err *e)
{
	const char *from = cli_value(cli, "from"), *path = cli_value(cli, "output");
	struct json_document *doc = NULL;
	struct import im = { 0 };
	struct buf card = { 0 };
	struct fault_list faults = { 0 };
	struct card *check = NULL;
	char today[INSTANT_TEXT_MAX];
	const bool dry = cli_flag(cli, "dry-run");
	struct book *book = NULL;
	if (!from)
		return err_set(e, ERR_USAGE,
			       "`tally price import` needs --from litellm, openrouter, models.dev "
			       "or genai-prices");
	if (!path && cli->json && !dry)
		return err_set(e, ERR_USAGE,
			       "--json prints the report, so the card needs a place of its own: "
			       "--output CARD");
	instant_format(clock_now(), today);
	today[10] = 0;
	int rc = cli_book(cli, &book, e);
	im.only = cli_value(cli, "only");
	im.fill = cli_flag(cli, "fill");
	im.book = book;
	im.now = clock_now();
	if (rc == 0)
		rc = json_open_file(&doc, cli->argument[0], e);
	if (rc == 0)
		rc = import_catalogue(&im, from, json_root(doc), e);
	if (rc == 0) {
		import_card(&im, today, &card);
		/* what is written must be a card that the program takes */
		if (card_parse(&check, (struct text){ card.p, card.n }, "the card", &faults) != 0)
			rc = err_set(e, ERR_INVALID,
				     "the catalogue does not make a valid card: %s: %s",
				     faults.fault[0].place, faults.fault[0].message);
	}
	if (rc == 0 && path && !dry)
		rc = write_card(&card, path, e);
	if (rc == 0) {
		if (!path && !dry)
			fwrite(card.p, 1, card.n, stdout);
		put_report(&im, cli->json, path || dry ? stdout : stderr);
	}
	card_close(check);
	fault_list_release(&faults);
	buf_release(&card);
	import_release(&im);
	book_close(book);
	json_close(doc);
	return rc;
}

const struct command command_price_import = {
	.name = "price import",
	.place = HELP_PRICES + 10,
	.summary = "turn another catalogue's prices into a card",
	.arguments = "FILE",
	.arguments_min = 1,
	.arguments_max = 1,
	.description =
		"Writes a price card from the catalogue of LiteLLM (model_prices_and_context_window.json), OpenRouter (/api/v1/models), models.dev (api.json) or genai-prices (data.json). Floating-point noise is normalised to 15 significant digits. Entries that were rounded or refused are listed with the reason, and what would change compared with current prices. Use the card with --prices, or `tally price install` it; it then overrides the shipped prices, or with --fill adds to them.",
	.examples = "  tally price import --from litellm model_prices_and_context_window.json "
		    "--output litellm.card.json\n"
		    "  tally cost --prices litellm.card.json --model gpt-4o --provider openai "
		    "--input 1000\n",
	.options = options,
	.common = TAKES_PRICES,
	.run = run,
};
