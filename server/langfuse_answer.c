#include "server/langfuse_answer.h"

#include "base/json.h"

static void put_list(struct job *j, const char *name, bool refused)
{
	size_t n = 0;
	buf_printf(&j->answer, "\"%s\":[", name);
	for (size_t i = 0; i < j->event_count; i++) {
		const struct job_event *event = &j->event[i];
		if ((event->status != 0) != refused)
			continue;
		buf_puts(&j->answer, n++ ? ",{\"id\":" : "{\"id\":");
		json_put_string(&j->answer, event->id);
		buf_printf(&j->answer, ",\"status\":%d", refused ? event->status : 201);
		if (refused) {
			buf_puts(&j->answer, ",\"message\":");
			json_put_string(&j->answer, event->why);
		}
		buf_puts(&j->answer, "}");
	}
	buf_puts(&j->answer, "]");
}

void langfuse_answer(struct job *j)
{
	j->status = 207;
	j->answer.n = 0;
	buf_puts(&j->answer, "{");
	put_list(j, "successes", false);
	buf_puts(&j->answer, ",");
	put_list(j, "errors", true);
	buf_puts(&j->answer, "}\n");
}
