/*
 * The same job written straightforwardly over libcsv or cJSON, one thread: rival_libs csv|jsonl
 * FILE. Sums tokens and exact cost by task, model and customer, with the two prices that the
 * benchmark's 60 days have for each model and no peak hours (which favours it).
 */
#include <cjson/cJSON.h>
#include <csv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 20 };
struct group {
	char key[96];
	int64_t records, input, hit, out;
	__int128 cost;
};
static struct group *slot[SLOTS];
static size_t groups;
static char field[16][96];
static int column[16], count, line;
static const char *const names[] = { "time",  "model",	    "customer", "task",
				     "input", "cache_read", "output" };

static void add(const char *when, const char *model, const char *customer, const char *task,
		int64_t input, int64_t hit, int64_t out)
{
	char key[96];
	int n = snprintf(key, sizeof key, "%s,%s,%s", task, model, customer);
	uint64_t h = 1469598103934665603u;
	for (int i = 0; i < n; i++)
		h = (h ^ (unsigned char)key[i]) * 1099511628211u;
	size_t i = h % SLOTS;
	while (slot[i] && strcmp(slot[i]->key, key) != 0)
		i = (i + 1) % SLOTS;
	if (!slot[i]) {
		slot[i] = calloc(1, sizeof **slot);
		strcpy(slot[i]->key, key);
		groups++;
	}
	int late = strcmp(when, "2026-08-16T16:00:00Z") >= 0;
	struct group *g = slot[i];
	g->records++, g->input += input, g->hit += hit, g->out += out;
	g->cost += (__int128)input * (late ? 220000 : 140000) +
		   (__int128)hit * (late ? 7000 : 2800) + (__int128)out * (late ? 660000 : 280000);
}

static void take_field(void *p, size_t n, void *user)
{
	(void)user;
	if (count < 16)
		snprintf(field[count++], sizeof field[0], "%.*s", (int)n, (char *)p);
}

static void take_line(int c, void *user)
{
	(void)c, (void)user;
	if (line++ == 0) {
		for (int i = 0; i < count; i++)
			for (int k = 0; k < 7; k++)
				if (strcmp(field[i], names[k]) == 0)
					column[k] = i;
	} else {
		add(field[column[0]], field[column[1]], field[column[2]], field[column[3]],
		    atoll(field[column[4]]), atoll(field[column[5]]), atoll(field[column[6]]));
	}
	count = 0;
}

int main(int argc, char **argv)
{
	static char buffer[1 << 20];
	FILE *f = argc == 3 ? fopen(argv[2], "rb") : NULL;
	if (!f)
		return 2;
	if (strcmp(argv[1], "csv") == 0) {
		struct csv_parser p;
		size_t n;
		csv_init(&p, CSV_STRICT);
		while ((n = fread(buffer, 1, sizeof buffer, f)) > 0)
			csv_parse(&p, buffer, n, take_field, take_line, NULL);
		csv_fini(&p, take_field, take_line, NULL);
	} else {
		while (fgets(buffer, sizeof buffer, f)) {
			cJSON *o = cJSON_Parse(buffer);
			const char *t[4];
			double v[3];
			for (int k = 0; k < 4; k++)
				t[k] = cJSON_GetObjectItemCaseSensitive(o, names[k])->valuestring;
			for (int k = 0; k < 3; k++)
				v[k] = cJSON_GetObjectItemCaseSensitive(o, names[4 + k])
					       ->valuedouble;
			add(t[0], t[1], t[2], t[3], (int64_t)v[0], (int64_t)v[1], (int64_t)v[2]);
			cJSON_Delete(o);
		}
	}
	printf("%zu groups\n", groups);
	return 0;
}
