/*
 * Agents whose logs hold no counts that could be priced, or counts whose meaning is not public:
 * they are told by name, and nothing of them is counted.
 */
#include <stdio.h>

#include "base/peek.h"
#include "meter/formats/agent_call.h"

static const struct unread_document {
	const char *member[3]; /* of the document, ">" before one of an object in it */
	const char *why;
} documents[] = {
	{ { "seedLength" },
	  "the sessions of DeepSeek's own agent (dsh) are not read: which of their counts hold the "
	  "others is not known" },
	{ { "requesterUsername", "requests" },
	  "the chats of GitHub Copilot in VS Code tell no input tokens, so they cannot be counted; "
	  "its OpenTelemetry can" },
	{ { "kind", "v>requests" },
	  "the chats of GitHub Copilot in VS Code tell no input tokens, so they cannot be counted; "
	  "its OpenTelemetry can" },
};

static json_value *at(json_value *v, const char *name)
{
	const char *inner = strchr(name, '>');
	if (!inner)
		return json_member(v, name);
	char outer[40];
	snprintf(outer, sizeof outer, "%.*s", (int)(inner - name), name);
	return json_member(json_member(v, outer), inner + 1);
}

static const struct unread_document *unread_of(json_value *v)
{
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		bool all = true;
		for (int k = 0; k < 3 && documents[i].member[k]; k++)
			all = all && at(v, documents[i].member[k]);
		if (all)
			return &documents[i];
	}
	return NULL;
}

bool unread_agent_known(json_value *v)
{
	return unread_of(v) != NULL;
}

bool unread_agent_document(struct payload_reader *r, json_value *v, int64_t line)
{
	const struct unread_document *d = unread_of(v);
	struct err e;
	if (!d)
		return false;
	err_set(&e, ERR_INVALID, "%s", d->why);
	r->sink.refuse(r->sink.user, line, TEXT("{}"), &e);
	return true;
}

int warp_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	struct err why;
	(void)p;
	(void)e;
	err_set(&why, ERR_INVALID,
		"Warp's database tells credits and sums of tokens that are not told apart, so nothing "
		"of it is counted");
	r->sink.refuse(r->sink.user, 1, TEXT("{}"), &why);
	return 0;
}
