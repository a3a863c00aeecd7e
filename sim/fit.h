/*
 * fit: what a recorded workload looks like, for a synthetic one that resembles it (sim/generate).
 *
 * Classes are workloads by model; a session is what a conversation asked one model, or of blocks
 * that all sessions share (sim/fit_layers) the conversation, whose class is that of its first call.
 * A class keeps whole sessions as they were, so that what belongs together stays so: prompts that
 * grow and are compacted, the hits of each call, answers, gaps, length; where the trace names
 * blocks, what each prompt has in common with those before it and which layer all of them begin
 * with (sim/fit_layers). Of very many sessions those are kept that stand for equally many others of
 * about their size.
 */
#ifndef TALLY_SIM_FIT_H
#define TALLY_SIM_FIT_H

#include "sim/fit_layers.h"
#include "sim/workload.h"

enum { FIT_CLASSES_MOST = 200, FIT_CALLS_MOST = 60000 };

struct fit_session {
	const struct work_call **call; /* of the workload, in the order of time */
	size_t calls;
	int64_t tokens; /* prompts and answers */
	uint32_t layer; /* the number of the one that it begins with; 0: none */
};
struct fit_class {
	uint32_t workload, subject; /* of the workload that was read */
	bool cached;		    /* some call read from a cache */
	int64_t shared;		    /* tokens that most of its sessions begin with */
	size_t sessions;	    /* as many as there were */
	struct fit_session **kept;
	size_t kept_count;
};
struct fit {
	struct fit_class *fitted;
	size_t classes;
	/* of traces that name blocks, by call of the workload: how far its prompt is that of an
	   earlier call of the session, and how many calls ago that was */
	struct fit_common {
		int64_t tokens, back;
	} * common;
	bool layered; /* conversations of the trace can share blocks */
	struct fit_layers layers;
	const struct work_call **call; /* the sessions', one after the other */
	struct fit_session *session;   /* by conversation, or as the layers make them */
	size_t sessions;
	int64_t first_day, days;	  /* since 1970, UTC */
	int64_t span_us;		  /* from the first call to the last one */
	int64_t minute[1440], weekday[7]; /* sessions that began then; 0: Monday */
};

/* Errors: ERR_INVALID (more than FIT_CLASSES_MOST classes). */
int fit_run(struct fit *out, const struct workload *w, struct err *e);
void fit_release(struct fit *f);

#endif
