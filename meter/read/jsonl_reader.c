#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/scan.h"
#include "meter/read/columns.h"
#include "meter/read/record_reader.h"

enum { SHAPE_KEYS_MAX = 64, KEY_SLOTS = 256, RELEARN_AFTER = 50 };

/* One key of the record shape that the last lines had: its bytes from the quote to what stands
 * before the value. */
struct learned_key {
	const char *lead; /* e.g. `"input":` or `"input": ` */
	size_t lead_n;
	struct text key; /* without quotes */
	enum record_field field;
};

struct known_key {
	const char *name;
	size_t n;
	enum record_field field;
};

struct jsonl_reader {
	struct jsonl_layout layout;
	struct known_key slot[KEY_SLOTS]; /* open addressing */
	struct learned_key learned[SHAPE_KEYS_MAX];
	size_t learned_count;
	int misses;	    /* lines in a row that had another shape */
	bool meant;	    /* a line that was not read has a key that may mean a field */
	struct arena arena; /* the bytes of the learned keys */
	struct scan_date date;
	struct record_batch batch, single;
	int64_t prompt, total; /* of the row at work */
	struct buf why;	       /* the last record has no price */
	bool told;	       /* which keys may count */
	uint64_t needed;       /* counts that every record of the shape has */
	bool has_asides;
	struct buf aside[ASIDES]; /* of the last record that was read strictly */
};

static uint32_t key_slot(const char *p, size_t n)
{
	return (uint32_t)(n * 31 + (unsigned char)p[0] * 7 + (unsigned char)p[n - 1] * 3 +
			  (unsigned char)p[n / 2]) %
	       KEY_SLOTS;
}

static void add_key(struct jsonl_reader *r, const char *name)
{
	size_t n = strlen(name);
	enum record_field f = shape_field(r->layout.shape, r->layout.map, r->layout.map_count,
					  (struct text){ name, n });
	if (f == FIELD_NONE || n == 0)
		return;
	uint32_t i = key_slot(name, n);
	for (; r->slot[i].name; i = (i + 1) % KEY_SLOTS)
		if (r->slot[i].n == n && memcmp(r->slot[i].name, name, n) == 0)
			return;
	r->slot[i] = (struct known_key){ name, n, f };
}

static enum record_field field_of(const struct jsonl_reader *r, const char *p, size_t n)
{
	if (n == 0)
		return FIELD_NONE;
	for (uint32_t i = key_slot(p, n); r->slot[i].name; i = (i + 1) % KEY_SLOTS)
		if (r->slot[i].n == n && memcmp(r->slot[i].name, p, n) == 0)
			return r->slot[i].field;
	return column_field(r->layout.shape, r->layout.map, r->layout.map_count,
			    (struct text){ p, n });
}

/* The field of a key, given what the keys of its object name: a key of one's own whose name is not
 * quite a field's gives the field that is meant, where no other key does. */
static enum record_field field_meant(const struct jsonl_reader *r, const char *p, size_t n,
				     uint64_t named)
{
	const enum record_field f = field_of(r, p, n);
	if (f < FIELD_END || f >= FIELD_ASIDE || r->layout.shape->column)
		return f;
	const enum record_field meant = column_field_meant((struct text){ p, n });
	bool taken = meant >= FIELD_END || named >> meant & 1;
	for (size_t i = 0; !taken && i < r->layout.map_count; i++)
		taken = r->layout.map[i].field == meant;
	return taken ? f : meant;
}

static uint64_t bit_of(enum record_field f)
{
	return f < FIELD_END ? (uint64_t)1 << f : 0;
}

