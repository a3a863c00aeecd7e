/*
 * workload_build: what the readers of a workload share: its names, subjects and conversations are
 * numbered, and a record becomes a call. Internal to sim/.
 */
#ifndef TALLY_SIM_WORKLOAD_BUILD_H
#define TALLY_SIM_WORKLOAD_BUILD_H

#include "meter/read/record.h"
#include "sim/conversation.h"
#include "sim/seen_texts.h"
#include "sim/workload_order.h"

enum { BUILD_PARTS_MAX = 64 };

/* Rows are known by what names their conversation and by all other texts apart, which says much
 * less often something new than both together. */
struct seen_rows {
	struct seen_texts talk; /* to 1 + the conversation, or 1 + the place in `other` */
	struct seen_texts who;	/* to 1 + the number of who, of its conversation */
	/* tasks and sessions that are not those of the conversation */
	struct other_talk {
		uint32_t conversation;
		struct work_talk talk;
	} * other;
	size_t others, other_room;
};

struct workload_build {
	struct workload *w;
	size_t block_room, subject_room, name_room, rare_room, conversation_room, who_room,
		odd_room;
	/* of a part of several (sim/workload_join): the call with which each of its names, subjects
	   and conversations came first */
	bool is_part;
	uint32_t *name_first, *subject_first, *conversation_first;
	struct conversation_id *id; /* of each conversation */
	uint32_t *conversation;	    /* of each name: 1 + its first conversation; 0: none */
	struct dict namesakes;	    /* the others of a name, likewise */
	uint32_t recent[64];	    /* subjects, 1 + number, by a cheap hash of the model's name */
	struct seen_rows *rows;
	/* of several parts: in the order in which their calls were written */
	struct stretch *stretch;
	size_t stretches;
	/* of the records that are taken; all may be NULL */
	const char *model, *provider;	/* of records that name none */
	const char *customer, *project; /* only theirs */
	const struct conversations *chats;
};

/* Numbers, made where they are new: of a name (0: the empty one), a subject, a conversation (that
 * without a name is always new), what calls have in common. */
uint32_t build_name(struct workload_build *b, struct text name);
uint32_t build_subject(struct workload_build *b, struct work_subject s);
uint32_t build_conversation(struct workload_build *b, struct conversation_id id);
uint32_t build_who(struct workload_build *b, const struct work_who *who);
/* Whether a call's task and session are those of its conversation, which has those of its first. */
bool build_talk(struct workload *w, uint32_t conversation, struct work_talk talk);
/* One more call; its `call` and `order` follow from the others. */
void build_call(struct workload_build *b, const struct work_call *c);

/* Why a row of a bucket of time is no call. */
#define NO_BUCKETS \
	"the row stands for all calls of a bucket of time: how they would have been priced " \
	"elsewhere is not told"

/* Whether a prompt of such counts can be added up. */
bool build_takes(int64_t tokens);

/* A record that happened at us, of which its source may have only the start of the answer. NULL: it
 * is a call of the workload, or left out as somebody else's; else why it is refused. */
const char *build_record(struct workload_build *b, const struct record *r, bool placeholder,
			 int64_t us);

/*
 * Rows of a batch: first all of them are looked up, then each is taken, as build_record takes it.
 * Traces repeat the same texts with other counts, so a row is known by all of its texts at once.
 */
void build_look_up(struct workload_build *b, const struct record_batch *rows);
const char *build_row(struct workload_build *b, const struct record_batch *rows, size_t i,
		      int64_t us);

/* What is known of rows' texts. */
void build_forget_texts(struct workload_build *b);
/* What is needed only while calls come. */
void build_release(struct workload_build *b);

/* When all calls are there. */
void build_finish(struct workload_build *b, enum work_order order);

#endif
