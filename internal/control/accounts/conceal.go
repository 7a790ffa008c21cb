package accounts

import (
	"errors"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// named are the arguments of errors that name objects, one or several.
var named = map[string]left4me.TargetKind{
	"server": left4me.ServerTarget, "servers": left4me.ServerTarget, "other": left4me.ServerTarget,
	"blueprint": left4me.BlueprintTarget, "blueprints": left4me.BlueprintTarget,
	"overlay": left4me.OverlayTarget,
}

// Conceal returns err as actor may read it: an error that says what is in the way, of
// kind left4me.Conflict or left4me.Busy, and names something that actor may not see, is
// replaced by one without the name, in the same field. What was replaced is its cause.
func Conceal(actor Actor, err error) error {
	if actor.Only == nil || err == nil {
		return err
	}
	var all left4me.Fields
	if errors.As(err, &all) {
		if !slices.ContainsFunc(all, func(e *left4me.Error) bool { return names(actor, e) }) {
			return err
		}
		out := make(left4me.Fields, len(all))
		for i, e := range all {
			out[i] = concealed(actor, e)
		}
		return out
	}
	if e, ok := left4me.Public(err); ok && names(actor, e) {
		return concealed(actor, e)
	}
	return err
}

func concealed(actor Actor, e *left4me.Error) *left4me.Error {
	if !names(actor, e) {
		return e
	}
	return left4me.NewError(e.Kind, "object.hidden").InField(e.Field).Because(e)
}

// names reports whether an error is about something in the way that actor may not see.
func names(actor Actor, e *left4me.Error) bool {
	if e.Kind != left4me.Conflict && e.Kind != left4me.Busy {
		return false
	}
	for arg, kind := range named {
		list, ok := e.Args[arg].(string)
		if !ok || arg == "other" && !strings.HasPrefix(e.Code, "port.") { // a path
			continue
		}
		for name := range strings.SplitSeq(list, ", ") {
			if name != "" && Allow(actor, See, left4me.Target{Kind: kind, Name: name}) != nil {
				return true
			}
		}
	}
	return false
}
