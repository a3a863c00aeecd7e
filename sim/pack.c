#include "sim/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "meter/read/record.h"

static const char magic[8] = "TALLYPK\1";
enum { ORDER_MARK = 0x01020304, QUARTER_US = 900 * 1000000 };
enum {
	FLAG_RELATIVE = 1,
	FLAG_BLOCKS = 2,
	FLAG_CONVERSATIONS = 4,
	FLAG_PARTIAL = 8,
	FLAG_LOCAL = 16,
};

enum section_kind {
	SECTION_SUBJECTS,
	SECTION_ROLLUPS,
	SECTION_RARE,
	SECTION_CONVERSATION_IDS,
	SECTION_REQUESTS,
	SECTION_BLOCKS,
	SECTION_NAMES,
	SECTION_COLUMN,	       /* and PACK_COLUMNS behind it */
	SECTION_COUNTED = 256, /* the names of the counts of SECTION_RARE, each with a 0 */
	SECTION_MARKS,	       /* of block traces whose requests name customers or breakpoints */
	SECTION_BREAKPOINTS,
	SECTION_CUSTOMERS,
	SECTION_DOUBTS,	      /* columns of the trace that nobody knows (meter/read/doubts) */
	SECTION_PLACEHOLDERS, /* the calls of whose answers the log has only the start, in order */
	SECTION_RUNS,	      /* the blocks of prompts; packs of before have SECTION_BLOCKS */
};

struct header {
	char magic[8];
	uint32_t order, flags;
	uint64_t calls, conversations, subjects, names, rares, rollups;
	uint64_t sections, directory, size; /* of the file */
	int64_t first_us, block_tokens, input_tokens;
	uint64_t blocks, distinct, models, chats; /* chats: conversations of the block trace */
	uint32_t directory_crc, crc;		  /* crc: of what stands before it */
};
struct section {
	uint32_t kind, index;
	uint64_t offset, stored, raw;
	uint32_t crc, compressed;
	int64_t base; /* of columns: values are as stored, of so many bytes each, and this
		       */
	uint64_t bytes;
};

struct pack {
	char *path;
	const char *file; /* mapped */
	size_t size;
	struct header head;
	const struct section *section;
	struct work_subject *subject;
	const char *shape;
	char *subject_texts;
	/* names, conversations, models and chats of the block trace, one behind the other */
	struct text *name;
	char *name_texts;
	int64_t *conversation_id;
	struct work_rare *rare;
	struct text doubts;    /* columns that nobody knows, in the file */
	uint64_t *placeholder; /* places of calls, in order */
	size_t placeholders;
};

static bool wide(enum pack_column c)
{
	return c < PACK_CONVERSATION;
}

/* --- writing --- */

/* A request as the file has it. */
struct packed_request {
	int64_t time_us, input, output;
	uint32_t conversation, model, call, first, count;
};

/* What else some requests say. */
struct packed_marks {
	uint32_t customer, first_break;
	uint16_t breaks, contents;
};

struct writer {
	FILE *f;
	const char *path;
	struct header head;
	struct section *section;
	uint64_t offset;
	char *packed;
	size_t packed_room;
	bool failed;
};

static void put_section(struct writer *w, uint32_t kind, uint32_t index, const void *p, size_t n,
			bool compress)
{
	struct section s = { .kind = kind, .index = index, .offset = w->offset, .raw = n };
	const void *bytes = n ? p : "";
	if (compress) {
		size_t room = ZSTD_compressBound(n);
		if (room > w->packed_room)
			w->packed = mem_grow(w->packed, w->packed_room = room);
		s.stored = ZSTD_compress(w->packed, room, bytes, n, 3);
		w->failed |= ZSTD_isError(s.stored) != 0;
		bytes = w->packed;
		s.compressed = 1;
	} else {
		s.stored = n;
	}
	if (w->failed)
		return;
	s.crc = (uint32_t)crc32_z(0, bytes, s.stored);
	w->failed |= fwrite(bytes, 1, s.stored, w->f) != s.stored;
	w->offset += s.stored;
	for (; w->offset % 16 && !w->failed; w->offset++) /* sections are aligned */
		w->failed |= fputc(0, w->f) == EOF;
	w->section = mem_grow(w->section, (w->head.sections + 1) * sizeof *w->section);
	w->section[w->head.sections++] = s;
}

/* A column as narrow as it can be; one that is the same throughout takes no bytes. */
static void put_column(struct writer *w, enum pack_column c, uint32_t chunk, const int64_t *value,
		       size_t n, char *scratch)
{
	int64_t least = value[0], most = value[0];
	for (size_t i = 1; i < n; i++) {
		least = value[i] < least ? value[i] : least;
		most = value[i] > most ? value[i] : most;
	}
	const uint64_t span = (uint64_t)most - (uint64_t)least;
	const uint64_t bytes = span == 0	    ? 0
			       : span <= UINT8_MAX  ? 1
			       : span <= UINT16_MAX ? 2
			       : span <= UINT32_MAX ? 4
						    : 8;
	for (size_t i = 0; bytes && i < n; i++) {
		const uint64_t above = (uint64_t)value[i] - (uint64_t)least;
		memcpy(scratch + i * bytes, &above, bytes); /* the low bytes come first */
	}
	put_section(w, SECTION_COLUMN + (uint32_t)c, chunk, scratch, n * bytes, true);
	if (w->failed)
		return;
	w->section[w->head.sections - 1].base = least;
	w->section[w->head.sections - 1].bytes = bytes;
}

