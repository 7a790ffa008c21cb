#!/usr/bin/env bash
# oasdiff 1.38.0 (github.com/oasdiff/oasdiff). Needs Go and the Go module proxy.
#
# `oasdiff breaking --severity-levels FILE --fail-on ERR` reads the level of a rule from FILE. This should work for every rule that
# `oasdiff checks changelog` lists. The rule api-security-component-removed is accepted in FILE, but its level stays info: a security
# scheme that every operation requires can be removed, and the exit code is 0 ("No breaking changes to report"). The same file with an
# unknown rule is refused, and the rule api-operation-id-removed, also info by default, fails as requested. The rule's checks have a
# hard-coded level (checker/check_components_security_updated.go).
#
# Output seen:
#   operation id renamed, raised to err:     exit 1
#   security scheme removed, raised to err:  exit 0
#   unknown rule in the file:                exit 106
#
# Exits non-zero when this changes.
set -euo pipefail
version=v1.38.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
GOBIN=$dir GOFLAGS=-mod=mod go install "github.com/oasdiff/oasdiff@$version"
cd "$dir"
description() { # description OPERATION-ID SCHEMES
	cat <<EOF
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "security": [{"bearer": []}],
 "paths": {"/a": {"get": {"operationId": "$1", "responses": {"200": {"description": "OK"}}}}},
 "components": {"securitySchemes": {$2}}}
EOF
}
bearer='"bearer": {"type": "http", "scheme": "bearer"}'
description readA "$bearer" >base.json
description getA "$bearer" >renamed.json
description readA '' >removed.json
printf '%s err\n' api-operation-id-removed api-security-component-removed >levels.txt
echo 'no-such-rule err' >unknown.txt
compare() { # compare NEW LEVELS: prints the exit code
	local code=0
	./oasdiff breaking base.json "$1" --severity-levels "$2" --fail-on ERR >out.txt 2>&1 || code=$?
	echo "$code"
}
renamed=$(compare renamed.json levels.txt)
removed=$(compare removed.json levels.txt)
./oasdiff changelog base.json removed.json --severity-levels levels.txt >changes.txt
unknown=$(compare base.json unknown.txt)
echo "operation id renamed, raised to err:     exit $renamed"
echo "security scheme removed, raised to err:  exit $removed"
echo "unknown rule in the file:                exit $unknown"
[[ $renamed == 1 && $removed == 0 && $unknown != 0 ]] && grep -q 'info.*api-security-component-removed' changes.txt
