/*
 * counts: the token counts of one call as a vendor wrote them, and the rules that turn them into
 * disjoint buckets.
 *
 * Vendors disagree on what contains what. The identity that the total satisfies decides, then the
 * names of the keys; never the vendor's name. A part that is larger than its whole is an error and
 * is never clamped. The rule that was used has a name and a version and is stored with the record.
 */
#ifndef TALLY_METER_FORMATS_COUNTS_H
#define TALLY_METER_FORMATS_COUNTS_H

#include "base/json.h"
#include "meter/read/record.h"

/* Raw counts; the comment says what the number contains when the rule is the usual one. */
enum raw_count {
	RAW_PROMPT,	      /* whole prompt, or its uncached part */
	RAW_COMPLETION,	      /* answer, with or without reasoning */
	RAW_TOTAL,	      /* of everything */
	RAW_CACHE_READ,	      /* read from a cache */
	RAW_CACHE_MISS,	      /* DeepSeek: the part that was not in the cache */
	RAW_CACHE_WRITE,      /* written to a cache, lifetimes together */
	RAW_CACHE_WRITE_5M,   /* of which: five minutes */
	RAW_CACHE_WRITE_1H,   /* of which: one hour */
	RAW_REASONING,	      /* reasoning, thoughts */
	RAW_TOOL_PROMPT,      /* Gemini: prompt of tool use, beside the prompt */
	RAW_INPUT_AUDIO,      /* of the prompt */
	RAW_CACHE_READ_AUDIO, /* of what was read from the cache */
	RAW_INPUT_VIDEO,
	RAW_INPUT_IMAGE,
	RAW_OUTPUT_AUDIO, /* of the completion */
	RAW_OUTPUT_IMAGE,
	RAW_OUTPUT_VIDEO,
	RAW_CITATION, /* Perplexity: beside prompt, answer and total, as its reasoning then is */
	/* of the prompt, and of what was read from the cache: text, unless the card says otherwise
	 */
	RAW_PART_IMAGE,
	RAW_PART_VIDEO,
	RAW_CACHED_PART_IMAGE,
	RAW_CACHED_PART_VIDEO,
	RAW_COUNTS
};

/* What a shape says of its own, where no total decides. */
enum containment {
	CACHE_BY_KEYS, /* Anthropic's key names mean beside, details mean inside */
	CACHE_INSIDE,  /* the prompt contains what the cache did */
	CACHE_BESIDE,  /* the prompt is what is left */
};

struct raw_counts {
	int64_t count[RAW_COUNTS];
	uint32_t has; /* bit r: count r was given */
	enum containment cache;
	bool reasoning_beside; /* without a total: reasoning is not part of the completion */
	bool fixed;	       /* the shape's rule holds whatever the total says */
	bool pictures;	       /* the answer is pictures, where nothing else is told of it */
	bool divided;	       /* it is told which of the answer was text */
	bool partial;	       /* of one kind of token alone, where others are told elsewhere */
	/* keys seen, for CACHE_BY_KEYS */
	bool anthropic_keys, details_keys, prompt_key;
	int64_t units[UNIT_COUNT]; /* what is no token */
};

/* The rule that was used, for the record: "prompt-includes-cache/1". */
enum { COUNTS_RULE_VERSION = 1 };

/*
 * Reads every count that the usage object holds, whatever the vendor. Numbers may be JSON strings.
 * The same number under two names must be the same number (or zero under one of them). Errors:
 * ERR_INVALID, ERR_RANGE, with the key's name.
 */
int counts_read(struct raw_counts *out, json_value *usage, struct err *e);
/* What a usage object counts that is no token, alone. Errors as counts_read. */
int counts_read_units(struct raw_counts *c, json_value *usage, struct err *e);
/* The keys that counts_read reads, one by one: in the usage object (outer NULL) or in an object in
 * it; false behind the last. */
bool counts_key(size_t i, const char **outer, const char **key);
/* Sets one count from a JSON number or string. Errors as counts_read. */
int counts_set(struct raw_counts *c, enum raw_count which, json_value *v, struct err *e);

/*
 * Into the disjoint buckets of out, whose presence bits are set; *rule names what was applied, and
 * out->unsplit whether cache writes were counted whose lifetime the source does not tell,
 * out->undivided whether it does not tell which of the answer was text.
 * Errors: ERR_INVALID when the parts contradict each other or the total.
 */
int counts_normalise(struct record *out, const struct raw_counts *c, const char **rule,
		     struct err *e);

#endif
