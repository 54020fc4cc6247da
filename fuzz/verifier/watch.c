// SPDX-License-Identifier: GPL-2.0
/*
 * What the program itself cannot tell: that it does not end, that the kernel complains
 *
 *	watcher --- fork --- worker: notes what it is about to do, in memory that
 *	   |                   |     both share
 *	   |                   +---- looks at the kernel's log after each program
 *	   +-- the worker has done the same thing for too long, or is gone
 *
 * An accepted program runs for 250 ms in its may_goto loops, and a little besides. One
 * that the watcher sees running for RUN_SECONDS does not end. The worker cannot be killed
 * then: its CPU never leaves the kernel, so that the watcher prints the program, and ends
 * the VM.
 *
 * An Oops in an interrupt ends the VM at once: each round is noted in the kernel's log.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "verifier.h"

#define RUN_SECONDS 10
#define LOAD_SECONDS 60		/* load.c sends signals after ten at most */
#define LOOKS_PER_SECOND 10
#define DEBUG_FACTOR 5		/* of a kernel for debugging */

static struct shared {
	uint64_t round;
	volatile uint64_t job;	/* counts them; 0: nothing that could take long */
	char doing[16];
	struct code code;
} *shared;

static int log_fd = -1;
static char complaint[512];

static void log_open(void)
{
	log_fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
	if (log_fd < 0 || lseek(log_fd, 0, SEEK_END) < 0)
		fuzz_die("cannot read the kernel's log: %m");
}

static bool is_complaint(const char *line)
{
	static const char *const words[] = {
		"WARNING:", "BUG:", "BUG ", "Oops", "KASAN", "UBSAN", "general protection fault",
		"unable to handle", "INFO: possible", "suspicious RCU", "rcu: INFO", "INFO: rcu",
		"soft lockup", "blocked for more than", "refcount_t:", "DEBUG_LOCKS_WARN_ON",
	};
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

/* What the kernel has complained of since the last time, or NULL */
const char *watch_complaint(void)
{
	const char *text;
	char line[2048];
	ssize_t len;

	while ((len = read(log_fd, line, sizeof(line) - 1)) > 0) {
		line[len] = 0;
		text = strchr(line, ';') ?: line;
		if (!is_complaint(text))
			continue;
		snprintf(complaint, sizeof(complaint), "%.*s", (int)strcspn(text, "\n"), text + 1);
		return complaint;
	}
	return NULL;
}

void watch_round(void)
{
	dprintf(log_fd, "<6>fuzz: verifier: seed %llu, round %llu\n", (unsigned long long)fuzz.seed,
		(unsigned long long)fuzz.round);
}

void watch_note(const struct code *c, const char *doing)
{
	static uint64_t nr;

	shared->job = 0;
	shared->round = fuzz.round;
	snprintf(shared->doing, sizeof(shared->doing), "%s", doing);
	if (c)
		shared->code = *c;
	shared->job = ++nr;
}

void watch_idle(void)
{
	shared->job = 0;
}

/*
 * Looks are counted, and not the time between them: a machine that is suspended, or has no
 * time for the VM, takes none from the program.
 */
static bool takes_too_long(uint64_t seconds)
{
	static uint64_t job, looks;

	if (job != shared->job)
		looks = 0;
	job = shared->job;
	return job && ++looks > seconds * LOOKS_PER_SECOND;
}

static void look(void)
{
	uint32_t factor = getenv("DEBUG") && *getenv("DEBUG") ? DEBUG_FACTOR : 1;
	bool loading = !strcmp(shared->doing, "load");
	uint32_t limit = (loading ? LOAD_SECONDS : RUN_SECONDS) * factor;

	if (!takes_too_long(limit))
		return;
	fuzz.round = shared->round;
	print_code(&shared->code);
	if (loading)
		finding("the verifier has not ended after %u s, nor by a signal", limit);
	finding("an accepted program does not end: %u s", limit);
}

/* The kernel has killed it: an Oops. */
static void __attribute__((noreturn)) worker_killed(int sig)
{
	const char *text = watch_complaint();

	fuzz.round = shared->round;
	print_code(&shared->code);
	finding("signal %d while it tried to %s this: %s", sig, shared->doing,
		text ?: "the kernel says nothing");
}

static void run_worker(void (*work)(void))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work();
	fflush(stdout);
	_exit(0);
}

/* An Oops kills the worker, not the VM. */
static void survive_oops(void)
{
	int fd = open("/proc/sys/kernel/panic_on_oops", O_WRONLY);

	if (fd < 0 || write(fd, "0", 1) != 1)
		fuzz_die("cannot write panic_on_oops: %m");
	close(fd);
}

/* Does the work in another process, and ends with its status */
void watch(void (*work)(void))
{
	int status;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fuzz_die("no memory");
	log_open();
	survive_oops();
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fuzz_die("cannot fork: %m");
	if (!pid) {
		close(log_fd);
		log_open();
		run_worker(work);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		usleep(1000000 / LOOKS_PER_SECOND);
		look();
	}
	if (WIFSIGNALED(status))
		worker_killed(WTERMSIG(status));
	exit(WEXITSTATUS(status));
}