struct jsonl_reader *jsonl_reader_open(const struct jsonl_layout *layout)
{
	struct jsonl_reader *r = mem_zalloc(sizeof *r);
	r->layout = *layout;
	r->batch.roomy = true; /* its texts lie in the block */
	for (size_t i = 0; i < layout->map_count; i++)
		add_key(r, layout->map[i].column);
	if (layout->shape->column) {
		for (const struct shape_column *c = layout->shape->column; c->column; c++)
			add_key(r, c->column);
	} else {
		for (int f = 0; f < FIELD_END; f++)
			add_key(r, record_field_name((enum record_field)f));
		add_key(r, "cache_write");
	}
	for (const char *const *need = layout->shape->needs; *need; need++) {
		const enum record_field f =
			shape_field(layout->shape, layout->map, layout->map_count, text_of(*need));
		if (f >= FIELD_COUNTS && f < FIELD_REQUESTS)
			r->needed |= (uint64_t)1 << f;
	}
	r->has_asides = r->batch.has_asides = layout->shape->blocks;
	return r;
}

void jsonl_reader_close(struct jsonl_reader *r)
{
	if (!r)
		return;
	arena_release(&r->arena);
	buf_release(&r->why);
	for (int k = 0; k < ASIDES; k++)
		buf_release(&r->aside[k]);
	free(r);
}

static const uint64_t any_count = ((uint64_t)1 << FIELD_REQUESTS) - ((uint64_t)1 << FIELD_COUNTS) +
				  ((uint64_t)1 << FIELD_PROMPT);

static void doubt(const struct jsonl_reader *r, json_value *v)
{
	if (r->layout.doubt && !r->told)
		r->layout.doubt(r->layout.doubt_user, text_of(json_key(v)));
}

static int check_needed(const struct jsonl_reader *r, json_value *root, uint64_t seen,
			struct err *e)
{
	const struct shape *s = r->layout.shape;
	if (!(seen & any_count) && json_kind(json_member(root, "usage")) == JSON_OBJECT)
		return err_set(
			e, ERR_INVALID,
			"the record's counts stand in its 'usage', those of the file's first "
			"line beside it: lines of each kind need a file of their own");
	if (!(seen & any_count))
		return err_set(e, ERR_INVALID,
			       "the record has no token counts (input, output, ...)");
	for (const char *const *need = s->needs; *need && r->needed & ~seen; need++) {
		const enum record_field f =
			shape_field(s, r->layout.map, r->layout.map_count, text_of(*need));
		if (f < FIELD_END && (r->needed & ~seen) >> f & 1)
			return err_set(e, ERR_INVALID, "field '%s' is missing", *need);
	}
	return 0;
}

/* What may be billed and is no field: whether it leaves the record without a price. */
static bool judge(struct jsonl_reader *r, json_value *v, enum record_field f)
{
	if (!column_judge(&r->why, r->layout.shape, v, f))
		return false;
	if (r->layout.unpriced && r->layout.doubt)
		r->layout.doubt(r->layout.doubt_user, text_of(json_key(v)));
	return !r->layout.unpriced;
}

/* Keeps a value as it is written. */
static int keep_aside(struct jsonl_reader *r, enum record_field f, json_value *v, struct err *e)
{
	struct buf *b = &r->aside[f - FIELD_ASIDE];
	if (b->n)
		return err_set(e, ERR_INVALID, "field '%s' is given twice", json_key(v));
	json_put_value(b, v);
	return 0;
}

