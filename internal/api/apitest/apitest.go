// Package apitest checks answers of the API against its description: each answer must have the
// described shape and no other members. It also records what it has seen, so that a test can
// require an answer of each operation, and that each optional member was present once and absent
// once.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/left4me/left4me/internal/api"
)

// Rare members and operations: a running left4me returns these optional members both present and
// absent, and these operations' answers, only after a lot of work. The tests of package api cover
// them with a simulated host.
var (
	RareMembers = []string{
		"Campaign.author", "Campaign.description", "Campaign.image", "Campaign.mission", "Campaign.version", "Chapter.image",
		"Error.args", "Error.code", "Error.hint", "GameBuild.installed_at", "GameServer.job",
		"Overlay.created_at", "Overlay.job", "Overlay.moves", "Overlay.updated_at",
		"Plan.asked", "Plan.asks", "Plan.dirs", "Plan.left", "Plan.more_dirs", "Plan.moves", "Plan.problem", "Plan.skipped",
		"Plan.unread", "Plan.warnings", "PlanDir.asked", "PlanDir.dir", "PlanDir.reason", "PlanDir.to", "PlanDir.why",
		"PlanFile.over", "PlanFile.why", "ServerReach.first", "Step.warning", "Step.warnings",
		"TreeFile.gone", "TreeFile.hides", "TreeFile.opaque", "Warning.hint",
	}
	RareOperations = []string{"showOverlayRestart", "cancelOverlayRestart"}
)

const (
	prefix = "/api/v1"
	jsonID = "https://left4me.test/openapi.json"
	events = "text/event-stream"
)

// Description is the OpenAPI description of the API. It is safe for concurrent use.
type Description struct {
	doc      map[string]any
	paths    map[string]any
	compiler *jsonschema.Compiler

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
	answered map[string]bool // answered operations by id
	there    map[string]bool // optional members seen as present, by schema and name
	absent   map[string]bool
}

// Open loads the description.
func Open() (*Description, error) {
	raw, err := api.OpenAPI()
	if err != nil {
		return nil, err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	doc, _ := parsed.(map[string]any)
	strict(doc)
	d := &Description{
		doc:      doc,
		compiler: jsonschema.NewCompiler(),
		compiled: map[string]*jsonschema.Schema{},
		answered: map[string]bool{},
		there:    map[string]bool{},
		absent:   map[string]bool{},
	}
	d.paths, _ = doc["paths"].(map[string]any)
	d.compiler.DefaultDraft(jsonschema.Draft2020) // OpenAPI 3.1 uses this draft
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(jsonID, doc)
}

// strict closes the schemas, which the description leaves open for future members: every member
// that is returned today must be described.
func strict(v any) {
	switch v := v.(type) {
	case map[string]any:
		if values, ok := v["x-extensible-enum"]; ok {
			v["enum"] = values
		}
		if _, ok := v["properties"]; ok && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			strict(inner)
		}
	case []any:
		for _, inner := range v {
			strict(inner)
		}
	}
}

