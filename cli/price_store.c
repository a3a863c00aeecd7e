#include "cli/price_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "pricing/book_pack.h"
#include "pricing/series.h"
#include "reports/json_out.h"
#include "reports/table.h"

enum { OLD_DAYS = 45 };

const char *price_store_path(struct buf *room, bool machine, const char *name)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME"),
		   *system = getenv("TALLY_SYSTEM_PRICES");
	room->n = 0;
	if (machine)
		buf_puts(room, system && *system ? system : "/etc/tally/prices");
	else if (data && *data)
		buf_printf(room, "%s/tally/prices", data);
	else
		buf_printf(room, "%s/.local/share/tally/prices", home ? home : ".");
	if (*name)
		buf_printf(room, "/%s", name);
	return room->p;
}

int price_store_write(const char *path, struct text content, struct err *e)
{
	struct buf near = { 0 };
	int rc = file_make_folders(path, 0755, e);
	buf_printf(&near, "%s.%ld", path, (long)getpid());
	if (rc == 0)
		rc = file_write(near.p, content, e);
	if (rc == 0 && rename(near.p, path) != 0)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s': %s", path, strerror(errno));
	if (rc != 0)
		unlink(near.p);
	buf_release(&near);
	return rc;
}

static int64_t price_book_age(const char *released)
{
	struct civil day;
	if (civil_parse(&day, text_of(released), NULL) != 0)
		return 0;
	return clock_now().us / US_PER_DAY - civil_to_day(day);
}

/* Once for each book; where that cannot be remembered, not at all. */
static void say_old(const char *released)
{
	const int64_t days = price_book_age(released);
	struct buf path = { 0 }, told = { 0 };
	if (days > OLD_DAYS) {
		price_store_path(&path, false, "told");
		bool said = file_read(&told, path.p, 100, NULL) == 0 &&
			    text_is((struct text){ told.p, told.n }, released);
		if (!said && price_store_write(path.p, text_of(released), NULL) == 0)
			print_notice(
				"tally: the prices are dated %s, %lld days old; `tally price update` installs newer ones\n",
				released, (long long)days);
	}
	buf_release(&path);
	buf_release(&told);
}

static int add_folder(struct book *book, bool machine, struct err *e)
{
	struct buf path = { 0 };
	price_store_path(&path, machine, "cards");
	int rc = access(path.p, F_OK) == 0 ? book_add_path(book, path.p, e) : 0;
	if (rc == -ERR_NOT_FOUND) /* every card was taken out again */
		rc = 0;
	else if (rc != 0)
		err_context(e, "an installed card");
	buf_release(&path);
	return rc;
}

static int is_card_name(const struct dirent *d)
{
	const size_t n = strlen(d->d_name);
	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0 && d->d_name[0] != '.';
}

/* Every installed card of the machine or of the user, by the order of their names, but that of one
 * name (NULL: none). Stops when take returns non-zero and returns that. */
static int each_installed(bool machine, const char *but,
			  int (*take)(void *user, const char *path, struct err *e), void *user,
			  struct err *e)
{
	struct buf folder = { 0 }, path = { 0 };
	struct dirent **found = NULL;
	int rc = 0;
	price_store_path(&folder, machine, "cards");
	const int n = scandir(folder.p, &found, is_card_name, alphasort);
	for (int i = 0; i < n; i++) {
		buf_cut(&path, 0);
		buf_printf(&path, "%s/%s", folder.p, found[i]->d_name);
		if (rc == 0 && !(but && strcmp(but, found[i]->d_name) == 0))
			rc = take(user, path.p, e);
		free(found[i]);
	}
	free(found);
	buf_release(&folder);
	buf_release(&path);
	return rc;
}

static int add_peer(void *user, const char *path, struct err *e)
{
	return book_add_path(user, path, e);
}

int price_store_fits(bool machine, const char *name, struct text card, struct err *e)
{
	struct book *b;
	int rc = book_open(&b, e);
	if (rc != 0)
		return rc;
	book_peers_begin(b);
	rc = each_installed(machine, name, add_peer, b, e);
	if (rc != 0)
		err_context(e, "an installed card");
	if (rc == 0)
		rc = book_add_text(b, card, name, CARD_OF_FILE, e);
	const int alone = book_peers_end(b, rc == 0 ? e : NULL);
	book_close(b);
	return rc ? rc : alone;
}

struct other_scope {
	const struct card *card;
	struct fault_list *out;
	size_t found;
};

static int compare_with(void *user, const char *path, struct err *e)
{
	struct other_scope *x = user;
	struct fault_list faults = { 0 };
	struct card *there = NULL;
	(void)e;
	if (card_read_file(&there, path, &faults) == 0)
		x->found += cards_contradict((const struct card *[]){ there, x->card }, 2, x->out);
	card_close(there);
	fault_list_release(&faults);
	return 0;
}

size_t price_store_overlaps(bool machine, struct text card, const char *name,
			    struct fault_list *out)
{
	struct fault_list faults = { 0 };
	struct card *here = NULL;
	struct other_scope x = { .out = out };
	if (card_parse(&here, card, name, &faults) == 0) {
		x.card = here;
		each_installed(machine, NULL, compare_with, &x, NULL);
	}
	card_close(here);
	fault_list_release(&faults);
	return x.found;
}

