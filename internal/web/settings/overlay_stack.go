package settings

import (
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Restack does what one of the buttons beside the overlays says: up, down or
// remove with a number, or add. Nothing is saved by that.
func (f *Form) Restack(button string) {
	what, number, _ := strings.Cut(button, ":")
	n, err := strconv.Atoi(number)
	there := err == nil && n >= 0 && n < len(f.Stack)
	switch {
	case what == "add" && f.Add != "":
		f.Stack, f.Add = slices.Insert(f.Stack, 0, f.Add), ""
	case what == "remove" && there:
		f.Stack = slices.Delete(f.Stack, n, n+1)
	case what == "up" && there && n > 0:
		f.Stack[n], f.Stack[n-1] = f.Stack[n-1], f.Stack[n]
	case what == "down" && there && n+1 < len(f.Stack):
		f.Stack[n], f.Stack[n+1] = f.Stack[n+1], f.Stack[n]
	}
}

// overlayID is the id of the nth overlay in the form.
func overlayID(n int) string { return "overlay-" + strconv.Itoa(n) }

// stackID is where what is wrong with the stack can be changed.
func (f Form) stackID() string {
	if len(f.Stack) > 0 {
		return overlayID(0)
	}
	return "overlays"
}

// nameIn is the overlay that a text of a stack names.
func nameIn(ref string) left4me.Name {
	name, _, _ := strings.Cut(ref, "@")
	return left4me.Name(name)
}

// stack is what the form stacks, top first, as far as it can be read.
func (f Form) stack() (all []left4me.OverlayRef) {
	for _, text := range f.Stack {
		if o, err := left4me.ParseOverlayRef(text); err == nil {
			all = append(all, o)
		}
	}
	return all
}

// OverlayNames are the overlays of a stack, for the script that narrows the maps.
func OverlayNames(stack []left4me.OverlayRef) string {
	names := make([]string, len(stack))
	for i, o := range stack {
		names[i] = string(o.Name)
	}
	return strings.Join(names, " ")
}
