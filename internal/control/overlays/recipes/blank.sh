#!/bin/bash
# A script of your own
#
# A script that makes one file, with comments that say what a script can do and what it can't.

# Where a file comes from: The address of a file that is put into cfg; empty makes one without.
: "${FILE_URL:=}"

# What is beneath $OUT when the script ends with success is the new revision of
# the overlay: $OUT/left4dead2/addons, $OUT/left4dead2/cfg and so on. Nothing else
# can be written but /tmp, which is empty at first and gone afterwards.
#
#   $OUT                where the revision is written; the script begins there
#   $LEFT4ME_OVERLAY    the name of the overlay
#
# The script reaches the internet, but not this host or its network. An end with
# anything but success keeps the revision that is there. What it prints is the
# log of the job.
set -euo pipefail

mkdir -p "$OUT/left4dead2/cfg"
echo "// made for $LEFT4ME_OVERLAY" >"$OUT/left4dead2/cfg/example.cfg"

if [ -n "$FILE_URL" ]; then
	echo "fetching $FILE_URL"
	curl -fsSL --retry 3 -o "$OUT/left4dead2/cfg/${FILE_URL##*/}" "$FILE_URL"
fi
