#include "sim/workload.h"

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

/* The packed call at that place of all parts. */
static const struct packed_call *packed_at(const struct workload *w, size_t at)
{
	const struct work_part *part = w->part;
	while (at >= part->count)
		at -= part++->count;
	return &part->call[at];
}

static void take_out(const struct workload *w, const struct packed_call *p, struct work_call *c)
{
	const struct work_who *who = &w->who[p->who];
	const bool of_conversation = who->task == WORK_OF_CONVERSATION;
	const struct work_talk talk = of_conversation
					      ? w->talk[p->conversation]
					      : (struct work_talk){ who->task, who->session };
	/* member by member: to clear the whole first would take longer than the rest */
	c->time_us = p->time_us;
	c->requests = p->requests;
	c->conversation = p->conversation;
	c->subject = who->subject;
	c->customer = who->customer;
	c->project = who->project;
	c->workload = who->workload;
	c->task = talk.task;
	c->effort = who->effort;
	c->session = talk.session;
	c->rare = 0;
	c->placeholder = false;
	for (int k = 0; k < BUCKET_COMMON; k++)
		c->tokens[k] = p->tokens[k];
	if (p->odd) {
		const struct work_odd *odd = &w->odd[p->odd - 1];
		memcpy(c->tokens, odd->tokens, sizeof c->tokens);
		c->requests = odd->requests;
		c->rare = odd->rare;
		c->placeholder = odd->placeholder;
	}
}

enum { FETCH_AHEAD = 16 };

/* A call may lie in two lines of the processor's cache. */
static void fetch_packed(const struct packed_call *p)
{
	__builtin_prefetch(p);
	__builtin_prefetch((const char *)(p + 1) - 1);
}

const struct work_call *workload_calls(const struct workload *w, size_t from, size_t count,
				       struct work_call *room)
{
	if (w->call)
		return &w->call[from];
	const struct work_place *place = &w->place[from];
	for (size_t i = 0; i < count; i++) {
		if (from + i + FETCH_AHEAD < w->count)
			fetch_packed(packed_at(w, place[i + FETCH_AHEAD].at));
		take_out(w, packed_at(w, place[i].at), &room[i]);
		room[i].order = place[i].order;
		room[i].call = w->has_conversations && w->first
				       ? (uint32_t)(from + i - w->first[room[i].conversation])
				       : room[i].order;
	}
	return room;
}

static void *in_places(const struct workload *w, void *array, size_t size)
{
	char *out = mem_alloc((w->count + 1) * size);
	for (size_t i = 0; i < w->count; i++)
		memcpy(out + i * size, (char *)array + w->place[i].at * size, size);
	free(array);
	return out;
}

static void release_packed(struct workload *w)
{
	for (size_t i = 0; i < w->parts; i++)
		free(w->part[i].call);
	free(w->part);
	free(w->place);
	w->part = NULL;
	w->place = NULL;
	w->parts = 0;
}

void workload_unpack(struct workload *w)
{
	if (w->call)
		return;
	struct work_call *call = mem_alloc((w->count + 1) * sizeof *call);
	workload_calls(w, 0, w->count, call);
	if (w->metered) {
		w->metered = in_places(w, w->metered, sizeof *w->metered);
		w->metered_lacks = in_places(w, w->metered_lacks, sizeof *w->metered_lacks);
	}
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
	dict_release(&w->conversation_dict);
	doubts_release(&w->doubts);
	arena_release(&w->arena);
	free(w);
}
