/*
 * Any bytes as CSV and JSON Lines: the fast and the strict reader take and refuse the same. Readers
 * go on from input to input, as they do from block to block of a file: what they learned of earlier
 * ones must not matter, and to open them takes longer than most inputs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "meter/read/columns.h"
#include "meter/read/record_reader.h"

struct tally_of {
	uint64_t accepted, refused, sum;
	const char *base;
};

static void accept(void *user, struct record_batch *b)
{
	struct tally_of *t = user;
	for (size_t i = 0; i < b->n; i++) {
		struct record r;
		uint64_t h = (uint64_t)(b->at[i] - t->base) * 1000003;
		record_from_batch(&r, b, i);
		for (int f = 0; f < FIELD_TEXTS; f++)
			for (size_t k = 0; k < r.text[f].n; k++)
				h = h * 31 + (unsigned char)r.text[f].p[k] + (uint64_t)f;
		for (int k = 0; k < BUCKET_COUNT; k++)
			h = h * 131 + (uint64_t)r.tokens[k];
		h = h * 7 + (uint64_t)r.time_us + (uint64_t)r.completed_us * 3 +
		    (uint64_t)r.requests;
		for (const char *c = b->unread; c && *c; c++)
			h = h * 31 + (unsigned char)*c;
		t->accepted++;
		t->sum += h * (h >> 32 | 1);
	}
}

static void refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct tally_of *t = user;
	(void)at, (void)n, (void)why;
	t->refused++;
}

enum { COLUMNS = 10 };
static const char *const columns[COLUMNS] = { "time",	    "model",	   "task",	"input",
					      "cache_read", "output",	   "reasoning", "requests",
					      "total",	    "video_tokens" };

static struct csv_reader *csv_of(size_t used, size_t first, bool strict)
{
	static struct csv_reader *reader[COLUMNS + 1][COLUMNS][2];
	struct csv_reader **r = &reader[used][first][strict];
	static enum record_field fields[COLUMNS + 1][COLUMNS][COLUMNS];
	static const char *names[COLUMNS + 1][COLUMNS][COLUMNS];
	enum record_field *field = fields[used][first]; /* the reader keeps it */
	const char **name = names[used][first];
	for (size_t i = 0; i < used; i++) {
		name[i] = columns[(i + first) % COLUMNS];
		field[i] = column_field(shape_by_name("csv"), NULL, 0, text_of(name[i]));
	}
	if (!*r)
		*r = csv_reader_open(&(struct csv_layout){ shape_by_name("csv"), ',', used, field,
							   name, 0, strict });
	return *r;
}

static struct jsonl_reader *jsonl_of(bool strict)
{
	static struct jsonl_reader *reader[2];
	if (!reader[strict])
		reader[strict] = jsonl_reader_open(
			&(struct jsonl_layout){ shape_by_name("jsonl"), NULL, 0, strict });
	return reader[strict];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 1 << 16)
		return 0;
	const size_t used = 2 + data[0] % (COLUMNS - 1);
	char *memory = mem_zalloc(size + 200), *text = memory + 64;
	memcpy(text, data + 2, size - 2);
	size_t n = size - 2;
	text[n++] = '\n';
	struct tally_of result[4] = { 0 };
	bool whole[2] = { true, true };
	for (int k = 0; k < 4; k++) {
		const struct record_block block = { text, n, false, NULL, 0 };
		const struct record_sink sink = { &result[k], accept, refuse };
		bool strict = k & 1;
		result[k].base = text;
		if (k < 2)
			whole[k] = csv_reader_run(csv_of(used, data[1] % COLUMNS, strict), &block,
						  &sink);
		else
			jsonl_reader_run(jsonl_of(strict), &block, &sink);
	}
	for (int k = 0; k < 4; k += 2)
		if ((k || (whole[0] && whole[1])) &&
		    (result[k].accepted != result[k + 1].accepted ||
		     result[k].refused != result[k + 1].refused ||
		     result[k].sum != result[k + 1].sum))
			abort();
	if (whole[0] != whole[1])
		abort();
	free(memory);
	return 0;
}
