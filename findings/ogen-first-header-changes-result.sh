#!/usr/bin/env bash
# ogen 1.25.0 (github.com/ogen-go/ogen), oapi-codegen 2.8.0, oasdiff 1.38.0. Needs Go and the Go module proxy.
#
# An API description is extended by a response header, or an optional parameter, that existed before but was not described. No request
# and no answer changes, and oasdiff finds no breaking change. Generated clients should stay compatible, too. But ogen's function
# returns another type when an answer gets its first header (*ListOKHeaders instead of []string), and the functions of ogen and
# oapi-codegen have an additional argument when an operation gets its first parameter: code that calls them no longer compiles. A second
# header or parameter changes nothing.
#
# Output seen:
#   ogen, as before:               List(ctx context.Context) ([]string, error)
#   ogen, first header:            List(ctx context.Context) (*ListOKHeaders, error)
#   ogen, first parameter:         List(ctx context.Context, params ListParams) ([]string, error)
#   oapi-codegen, as before:       List(ctx context.Context, reqEditors ...RequestEditorFn) (*http.Response, error)
#   oapi-codegen, first parameter: List(ctx context.Context, params *ListParams, reqEditors ...RequestEditorFn) (*http.Response, error)
#   oasdiff: both changes exit 0
#
# Exits non-zero when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for tool in github.com/ogen-go/ogen/cmd/ogen@v1.25.0 github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.0 \
	github.com/oasdiff/oasdiff@v1.38.0; do
	GOBIN=$dir GOFLAGS=-mod=mod go install "$tool"
done
cd "$dir"
description() { # description PARAMETERS HEADERS
	cat <<EOF
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/list": {"get": {"operationId": "list", "parameters": [$1],
 "responses": {"200": {"description": "OK", "headers": {$2},
  "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}}}}}}}}
EOF
}
description '' '' >before.json
description '' '"Link": {"schema": {"type": "string"}}' >header.json
description '{"in": "query", "name": "limit", "schema": {"type": "integer"}}' '' >parameter.json
ogen() {
	./ogen --target "out-$1" --package client --clean "$1.json" >log.txt 2>&1 || { cat log.txt; exit 1; }
	sed -n '/^\tList(ctx/{s/^\t//p;q}' "out-$1/oas_client_gen.go"
}
oapi() {
	./oapi-codegen -generate types,client -package client "$1.json" 2>/dev/null >out.go
	sed -n '/^\tList(ctx/{s/^\t//p;q}' out.go
}
before=$(ogen before) header=$(ogen header) parameter=$(ogen parameter)
plain=$(oapi before) more=$(oapi parameter)
echo "ogen, as before:               $before"
echo "ogen, first header:            $header"
echo "ogen, first parameter:         $parameter"
echo "oapi-codegen, as before:       $plain"
echo "oapi-codegen, first parameter: $more"
for change in header parameter; do
	./oasdiff breaking before.json $change.json --fail-on WARN >/dev/null
done
echo "oasdiff: both changes exit 0"
[[ $before == *'([]string, error)' && $header == *'(*ListOKHeaders, error)' && $parameter == *'params ListParams)'* ]]
[[ $plain != *params* && $more == *'params *ListParams'* ]]
