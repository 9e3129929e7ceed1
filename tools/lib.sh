# shellcheck shell=bash
# Words shared by the scripts here: source it, do not run it. Sets root (the checkout) and deps.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=$root/.deps
# Seconds between two signs of life of a long step.
heartbeat_s=15

say() { printf '==> %s\n' "$*"; }

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# Its sleep ends with it, so that nothing holds our output open after the step.
heartbeat() {
	trap 'kill "$!"; exit' TERM
	while :; do
		sleep "$heartbeat_s" &
		wait "$!"
		printf '    ... %d s\n' $((SECONDS - $1))
	done
}

# step LABEL COMMAND... - one line at the start, one every heartbeat_s, one at the end; the
# command's output goes to .deps/setup.log and its tail is shown when it fails.
step() {
	local label=$1 begin=$SECONDS log=$deps/setup.log beat status=0
	shift
	mkdir -p "$deps"
	say "$label"
	heartbeat "$begin" &
	beat=$!
	printf '### %s: %s\n' "$label" "$*" >>"$log"
	"$@" >>"$log" 2>&1 </dev/null || status=$?
	{ kill "$beat" && wait "$beat"; } 2>/dev/null || true
	if [ "$status" -ne 0 ]; then
		tail -n 25 "$log" >&2
		printf 'error: %s failed with status %d (all of it: %s)\n' "$label" "$status" "$log" >&2
		return "$status"
	fi
	printf '    done in %d s\n' $((SECONDS - begin))
}

# java_major HOME_OR_EMPTY - the major version of that Java (of PATH's when empty), nothing when there is none.
java_major() {
	local java=java
	[ -z "$1" ] || java=$1/bin/java
	command -v "$java" >/dev/null || return 0
	"$java" -version 2>&1 | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' | head -n 1
}

# find_java - succeeds when a Java of at least 17 is there; exports JAVA_HOME when PATH's would not do.
find_java() {
	local home major
	for home in "${JAVA_HOME:-}" '' /usr/lib/jvm/java-17-openjdk-*; do
		major=$(java_major "$home")
		if [ -n "$major" ] && [ "$major" -ge 17 ]; then
			if [ -n "$home" ]; then export JAVA_HOME=$home; else unset JAVA_HOME; fi
			return 0
		fi
	done
	return 1
}

# find_javac - the same for the compiler; prints its path.
find_javac() {
	local javac
	for javac in "${JAVA_HOME:+$JAVA_HOME/bin/javac}" "$(command -v javac)" /usr/lib/jvm/java-17-openjdk-*/bin/javac; do
		if [ -n "$javac" ] && [ -x "$javac" ]; then
			printf '%s\n' "$javac"
			return 0
		fi
	done
	return 1
}
