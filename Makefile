# SPDX-License-Identifier: GPL-2.0
#
# The front door. The work is done by scripts/ and vm/run; each takes -h.

ARCH ?= x86_64
export ARCH PAGES DEBUG ONLY

# SERIES=none: the same for the kernel without the series.
kernel-args := $(if $(filter none,$(SERIES)),base)

.NOTPARALLEL:
.PHONY: help source run test test-base kernel shell tree export series check \
	check-style check-sparse check-shell check-builds clean

help:
	@echo 'make run      the main job: boot the VM and compare the key/value servers'
	@echo 'make test     all tests (ONLY=GLOB for some of them: ONLY="*vm*")'
	@echo 'make kernel   out/$(ARCH)/{bzImage,vmlinux,config} (DEBUG=1: with KASAN, lockdep, ...;'
	@echo '              SERIES=none: the kernel without the series, in out/base-$(ARCH))'
	@echo '              ARCH=arm64: all of these for the other architecture, emulated'
	@echo 'make shell    a shell in the VM, on the files of this machine'
	@echo 'make tree     out/tree: a git tree of the kernel, one commit a patch, to edit in'
	@echo 'make export   write commits made in out/tree back to patches/ and linux/'
	@echo 'make series   out/series: the patches as mails with a cover letter'
	@echo 'make check    check-style, check-sparse, check-shell and check-builds'
	@echo 'make clean    remove out/ (edits in out/tree that are not exported stay)'
	@echo 'make test-base  measure test_verifier anew on the kernel without the series'

source:
	@scripts/prepare tree
	@scripts/source

tree: source
	@scripts/tree

kernel: source
	@scripts/prepare kernel
	@$(if $(kernel-args),,scripts/tree)
	@scripts/kernel $(kernel-args)

shell: kernel
	@scripts/prepare vm
	@scripts/guest
	@vm/run --tty --timeout 86400 --allow-warnings -- bash -l

run: kernel
	@scripts/prepare demo
	@scripts/guest
	@scripts/demo

test: kernel
	@scripts/prepare test
	@scripts/guest
	@tests/run $(if $(ONLY),'$(ONLY)')

test-base:
	@$(MAKE) --no-print-directory kernel SERIES=none
	@scripts/prepare test
	@scripts/guest
	@scripts/verifier record

export:
	@scripts/prepare tree
	@scripts/export

series: tree
	@scripts/series

check: check-style check-shell check-sparse check-builds

check-style check-sparse check-shell check-builds: check-%: tree
	@scripts/prepare check
	@scripts/check $*

clean:
	@scripts/clean
