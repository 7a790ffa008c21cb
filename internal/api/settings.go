package api

import (
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/left4me"
)

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
