/* Where in what a proxy or a script kept of a call the answer stands. */
#include "meter/formats/payload_run.h"

const char *const answer_places[] = { "response",     "body",	    "result", "output",
				      "answer",	      "completion", "raw",    "raw_response",
				      "responseBody", NULL };

bool answer_counts_other(json_value *v, json_value *usage)
{
	static const enum raw_count told[] = { RAW_PROMPT, RAW_COMPLETION };
	struct raw_counts own = { 0 };
	bool other = false;
	if (counts_read(&own, usage, NULL) != 0)
		return false;
	for (const char *const *n = answer_places; *n; n++) {
		json_value *inner = json_member(json_member(v, *n), "usage");
		struct raw_counts c = { 0 };
		if (json_kind(inner) != JSON_OBJECT || inner == usage ||
		    counts_read(&c, inner, NULL) != 0)
			continue;
		for (size_t i = 0; i < sizeof told / sizeof *told; i++)
			other |= (c.has >> told[i] & own.has >> told[i] & 1) &&
				 c.count[told[i]] != own.count[told[i]];
	}
	return other;
}
