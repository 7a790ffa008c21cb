package page

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// Public returns the part of err that the actor may read. All other packages of the panel must use it to show
// errors.
func Public(who accounts.Actor, err error) (*left4me.Error, bool) {
	return left4me.Public(accounts.Conceal(who, err))
}

// Problems maps the fields of a form to the problems of their values. The empty field stands for the form
// as a whole.
type Problems map[string]string

// ProblemsOf returns the problems in err by field, without parts that the actor may not read. It reports
// false if err is not about the values of a form.
func ProblemsOf(ctx context.Context, who accounts.Actor, err error) (Problems, bool) {
	err = accounts.Conceal(who, err)
	e, ok := left4me.Public(err)
	if !ok || e.Kind != left4me.Invalid && e.Kind != left4me.Conflict {
		return nil, false
	}
	all := left4me.Fields{e}
	_ = errors.As(err, &all)
	out := Problems{}
	for _, e := range all {
		field, rest, list := strings.Cut(e.Field, "[")
		text := format.Sentence(format.ErrorLine(ctx, e))
		if n, err := strconv.Atoi(strings.TrimSuffix(rest, "]")); list && err == nil {
			text = locale.T(ctx, "page.line_problem", "line", n+1, "problem", format.ErrorLine(ctx, e))
		}
		switch {
		case out[field] == "":
			out[field] = text
		case list && !strings.Contains(out[field], text):
			out[field] += "; " + text
		}
	}
	return out, true
}

// All returns all problems as one text.
func (p Problems) All() string { return strings.Join(slices.Sorted(maps.Values(p)), " ") }

// JoinMistakes joins errors about fields into one error, or returns nil if there are none.
func JoinMistakes(errs ...error) error {
	var all left4me.Fields
	for _, err := range errs {
		var several left4me.Fields
		if errors.As(err, &several) {
			all = append(all, several...)
		} else if e, ok := left4me.Public(err); ok {
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
