#include "pricing/import_catalogue.h"

int import_catalogue(struct import *im, const char *kind, json_value *root, struct err *e)
{
	static const struct {
		const char *kind, *source;
		int (*read)(struct import *im, json_value *root, struct err *e);
	} kinds[] = { { "litellm", "LiteLLM model_prices_and_context_window.json", import_litellm },
		      { "openrouter", "OpenRouter /api/v1/models", import_openrouter },
		      { "models.dev", "models.dev api.json", import_models_dev },
		      { "genai-prices", "pydantic genai-prices data.json", import_genai_prices } };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kind, kinds[i].kind) == 0) {
			im->catalogue = kinds[i].kind;
			im->source = kinds[i].source;
			return kinds[i].read(im, root, e);
		}
	return err_set(e, ERR_USAGE,
		       ASKED("from") " %s: there is no such catalogue; choose litellm, openrouter, "
				     "models.dev or genai-prices",
		       kind);
}
