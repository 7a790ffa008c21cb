package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Version 1 of the API only grows: requests that fit the recorded description must still be
// accepted, and answers must still have the recorded members. testdata/v1.json is a copy of
// api/openapi.json of the last release; replace it with each release, and at no other time.
func TestVersion1OnlyGrows(t *testing.T) {
	for _, broken := range breaks(readDescription(t, "testdata/v1.json"), readDescription(t, "openapi.json")) {
		t.Error(broken)
	}
}

// Each change that breaks clients must be found, and compatible changes must not be reported.
func TestBreaksFindsIncompatibleChanges(t *testing.T) {
	const server, create = "components.schemas.GameServer", "components.schemas.NewServer"
	for _, c := range []struct {
		change string
		at     string // path in the description
		to     any    // nil: removed
		breaks bool
	}{
		{"a path goes", "paths./servers", nil, true},
		{"a method is removed", "paths./servers.post", nil, true},
		{"another name for an operation", "paths./servers.post.operationId", "addServer", true},
		{"another good status", "paths./servers.post.responses.201", nil, true},
		{"another media type", "paths./servers.post.responses.201.content", map[string]any{"text/plain": nil}, true},
		{"a member of an answer is removed", server + ".properties.port", nil, true},
		{"another type in an answer", server + ".properties.port.type", "string", true},
		{"a member of an answer may be absent", server + ".required", []any{}, true},
		{"a closed answer", server + ".additionalProperties", false, true},
		{"a further member of an answer", server + ".properties.more", map[string]any{"type": "string"}, false},
		{"a further value in an answer", server + ".properties.state.x-extensible-enum", []any{"stopped", "new"}, false},
		{"an enum in an answer", server + ".properties.state.enum", []any{"stopped"}, true},
		{"a member of a request is removed", create + ".properties.port", nil, true},
		{"another type in a request", create + ".properties.port.type", "string", true},
		{"a further member of a request", create + ".properties.more", map[string]any{"type": "string"}, false},
		{"a member of a request becomes required", create + ".required", []any{"name", "port"}, true},
		{"a value in a request is removed", create + ".properties.autostart.enum", []any{"last"}, true},
		{"a further value in a request", create + ".properties.autostart.enum", []any{"last", "always", "never", "new"}, false},
		{"a lower limit", "paths./jobs.get.parameters.2.schema.maximum", 10.0, true},
		{"a higher limit", "paths./jobs.get.parameters.2.schema.maximum", 1000.0, false},
		{
			"a first parameter", "paths./overlays/{name}/uploads.post.parameters",
			[]any{map[string]any{"in": "path", "name": "name", "required": true}, map[string]any{"in": "query", "name": "new"}},
			true,
		},
		{
			"a first header", "paths./servers.get.responses.200.headers",
			map[string]any{"Link": map[string]any{"schema": map[string]any{"type": "string"}}},
			true,
		},
		{"a parameter is removed", "paths./jobs.get.parameters", []any{}, true},
		{"a parameter becomes required", "paths./jobs.get.parameters.2.required", true, true},
		{"a body becomes required", "paths./overlays/{name}/build.post.requestBody.required", true, true},
		{"another security scheme", "components.securitySchemes.bearer", nil, true},
	} {
		old, now := readDescription(t, "openapi.json"), readDescription(t, "openapi.json")
		put(t, now, c.at, c.to)
		if found := breaks(old, now); (len(found) > 0) != c.breaks {
			t.Errorf("%s: found %v", c.change, found)
		}
	}
}

type schema = map[string]any

