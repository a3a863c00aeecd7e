/*
 * groups: exact sums by key, for millions of records and hundreds of thousands of groups.
 *
 * A table belongs to one thread. Keys are bytes that the caller encodes; the hash is keyed with
 * random bits of the run, so that no trace can be written to collide.
 */
#ifndef TALLY_SIM_GROUPS_H
#define TALLY_SIM_GROUPS_H

#include "base/money.h"
#include "meter/read/recorded_cost.h"
#include "pricing/usage.h"

/* What the records of one group add up to. */
struct sums {
	struct money_total cost;
	struct credits_total credits;
	int64_t records;
	int64_t tokens[BUCKET_COMMON];
	int64_t *rare; /* COUNT_RARE: the other buckets and the units; NULL while all are zero */
	/* COST_KINDS: what their sources say that they cost; NULL while none does */
	const struct recorded_cost *recorded;
	uint32_t unpriced,
		uncredited; /* records without a price / without credits; saturating is an error */
	/* records whose cost is known in part: of which the source has only the start of the
	 * answer, or that do not tell what their price depends on (unsaid) */
	int64_t placeholders, unsaid;
};
/* Whether the cost is a lower bound. */
static inline bool sums_at_least(const struct sums *s)
{
	return s->unpriced != 0 || s->placeholders != 0;
}

/* Which sums the run needs; the others are left out, so that a random access touches few cache
 * lines. */
struct group_layout {
	uint8_t bucket[BUCKET_COMMON]; /* the common buckets that can be other than zero */
	uint8_t bucket_count;
	bool credits;
};

/*
 * A group as it lies in the table. Behind the head stand the tokens of the layout's buckets, the
 * credits if the layout has them, and the key. Keys must tell their own length: no key may begin
 * with another one.
 */
struct group {
	struct money_total cost;
	uint32_t records; /* more than 4 billion records of one group are an error */
	uint32_t more;	  /* group_more's number; 0: none, as of most */
	int64_t tokens[];
};

/* What most groups have nothing of, apart, so that they take a line of the cache. */
struct group_more {
	uint32_t unpriced, placeholders, unsaid; /* never more than records */
	uint32_t rare, recorded; /* numbers of the table's rare sums and recorded costs; 0: none */
};

struct groups;
struct groups *groups_open(const uint64_t seed[2], const struct group_layout *layout);
void groups_close(struct groups *g);
size_t groups_count(const struct groups *g);

/* A key's hash; every key is padded with zeros to a multiple of 8 bytes by the caller. */
uint64_t groups_hash(const struct groups *g, const char *key, size_t padded_n);
void groups_prefetch_slot(const struct groups *g, uint64_t hash);
/* A group that the hash leads to, whose key was not looked at, on its way into the cache; or NULL.
 */
struct group *groups_guess(const struct groups *g, uint64_t hash);
/* The group of that key, made when it is new. The guess, which may be wrong or NULL, is tried
 * first.
 */
struct group *groups_need(struct groups *g, uint64_t hash, const char *key, uint32_t padded_n,
			  struct group *guess);
/* Adds every group of `from` to `to`; both have the same seed. False when a sum no longer fits. */
bool groups_merge(struct groups *to, const struct groups *from);
const char *group_key(const struct groups *g, const struct group *group);
/* Of a layout with credits. */
struct group_credit {
	struct credits_total total;
	uint64_t missing; /* records without credits */
};
struct group_credit *group_credits(const struct groups *g, struct group *group);
/* Made when the group has none. It stays until the next group gets its first. */
struct group_more *group_more(struct groups *g, struct group *group);
/* False when a sum no longer fits. */
bool group_add_rare(struct groups *g, struct group *group, const int64_t *rare);
/* The recorded costs of the group, made when it has none. They stay until the next group gets its
 * first. */
struct recorded_cost *group_recorded(struct groups *g, struct group *group);
/* Everything that the group adds up to; out->rare points into the table. */
void group_sums(const struct groups *g, const struct group *group, struct sums *out);
/* Adds the group to a sum; false when it no longer fits. */
bool group_add_to(const struct groups *g, const struct group *group, struct sums *to);
/* All groups, in no particular order; free() it. */
struct group **groups_list(const struct groups *g);

#endif
