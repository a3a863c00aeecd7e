#include <stdio.h>
#include <stdlib.h>

#include "sim/replay_run.h"

struct sorted_group {
	uint64_t first; /* of the first dimension, so that most comparisons end here */
	const struct group *group;
};

struct replay_result {
	enum grouping dim[GROUPING_COUNT];
	size_t dim_count;
	struct sums total;
	struct groups *groups;
	struct sorted_group *sorted;
	size_t group_count;
	struct names models, windows;
	uint32_t *model_rank, *window_rank;
	struct arena arena;
	struct reasons unpriced, uncredited;
	struct replay_refusal *refusal;
	size_t refusal_count;
	int64_t refused, outside, first_us, last_us, completion_known, sensitive;
	struct money_total hinging_difference;
	struct dates_in_doubt dates;
	struct named_calls stand_ins, moving;
	struct replay_stated stated;
	struct lower_bound bound;
	const char *damage, *unused_columns, *doubtful_columns;
	int64_t zeros;
	bool ignored_blocks;
};

static int refusal_order(const void *x, const void *y)
{
	const struct refusal *a = x, *b = y;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* The file of a refusal, and its line where one can be told, else 0. */
static const char *place_of(const struct run *run, const struct refusal *r, int64_t *line)
{
	const char *path;
	if (run->in.log) {
		*line = call_log_call(run->in.log, r->file, &path)->line;
		return path;
	}
	if (!run->in.trace) { /* packs, and traces that were read as a whole */
		*line = r->line > 0 ? r->line : 0;
		return run->o->path[r->file];
	}
	struct trace *t = run->in.trace[r->file];
	*line = r->line >= 0 ? r->line : trace_line_at(t, r->offset);
	return trace_path(t);
}

static void collect_refusals(struct replay_result *out, struct run *run, struct worker *worker,
			     int threads)
{
	size_t n = 0;
	for (int i = 0; i < threads; i++)
		n += worker[i].refusal_count;
	struct refusal *all = mem_alloc((n + 1) * sizeof *all);
	n = 0;
	for (int i = 0; i < threads; i++) {
		for (size_t k = 0; k < worker[i].refusal_count; k++)
			all[n++] = worker[i].refusal[k];
		out->refused += worker[i].refused;
	}
	qsort(all, n, sizeof *all, refusal_order);
	out->refusal = arena_alloc(&out->arena, REPLAY_REFUSALS_SHOWN * sizeof *out->refusal);
	for (size_t i = 0; run->in.log && i < call_log_refusal_count(run->in.log); i++) {
		const struct call_refusal *r = call_log_refusal(run->in.log, i);
		out->refused++;
		if (out->refusal_count < REPLAY_REFUSALS_SHOWN)
			out->refusal[out->refusal_count++] = (struct replay_refusal){
				arena_text(&out->arena, r->path, strlen(r->path)), r->line,
				arena_text(&out->arena, r->message, strlen(r->message))
			};
	}
	for (size_t i = 0; i < n && out->refusal_count < REPLAY_REFUSALS_SHOWN; i++) {
		int64_t line;
		const char *path = place_of(run, &all[i], &line);
		out->refusal[out->refusal_count++] =
			(struct replay_refusal){ arena_text(&out->arena, path, strlen(path)), line,
						 arena_text(&out->arena, all[i].message,
							    strlen(all[i].message)) };
	}
	free(all);
}

static int reason_order(const void *x, const void *y)
{
	const struct replay_reason *a = x, *b = y;
	if (a->records != b->records)
		return a->records > b->records ? -1 : 1;
	int c = text_cmp(a->model, b->model);
	return c ? c : strcmp(a->why, b->why);
}

static void sort_reasons(struct reasons *r)
{
	if (r->count)
		qsort(r->reason, r->count, sizeof *r->reason, reason_order);
}

static void collect_reasons(struct reasons *to, const struct reasons *from)
{
	for (size_t i = 0; i < from->count; i++) {
		uint32_t id = replay_reason_id(to, from->reason[i].model, from->reason[i].why);
		to->reason[id - 1].records += from->reason[i].records;
	}
}

struct rank_item {
	struct text name;
	uint32_t id;
};

static int rank_order(const void *x, const void *y)
{
	return text_cmp(((const struct rank_item *)x)->name, ((const struct rank_item *)y)->name);
}

/* Order of the names by their text; id 0 (none) first. */
static uint32_t *ranks(const struct names *n)
{
	struct rank_item *item = mem_alloc((n->count + 1) * sizeof *item);
	uint32_t *rank = mem_zalloc((n->count + 1) * sizeof *rank);
	for (uint32_t i = 0; i < n->count; i++)
		item[i] = (struct rank_item){ n->name[i], i + 1 };
	qsort(item, n->count, sizeof *item, rank_order);
	for (uint32_t i = 0; i < n->count; i++)
		rank[item[i].id] = i + 1;
	free(item);
	return rank;
}

/* One dimension of an encoded key; moves *p. */
struct dim_value {
	struct text text;
	int64_t number;		  /* sorts the dimensions that are not text */
	int32_t begins, offset_s; /* of a time: the local hour, and the zone's offset */
};

static struct dim_value next_value(const struct replay_result *r, enum grouping d, const char **p)
{
	struct dim_value v = { 0 };
	uint32_t id;
	uint16_t n;
	if (grouping_is_time(d)) {
		memcpy(&v.begins, *p, 4);
		*p += 4;
		if (grouping_has_offset(d)) {
			memcpy(&v.offset_s, *p, 4);
			*p += 4;
		}
		v.number = (int64_t)v.begins * 3600 - v.offset_s;
		return v;
	}
	switch (d) {
	case BY_MODEL:
	case BY_WINDOW:
		id = (unsigned char)*(*p)++;
		if (id == 255) {
			memcpy(&id, *p, sizeof id);
			*p += sizeof id;
		}
		v.number = d == BY_MODEL ? r->model_rank[id] : r->window_rank[id];
		if (id)
			v.text = d == BY_MODEL ? r->models.name[id - 1] : r->windows.name[id - 1];
		break;
	default:
		n = (unsigned char)*(*p)++;
		if (n == 255) {
			memcpy(&n, *p, sizeof n);
			*p += sizeof n;
		}
		v.text = (struct text){ *p, n };
		*p += n;
	}
	return v;
}

static bool is_text_dim(enum grouping d)
{
	return grouping_field(d) != FIELD_NONE;
}

static int group_order(const void *x, const void *y, void *of)
{
	const struct replay_result *r = of;
	const struct sorted_group *a = x, *b = y;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	const char *p = group_key(r->groups, a->group), *q = group_key(r->groups, b->group);
	for (size_t i = 0; i < r->dim_count; i++) {
		struct dim_value v = next_value(r, r->dim[i], &p), u = next_value(r, r->dim[i], &q);
		if (is_text_dim(r->dim[i])) {
			int c = text_cmp(v.text, u.text);
			if (c)
				return c;
		} else if (v.number != u.number) {
			return v.number < u.number ? -1 : 1;
		}
	}
	return 0;
}

/* Bytes that all texts of the first dimension begin with. */
static size_t common_prefix(const struct replay_result *r)
{
	struct text first = { 0 };
	size_t same = 0;
	for (size_t i = 0; i < r->group_count; i++) {
		const char *p = group_key(r->groups, r->sorted[i].group);
		struct text t = next_value(r, r->dim[0], &p).text;
		if (t.n == 0)
			continue;
		if (!first.p) {
			first = t;
			same = t.n;
		}
		size_t k = 0;
		while (k < same && k < t.n && t.p[k] == first.p[k])
			k++;
		same = k;
	}
	return same;
}

/* The groups as they lie in memory, and what they add up to; false when a sum does not fit. */
static bool list_groups(struct replay_result *r)
{
	struct group **list = groups_list(r->groups);
	bool fits = true;
	r->group_count = groups_count(r->groups);
	r->sorted = mem_alloc((r->group_count + 1) * sizeof *r->sorted);
	for (size_t i = 0; i < r->group_count; i++) {
		r->sorted[i].group = list[i];
		fits &= group_add_to(r->groups, list[i], &r->total);
	}
	free(list);
	return fits;
}

/* Radix sort, byte by byte from the lowest; bytes that all have in common are skipped. */
static void sort_by_first(struct replay_result *r)
{
	const size_t n = r->group_count;
	struct sorted_group *from = r->sorted, *to = mem_alloc((n + 1) * sizeof *to);
	uint64_t differ = 0;
	for (size_t i = 1; i < n; i++)
		differ |= from[i].first ^ from[0].first;
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t start[257] = { 0 };
		if (!(differ >> shift & 0xFF))
			continue;
		for (size_t i = 0; i < n; i++)
			start[(from[i].first >> shift & 0xFF) + 1]++;
		for (int k = 0; k < 256; k++)
			start[k + 1] += start[k];
		for (size_t i = 0; i < n; i++)
			to[start[from[i].first >> shift & 0xFF]++] = from[i];
		struct sorted_group *swap = from;
		from = to;
		to = swap;
	}
	r->sorted = from;
	free(to);
}

