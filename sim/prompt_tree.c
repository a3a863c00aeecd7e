#include "sim/prompt_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* Whether the input of a call lies behind its client's last mark. A prompt that its model kept for
 * being too short tells nothing of marks: others of the conversation do. */
static bool is_unmarked(const struct model_cache *recorded, int64_t prompt, bool marks)
{
	return recorded->bills_writes &&
	       (prompt >= recorded->rules.minimum || (recorded->rules.breakpoints && !marks));
}

/* Tips are the calls that nothing goes on from yet, the newest first; a prompt goes on from one of
 * so many. */
enum { TIPS_MOST = 64 };

struct growing {
	struct prompt_tree *tree;
	uint32_t newest;	   /* tip: 1 + its place */
	int64_t smallest, longest; /* prompts so far */
	bool hits;		   /* some call has hits on record */
	bool one_cache;		   /* has answered all calls so far */
};

/* Whether the cache that answered call i, `of`, may still have an earlier call's prompt. */
static bool is_recent(const struct prompt_tree *t, uint32_t i, uint32_t earlier,
		      const struct model_cache *of)
{
	return !of->contract ||
	       t->call[i].time_us - t->call[earlier].time_us <= of->contract->life_us[CACHE_SHORT];
}

/* What the recorded cache, `of`, would have found, did call i go on from that tip of its own, with
 * which it has so much in common. */
static inline int64_t expected_of(const struct prompt_tree *t, uint32_t i, uint32_t tip,
				  const struct model_cache *of, int64_t shared)
{
	const struct cache_contract *k = of->contract;
	shared = least(shared, told_reach(t, tip));
	if (!k)
		return shared;
	shared = whole_quanta(least(shared, told_prompt(t, i) - k->computed), k->quantum);
	return shared < k->minimum ? 0 : shared;
}

/* The same of any tip; -1: not known. */
static int64_t expected(const struct prompt_tree *t, uint32_t i, uint32_t tip,
			const struct model_cache *of)
{
	int64_t shared = least(told_prompt(t, tip), told_prompt(t, i));
	for (; t->recorded[tip] != t->recorded[i]; tip = t->told[tip].parent - 1) {
		if (!t->told[tip].parent)
			return -1;
		shared = least(shared, t->told[tip].step);
	}
	return is_recent(t, i, tip, of) ? expected_of(t, i, tip, of, shared) : -1;
}

/* Tips that call i could go on from, each 1 + its place. */
struct candidates {
	uint32_t fits;	 /* its prompt has room for that one's */
	uint32_t proven; /* the record found exactly that one's */
	uint32_t longer; /* the record found less than that one's */
};

/* A tip that the prompt has room for, and how long that one is. */
struct fitting {
	uint32_t tip; /* 1 + its place; 0: none yet */
	int64_t prompt;
};

/* Takes the tip in place of the one so far, where that is not half as long; whether one is. Without
 * branches: nobody can foresee how long prompts are. */
static inline bool take_fitting(struct fitting *best, uint32_t tip, int64_t prompt, int64_t now)
{
	const int64_t half = now / 2;
	const bool takes = (prompt <= now) & (best->prompt < half) & (prompt > best->prompt);
	best->tip = takes ? tip : best->tip;
	best->prompt = takes ? prompt : best->prompt;
	return best->prompt >= half;
}

