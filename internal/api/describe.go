package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/left4me/left4me/internal/left4me"
)

// describe writes the description as clients get it. Version 1 of the API only
// grows, so the description promises no more than what will stay true:
//
//   - Nothing is null. What isn't there is absent, a list without entries is
//     empty. Requests may say null for what they leave out; this is not described.
//   - An answer may get further members: its objects are not closed. A request
//     with an unknown member is refused, as it is probably misspelled.
//   - A string of an answer that has a set of values may get further ones: they
//     are listed as x-extensible-enum, which validates nothing.
func describe(h huma.API) ([]byte, error) {
	// Ours is Problem: nothing answers with huma's own.
	schemas := h.OpenAPI().Components.Schemas.Map()
	describeSettings(schemas["Settings"])
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	raw, err := h.OpenAPI().MarshalJSON()
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	nothingIsNull(doc)
	components, _ := doc["components"].(map[string]any)
	published, _ := components["schemas"].(map[string]any)
	answered := map[string]bool{}
	paths, _ := doc["paths"].(map[string]any)
	for _, methods := range paths {
		operations, _ := methods.(map[string]any)
		for _, o := range operations {
			if op, ok := o.(map[string]any); ok {
				reach(op["responses"], published, answered)
			}
		}
	}
	for name := range answered {
		open(published[name])
	}
	return json.Marshal(doc)
}

// nothingIsNull takes null out of the types of all schemas in v.
func nothingIsNull(v any) {
	each(v, func(m map[string]any) {
		if types, ok := m["type"].([]any); ok && len(types) == 2 && types[1] == "null" {
			m["type"] = types[0]
		}
	})
}

// open makes room in a schema of an answer for what comes later.
func open(schema any) {
	each(schema, func(m map[string]any) {
		if m["additionalProperties"] == false {
			delete(m, "additionalProperties")
		}
		values, ok := m["enum"].([]any)
		if !ok {
			return
		}
		texts := make([]string, 0, len(values))
		for _, v := range values {
			if v != "" {
				texts = append(texts, fmt.Sprint(v))
			}
		}
		known := "One of " + strings.Join(texts, ", ") + "; others may be added."
		if text, ok := m["description"].(string); ok {
			known = strings.TrimSuffix(text, ".") + ". " + known
		}
		m["description"], m["x-extensible-enum"] = known, values
		delete(m, "enum")
	})
}

// reach adds the names of the schemas that v refers to, also through others.
func reach(v any, schemas map[string]any, names map[string]bool) {
	each(v, func(m map[string]any) {
		ref, _ := m["$ref"].(string)
		if name, ok := strings.CutPrefix(ref, "#/components/schemas/"); ok && !names[name] {
			names[name] = true
			reach(schemas[name], schemas, names)
		}
	})
}

// each calls f with every object in v, the outer ones first.
func each(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, inner := range v {
			each(inner, f)
		}
	case []any:
		for _, inner := range v {
			each(inner, f)
		}
	}
}

// describeSettings says of each setting what the one table of them says.
func describeSettings(schema *huma.Schema) {
	if schema == nil {
		return
	}
	for _, i := range left4me.SettingInfos() {
		p := schema.Properties[i.Key]
		if p == nil {
			continue
		}
		p.Description = fmt.Sprintf("%s Default: %s. Sets %s.", i.Help, i.Default, strings.ReplaceAll(i.Sets, "`", ""))
		if i.Kind == left4me.ChoiceSetting {
			p.Description += " One of:"
			for _, c := range i.Choices {
				p.Description += " " + c.Value
			}
		}
		if i.Kind == left4me.NumberSetting {
			p.Description += fmt.Sprintf(" %d to %d.", i.Min, i.Max)
		}
	}
}
