/*
 * Writes benchmark traces: generate csv|csv-uuid|jsonl|jsonl-mixed ROWS > FILE. Five models,
 * 100,000 tasks of 1,000 customers, instants over 60 days that cross a price change and peak hours.
 * Deterministic.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545F4914F6CDD1Du >> 11;
}

static void put_time(char *out, int64_t s)
{
	/* 2026-08-01 plus s seconds, s < 60 days */
	int day = (int)(s / 86400), month = 8;
	if (day >= 31)
		day -= 31, month = 9;
	sprintf(out, "2026-%02d-%02dT%02d:%02d:%02dZ", month, day + 1, (int)(s / 3600 % 24),
		(int)(s / 60 % 60), (int)(s % 60));
}

int main(int argc, char **argv)
{
	static const char *const models[] = { "deepseek-v4-flash", "deepseek-v4-pro",
					      "claude-sonnet-4-6", "claude-haiku-4-5", "glm-5.1" };
	static char tasks[100000][40];
	if (argc != 3)
		return 2;
	int64_t rows = atoll(argv[2]);
	int uuid = strcmp(argv[1], "csv-uuid") == 0, json = strncmp(argv[1], "jsonl", 5) == 0,
	    mixed = strcmp(argv[1], "jsonl-mixed") == 0;
	for (int i = 0; i < 100000; i++) {
		if (uuid)
			sprintf(tasks[i], "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)next(),
				(unsigned)next() & 0xFFFF, (unsigned)next() & 0xFFF,
				(unsigned)next() & 0xFFF,
				(unsigned long long)next() & 0xFFFFFFFFFFFFull);
		else
			sprintf(tasks[i], "t%06d", i);
	}
	if (!json)
		puts("time,model,customer,task,input,cache_read,output");
	for (int64_t i = 0; i < rows; i++) {
		char when[32];
		uint64_t r = next();
		int task = (int)(r % 100000);
		/* a task's calls go to one model */
		const char *model = models[(task * 7 + task / 1000) % 5];
		unsigned input = (unsigned)(next() % 9000), hit = (unsigned)(next() % 90000),
			 out = (unsigned)(next() % 2000);
		put_time(when, i * 60 * 86400 / rows);
		if (!json) {
			printf("%s,%s,c%03d,%s,%u,%u,%u\n", when, model, task % 1000, tasks[task],
			       input, hit, out);
			continue;
		}
		char field[10][80];
		int order[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
		sprintf(field[0], "\"id\":\"req_%012llx\"", (unsigned long long)i);
		sprintf(field[1], "\"time\":\"%s\"", when);
		sprintf(field[2], "\"provider\":\"\"");
		sprintf(field[3], "\"model\":\"%s\"", model);
		sprintf(field[4], "\"customer\":\"c%03d\"", task % 1000);
		sprintf(field[5], "\"task\":\"%s\"", tasks[task]);
		sprintf(field[6], "\"workload\":\"w%d\"", task % 7);
		sprintf(field[7], "\"input\":%u", input);
		sprintf(field[8], "\"cache_read\":%u", hit);
		sprintf(field[9], "\"output\":%u", out);
		for (int k = 9; mixed && k > 0; k--) {
			int j = (int)(next() % (uint64_t)(k + 1)), t = order[k];
			order[k] = order[j];
			order[j] = t;
		}
		for (int k = 0; k < 10; k++)
			printf("%s%s", k ? "," : "{", field[order[k]]);
		puts("}");
	}
	return 0;
}