static struct candidates look_at_tips(const struct growing *g, uint32_t i)
{
	const struct prompt_tree *t = g->tree;
	const struct model_cache *cache = cache_on_record(t, i);
	const int64_t read = t->call[i].tokens[BUCKET_CACHE_READ], now = told_prompt(t, i);
	const uint32_t answers = t->recorded[i];
	struct candidates of = { 0 };
	struct fitting fits = { 0, -1 }, own = { 0, -1 };
	uint32_t tip = g->newest;
	bool hits = g->hits; /* older tips come earlier: once one is too old, all are */
	for (int n = 0; tip && n < TIPS_MOST; n++, tip = t->told[tip - 1].older) {
		const int64_t prompt = told_prompt(t, tip - 1);
		hits = hits && is_recent(t, i, tip - 1, cache);
		take_fitting(&fits, tip, prompt, now);
		if (t->recorded[tip - 1] != answers)
			continue;
		if (take_fitting(&own, tip, prompt, now) && !hits)
			break;
		if (!hits)
			continue;
		const int64_t there = expected_of(t, i, tip - 1, cache, least(prompt, now));
		if (there == read && read > 0) {
			of.proven = tip;
			break;
		}
		if (there > read && !of.longer)
			of.longer = tip;
	}
	/* helpers often run on another model, and a thread stays on its own */
	of.fits = own.tip && own.prompt >= now / 2 ? own.tip : fits.tip;
	return of;
}

/* Of the newest thread an earlier prompt that is exactly as long: it is asked again. Else its end,
 * where that is longer by a hundredth at most: some of it was removed. */
static uint32_t taken_back(const struct growing *g, uint32_t i)
{
	const struct prompt_tree *t = g->tree;
	const uint32_t newest = g->newest;
	uint32_t at = newest;
	for (int n = 0; at && n < TIPS_MOST; n++, at = t->told[at - 1].parent)
		if (told_prompt(t, at - 1) == told_prompt(t, i))
			return at;
	return newest && told_prompt(t, i) >= told_prompt(t, newest - 1) / 100 * 99 ? newest : 0;
}

/* Call i goes on from that one, as far as `step`. */
static void go_on(struct growing *g, uint32_t i, uint32_t from, int64_t step)
{
	struct prompt_tree *t = g->tree;
	t->told[i].parent = from;
	t->told[i].step = least(step, least(told_prompt(t, from - 1), told_prompt(t, i)));
	const struct cache_contract *k = cache_on_record(t, i)->contract;
	if (step == t->told[i].step && k && k->breakpoints[CACHE_SHORT])
		t->told[i].doubt = STEP_MARKED;
	if (t->told[i].step < told_prompt(t, from - 1))
		return; /* a branch: others may still go on from its end */
	uint32_t *link = &g->newest;
	for (int n = 0; *link && n < TIPS_MOST; n++, link = &t->told[*link - 1].older)
		if (*link == from) {
			*link = t->told[from - 1].older;
			return;
		}
}

/* Whether call i found less of that one than was kept, for whole units are found only: the rest of
 * it may have been changed. */
static bool leaves_end(const struct prompt_tree *t, uint32_t i, uint32_t from)
{
	return t->call[i].tokens[BUCKET_CACHE_READ] < least(told_prompt(t, i), told_reach(t, from));
}

/* What call i has in common with any call before it at most: its own cache had all of them, and
 * found less. */
static int64_t told_most(const struct growing *g, uint32_t i)
{
	const struct prompt_tree *t = g->tree;
	const struct model_cache *of = cache_on_record(t, i);
	const struct cache_contract *k = of->contract;
	const int64_t read = t->call[i].tokens[BUCKET_CACHE_READ];
	if (!g->hits || !g->one_cache || !k || k->breakpoints[CACHE_SHORT] || of->bills_writes ||
	    k->settle_us || !is_recent(t, i, 0, of) ||
	    read >= whole_quanta(told_prompt(t, i) - k->computed, k->quantum))
		return INT64_MAX;
	return (read ? read + most(k->quantum, 1) : most(k->minimum, k->quantum)) - 1;
}

/* Of which calls the hit on record may have been, other than the one that it was taken for. */
static void doubt_name(struct prompt_tree *t, uint32_t i)
{
	struct told *told = &t->told[i];
	const int64_t read = t->call[i].tokens[BUCKET_CACHE_READ];
	const struct model_cache *of = cache_on_record(t, i);
	told->named = true;
	told->maybe = told->parent;
	for (uint32_t n = 0, j = i; n < TIPS_MOST && j-- > 0 && is_recent(t, i, j, of); n++)
		if (j + 1 != told->parent && told_reach(t, j) >= read) {
			told->named = false;
			told->maybe = j < told->maybe ? j + 1 : told->maybe;
		}
}

