#include "meter/ledger/foresight.h"

#include <stdlib.h>

void foresight_forget(struct foresight *f)
{
	afresh_release(&f->afresh);
	free(f->afresh.lot);
	free(f->afresh.event);
	arena_reset(&f->arena);
	f->afresh = (struct afresh){ 0 };
	f->known = false;
	f->additions = f->grants = f->grants_before = 0;
}

void foresight_begin_earlier(struct foresight *f)
{
	f->back_us = f->back_us == 0		      ? afresh_back_us
		     : f->back_us < US_PER_DAY * 1000 ? f->back_us * afresh_back_times
						      : f->back_us;
	foresight_forget(f);
}

static struct text key_of(const int64_t *account)
{
	return (struct text){ (const char *)account, sizeof *account };
}

static struct foresight *of_account(const struct ledger *l, int64_t account)
{
	const uint64_t *at = dict_find(&l->foreseen, key_of(&account));
	return at ? l->foresight[*at] : NULL;
}

struct foresight *foresight_need(struct ledger *l, int64_t account)
{
	bool new;
	uint64_t *at = dict_need(&l->foreseen, key_of(&account), &new);
	if (new) {
		*at = l->foresights;
		l->foresight = mem_grow(l->foresight, (l->foresights + 1) * sizeof *l->foresight);
		l->foresight[l->foresights] = mem_zalloc(sizeof **l->foresight);
		l->foresight[l->foresights++]->account = account;
	}
	return l->foresight[*at];
}

void foresight_forget_all(struct ledger *l)
{
	for (size_t i = 0; i < l->foresights; i++) {
		foresight_forget(l->foresight[i]);
		arena_release(&l->foresight[i]->arena);
		free(l->foresight[i]->added);
		free(l->foresight[i]->grant);
		free(l->foresight[i]);
	}
	free(l->foresight);
	l->foresight = NULL;
	l->foresights = 0;
	dict_release(&l->foreseen);
}

/* --- what is added --- */

/* Of a transaction: what was used, or given back; *billed: an invoice has to do with it. */
static int64_t used_of(const struct ledger *l, bool *billed)
{
	int64_t used = 0;
	*billed = false;
	for (size_t i = 0; i < l->entries; i++) {
		const struct text pot = text_of(l->entry[i].pot);
		used += text_is(pot, "used") ? l->entry[i].nano : 0;
		*billed |= text_is(pot, "billed");
	}
	return used;
}

static void add(struct foresight *f, const struct afresh_event *v, bool marked)
{
	afresh_put(&f->afresh, v);
	if (!marked)
		return;
	f->added = mem_grow(f->added, (f->additions + 1) * sizeof *f->added);
	f->added[f->additions++] = *v;
}

static void add_grant(struct foresight *f, int64_t grant)
{
	f->grant = mem_grow(f->grant, (f->grants + 1) * sizeof *f->grant);
	f->grant[f->grants++] = grant;
}

void foresight_note(struct ledger *l, const struct posting *p)
{
	struct foresight *f = of_account(l, p->state->account.id);
	const struct text kind = text_of(p->kind);
	const bool draw = text_is(kind, "draw"), refund = text_is(kind, "refund");
	bool billed;
	const int64_t used = used_of(l, &billed);
	if (!f || !f->known)
		return;
	if (text_is(kind, "grant") && !f->divides &&
	    !carries_from(&f->afresh.carrying, (struct instant){ INT64_MIN })) {
		add_grant(f, l->entry[0].grant);
	} else if (p->usage_from || billed || !(draw || refund)) {
		foresight_forget(f);
	} else if (used && p->at.us < f->from.us) {
		foresight_begin_earlier(f);
	} else if (used) { /* else it was redone, which changes no fact */
		add(f,
		    &(struct afresh_event){ .kind = draw ? AFRESH_USE : AFRESH_REFUND,
					    .at = p->at,
					    .nano = draw ? used : -used },
		    l->marked);
	}
}

void foresight_mark(struct ledger *l)
{
	for (size_t i = 0; i < l->foresights; i++) {
		l->foresight[i]->additions = 0;
		l->foresight[i]->of_step = false;
		l->foresight[i]->grants_before = l->foresight[i]->grants;
	}
}

void foresight_undo(struct ledger *l)
{
	for (size_t i = 0; i < l->foresights; i++) {
		struct foresight *f = l->foresight[i];
		if (f->of_step)
			foresight_forget(f);
		if (f->grants > f->grants_before)
			f->grants = f->grants_before;
		while (f->additions > 0)
			afresh_drop(&f->afresh, &f->added[--f->additions]);
	}
}
