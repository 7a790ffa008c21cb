#!/bin/bash
# L4DToolZ
#
# More than eight players, and a higher tick rate. It is a plugin of its own and needs no MetaMod. Give servers the launch option +sv_setmax 31, and sv_maxplayers in their settings; leave tickrate_enabler out.

# Version: As on https://github.com/lakwsh/l4dtoolz/releases
: "${L4DTOOLZ_VERSION:=2.5.1}"
# Build: The number behind the version in the name of the archive.
: "${L4DTOOLZ_BUILD:=2155}"
# SHA-256 of the archive: If you know it, nothing else is taken. Empty takes what comes.
: "${L4DTOOLZ_SHA256:=}"
# Where it comes from: The directory that has one for each version in it.
: "${L4DTOOLZ_URL:=https://github.com/lakwsh/l4dtoolz/releases/download}"

set -euo pipefail

fail() { echo "$*" >&2; exit 1; }
for tool in curl bsdtar; do
	command -v "$tool" >/dev/null || fail "$tool is not installed on this host: apt install curl libarchive-tools"
done

# fetch ADDRESS FILE [SHA256]
fetch() {
	echo "fetching $1"
	curl -fsSL --proto =https,http --retry 3 --connect-timeout 20 --speed-time 60 --speed-limit 1 -o "$2" "$1" || fail "$1 can not be fetched"
	[ -z "${3-}" ] || echo "$3  $2" | sha256sum -c --status || fail "$1 has another SHA-256 than $3: $(sha256sum <"$2")"
}

fetch "$L4DTOOLZ_URL/$L4DTOOLZ_VERSION/l4dtoolz-$L4DTOOLZ_VERSION-$L4DTOOLZ_BUILD.zip" /tmp/l4dtoolz.zip "$L4DTOOLZ_SHA256"
mkdir -p /tmp/l4dtoolz "$OUT/left4dead2/addons"
bsdtar -xf /tmp/l4dtoolz.zip -C /tmp/l4dtoolz
for file in l4dtoolz.so l4dtoolz.vdf; do
	found=$(find /tmp/l4dtoolz -type f -name "$file" -print -quit)
	[ -n "$found" ] || fail "the archive has no $file"
	cp "$found" "$OUT/left4dead2/addons/"
done
echo "L4DToolZ $L4DTOOLZ_VERSION"
