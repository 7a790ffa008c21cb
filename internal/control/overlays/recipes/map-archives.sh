#!/bin/bash
# Maps from archives
#
# Custom campaigns from a website that offers each as an archive in one directory, such as cedapug.com.

# Maps: Names of archives without .zip, or full URLs of archives or VPK files, separated by spaces.
: "${MAPS:=}"
# Directory URL: The directory of the archives that are given by name.
: "${MAPS_URL:=https://cedapug.com/maps}"
# Suffix: The end of the archives' names in that directory.
: "${MAPS_SUFFIX:=.zip}"

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

[ -n "$MAPS" ] || fail "say which maps you want: MAPS is empty"
read -ra wanted <<<"$MAPS"
addons=$OUT/left4dead2/addons
mkdir -p "$addons"

# keep VPK: the game finds no file with two dots in its name, nor one that ends in .VPK
keep() {
	local name=${1##*/}
	name=${name%.*}
	name=${name//./_}.vpk
	[ ! -e "$addons/$name" ] || fail "there are two $name"
	mv "$1" "$addons/$name"
}

for map in "${wanted[@]}"; do
	address=$map
	case $map in http://* | https://*) ;; *) address=$MAPS_URL/$map$MAPS_SUFFIX ;; esac
	if [[ ${address,,} == *.vpk ]]; then
		fetch "$address" "/tmp/${address##*/}"
		keep "/tmp/${address##*/}"
		continue
	fi
	fetch "$address" /tmp/archive
	rm -rf /tmp/map
	mkdir /tmp/map
	bsdtar -xf /tmp/archive -C /tmp/map || fail "$address can not be unpacked"
	find /tmp/map -type f -iname '*.vpk' -print0 >/tmp/vpks
	[ -s /tmp/vpks ] || fail "$address has no VPK in it"
	while IFS= read -rd '' vpk; do keep "$vpk"; done </tmp/vpks
	rm -f /tmp/archive
done
echo "$(find "$addons" -type f | wc -l) maps"
