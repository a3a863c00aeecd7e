/*
 * workload_build: what the readers of a workload share: its names, subjects and conversations are
 * numbered, and a record becomes a call. Internal to sim/.
 */
#ifndef TALLY_SIM_WORKLOAD_BUILD_H
#define TALLY_SIM_WORKLOAD_BUILD_H

#include "meter/read/record.h"
#include "sim/conversation.h"
#include "sim/workload.h"

struct workload_build {
	struct workload *w;
	size_t room, subject_room, name_room, rare_room, conversation_room;
	uint32_t *calls; /* of each conversation so far */
	uint32_t *task;	 /* of each conversation: the name that its own text is, 0: not asked yet */
	/* of a part of several (sim/workload_join): the call with which each of its names, subjects
	   and conversations came first */
	bool is_part;
	uint32_t *name_first, *subject_first, *conversation_first;
	uint32_t recent[64]; /* subjects, 1 + number, by a cheap hash of the model's name */
	/* of the records that are taken; all may be NULL */
	const char *model, *provider;	/* of records that name none */
	const char *customer, *project; /* only theirs */
	const struct conversations *chats;
};

/* Numbers, made where they are new: of a name (0: the empty one), a subject, a conversation (that
 * of an empty name is always new). */
uint32_t build_name(struct workload_build *b, struct text name);
uint32_t build_subject(struct workload_build *b, struct work_subject s);
uint32_t build_conversation(struct workload_build *b, struct text name);
struct work_call *build_call(struct workload_build *b, uint32_t conversation);

/* Why a row of a bucket of time is no call. */
#define NO_BUCKETS \
	"the row stands for all calls of a bucket of time: how they would have been priced " \
	"elsewhere is not told"

/* Whether a prompt of such counts can be added up. */
bool build_takes(int64_t tokens);

/* A record that happened at us. NULL: it is a call of the workload, or left out as somebody else's;
 * else why it is refused. */
const char *build_record(struct workload_build *b, const struct record *r, int64_t us);

/* A part whose calls were moved. */
void build_release(struct workload_build *b);

/* When all calls are there: in the order of time, but as_written. */
void build_finish(struct workload_build *b, bool as_written);

#endif
