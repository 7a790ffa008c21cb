package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/left4me/left4me/internal/left4me"
)

// describe returns the OpenAPI description for clients. Version 1 of the API only grows, so the
// description promises only what will stay true:
//
//   - Nothing is null. Missing values are absent, and a list without entries is empty. Requests
//     may contain null for absent members; this is not described.
//   - An answer may get further members, so its objects are not closed. A request with an unknown
//     member is rejected, because the name is probably misspelled.
//   - A string in an answer with a set of values may get further values. The known values are
//     listed as x-extensible-enum, which validates nothing.
func describe(h huma.API) ([]byte, error) {
	// left4me has its own type Problem; no operation returns huma's error models.
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

// nothingIsNull removes null from the types of all schemas in v.
func nothingIsNull(v any) {
	each(v, func(m map[string]any) {
		if types, ok := m["type"].([]any); ok && len(types) == 2 && types[1] == "null" {
			m["type"] = types[0]
		}
	})
}

// open allows further members and enum values in the schema of an answer.
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

// reach adds the names of all schemas that v refers to, directly or indirectly.
func reach(v any, schemas map[string]any, names map[string]bool) {
	each(v, func(m map[string]any) {
		ref, _ := m["$ref"].(string)
		if name, ok := strings.CutPrefix(ref, "#/components/schemas/"); ok && !names[name] {
			names[name] = true
			reach(schemas[name], schemas, names)
		}
	})
}

// each calls f for every object in v, outer objects first.
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

// describeSettings copies the descriptions of settings from left4me.SettingInfos into the schema.
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