static void put_text(struct buf *b, const char *p, size_t n)
{
	uint32_t length = (uint32_t)n;
	buf_add(b, &length, sizeof length);
	buf_add(b, p, n);
}

static void put_subjects(struct writer *w, const struct workload *work)
{
	struct buf b = { 0 };
	put_text(&b, work->shape, strlen(work->shape));
	for (size_t i = 0; i < w->head.subjects; i++) {
		const struct work_subject *s = &work->subject[i];
		put_text(&b, s->provider.p, s->provider.n);
		put_text(&b, s->model.p, s->model.n);
		put_text(&b, s->service_tier.p, s->service_tier.n);
		put_text(&b, s->region.p, s->region.n);
	}
	put_section(w, SECTION_SUBJECTS, 0, b.p, b.n, true);
	buf_release(&b);
}

static void put_names(struct writer *w, const struct workload *work)
{
	struct buf b = { 0 };
	for (size_t i = 1; i <= w->head.names; i++)
		put_text(&b, work->name[i], strlen(work->name[i]));
	for (size_t i = 0; i < w->head.conversations; i++) {
		const char *name = work->conversation_name[i];
		put_text(&b, name ? name : "", name ? strlen(name) : 0);
	}
	for (size_t i = 1; i <= w->head.models; i++)
		put_text(&b, work->blocks->model_name[i], strlen(work->blocks->model_name[i]));
	for (size_t i = 1; i <= w->head.chats; i++)
		put_text(&b, work->blocks->conversation_name[i].p,
			 work->blocks->conversation_name[i].n);
	put_section(w, SECTION_NAMES, 0, b.p, b.n, true);
	buf_release(&b);
}

static int64_t value_of(const struct work_call *c, enum pack_column k)
{
	switch (k) {
	case PACK_TIME:
		return c->time_us;
	case PACK_REQUESTS:
		return c->requests;
	case PACK_CONVERSATION:
		return c->conversation;
	case PACK_CALL:
		return c->call;
	case PACK_SUBJECT:
		return c->subject;
	case PACK_CUSTOMER:
		return c->customer;
	case PACK_PROJECT:
		return c->project;
	case PACK_WORKLOAD:
		return c->workload;
	case PACK_TASK:
		return c->task;
	case PACK_EFFORT:
		return c->effort;
	case PACK_SESSION:
		return c->session;
	case PACK_RARE:
		return c->rare;
	default:
		return c->tokens[k - PACK_TOKENS];
	}
}

static void put_columns(struct writer *w, const struct workload *work)
{
	int64_t *value = mem_alloc(PACK_CHUNK * sizeof *value);
	char *scratch = mem_alloc(PACK_CHUNK * sizeof *value);
	for (size_t from = 0; from < work->count; from += PACK_CHUNK) {
		const size_t n = work->count - from < PACK_CHUNK ? work->count - from : PACK_CHUNK;
		for (int k = 0; k < PACK_COLUMNS; k++) {
			for (size_t i = 0; i < n; i++)
				value[i] = value_of(&work->call[from + i], (enum pack_column)k);
			put_column(w, (enum pack_column)k, (uint32_t)(from / PACK_CHUNK), value, n,
				   scratch);
		}
	}
	free(value);
	free(scratch);
}

/* Sums by quarter hour and subject. */
static void put_rollups(struct writer *w, const struct workload *work)
{
	struct pack_rollup *list = NULL;
	struct dict place = { 0 };
	size_t count = 0, room = 0;
	bool fits = work->rares == 0;
	for (size_t i = 0; fits && i < work->count; i++) {
		const struct work_call *c = &work->call[i];
		/* a sum knows no bound */
		fits = !c->placeholder && !c->unsplit && !c->undivided;
		const int64_t key[2] = { floor_div(c->time_us, QUARTER_US), c->subject };
		uint64_t *k =
			dict_need(&place, (struct text){ (const char *)key, sizeof key }, NULL);
		if (!*k) {
			if (count == room)
				list = mem_grow(list,
						(room = room ? room * 2 : 256) * sizeof *list);
			list[count++] = (struct pack_rollup){ .quarter = key[0],
							      .first_us = c->time_us,
							      .last_us = c->time_us,
							      .subject = c->subject };
			*k = count;
		}
		struct pack_rollup *r = &list[*k - 1];
		r->first_us = c->time_us < r->first_us ? c->time_us : r->first_us;
		r->last_us = c->time_us > r->last_us ? c->time_us : r->last_us;
		r->records++;
		for (int t = 0; t < BUCKET_COMMON; t++)
			fits &= !__builtin_add_overflow(r->tokens[t], c->tokens[t],
							&r->tokens[t]) &&
				r->tokens[t] >> 58 == 0;
	}
	w->head.rollups = fits ? count : 0;
	put_section(w, SECTION_ROLLUPS, 0, list, w->head.rollups * sizeof *list, false);
	dict_release(&place);
	free(list);
}

/* The customers by number, and what clients asked to be kept; nothing where no request says either.
 */
