#!/bin/bash
# Competitive configurations
#
# L4D2-Competitive-Rework: ZoneMod and other competitive configurations with all required plugins, including SourceMod and Metamod. A Git overlay of https://github.com/SirPlease/L4D2-Competitive-Rework installs the same and can keep your own files. Use this script to choose which files are installed.

# Branch, tag or commit: A commit always installs the same files.
: "${REWORK_REF:=master}"
# Excluded paths: Paths under left4dead2, separated by spaces.
: "${REWORK_WITHOUT:=}"
# Repository: URL of the repository on GitHub, or of a mirror.
: "${REWORK_URL:=https://github.com/SirPlease/L4D2-Competitive-Rework}"

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

fetch "$REWORK_URL/archive/$REWORK_REF.tar.gz" /tmp/rework.tar.gz
mkdir -p /tmp/rework "$OUT/left4dead2"
bsdtar -xf /tmp/rework.tar.gz -C /tmp/rework
# Everything is in a directory that is called as the repository and the branch.
top=$(find /tmp/rework -maxdepth 2 -type d -name addons -printf '%h' -quit)
[ -n "$top" ] || fail "the archive has no addons"
[ -d "$top/cfg" ] || fail "the archive has no cfg"
for entry in "$top"/*; do
	case ${entry##*/} in
	*.md | LICENSE* | Dockerfile | docker* | *.yml) ;;
	*) cp -R "$entry" "$OUT/left4dead2/" ;;
	esac
done
# Links belong into no layer.
find "$OUT" -type l -print -delete
read -ra without <<<"$REWORK_WITHOUT"
for path in "${without[@]}"; do
	case /$path/ in */../*) fail "$path leads out of left4dead2" ;; esac
	[ -e "$OUT/left4dead2/$path" ] || fail "there is no $path to leave out"
	rm -r "${OUT:?}/left4dead2/$path"
done
echo "L4D2-Competitive-Rework $REWORK_REF: $(find "$OUT" -type f | wc -l) files"
