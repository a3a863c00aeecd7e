/*
 * embed_cards CARD.json...: the price cards as C, for the program to open the one that it needs.
 *
 * Prints each card compressed (zlib), and one sorted table of every name of a model, with the card
 * that knows it. Run by the Makefile; a card that is no JSON of a card ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"

struct name {
	char *text;
	int card;
};

static struct name *names;
static size_t count, room;
static char **all; /* every copy, for the end */
static size_t all_count;

static void add_name(struct text t, int card)
{
	if (count == room) {
		room = room ? room * 2 : 1024;
		names = mem_grow(names, room * sizeof *names);
	}
	char *copy = mem_alloc(t.n + 1);
	if ((all_count & (all_count - 1)) == 0)
		all = mem_grow(all, (all_count ? all_count * 2 : 1) * sizeof *all);
	all[all_count++] = copy;
	for (size_t i = 0; i < t.n; i++)
		copy[i] = (char)(t.p[i] >= 'A' && t.p[i] <= 'Z' ? t.p[i] + 32 : t.p[i]);
	copy[t.n] = 0;
	names[count++] = (struct name){ copy, card };
}

static int by_text(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->text, y->text);
	return order ? order : x->card - y->card;
}

static void add_members(json_value *list, const char *key, int card)
{
	for (json_value *v = json_first(list); v; v = json_next(v))
		add_name(json_string(json_member(v, key)), card);
}

/* The compressed bytes; returns how many. */
static size_t put_bytes(int card, struct text bytes)
{
	uLongf n = compressBound(bytes.n);
	unsigned char *packed = mem_alloc(n);
	CHECK(compress2(packed, &n, (const unsigned char *)bytes.p, bytes.n, 9) == Z_OK);
	printf("static const unsigned char card_%d[] = {", card);
	for (size_t i = 0; i < n; i++)
		printf("%s%d,", i % 32 ? "" : "\n", packed[i]);
	printf("};\n");
	free(packed);
	return n;
}

/* The table of names: each text once, however many cards know it. */
static void put_names(void)
{
	struct buf table = { 0 };
	size_t unique = 0, at = 0;
	printf("const char shipped_name_text[] =\n");
	for (size_t i = 0, next = 0; i < count; i++) {
		const bool again = i && strcmp(names[i].text, names[i - 1].text) == 0;
		if (again && names[i].card == names[i - 1].card)
			continue;
		if (!again) {
			printf("\"%s\\0\"\n", names[i].text);
			at = next;
			next += strlen(names[i].text) + 1;
		}
		buf_printf(&table, "{ %zu, %d },%s", at, names[i].card,
			   unique++ % 8 == 7 ? "\n" : " ");
	}
	printf(";\nconst struct shipped_name shipped_names[] = {\n%s};\n"
	       "const size_t shipped_name_count = %zu;\n",
	       table.p, unique);
	buf_release(&table);
}

int main(int argc, char **argv)
{
	char newest[11] = "";
	struct buf table = { 0 };
	printf("#include \"pricing/shipped.h\"\n");
	for (int i = 1; i < argc; i++) {
		struct err e;
		struct buf file = { 0 };
		struct json_document *d;
		if (file_read(&file, argv[i], 64 << 20, &e) != 0 ||
		    json_open(&d, (struct text){ file.p, file.n }, &e) != 0) {
			fprintf(stderr, "%s: %s\n", argv[i], e.message);
			return 1;
		}
		json_value *root = json_root(d);
		struct text provider = json_string(json_member(root, "provider"));
		struct text checked = json_string(json_member(root, "checked"));
		if (checked.n == 10 && strncmp(checked.p, newest, 10) > 0)
			snprintf(newest, sizeof newest, "%.10s", checked.p);
		add_members(json_member(root, "prices"), "model", i - 1);
		add_members(json_member(root, "aliases"), "alias", i - 1);
		size_t n = put_bytes(i - 1, (struct text){ file.p, file.n });
		buf_printf(&table, "{ \"%s\", \"%.*s\", %s, card_%d, %zu, %zu },\n", argv[i],
			   (int)provider.n, provider.p,
			   json_true(json_member(root, "reseller")) ? "true" : "false", i - 1, n,
			   file.n);
		json_close(d);
		buf_release(&file);
	}
	printf("const struct shipped_card shipped_cards[] = {\n%s};\nconst size_t "
	       "shipped_card_count = %d;\n",
	       table.p, argc - 1);
	printf("const char shipped_released[] = \"%s\";\n", newest);
	qsort(names, count, sizeof *names, by_text);
	put_names();
	for (size_t i = 0; i < all_count; i++)
		free(all[i]);
	free(all);
	free(names);
	buf_release(&table);
	return ferror(stdout) ? 1 : 0;
}