static void put_marks(struct writer *w, const struct block_trace *t)
{
	if (!t->breakpoints && !t->customers.count)
		return;
	struct packed_marks *list = mem_zalloc((t->count + 1) * sizeof *list);
	struct text *name = mem_zalloc((t->customers.count + 1) * sizeof *name);
	struct buf names = { 0 };
	for (size_t i = 0; i < t->count; i++)
		list[i] = (struct packed_marks){ t->request[i].customer, t->request[i].first_break,
						 t->request[i].breaks, t->request[i].contents };
	for (size_t i = 0; i < t->customers.room; i++) {
		const struct dict_slot *s = &t->customers.slot[i];
		if (s->value)
			name[s->value] = (struct text){ s->key, s->n };
	}
	for (size_t i = 1; i <= t->customers.count; i++)
		put_text(&names, name[i].p, name[i].n);
	put_section(w, SECTION_MARKS, 0, list, t->count * sizeof *list, true);
	put_section(w, SECTION_BREAKPOINTS, 0, t->breakpoint,
		    t->breakpoints * sizeof *t->breakpoint, true);
	put_section(w, SECTION_CUSTOMERS, 0, names.p, names.n, true);
	buf_release(&names);
	free(name);
	free(list);
}

static void put_blocks(struct writer *w, const struct block_trace *t)
{
	struct packed_request *list = mem_zalloc((t->count + 1) * sizeof *list);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		list[i] = (struct packed_request){ .time_us = q->time_us,
						   .input = q->input,
						   .output = q->output,
						   .conversation = q->conversation,
						   .model = q->model,
						   .call = q->call,
						   .first = q->first,
						   .count = q->count };
	}
	put_section(w, SECTION_REQUESTS, 0, list, t->count * sizeof *list, true);
	free(list);
	put_section(w, SECTION_RUNS, 0, t->runs.run, t->runs.count * sizeof *t->runs.run, true);
	put_marks(w, t);
}

/* What the rare counts are of, by name, so that a new bucket or unit leaves packs as they are. */
static void put_counted(struct writer *w)
{
	struct buf names = { 0 };
	for (int k = BUCKET_COMMON; k < COUNT_KINDS; k++)
		buf_add(&names, count_name(k), strlen(count_name(k)) + 1);
	put_section(w, SECTION_COUNTED, 0, names.p, names.n, false);
	buf_release(&names);
}

static void put_doubts(struct writer *w, const struct buf *columns)
{
	if (columns->n)
		put_section(w, SECTION_DOUBTS, 0, columns->p, columns->n, false);
}

static void put_placeholders(struct writer *w, const struct workload *work)
{
	uint64_t *list = NULL;
	size_t n = 0;
	for (size_t i = 0; i < work->count; i++) {
		const struct work_call *c = &work->call[i];
		if (!c->placeholder && !c->unsplit && !c->undivided)
			continue;
		if ((n & (n - 1)) == 0)
			list = mem_grow(list, (n ? n * 2 : 1) * sizeof *list);
		list[n++] = i;
	}
	if (n)
		put_section(w, SECTION_PLACEHOLDERS, 0, list, n * sizeof *list, true);
	free(list);
}

/* What the file says of the workload; sections and sums of bytes are told at the end. */
static void fill_head(struct header *h, const struct workload *work)
{
	const struct block_trace *t = work->blocks;
	memcpy(h->magic, magic, sizeof magic);
	h->order = ORDER_MARK;
	h->flags = (work->relative ? FLAG_RELATIVE : 0u) | (t ? FLAG_BLOCKS : 0u) |
		   (work->has_conversations ? FLAG_CONVERSATIONS : 0u);
	h->calls = work->count;
	h->conversations = work->conversations;
	h->subjects = work->subjects;
	h->names = work->names;
	h->rares = work->rares;
	h->first_us = INT64_MAX;
	for (size_t i = 0; i < work->count; i++)
		if (work->call[i].time_us < h->first_us)
			h->first_us = work->call[i].time_us;
	if (t) {
		h->flags |= (t->has_partial ? FLAG_PARTIAL : 0u) | (t->local ? FLAG_LOCAL : 0u);
		h->block_tokens = t->block_tokens;
		h->blocks = t->blocks;
		h->distinct = t->distinct;
		h->input_tokens = t->input_tokens;
		h->models = t->model_count;
		h->chats = t->conversations;
	}
}

int pack_write(const char *path, const struct workload *work, struct err *e)
{
	const struct block_trace *t = work->blocks;
	char *temporary = mem_alloc(strlen(path) + 5);
	struct writer w = { .path = path };
	if (work->metered) {
		free(temporary);
		return err_set(e, ERR_USAGE, "a database is read at once; only traces are packed");
	}
	snprintf(temporary, strlen(path) + 5, "%s.tmp", path);
	w.f = fopen(temporary, "wb");
	if (!w.f) {
		int rc = err_set(e, ERR_SYSTEM, "could not write '%s': %s", temporary,
				 strerror(errno));
		free(temporary);
		return rc;
	}
	fill_head(&w.head, work);
	w.failed = fwrite(&w.head, 1, sizeof w.head, w.f) != sizeof w.head;
	w.offset = sizeof w.head;
	put_subjects(&w, work);
	put_rollups(&w, work);
	put_names(&w, work);
	put_section(&w, SECTION_RARE, 0, work->rare, work->rares * sizeof *work->rare, true);
	put_section(&w, SECTION_CONVERSATION_IDS, 0, work->conversation_id,
		    work->conversations * sizeof *work->conversation_id, true);
	put_columns(&w, work);
	put_counted(&w);
	put_doubts(&w, &work->doubts.columns);
	put_placeholders(&w, work);
	if (t)
		put_blocks(&w, t);
	w.head.directory = w.offset;
	const size_t bytes = w.head.sections * sizeof *w.section;
	w.head.size = w.offset + bytes;
	w.head.directory_crc = (uint32_t)crc32_z(0, (const void *)w.section, bytes);
	w.head.crc = (uint32_t)crc32_z(0, (const void *)&w.head, offsetof(struct header, crc));
	w.failed |= fwrite(w.section, 1, bytes, w.f) != bytes;
	w.failed |= fseek(w.f, 0, SEEK_SET) != 0 ||
		    fwrite(&w.head, 1, sizeof w.head, w.f) != sizeof w.head;
	w.failed |= fflush(w.f) != 0 || fsync(fileno(w.f)) != 0;
	w.failed |= fclose(w.f) != 0;
	w.failed = w.failed || rename(temporary, path) != 0;
	int rc = w.failed
			 ? err_set(e, ERR_SYSTEM, "could not write '%s': %s", path, strerror(errno))
			 : 0;
	if (rc != 0)
		remove(temporary);
	free(w.section);
	free(w.packed);
	free(temporary);
	return rc;
}

