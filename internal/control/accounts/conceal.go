package accounts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// nameArgs lists the error arguments that hold object names, singly or comma-separated.
var nameArgs = map[string]left4me.TargetKind{
	"server": left4me.ServerTarget, "servers": left4me.ServerTarget, "other": left4me.ServerTarget,
	"blueprint": left4me.BlueprintTarget, "blueprints": left4me.BlueprintTarget,
	"overlay": left4me.OverlayTarget,
}

// Conceal returns err as actor may read it. An error of kind left4me.Conflict or left4me.Busy
// reports an obstacle; if it names an object that actor may not see, Conceal replaces it with one
// without the name, in the same field. Errors among the arguments of another error are treated
// alike. The replaced error becomes the cause of its replacement. Errors of other kinds only name
// what the request named.
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

// ConcealIn returns an error stored with target, in a job or in a server's state, as actor may read
// it. actor may see target. ConcealIn returns nil for nil. The failed request may have been another
// user's, so an error of any kind may name a server that actor may not see. Names of overlays and
// blueprints stay unless they are the obstacle: the target's definition refers to them.
func ConcealIn(actor Actor, target left4me.Target, e *left4me.Error) *left4me.Error {
	if actor.Only == nil || e == nil {
		return e
	}
	return errorReader{actor: actor, target: target, stored: true}.shown(e)
}

// errorReader decides which errors an actor with restricted rights may read.
type errorReader struct {
	actor  Actor
	target left4me.Target // the object the error is stored with
	stored bool
}

// shown returns e, or its replacement.
func (r errorReader) shown(e *left4me.Error) *left4me.Error {
	if r.hidden(e) {
		return replacement(e)
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
		if !e.Worded() { // the rendered text contains the name too
			return replacement(e)
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

// replacement returns the error without names that is shown in place of e.
func replacement(e *left4me.Error) *left4me.Error {
	c := left4me.NewError(e.Kind, "object.hidden")
	if strings.HasPrefix(e.Code, "port.holder_") { // a fragment of a sentence
		c = left4me.NewError(e.Kind, "port.holder_hidden")
	}
	return c.InField(e.Field).Because(e)
}

// hidden reports whether e names an object that the reader may not see.
func (r errorReader) hidden(e *left4me.Error) bool {
	inTheWay := e.Kind == left4me.Conflict || e.Kind == left4me.Busy
	if inTheWay && !e.Worded() {
		return true // the names in its text cannot be checked
	}
	for arg, kind := range nameArgs {
		list, ok := e.Args[arg].(string)
		if !ok || arg == "other" && !strings.HasPrefix(e.Code, "port.") { // elsewhere "other" is a path
			continue
		}
		if !inTheWay && (!r.stored || kind != left4me.ServerTarget) {
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

// sees reports whether an object of this name exists, as far as is known, and whether the reader
// may see it. It also resolves names from before a rename, which a host may still report.
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

// ConcealJob returns a job with its error and the errors in its notes as actor, who may see the job,
// may read them; see ConcealIn.
func ConcealJob(actor Actor, j left4me.Job) left4me.Job {
	if actor.Only == nil {
		return j
	}
	shown := func(e *left4me.Error) *left4me.Error { return ConcealIn(actor, JobTarget(j), e) }
	j.Error = shown(j.Error)
	j.Steps = slices.Clone(j.Steps)
	for i := range j.Steps {
		j.Steps[i] = j.Steps[i].WithErrors(shown)
	}
	return j
}
