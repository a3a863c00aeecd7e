/*
 * fit_layers: what the prompts of a block trace begin with in common.
 *
 * All prompts of a model lie in one tree of blocks. What several sessions begin with is a layer
 * (the instructions of a product, a document that is asked about), on other layers where it goes on
 * from them. Where a trace knows no conversations, the tree makes them: a beginning that many calls
 * share is a layer, and the calls that share more than a layer are a session, with their order and
 * gaps, so that what they find of each other stays found.
 */
#ifndef TALLY_SIM_FIT_LAYERS_H
#define TALLY_SIM_FIT_LAYERS_H

#include "sim/workload.h"

enum { FIT_SESSION_CALLS_LEAST = 8, FIT_SESSION_CALLS_MOST = 64 };

struct fit_layer {
	int64_t tokens;	 /* from the prompt's start */
	uint32_t parent; /* the number of the layer that it goes on from; 0: none */
};
struct fit_layers {
	struct fit_layer *layer; /* number - 1; a parent comes before its children */
	size_t layers;
	uint32_t *session; /* of each call, from 0 */
	size_t sessions;
	uint32_t *of_session; /* the number of its layer; 0: none */
	int64_t *hit;	      /* by call: what a cache that forgets nothing would have found */
};

/* The workload names blocks that conversations can share. */
void fit_layers_find(struct fit_layers *out, const struct workload *w);
void fit_layers_release(struct fit_layers *l);

#endif
