#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "pricing/import.h"
#include "reports/json_out.h"

static const struct option options[] = {
	{ "from", 0, "CATALOGUE", "litellm, openrouter, models.dev or genai-prices", false },
	{ "output", 'o', "CARD", "the card to write (default: standard output)", false },
	{ 0 },
};

static const char *const event_names[IMPORT_EVENTS] = { "normalised", "rounded", "left_out",
							"refused" };

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
		fputs("\n", out);
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
	if (!from)
		return err_set(e, ERR_USAGE,
			       "`tally price import` needs --from litellm, openrouter, models.dev "
			       "or genai-prices");
	if (!path && cli->json)
		return err_set(e, ERR_USAGE,
			       "--json prints the report, so the card needs a place of its own: "
			       "--output CARD");
	instant_format(clock_now(), today);
	today[10] = 0;
	int rc = json_open_file(&doc, cli->argument[0], e);
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
	if (rc == 0 && path)
		rc = write_card(&card, path, e);
	if (rc == 0) {
		if (!path)
			fwrite(card.p, 1, card.n, stdout);
		put_report(&im, cli->json, path ? stdout : stderr);
	}
	card_close(check);
	fault_list_release(&faults);
	buf_release(&card);
	import_release(&im);
	json_close(doc);
	return rc;
}

const struct command command_price_import = {
	.name = "price import",
	.summary = "another catalogue's prices as a card",
	.arguments = "FILE",
	.arguments_min = 1,
	.arguments_max = 1,
	.description = "Writes a price card from the catalogue of LiteLLM "
		       "(model_prices_and_context_window.json), OpenRouter (/api/v1/models), "
		       "models.dev (api.json) or genai-prices (data.json). Floating-point noise is "
		       "normalised to 15 significant digits. Entries "
		       "that were rounded or refused are listed with the reason. Use the card with "
		       "--prices; it then overrides the shipped prices.",
	.examples = "  tally price import --from litellm model_prices_and_context_window.json "
		    "--output litellm.card.json\n"
		    "  tally cost --prices litellm.card.json --model gpt-4o --provider openai "
		    "--input 1000\n",
	.options = options,
	.common = 0,
	.run = run,
};
