#!/bin/bash
# SourceMod and Metamod
#
# The base for plugins: Metamod:Source, which loads them, and SourceMod, which most of them need. Both are installed in the versions set below, so that you decide when to update.

# Version of Metamod:Source: A version listed at https://www.metamodsource.net/downloads.php?branch=stable
: "${METAMOD_VERSION:=1.12.0-git1227}"
# Version of SourceMod: A version listed at https://www.sourcemod.net/downloads.php?branch=stable
: "${SOURCEMOD_VERSION:=1.12.0-git7253}"
# SHA-256 of Metamod's archive: If set, any other archive is refused. Leave empty to skip the check.
: "${METAMOD_SHA256:=}"
# SHA-256 of SourceMod's archive: If set, any other archive is refused. Leave empty to skip the check.
: "${SOURCEMOD_SHA256:=}"
# Metamod download URL: The directory that contains a subdirectory for each branch.
: "${METAMOD_URL:=https://mms.alliedmods.net/mmsdrop}"
# SourceMod download URL: The directory that contains a subdirectory for each branch.
: "${SOURCEMOD_URL:=https://sm.alliedmods.net/smdrop}"

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

# branch VERSION: 1.12 of 1.12.0-git7253
branch() {
	[[ $1 =~ ^([0-9]+\.[0-9]+)\.[0-9]+-git[0-9]+$ ]] || fail "$1 is no version: write it as in 1.12.0-git7253"
	echo "${BASH_REMATCH[1]}"
}
metamod=$(branch "$METAMOD_VERSION")
sourcemod=$(branch "$SOURCEMOD_VERSION")

mkdir -p "$OUT/left4dead2"
fetch "$METAMOD_URL/$metamod/mmsource-$METAMOD_VERSION-linux.tar.gz" /tmp/metamod "$METAMOD_SHA256"
bsdtar -xf /tmp/metamod -C "$OUT/left4dead2"
fetch "$SOURCEMOD_URL/$sourcemod/sourcemod-$SOURCEMOD_VERSION-linux.tar.gz" /tmp/sourcemod "$SOURCEMOD_SHA256"
bsdtar -xf /tmp/sourcemod -C "$OUT/left4dead2"

# The game is a 32-bit program.
rm -f "$OUT/left4dead2/addons/metamod_x64.vdf"
[ -f "$OUT/left4dead2/addons/metamod.vdf" ] || fail "MetaMod's archive has no addons/metamod.vdf"
[ -d "$OUT/left4dead2/addons/sourcemod" ] || fail "SourceMod's archive has no addons/sourcemod"
# An administrator's own settings belong into an overlay above this one.
echo "MetaMod $METAMOD_VERSION, SourceMod $SOURCEMOD_VERSION"