static void place(struct growing *g, uint32_t i)
{
	struct prompt_tree *t = g->tree;
	const struct work_call *now = &t->call[i];
	const int64_t read = now->tokens[BUCKET_CACHE_READ];
	uint32_t *newest = &g->newest;
	int64_t *smallest = &g->smallest;
	t->told[i].common_most = INT64_MAX;
	g->one_cache &= t->recorded[i] == t->recorded[0] && now->requests <= 1;
	if (now->requests > 1) /* a sum of prompts has no place in a conversation */
		return;
	t->told[i].common_most = told_most(g, i);
	const struct candidates of = look_at_tips(g, i);
	const int64_t there =
		of.fits && g->hits ? expected(t, i, of.fits - 1, cache_on_record(t, i)) : -1;
	uint32_t back;
	if (of.proven) {
		go_on(g, i, of.proven, INT64_MAX);
		t->told[i].doubt |= leaves_end(t, i, of.proven - 1) ? STEP_END : 0;
	} else if (of.longer && (!of.fits || (there >= 0 && there < read))) {
		go_on(g, i, of.longer, read);
	} else if (of.fits) {
		go_on(g, i, of.fits, there > read ? read : INT64_MAX);
		t->told[i].doubt |= there < 0 || (there == 0 && read == 0)	     ? STEP_UNPROVEN
				    : there == read && leaves_end(t, i, of.fits - 1) ? STEP_END
										     : 0;
	} else if ((back = taken_back(g, i)) != 0) {
		go_on(g, i, back, INT64_MAX);
		t->told[i].doubt = STEP_GUESSED;
	} else if (*newest) {
		t->told[i].may = least(*smallest, told_prompt(t, i));
	}
	if (t->told[i].parent && !(t->told[i].doubt & (STEP_UNPROVEN | STEP_GUESSED))) {
		t->told[i].proven = least(read, t->told[i].step);
		doubt_name(t, i);
	}
	t->told[i].longest = least(g->longest, told_prompt(t, i));
	g->longest = most(g->longest, told_prompt(t, i));
	*smallest = *newest ? least(*smallest, told_prompt(t, i)) : told_prompt(t, i);
	t->told[i].older = *newest;
	*newest = i + 1;
}

void prompt_tree_make(struct prompt_tree *t, const struct work_call *call, size_t calls,
		      const uint32_t *recorded)
{
	struct growing g = { .tree = t, .one_cache = true };
	if (calls > t->room) {
		free(t->own);
		t->room = calls * 2;
		t->own = mem_alloc(t->room * sizeof *t->own);
	}
	t->call = call;
	t->recorded = recorded;
	t->told = t->own;
	if (calls)
		memset(t->told, 0, calls * sizeof *t->told);
	bool marks = false;
	for (size_t i = 0; i < calls; i++) {
		const int64_t *n = call[i].tokens;
		t->told[i].prompt = work_prompt(&call[i]);
		g.hits |= n[BUCKET_CACHE_READ] > 0;
		marks |= (n[BUCKET_CACHE_READ] | n[BUCKET_CACHE_WRITE_5M] |
			  n[BUCKET_CACHE_WRITE_1H]) > 0;
	}
	for (uint32_t i = 0; i < calls; i++) {
		t->told[i].unmarked = is_unmarked(cache_on_record(t, i), told_prompt(t, i), marks);
		place(&g, i);
	}
}

void prompt_tree_share(struct prompt_tree *t, const struct prompt_tree *with)
{
	t->call = with->call;
	t->recorded = with->recorded;
	t->told = with->told;
}

void prompt_tree_release(struct prompt_tree *t)
{
	free(t->own);
}
