package left4me

import (
	"strings"
	"unicode"

	"github.com/left4me/left4me/internal/locale"
)

// StepText returns the label of a step in the language of p. The label itself identifies the
// step and never changes; a label that this build doesn't know is returned unchanged.
func StepText(p *locale.Printer, label string) string {
	if key := StepKey(label); p.Has(key) && !strings.ContainsFunc(label, unicode.IsControl) {
		return p.Text(key)
	}
	return label
}

// StepKey returns the catalogue key of a step's label: "step.write_configuration".
func StepKey(label string) string {
	words := strings.FieldsFunc(strings.ToLower(label), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return "step." + strings.Join(words, "_")
}
