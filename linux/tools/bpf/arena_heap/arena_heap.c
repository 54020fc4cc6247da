// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * arena-heap: run a program with its heap in a BPF arena
 *
 * Problem. BPF programs can follow the pointers of a process if what they point to lies
 * in an arena. To create one takes CAP_BPF, which the program need not have, and that the
 * heap is in it from the first malloc() on takes a library that is preloaded.
 *
 *	arena-heap:  create the arena, write its header, pin it
 *	             ARENA_HEAP=PID:FD:...  LD_PRELOAD=arena_heap_preload.so libmimalloc.so.2
 *	             exec() PROGRAM
 *	PROGRAM:     the library maps the arena, and gives it to mimalloc
 *
 * PROGRAM replaces arena-heap and has its PID, so that signals, its exit status and its
 * parent are as without. A pin outlives it: a process that has nothing to do with it
 * afterwards, the watcher, removes it when PROGRAM has ended. What a watcher that was
 * killed has left, the next arena-heap with that path replaces.
 *
 * What the dynamic linker would ignore without a word is refused here: programs that are
 * setuid, linked statically, or of another architecture.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "arena_heap.h"

#ifndef ARENA_HEAP_LIBDIR
#define ARENA_HEAP_LIBDIR "/usr/local/lib/arena-heap"
#endif
#define LIBRARY "arena_heap_preload.so"
#define MIMALLOC "libmimalloc.so.2"

#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define MIB (1UL << 20)
#define MAX_MIB (ARENA_HEAP_MAX_BLOCKS * ARENA_HEAP_BLOCK / MIB)
/* Out of the way of the files that the program opens */
#define WANTED_FD 512

static const char usage[] =
	"usage: arena-heap [-m MIB] [-l] [-p PATH] [--] PROGRAM [ARGUMENT...]\n"
	"       arena-heap --stat PATH\n"
	"\n"
	"Runs PROGRAM with what it allocates by malloc() in a BPF arena, so that BPF\n"
	"programs can follow its pointers.\n"
	"\n"
	"  -m, --mib MIB   size of the heap, rounded up to a multiple of 32 (4064, the most)\n"
	"  -l, --limit     malloc() fails when it is full, rather than use other memory\n"
	"  -p, --pin PATH  pin the arena at PATH in a BPF file system while PROGRAM runs\n"
	"      --stat PATH say what an arena is like that is pinned at PATH\n"
	"  -h, --help      this text\n"
	"\n"
	"Whoever may load BPF programs that use the arena, or open its pin, reads and writes\n"
	"all of PROGRAM's heap: keys, passwords and pointers among it. Needs CAP_BPF.\n"
	"\n"
	"Exit status: PROGRAM's, or 125 if arena-heap fails, 126 if PROGRAM cannot be\n"
	"executed, 127 if it is not found.\n";

struct options {
	unsigned int blocks;
	unsigned int flags;
	const char *pin;
	const char *stat;
};

static void __attribute__((noreturn, format(printf, 2, 3)))
die(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("arena-heap: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

/* Options */

static unsigned int parse_mib(const char *text)
{
	unsigned long mib;
	char *end;

	errno = 0;
	mib = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !mib || mib > MAX_MIB)
		die(ARENA_HEAP_EXIT, "-m %s: expected a number of MiB from 1 to %lu%s", text,
		    MAX_MIB, mib > MAX_MIB && mib <= 4096 ?
		    " (an arena has at most 4096, and 32 are not the heap's)" : "");
	return (mib * MIB + ARENA_HEAP_BLOCK - 1) / ARENA_HEAP_BLOCK;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "limit", no_argument, NULL, 'l' },
		{ "pin", required_argument, NULL, 'p' },
		{ "stat", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "+m:lp:h", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			o->blocks = parse_mib(optarg);
			break;
		case 'l':
			o->flags |= ARENA_HEAP_LIMIT;
			break;
		case 'p':
			o->pin = optarg;
			break;
		case 's':
			o->stat = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(ARENA_HEAP_EXIT);
		}
	}
	if (o->stat ? optind < argc || o->pin : optind == argc)
		die(ARENA_HEAP_EXIT, o->stat ? "--stat PATH: takes nothing else" :
		    "no program given (arena-heap -h)");
}

/* The program: what can be known beforehand */

