#include "meter/ingest/mapped.h"

#include <stdio.h>
#include <stdlib.h>

#include "meter/ingest/quarantine.h"

enum { AUTO_ID_ROOM = 96, MAP_NAME_ROOM = 64 };

struct mapped_row {
	int64_t line;
	char id[AUTO_ID_ROOM];
};

static struct text text_in(const struct buf *b)
{
	return (struct text){ b->n ? b->p : "", b->n };
}

void mapped_init(struct mapped *x, const struct trace *t, const struct field_map *map,
		 size_t map_count)
{
	*x = (struct mapped){ 0 };
	buf_puts(&x->columns, trace_shape(t)->container == CONTAINER_CSV ? "csv" : "jsonl");
	for (size_t i = 0; i < trace_columns(t); i++)
		buf_printf(&x->columns, "\n%s", trace_column_name(t, i));
	for (size_t i = 0; i < map_count; i++)
		buf_printf(&x->map, "%s=%s\x1e",
			   map[i].field == FIELD_NONE ? FIELD_MAP_NONE
						      : record_field_name(map[i].field),
			   map[i].column);
	buf_puts(&x->map, "\x1e"); /* no map is a text, too */
}

void mapped_release(struct mapped *x)
{
	buf_release(&x->columns);
	buf_release(&x->map);
	buf_release(&x->earlier);
	free(x->field);
	free(x->row);
}

static struct text name_of(char room[MAP_NAME_ROOM], const struct mapped *x, int place)
{
	uint8_t hash[16];
	size_t n = (size_t)snprintf(room, MAP_NAME_ROOM, "map:");
	content_hash(hash, (struct text[]){ text_in(&x->columns) }, 1);
	for (int i = 0; i < 16; i++)
		n += (size_t)snprintf(room + n, MAP_NAME_ROOM - n, "%02x", hash[i]);
	n += (size_t)snprintf(room + n, MAP_NAME_ROOM - n, "/%d", place);
	return (struct text){ room, n };
}

/* false: it cannot be read, and read nothing. */
static bool read_map(struct mapped *x)
{
	struct err none;
	x->fields = 0;
	for (char *field = x->earlier.p, *end; *field != '\x1e'; field = end + 1) {
		x->field = mem_grow(x->field, (x->fields + 1) * sizeof *x->field);
		end = strchr(field, '\x1e');
		if (!end)
			return false;
		*end = 0;
		if (field_map_parse(&x->field[x->fields++], field, &none) != 0)
			return false;
	}
	return true;
}

int mapped_next(struct mapped *x, struct store *s, struct err *e)
{
	char room[MAP_NAME_ROOM];
	for (;;) {
		int rc = store_also_text(s, name_of(room, x, x->place + 1), &x->earlier, e);
		if (rc != 0 || !x->earlier.n)
			return rc;
		x->place++;
		if (text_eq(text_in(&x->earlier), text_in(&x->map)))
			x->noted = true;
		else if (read_map(x))
			return 1;
	}
}

int mapped_note(struct mapped *x, struct store *s, struct err *e)
{
	char room[MAP_NAME_ROOM];
	if (x->noted)
		return 0;
	x->noted = true;
	return store_also(s, name_of(room, x, ++x->place), text_in(&x->map), false, e);
}

int mapped_see(struct mapped *x, struct store *s, int64_t line, struct text id, struct err *e)
{
	struct known_id known;
	int rc = store_look_for(s, id, &known, e);
	if (rc != 0 || !known.current || id.n >= AUTO_ID_ROOM)
		return rc;
	if ((x->count & (x->count - 1)) == 0)
		x->row = mem_grow(x->row, (x->count ? x->count * 2 : 1) * sizeof *x->row);
	x->sorted = false;
	struct mapped_row *row = &x->row[x->count++];
	*row = (struct mapped_row){ .line = line };
	memcpy(row->id, id.p, id.n);
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct mapped_row *x = a, *y = b;
	return (x->line > y->line) - (x->line < y->line);
}

size_t mapped_beside(struct mapped *x, const struct mapped *now)
{
	size_t n = 0;
	for (size_t i = 0; i < now->count; i++)
		n += !mapped_id(x, now->row[i].line).n;
	return n;
}

struct text mapped_id(struct mapped *x, int64_t line)
{
	const struct mapped_row wanted = { .line = line };
	if (!x->sorted && x->count)
		qsort(x->row, x->count, sizeof *x->row, by_line);
	x->sorted = true;
	const struct mapped_row *row =
		x->count ? bsearch(&wanted, x->row, x->count, sizeof *row, by_line) : NULL;
	return row ? text_of(row->id) : TEXT("");
}
