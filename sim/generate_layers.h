/* generate_layers: what generated sessions begin with in common, and what of it is found warm. */
#ifndef TALLY_SIM_GENERATE_LAYERS_H
#define TALLY_SIM_GENERATE_LAYERS_H

#include "sim/generate.h"

/* The layers of a specification, with room for one of each class. Errors: ERR_INVALID. */
int layers_read(struct synthetic *s, json_value *list, struct err *e);
/* A layer that is a class's own; its number. */
uint32_t layers_add(struct synthetic *s, int64_t tokens);
/* Hits of layers that a call of the same model lately had, as far as the classes' caches keep them;
 * what is not read is written where the class pays for that. Calls are in the order of time. */
void layers_warm(struct synthetic *s);
/* Of what is read after all, writes are made that much less. */
void synthetic_take_writes(struct synthetic_call *c);

#endif
