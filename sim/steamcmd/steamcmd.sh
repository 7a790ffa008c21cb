#!/bin/sh
# Starts the binary in linux32, and starts it again after it has updated itself (exit status 42).
root=$(cd "${0%/*}" && pwd)
LD_LIBRARY_PATH=$root/linux32${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
"$root/linux32/steamcmd" "$@"
status=$?
[ $status -ne 42 ] || exec "$0" "$@"
exit $status
