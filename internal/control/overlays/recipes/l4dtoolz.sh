#!/bin/bash
# L4DToolZ
#
# Allows more than eight players and a higher tick rate. It works without Metamod. Add the launch option +sv_setmax 31 and set sv_maxplayers in the servers' settings. Do not use it together with tickrate_enabler.

# Version: A version listed at https://github.com/lakwsh/l4dtoolz/releases
: "${L4DTOOLZ_VERSION:=2.5.1}"
# Build: The number after the version in the archive's name.
: "${L4DTOOLZ_BUILD:=2155}"
# SHA-256 of the archive: If set, any other archive is refused. Leave empty to skip the check.
: "${L4DTOOLZ_SHA256:=}"
# Download URL: The directory that contains a subdirectory for each version.
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
