/*
 * block_numbers: the numbers of a trace's blocks by conversation.
 *
 * Conversations lie between each other, so what each turn adds has numbers of its own place in the
 * trace. Numbered by conversation, what a conversation names one after the other follows each
 * other, and its prompts are few runs however many turns they have.
 */
#ifndef TALLY_SIM_BLOCK_NUMBERS_H
#define TALLY_SIM_BLOCK_NUMBERS_H

#include "sim/block_trace.h"

/* first: by request, in the order of their runs, how many numbers there were before it. Blocks that
 * are equal stay so. */
void block_numbers_by_conversation(struct block_trace *t, const uint32_t *first);

#endif