static void sort_groups(struct replay_result *r)
{
	bool text = is_text_dim(r->dim[0]);
	size_t skip = text ? common_prefix(r) : 0;
	for (size_t i = 0; i < r->group_count; i++) {
		const char *p = group_key(r->groups, r->sorted[i].group);
		struct dim_value v = next_value(r, r->dim[0], &p);
		uint64_t first = (uint64_t)v.number ^ (uint64_t)1 << 63;
		if (text) {
			first = 0;
			for (size_t k = 0; k < 8; k++)
				first = first << 8 |
					(skip + k < v.text.n ? (unsigned char)v.text.p[skip + k]
							     : 0);
		}
		r->sorted[i].first = first;
	}
	sort_by_first(r);
	for (size_t i = 0, k; i < r->group_count; i = k) {
		for (k = i + 1; k < r->group_count && r->sorted[k].first == r->sorted[i].first; k++)
			;
		if (k > i + 1)
			qsort_r(r->sorted + i, k - i, sizeof *r->sorted, group_order, r);
	}
}

/* The names live on in the result. */
static void move_names(struct names *to, struct names *from)
{
	to->arena = from->arena;
	to->name = from->name;
	to->count = from->count;
	from->arena = (struct arena){ 0 };
	from->name = NULL;
	from->count = 0;
}

