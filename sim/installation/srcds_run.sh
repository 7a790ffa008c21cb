#!/bin/sh
# Starts the dedicated server and, unless -norestart is given, restarts it whenever it ends.

BINARY=./srcds_linux
RESTART=yes
TIMEOUT=10
DEBUG=
DEBUGLOG=debug.log
PIDFILE=hlds.$$.pid
KEEPPID=
TRAP=yes
IGNOREINT=
MAP=
ARGS=

cd "$(dirname "$0")" || exit 1
LD_LIBRARY_PATH="$PWD:$PWD/bin:$LD_LIBRARY_PATH"
export LD_LIBRARY_PATH

# quote prints its argument as a single shell word.
quote() {
	printf "'%s' " "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

while [ $# -gt 0 ]; do
	case "$1" in
	-norestart) RESTART= ;;
	-debug) DEBUG=yes ;;
	-autoupdate) ;;
	-notrap) TRAP= ;;
	-ignoresigint) IGNOREINT=yes ;;
	-pidfile) PIDFILE=$2 KEEPPID=yes; shift ;;
	-binary) BINARY=$2; shift ;;
	-timeout) TIMEOUT=$2; shift ;;
	-debuglog) DEBUGLOG=$2; shift ;;
	-gdb | -steam_dir | -steamcmd_script | -steamuser | -steampass) shift ;;
	*)
		[ "$1" = +map ] && MAP=yes
		ARGS="$ARGS$(quote "$1")"
		;;
	esac
	[ $# -gt 0 ] && shift
done

if [ -z "$MAP" ]; then
	echo "WARNING: No map specified! Defaulting to c1m1_hotel"
	ARGS="$ARGS+map c1m1_hotel"
fi
# The real script also waits ten seconds after this warning.
[ "$(id -u)" = 0 ] && echo "WARNING: running as root is not recommended"
echo "Auto detecting CPU"
echo "Using default binary: $BINARY"
[ -n "$RESTART" ] && echo "Server will auto-restart if there is a crash."

if [ -n "$IGNOREINT" ]; then
	trap '' INT
elif [ -n "$TRAP" ]; then
	trap 'RESTART=' INT
fi

# Write the process ID to a file only on request. Like the real script, the crash handling below reads the
# file anyway.
COMMAND="$(quote "$BINARY")$ARGS"
if [ -n "$DEBUG$KEEPPID" ]; then
	COMMAND="sh -c 'echo \$\$ >\"\$0\"; exec \"\$@\"' $(quote "$PIDFILE")$COMMAND"
fi

while :; do
	# Run in the foreground to keep the terminal. Hide the shell's own message about a signal, which differs
	# between shells.
	{ eval "$COMMAND" 2>&3; } 3>&2 2>/dev/null
	CODE=$?
	case $CODE in
	134) echo "Aborted (core dumped)" ;;
	139) echo "Segmentation fault (core dumped)" ;;
	esac
	if [ $CODE = 134 ] || [ $CODE = 139 ]; then
		[ -z "$DEBUG" ] &&
			echo 'Add "-debug" to the ./srcds_run command line to generate a debug.log to help with solving this problem'
		cat "$PIDFILE"
		echo "email $DEBUGLOG to linux@valvesoftware.com"
	fi
	[ -z "$RESTART" ] && exit $CODE
	echo "$(date): Server restart in $TIMEOUT seconds"
	sleep "$TIMEOUT"
	[ -z "$RESTART" ] && exit $CODE
done
