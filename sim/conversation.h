/*
 * conversation: which calls are one conversation: those of one customer under one name.
 *
 * The name is the session, else the task, else the root of the chat. Nothing else divides it:
 * within one conversation agents change their directory (project), hand work to helpers (workload,
 * model), and go on in another file or on another machine. What names no customer is one
 * customer's.
 *
 * Of chats whose turns name only their parent (Qwen-Bailian) the root is found here. The turns are
 * filled in a pass of their own, so that neither their order nor that of files matters. Adding is
 * safe from several threads; asking is, once no one adds any more.
 */
#ifndef TALLY_SIM_CONVERSATION_H
#define TALLY_SIM_CONVERSATION_H

#include "base/dict.h"

/* Numbers of texts; 0: none. */
struct conversation_id {
	uint32_t customer, name;
};

static inline bool conversation_is(struct conversation_id a, struct conversation_id b)
{
	return a.customer == b.customer && a.name == b.name;
}

/* What a dict of conversations has for that one, 0 when it is new, as dict_need. */
static inline uint64_t *conversation_need(struct dict *d, struct conversation_id id)
{
	return dict_need(d, (struct text){ (const char *)&id, sizeof id }, NULL);
}

struct conversations;
struct conversations *conversations_open(void);
void conversations_close(struct conversations *c);
/* A parent that is empty or begins with '-' (as -1) means that the chat is a root. */
void conversations_add(struct conversations *c, struct text customer, struct text chat,
		       struct text parent);
/* The chat itself when it is not known. */
struct text conversations_root(const struct conversations *c, struct text customer,
			       struct text chat);

#endif
