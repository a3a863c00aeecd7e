/* Any bytes as a decimal, an instant, a zone and JSON: what is taken must come out the same when
 * written and read again. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = { (const char *)data, size };
	struct decimal d, again;
	struct instant at, same;
	struct json_document *doc = NULL;
	char buf[DECIMAL_TEXT_MAX], when[INSTANT_TEXT_MAX];
	if (size > 4096)
		return 0;
	if (decimal_parse(&d, t, NULL) == 0) {
		decimal_format(d, buf);
		if (decimal_parse(&again, text_of(buf), NULL) != 0 || decimal_cmp(d, again) != 0)
			abort();
	}
	if (instant_parse_lenient(&at, t, NULL) == 0 && at.us > -INT64_C(62135596800000000) &&
	    at.us < INT64_C(253402300799000000)) {
		if (instant_parse(&same, text_of(instant_format(at, when)), NULL) != 0 ||
		    same.us != at.us)
			abort();
	}
	if (json_open(&doc, t, NULL) == 0)
		json_close(doc);
	if (size && size < 60 && !memchr(data, 0, size)) {
		char name[64];
		struct zone *z;
		memcpy(name, data, size);
		name[size] = 0;
		if (zone_open(&z, name, NULL) == 0)
			zone_close(z);
	}
	return 0;
}