/* Where execvp() will find it; NULL if nowhere */
static char *find(const char *name)
{
	const char *dir = getenv("PATH") ?: "/bin:/usr/bin", *end;
	struct stat st;
	char *path;

	if (strchr(name, '/'))
		return strdup(name);
	for (;; dir = end + 1) {
		end = strchrnul(dir, ':');
		if (asprintf(&path, "%.*s%s%s", (int)(end - dir), dir, end > dir ? "/" : "",
			     name) < 0)
			die(ARENA_HEAP_EXIT, "no memory");
		if (!stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK))
			return path;
		free(path);
		if (!*end)
			return NULL;
	}
}

/* Does it get rights that its caller has not, for which LD_PRELOAD is ignored? */
static bool gains_rights(int fd, const struct stat *st)
{
	struct statvfs fs;

	if (!fstatvfs(fd, &fs) && fs.f_flag & ST_NOSUID)
		return false;
	return (st->st_mode & S_ISUID && st->st_uid != getuid()) ||
	       ((st->st_mode & 02010) == 02010 &&
		st->st_gid != getgid()) ||
	       (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0);
}

static bool has_interpreter(int fd, const ElfW(Ehdr) *elf)
{
	ElfW(Phdr) header;
	int i;

	for (i = 0; i < elf->e_phnum; i++)
		if (pread(fd, &header, sizeof(header), elf->e_phoff + i * sizeof(header)) ==
		    sizeof(header) && header.p_type == PT_INTERP)
			return true;
	return false;
}

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#endif

static void check_elf(const char *path, int fd)
{
	ElfW(Ehdr) elf;

	if (pread(fd, &elf, sizeof(elf), 0) != sizeof(elf) ||
	    memcmp(elf.e_ident, ELFMAG, SELFMAG))
		return;
	if (elf.e_machine != OUR_MACHINE || elf.e_ident[EI_CLASS] != ELFCLASS64)
		die(EXIT_NOT_EXECUTABLE,
		    "%s: of another architecture than the library that is to be preloaded", path);
	if (!has_interpreter(fd, &elf))
		die(EXIT_NOT_EXECUTABLE,
		    "%s: statically linked, no library can be preloaded into it", path);
}

static void check_file(const char *path, bool follow);

/* Of a script, its interpreter counts. */
static void check_script(int fd)
{
	char line[256], *name;
	ssize_t len;

	len = pread(fd, line, sizeof(line) - 1, 0);
	line[len > 0 ? len : 0] = 0;
	if (strncmp(line, "#!", 2))
		return;
	line[strcspn(line, "\n")] = 0;
	name = line + 2 + strspn(line + 2, " \t");
	name[strcspn(name, " \t")] = 0;
	check_file(name, false);
}

/* What cannot be looked at is execvp()'s affair. */
static void check_file(const char *path, bool follow)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && gains_rights(fd, &st))
		die(EXIT_NOT_EXECUTABLE,
		    "%s: setuid, setgid or with capabilities: no library is preloaded into it",
		    path);
	check_elf(path, fd);
	if (follow)
		check_script(fd);
	close(fd);
}

static void check_program(const char *name)
{
	char *path = find(name);

	if (path)
		check_file(path, true);
	free(path);
}

/* The libraries */

/* Beside arena-heap, as make leaves it, or where make install puts it */
static char *find_library(void)
{
	char *path, exe[PATH_MAX];
	ssize_t len;

	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len > 0 && !getauxval(AT_SECURE)) {
		exe[len] = 0;
		if (asprintf(&path, "%s/%s", dirname(exe), LIBRARY) < 0)
			die(ARENA_HEAP_EXIT, "no memory");
		if (!access(path, R_OK))
			return path;
		free(path);
	}
	path = strdup(ARENA_HEAP_LIBDIR "/" LIBRARY);
	if (access(path, R_OK))
		die(ARENA_HEAP_EXIT, "%s: %s", path, strerror(errno));
	return path;
}

static void preload(void)
{
	const char *old = getenv("LD_PRELOAD");
	char *path = find_library(), *list;

	if (strpbrk(path, ": "))
		die(ARENA_HEAP_EXIT, "%s: LD_PRELOAD can hold no path with a blank or a colon",
		    path);
	if (!dlopen(MIMALLOC, RTLD_LAZY | RTLD_LOCAL))
		die(ARENA_HEAP_EXIT, "%s (Debian's package libmimalloc2.0)", dlerror());
	if (asprintf(&list, "%s:%s%s%s", path, MIMALLOC, old ? ":" : "", old ?: "") < 0 ||
	    setenv("LD_PRELOAD", list, 1))
		die(ARENA_HEAP_EXIT, "no memory");
}