/* Fills a cleared record from an object; the strict path. */
static int fill_strictly(struct jsonl_reader *r, json_value *root, struct record *rec, bool *unread,
			 struct err *e)
{
	if (json_kind(root) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "a record must be an object, this is %s",
			       json_kind_name(root));
	uint64_t seen = 0, named = 0;
	json_value *obscure = NULL;
	struct named_value time = { 0 };
	int rc = 0;
	for (int k = 0; k < ASIDES; k++)
		r->aside[k].n = 0;
	for (json_value *v = json_first(root); v; v = json_next(v))
		named |= bit_of(field_of(r, json_key(v), strlen(json_key(v))));
	for (json_value *v = json_first(root); v; v = json_next(v)) {
		enum record_field f = field_meant(r, json_key(v), strlen(json_key(v)), named);
		enum json_kind k = json_kind(v);
		enum value_kind kind = k == JSON_STRING	  ? VALUE_TEXT
				       : k == JSON_NUMBER ? VALUE_NUMBER
				       : k == JSON_NULL	  ? VALUE_NULL
							  : VALUE_OTHER;
		if (f >= FIELD_ASIDE) {
			if ((rc = keep_aside(r, f, v, e)) != 0)
				return rc;
			continue;
		}
		if (f >= FIELD_END) {
			if (column_is_units(r->layout.shape, v)) {
				if ((rc = column_take_units(rec, v, e)) != 0)
					return rc;
				seen |= rec->present;
				continue;
			}
			*unread = *unread || judge(r, v, f);
			if (f == FIELD_OBSCURE && json_may_be_count(v)) {
				obscure = v;
				doubt(r, v);
			}
			continue;
		}
		const struct text value = kind == VALUE_NUMBER ? json_number(v) : json_string(v);
		const struct named_value said = { text_of(json_key(v)), value, kind };
		const bool meant = field_of(r, json_key(v), strlen(json_key(v))) != f;
		if (f == FIELD_TIME && meant && time.name.n) {
			rc = column_time_again(rec, &time, &said, r->layout.shape->time, e);
			if (rc != 0)
				return rc;
			continue;
		}
		if (f == FIELD_TIME)
			time = said;
		if (seen >> f & 1)
			return err_set(e, ERR_INVALID, "field '%s' is given twice (by '%s' too)",
				       record_field_name(f), json_key(v));
		seen |= (uint64_t)1 << f;
		rc = record_set(rec, f, value, kind, r->layout.shape->time, e);
		if (rc != 0)
			return rc;
	}
	if ((rc = check_needed(r, root, seen, e)) != 0)
		return rc;
	r->told |= obscure != NULL;
	for (json_value *v = json_first(root); v && !obscure && fields_lack_counts(seen);
	     v = json_next(v))
		obscure = column_find_lost(v, seen);
	if (obscure && !*unread && fields_lack_counts(seen)) {
		column_tell(&r->why, text_of(json_key(obscure)));
		*unread = true;
	}
	return record_finish(rec, e);
}

static bool is_learned(const struct jsonl_reader *r, struct text key)
{
	for (size_t i = 0; i < r->learned_count; i++)
		if (text_eq(r->learned[i].key, key))
			return true;
	return false;
}

/* Remembers the order and spelling of the keys of a line; nothing of one in which a key occurs
 * twice, for what is learned is not looked at again. */
static void learn(struct jsonl_reader *r, const char *p, const char *end)
{
	uint64_t named = 0;
	arena_reset(&r->arena);
	r->learned_count = 0;
	for (p = json_skip_space(p, end) + 1;;) {
		p = json_skip_space(p, end);
		const char *key = p, *after = json_scan_string(p, end);
		if (!after || memchr(key, '\\', (size_t)(after - key)) ||
		    r->learned_count == SHAPE_KEYS_MAX)
			break;
		p = json_skip_space(after, end);
		if (p >= end || *p != ':')
			break;
		p = json_skip_space(p + 1, end);
		size_t n = (size_t)(p - key);
		if (is_learned(r, (struct text){ key + 1, (size_t)(after - key) - 2 })) {
			p = NULL;
			break;
		}
		struct learned_key *l = &r->learned[r->learned_count++];
		l->lead = memcpy(arena_alloc(&r->arena, n + 32), key, n);
		l->lead_n = n;
		l->key = (struct text){ l->lead + 1, (size_t)(after - key) - 2 };
		l->field = field_of(r, l->key.p, l->key.n);
		named |= bit_of(l->field);
		p = json_scan_flat(p, end);
		if (!p)
			break;
		p = json_skip_space(p, end);
		if (p >= end || *p != ',')
			break;
		p++;
	}
	if (!p || p >= end || *p != '}')
		r->learned_count = 0;
	for (size_t i = 0; i < r->learned_count; i++) {
		struct learned_key *l = &r->learned[i];
		l->field = field_meant(r, l->key.p, l->key.n, named);
	}
}

