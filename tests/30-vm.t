#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm/run: what comes back, and that no bad ending looks like a good one
set -euo pipefail
. "$(dirname "$0")/lib.sh"

vm() {
	"$top/vm/run" --log "$scratch/kernel.log" --timeout 120 "$@"
}

# What can be seen from inside one VM is asked there in one go.
inside() {
	cat <<-'END'
	#!/bin/bash
	echo "args: $# <$1> <$2> <$3>"
	echo "cwd: $PWD"
	echo "cpus: $(nproc)"
	echo "clock: $(date +%s)"
	command -v only-in-my-path >/dev/null && echo "PATH came along"
	for dir in /sys/fs/bpf /sys/kernel/debug /sys/kernel/tracing /sys/fs/cgroup /proc /dev/pts; do
		echo "mount: $dir $(awk -v d=$dir '$2 == d { print $3 }' /proc/mounts | tail -n 1)"
	done
	ip -o addr show lo | grep -q 127.0.0.1 && echo "lo is up"
	echo scribble >"$1" && echo "scratch: $(cat "$1")"
	echo x >/tmp/x && echo x >/run/x && echo x >/root/x && echo "scratch everywhere"
	head -c 3000000 /dev/zero | tr '\0' '~'
	echo
	echo "to stderr" >&2
	exit 7
	END
}

comes_back() {
	local status=0 start=$EPOCHSECONDS clock
	mkdir -p "$scratch/a directory"
	echo precious >"$scratch/a directory/file"
	cd "$scratch/a directory"
	inside >"$scratch/only-in-my-path"
	chmod +x "$scratch/only-in-my-path"
	PATH=$PATH:$scratch vm --cpus 3 -- only-in-my-path "$scratch/a directory/file" '' 'two  words' \
		>"$scratch/out" 2>"$scratch/err" || status=$?
	cd "$top"
	said=$(tr -d '~' <"$scratch/out")$'\n'$(cat "$scratch/err")
	printf '%s\n' "$said" >&2
	expect "exit status passes through" 7 ""
	expect "arguments arrive as they are" 7 "args: 3 <$scratch/a directory/file> <> <two  words>"
	expect "runs in the caller's directory" 7 "cwd: $scratch/a directory"
	expect "the caller's PATH" 7 "PATH came along"
	expect "--cpus" 7 "cpus: 3"
	expect "bpffs" 7 "mount: /sys/fs/bpf bpf"
	expect "debugfs" 7 "mount: /sys/kernel/debug debugfs"
	expect "tracefs" 7 "mount: /sys/kernel/tracing tracefs"
	expect "cgroup2" 7 "mount: /sys/fs/cgroup cgroup2"
	expect "lo is up" 7 "lo is up"
	expect "files can be written inside" 7 "scratch: scribble"
	expect "scratch space in /tmp, /run and /root" 7 "scratch everywhere"
	clock=$(sed -n 's/^clock: //p' <<<"$said")
	holds "the clock is right" [ "$clock" -ge "$start" -a "$clock" -le "$EPOCHSECONDS" ]
	holds "... and do not change outside" grep -qx precious "$scratch/a directory/file"
	holds "output is complete" [ "$(tr -dc '~' <"$scratch/out" | wc -c)" = 3000000 ]
	holds "stderr is apart, with nothing of the kernel's" \
		grep -qx "to stderr" "$scratch/err"
	holds "no kernel log in the output" bash -c "! grep -q 'Linux version' '$scratch/out' '$scratch/err'"
	holds "the kernel's log is in --log" grep -q 'Linux version' "$scratch/kernel.log"
}

bad_endings() {
	# shellcheck disable=SC2016 # for the shell inside
	run vm -- sh -c 'kill -9 $$'
	expect "a killed command gives 128 + signal" 137 ""
	run vm -- no-such-command
	expect "a missing command gives 127" 127 "cannot run no-such-command: No such file"
	run vm -- sh -c 'echo exit 0123 0 0; echo c >/proc/sysrq-trigger; sleep 60'
	expect "a panic is a failure" 121 "vm/run: kernel panic:"
	run vm -- sh -c 'echo b >/proc/sysrq-trigger; sleep 60'
	expect "a reset is a failure" 123 "the VM ended before the command did"
	run vm --timeout 8 -- sleep 1000
	expect "a hang is a failure" 124 "timeout: the command did not end within 8 s"
	run vm --append 'init=/nonexistent' -- true
	expect "a kernel without PID 1 is a failure" 121 "kernel panic:"
}

