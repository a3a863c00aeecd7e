/* From which instant an account's draws have to be redone, until they are. */
#include "meter/ledger/ledger_parts.h"

void ledger_redo_from(struct state *s, struct instant from, struct instant now)
{
	struct redoing *r = &s->redo;
	r->from = !r->account || from.us < r->from.us ? from : r->from;
	r->now = !r->account || now.us > r->now.us ? now : r->now;
	r->account = s->account.id;
}

void ledger_keep_redoing(struct ledger *l)
{
	for (size_t i = 0; i < l->states; i++) {
		if (!l->state[i]->redo.account)
			continue;
		l->waiting = mem_grow(l->waiting, (l->waits + 1) * sizeof *l->waiting);
		l->waiting[l->waits++] = l->state[i]->redo;
	}
}

void ledger_go_on_redoing(struct ledger *l, struct state *s)
{
	for (size_t i = 0; i < l->waits; i++)
		if (l->waiting[i].account == s->account.id)
			ledger_redo_from(s, l->waiting[i].from, l->waiting[i].now);
}

void ledger_redo_repaid(struct state *s, struct instant now)
{
	if (s->account.overage != OVERAGE_DEBT)
		return;
	for (size_t i = 0; i < s->lots; i++)
		if (s->lot[i].left.atto > 0 && s->lot[i].effective.us <= now.us)
			ledger_redo_from(s, s->lot[i].effective, now);
}
