#!/bin/bash
# Maps from a list
#
# Custom campaigns from a list such as that of l4d2center, with a line Name;Size;MD5;DownloadLink for the archive of each VPK file. The whole list has many gigabytes, so select the campaigns you want.

# Maps: Names of VPK files in the list, separated by spaces. * matches any characters: widebox* dkr.vpk. A single * selects all.
: "${MAPS:=}"
# List: URL of a list in this format.
: "${MAP_LIST_URL:=https://l4d2center.com/maps/servers/index.csv}"

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
fetch "$MAP_LIST_URL" /tmp/list
read -ra wanted <<<"$MAPS"
declare -A found
addons=$OUT/left4dead2/addons
mkdir -p "$addons"

# wants NAME: whether it is one of those that are wanted
wants() {
	local pattern
	for pattern in "${wanted[@]}"; do
		# shellcheck disable=SC2053 # it is a pattern
		if [[ $1 == $pattern ]]; then
			found["x$pattern"]=1
			return 0
		fi
	done
	return 1
}

line=0
while IFS=';' read -r name size md5 link || [ -n "$name" ]; do
	line=$((line + 1))
	link=${link%$'\r'}
	if [ $line = 1 ] || [ -z "$name" ]; then continue; fi
	wants "$name" || continue
	[[ $name != */* && $name != .* && ${name,,} == *.vpk ]] || fail "line $line of the list: $name is no name of a VPK"
	[[ $size =~ ^[0-9]+$ && ${md5,,} =~ ^[0-9a-f]{32}$ && $link =~ ^https?:// ]] || fail "line $line of the list can not be read"
	fetch "${link// /%20}" /tmp/archive
	rm -rf /tmp/map
	mkdir /tmp/map
	bsdtar -xf /tmp/archive -C /tmp/map || fail "$link can not be unpacked"
	vpk=$(find /tmp/map -type f -name "$name" -print -quit)
	[ -n "$vpk" ] || vpk=$(find /tmp/map -type f -iname '*.vpk' -print -quit)
	[ -n "$vpk" ] || fail "$link has no VPK in it"
	got=$(stat -c %s "$vpk")
	[ "$got" = "$size" ] || fail "$name has $got bytes, and the list says $size"
	got=$(md5sum <"$vpk")
	[ "${got%% *}" = "${md5,,}" ] || fail "$name has the MD5 ${got%% *}, and the list says ${md5,,}"
	# The game finds no file with two dots in its name, nor one that ends in .VPK.
	name=${name%.*}
	mv "$vpk" "$addons/${name//./_}.vpk"
	rm -f /tmp/archive
done </tmp/list

for pattern in "${wanted[@]}"; do
	[ -n "${found[x$pattern]-}" ] || fail "there is no $pattern in the list"
done
echo "$(find "$addons" -type f | wc -l) maps"