complaints() {
	# Each kind of report that ends in a word of its own.
	run vm -- sh -c 'echo "<4>WARNING: CPU: 0 PID: 1 at kernel/x.c:1 x+0x1/0x2" >/dev/kmsg'
	expect "a warning in the kernel's log is a failure" 122 "the command ended with 0, but the kernel logged: "
	expect "... and the line is quoted" 122 "WARNING: CPU: 0 PID: 1 at kernel/x.c:1"
	run vm --allow-warnings -- sh -c 'echo "<4>BUG: KASAN: x" >/dev/kmsg; echo 512 >/proc/sys/kernel/tainted; exit 3'
	expect "--allow-warnings lets it pass" 3 ""
	run vm -- sh -c 'dmesg -n 1; echo 512 >/proc/sys/kernel/tainted'
	expect "a warning that the log does not show is a failure" 122 "tainted by a warning"
}

# vm/run's pattern, on the first line of each kind of report.
patterns() {
	local pattern line
	pattern=$("$top/vm/run" --print-complaints)
	while IFS= read -r line; do
		holds "recognized: $line" grep -qE "$pattern" <<<"[    1.000000] $line"
	done <<-'END'
	WARNING: CPU: 1 PID: 83 at mm/vmalloc.c:2612 vmap_pages_range+0x1/0x2
	BUG: KASAN: use-after-free in f+0x1/0x2
	BUG: sleeping function called from invalid context at mm/x.c:1
	BUG: unable to handle page fault for address: ffff888000000000
	BUG: Bad page state in process x  pfn:1
	BUG: Bad rss-counter state mm:1 type:MM_FILEPAGES val:1
	Oops: 0002 [#1] PREEMPT SMP
	general protection fault, probably for non-canonical address 0x1: 0000
	kernel BUG at mm/vmalloc.c:1!
	kernel BUG at mm/page_table_check.c:51!
	WARNING: possible circular locking dependency detected
	WARNING: possible recursive locking detected
	WARNING: inconsistent lock state
	WARNING: suspicious RCU usage
	INFO: trying to register non-static key.
	watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [x:1]
	INFO: task x:1 blocked for more than 120 seconds.
	rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
	UBSAN: array-index-out-of-bounds in kernel/x.c:1:2
	kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
	list_add corruption. next->prev should be prev
	refcount_t: underflow; use-after-free.
	BUG kmalloc-64 (Not tainted): Poison overwritten
	BUG task_struct (Tainted: G    B   W         ): Object already free
	Kernel panic - not syncing: x
	END
	# The last is of a backtrace, which sysrq prints for the asking.
	for line in "Linux version 6.1.0" "DEBUG (none)" "Warning: unable to open an initial console." "debug: x" \
			" __page_table_check_zero+0x1/0x2"; do
		holds "not a complaint: $line" grep -qvE "$pattern" <<<"$line"
	done
}

# qemu_of PID: QEMU is the child of the child of vm/run.
qemu_of() {
	local middle
	middle=$(pgrep -P "$1" -x timeout) && pgrep -P "$middle" qemu
}

# start_vm: one in the background that has booted; its pid in $vm.
start_vm() {
	local i
	: >"$scratch/bg.out" # what the last one said is not this one's
	# Not through vm(): $! is to be vm/run itself, and no shell around it.
	"$top/vm/run" --log "$scratch/kernel.log" --timeout 120 -- \
		sh -c 'echo booted; sleep 1000' >"$scratch/bg.out" 2>"$scratch/bg.err" &
	vm=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q booted "$scratch/bg.out" || break
		sleep 0.1
	done
	qemu=$(qemu_of "$vm")
}

cut_off() {
	local vm qemu status=0 said
	start_vm
	kill -9 "$qemu"
	wait "$vm" || status=$?
	said=$(cat "$scratch/bg.err")
	expect "a killed QEMU is a failure" 123 "the VM ended before the command did (QEMU's exit status 137)"
	status=0
	start_vm
	kill -9 "$vm"
	sleep 1
	holds "QEMU does not outlive a killed vm/run" [ ! -e "/proc/$qemu" ]
	wait "$vm" 2>/dev/null || true
}

wrong_usage() {
	run vm --
	expect "no command" 125 "no command given"
	run vm --kernel /nonexistent -- true
	expect "no kernel" 125 "no kernel at /nonexistent"
	run vm --numa sh -c 'cat /sys/devices/system/node/node?/cpulist'
	expect "--numa" 0 $'0\n1'
	run vm --numa --cpus 3 -- true
	expect "--numa with an odd number of CPUs" 125 "--numa needs an even number of --cpus"
	run vm --cpus two -- true
	expect "--cpus that is no number" 125 "--cpus two is not a number"
	run vm --initramfs /nonexistent -- true
	expect "--initramfs that is not there" 125 "no root for the VM at /nonexistent"
	run vm --colour -- true
	expect "an unknown option" 125 "unknown option --colour"
	run vm --mem
	expect "an option without its value" 125 "--mem needs a value"
	run vm --arch vax -- true
	expect "an unknown architecture" 125 "unknown architecture vax"
	run vm --mem nonsense -- true
	expect "memory that QEMU does not understand" 123 "nonsense"
	run vm --cpu nonsense -- true
	expect "a CPU that QEMU does not know" 123 "unable to find CPU model 'nonsense'"
}

# A stand-in for vmlinux, since all that is read of it is its build ID.
other_kernel() {
	local other=0123456789012345678901234567890123456789 own
	own=$(readelf -n "$kernel_dir/vmlinux" | sed -n 's/^ *Build ID: //p')
	mkdir "$scratch/kernel"
	ln -s "$kernel_dir/bzImage" "$scratch/kernel/"
	run vm --kernel "$scratch/kernel/bzImage" -- echo it runs
	expect "a kernel without a vmlinux beside it is taken as it is" 0 "it runs"
	$cc -shared -nostdlib -Wl,--build-id=0x$other -x c /dev/null -o "$scratch/kernel/vmlinux"
	run vm --kernel "$scratch/kernel/bzImage" -- echo it runs
	expect "a kernel that is not that of the vmlinux beside it is named" 120 "bzImage has build ID $own"
	expect "... and what it was to be" 120 "the vmlinux beside it $other"
	holds "... and nothing was run" [ "${said/it runs/}" = "$said" ]
	truncate -s 100 "$scratch/kernel/vmlinux"
	run vm --kernel "$scratch/kernel/bzImage" -- echo it runs
	expect "a vmlinux that is cut short" 125 "has no build ID"
}

# A checkout of its own, where nothing else starts a VM.
other_checkout() {
	mkdir -p "$scratch/other/scripts"
	cp -r "$top/vm" "$top/BASE" "$scratch/other/"
	cp "$top/scripts/lib.sh" "$scratch/other/scripts/"
}

other_vm() {
	"$scratch/other/vm/run" --kernel "$kernel_dir/bzImage" --timeout 120 \
		${guest_root:+--root "$guest_root"} "$@"
}

# Neither this checkout nor /tmp, which each VM has.
elsewhere() {
	local dir
	dir=$(mktemp -d /var/tmp/arena-test.XXXXXX)
	cd "$dir"
	touch file
	run vm -- ls "$dir" file
	cd "$top"
	rm -r "$dir"
	expect "runs in a directory that is not part of the checkout" 0 file
}

logs_of_their_own() {
	local first last=$scratch/other/out/vm/last.log
	other_vm -- sh -c 'echo "<6>the first" >/dev/kmsg'
	first=$(readlink -f "$last")
	other_vm -- sh -c 'echo "<6>the second" >/dev/kmsg'
	holds "without --log the log of the last VM is to be found" grep -q "the second" "$last"
	holds "... and that of the one before is still there" grep -q "the first" "$first"
}

# With pages of 16 KiB, or for debugging: not all that CMD calls may be told.
knows_its_kernel() {
	# shellcheck disable=SC2016 # the VM expands it
	PAGES=4k DEBUG=gcov run vm --kernel "$kernel_dir/bzImage" -- sh -c 'echo "$ARCH $PAGES $DEBUG"'
	expect "CMD is told what kernel it runs on" 0 "$arch 4k gcov"
}

# A stand-in for QEMU: a VM with KVM hangs, or ends at once with KVM_ENDS; others are as ever.
make_qemu() {
	mkdir -p "$scratch/bin"
	cat >"$scratch/bin/$1" <<-END
	#!/bin/sh
	case "\$*" in
	*"-accel kvm"*) [ -n "\$KVM_ENDS" ] && exit 1; exec sleep 1000 ;;
	esac
	exec "$(command -v "$1")" "\$@"
	END
	chmod +x "$scratch/bin/$1"
}

