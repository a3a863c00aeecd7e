#include <stdlib.h>

#include "sim/generate.h"

/* Ids [first, first + count). */
struct id_run {
	int64_t first, count;
};
/* The blocks of a prompt. */
struct prompt_ids {
	struct id_run *run;
	size_t runs;
};

struct synthetic_blocks {
	const struct synthetic *s;
	size_t *first_session;	/* by class: the number of its first session among all */
	size_t *first_call;	/* by session: where its calls begin in `place` */
	size_t *place;		/* by session and call: the call's number in s */
	struct prompt_ids *ids; /* by the call's number */
	int64_t *own;		/* by layer: the first id of what it adds to its parent */
	int64_t next_id, block_tokens;
	struct arena arena;
};

static size_t session_of(const struct synthetic_blocks *b, const struct synthetic_call *c)
{
	return b->first_session[c->place] + c->session;
}

static int64_t layer_blocks(const struct synthetic_blocks *b, size_t number)
{
	return number ? b->s->layer[number - 1].tokens / b->block_tokens : 0;
}

struct synthetic_blocks *synthetic_blocks_open(const struct synthetic *s, int64_t block_tokens)
{
	struct synthetic_blocks *b = mem_zalloc(sizeof *b);
	size_t sessions = 0, at = 0;
	b->s = s;
	b->block_tokens = block_tokens;
	b->first_session = mem_zalloc((s->classes + 1) * sizeof *b->first_session);
	b->own = mem_zalloc((s->layers + 1) * sizeof *b->own);
	for (size_t k = 0; k < s->classes; k++) {
		b->first_session[k] = sessions;
		sessions += s->work[k].sessions;
	}
	for (size_t k = 0; k < s->layers; k++) {
		b->own[k] = b->next_id;
		b->next_id += layer_blocks(b, k + 1) - layer_blocks(b, s->layer[k].parent);
	}
	b->first_call = mem_zalloc((sessions + 2) * sizeof *b->first_call);
	b->place = mem_alloc((s->count + 1) * sizeof *b->place);
	b->ids = mem_zalloc((s->count + 1) * sizeof *b->ids);
	for (size_t i = 0; i < s->count; i++)
		b->first_call[session_of(b, &s->call[i]) + 1]++;
	for (size_t k = 0; k < sessions; k++)
		b->first_call[k] = at += b->first_call[k];
	for (size_t i = 0; i < s->count; i++)
		b->place[b->first_call[session_of(b, &s->call[i])] + s->call[i].call] = i;
	return b;
}

void synthetic_blocks_close(struct synthetic_blocks *b)
{
	if (!b)
		return;
	free(b->first_session);
	free(b->first_call);
	free(b->place);
	free(b->ids);
	free(b->own);
	arena_release(&b->arena);
	free(b);
}

/* The first `most` ids of `from`; how many there are. */
static int64_t begin_alike(struct prompt_ids *to, const struct prompt_ids *from, int64_t most)
{
	int64_t count = 0;
	for (size_t i = 0; i < from->runs && count < most; i++) {
		struct id_run run = from->run[i];
		run.count = run.count < most - count ? run.count : most - count;
		to->run[to->runs++] = run;
		count += run.count;
	}
	return count;
}

static size_t layers_of(const struct synthetic *s, uint32_t layer)
{
	size_t n = 0;
	for (; layer; layer = s->layer[layer - 1].parent)
		n++;
	return n;
}

/* The first blocks of a layer, those of its parents before its own. */
static void put_layer(struct prompt_ids *p, const struct synthetic_blocks *b, uint32_t layer,
		      int64_t blocks)
{
	size_t n = p->runs = layers_of(b->s, layer);
	for (; layer; layer = b->s->layer[layer - 1].parent) {
		const int64_t before = layer_blocks(b, b->s->layer[layer - 1].parent),
			      end = layer_blocks(b, layer);
		p->run[--n] = (struct id_run){ b->own[layer - 1],
					       (end < blocks ? end : blocks) - before };
	}
	for (size_t i = 0; i < p->runs; i++) /* some add no whole block */
		if (p->run[i].count > 0)
			p->run[n++] = p->run[i];
	p->runs = n;
}

/* Full blocks that are common, then new ones; the last block of a prompt that is not full has an
 * id of its own. */
