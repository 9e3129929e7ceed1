# shellcheck shell=bash disable=SC2154 # root, cache and pip_tries are those of tools/setup, which sources this
# Of tools/setup clusters: real HDFS and YARN, as the jars of their daemons in $cache/hadoop-3.4.1.

fetch_hadoop() {
	local to=$1 try
	for ((try = 1; ; try++)); do
		mvn -q -B -f "$root/tests/clusters/hadoop/pom.xml" dependency:copy-dependencies \
			-DoutputDirectory="$to" -DincludeScope=runtime && return 0
		[ "$try" -lt "$pip_tries" ] || return 1
		echo "mvn failed; try $((try + 1)) of $pip_tries"
		sleep $((try * 2))
	done
}

cluster_yarn() {
	[ -d "$cache/hadoop-3.4.1" ] || command -v mvn >/dev/null || packages maven
	cached hadoop-3.4.1 "fetching Hadoop 3.4.1 (some 190 jars, a few minutes)" fetch_hadoop
}