func readDescription(t *testing.T, name string) schema {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var v schema
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// put replaces the value at a path in v. Only the last part of the path may be new.
func put(t *testing.T, v any, at string, to any) {
	t.Helper()
	first, rest, more := strings.Cut(at, ".")
	switch v := v.(type) {
	case schema:
		switch {
		case more:
			put(t, v[first], rest, to)
		case to == nil:
			if _, ok := v[first]; !ok {
				t.Fatalf("%s does not exist", at)
			}
			delete(v, first)
		default:
			v[first] = to
		}
	case []any:
		var i int
		if _, err := fmt.Sscan(first, &i); err != nil || i >= len(v) {
			t.Fatalf("%s does not exist", at)
		}
		put(t, v[i], rest, to)
	default:
		t.Fatalf("%s does not exist", at)
	}
}

// growth is a comparison of two descriptions.
type growth struct {
	old, now schema // schemas of each description, by name
	seen     map[string]bool
	found    []string
}

// breaks lists the differences that break clients of the old description.
func breaks(old, now schema) []string {
	g := &growth{old: sub(old, "components", "schemas"), now: sub(now, "components", "schemas"), seen: map[string]bool{}}
	for name := range sub(old, "components", "securitySchemes") {
		if !reflect.DeepEqual(sub(old, "components", "securitySchemes", name), sub(now, "components", "securitySchemes", name)) {
			g.say("security scheme %s is another", name)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(sub(old, "paths"))) {
		for method := range sub(old, "paths", path) {
			was, is := sub(old, "paths", path, method), sub(now, "paths", path, method)
			what := strings.ToUpper(method) + " " + path
			if is == nil {
				g.say("%s is gone", what)
				continue
			}
			g.operation(what, was, is)
		}
	}
	slices.Sort(g.found)
	return g.found
}

func (g *growth) say(format string, args ...any) {
	g.found = append(g.found, fmt.Sprintf(format, args...))
}

func (g *growth) operation(what string, was, is schema) {
	if was["operationId"] != is["operationId"] {
		g.say("%s is called %v instead of %v", what, is["operationId"], was["operationId"])
	}
	parameters := func(op schema) map[string]schema {
		all := map[string]schema{}
		list, _ := op["parameters"].([]any)
		for _, p := range list {
			p, _ := p.(schema)
			all[fmt.Sprint(p["in"], " ", p["name"])] = p
		}
		return all
	}
	// oapi-codegen adds an argument to a function when its operation gets the first parameter
	// outside the path, even an optional one.
	beside := func(op schema) bool {
		for name := range parameters(op) {
			if !strings.HasPrefix(name, "path ") {
				return true
			}
		}
		return false
	}
	if beside(is) && !beside(was) {
		g.say("%s has its first parameter", what)
	}
	before := parameters(was)
	for name, p := range parameters(is) {
		old, known := before[name]
		if p["required"] == true && (!known || old["required"] != true) {
			g.say("%s needs parameter %s", what, name)
		}
		if known {
			g.sent(what+" "+name, sub(old, "schema"), sub(p, "schema"))
		}
		delete(before, name)
	}
	for name := range before {
		g.say("%s no longer takes parameter %s", what, name)
	}
	body := sub(is, "requestBody")
	if body["required"] == true && sub(was, "requestBody")["required"] != true {
		g.say("%s needs a body", what)
	}
	for kind := range sub(was, "requestBody", "content") {
		if _, ok := sub(body, "content")[kind]; !ok {
			g.say("%s no longer takes %s", what, kind)
		}
		g.sent(what, sub(was, "requestBody", "content", kind, "schema"), sub(body, "content", kind, "schema"))
	}
	for code := range sub(was, "responses") {
		// ogen changes the return type of a function when its answer gets the first header.
		if len(sub(was, "responses", code, "headers")) == 0 && len(sub(is, "responses", code, "headers")) > 0 {
			g.say("%s %s has its first header", what, code)
		}
		for kind := range sub(was, "responses", code, "content") {
			if _, ok := sub(is, "responses", code, "content")[kind]; !ok {
				g.say("%s no longer answers %s with %s", what, code, kind)
			}
			g.read(what+" "+code, sub(was, "responses", code, "content", kind, "schema"),
				sub(is, "responses", code, "content", kind, "schema"))
		}
	}
}

// enter resolves references, and reports whether a pair of schemas is compared for the first time.
func (g *growth) enter(kind string, was, is *schema) bool {
	key := kind
	for _, s := range []struct {
		at      *schema
		schemas schema
	}{{was, g.old}, {is, g.now}} {
		if ref, ok := (*s.at)["$ref"].(string); ok {
			key += " " + ref
			*s.at = sub(s.schemas, ref[strings.LastIndexByte(ref, '/')+1:])
		}
	}
	first := key == kind || !g.seen[key]
	g.seen[key] = true
	return first
}

// sent compares the schemas of values that clients send.
func (g *growth) sent(what string, was, is schema) {
	if !g.enter("sent", &was, &is) {
		return
	}
	g.same(what, was, is)
	needed, _ := was["required"].([]any)
	for _, name := range list(is["required"]) {
		if !slices.Contains(needed, name) {
			g.say("%s: %v is needed", what, name)
		}
	}
	for _, v := range list(was["enum"]) {
		if is["enum"] != nil && !slices.Contains(list(is["enum"]), v) {
			g.say("%s: %v is no longer taken", what, v)
		}
	}
	if was["enum"] == nil && is["enum"] != nil {
		g.say("%s: only some values are taken", what)
	}
	for bound, less := range map[string]bool{
		"maximum":   true,
		"maxLength": true,
		"maxItems":  true,
		"minimum":   false,
		"minLength": false,
		"minItems":  false,
	} {
		n, bounded := is[bound].(float64)
		m, before := was[bound].(float64)
		if bounded && (!before || less && n < m || !less && n > m) {
			g.say("%s: %s is %v", what, bound, n)
		}
	}
	g.members(what, was, is, g.sent)
}

// read compares the schemas of values that clients read.
func (g *growth) read(what string, was, is schema) {
	if !g.enter("read", &was, &is) {
		return
	}
	g.same(what, was, is)
	for _, name := range list(was["required"]) {
		if !slices.Contains(list(is["required"]), name) {
			g.say("%s: %v may be absent", what, name)
		}
	}
	if is["enum"] != nil || is["additionalProperties"] == false {
		g.say("%s is closed: nothing could be added to it", what)
	}
	g.members(what, was, is, g.read)
}

// same compares the properties that must be equal in both directions.
func (g *growth) same(what string, was, is schema) {
	for _, k := range []string{"type", "format", "contentEncoding", "pattern"} {
		if !reflect.DeepEqual(was[k], is[k]) {
			g.say("%s: %s is %v instead of %v", what, k, is[k], was[k])
		}
	}
}

// members compares the members of two schemas.
func (g *growth) members(what string, was, is schema, compare func(string, schema, schema)) {
	for name := range sub(was, "properties") {
		p := sub(is, "properties", name)
		if p == nil {
			g.say("%s: %s was removed", what, name)
			continue
		}
		compare(what+" "+name, sub(was, "properties", name), p)
	}
	for _, inner := range []string{"items", "additionalProperties"} {
		if s := sub(was, inner); s != nil {
			compare(what+"[]", s, sub(is, inner))
		}
	}
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}

// sub returns the object at a path, or nil.
func sub(v schema, keys ...string) schema {
	for _, k := range keys {
		v, _ = v[k].(schema)
	}
	return v
}