static void name_blocks(struct synthetic_blocks *b, size_t i)
{
	const struct synthetic_call *c = &b->s->call[i];
	const size_t session = b->first_call[session_of(b, c)];
	const int64_t whole = (synthetic_prompt(c) + b->block_tokens - 1) / b->block_tokens,
		      alike = c->common / b->block_tokens;
	const struct prompt_ids *like = c->call ? &b->ids[b->place[session + c->like]] : NULL;
	struct prompt_ids *p = &b->ids[i];
	int64_t count = 0;
	p->run = arena_alloc(&b->arena, ((like ? like->runs : layers_of(b->s, c->layer)) + 1) *
						sizeof *p->run);
	if (like) {
		/* a partial last block is not what comes in its place */
		const int64_t full = synthetic_prompt(&b->s->call[b->place[session + c->like]]) /
				     b->block_tokens;
		count = begin_alike(p, like, alike < full ? alike : full);
	} else if (alike > 0) {
		put_layer(p, b, c->layer, alike);
		count = alike;
	}
	if (whole > count) {
		p->run[p->runs++] = (struct id_run){ b->next_id, whole - count };
		b->next_id += whole - count;
	}
}

/* Where clients ask for a cache they mark the prompt's end and, of drawn sessions, what is common
 * to all: whole blocks of both. A record without marks is taken to have the first only. */
static void put_marks(struct buf *out, const struct synthetic_blocks *b,
		      const struct synthetic_call *c)
{
	const struct synthetic_class *w = &b->s->work[c->place];
	const int64_t end = synthetic_prompt(c) / b->block_tokens * b->block_tokens,
		      head = layer_blocks(b, c->layer) * b->block_tokens;
	if (end == 0)
		return;
	buf_puts(out, ",\"breakpoints\":[");
	if (head > 0 && head < end && !w->listed)
		buf_printf(out, "%lld,", (long long)head);
	buf_printf(out, "%lld]", (long long)end);
}

void synthetic_blocks_put(struct buf *out, struct synthetic_blocks *b, size_t from, size_t to)
{
	const struct synthetic *s = b->s;
	for (size_t i = from; i < to; i++) {
		const struct synthetic_call *c = &s->call[i];
		const struct synthetic_class *w = &s->work[c->place];
		const size_t session = b->first_call[session_of(b, c)];
		const int64_t us = c->time_us - s->start_us;
		name_blocks(b, i);
		buf_printf(out, "{\"chat_id\":%zu,\"parent_chat_id\":", i + 1);
		if (c->call)
			buf_printf(out, "%zu", b->place[session + c->call - 1] + 1);
		else
			buf_puts(out, "-1");
		char seconds[DECIMAL_TEXT_MAX];
		decimal_format((struct decimal){ us, 6 }, seconds);
		buf_printf(out, ",\"timestamp\":%s,\"input_length\":%lld,\"output_length\":%lld",
			   seconds, (long long)synthetic_prompt(c), (long long)c->output);
		buf_printf(out, ",\"type\":\"text\",\"turn\":%u", c->call + 1);
		if (*w->model) {
			buf_puts(out, ",\"model\":");
			json_put_string(out, text_of(w->model));
		}
		if (*w->customer) {
			buf_puts(out, ",\"customer\":");
			json_put_string(out, text_of(w->customer));
		}
		put_marks(out, b, c);
		buf_puts(out, ",\"hash_ids\":\"");
		const struct prompt_ids *p = &b->ids[i];
		for (size_t k = 0; k < p->runs; k++)
			buf_printf(out, "%s%lld-%lld", k ? "," : "", (long long)p->run[k].first,
				   (long long)(p->run[k].first + p->run[k].count - 1));
		buf_puts(out, "\"}\n");
	}
}

void synthetic_blocks_trace(struct block_trace *out, struct synthetic_blocks *b)
{
	const struct synthetic *s = b->s;
	*out = (struct block_trace){ .shape = "generated",
				     .block_tokens = b->block_tokens,
				     .has_partial = true,
				     .names_blocks = true };
	out->request = mem_zalloc((s->count + 1) * sizeof *out->request);
	for (size_t i = 0; i < s->count; i++) {
		const int64_t prompt = synthetic_prompt(&s->call[i]);
		name_blocks(b, i);
		out->blocks += (size_t)((prompt + b->block_tokens - 1) / b->block_tokens);
		out->input_tokens += prompt;
	}
	for (size_t i = 0; i < s->count; i++) {
		struct block_request *q = &out->request[out->count++];
		*q = (struct block_request){ .time_us = s->call[i].time_us - s->start_us,
					     .input = synthetic_prompt(&s->call[i]),
					     .output = s->call[i].output,
					     .first = (uint32_t)out->runs.count };
		for (size_t k = 0; k < b->ids[i].runs; k++) {
			const struct id_run *ids = &b->ids[i].run[k];
			block_runs_add(&out->runs, q->first,
				       (struct block_run){ (uint32_t)ids->first,
							   (uint32_t)ids->count });
			q->count += (uint32_t)ids->count;
		}
	}
	out->distinct = (size_t)b->next_id;
}