/* The arena */

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static const char *why_no_arena(int err)
{
	switch (err) {
	case EPERM:
		return "CAP_BPF is needed: be root, or setcap cap_bpf+ep arena-heap";
	case EINVAL: /* an unknown type of map */
		return "this kernel has no arenas (CONFIG_BPF_ARENA)";
	case EOPNOTSUPP:
		return "the kernel's JIT is off (sysctl net.core.bpf_jit_enable=1) or cannot do it";
	case ENOMEM:
		return "no memory, or there are too many arenas";
	}
	return "does this kernel have bpf(2)?";
}

static unsigned long long random_number(void)
{
	unsigned long long number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		die(ARENA_HEAP_EXIT, "getrandom: %s", strerror(errno));
	return number;
}

/*
 * Where no process has anything of its own, so that others can map the arena as well: far
 * below libraries and stack, far above programs at fixed addresses, and, with 48 bits,
 * below those that are not. With 39 bits of addresses (arm64) only the lower place is.
 */
static unsigned long pick_start(unsigned int blocks, bool low)
{
	unsigned long long number = random_number();
	unsigned long line = low ? 0x10 + number % 0x40 : 0x1000 + number % 0x4000;
	unsigned long block = 1 + (number >> 32) % (ARENA_HEAP_MAX_BLOCKS + 1 - blocks);

	return (line << 32) + block * ARENA_HEAP_BLOCK - ARENA_HEAP_HEADER;
}

static int create_at(const struct arena_heap_header *h, size_t size)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARENA,
		.map_flags = BPF_F_MMAPABLE,
		.max_entries = size / sysconf(_SC_PAGESIZE),
		.map_extra = h->start,
		.map_name = "arena_heap",
	};

	return sys_bpf(BPF_MAP_CREATE, &attr);
}

/* The program's process maps it anew: exec() drops this mapping. */
static int make_arena(struct arena_heap_header *h)
{
	size_t size = ARENA_HEAP_HEADER + h->blocks * ARENA_HEAP_BLOCK;
	bool low = false;
	int fd, tries;
	void *mem;

	for (tries = 0; tries < 16; tries++) {
		h->start = pick_start(h->blocks, low);
		fd = create_at(h, size);
		if (fd < 0 && errno == ERANGE && !low) {
			low = true;
			continue;
		}
		if (fd < 0)
			die(ARENA_HEAP_EXIT, "cannot create an arena: %s: %s", strerror(errno),
			    why_no_arena(errno));
		mem = mmap((void *)h->start, size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
		if (mem != MAP_FAILED) {
			memcpy(mem, h, sizeof(*h));
			return fd;
		}
		close(fd);
	}
	die(ARENA_HEAP_EXIT, "cannot map the arena: %s", strerror(errno));
}

/* Pins */

static int get_pin(const char *path)
{
	union bpf_attr attr = { .pathname = (unsigned long)path };

	return sys_bpf(BPF_OBJ_GET, &attr);
}

/* An arena of ours whose process has ended without its watcher noticing */
static bool is_stale(const char *path)
{
	struct arena_heap_header h;
	int fd = get_pin(path);
	bool stale;

	if (fd < 0)
		return false;
	stale = arena_heap_read_header(fd, &h) && (h.pid == (unsigned int)getpid() ||
					(kill(h.pid, 0) && errno == ESRCH));
	close(fd);
	return stale;
}

static void check_bpffs(const char *path)
{
	char *copy = strdup(path), *name = strdup(path);
	struct statfs fs;

	if (statfs(dirname(copy), &fs))
		die(ARENA_HEAP_EXIT, "--pin %s: %s: %s", path, copy, strerror(errno));
	if (fs.f_type != BPF_FS_MAGIC)
		die(ARENA_HEAP_EXIT,
		    "--pin %s: not in a BPF file system (mount -t bpf bpf /sys/fs/bpf)", path);
	if (strchr(basename(name), '.'))
		die(ARENA_HEAP_EXIT, "--pin %s: the BPF file system takes no name with a dot",
		    path);
	free(copy);
	free(name);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_ino;
}

static ino_t pin_arena(int fd, const char *path)
{
	union bpf_attr attr = { .pathname = (unsigned long)path, .bpf_fd = fd };

	check_bpffs(path);
	if (is_stale(path))
		unlink(path);
	if (sys_bpf(BPF_OBJ_PIN, &attr))
		die(ARENA_HEAP_EXIT, "--pin %s: %s", path,
		    errno != EEXIST ? strerror(errno) :
		    "there is something already, which is in use or not arena-heap's");
	return inode_of(path);
}

/* Not one that another arena-heap has put there since */
static void unpin(const char *path, ino_t inode)
{
	if (inode && inode_of(path) == inode)
		unlink(path);
}

/*
 * It is nobody's child, holds no file of anybody, and is not ended by what ends the
 * program's session or group.
 */
static void __attribute__((noreturn)) watch(int pidfd, const char *path, ino_t inode)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	while (poll(&ended, 1, -1) < 0 && errno == EINTR)
		;
	unpin(path, inode);
	_exit(0);
}