/* --- reading --- */

static int damaged(const struct pack *p, const char *what, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s: the pack is damaged (%s); pack the trace again",
		       p->path, what);
}

bool pack_is(const char *path)
{
	char start[sizeof magic];
	FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");
	bool is = f && fread(start, 1, sizeof start, f) == sizeof start &&
		  memcmp(start, magic, sizeof magic) == 0;
	if (f)
		fclose(f);
	return is;
}

static const struct section *find(const struct pack *p, uint32_t kind, uint32_t index)
{
	for (size_t i = 0; i < p->head.sections; i++)
		if (p->section[i].kind == kind && p->section[i].index == index)
			return &p->section[i];
	return NULL;
}

/* Where the columns of the chunks stand: behind the five sections that come first. */
static const struct section *column_section(const struct pack *p, size_t chunk, enum pack_column c)
{
	const size_t at = 5 + chunk * PACK_COLUMNS + (size_t)c;
	const struct section *s = at < p->head.sections ? &p->section[at] : NULL;
	return s && s->kind == SECTION_COLUMN + (uint32_t)c && s->index == chunk ? s : NULL;
}

/* Whether the section lies in the file and can hold so many bytes; asked before memory is taken for
 * them. zstd makes at most 128 KiB of four bytes. */
static bool holds(const struct pack *p, const struct section *s, uint64_t bytes)
{
	return s && s->raw == bytes && s->offset <= p->size && s->stored <= p->size - s->offset &&
	       (s->compressed ? bytes / 32768 <= s->stored : bytes == 0 || bytes == s->stored);
}

static int read_section(const struct pack *p, const struct section *s, void *out, size_t bytes,
			struct err *e)
{
	if (!holds(p, s, bytes))
		return damaged(p, "a section is missing", e);
	const char *stored = p->file + s->offset;
	if (crc32_z(0, (const void *)stored, s->stored) != s->crc)
		return damaged(p, "a checksum", e);
	if (bytes == 0)
		return 0;
	if (!s->compressed)
		memcpy(out, stored, bytes);
	else if (ZSTD_decompress(out, bytes, stored, s->stored) != bytes)
		return damaged(p, "a compressed section", e);
	return 0;
}

struct cursor {
	const char *p, *end;
	bool failed;
};

static struct text take_text(struct cursor *c)
{
	uint32_t n;
	if (c->failed || (size_t)(c->end - c->p) < sizeof n) {
		c->failed = true;
		return (struct text){ "", 0 };
	}
	memcpy(&n, c->p, sizeof n);
	c->p += sizeof n;
	if (n > (size_t)(c->end - c->p)) {
		c->failed = true;
		return (struct text){ "", 0 };
	}
	struct text t = { c->p, n };
	c->p += n;
	return t;
}

/* Texts are copied once more, each with a 0 behind it, and room behind the last. */
static int read_texts(const struct pack *p, enum section_kind kind, uint64_t count,
		      struct text **texts, char **memory, struct err *e)
{
	const struct section *s = find(p, kind, 0);
	if (!s || !holds(p, s, s->raw) || count * sizeof(uint32_t) > s->raw)
		return damaged(p, "its names", e);
	char *raw = mem_alloc(s->raw + 1), *at;
	int rc = read_section(p, s, raw, s->raw, e);
	struct cursor c = { raw, raw + s->raw, rc != 0 };
	at = *memory = mem_zalloc(s->raw + count + TEXT_ROOM + 1);
	*texts = mem_zalloc((count + 1) * sizeof **texts);
	for (size_t i = 0; i < count && !c.failed; i++) {
		struct text t = take_text(&c);
		(*texts)[i] = (struct text){ at, t.n };
		memcpy(at, t.p, t.n);
		at += t.n + 1;
	}
	free(raw);
	return rc != 0 ? rc : c.failed ? damaged(p, "its names", e) : 0;
}

static int read_subjects(struct pack *p, struct err *e)
{
	struct text *t = NULL;
	int rc =
		read_texts(p, SECTION_SUBJECTS, 1 + 4 * p->head.subjects, &t, &p->subject_texts, e);
	if (rc == 0) {
		p->shape = t[0].p;
		p->subject = mem_zalloc((p->head.subjects + 1) * sizeof *p->subject);
		for (size_t i = 0; i < p->head.subjects; i++)
			p->subject[i] = (struct work_subject){ t[1 + 4 * i], t[2 + 4 * i],
							       t[3 + 4 * i], t[4 + 4 * i] };
	}
	free(t);
	return rc;
}

