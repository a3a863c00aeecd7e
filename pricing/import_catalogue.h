/* import_catalogue: the catalogues that are known, each with the reader of its own. */
#ifndef TALLY_PRICING_IMPORT_CATALOGUE_H
#define TALLY_PRICING_IMPORT_CATALOGUE_H

#include "pricing/import.h"

/*
 * Reads a catalogue of the kind "litellm", "openrouter", "models.dev" or "genai-prices". Errors:
 * ERR_USAGE (unknown kind), ERR_INVALID (not that kind of document).
 */
int import_catalogue(struct import *im, const char *kind, json_value *root, struct err *e);

#endif