static void start_watcher(const char *path, ino_t inode)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	char *full = realpath(path, NULL);
	pid_t pid;

	if (pidfd < 0 || !full) {
		unpin(path, inode);
		die(ARENA_HEAP_EXIT, "--pin %s: %s", path, strerror(errno));
	}
	pid = fork();
	if (!pid) {
		if (fork())
			_exit(0);
		dup2(pidfd, 0);
		syscall(SYS_close_range, 1, ~0U, 0);
		if (chdir("/"))
			_exit(1);
		watch(0, full, inode);
	}
	if (pid < 0) {
		unpin(path, inode);
		die(ARENA_HEAP_EXIT, "fork: %s", strerror(errno));
	}
	waitpid(pid, NULL, 0);
	close(pidfd);
	free(full);
}

/* --stat */

static unsigned long long map_number(int fd, const char *name)
{
	unsigned long long value = 0;
	char path[64], line[128];
	size_t len = strlen(name);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && line[len] == ':')
			value = strtoull(line + len + 1, NULL, 0);
	if (file)
		fclose(file);
	return value;
}

static int show(const char *path)
{
	struct arena_heap_header h;
	int fd = get_pin(path);

	if (fd < 0)
		die(ARENA_HEAP_EXIT, "--stat %s: %s", path, strerror(errno));
	if (!arena_heap_read_header(fd, &h))
		die(ARENA_HEAP_EXIT, "--stat %s: not an arena of arena-heap", path);
	printf("pid %u\nheap 0x%llx\nsize %llu\nresident %llu\nlimit %d\nprograms %llu\n"
	       "outside %llu\ndid_not_fit %llu\nforks %llu\nfork_bytes %llu\nfork_us %llu\n"
	       "fork_failures %llu\n",
	       h.pid, (unsigned long long)h.start + ARENA_HEAP_HEADER,
	       (unsigned long long)h.blocks * ARENA_HEAP_BLOCK, map_number(fd, "memlock"),
	       !!(h.flags & ARENA_HEAP_LIMIT), (unsigned long long)h.programs,
	       (unsigned long long)h.outside, (unsigned long long)h.did_not_fit,
	       (unsigned long long)h.forks, (unsigned long long)h.fork_bytes,
	       (unsigned long long)h.fork_ns / 1000, (unsigned long long)h.fork_failures);
	return 0;
}

/* All together */

/* The number that the program gets; this one is closed on exec(). */
static int pass_on(int fd)
{
	int passed = fcntl(fd, F_DUPFD, WANTED_FD);

	if (passed < 0)
		passed = fcntl(fd, F_DUPFD, 3);
	if (passed < 0)
		die(ARENA_HEAP_EXIT, "no file descriptor for the arena: %s", strerror(errno));
	return passed;
}

static void set_env(const struct arena_heap_header *h, int fd)
{
	char text[128];

	snprintf(text, sizeof(text), ARENA_HEAP_FMT, h->pid, fd, (unsigned long long)h->cookie,
		 (unsigned long long)h->start, h->blocks, h->flags);
	if (setenv(ARENA_HEAP_ENV, text, 1))
		die(ARENA_HEAP_EXIT, "no memory");
}

int main(int argc, char **argv)
{
	struct options o = { .blocks = ARENA_HEAP_MAX_BLOCKS };
	struct arena_heap_header h;
	ino_t inode = 0;
	int fd, err;

	parse(argc, argv, &o);
	if (o.stat)
		return show(o.stat);
	check_program(argv[optind]);
	preload();
	h = (struct arena_heap_header){
		.magic = ARENA_HEAP_MAGIC, .version = ARENA_HEAP_VERSION, .pid = getpid(),
		.cookie = random_number(), .blocks = o.blocks, .flags = o.flags,
	};
	fd = make_arena(&h);
	if (o.pin) {
		inode = pin_arena(fd, o.pin);
		start_watcher(o.pin, inode);
	}
	set_env(&h, pass_on(fd));
	execvp(argv[optind], argv + optind);
	err = errno;
	if (o.pin)
		unpin(o.pin, inode);
	die(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, "%s: %s", argv[optind],
	    strerror(err));
}
