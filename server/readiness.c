#include "server/request.h"

#include <stdlib.h>

#include "base/clock.h"

/* A question whether the database works, which the writer may answer when nobody waits any more. */
struct probe {
	struct job *job;
	struct request *request; /* NULL: it was told that it takes too long */
	struct http *http;
	int64_t until_us;
	struct probe *next;
};

/* --- whether the database works --- */

static void unlink_probe(struct probe *p)
{
	for (struct probe **at = &p->http->probes; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			return;
		}
}

/* From the writer: the request that asked has its answer, unless it was told so already. */
static void probe_done(struct job *j)
{
	struct probe *p = j->user;
	struct http *h = p->http;
	pthread_mutex_lock(&h->probes_lock);
	struct request *r = p->request;
	if (r) {
		unlink_probe(p);
		r->probe = NULL;
		r->reply.status = j->status == 200 ? 200 : 503;
		buf_add(&r->reply.body, j->answer.p, j->answer.n);
		atomic_store(&r->done, true);
		microhttpd.MHD_resume_connection(r->connection);
	}
	pthread_mutex_unlock(&h->probes_lock);
	job_close(j);
	free(p);
}

void readiness_tell_waiting(void *user)
{
	struct http *h = user;
	const int64_t now_us = clock_monotonic_us();
	pthread_mutex_lock(&h->probes_lock);
	for (struct probe *p = h->probes, *next; p; p = next) {
		next = p->next;
		if (now_us < p->until_us)
			continue;
		struct request *r = p->request;
		unlink_probe(p);
		p->request = NULL;
		r->probe = NULL;
		r->reply.status = 503;
		buf_printf(&r->reply.body,
			   "{\"ready\":false,\"error\":{\"code\":\"store\",\"message\":\"the "
			   "database has not answered for %d seconds\"}}\n",
			   HTTP_READY_SECONDS);
		atomic_store(&r->done, true);
		microhttpd.MHD_resume_connection(r->connection);
	}
	pthread_mutex_unlock(&h->probes_lock);
}

enum MHD_Result ask_readiness(struct request *r)
{
	struct http *h = r->http;
	struct probe *p = mem_zalloc(sizeof *p);
	*p = (struct probe){ job_open(JOB_PROBE), r, h,
			     clock_monotonic_us() + HTTP_READY_SECONDS * US_PER_SECOND, NULL };
	p->job->done = probe_done;
	p->job->user = p;
	r->reply = (struct http_reply){ .status = 503, .type = "application/json" };
	r->submitted = r->commanded = true;
	r->probe = p;
	request_suspend(r);
	pthread_mutex_lock(&h->probes_lock);
	p->next = h->probes;
	h->probes = p;
	pthread_mutex_unlock(&h->probes_lock);
	if (writer_submit(h->o.writer, p->job))
		return MHD_YES;
	pthread_mutex_lock(&h->probes_lock);
	const bool waiting = !atomic_load(&r->done);
	if (waiting)
		unlink_probe(p);
	pthread_mutex_unlock(&h->probes_lock);
	job_close(p->job);
	free(p);
	if (!waiting)
		return MHD_YES; /* it was told meanwhile */
	r->probe = NULL;
	r->submitted = false;
	microhttpd.MHD_resume_connection(r->connection);
	return respond_error(r, 503, "busy", "too many requests are waiting for the database");
}
