#include "meter/store/day_cells.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "meter/store/archived.h"
#include "meter/store/piles.h"
#include "meter/store/rollup.h"
#include "meter/store/sums_sql.h"

#define QUARTER_US (900 * US_PER_SECOND)
/* A local day on which the clock is put back, or a zone changes its side of the date line. */
#define SPAN_MOST_US (2 * US_PER_DAY)

/* Of whom the cells are. */
enum holder { OF_SERIES, OF_SUBJECTS };

/* Cells of one span of time: series (or subject) and price as steps from the cell before, which
 * sums are not 0, and those.
 */
struct day_block {
	int64_t from_us, to_us; /* of series: a UTC day, or a part of one */
	enum holder of;
	int references; /* under the lock */
	size_t cells, bytes;
	uint8_t *packed;
};

struct day_cells {
	pthread_mutex_t lock;
	int64_t bytes, bytes_most;
	int64_t rolled_to, made;  /* the rollups that the blocks are of */
	struct day_block **block; /* by time */
	size_t count, room;
};

struct day_cells *day_cells_open(int64_t bytes_most)
{
	struct day_cells *d = mem_zalloc(sizeof *d);
	d->bytes_most = bytes_most;
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

static void give_back(struct day_block *b)
{
	if (--b->references == 0) {
		free(b->packed);
		free(b);
	}
}

void day_cells_close(struct day_cells *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++)
		give_back(d->block[i]);
	free(d->block);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* --- packing --- */

enum { NUMBER_MOST = 10, CELL_MOST = 1 + NUMBER_MOST * (2 + DAY_SUMS) };

/* Seven bits a byte, the sign in the lowest one. */
static uint8_t *put_number(uint8_t *p, int64_t v)
{
	uint64_t n = ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
	for (; n > 0x7F; n >>= 7)
		*p++ = (uint8_t)(n | 0x80);
	*p++ = (uint8_t)n;
	return p;
}

static const uint8_t *read_number(const uint8_t *p, int64_t *v)
{
	uint64_t n = *p & 0x7F;
	for (int shift = 7; *p++ & 0x80; shift += 7)
		n |= (uint64_t)(*p & 0x7F) << shift;
	*v = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
	return p;
}

/* A block in the making. */
struct packing {
	struct day_block *block;
	size_t room;
	int64_t series, price; /* of the last cell */
};

static void pack(struct packing *x, const struct day_cell *c)
{
	struct day_block *b = x->block;
	if (x->room - b->bytes < CELL_MOST) {
		x->room = x->room * 2 + CELL_MOST * 16;
		b->packed = mem_grow(b->packed, x->room);
	}
	uint8_t *p = b->packed + b->bytes, *which;
	p = put_number(p, (int64_t)((uint64_t)c->series - (uint64_t)x->series));
	p = put_number(p, (int64_t)((uint64_t)c->price - (uint64_t)x->price));
	which = p++;
	*which = 0;
	for (int i = 0; i < DAY_SUMS; i++)
		if (c->sum[i]) {
			*which |= (uint8_t)(1u << i);
			p = put_number(p, c->sum[i]);
		}
	x->series = c->series;
	x->price = c->price;
	b->bytes = (size_t)(p - b->packed);
	b->cells++;
}
_Static_assert(DAY_SUMS <= 8, "a byte says which sums are there");

static int each_packed(const struct day_block *b, int (*take)(void *user, const struct day_cell *c),
		       void *user)
{
	const uint8_t *p = b->packed;
	struct day_cell c = { .day = floor_div(b->from_us, US_PER_DAY) };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < b->cells; i++) {
		int64_t series, price;
		p = read_number(read_number(p, &series), &price);
		c.series = (int64_t)((uint64_t)c.series + (uint64_t)series);
		c.price = (int64_t)((uint64_t)c.price + (uint64_t)price);
		const unsigned which = *p++;
		for (int k = 0; k < DAY_SUMS; k++)
			if (which >> k & 1)
				p = read_number(p, &c.sum[k]);
			else
				c.sum[k] = 0;
		rc = take(user, &c);
	}
	return rc;
}

/* --- what is remembered --- */

struct span {
	int64_t from_us, to_us;
	enum holder of;
};

