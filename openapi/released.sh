#!/bin/sh
# Keeps released.yaml, the contract of the last release. It is a file of the repository since a clone may come without tags.
#
#	released.sh check	fails when it is not the contract of the newest tag
#	released.sh write	takes the contract as that of a release; before or after tagging
set -eu
cd "$(dirname "$0")"

tagged() { git rev-parse --quiet --verify "refs/tags/$1" >/dev/null; }
of_tag() { git show "$1:./openapi.yaml"; }
hash() { git hash-object --stdin; }
released() { tail -n +2 released.yaml | hash; } # without the line that names the release

# must HASH WHAT
must() {
	[ "$1" = "$(released)" ] && return
	echo "openapi/released.yaml is not $2; run 'make released', and look at what it changes" >&2
	exit 1
}

case $1 in
check)
	# Without the suffix v1.0.0-rc1 would come after v1.0.0.
	newest=$(git -c versionsort.suffix=- for-each-ref --sort=-version:refname --count=1 --format='%(refname:short)' 'refs/tags/v*')
	[ -n "$newest" ] || exit 0
	release=$(sed -n '1s/.* release \(v[^,]*\),.*/\1/p' released.yaml)
	if tagged "$release"; then
		must "$(of_tag "$newest" | hash)" "the contract of $newest"
	else # which is about to be tagged
		must "$(hash <openapi.yaml)" "the contract, of which $release is to be made"
	fi
	;;
write)
	release=v$(sed -n 's/^  version: //p' openapi.yaml)
	{
		echo "# The contract of release $release, which clients rely on; 'make released' writes this file."
		if tagged "$release"; then of_tag "$release"; else cat openapi.yaml; fi
	} >released.yaml.new
	mv released.yaml.new released.yaml
	;;
esac