/* Whether such calls can have been packed: a quarter hour's, of a subject that is there. */
static bool is_sum(const struct pack *p, const struct pack_rollup *r)
{
	bool is = r->subject < p->head.subjects && r->records >= 1 &&
		  (uint64_t)r->records <= p->head.calls && r->first_us <= r->last_us &&
		  floor_div(r->first_us, QUARTER_US) == r->quarter &&
		  floor_div(r->last_us, QUARTER_US) == r->quarter;
	for (int t = 0; t < BUCKET_COMMON; t++)
		is &= r->tokens[t] >> 58 == 0;
	return is;
}

static int check_sums(const struct pack *p, struct err *e)
{
	const struct section *s = find(p, SECTION_ROLLUPS, 0);
	if (!s || s->compressed || s->offset % 16 ||
	    s->raw != p->head.rollups * sizeof(struct pack_rollup) || s->stored != s->raw ||
	    s->offset > p->size || s->stored > p->size - s->offset ||
	    crc32_z(0, (const void *)(p->file + s->offset), s->stored) != s->crc)
		return damaged(p, "its sums", e);
	const struct pack_rollup *r = (const void *)(p->file + s->offset);
	for (size_t i = 0; i < p->head.rollups; i++)
		if (!is_sum(p, &r[i]))
			return damaged(p, "its sums", e);
	return 0;
}

static int check_doubts(struct pack *p, struct err *e)
{
	const struct section *s = find(p, SECTION_DOUBTS, 0);
	if (!s)
		return 0;
	if (s->compressed || !holds(p, s, s->raw) ||
	    crc32_z(0, (const void *)(p->file + s->offset), s->stored) != s->crc)
		return damaged(p, "its columns", e);
	p->doubts = (struct text){ p->file + s->offset, s->raw };
	return 0;
}

/* Which counts the rows of SECTION_RARE hold, in their order; how many, or a negative code. */
static int read_counted(const struct pack *p, int kind[COUNT_RARE], struct err *e)
{
	/* of packs that do not say: what was counted when they were made */
	static const char before[] = "input_audio\0input_image\0input_video\0cache_read_audio\0"
				     "cache_read_image\0cache_read_video\0output_audio\0"
				     "output_image\0output_video\0citation\0web_search";
	const struct section *s = find(p, SECTION_COUNTED, 0);
	const char *name = before, *end = before + sizeof before;
	int n = 0;
	if (s) {
		if (s->compressed || !holds(p, s, s->raw) || s->raw == 0 ||
		    p->file[s->offset + s->raw - 1] != 0 ||
		    crc32_z(0, (const void *)(p->file + s->offset), s->stored) != s->crc)
			return damaged(p, "what it counts", e);
		name = p->file + s->offset;
		end = name + s->raw;
	}
	for (; name < end; name += strlen(name) + 1) {
		const int k = count_by_name(name, strlen(name));
		if (k < BUCKET_COMMON || n == COUNT_RARE)
			return err_set(e, ERR_INVALID,
				       "%s: the pack counts '%s', which this version of tally does "
				       "not know; pack the trace again",
				       p->path, name);
		kind[n++] = k - BUCKET_COMMON;
	}
	return n;
}

static int read_rare(struct pack *p, struct err *e)
{
	int kind[COUNT_RARE];
	const int width = read_counted(p, kind, e);
	if (width < 0)
		return width;
	const struct section *s = find(p, SECTION_RARE, 0);
	const size_t rows = p->head.rares, bytes = rows * (size_t)width * sizeof(int64_t);
	if (!holds(p, s, bytes))
		return damaged(p, "a section is missing", e);
	int64_t *raw = mem_alloc(bytes + 1);
	p->rare = mem_zalloc((rows + 1) * sizeof *p->rare);
	int rc = read_section(p, s, raw, bytes, e);
	for (size_t i = 0; rc == 0 && i < rows; i++)
		for (int k = 0; k < width; k++)
			p->rare[i].counts[kind[k]] = raw[i * (size_t)width + (size_t)k];
	free(raw);
	return rc;
}

