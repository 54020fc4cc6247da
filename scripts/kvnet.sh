# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # scripts/lib.sh says where $sample is
#
# Inside the VM: two network namespaces, "server" and "client", on the ends of a
# veth, and the servers that run there. For scripts/demo and tests/arena_kv-vm.
#
#	client: v1 10.9.0.2, fd09::2  ====  server: v0 10.9.0.1, fd09::1

# shellcheck disable=SC2034 # used by those who read this
server4=10.9.0.1 server6=fd09::1 port=11211

on_server() {
	ip netns exec server "$@"
}

on_client() {
	ip netns exec client "$@"
}

# XDP sends through a veth only if the other end runs a program as well.
net_up() {
	ip netns add server
	ip netns add client
	ip link add v0 netns server type veth peer name v1 netns client
	local ns
	for ns in server:v0:1 client:v1:2; do
		IFS=: read -r name dev nr <<<"$ns"
		ip -n "$name" addr add "10.9.0.$nr/24" dev "$dev"
		ip -n "$name" addr add "fd09::$nr/64" dev "$dev" nodad
		ip -n "$name" link set "$dev" up
		ip -n "$name" link set lo up
	done
	ip -n client link set v1 xdpdrv obj "$sample/xdp_pass.bpf.o" sec xdp
}

# As memcached's "version", without a program that may not be installed.
answers() {
	# shellcheck disable=SC2016 # the inner shell expands it
	on_client timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2" &&
		printf "version\r\n" >&3 && read -r line <&3 &&
		[[ $line == VERSION* ]]' - "$server4" "$port" 2>/dev/null
}

# start_server CMD...: leaves its process id in $server_pid.
start_server() {
	ip netns exec server "$@" &
	server_pid=$!
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		answers && return
		kill -0 "$server_pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "$1 does not answer on port $port" >&2
	return 1
}

stop_server() {
	kill "$server_pid"
	wait "$server_pid"
}

start_memcached() {
	start_server memcached -u nobody -p $port -U $port -l "$server4"
}

start_arena_kvd() {
	start_server "$sample/arena_kvd" -u nobody -p $port -U $port "$@"
}

# server_stat NAME: one line of the answer to stats.
server_stat() {
	# shellcheck disable=SC2016
	on_client timeout 60 bash -c 'exec 3<>"/dev/tcp/$1/$2" &&
		printf "stats\r\nquit\r\n" >&3 && cat <&3' - "$server4" "$port" |
		tr -d '\r' | awk -v name="$1" '$2 == name { print $3 }'
}
