# SPDX-License-Identifier: GPL-2.0
#
# The front door. The work is done by scripts/ and vm/run; each takes -h.

# make test and make check go through both unless told which; everything else is
# for this machine's architecture then.
arches := $(or $(ARCH),x86_64 arm64)
export ARCH PAGES DEBUG ONLY JOBS LONG CONFIG DBG FLAVOUR TIME SEED ROUND CMD
comma := ,

# SERIES=none: the same for the kernel without the series.
kernel-args := $(if $(filter none,$(SERIES)),base)

.NOTPARALLEL:
.PHONY: help source run sdk example bench fuzz coverage test test-plain test-one test-quick \
	mutants vmtest abi test-all test-peer test-pages test-base test-versions test-corpus test-long base kernel deb \
	fresh shell tree export series check check-style check-sparse check-shell check-builds clean

help:
	@echo 'make run      the main job: boot the VM and compare the key/value servers'
	@echo 'make test     all tests, on both architectures or on ARCH=x86_64 or arm64'
	@echo '              (ONLY=GLOB or GLOB,GLOB for some of them: ONLY="*vm*")'
	@echo '              (DEBUG=1: what runs in the kernel, with KASAN, lockdep, leak detector and'
	@echo '              fault injection, then with KCSAN; DEBUG=kcsan: the latter alone)'
	@echo '              (T=NAME: one self-test, T=arena_alloc/hazard_12; QUICK=1: what breaks by an'
	@echo '              edit; both for this machine or for ARCH)'
	@echo 'make fresh    make test in a clone on a Debian that has nothing but make and git'
	@echo '              (CMD="make test ONLY=45-docs": something else; as root)'
	@echo 'make test-peer   our programs on Debian'"'"'s 6.12 and on the newest kernel that it has,'
	@echo '              later ones on ours (fetches 110 MB)'
	@echo 'make test-long   a night of what make test has no time for (scripts/long list: the'
	@echo '              steps; ONLY=GLOB: some of them)'
	@echo 'make test-pages  self-tests and sample on arm64 kernels with 16 and 64 KiB pages'
	@echo 'make test-versions  the series compiles on every linux-source-6.1 that there is'
	@echo 'make abi      does a module that was built for the kernel without the series load?'
	@echo 'make bench    what arenas cost, in instructions beside Debian'"'"'s 6.12, and in time'
	@echo '              beside C (QUICK=1: fewer rounds; ONLY="pages/*": some rows; RUNS=N:'
	@echo '              boots of each kernel)'
	@echo 'make fuzz     random operations, programs and verifier input (TIME=60: seconds each;'
	@echo '              SEED=N; ONLY="ops,progs": some parts; ROUND=N: of one; DEBUG=1)'
	@echo 'make vmtest   the self-tests by the kernel'"'"'s own vmtest.sh, on the configuration that'
	@echo '              it has for them (CMD="./test_progs -t arena_doc": something else; as root)'
	@echo 'make mutants  does make test notice when the code is wrong? (an hour or more;'
	@echo '              ONLY="pool/*": some of mutants/; ARCH)'
	@echo 'make coverage which lines of the series never run (x86-64; TIME=60: seconds of fuzzing'
	@echo '              each; ONLY=GLOB: of these suites)'
	@echo 'make kernel   out/ARCH/{bzImage,vmlinux,config} (DEBUG=1: with KASAN, lockdep, ...;'
	@echo '              SERIES=none: the kernel without the series, in out/base-ARCH;'
	@echo '              PAGES=16k or 64k, with ARCH=arm64: in out/arm64-16k, out/arm64-64k)'
	@echo 'make sdk      headers, libbpf, bpftool and vmlinux.h for programs of your own, in out/ARCH/sdk'
	@echo 'make example  build and run one of examples/ in the VM (NAME=list, counter, heap, xdp)'
	@echo 'make deb      Debian packages of kernel, libbpf and bpftool, in out/deb/ARCH'
	@echo '              (FLAVOUR=cloud: from the configuration of that name of Debian;'
	@echo '              CONFIG=PATH: from another one; CONFIG=vm: of what make kernel builds; DBG=1: -dbg, too)'
	@echo 'make shell    a shell in the VM, on the files of this machine (GDB=1: the VM waits'
	@echo '              for gdb, and says how to start it)'
	@echo 'make tree     out/tree: a git tree of the kernel, one commit a patch, to edit in'
	@echo 'make export   write commits made in out/tree back to patches/ and linux/'
	@echo 'make series   out/series: the patches as mails with a cover letter'
	@echo 'make check    check-style, check-sparse, check-shell and check-builds'
	@echo 'make clean    remove out/ (edits in out/tree that are not exported stay)'
	@echo 'make base     move BASE to the newest linux-source-6.1, then make test-base, and say'
	@echo '              what changed'
	@echo 'make test-corpus  others'"'"' programs, all of them, on the kernels with and without the'
	@echo '              series'
	@echo 'make test-base  measure 6.1'"'"'s own test_verifier, test_maps and test_progs anew on the'
	@echo '              kernel without the series (ONLY="maps": one of them)'

source:
	@scripts/prepare tree
	@scripts/source

tree: source
	@scripts/tree

kernel: source
	@scripts/prepare kernel
	@$(if $(kernel-args),,scripts/tree)
	@scripts/kernel $(kernel-args)

deb: source
	@scripts/prepare deb
	@scripts/tree
	@$(if $(filter vm,$(CONFIG)),scripts/kernel)
	@scripts/guest
	@scripts/deb