static void read_strictly(struct jsonl_reader *r, const char *p, size_t n,
			  const struct record_sink *sink)
{
	struct err e = { 0 };
	struct json_document *doc = NULL;
	struct record rec;
	bool unread = false;
	record_clear(&rec);
	rec.at = p;
	int rc = n > CSV_RECORD_MAX ? err_set(&e, ERR_INVALID, "the line is longer than %d bytes",
					      CSV_RECORD_MAX)
				    : json_open(&doc, (struct text){ p, n }, &e);
	if (rc == 0)
		rc = fill_strictly(r, json_root(doc), &rec, &unread, &e);
	if (rc == 0) {
		record_batch_single(&r->single, &rec);
		r->single.unread = unread ? r->why.p : NULL;
		r->single.has_asides = r->has_asides;
		for (int k = 0; k < ASIDES; k++)
			r->single.aside[k][0] = (struct text){ r->aside[k].p, r->aside[k].n };
		sink->accept(sink->user, &r->single);
	} else {
		sink->refuse(sink->user, p, n, &e);
	}
	json_close(doc);
}

/* The closing quote of a string that begins after p and holds only plain ASCII, or NULL. 8 bytes
 * behind end are readable. */
ALWAYS_INLINE const char *plain_string_end(const char *p, const char *end)
{
	for (; p < end; p += 8) {
		uint64_t v = load64(p);
		/*
		 * A high bit for each byte that is a quote, a backslash, below 0x20 or above 0x7F.
		 * Borrows can only add bits above a true one, so the lowest bit is right.
		 */
		uint64_t q = v ^ 0x2222222222222222u, s = v ^ 0x5C5C5C5C5C5C5C5Cu;
		uint64_t hit = ((q - 0x0101010101010101u) & ~q) | ((s - 0x0101010101010101u) & ~s) |
			       v | ((v - 0x2020202020202020u) & ~v);
		hit &= 0x8080808080808080u;
		if (!hit)
			continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		p += __builtin_ctzll(hit) >> 3;
#else
		while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 &&
		       (unsigned char)*p < 0x80)
			p++;
#endif
		return p < end && *p == '"' ? p : NULL;
	}
	return NULL;
}

/*
 * The whole number at p, without sign, fraction, exponent or leading zeros; returns what follows
 * it. NULL: take the strict path. 8 bytes behind end are readable.
 */
ALWAYS_INLINE const char *plain_count(const char *p, const char *end, int64_t *out)
{
	size_t n = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* the first byte that is no digit, without a branch a digit; carries reach only bytes
	 * behind it */
	uint64_t v = load64(p), t = v ^ 0x3030303030303030u, low;
	uint64_t other = ((t + 0x7676767676767676u) | t) & 0x8080808080808080u;
	if (other) {
		n = (size_t)__builtin_ctzll(other) >> 3;
		if (n == 0 ||
		    !eight_digits(v << (64 - n * 8) | 0x3030303030303030u >> (n * 8), &low))
			return NULL;
		*out = (int64_t)low;
	} else
#endif
	{
		while (p + n < end && is_digit(p[n]))
			n++;
		if (n == 0 || !scan_count(p, n, out))
			return NULL;
	}
	if ((*p == '0' && n > 1) || p + n >= end || p[n] == '.' || p[n] == 'e' || p[n] == 'E')
		return NULL;
	return p + n;
}

/* Whether p begins with the n bytes of lead (n >= 1). 32 bytes behind both are readable. */
ALWAYS_INLINE bool begins_with(const char *p, const char *lead, size_t n)
{
	if (n >= 8) {
		uint64_t differ =
			(load64(p) ^ load64(lead)) | (load64(p + n - 8) ^ load64(lead + n - 8));
		if (n <= 16)
			return differ == 0;
		return differ == 0 && memcmp(p, lead, n) == 0;
	}
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (load64(p) ^ load64(lead)) << (64 - n * 8) == 0;
#else
	return memcmp(p, lead, n) == 0;
#endif
}

