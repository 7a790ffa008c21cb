package left4me

import (
	"fmt"
	"strconv"
	"strings"
)

// Get returns the setting as text, as Set reads it: nothing when s doesn't say
// it, several only of a list.
func (i SettingInfo) Get(s Settings) []string {
	one := func(said bool, text string) []string {
		if !said {
			return nil
		}
		return []string{text}
	}
	switch v := i.field(&s).(type) {
	case *string:
		return one(*v != "", *v)
	case *int:
		return one(*v != 0, strconv.Itoa(*v))
	case **bool:
		return one(*v != nil, onOff(*v))
	case *[]string:
		return *v
	case *[]Admin:
		var all []string
		for _, a := range *v {
			all = append(all, a.String())
		}
		return all
	}
	return nil
}

// onOff is a switch as text.
func onOff(b *bool) string {
	if b != nil && *b {
		return "on"
	}
	return "off"
}

// Set changes the setting of s to what the values say; nothing, or one that is
// empty, means that s doesn't say it. Errors: Invalid with the field, when text
// can't be such a value at all; whether it is a good one is for others to check.
func (i SettingInfo) Set(s *Settings, values ...string) error {
	if len(values) == 1 && values[0] == "" {
		values = nil
	}
	if len(values) > 1 && !i.List() {
		return i.wrong("", NewError(Invalid, "setting.one_value"))
	}
	text := strings.Join(values, "") // of all but lists
	switch v := i.field(s).(type) {
	case *string:
		*v = text
	case *int:
		n, err := strconv.Atoi(text)
		if len(values) == 1 && (err != nil || n == 0) {
			return i.wrong("", NewError(Invalid, "setting.not_a_number", "value", truncate(text, 80), "least", i.Min, "most", i.Max))
		}
		*v = n
	case **bool:
		on := false
		switch strings.ToLower(text) {
		case "":
			*v = nil
			return nil
		case "on", "yes", "true", "1":
			on = true
		case "off", "no", "false", "0":
		default:
			return i.wrong("", NewError(Invalid, "setting.neither_on_nor_off", "value", truncate(text, 80)))
		}
		*v = &on
	case *[]string:
		*v = values
	case *[]Admin:
		*v = nil
		for n, line := range values {
			a, err := ParseAdmin(line)
			if e, ok := Public(err); ok {
				return i.wrong(fmt.Sprintf("[%d]", n), e)
			}
			*v = append(*v, a)
		}
	}
	return nil
}

func (i SettingInfo) wrong(index string, e *Error) error {
	return e.InField("settings." + i.Key + index)
}
