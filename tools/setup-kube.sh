# shellcheck shell=bash
# For tests/clusters/test_kube.py, sourced by tools/setup: a kube-apiserver, built once from Debian's source package and
# cached by its version; etcd and Go from Debian's packages. The build takes five minutes and 3 GB that are given back.

kube_version=1.20.2 # of Debian 12's source package
kube_cache=${FLORUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/florus}/kube-$kube_version

# Debian's sources are listed for this alone, in a directory of our own.
kube_sources() {
	local dir=$1 file
	mkdir -p "$dir/sources" "$dir/lists/partial"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		sed 's/^Types:.*/Types: deb-src/' "$file" >"$dir/sources/${file##*/}"
	done
	[ ! -s /etc/apt/sources.list ] || sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$dir/sources/main.list"
}

kube_build() {
	local dir=$1 go=/usr/lib/go-1.19 options
	kube_sources "$dir"
	cd "$dir"
	options=(-q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$dir/sources" -o "Dir::State::Lists=$dir/lists"
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update
	apt-get "${options[@]}" source kubernetes
	cd kubernetes-*/
	PATH=$go/bin:$PATH GOROOT=$go GOPROXY=off GOFLAGS=-mod=vendor GOTOOLCHAIN=local GOCACHE=$dir/go \
		nice make all WHAT=cmd/kube-apiserver
	mkdir -p "$kube_cache"
	cp _output/local/go/bin/kube-apiserver "$kube_cache/kube-apiserver.new.$$"
	mv "$kube_cache/kube-apiserver.new.$$" "$kube_cache/kube-apiserver"
}

kube_build_once() {
	local dir status=0
	dir=$(mktemp -d "${TMPDIR:-/tmp}/kube.XXXXXX")
	(set -e; kube_build "$dir") || status=$?
	chmod -R u+w "$dir" && rm -rf "$dir"
	return "$status"
}

cluster_kube() {
	packages etcd-server openssl
	[ ! -x "$kube_cache/kube-apiserver" ] || return 0
	packages golang-1.19-go golang-1.19-src rsync dpkg-dev make patch
	step "building kube-apiserver $kube_version (five minutes, once)" kube_build_once
}
