package console

import (
	"fmt"
	"strconv"
	"strings"
)

// Flag is a set of properties of a variable.
type Flag uint8

// Flags.
const (
	Game       Flag = 1 << iota // defined by the game, not the engine
	Notify                      // changes are logged, and the rules of a server query include it
	Replicated                  // clients have the same value
	Cheat                       // requires sv_cheats
	Protected                   // others see only whether it has a value
	Hidden                      // omitted from cvarlist
)

// Var is a variable of the console.
type Var struct {
	Name    string
	Value   string
	Default string
	Flags   Flag
	Help    string
}

// String returns what the console prints for the name of the variable.
func (v *Var) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, `"%s" = "%s"`, v.Name, v.Value)
	if v.Value != v.Default {
		fmt.Fprintf(&b, ` ( def. "%s" )`, v.Default)
	}
	for _, f := range flagNames {
		if v.Flags&f.flag != 0 {
			b.WriteString(" " + f.long)
		}
	}
	fmt.Fprintf(&b, " - %s", v.Help)
	return b.String()
}

// Public returns the value that others may see.
func (v *Var) Public() string {
	switch {
	case v.Flags&Protected == 0:
		return v.Value
	case v.Value == "":
		return "0"
	}
	return "1"
}

var flagNames = []struct {
	flag        Flag
	long, short string
}{
	{Game, "game", `"sv"`},
	{Cheat, "cheat", `"cheat"`},
	{Notify, "notify", `"nf"`},
	{Replicated, "replicated", `"rep"`},
}

// row returns a line of cvarlist, which prints all values as integers.
func (v *Var) row() string {
	var flags strings.Builder
	for _, f := range flagNames {
		if v.Flags&f.flag != 0 {
			flags.WriteString(", " + f.short)
		}
	}
	n, _ := strconv.ParseFloat(v.Value, 64)
	return fmt.Sprintf("%-41s: %-8d : %-20s : %s\n", v.Name, int(n), flags.String(), v.Help)
}