/* Names between colons. */
static int add_named(struct book *book, const char *all, struct err *e)
{
	int rc = 0;
	while (all && *all && rc == 0) {
		size_t n = strcspn(all, ":");
		struct buf path = { 0 };
		buf_add(&path, all, n);
		if (n)
			rc = book_add_path(book, path.p, e);
		if (rc != 0)
			err_context(e, "TALLY_PRICES");
		buf_release(&path);
		all += n + (all[n] == ':');
	}
	return rc;
}

int price_store_load(struct book *book, bool quiet, struct err *e)
{
	struct buf pack = { 0 };
	price_store_path(&pack, false, "book.pack");
	int rc = access(pack.p, F_OK) == 0 ? book_use_pack(book, pack.p, e) : 0;
	buf_release(&pack);
	if (rc == 0 && !quiet)
		say_old(book_released(book));
	if (rc == 0)
		rc = add_folder(book, true, e);
	return rc == 0 ? add_folder(book, false, e) : rc;
}

int price_store_add_named(struct book *book, struct err *e)
{
	return add_named(book, getenv("TALLY_PRICES"), e);
}

static void add_trace(struct buf *out, const char *path, int64_t *files, struct stat *folder)
{
	struct stat s;
	if (stat(path, &s) != 0)
		return;
	*folder = s;
	buf_printf(out, "%lld %lld %lld %09ld\n", (long long)s.st_ino, (long long)s.st_size,
		   (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
	++*files;
}

void price_store_trace_path(struct buf *out, const char *path)
{
	struct stat s = { 0 }, inner;
	struct dirent **card = NULL;
	struct buf name = { 0 };
	int64_t files = 0;
	add_trace(out, path, &files, &s);
	int n = S_ISDIR(s.st_mode) ? scandir(path, &card, is_card_name, alphasort) : 0;
	for (int i = 0; i < n; i++) {
		name.n = 0;
		buf_printf(&name, "%s/%s", path, card[i]->d_name);
		add_trace(out, name.p, &files, &inner);
		free(card[i]);
	}
	free(card);
	buf_release(&name);
	buf_printf(out, "%lld of %s\n", (long long)files, path);
}

void price_store_trace(struct buf *out)
{
	struct buf path = { 0 };
	price_store_trace_path(out, price_store_path(&path, false, "book.pack"));
	price_store_trace_path(out, price_store_path(&path, true, "cards"));
	price_store_trace_path(out, price_store_path(&path, false, "cards"));
	for (const char *all = getenv("TALLY_PRICES"); all && *all;) {
		const size_t n = strcspn(all, ":");
		path.n = 0;
		buf_add(&path, all, n);
		buf_puts(&path, "");
		price_store_trace_path(out, path.p);
		all += n + (all[n] == ':');
	}
	buf_release(&path);
}

static void copy_text(char *out, size_t room, json_value *root, const char *key)
{
	struct text t = json_string(json_member(root, key));
	snprintf(out, room, "%.*s", (int)t.n, t.n ? t.p : "");
}

/* The day of the installed book; "": there is none, or it is damaged. */
static void installed_day(char out[11])
{
	struct buf path = { 0 };
	struct book_pack *pack;
	*out = 0;
	if (book_pack_open(&pack, price_store_path(&path, false, "book.pack"), NULL) == 0) {
		snprintf(out, 11, "%.10s", book_pack_table(pack).released);
		book_pack_close(pack);
	}
	buf_release(&path);
}

void price_state_read(struct price_state *out)
{
	struct buf path = { 0 };
	struct json_document *doc;
	char told[sizeof out->released] = "";
	*out = (struct price_state){ 0 };
	installed_day(out->released);
	price_store_path(&path, false, "book.json");
	if (json_open_file(&doc, path.p, NULL) == 0) {
		json_value *root = json_root(doc);
		copy_text(told, sizeof told, root, "released");
		if (*told && strcmp(told, out->released) == 0) {
			struct text from = json_string(json_member(root, "from"));
			copy_text(out->sha256, sizeof out->sha256, root, "sha256");
			copy_text(out->etag, sizeof out->etag, root, "etag");
			buf_add(&out->from, from.p, from.n);
		}
		json_close(doc);
	}
	buf_release(&path);
}

int price_state_write(const struct price_state *s, struct err *e)
{
	struct buf path = { 0 };
	struct json_out j;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (!f)
		return err_set(e, ERR_SYSTEM, "no memory");
	json_out_open(&j, f);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.price-book/1");
	json_out_string(&j, "released", s->released);
	json_out_string(&j, "from", s->from.p);
	json_out_string(&j, "sha256", s->sha256);
	json_out_string(&j, "etag", s->etag);
	json_out_end(&j, '}');
	json_out_close(&j);
	fclose(f);
	int rc = price_store_write(price_store_path(&path, false, "book.json"),
				   (struct text){ text, n }, e);
	free(text);
	buf_release(&path);
	return rc;
}