static struct span span_of(const struct day_block *b)
{
	return (struct span){ b->from_us, b->to_us, b->of };
}

/* Below, at or above 0. */
static int compare(struct span a, struct span b)
{
	return a.from_us != b.from_us ? (a.from_us < b.from_us ? -1 : 1)
	       : a.to_us != b.to_us   ? (a.to_us < b.to_us ? -1 : 1)
				      : (int)a.of - (int)b.of;
}

/* Where the block of that span is, or would be. */
static size_t place_of(const struct day_cells *d, struct span x)
{
	size_t low = 0, high = d->count;
	while (low < high) {
		const size_t middle = (low + high) / 2;
		if (compare(span_of(d->block[middle]), x) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_kept(const struct day_cells *d, size_t place, struct span x)
{
	return place < d->count && compare(span_of(d->block[place]), x) == 0;
}

/* In memory, with its place; an empty one takes some, too. */
static int64_t weight_of(const struct day_block *b)
{
	return (int64_t)(b->bytes + sizeof *b + sizeof b);
}

static void forget(struct day_cells *d, size_t place)
{
	d->bytes -= weight_of(d->block[place]);
	give_back(d->block[place]);
	d->count--;
	memmove(d->block + place, d->block + place + 1, (d->count - place) * sizeof *d->block);
}

static void forget_all(struct day_cells *d)
{
	while (d->count)
		forget(d, d->count - 1);
}

void day_cells_forget(struct day_cells *d)
{
	pthread_mutex_lock(&d->lock);
	forget_all(d);
	d->rolled_to = d->made = 0;
	pthread_mutex_unlock(&d->lock);
}

static const struct sql sql_days_since = {
	.text = "SELECT DISTINCT (time-((time%86400000000+86400000000)%86400000000))/86400000000 "
		"FROM usage WHERE seq>:from AND seq<=:to",
};

/* What is of a day, or of a part of it, or of a local day that reaches into it. */
static void forget_day(struct day_cells *d, int64_t from_us)
{
	size_t i = place_of(d, (struct span){ .from_us = from_us - SPAN_MOST_US });
	while (i < d->count && d->block[i]->from_us < from_us + US_PER_DAY)
		if (d->block[i]->to_us > from_us)
			forget(d, i);
		else
			i++;
}

/* The days of the rows that the rollups took in since then. */
static int forget_changed(struct day_cells *d, struct store *s, int64_t rolled_to, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_days_since, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", d->rolled_to);
	db_bind_int(q, ":to", rolled_to);
	while ((rc = db_step(store_db(s), q, e)) == 1)
		forget_day(d, db_int(q, 0) * US_PER_DAY);
	db_reset(q);
	return rc;
}

/* A look at the rollups as they are in this transaction. */
struct look {
	struct store *s;
	struct day_cells *d; /* NULL: it is of other rollups */
	int64_t rolled_to, made;
};

/* Under the lock. */
static int agree(struct look *l, struct day_cells *d, struct err *e)
{
	enum { ROWS_READ_MOST = 1000000 };
	int rc = 0;
	if (l->made < d->made || (l->made == d->made && l->rolled_to < d->rolled_to))
		return 0; /* others have seen later ones */
	if (l->made != d->made || l->rolled_to - d->rolled_to > ROWS_READ_MOST)
		forget_all(d);
	else if (l->rolled_to != d->rolled_to && d->count)
		rc = forget_changed(d, l->s, l->rolled_to, e);
	if (rc != 0)
		return rc;
	d->rolled_to = l->rolled_to;
	d->made = l->made;
	l->d = d;
	return 0;
}

static int look_open(struct look *l, struct store *s, struct err *e)
{
	struct day_cells *d = store_shared_days(s);
	*l = (struct look){ .s = s };
	int rc = d ? rollup_rolled_to(s, &l->rolled_to, e) : 0;
	if (rc == 0 && d)
		rc = rollup_made(s, &l->made, e);
	if (rc != 0 || !d)
		return rc;
	pthread_mutex_lock(&d->lock);
	rc = agree(l, d, e);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

static bool is_current(const struct look *l)
{
	return l->d->rolled_to == l->rolled_to && l->d->made == l->made;
}

/* The block of a span, to be given back; NULL: it is not remembered. */
static struct day_block *look_for(const struct look *l, struct span x)
{
	struct day_block *b = NULL;
	if (!l->d)
		return NULL;
	pthread_mutex_lock(&l->d->lock);
	const size_t place = place_of(l->d, x);
	if (is_current(l) && is_kept(l->d, place, x)) {
		b = l->d->block[place];
		b->references++;
	}
	pthread_mutex_unlock(&l->d->lock);
	return b;
}

static void look_done(const struct look *l, struct day_block *b)
{
	pthread_mutex_lock(&l->d->lock);
	give_back(b);
	pthread_mutex_unlock(&l->d->lock);
}

/* Takes the block. Where there is no room, the oldest days make some. */
static void keep(const struct look *l, struct day_block *b)
{
	struct day_cells *d = l->d;
	const struct span x = span_of(b);
	b->packed = mem_grow(b->packed, b->bytes ? b->bytes : 1);
	b->references = 1;
	pthread_mutex_lock(&d->lock);
	while (d->count && d->bytes + weight_of(b) > d->bytes_most &&
	       compare(span_of(d->block[0]), x) < 0)
		forget(d, 0);
	const size_t place = place_of(d, x);
	if (!is_current(l) || is_kept(d, place, x) || d->bytes + weight_of(b) > d->bytes_most) {
		give_back(b);
	} else {
		if (d->count == d->room) {
			d->room = d->room ? d->room * 2 : 64;
			d->block = mem_grow(d->block, d->room * sizeof *d->block);
		}
		memmove(d->block + place + 1, d->block + place,
			(d->count - place) * sizeof *d->block);
		d->block[place] = b;
		d->count++;
		d->bytes += weight_of(b);
	}
	pthread_mutex_unlock(&d->lock);
}

/* --- reading --- */

static const struct sql sql_cells_day = {
	.text = "SELECT day,series,price," SUM_COLUMNS
		" FROM rollup_day WHERE day>=:from AND day<:to ORDER BY day,series,price",
};

static struct day_block *block_of(struct span x)
{
	struct day_block *b = mem_zalloc(sizeof *b);
	b->from_us = x.from_us;
	b->to_us = x.to_us;
	b->of = x.of;
	return b;
}

static struct span day_of_series(int64_t day)
{
	return (struct span){ day * US_PER_DAY, (day + 1) * US_PER_DAY, OF_SERIES };
}

/* Days of the table. next: the first of them that has no block yet. */
struct reading {
	const struct look *look;
	struct packing packing;
	int64_t next;
};

/* Blocks of the days before this one are whole; those without cells are remembered as such. */
static void finish_before(struct reading *x, int64_t day)
{
	for (; x->look->d && x->next < day; x->next++) {
		struct day_block *b = x->packing.block;
		if (!b)
			b = block_of(day_of_series(x->next));
		x->packing = (struct packing){ 0 };
		keep(x->look, b);
	}
}

static void remember(struct reading *x, const struct day_cell *c)
{
	if (!x->look->d)
		return;
	finish_before(x, c->day);
	if (!x->packing.block)
		x->packing.block = block_of(day_of_series(c->day));
	pack(&x->packing, c);
}

/* The days [from, to) from the table; those of which all was read are remembered. */
static int read_table(const struct look *l, int64_t from, int64_t to,
		      int (*take)(void *user, const struct day_cell *c), void *user, struct err *e)
{
	struct reading x = { .look = l, .next = from };
	struct db *db = store_db(l->s);
	struct query *q;
	int rc = db_statement(db, &sql_cells_day, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	while ((rc = db_step(db, q, e)) == 1) {
		struct day_cell c = { db_int(q, 0), db_int(q, 1), db_int(q, 2), { 0 } };
		for (int i = 0; i < DAY_SUMS; i++)
			c.sum[i] = db_int(q, 3 + i);
		remember(&x, &c);
		if ((rc = take(user, &c)) != 0)
			break;
	}
	db_reset(q);
	if (rc == 0)
		finish_before(&x, to);
	if (x.packing.block) {
		free(x.packing.block->packed);
		free(x.packing.block);
	}
	return rc;
}

/* The first remembered day behind that one, or `to`. */
static int64_t next_kept(const struct look *l, int64_t day, int64_t to)
{
	const int64_t from_us = (day + 1) * US_PER_DAY;
	if (!l->d)
		return to;
	pthread_mutex_lock(&l->d->lock);
	for (size_t i = place_of(l->d, (struct span){ .from_us = from_us });
	     is_current(l) && i < l->d->count; i++) {
		const struct day_block *b = l->d->block[i];
		if (b->of != OF_SERIES || b->to_us - b->from_us < US_PER_DAY)
			continue;
		day = b->from_us / US_PER_DAY;
		to = day < to ? day : to;
		break;
	}
	pthread_mutex_unlock(&l->d->lock);
	return to;
}

int day_cells_each(struct store *s, int64_t from, int64_t to,
		   int (*take)(void *user, const struct day_cell *c), void *user, struct err *e)
{
	struct look l = { .s = s };
	int64_t first, last;
	int rc = day_cells_span(s, &first, &last, e);
	from = from > first ? from : first;
	to = to < last + 1 ? to : last + 1;
	if (rc == 0 && from < to && to - from <= REMEMBERED_DAYS_MOST)
		rc = look_open(&l, s, e);
	while (rc == 0 && from < to) {
		struct day_block *b = look_for(&l, day_of_series(from));
		const int64_t next = b ? from + 1 : next_kept(&l, from, to);
		rc = b ? each_packed(b, take, user) : read_table(&l, from, next, take, user, e);
		if (b)
			look_done(&l, b);
		from = next;
	}
	return rc;
}

/* Both statements tell who, at which price, and the sums. */
static const struct sql sql_rows_of_part = {
	.text = "SELECT series,price,CASE kind WHEN 1 THEN -1 ELSE 1 END,requests,input,cache_read,"
		"cache_write_5m,cache_write_1h,output,reasoning FROM usage "
		"WHERE seq BETWEEN :from AND :to AND time>=:since AND time<:until",
};

static const struct sql sql_quarters_of_span = {
	.text = "SELECT subject,price," SUM_COLUMNS
		" FROM rollup_quarter WHERE quarter>=:from AND quarter<:to",
};

static int by_who(const void *x, const void *y)
{
	const struct pile *a = x, *b = y;
	return a->who != b->who ? (a->who < b->who ? -1 : 1)
				: (a->price > b->price) - (a->price < b->price);
}

/* Sums of a span on their way to whoever asked. */
struct summing {
	struct piles piles;
	bool fit; /* false: some sums do not, and the rows of these were told by themselves */
	int64_t day;
	int (*take)(void *user, const struct day_cell *c);
	void *user;
};

static int tell(const struct summing *x, const struct pile *p)
{
	struct day_cell c = { x->day, p->who, p->price, { 0 } };
	memcpy(c.sum, p->sum, sizeof c.sum);
	return x->take(x->user, &c);
}

static int ask(struct query **q, struct store *s, const struct day_part *p, enum holder of,
	       struct err *e)
{
	const bool rows = of == OF_SERIES;
	int rc = db_statement(store_db(s), rows ? &sql_rows_of_part : &sql_quarters_of_span, q, e);
	if (rc != 0)
		return rc;
	db_bind_int(*q, ":from", rows ? p->lowest : floor_div(p->from_us, QUARTER_US));
	db_bind_int(*q, ":to", rows ? p->highest : floor_div(p->to_us, QUARTER_US));
	if (rows) {
		db_bind_int(*q, ":since", p->from_us);
		db_bind_int(*q, ":until", p->to_us);
	}
	return 0;
}

static int add_archived(void *user, const struct archived_cell *c)
{
	struct summing *x = user;
	struct pile cell = { 0, c->series, c->price, { c->records, c->requests } };
	memcpy(cell.sum + 2, c->tokens, BUCKET_COMMON * sizeof *c->tokens);
	if (piles_add(&x->piles, &cell))
		return 0;
	x->fit = false;
	return tell(x, &cell);
}

static int sum_up(struct summing *x, struct store *s, const struct day_part *p, enum holder of,
		  struct err *e)
{
	struct query *q;
	int rc = ask(&q, s, p, of, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		struct pile row = { 0, db_int(q, 0), db_int(q, 1), { 0 } };
		for (int i = 0; i < DAY_SUMS; i++)
			row.sum[i] = db_int(q, 2 + i);
		if (piles_add(&x->piles, &row))
			continue;
		x->fit = false;
		if ((rc = tell(x, &row)) != 0)
			break;
	}
	db_reset(q);
	if (rc == 0 && of == OF_SERIES)
		rc = archived_each_cell(store_archived(s), store_db(s),
					&(struct row_span){ 1, INT64_MAX, p->from_us, p->to_us },
					add_archived, x, e);
	if (x->piles.count)
		qsort(x->piles.pile, x->piles.count, sizeof *x->piles.pile, by_who);
	return rc;
}

static struct day_block *block_of_piles(struct span of, const struct summing *x)
{
	struct packing made = { .block = block_of(of) };
	for (size_t i = 0; i < x->piles.count; i++) {
		struct day_cell c = { x->day, x->piles.pile[i].who, x->piles.pile[i].price, { 0 } };
		memcpy(c.sum, x->piles.pile[i].sum, sizeof c.sum);
		pack(&made, &c);
	}
	return made.block;
}

/* What is remembered of the part, or adds up to it and is remembered then. */
static int each_of(struct store *s, const struct day_part *p, enum holder of,
		   int (*take)(void *user, const struct day_cell *c), void *user, struct err *e)
{
	const struct span span = { p->from_us, p->to_us, of };
	struct look l;
	struct summing x = {
		.fit = true, .day = floor_div(p->from_us, US_PER_DAY), .take = take, .user = user
	};
	int rc = look_open(&l, s, e);
	struct day_block *b = rc == 0 ? look_for(&l, span) : NULL;
	if (b) {
		rc = each_packed(b, take, user);
		look_done(&l, b);
		return rc;
	}
	if (rc == 0)
		rc = sum_up(&x, s, p, of, e);
	for (size_t i = 0; rc == 0 && i < x.piles.count; i++)
		rc = tell(&x, &x.piles.pile[i]);
	if (rc == 0 && x.fit && l.d)
		keep(&l, block_of_piles(span, &x));
	piles_release(&x.piles);
	return rc;
}

int day_part_each(struct store *s, const struct day_part *p,
		  int (*take)(void *user, const struct day_cell *c), void *user, struct err *e)
{
	return each_of(s, p, OF_SERIES, take, user, e);
}

int day_subjects_each(struct store *s, int64_t from_us, int64_t to_us,
		      int (*take)(void *user, const struct day_cell *c), void *user, struct err *e)
{
	CHECK(to_us - from_us <= SPAN_MOST_US);
	return each_of(s, &(struct day_part){ .from_us = from_us, .to_us = to_us }, OF_SUBJECTS,
		       take, user, e);
}

static int take_none(void *user, const struct day_cell *c)
{
	(void)user;
	(void)c;
	return 0;
}

int day_cells_warm(struct store *s, int64_t *next, struct err *e)
{
	enum { DAYS_AT_ONCE = 16 };
	struct day_cells *d = store_shared_days(s);
	int64_t first, last, to = *next;
	int rc = day_cells_span(s, &first, &last, e);
	*next = INT64_MIN;
	to = to < last + 1 ? to : last + 1;
	if (rc != 0 || !d || last - first >= REMEMBERED_DAYS_MOST || to <= first)
		return rc;
	rc = day_cells_each(s, to - DAYS_AT_ONCE, to, take_none, NULL, e);
	for (int64_t day = to - DAYS_AT_ONCE; rc == 0 && day < to; day++)
		rc = day_subjects_each(s, day * US_PER_DAY, (day + 1) * US_PER_DAY, take_none, NULL,
				       e);
	pthread_mutex_lock(&d->lock);
	if (d->bytes < d->bytes_most / 16 * 15)
		*next = to - DAYS_AT_ONCE;
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* each by itself: SQLite goes through the whole table for both */
static const struct sql sql_day_span = {
	.text = "SELECT (SELECT min(day) FROM rollup_day),(SELECT max(day) FROM rollup_day)",
};

int day_cells_span(struct store *s, int64_t *first, int64_t *last, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_day_span, &q, e);
	if (rc != 0)
		return rc;
	rc = db_step(store_db(s), q, e);
	bool any = rc == 1 && !db_is_null(q, 0);
	*first = any ? db_int(q, 0) : 1;
	*last = any ? db_int(q, 1) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}
