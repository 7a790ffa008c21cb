package settings

import (
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// Restack changes the overlay stack of the form, without saving it. button is the value of
// the pressed button: "add", "add:NAME" for an overlay that goes below the others, or "up:N",
// "down:N" or "remove:N" with the index of an overlay.
func (f *Form) Restack(button string) {
	what, number, _ := strings.Cut(button, ":")
	n, err := strconv.Atoi(number)
	valid := err == nil && n >= 0 && n < len(f.Stack)
	switch {
	case what == "add" && left4me.Name(number).Valid():
		f.Stack = append(f.Stack, number)
	case what == "add" && f.Add != "":
		f.Stack, f.Add = slices.Insert(f.Stack, 0, f.Add), ""
	case what == "remove" && valid:
		f.Stack = slices.Delete(f.Stack, n, n+1)
	case what == "up" && valid && n > 0:
		f.Stack[n], f.Stack[n-1] = f.Stack[n-1], f.Stack[n]
	case what == "down" && valid && n+1 < len(f.Stack):
		f.Stack[n], f.Stack[n+1] = f.Stack[n+1], f.Stack[n]
	}
}

// Prepend puts the overlay that an address names on top of the stack, without saving it.
func (f *Form) Prepend(who accounts.Actor, name string) {
	n := left4me.Name(name)
	if n.Valid() && page.Sees(who, left4me.OnOverlay(n)) && !slices.ContainsFunc(f.Stack, func(s string) bool { return nameIn(s) == n }) {
		f.Stack = slices.Insert(f.Stack, 0, name)
	}
}

// overlayID returns the element id of the nth overlay, counted from 0.
func overlayID(n int) string { return "overlay-" + strconv.Itoa(n) }

// stackID returns the element id that a problem with the stack links to.
func (f Form) stackID() string {
	if len(f.Stack) > 0 {
		return overlayID(0)
	}
	return "overlays"
}

// nameIn returns the overlay's name in a text such as maps@3.
func nameIn(ref string) left4me.Name {
	name, _, _ := strings.Cut(ref, "@")
	return left4me.Name(name)
}

// stack returns the overlays of the form, the topmost first, without those that cannot be
// parsed.
func (f Form) stack() (all []left4me.OverlayRef) {
	for _, text := range f.Stack {
		if o, err := left4me.ParseOverlayRef(text); err == nil {
			all = append(all, o)
		}
	}
	return all
}

// OverlayNames returns the names of a stack's overlays, separated by spaces, for the script
// that filters the suggested maps.
func OverlayNames(stack []left4me.OverlayRef) string {
	names := make([]string, len(stack))
	for i, o := range stack {
		names[i] = string(o.Name)
	}
	return strings.Join(names, " ")
}
