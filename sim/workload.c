#include "sim/workload.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

size_t workload_conversation_from(const struct workload *w, size_t call)
{
	size_t low = 0, high = w->conversations;
	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (w->first[mid] < call)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void workload_take_out(const struct workload *w, const struct packed_call *p, uint32_t conversation,
		       uint32_t order, struct work_call *c)
{
	const struct work_who *who = &w->who[p->who];
	const bool of_conversation = who->task == WORK_OF_CONVERSATION;
	const struct work_talk talk = of_conversation
					      ? w->talk[conversation]
					      : (struct work_talk){ who->task, who->session };
	/* member by member: to clear the whole first would take longer than the rest */
	c->time_us = p->time_us;
	c->requests = p->requests;
	c->conversation = conversation;
	c->order = c->call = order;
	c->subject = who->subject;
	c->customer = who->customer;
	c->project = who->project;
	c->workload = who->workload;
	c->task = talk.task;
	c->effort = who->effort;
	c->session = talk.session;
	c->rare = 0;
	c->placeholder = c->unsplit = c->undivided = false;
	for (int k = 0; k < BUCKET_COMMON; k++)
		c->tokens[k] = p->tokens[k];
	if (p->requests >= CALL_ODD) {
		const struct work_odd *odd = &w->odd[p->requests - CALL_ODD];
		memcpy(c->tokens, odd->tokens, sizeof c->tokens);
		c->requests = odd->requests;
		c->rare = odd->rare;
		c->placeholder = odd->placeholder;
		c->unsplit = odd->unsplit;
		c->undivided = odd->undivided;
	}
}

const struct work_call *workload_calls(const struct workload *w, size_t conversation,
				       struct work_call *room)
{
	const size_t from = w->first[conversation], to = w->first[conversation + 1];
	if (w->call)
		return &w->call[from];
	for (size_t i = from; i < to; i++) {
		const struct packed_call *p = &w->packed[i];
		struct work_call *c = &room[i - from];
		workload_take_out(w, p, (uint32_t)conversation, p->order, c);
		if (w->has_conversations)
			c->call = (uint32_t)(i - from);
	}
	return room;
}

static void give_up(struct work_part *p, size_t block)
{
	mem_pages_free(p->block[block], WORK_BLOCK_BYTES);
	p->block[block] = NULL;
}

void work_part_placed(struct work_part *p, size_t block, uint32_t calls)
{
	if (atomic_fetch_add(&p->placed[block], calls) + calls == WORK_BLOCK)
		give_up(p, block);
}

void workload_drop_parts(struct workload *w)
{
	for (size_t i = 0; i < w->parts; i++) {
		struct work_part *p = &w->part[i];
		for (size_t k = 0; k < p->blocks; k++)
			give_up(p, k);
		free(p->block);
		free(p->placed);
	}
	free(w->part);
	w->part = NULL;
	w->parts = 0;
}

static void release_packed(struct workload *w)
{
	mem_pages_free(w->packed, (w->count + 1) * sizeof *w->packed);
	w->packed = NULL;
	workload_drop_parts(w);
}

void workload_unpack(struct workload *w)
{
	if (w->call)
		return;
	struct work_call *call = mem_alloc((w->count + 1) * sizeof *call);
	for (size_t k = 0; k < w->conversations; k++)
		workload_calls(w, k, call + w->first[k]);
	w->call = call;
	release_packed(w);
}

void workload_close(struct workload *w)
{
	if (!w)
		return;
	block_trace_close(w->blocks);
	free(w->call);
	release_packed(w);
	free(w->who);
	free(w->odd);
	dict_release(&w->who_dict);
	free(w->first);
	free(w->conversation_id);
	free(w->conversation_name);
	free(w->talk);
	free(w->subject);
	free(w->name);
	free(w->rare);
	free(w->metered);
	free(w->metered_lacks);
	dict_release(&w->dict);
	dict_release(&w->subject_dict);
	doubts_release(&w->doubts);
	arena_release(&w->arena);
	free(w);
}