# asks_kvm NAME yes|no: the next VM asks whether KVM works.
asks_kvm() {
	local asked=no
	run env ARENA_KVM="$scratch/kvm" PATH="$scratch/bin:$PATH" "$scratch/other/vm/run" \
		--kernel "$kernel_dir/bzImage" --timeout 120 -- true
	[[ $said != *"probing whether $scratch/kvm works"* ]] || asked=yes
	holds "$1" [ "$status $asked" = "0 $2" ]
}

probes() {
	local answer=$scratch/other/out/vm/accel
	[ -z "$cross" ] || return 0
	make_qemu "qemu-system-${arch/arm64/aarch64}"
	touch "$scratch/kvm"
	rm -f "$answer" # which the real /dev/kvm has given
	asks_kvm "a probe of KVM that hangs is none that succeeds" yes
	asks_kvm "... and is not repeated at once" no
	sed -i "3s/.*/$EPOCHSECONDS/" "$answer"
	sleep 1
	asks_kvm "... but later" yes
	rm "$answer"
	export KVM_ENDS=y
	asks_kvm "a probe of KVM that fails" yes
	holds "... holds for as long as this machine is up" [ "$(sed -n '2,3p' "$answer" | paste -sd ' ')" = "tcg 9999999999" ]
	unset KVM_ENDS
}

