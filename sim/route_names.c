#include "sim/route_names.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

enum kind { CUSTOMER, PROJECT, WORKLOAD, TASK, EFFORT, KINDS };
static const char *const kind_name[KINDS] = { "customer", "project", "workload", "task", "effort" };

struct met {
	const struct workload *w;
	bool *has[KINDS]; /* by number of the name */
	void (*tell)(void *user, const char *what, struct text name);
	void *user;
};

static void meet(struct met *m, const uint32_t name[KINDS])
{
	for (int k = 0; k < KINDS; k++)
		if (name[k] <= m->w->names)
			m->has[k][name[k]] = true;
}

/* The names of all calls, or of all kinds of calls where they are packed. */
static void meet_all(struct met *m)
{
	const struct workload *w = m->w;
	for (size_t i = 0; w->call && i < w->count; i++) {
		const struct work_call *c = &w->call[i];
		meet(m,
		     (uint32_t[KINDS]){ c->customer, c->project, c->workload, c->task, c->effort });
	}
	for (size_t i = 0; !w->call && i < w->whos; i++) {
		const struct work_who *c = &w->who[i];
		meet(m,
		     (uint32_t[KINDS]){ c->customer, c->project, c->workload, c->task, c->effort });
	}
	for (size_t i = 0; !w->call && i < w->conversations; i++)
		meet(m, (uint32_t[KINDS]){ [TASK] = w->talk[i].task });
}

static bool is_met(const struct met *m, enum kind k, struct text name)
{
	const uint64_t *n = dict_find(&m->w->dict, name);
	return n && m->has[k][*n];
}

/* Whether some call has it. */
static bool look(const struct met *m, enum kind k, struct text name)
{
	const bool met = name.n == 0 || is_met(m, k, name);
	if (!met)
		m->tell(m->user, kind_name[k], name);
	return met;
}

/* Whether calls have each of its names. */
static bool look_at_rule(const struct met *m, const struct route *r, size_t rule)
{
	const struct route_rule *u = rule < r->rules ? &r->rule[rule] : &r->escalate_when;
	bool all = look(m, CUSTOMER, u->customer);
	all &= look(m, PROJECT, u->project);
	all &= look(m, WORKLOAD, u->workload);
	all &= look(m, TASK, u->task);
	all &= look(m, EFFORT, u->effort);
	bool met = u->model.n == 0;
	for (uint32_t i = 0; i < m->w->subjects && !met; i++)
		met = route_rule_means(r, rule, m->w, i);
	if (!met)
		m->tell(m->user, "model", u->model);
	return all && met;
}

/* Names that are not met say it of their rule; of others its number does. */
static void look_at_rules(const struct met *m, const struct route *r,
			  const struct whatif_result *got)
{
	for (size_t i = 0; i < r->rules; i++) {
		char number[24];
		snprintf(number, sizeof number, "%zu", i + 1);
		if (look_at_rule(m, r, i) && got && !got->decides[i])
			m->tell(m->user, "rule", text_of(number));
	}
}

static bool has_answered(const struct whatif_result *got, const struct route_target *t)
{
	bool has = false;
	for (size_t i = 0; i < got->models; i++)
		has |= got->model[i].records && text_eq(got->model[i].model, t->model) &&
		       (!t->provider.n || text_eq(got->model[i].provider, t->provider));
	return has;
}

/* Models that answered nothing, and an escalation that sent nothing on. */
static void look_at_targets(const struct met *m, const struct route *r,
			    const struct whatif_result *got)
{
	for (uint32_t i = 0; i < r->targets; i++)
		if (!has_answered(got, &r->target[i]) && !(r->escalates && i == r->escalate_to))
			m->tell(m->user, "target", r->target[i].model);
	if (r->escalates && !got->escalated)
		m->tell(m->user, "escalation", r->target[r->escalate_to].model);
}

/* Names of conversations, their numbers, and tasks. */
static void look_at_escalated(const struct met *m, const struct route *r)
{
	const struct workload *w = m->w;
	struct dict met = { 0 };
	for (size_t i = 0; i < w->conversations; i++) {
		char id[24];
		snprintf(id, sizeof id, "%lld", (long long)w->conversation_id[i]);
		if (dict_find(&r->escalated, text_of(id)))
			*dict_need(&met, text_of(id), NULL) = 1;
		if (w->conversation_name[i] &&
		    dict_find(&r->escalated, text_of(w->conversation_name[i])))
			*dict_need(&met, text_of(w->conversation_name[i]), NULL) = 1;
	}
	for (size_t i = 0; i < r->escalated_names; i++)
		if (!dict_find(&met, r->escalated_name[i]) &&
		    !is_met(m, TASK, r->escalated_name[i]))
			m->tell(m->user, "conversation or task", r->escalated_name[i]);
	dict_release(&met);
}

void route_names_unmet(const struct route *r, const struct workload *w,
		       const struct whatif_result *got,
		       void (*tell)(void *user, const char *what, struct text name), void *user)
{
	struct met m = { .w = w, .tell = tell, .user = user };
	if (got)
		look_at_targets(&m, r, got);
	if (!r->rules && !r->waits && !r->escalates)
		return;
	for (int k = 0; k < KINDS; k++)
		m.has[k] = mem_zalloc((w->names + 1) * sizeof *m.has[k]);
	meet_all(&m);
	look_at_rules(&m, r, got);
	for (size_t i = 0; i < r->waits; i++)
		look(&m, WORKLOAD, r->wait[i]);
	if (r->escalates)
		look_at_rule(&m, r, r->rules);
	if (r->by_name)
		look_at_escalated(&m, r);
	for (int k = 0; k < KINDS; k++)
		free(m.has[k]);
}
