#include "meter/billing/hook.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

struct hook_run {
	pid_t pid; /* 0: it has ended */
	int64_t until_us;
	bool ok;
	int output; /* the reading end of what it prints; -1: closed */
	size_t printed;
	bool in_line; /* what it printed last ends in no newline */
};

/* Between fork and exec: only what is safe there. A group of its own, so that it ends as a whole.
 */
static _Noreturn void become(char *const argv[], const int input[2], const int output[2])
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t none;
	setpgid(0, 0);
	sigaction(SIGPIPE, &act, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(input[0], STDIN_FILENO);
	dup2(output[1], STDOUT_FILENO);
	dup2(output[1], STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

static void close_both(const int fd[2])
{
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
}

/* Starts it; *output is what to read of it then. 0 or below: it could not be started. */
static pid_t start(char *const argv[], struct text document, int *output)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	pid_t pid = -1;
	/* less than a pipe holds, and its reading end is open here: this neither waits nor fails,
	 * whatever the hook does */
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
	    fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0 &&
	    write(in[1], document.p, document.n) == (ssize_t)document.n)
		pid = fork();
	if (pid == 0)
		become(argv, in, out);
	close_both(in);
	*output = pid > 0 ? out[0] : -1;
	if (pid > 0)
		out[0] = -1;
	close_both(out);
	return pid;
}

struct hook_run *hook_start(const char *hook, struct text document, int64_t now_us)
{
	char *own = mem_text(hook);
	bool web = strncmp(hook, "http://", 7) == 0 || strncmp(hook, "https://", 8) == 0;
	char *const curl[] = { (char[]){ "curl" },
			       (char[]){ "-fsS" },
			       (char[]){ "-m" },
			       (char[]){ "20" },
			       (char[]){ "-H" },
			       (char[]){ "Content-Type: application/json" },
			       (char[]){ "--data-binary" },
			       (char[]){ "@-" },
			       own,
			       NULL };
	char *const shell[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, own, NULL };
	struct hook_run *r = NULL;
	int output = -1;
	const pid_t pid =
		document.n <= HOOK_INPUT_MOST ? start(web ? curl : shell, document, &output) : -1;
	free(own);
	if (pid > 0) {
		setpgid(pid, pid); /* whoever is first of the two */
		r = mem_zalloc(sizeof *r);
		r->pid = pid;
		r->output = output;
		r->until_us = now_us + (int64_t)HOOK_SECONDS * 1000000;
	}
	return r;
}

/* The log has lines of its own. */
static void close_output(struct hook_run *r)
{
	if (r->output >= 0)
		close(r->output);
	if (r->in_line && write(STDERR_FILENO, "\n", 1) == 1)
		r->in_line = false;
	r->output = -1;
}

/* What it has printed since, to standard error; who prints more than HOOK_OUTPUT_MOST finds nobody
 * who reads it, which ends most programs. */
static void pass_on(struct hook_run *r)
{
	char room[4096];
	ssize_t n;
	while (r->output >= 0 && (n = read(r->output, room, sizeof room)) > 0) {
		const size_t left = HOOK_OUTPUT_MOST - r->printed,
			     taken = (size_t)n < left ? (size_t)n : left;
		const bool written = write(STDERR_FILENO, room, taken) == (ssize_t)taken;
		r->printed += taken;
		r->in_line = room[taken - 1] != '\n';
		if (!written || r->printed == HOOK_OUTPUT_MOST)
			close_output(r);
	}
}

/* With all that it started: the group is its own as long as it has not been waited for. */
static pid_t end_group(struct hook_run *r, int *status)
{
	kill(-r->pid, SIGKILL);
	const pid_t got = waitpid(r->pid, status, 0);
	pass_on(r);
	close_output(r);
	return got;
}

bool hook_ended(struct hook_run *r, int64_t now_us, bool *ok)
{
	int status = 1;
	if (r->pid) {
		siginfo_t info = { 0 };
		pass_on(r);
		const bool runs =
			waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid == 0;
		if (runs && now_us < r->until_us)
			return false;
		const pid_t got = end_group(r, &status);
		r->ok = got == r->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
		r->pid = 0;
	}
	*ok = r->ok;
	return true;
}

void hook_close(struct hook_run *r)
{
	if (!r)
		return;
	if (r->pid)
		end_group(r, NULL);
	free(r);
}
