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
};

/* Between fork and exec: only what is safe there. A group of its own, so that it ends as a whole.
 */
static _Noreturn void become(char *const argv[], const int input[2])
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t none;
	setpgid(0, 0);
	sigaction(SIGPIPE, &act, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(input[0], STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close(input[0]);
	close(input[1]);
	execvp(argv[0], argv);
	_exit(127);
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
	pid_t pid = -1;
	int fd[2];
	if (document.n <= HOOK_INPUT_MOST && pipe2(fd, O_CLOEXEC) == 0) {
		/* less than a pipe holds, and its reading end is open here: this neither waits nor
		 * fails, whatever the hook does */
		if (fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0 &&
		    write(fd[1], document.p, document.n) == (ssize_t)document.n)
			pid = fork();
		if (pid == 0)
			become(web ? curl : shell, fd);
		close(fd[0]);
		close(fd[1]);
	}
	free(own);
	if (pid > 0) {
		setpgid(pid, pid); /* whoever is first of the two */
		r = mem_zalloc(sizeof *r);
		r->pid = pid;
		r->until_us = now_us + (int64_t)HOOK_SECONDS * 1000000;
	}
	return r;
}

bool hook_ended(struct hook_run *r, int64_t now_us, bool *ok)
{
	int status = 1;
	if (r->pid) {
		pid_t got = waitpid(r->pid, &status, WNOHANG);
		if (got == 0 && now_us >= r->until_us) {
			kill(-r->pid, SIGKILL);
			got = waitpid(r->pid, &status, 0);
		}
		if (got == 0)
			return false;
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
	if (r->pid) {
		kill(-r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	free(r);
}