// Answer checks the answer to a request. A path that is not described must be answered with a
// problem.
func (d *Description) Answer(method, path string, status int, header http.Header, body []byte) error {
	path, _, _ = strings.Cut(path, "?")
	path, ok := strings.CutPrefix(path, prefix)
	if !ok || path == "/openapi.json" {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	at, op := d.find(method, path)
	if status == http.StatusNotModified || status == http.StatusRequestedRangeNotSatisfiable {
		return nil // answered by net/http when it serves files
	}
	if op == nil {
		if status < 400 || kind != "application/problem+json" {
			return fmt.Errorf("%s %s is not described, and answered %d with %s", method, path, status, kind)
		}
		return nil
	}
	responses, _ := op["responses"].(map[string]any)
	code := strconv.Itoa(status)
	if _, ok := responses[code]; !ok {
		if status < 400 {
			return fmt.Errorf("%s %s answered %d, which is not described", method, path, status)
		}
		code = "default"
	}
	response, _ := responses[code].(map[string]any)
	content, _ := response["content"].(map[string]any)
	if _, ok := content[kind]; !ok {
		return fmt.Errorf("%s %s answered %d with %q, which is not described", method, path, status, kind)
	}
	if status < 400 {
		d.mu.Lock()
		d.answered[fmt.Sprint(op["operationId"])] = true
		d.mu.Unlock()
	}
	if kind == events || !strings.HasSuffix(kind, "json") {
		return nil
	}
	return d.body(method+" "+path, at+"/responses/"+code+"/content/"+escape(kind)+"/schema", body)
}

// Event checks the data of one server-sent event of a stream.
func (d *Description) Event(path, name string, data []byte) error {
	path = strings.TrimPrefix(path, prefix)
	at, op := d.find(http.MethodGet, path)
	if op == nil {
		return fmt.Errorf("the stream %s is not described", path)
	}
	at += "/responses/200/content/" + escape(events) + "/schema"
	if name == "error" {
		at = "/components/schemas/Problem"
	}
	return d.body("event of "+path, at, data)
}

// body validates a document against the schema at a JSON pointer.
func (d *Description) body(what, pointer string, body []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.compiled[pointer]
	if s == nil {
		if s, err = d.compiler.Compile(jsonID + "#" + pointer); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		d.compiled[pointer] = s
	}
	if err := s.Validate(v); err != nil {
		return fmt.Errorf("%s is not as described: %w\n%s", what, err, body)
	}
	d.count(d.at(pointer), "", v)
	return nil
}

// count records which optional members of a valid document are present. The caller must hold d.mu.
func (d *Description) count(schema map[string]any, name string, v any) {
	if ref, ok := schema["$ref"].(string); ok {
		d.count(d.at(strings.TrimPrefix(ref, "#")), ref[strings.LastIndexByte(ref, '/')+1:], v)
		return
	}
	switch v := v.(type) {
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, inner := range v {
			d.count(items, name+"[]", inner)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for member, s := range properties {
			inner, ok := v[member]
			if !slices.Contains(required, any(member)) {
				seen := map[bool]map[string]bool{true: d.there, false: d.absent}[ok]
				seen[name+"."+member] = true
			}
			if s, described := s.(map[string]any); ok && described {
				d.count(s, name+"."+member, inner)
			}
		}
		if others, ok := schema["additionalProperties"].(map[string]any); ok {
			for _, inner := range v {
				d.count(others, name+"{}", inner)
			}
		}
	}
}

// Missing lists the operations with a JSON answer that were never answered, and the optional
// members of checked answers that were never present or never absent.
func (d *Description) Missing() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, methods := range d.paths {
		for _, o := range methods.(map[string]any) {
			op, _ := o.(map[string]any)
			if id := fmt.Sprint(op["operationId"]); hasJSON(op) && !d.answered[id] {
				all = append(all, "no answer of "+id)
			}
		}
	}
	for m := range maps.Keys(d.absent) {
		if !d.there[m] {
			all = append(all, m+" was never there")
		}
	}
	for m := range maps.Keys(d.there) {
		if !d.absent[m] {
			all = append(all, m+" was never absent")
		}
	}
	slices.Sort(all)
	return all
}

// Both reports whether an optional member, such as Job.error, was seen both present and absent.
func (d *Description) Both(member string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.there[member] && d.absent[member]
}

// Answered reports whether an operation returned a valid answer.
func (d *Description) Answered(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answered[id]
}

func hasJSON(op map[string]any) bool {
	raw, _ := json.Marshal(op["responses"])
	return bytes.Contains(raw, []byte(`"application/json":`))
}

// find returns the operation of a request and the JSON pointer to its description. If several paths
// match, it prefers the one with the fewest parameters.
func (d *Description) find(method, path string) (pointer string, op map[string]any) {
	best := -1
	for template, methods := range d.paths {
		n, ok := matches(template, path)
		o, described := methods.(map[string]any)[strings.ToLower(method)].(map[string]any)
		if ok && described && (best < 0 || n < best) {
			best, op, pointer = n, o, "/paths/"+escape(template)+"/"+strings.ToLower(method)
		}
	}
	return pointer, op
}

// matches reports whether a path matches a template, and the number of parameters in the template.
func matches(template, path string) (parameters int, ok bool) {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return 0, false
	}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{"):
			parameters++
		case w != have[i]:
			return 0, false
		}
	}
	return parameters, true
}

// at returns the value at a JSON pointer.
func (d *Description) at(pointer string) map[string]any {
	v := any(d.doc)
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		m, _ := v.(map[string]any)
		v = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	m, _ := v.(map[string]any)
	return m
}

// escape encodes a name as a part of a JSON pointer in a URL.
func escape(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}
