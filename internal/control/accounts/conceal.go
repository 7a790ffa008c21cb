package accounts

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// named are the arguments of errors that name objects, one or several.
var named = map[string]left4me.TargetKind{
	"server": left4me.ServerTarget, "servers": left4me.ServerTarget, "other": left4me.ServerTarget,
	"blueprint": left4me.BlueprintTarget, "blueprints": left4me.BlueprintTarget,
	"overlay": left4me.OverlayTarget,
}

// Conceal returns the error of a request of actor as it may read it. An error that says
// what is in the way, of kind left4me.Conflict or left4me.Busy, and names something that
// actor may not see, is replaced by one without the name, in the same field; so is such an
// error among the arguments of another. What was replaced is its cause. Errors of other
// kinds name what the request named.
func Conceal(actor Actor, err error) error {
	if actor.Only == nil || err == nil {
		return err
	}
	r := errorReader{actor: actor}
	var all left4me.Fields
	if errors.As(err, &all) {
		out := make(left4me.Fields, len(all))
		same := true
		for i, e := range all {
			out[i] = r.shown(e)
			same = same && out[i] == e
		}
		if same {
			return err
		}
		return out
	}
	if e, ok := left4me.Public(err); ok {
		if shown := r.shown(e); shown != e {
			return shown
		}
	}
	return err
}

// ConcealIn returns an error that is kept with a target which actor may see, of a job or
// of the state of a server, as actor may read it: nil of nil. Somebody else may have
// asked for what failed, so that an error of any kind may name what actor may not see;
// but overlays and blueprints are named as far as they aren't in the way: the definition
// of the target refers to them.
func ConcealIn(actor Actor, target left4me.Target, e *left4me.Error) *left4me.Error {
	if actor.Only == nil || e == nil {
		return e
	}
	return errorReader{actor: actor, target: target, kept: true}.shown(e)
}

// errorReader is somebody who may not see everything and reads an error.
type errorReader struct {
	actor  Actor
	target left4me.Target // that it is kept with
	kept   bool
}

// shown is e, or what is shown in its place.
func (r errorReader) shown(e *left4me.Error) *left4me.Error {
	if r.hidden(e) {
		return concealed(e)
	}
	out := e
	for name, v := range e.Args {
		cause, ok := v.(*left4me.Error)
		if !ok {
			continue
		}
		shown := r.shown(cause)
		if shown == cause {
			continue
		}
		if !e.Worded() { // its text has the name, too
			return concealed(e)
		}
		if out == e {
			c := *e
			c.Args, c.Err = maps.Clone(e.Args), e
			out = &c
		}
		out.Args[name] = shown
	}
	if out == e {
		return e
	}
	return out.Rendered()
}

// concealed stands in the place of an error.
func concealed(e *left4me.Error) *left4me.Error {
	c := left4me.NewError(e.Kind, "object.hidden")
	if strings.HasPrefix(e.Code, "port.holder_") { // a part of a sentence
		c = left4me.NewError(e.Kind, "port.holder_hidden")
	}
	return c.InField(e.Field).Because(e)
}

// hidden reports whether an error names something that its reader may not see.
func (r errorReader) hidden(e *left4me.Error) bool {
	inTheWay := e.Kind == left4me.Conflict || e.Kind == left4me.Busy
	if inTheWay && !e.Worded() {
		return true // nobody knows what its text names
	}
	for arg, kind := range named {
		list, ok := e.Args[arg].(string)
		if !ok || arg == "other" && !strings.HasPrefix(e.Code, "port.") { // a path
			continue
		}
		if !inTheWay && (!r.kept || kind != left4me.ServerTarget) {
			continue
		}
		for name := range strings.SplitSeq(list, ", ") {
			if there, seen := r.sees(kind, name); !seen && (there || inTheWay) {
				return true
			}
		}
	}
	return false
}

// sees reports whether there is, as far as that is known, and the reader may see, what has a
// name, also the one that its host has for it: what a host says may be older than a rename.
func (r errorReader) sees(kind left4me.TargetKind, name string) (there, seen bool) {
	if name == "" || kind == r.target.Kind && name == r.target.Name {
		return true, true
	}
	target, there := left4me.Target{Kind: kind, Name: name}, true
	if r.actor.names != nil {
		found, err := r.actor.names.TargetOnHost(context.Background(), kind, name)
		if err != nil {
			return true, false
		}
		target, there = found, found.ID != ""
	}
	return there, Allow(r.actor, See, target) == nil
}
