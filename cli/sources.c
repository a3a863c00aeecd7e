#include "cli/sources.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/instant.h"
#include "meter/read/places.h"
#include "reports/table.h"

/* A line an agent: those behind it of the same agent are added to it. */
static void tell(const struct places *p)
{
	for (size_t i = 0; i < p->count;) {
		const struct found_place *f = &p->place[i];
		const char *path = NULL;
		size_t files = 0, places = 0;
		int64_t newest = INT64_MIN;
		for (; i < p->count && strcmp(p->place[i].agent, f->agent) == 0; i++) {
			const struct found_place *one = &p->place[i];
			if (one->why)
				print_notice("tally: %s: %s\n", one->title, one->why);
			if (!one->files)
				continue;
			files += one->files;
			places++;
			path = path ? path : one->path;
			if (one->newest_us > newest)
				newest = one->newest_us;
		}
		if (!files)
			continue;
		char day[INSTANT_TEXT_MAX];
		instant_format((struct instant){ newest }, day);
		print_notice("tally: found %s: %s in %s", f->title, COUNTED((int64_t)files, "file"),
			     path);
		if (places > 1)
			print_notice(" and %s", COUNTED((int64_t)places - 1, "more place"));
		print_notice(", newest of %.10s\n", day);
	}
}

static int look(const struct cli *cli, const char *path, bool may_come, struct err *e)
{
	struct places p;
	int rc = places_find(&p, path + sizeof PLACES_OF_AGENTS - 1, e);
	if (rc == 0 && p.files == 0 && !may_come) {
		struct buf names = { 0 };
		places_put_names(&names);
		rc = err_set(e, ERR_NOT_FOUND,
			     "no logs of agents were found in their places (looked for %s): name a "
			     "file or a directory; `tally sources` shows the places",
			     names.p);
		buf_release(&names);
	}
	if (rc == 0 && !cli->quiet)
		tell(&p);
	places_release(&p);
	return rc;
}

int cli_paths(const struct cli *cli, bool may_come, const char *const **path, size_t *count,
	      struct err *e)
{
	static const char *const agents[] = { PLACES_OF_AGENTS };
	int rc = 0;
	*path = cli->argument_count ? (const char *const *)cli->argument : agents;
	*count = cli->argument_count ? (size_t)cli->argument_count : 1;
	for (size_t i = 0; rc == 0 && i < *count; i++)
		if (places_named((*path)[i]))
			rc = look(cli, (*path)[i], may_come, e);
	return rc;
}

int cli_standard_input(struct cli *cli, struct err *e)
{
	char *path = NULL;
	int rc = 0;
	for (int i = 0; rc == 0 && i < cli->argument_count; i++)
		if (strcmp(cli->argument[i], "-") == 0) {
			rc = file_of_standard_input(&path, e);
			cli->argument[i] = path;
		}
	return rc;
}

void cli_tell_unread_input(const struct cli *cli)
{
	struct stat st;
	int waiting = 0;
	if (cli->argument_count || cli->quiet || fstat(STDIN_FILENO, &st) != 0)
		return;
	if (S_ISFIFO(st.st_mode) && ioctl(STDIN_FILENO, FIONREAD, &waiting) != 0)
		waiting = 0;
	if (S_ISREG(st.st_mode))
		waiting = lseek(STDIN_FILENO, 0, SEEK_CUR) < st.st_size;
	if (waiting > 0)
		print_notice("tally: note: standard input was not read; `tally %s -` reads it\n",
			     cli->command->name);
}
