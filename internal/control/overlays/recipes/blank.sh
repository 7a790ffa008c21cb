#!/bin/bash
# Empty script
#
# A script that creates one file. Its comments explain what a script can do.

# File to download: URL of a file to add to cfg. Leave empty to add none.
: "${FILE_URL:=}"

# When the script succeeds, the files under $OUT become the new revision of the
# overlay: $OUT/left4dead2/addons, $OUT/left4dead2/cfg and so on. The script can
# write only there and to /tmp, which is empty at the start and removed at the end.
#
#   $OUT                directory of the new revision; the script starts there
#   $LEFT4ME_OVERLAY    name of the overlay
#
# The script can reach the internet, but not this host or its network. If the
# script fails, the current revision stays in use. Its output is the log of the
# job.
set -euo pipefail

mkdir -p "$OUT/left4dead2/cfg"
echo "// made for $LEFT4ME_OVERLAY" >"$OUT/left4dead2/cfg/example.cfg"

if [ -n "$FILE_URL" ]; then
	echo "fetching $FILE_URL"
	curl -fsSL --retry 3 -o "$OUT/left4dead2/cfg/${FILE_URL##*/}" "$FILE_URL"
fi
