/*
 * conversation: the root of a chat whose turns name only their parent (Qwen-Bailian).
 *
 * Filled in a pass of its own, so that neither the order of turns nor of files matters. Adding is
 * safe from several threads; asking is, once no one adds any more.
 */
#ifndef TALLY_SIM_CONVERSATION_H
#define TALLY_SIM_CONVERSATION_H

#include "base/text.h"

struct conversations;
struct conversations *conversations_open(void);
void conversations_close(struct conversations *c);
/* A parent that is empty or begins with '-' (as -1) means that the chat is a root. */
void conversations_add(struct conversations *c, struct text chat, struct text parent);
/* The chat itself when it is not known. */
struct text conversations_root(const struct conversations *c, struct text chat);

#endif