/* The plain spellings; any other goes to the strict path. */
static bool says_nothing(const char *p, const char *end)
{
	const size_t n = (size_t)(end - p);
	return (n == 1 && *p == '0') || (n == 4 && memcmp(p, "null", 4) == 0);
}

/* A word in a key that nobody reads, from its opening quote on. */
static __attribute__((noinline)) bool is_price_word(enum record_field f, const char *p,
						    const char *after)
{
	return field_is_unread(f) && value_may_be_price_word(p[1]) &&
	       value_is_price_word((struct text){ p + 1, (size_t)(after - p) - 2 });
}

/* The value at p into field f of the batch's next row. Returns what follows it, or NULL for the
 * strict path. */
ALWAYS_INLINE const char *read_value(struct jsonl_reader *r, enum record_field f, const char *p,
				     const char *end, uint64_t *given)
{
	struct record_batch *b = &r->batch;
	const size_t row = b->n;
	if (f >= FIELD_COUNTS) {
		if (f >= FIELD_END) {
			const char *after = *p == '{' ? NULL : json_scan_flat(p, end);
			if (f >= FIELD_ASIDE) {
				b->aside[f - FIELD_ASIDE][row] =
					(struct text){ p, after ? (size_t)(after - p) : 0 };
				return after;
			}
			if (f == FIELD_OBSCURE && after && ((*p >= '1' && *p <= '9') || *p == '"'))
				*given |= (uint64_t)1 << FIELD_OBSCURE;
			if (*p == '"' && f != FIELD_NONE && after && is_price_word(f, p, after))
				return NULL;
			return f == FIELD_UNKNOWN && after && !says_nothing(p, after) ? NULL
										      : after;
		}
		int64_t v;
		const char *q = plain_count(p, end, &v);
		if (!q)
			return NULL;
		if (f < FIELD_REQUESTS)
			b->counts[f - FIELD_COUNTS][row] = v;
		else
			*(f == FIELD_REQUESTS ? &b->requests[row]
			  : f == FIELD_PROMPT ? &r->prompt
					      : &r->total) = v;
		*given |= (uint64_t)1 << f;
		return q;
	}
	struct text v;
	const char *after;
	if (f < FIELD_TEXTS && *p == 'n')
		return end - p >= 4 && memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
	if (*p == '"') {
		const char *stop = plain_string_end(p + 1, end);
		if (!stop)
			return NULL;
		v = (struct text){ p + 1, (size_t)(stop - p - 1) };
		after = stop + 1;
	} else {
		after = json_scan_number(p, end);
		if (!after)
			return NULL;
		v = (struct text){ p, (size_t)(after - p) };
	}
	*given |= (uint64_t)1 << f;
	if (f < FIELD_TEXTS) {
		b->text[f][row] = v;
		return v.n > RECORD_TEXT_MAX ? NULL : after;
	}
	int64_t *slot = f == FIELD_TIME ? &b->time_us[row] : &b->completed_us[row];
	if (r->layout.shape->time == TIME_INSTANT && *p == '"' &&
	    scan_instant(v.p, v.n, &r->date, slot))
		return after;
	struct record rec;
	rec.present = 0;
	if (record_set(&rec, f, v, *p == '"' ? VALUE_TEXT : VALUE_NUMBER, r->layout.shape->time,
		       NULL) != 0 ||
	    !(rec.present >> f & 1))
		return NULL;
	*slot = f == FIELD_TIME ? rec.time_us : rec.completed_us;
	return after;
}

