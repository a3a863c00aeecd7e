/* Any words as a command's arguments: they are parsed, and the values of each option are asked for
 * in every way that commands ask; nothing is run. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/zone.h"
#include "cli/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct cli *cli)
{
	static const char *const words[] = { "start", "completion", NULL };
	struct instant since, until, at;
	struct zone *zone = NULL;
	struct err e = { 0 };
	int choice;
	int64_t n;
	cli_choice(cli, "boundary", words, &choice, &e);
	for (int i = 0; i < cli->value_count; i++) {
		const char *name = cli->option[i]->name;
		if (cli_value(cli, name))
			cli_instant(name, cli_value(cli, name), zone, &at, &e);
		cli_count(cli, name, 1, &n, &e);
		cli_flag(cli, name);
	}
	if (cli_zone(cli, &zone, &e) == 0) {
		cli_period(cli, zone, &since, &until, &e);
		zone_close(zone);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { WORDS_MOST = 300 };
	char *argv[WORDS_MOST + 1] = { 0 };
	int argc = 0, commands = 0;
	struct cli cli;
	struct err e = { 0 };
	if (size < 2 || size > 8192)
		return 0;
	char *copy = mem_alloc(size);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = 0;
	for (char *p = copy; p < copy + size && argc < WORDS_MOST; p += strlen(p) + 1) {
		argv[argc++] = p;
		p[strcspn(p, "\n")] = 0;
	}
	const struct command *all = cli_commands();
	while (all[commands].name)
		commands++;
	if (cli_parse(&cli, &all[*data % commands], argc, argv, &e) == 0)
		ask(&cli);
	free(copy);
	return 0;
}
