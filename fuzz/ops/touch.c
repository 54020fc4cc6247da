// SPDX-License-Identifier: GPL-2.0
/*
 * Touches of memory that may not be there. Each thread has its own place to go back to.
 */
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include "ops.h"

static __thread sigjmp_buf back;
static __thread volatile sig_atomic_t touching;

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	if (!touching)
		finding("signal %d at %p, which is no touch of the arena", sig, info->si_addr);
	siglongjmp(back, sig);
}

void touch_init(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

int touch_read(uint64_t uaddr, uint64_t *val)
{
	int sig;

	count(touches);
	touching = 1;
	sig = sigsetjmp(back, 0);
	if (!sig)
		*val = *(volatile uint64_t *)uaddr;
	touching = 0;
	return sig;
}

int touch_write(uint64_t uaddr, uint64_t val)
{
	int sig;

	count(touches);
	touching = 1;
	sig = sigsetjmp(back, 0);
	if (!sig)
		*(volatile uint64_t *)uaddr = val;
	touching = 0;
	return sig;
}