static int read_placeholders(struct pack *p, struct err *e)
{
	const struct section *s = find(p, SECTION_PLACEHOLDERS, 0);
	const size_t n = s ? s->raw / sizeof *p->placeholder : 0;
	if (n > p->head.calls || (s && !holds(p, s, n * sizeof *p->placeholder)))
		return damaged(p, "its placeholders", e);
	if (n == 0)
		return 0;
	p->placeholder = mem_alloc(n * sizeof *p->placeholder);
	int rc = read_section(p, s, p->placeholder, n * sizeof *p->placeholder, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (p->placeholder[i] >= p->head.calls ||
		    (i && p->placeholder[i] <= p->placeholder[i - 1]))
			rc = damaged(p, "its placeholders", e);
	p->placeholders = rc == 0 ? n : 0;
	return rc;
}

int pack_need_names(struct pack *p, struct err *e)
{
	const struct header *h = &p->head;
	if (p->name)
		return 0;
	if (!holds(p, find(p, SECTION_CONVERSATION_IDS, 0),
		   h->conversations * sizeof *p->conversation_id))
		return damaged(p, "a section is missing", e);
	int rc = read_texts(p, SECTION_NAMES, h->names + h->conversations + h->models + h->chats,
			    &p->name, &p->name_texts, e);
	p->conversation_id = mem_alloc((h->conversations + 1) * sizeof *p->conversation_id);
	if (rc == 0)
		rc = read_rare(p, e);
	if (rc == 0)
		rc = read_placeholders(p, e);
	if (rc == 0)
		rc = read_section(p, find(p, SECTION_CONVERSATION_IDS, 0), p->conversation_id,
				  h->conversations * sizeof *p->conversation_id, e);
	return rc;
}

static int check_head(struct pack *p, struct err *e)
{
	struct header *h = &p->head;
	const uint64_t most = (uint64_t)1 << 32;
	if (p->size < sizeof *h)
		return err_set(e, ERR_INVALID, "%s is not a pack", p->path);
	memcpy(h, p->file, sizeof *h);
	if (memcmp(h->magic, magic, sizeof magic) != 0)
		return err_set(e, ERR_INVALID, "%s is not a pack, or one of another version",
			       p->path);
	if (h->order != ORDER_MARK)
		return err_set(
			e, ERR_INVALID,
			"%s was packed on a machine of another byte order; pack the trace here",
			p->path);
	if (crc32_z(0, (const void *)h, offsetof(struct header, crc)) != h->crc)
		return damaged(p, "its head", e);
	if (h->size != p->size || h->directory > p->size ||
	    h->sections > (p->size - h->directory) / sizeof *p->section ||
	    h->directory + h->sections * sizeof *p->section != p->size || h->directory % 16)
		return damaged(p, "its length", e);
	if (h->calls >= most || h->conversations >= most || h->subjects >= most ||
	    h->names >= most || h->rares >= most || h->rollups >= most || h->blocks > BLOCKS_MOST ||
	    h->distinct > BLOCKS_MOST || h->models >= most || h->chats >= most ||
	    (h->calls && !h->subjects && !(h->flags & FLAG_BLOCKS)))
		return damaged(p, "its counts", e);
	p->section = (const void *)(p->file + h->directory);
	if (crc32_z(0, (const void *)p->section, h->sections * sizeof *p->section) !=
	    h->directory_crc)
		return damaged(p, "its directory", e);
	return 0;
}

int pack_open(struct pack **out, const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE,
			       "could not open '%s': %s", path, strerror(errno));
	struct pack *p = mem_zalloc(sizeof *p);
	p->path = mem_text(path);
	void *map = fstat(fd, &st) == 0 && st.st_size > 0
			    ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
			    : MAP_FAILED;
	close(fd);
	int rc = 0;
	if (map == MAP_FAILED) {
		rc = err_set(e, ERR_UNREADABLE, "could not read '%s'", path);
	} else {
		p->file = map;
		p->size = (size_t)st.st_size;
		rc = check_head(p, e);
	}
	if (rc == 0)
		rc = read_subjects(p, e);
	if (rc == 0)
		rc = check_sums(p, e);
	if (rc == 0)
		rc = check_doubts(p, e);
	if (rc != 0) {
		pack_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

void pack_close(struct pack *p)
{
	if (!p)
		return;
	if (p->file) {
		union {
			const char *c;
			void *v;
		} map = { p->file };
		munmap(map.v, p->size);
	}
	free(p->subject);
	free(p->subject_texts);
	free(p->name);
	free(p->name_texts);
	free(p->conversation_id);
	free(p->rare);
	free(p->placeholder);
	free(p->path);
	free(p);
}

int pack_check_format(const struct pack *p, const char *format, struct err *e)
{
	if (!format || strcmp(format, "auto") == 0 || strcmp(format, p->shape) == 0)
		return 0;
	return err_set(e, ERR_INVALID, "'%s' is a %s trace, not %s", p->path, p->shape, format);
}

const char *pack_shape(const struct pack *p)
{
	return p->shape;
}
bool pack_is_relative(const struct pack *p)
{
	return p->head.flags & FLAG_RELATIVE;
}
bool pack_has_blocks(const struct pack *p)
{
	return p->head.flags & FLAG_BLOCKS;
}
void pack_doubts(const struct pack *p, struct doubts *out)
{
	struct text name;
	for (size_t at = 0; doubts_next_column(p->doubts, &at, &name);)
		doubts_add_column(out, name);
}

bool pack_has_conversations(const struct pack *p)
{
	return p->head.flags & FLAG_CONVERSATIONS;
}
size_t pack_calls(const struct pack *p)
{
	return p->head.calls;
}
size_t pack_chunks(const struct pack *p)
{
	return (p->head.calls + PACK_CHUNK - 1) / PACK_CHUNK;
}
int64_t pack_first_us(const struct pack *p)
{
	return p->head.first_us;
}
size_t pack_subjects(const struct pack *p)
{
	return p->head.subjects;
}
const struct work_subject *pack_subject(const struct pack *p, size_t i)
{
	return &p->subject[i];
}
size_t pack_names(const struct pack *p)
{
	return p->head.names;
}
struct text pack_name(const struct pack *p, uint32_t number)
{
	return p->name[number - 1];
}
size_t pack_conversations(const struct pack *p)
{
	return p->head.conversations;
}
struct text pack_conversation(const struct pack *p, size_t i)
{
	return p->name[p->head.names + i];
}
size_t pack_rares(const struct pack *p)
{
	return p->head.rares;
}
const struct work_rare *pack_rare(const struct pack *p, size_t i)
{
	return &p->rare[i];
}

size_t pack_placeholder_from(const struct pack *p, size_t call)
{
	size_t low = 0, high = p->placeholders;
	while (low < high) {
		const size_t middle = (low + high) / 2;
		if (p->placeholder[middle] < call)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->placeholders ? (size_t)p->placeholder[low] : SIZE_MAX;
}

const struct pack_rollup *pack_rollups(const struct pack *p, size_t *count)
{
	*count = p->head.rollups;
	return (const void *)(p->file + find(p, SECTION_ROLLUPS, 0)->offset);
}

size_t pack_chunk_calls(const struct pack *p, size_t chunk)
{
	const size_t from = chunk * PACK_CHUNK;
	return p->head.calls - from < PACK_CHUNK ? p->head.calls - from : PACK_CHUNK;
}

/* Numbers of names and the like lie within their tables, whatever the file says. */
static uint64_t most_of(const struct pack *p, enum pack_column c)
{
	switch (c) {
	case PACK_CONVERSATION:
		return p->head.conversations ? p->head.conversations - 1 : 0;
	case PACK_SUBJECT:
		return p->head.subjects ? p->head.subjects - 1 : 0;
	case PACK_CALL:
		return UINT32_MAX;
	case PACK_RARE:
		return p->head.rares;
	default:
		return p->head.names;
	}
}

bool pack_column_is(const struct pack *p, size_t chunk, enum pack_column c, int64_t value)
{
	const struct section *s = column_section(p, chunk, c);
	return s && s->bytes == 0 && s->base == value;
}

/* What stands in `bytes` bytes each, above the base, as 64 or 32 bits. */
#define WIDEN(OUT, TYPE) \
	for (size_t i = 0; i < n; i++) \
	(OUT)[i] = (__typeof__(*(OUT)))(base + ((const TYPE *)from)[i])
#define WIDEN_ANY(OUT) \
	do { \
		switch (s->bytes) { \
		case 0: \
			for (size_t i = 0; i < n; i++) \
				(OUT)[i] = (__typeof__(*(OUT)))base; \
			break; \
		case 1: \
			WIDEN(OUT, uint8_t); \
			break; \
		case 2: \
			WIDEN(OUT, uint16_t); \
			break; \
		case 4: \
			WIDEN(OUT, uint32_t); \
			break; \
		default: \
			WIDEN(OUT, uint64_t); \
		} \
	} while (0)

int pack_read_column(const struct pack *p, size_t chunk, enum pack_column c, void *out,
		     void *scratch, struct err *e)
{
	const size_t n = pack_chunk_calls(p, chunk);
	const struct section *s = column_section(p, chunk, c);
	const void *from = scratch;
	if (!s || s->bytes > 8 || (s->bytes & (s->bytes - 1)) != 0)
		return damaged(p, "a column is missing", e);
	const uint64_t base = (uint64_t)s->base;
	int rc = read_section(p, s, scratch, n * s->bytes, e);
	if (rc != 0)
		return rc;
	if (wide(c)) {
		int64_t *v = out, least = 0;
		WIDEN_ANY(v);
		for (size_t i = 0; c != PACK_TIME && i < n; i++)
			least = v[i] < least ? v[i] : least;
		return least < 0 ? damaged(p, "a count is negative", e) : 0;
	}
	uint32_t *v = out, largest = 0;
	WIDEN_ANY(v);
	for (size_t i = 0; i < n; i++)
		largest = v[i] > largest ? v[i] : largest;
	return n && largest > most_of(p, c) ? damaged(p, "a number lies outside its table", e) : 0;
}

static int read_customers(struct block_trace *t, const struct pack *p, uint32_t most, struct err *e)
{
	struct text *name = NULL;
	char *memory = NULL;
	int rc = read_texts(p, SECTION_CUSTOMERS, most, &name, &memory, e);
	for (uint32_t k = 1; rc == 0 && k <= most; k++)
		*dict_need(&t->customers, name[k - 1], NULL) = k;
	free(name);
	free(memory);
	return rc == 0 && t->customers.count != most ? damaged(p, "its names", e) : rc;
}

/* Places in a prompt, both lists rising, as the reader of traces has them. */
static bool marks_fit(const struct block_trace *t, const struct packed_marks *m, int64_t input)
{
	const uint32_t count = (uint32_t)m->breaks + m->contents;
	int64_t before = 0;
	bool fit = m->first_break <= t->breakpoints && count <= t->breakpoints - m->first_break;
	for (uint32_t k = 0; fit && k < count; k++) {
		before = k == m->breaks ? 0 : before;
		const int64_t at = t->breakpoint[m->first_break + k];
		fit = at > before && at <= input;
		before = at;
	}
	return fit;
}

static int read_marks(struct block_trace *t, const struct pack *p, struct err *e)
{
	const struct section *marks = find(p, SECTION_MARKS, 0),
			     *places = find(p, SECTION_BREAKPOINTS, 0);
	uint32_t customers = 0;
	if (!marks && !places)
		return 0;
	if (!holds(p, marks, t->count * sizeof(struct packed_marks)) || !places ||
	    places->raw % sizeof *t->breakpoint || !holds(p, places, places->raw))
		return damaged(p, "a section is missing", e);
	struct packed_marks *m = mem_alloc((t->count + 1) * sizeof *m);
	t->breakpoints = places->raw / sizeof *t->breakpoint;
	t->breakpoint = mem_alloc((t->breakpoints + 1) * sizeof *t->breakpoint);
	int rc = read_section(p, marks, m, t->count * sizeof *m, e);
	if (rc == 0)
		rc = read_section(p, places, t->breakpoint, places->raw, e);
	for (size_t i = 0; rc == 0 && i < t->count; i++) {
		struct block_request *q = &t->request[i];
		if (!marks_fit(t, &m[i], q->input))
			rc = damaged(p, "a breakpoint", e);
		q->customer = m[i].customer;
		q->first_break = m[i].first_break;
		q->breaks = m[i].breaks;
		q->contents = m[i].contents;
		customers = q->customer > customers ? q->customer : customers;
	}
	free(m);
	return rc == 0 ? read_customers(t, p, customers, e) : rc;
}

/* Of a pack of before: every block has its number in the file, and requests say where theirs begin.
 */
static int read_single_blocks(struct block_trace *t, const struct pack *p, struct err *e)
{
	const size_t all = t->blocks;
	uint32_t *block = mem_alloc((all + 1) * sizeof *block);
	int rc = read_section(p, find(p, SECTION_BLOCKS, 0), block, all * sizeof *block, e);
	for (size_t i = 0; rc == 0 && i < t->count; i++) {
		struct block_request *q = &t->request[i];
		const size_t at = q->first;
		if (at > all || q->count > all - at)
			rc = damaged(p, "a request", e);
		q->first = (uint32_t)t->runs.count;
		for (size_t k = at; rc == 0 && k < at + q->count; k++)
			block_runs_add(&t->runs, q->first, (struct block_run){ block[k], 1 });
	}
	free(block);
	return rc;
}

/* The blocks of all prompts, each of which has as many as it says. */
static int read_runs(struct block_trace *t, const struct pack *p, struct err *e)
{
	const struct section *runs = find(p, SECTION_RUNS, 0);
	struct block_runs *l = &t->runs;
	int rc = 0;
	if (runs) {
		l->count = runs->raw / sizeof *l->run;
		l->run = mem_alloc((l->count + 1) * sizeof *l->run);
		rc = read_section(p, runs, l->run, l->count * sizeof *l->run, e);
	} else {
		rc = read_single_blocks(t, p, e);
	}
	for (size_t i = 0; rc == 0 && i < l->count; i++)
		if (!l->run[i].count || l->run[i].count > t->distinct ||
		    l->run[i].from > t->distinct - l->run[i].count)
			rc = damaged(p, "a block", e);
	for (size_t i = 0; rc == 0 && i < t->count; i++) {
		size_t at = t->request[i].first, left = t->request[i].count;
		for (; left && at < l->count; at++)
			left -= l->run[at].count < left ? l->run[at].count : left;
		if (left)
			rc = damaged(p, "a request", e);
	}
	return rc;
}

int pack_read_blocks(struct block_trace **out, const struct pack *p, struct err *e)
{
	const struct section *runs = find(p, SECTION_RUNS, 0);
	if (!holds(p, find(p, SECTION_REQUESTS, 0),
		   p->head.calls * sizeof(struct packed_request)) ||
	    (runs ? !holds(p, runs, runs->raw / sizeof(struct block_run) * sizeof(struct block_run))
		  : !holds(p, find(p, SECTION_BLOCKS, 0), p->head.blocks * sizeof(uint32_t))))
		return damaged(p, "a section is missing", e);
	struct block_trace *t = mem_zalloc(sizeof *t);
	t->names_blocks = true;
	t->shape = strcmp(p->shape, "mooncake") == 0   ? "mooncake"
		   : strcmp(p->shape, "sessions") == 0 ? "sessions"
		   : strcmp(p->shape, "bailian") == 0  ? "bailian"
						       : "agent";
	t->block_tokens = p->head.block_tokens;
	t->has_partial = p->head.flags & FLAG_PARTIAL;
	t->local = p->head.flags & FLAG_LOCAL;
	t->count = p->head.calls;
	t->blocks = p->head.blocks;
	t->distinct = p->head.distinct;
	t->input_tokens = p->head.input_tokens;
	t->model_count = p->head.models;
	t->request = mem_alloc((t->count + 1) * sizeof *t->request);
	struct packed_request *packed = mem_alloc((t->count + 1) * sizeof *packed);
	t->model_name = mem_zalloc((t->model_count + 1) * sizeof *t->model_name);
	const struct text *model = p->name + p->head.names + p->head.conversations - 1,
			  *chat = model + p->head.models;
	int rc =
		read_section(p, find(p, SECTION_REQUESTS, 0), packed, t->count * sizeof *packed, e);
	for (size_t i = 0; rc == 0 && i < t->count; i++)
		t->request[i] = (struct block_request){ .time_us = packed[i].time_us,
							.input = packed[i].input,
							.output = packed[i].output,
							.conversation = packed[i].conversation,
							.model = packed[i].model,
							.call = packed[i].call,
							.first = packed[i].first,
							.count = packed[i].count };
	free(packed);
	if (rc == 0)
		rc = read_runs(t, p, e);
	t->conversations = p->head.chats;
	t->conversation_name = mem_alloc((t->conversations + 1) * sizeof *t->conversation_name);
	for (size_t i = 1; rc == 0 && i <= t->conversations; i++) {
		dict_need(&t->talks, chat[i], NULL);
		t->conversation_name[i] = dict_key(&t->talks, chat[i]);
	}
	for (size_t i = 1; rc == 0 && i <= t->model_count; i++) {
		*dict_need(&t->models, model[i], NULL) = i;
		t->model_name[i] = dict_key(&t->models, model[i]).p;
	}
	for (size_t i = 0; rc == 0 && i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		if (q->input < 0 || q->output < 0 || q->model > t->model_count ||
		    q->conversation > t->conversations)
			rc = damaged(p, "a request", e);
	}
	if (rc == 0)
		rc = read_marks(t, p, e);
	if (rc != 0) {
		block_trace_close(t);
		return rc;
	}
	*out = t;
	return 0;
}
