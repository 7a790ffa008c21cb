#!/usr/bin/env bash
# apt 2.6.1 (Debian 12) and 3.0.4 (Debian 13). Needs apt-get and dpkg-deb; root is not needed, nothing is installed.
#
# `apt install ./name_*.deb` with two versions of a package in the directory should fail or install the newer version. Instead,
# apt silently installs the one that is named last. Shells sort names alphabetically: of 0.9.0 and 0.10.0, the pattern names
# 0.9.0 last, so the older version is installed.
#
# Output seen:
#   both versions, in the order of the shell: Inst zz-two (0.9.0 local-deb [all])
#   both versions, the newer one last:        Inst zz-two (0.10.0 local-deb [all])
#
# Exits non-zero when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
chmod 0755 "$dir"
for version in 0.9.0 0.10.0; do
	mkdir -p tree/DEBIAN
	printf 'Package: zz-two\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: empty\n' "$version" >tree/DEBIAN/control
	dpkg-deb --build tree "zz-two_${version}_all.deb" >/dev/null
done
# A separate package database, independent of the host's packages.
mkdir -p state/lists/partial cache/archives/partial
: >status
export LC_ALL=C
installed() {
	apt-get -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" -o Dir::Etc::SourceList=/dev/null \
		-o Dir::Etc::SourceParts=/dev/null -o Debug::NoLocking=1 install --simulate "$@" 2>/dev/null | grep '^Inst ' || :
}
pattern=$(installed ./zz-two_*.deb)
newer=$(installed ./zz-two_0.9.0_all.deb ./zz-two_0.10.0_all.deb)
echo "both versions, in the order of the shell: $pattern"
echo "both versions, the newer one last:        $newer"
[[ $pattern == *'(0.9.0 '* && $newer == *'(0.10.0 '* ]]
