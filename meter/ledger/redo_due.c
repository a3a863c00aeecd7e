/* From which instant an account's draws have to be redone, until they are. */
#include "meter/ledger/ledger_parts.h"

static int64_t added(int64_t doubt, int64_t nano)
{
	return __builtin_add_overflow(doubt, nano, &doubt) ? INT64_MAX : doubt;
}

static void merge(struct redoing *r, const struct redoing *with)
{
	const bool any = r->account != 0;
	r->from = !any || with->from.us < r->from.us ? with->from : r->from;
	r->now = !any || with->now.us > r->now.us ? with->now : r->now;
	r->doubt = !any || with->doubt > r->doubt ? with->doubt : r->doubt;
	r->account = with->account;
}

void ledger_redo_from(struct state *s, struct instant from, struct instant now)
{
	merge(&s->redo, &(struct redoing){ s->account.id, from, now, INT64_MAX });
}

void ledger_redo_after(struct state *s, struct instant from, struct instant now, int64_t nano)
{
	const int64_t doubt = added(s->redo.account ? s->redo.doubt : 0, nano);
	if (from.us != INSTANT_MAX.us || s->redo.account)
		merge(&s->redo, &(struct redoing){ s->account.id, from, now, doubt });
}

/* One of each account. */
static void keep(struct redoing **list, size_t *count, const struct redoing *r)
{
	size_t i = 0;
	while (i < *count && (*list)[i].account != r->account)
		i++;
	if (i == *count) {
		*list = mem_grow(*list, (*count + 1) * sizeof **list);
		(*list)[(*count)++] = (struct redoing){ 0 };
	}
	merge(&(*list)[i], r);
}

void ledger_keep_redoing(struct ledger *l)
{
	for (size_t i = 0; i < l->states; i++)
		for (int k = 0; k < (l->marked ? 2 : 1); k++) {
			const struct state *s = l->state[i];
			const struct redoing *r = k ? &s->before : &s->redo;
			if (r->account)
				keep(&l->waiting, &l->waits, r);
		}
}

void ledger_go_on_redoing(struct ledger *l, struct state *s)
{
	for (size_t i = 0; i < l->waits; i++)
		if (l->waiting[i].account == s->account.id) {
			merge(&s->redo, &l->waiting[i]);
			s->before = s->redo;
			l->waiting[i] = l->waiting[--l->waits];
			return;
		}
}

int ledger_redo_repaid(struct ledger *l, struct state *s, struct instant now, struct err *e)
{
	if (s->account.owed.nano <= 0)
		return 0;
	int rc = ledger_need_carrying(l, s, e);
	for (size_t i = 0; rc == 0 && i < s->lots; i++) {
		const struct instant from = s->lot[i].effective;
		if (s->lot[i].left.atto > 0 && from.us <= now.us &&
		    carries_from(&s->carrying, from))
			ledger_redo_from(s, from, now);
	}
	return rc;
}