/* Gives rows [from, to) of the columns in `fields` their defaults. */
static void set_defaults(struct record_batch *b, uint64_t fields, size_t from, size_t to)
{
	for (; fields; fields &= fields - 1) {
		int f = __builtin_ctzll(fields);
		for (size_t i = from; i < to; i++) {
			if (f < FIELD_TEXTS)
				b->text[f][i] = (struct text){ 0 };
			else if (f == FIELD_TIME)
				b->time_us[i] = TIME_ABSENT;
			else if (f == FIELD_COMPLETED)
				b->completed_us[i] = TIME_ABSENT;
			else if (f < FIELD_REQUESTS)
				b->counts[f - FIELD_COUNTS][i] = 0;
			else
				b->requests[i] = 1;
		}
	}
}

/* What record_finish checks, for the row that was just read. */
static inline bool finish_row(struct jsonl_reader *r, uint64_t *given)
{
	struct record_batch *b = &r->batch;
	const size_t row = b->n;
	const uint64_t wholes = (uint64_t)1 << FIELD_PROMPT | (uint64_t)1 << FIELD_TOTAL;
	const uint64_t reasoning = (uint64_t)1 << (FIELD_COUNTS + BUCKET_REASONING),
		       output = (uint64_t)1 << (FIELD_COUNTS + BUCKET_OUTPUT);
	uint64_t set = *given & ~wholes;
	if (b->columns & ~set)
		set_defaults(b, b->columns & ~set, row, row + 1);
	if (set & ~b->columns) {
		set_defaults(b, set & ~b->columns, 0, row);
		b->columns |= set;
	}
	if (*given & reasoning && (!(*given & output) || b->tokens[BUCKET_REASONING][row] >
								 b->tokens[BUCKET_OUTPUT][row]))
		return false;
	if (*given >> FIELD_REQUESTS & 1 && b->requests[row] < 1)
		return false;
	if (*given & (wholes | FIELDS_OF_PARTS)) {
		const uint64_t input = (uint64_t)1 << (FIELD_COUNTS + BUCKET_INPUT);
		struct record rec;
		record_from_batch(&rec, b, row);
		rec.present = *given;
		rec.prompt = r->prompt;
		rec.total = r->total;
		if (record_finish(&rec, NULL) != 0)
			return false;
		if (*given >> FIELD_PROMPT & 1) {
			if (!(b->columns & input)) {
				set_defaults(b, input, 0, row);
				b->columns |= input;
			}
			b->tokens[BUCKET_INPUT][row] = rec.tokens[BUCKET_INPUT];
		}
	}
	return true;
}

/* From the end of a value to the next member, or, *closed, behind the object. NULL: take the strict
 * path. */
static inline const char *behind_value(const char *p, const char *end, bool *closed)
{
	if (*p == ',') {
		p++;
		return p < end && *p == ' ' ? p + 1 : p;
	}
	p = json_skip_space(p, end);
	if (p >= end || (*p != '}' && *p != ','))
		return NULL;
	*closed = *p == '}';
	return p + 1;
}

/* A key that may count, in a record that lacks something, or for the first time: for the strict
 * path to name. */
static inline bool is_in_doubt(const struct jsonl_reader *r, uint64_t seen, uint64_t *given)
{
	const uint64_t obscure = (uint64_t)1 << FIELD_OBSCURE;
	const bool may_count = *given & obscure;
	*given &= ~obscure;
	return may_count && (fields_lack_counts(seen) || (r->layout.doubt && !r->told));
}

/* Keys of an object that are no fields. */
struct other_keys {
	struct text key[SHAPE_KEYS_MAX];
	size_t count;
};

/* A key that was not learnt, its field and what follows its colon; NULL for the strict path. */
static const char *read_key(struct jsonl_reader *r, const char *p, const char *end,
			    struct other_keys *others, enum record_field *f)
{
	p = json_skip_space(p, end);
	if (p >= end || *p != '"')
		return NULL;
	const char *stop = plain_string_end(p + 1, end);
	if (!stop)
		return NULL;
	const struct text key = { p + 1, (size_t)(stop - p - 1) };
	*f = field_of(r, key.p, key.n);
	if (*f >= FIELD_END) {
		r->meant = !r->layout.shape->column && *f < FIELD_ASIDE &&
			   column_field_meant(key) < FIELD_END;
		for (size_t k = 0; k < others->count && !r->meant; k++)
			if (text_eq(others->key[k], key))
				return NULL;
		if (r->meant)
			return NULL;
		others->key[others->count++] = key;
	}
	p = json_skip_space(stop + 1, end);
	return p < end && *p == ':' ? json_skip_space(p + 1, end) : NULL;
}

