# shellcheck shell=bash
# Functions shared by the scripts. Sourced, never run.
set -euo pipefail

# With --help, a script prints the comment at its top. A sourced file sees the script's
# arguments.
case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/{s/^#$//p;s/^# //p}' "$0"
	exit
	;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# no_arguments exits if there are arguments, which the script would ignore: no_arguments "$@"
no_arguments() {
	[ $# = 0 ] || die "takes no arguments; see: $0 --help"
}

# need installs Debian packages if a program or file is missing:
# need PROGRAM PACKAGE...
need() {
	if command -v "$1" >/dev/null 2>&1 || [[ $1 == /* && -e $1 ]]; then return; fi
	local program=$1
	shift
	command -v apt-get >/dev/null 2>&1 || die "$program is missing; install it"
	local as_root=()
	[ "$(id -u)" = 0 ] || as_root=(sudo -n)
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "$program is missing; as root: apt-get install $*"
	say "installing $* for $program"
	{
		"${as_root[@]}" apt-get update -qq &&
			DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@"
	} </dev/null >&2 || die "$program is missing and could not be installed; as root: apt-get install $*"
	command -v "$program" >/dev/null || [[ $program == /* && -e $program ]] || die "$program is missing though $* was installed"
}

# need_go ensures that Go is installed, 1.21 or later, which downloads the version named
# in go.mod automatically.
need_go() {
	local dir
	for dir in /usr/local/go/bin "$HOME/go/bin"; do
		case ":$PATH:" in *":$dir:"*) ;; *) PATH=$PATH:$dir ;; esac
	done
	export PATH
	need go golang-go ca-certificates
	local minor
	minor=$(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/')
	[ "$minor" -ge 21 ] || die "Go 1.$minor is too old to fetch a newer one; install Go 1.21 or later"
}

# version prints the version of the build, or LEFT4ME_VERSION if it is set.
version() {
	if [ -n "${LEFT4ME_VERSION:-}" ]; then
		printf '%s\n' "$LEFT4ME_VERSION"
	else
		git describe --tags --always --dirty 2>/dev/null || echo dev
	fi
}