# What gdb says to a VM: where is it, and go on.
debugger() {
	cat <<-'END'
	import socket, sys, time
	for tries in range(300):
	    try:
	        vm = socket.socket(socket.AF_UNIX)
	        vm.connect(sys.argv[1])
	        break
	    except OSError:
	        time.sleep(0.2)
	vm.settimeout(60)
	vm.sendall(b"+$?#3f")
	answer = b""
	while b"#" not in answer:
	    answer += vm.recv(100)
	print(answer.decode())
	vm.sendall(b"+$D#44")
	vm.recv(100)
	END
}

waits_for_gdb() {
	local socket i status=0 vm
	"$top/vm/run" --log "$scratch/gdb.log" --timeout 120 --append arena.test --gdb -- \
		cat /proc/cmdline >"$scratch/bg.out" 2>"$scratch/bg.err" & vm=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q 'target remote' "$scratch/bg.err" || break
		sleep 0.1
	done
	socket=$(sed -n "s/.*target remote \(.*\)'/\1/p" "$scratch/bg.err")
	sleep 2
	holds "--gdb: nothing runs before a debugger says so" [ ! -s "${socket%/*}/log" -a -e "$socket" ]
	debugger >"$scratch/debugger.py"
	run python3 "$scratch/debugger.py" "$socket"
	expect "--gdb: there is a VM to debug" 0 "T0"
	status=0
	wait "$vm" || status=$?
	said=$(cat "$scratch/bg.out" "$scratch/bg.err")
	expect "--gdb: it goes on afterwards" 0 nokaslr
	expect "--gdb: ... with what --append asks for" 0 arena.test
}

# script gives it a terminal that does not say its size.
terminal() {
	run script -qec "'$top/vm/run' --log '$scratch/kernel.log' --timeout 120 --tty -- sh -c 'tty; stty size'" /dev/null
	expect "--tty: a terminal" 0 "/dev/hvc0"
	expect "--tty: a terminal without a size has the usual one" 0 "24 80"
	run vm --tty -- true </dev/null
	expect "--tty without a terminal" 125 "--tty needs a terminal"
}

# A clock that counts instructions runs at 1 ns each, however slow the host is.
counts_instructions() {
	# shellcheck disable=SC2016 # for the shell inside
	run vm --icount -- sh -c 'nproc; i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); done'
	expect "--icount runs on one CPU" 0 "1"
	run vm --icount --cpus 2 -- true
	expect "--icount refuses more CPUs" 125 "--icount needs --cpus 1"
}

patterns
wrong_usage
comes_back
bad_endings
complaints
counts_instructions
other_kernel
elsewhere
other_checkout
logs_of_their_own
probes
knows_its_kernel
waits_for_gdb
terminal
cut_off
all_done