void replay_names_release(struct names *n)
{
	free(n->name);
	dict_release(&n->index);
	arena_release(&n->arena);
}

static bool ignores_blocks(const struct run *run)
{
	bool blocks = false;
	for (size_t i = 0; i < run->in.traces; i++)
		blocks |= trace_shape(run->in.trace[i])->blocks;
	for (size_t i = 0; i < run->in.packs; i++)
		blocks |= pack_has_blocks(run->in.pack[i]);
	return blocks;
}

static void note_unused_columns(struct replay_result *out, const struct run *run)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < run->in.traces; i++) {
		const struct trace *t = run->in.trace[i];
		for (size_t k = 0; trace_shape(t)->column == NULL && k < trace_columns(t); k++)
			if ((trace_column_field(t, k) == FIELD_NONE ||
			     field_is_unread(trace_column_field(t, k))) &&
			    b.n < 300)
				buf_printf(&b, "%s%s", b.n ? ", " : "", trace_column_name(t, k));
		if (b.n) /* files of one kind share their header */
			break;
	}
	if (b.n)
		out->unused_columns = arena_text(&out->arena, b.p, b.n);
	buf_release(&b);
}

static void note_doubts(struct replay_result *out, struct run *run)
{
	const struct buf *columns = &run->doubts.columns;
	call_source_doubts(&run->in, &run->doubts);
	if (columns->n)
		out->doubtful_columns = arena_text(&out->arena, columns->p, columns->n);
	out->zeros = run->doubts.zeros;
}

int replay_collect(struct replay_result **result, struct run *run, struct worker *worker,
		   int threads, struct err *e)
{
	const struct replay_options *o = run->o;
	struct replay_result *out = mem_zalloc(sizeof *out);
	bool fits = true;
	out->first_us = INT64_MAX;
	out->last_us = INT64_MIN;
	for (int i = 0; i < threads; i++) {
		struct worker *w = &worker[i];
		fits &= !w->overflow &&
			money_total_add(&out->hinging_difference, w->hinging_difference);
		if (i == 0) {
			out->groups = w->groups;
			w->groups = NULL;
		} else {
			fits &= groups_merge(out->groups, w->groups);
			groups_close(w->groups);
			w->groups = NULL;
		}
		collect_reasons(&out->unpriced, &w->unpriced_reasons);
		collect_reasons(&out->uncredited, &w->uncredited_reasons);
		out->outside += w->outside;
		out->completion_known += w->completion_known;
		out->sensitive += w->sensitive;
		lower_bound_add(&out->bound, &w->bound);
		out->dates.records += w->dates.records;
		fits &= money_total_add(&out->dates.difference, w->dates.difference);
		fits &= named_calls_merge(&out->stand_ins, &w->stand_ins);
		fits &= named_calls_merge(&out->moving, &w->moving);
		out->stated.by_seller += w->stated.by_seller;
		fits &= money_total_add(&out->stated.sellers, w->stated.sellers) &&
			recorded_cost_merge(out->stated.recorded, w->stated.recorded);
		out->first_us = w->span.first_us < out->first_us ? w->span.first_us : out->first_us;
		out->last_us = w->span.last_us > out->last_us ? w->span.last_us : out->last_us;
	}
	move_names(&out->models, &run->models);
	move_names(&out->windows, &run->windows);
	out->model_rank = ranks(&out->models);
	out->window_rank = ranks(&out->windows);
	memcpy(out->dim, o->dim, sizeof out->dim);
	out->dim_count = o->dim_count;
	fits &= list_groups(out);
	if (o->dim_count)
		sort_groups(out);
	if (!fits) {
		replay_result_close(out);
		return err_set(e, ERR_RANGE, "the records add up to more than a total can hold");
	}
	sort_reasons(&out->unpriced);
	sort_reasons(&out->uncredited);
	collect_refusals(out, run, worker, threads);
	if (run->failure.code != ERR_NONE) {
		out->damage =
			arena_text(&out->arena, run->failure.message, strlen(run->failure.message));
		out->refused++;
	}
	out->ignored_blocks = ignores_blocks(run);
	note_unused_columns(out, run);
	note_doubts(out, run);
	*result = out;
	return 0;
}