shell: kernel
	@scripts/prepare $(if $(GDB),gdb,vm)
	@scripts/guest
	@vm/run --tty $(if $(GDB),--gdb) --timeout 86400 --allow-warnings -- bash -l

run: kernel
	@scripts/prepare demo
	@scripts/guest
	@scripts/demo

sdk: kernel
	@scripts/prepare sdk
	@scripts/guest
	@scripts/sdk

example: sdk
	@scripts/sdk example $(NAME)

# The table has no column of a peer that cannot be fetched.
bench: kernel
	@scripts/prepare bench
	@scripts/peer fetch || true
	@scripts/peer fetch-newest || true
	@scripts/bench

fuzz: kernel
	@scripts/prepare fuzz
	@scripts/guest
	@scripts/fuzz

# What fails is told, and what has run all the same.
coverage: suites := @(35-bpftool|40-*|50-*|51-*|95-*)
coverage: source
	@$(MAKE) --no-print-directory ARCH=x86_64 DEBUG=gcov ready-x86_64
	@scripts/coverage clear
	@status=0; ARCH=x86_64 DEBUG=gcov tests/run '$(or $(ONLY),$(suites))' || status=1; \
		scripts/coverage && exit $$status

vmtest: tree
	@scripts/prepare vmtest
	@scripts/vmtest $(CMD)

# The fuzzers link with what make kernel and the sample have left.
mutants: $(arches:%=ready-%)
	@scripts/mutants

test: $(if $(T),test-one,$(if $(QUICK),test-quick,test-all))

# Both for one architecture: while one works, seconds count.
test-one: kernel
	@scripts/prepare selftests
	@scripts/prepare vm
	@scripts/guest
	@scripts/selftests build
	@scripts/selftests one '$(T)'

test-quick: kernel
	@scripts/prepare test
	@scripts/guest own
	@ARCH=$${ARCH:-$$(uname -m | sed s/aarch64/arm64/)} tests/run '$(or $(ONLY),@(10|15|20|35-bpftool|36|40|50)-*)'

# With DEBUG=1: what runs in the kernel, on two that watch themselves.
test-all: $(if $(DEBUG),$(if $(filter 1,$(DEBUG)),test-debug-1 test-debug-kcsan,test-debug-$(DEBUG)),test-plain)

test-plain: $(arches:%=ready-%)
	@tests/run $(if $(ONLY),'$(ONLY)')

test-debug-1: suites := @(40|50|51|95)-*
test-debug-kcsan: suites := @(40|95)-*
test-debug-%: source
	@$(MAKE) --no-print-directory DEBUG=$* $(arches:%=ready-%)
	@DEBUG=$* tests/run '$(or $(ONLY),$(suites))'

fresh:
	@scripts/fresh sh -c "$${CMD:-make test}"

ready-%:
	@$(MAKE) --no-print-directory ARCH=$* kernel
	@ARCH=$* scripts/prepare test
	@ARCH=$* scripts/guest own

# The suite skips what it cannot fetch; here that is a failure.
test-peer: ready-x86_64
	@ARCH=x86_64 scripts/peer fetch
	@ARCH=x86_64 NEWEST=1 tests/run 80-peer

# What takes too long for every run: others' programs, all of them, on both kernels side
# by side.
test-corpus: $(arches:%=test-corpus-%)

test-corpus-%: source
	@$(MAKE) --no-print-directory ready-$*
	@$(MAKE) --no-print-directory ARCH=$* kernel SERIES=none
	@ARCH=$* scripts/corpus both

# What a module sees of the kernel with the series, beside the one without
abi: $(arches:%=abi-%)

abi-%: source
	@$(MAKE) --no-print-directory ARCH=$* DEBUG=abi kernel SERIES=none
	@$(MAKE) --no-print-directory ARCH=$* DEBUG=abi kernel
	@ARCH=$* scripts/prepare test
	@ARCH=$* DEBUG=abi scripts/abi

test-pages: test-pages-16k test-pages-64k

test-pages-%: source
	@$(MAKE) --no-print-directory ARCH=arm64 PAGES=$* ready-arm64
	@ARCH=arm64 PAGES=$* tests/run '$(or $(ONLY),@(35-bpftool|40-*|60-*))'

test-long:
	@scripts/long $(if $(ONLY),'$(ONLY)')

# Both architectures, whatever the first one gives.
test-versions: source
	@$(MAKE) --no-print-directory -k $(arches:%=test-versions-%)

test-versions-%:
	@$(MAKE) --no-print-directory ready-$*
	@ARCH=$* scripts/versions compile

base:
	@scripts/prepare test
	@scripts/base

test-base:
	@$(MAKE) --no-print-directory kernel SERIES=none
	@scripts/prepare test
	@scripts/guest
	@for program in $(subst $(comma), ,$(or $(ONLY),verifier maps progs)); do \
		scripts/base-tests record $$program || exit 1; \
	done

export:
	@scripts/prepare tree
	@scripts/export

series: tree
	@scripts/series

check: check-style check-shell check-sparse check-builds

check-style check-shell: check-%: tree
	@scripts/prepare check
	@scripts/check $*

check-sparse check-builds: check-%: tree
	@for arch in $(arches); do \
		ARCH=$$arch scripts/prepare check && ARCH=$$arch scripts/guest && \
		ARCH=$$arch scripts/check $* || exit 1; \
	done

clean:
	@scripts/clean