/* One line of a flat object. False: take the strict path. */
static inline bool read_fast(struct jsonl_reader *r, const char *p, const char *end)
{
	uint64_t seen = 0, given = 0;
	struct other_keys others;
	size_t i = 0;
	others.count = 0;
	bool as_learned = true, closed = false;
	const char *line = p;
	r->batch.at[r->batch.n] = p;
	for (int k = 0; k < ASIDES && r->has_asides; k++)
		r->batch.aside[k][r->batch.n] = (struct text){ 0 };
	if (*p != '{')
		return false;
	p++;
	for (;; i++) {
		const struct learned_key *l = &r->learned[i];
		enum record_field f;
		if (as_learned && i < r->learned_count && (size_t)(end - p) > l->lead_n &&
		    begins_with(p, l->lead, l->lead_n)) {
			f = l->field;
			p += l->lead_n;
		} else {
			/* the keys of the learned shape differ from each other; from here on that
			 * must be checked */
			for (size_t k = 0; as_learned && k < i; k++)
				if (r->learned[k].field >= FIELD_END)
					others.key[others.count++] = r->learned[k].key;
			as_learned = false;
			p = i < SHAPE_KEYS_MAX ? read_key(r, p, end, &others, &f) : NULL;
			if (!p)
				return false;
		}
		if (p >= end || (f < FIELD_END && seen >> f & 1))
			return false;
		if (f < FIELD_END)
			seen |= (uint64_t)1 << f;
		p = read_value(r, f, p, end, &given);
		if (!p || p >= end)
			return false;
		p = behind_value(p, end, &closed);
		if (!p)
			return false;
		if (closed)
			break;
	}
	if (is_in_doubt(r, seen, &given))
		return false;
	p = json_skip_space(p, end);
	if (p != end || !(seen & any_count) || r->needed & ~seen || !finish_row(r, &given))
		return false;
	if (as_learned && i + 1 == r->learned_count) {
		r->misses = 0;
	} else if (r->misses++ == 0 || r->misses > RELEARN_AFTER) {
		learn(r, line, end);
		r->misses = 1;
	}
	return true;
}

/* The same of a line of a shape that has not been learnt, and whose keys only together tell what
 * they mean. */
static bool read_line(struct jsonl_reader *r, const char *p, const char *end)
{
	r->meant = false;
	if (read_fast(r, p, end))
		return true;
	if (!r->meant)
		return false;
	learn(r, p, end);
	return r->learned_count && read_fast(r, p, end);
}

static void flush(struct jsonl_reader *r, const struct record_sink *sink)
{
	if (r->batch.n)
		sink->accept(sink->user, &r->batch);
	r->batch.n = 0;
	r->batch.columns = 0;
}

void jsonl_reader_run(struct jsonl_reader *r, const struct record_block *b,
		      const struct record_sink *sink)
{
	const char *p = b->p, *end = b->p + b->n;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		const char *first = json_skip_space(p, p + n);
		if (first == p + n) {
			; /* a blank line is no record */
		} else if (!r->layout.strict_only && n <= CSV_RECORD_MAX &&
			   read_line(r, first, p + n)) {
			if (++r->batch.n == BATCH_ROWS)
				flush(r, sink);
		} else {
			flush(r, sink);
			struct text rest = { first, (size_t)(p + n - first) }, piece;
			while (text_between_zeros(&rest, &piece))
				read_strictly(r, piece.p, piece.n, sink);
		}
		p += n + 1;
	}
	flush(r, sink);
}