void replay_result_close(struct replay_result *r)
{
	if (!r)
		return;
	groups_close(r->groups);
	free(r->sorted);
	replay_names_release(&r->models);
	replay_names_release(&r->windows);
	free(r->model_rank);
	free(r->window_rank);
	free(r->total.rare);
	replay_reasons_release(&r->unpriced);
	replay_reasons_release(&r->uncredited);
	arena_release(&r->arena);
	free(r);
}

const struct sums *replay_total(const struct replay_result *r)
{
	return &r->total;
}

size_t replay_group_count(const struct replay_result *r)
{
	return r->dim_count ? r->group_count : 0;
}

void replay_group_sums(const struct replay_result *r, size_t i, struct sums *out)
{
	/* groups are asked for in order, and lie anywhere */
	if (i + AHEAD < r->group_count)
		__builtin_prefetch(r->sorted[i + AHEAD].group);
	group_sums(r->groups, r->sorted[i].group, out);
}

static struct text label_of(enum grouping dim, const struct dim_value *v,
			    char buf[INSTANT_TEXT_MAX])
{
	struct buf b = { 0 };
	if (!grouping_is_time(dim))
		return v->text.n ? v->text : (struct text){ 0 };
	grouping_put_time(dim, v->begins * US_PER_HOUR, v->offset_s * US_PER_SECOND, &b);
	CHECK(b.n < INSTANT_TEXT_MAX);
	memcpy(buf, b.p, b.n);
	const struct text label = { buf, b.n };
	buf_release(&b);
	return label;
}

void replay_group_labels(const struct replay_result *r, size_t i, struct replay_labels *out)
{
	const char *p = group_key(r->groups, r->sorted[i].group);
	for (size_t d = 0; d < r->dim_count; d++) {
		struct dim_value v = next_value(r, r->dim[d], &p);
		out->text[d] = label_of(r->dim[d], &v, out->room[d]);
	}
}

size_t replay_unpriced_count(const struct replay_result *r)
{
	return r->unpriced.count;
}
const struct replay_reason *replay_unpriced(const struct replay_result *r, size_t i)
{
	return &r->unpriced.reason[i];
}
size_t replay_uncredited_count(const struct replay_result *r)
{
	return r->uncredited.count;
}
const struct replay_reason *replay_uncredited(const struct replay_result *r, size_t i)
{
	return &r->uncredited.reason[i];
}
int64_t replay_refused(const struct replay_result *r)
{
	return r->refused;
}
size_t replay_refusal_count(const struct replay_result *r)
{
	return r->refusal_count;
}
const struct replay_refusal *replay_refusal(const struct replay_result *r, size_t i)
{
	return &r->refusal[i];
}
const char *replay_damage(const struct replay_result *r)
{
	return r->damage;
}
int64_t replay_outside(const struct replay_result *r)
{
	return r->outside;
}

bool replay_span(const struct replay_result *r, struct instant *first, struct instant *last)
{
	first->us = r->first_us;
	last->us = r->last_us;
	return r->first_us <= r->last_us;
}

const struct lower_bound *replay_lower_bound(const struct replay_result *r)
{
	return &r->bound;
}

const struct replay_stated *replay_stated(const struct replay_result *r)
{
	return &r->stated;
}

void replay_boundary(const struct replay_result *r, int64_t *known, int64_t *sensitive,
		     struct money_total *difference)
{
	*known = r->completion_known;
	*sensitive = r->sensitive;
	*difference = r->hinging_difference;
}

const struct dates_in_doubt *replay_dates(const struct replay_result *r)
{
	return &r->dates;
}

const struct named_calls *replay_moving_names(const struct replay_result *r)
{
	return &r->moving;
}

const struct named_calls *replay_stand_ins(const struct replay_result *r)
{
	return &r->stand_ins;
}

bool replay_ignored_blocks(const struct replay_result *r)
{
	return r->ignored_blocks;
}
int64_t replay_zeros(const struct replay_result *r)
{
	return r->zeros;
}

const char *replay_doubtful_columns(const struct replay_result *r)
{
	return r->doubtful_columns;
}

const char *replay_unused_columns(const struct replay_result *r)
{
	return r->unused_columns;
}
