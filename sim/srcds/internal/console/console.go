// Package console is the command interpreter of the simulated server: its variables and commands, and
// their syntax on the console, in cfg files and on the command line.
//
// It imitates the engine where this is visible: no escapes in quotes, comments everywhere outside
// quotes, commands over 512 bytes skipped, cheat variables refused, and the same messages. Aliases and
// wait are missing. Nothing in this package is safe for concurrent use, because the engine is
// single-threaded, and so is the simulation.
package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Console runs commands. The zero value is not usable; see [New].
type Console struct {
	// Print receives the output. Each text ends with a newline.
	Print func(text string)
	// ReadScript returns a file named by exec, relative to cfg/.
	ReadScript func(name string) ([]byte, error)
	// Changed is called when the value of a variable has changed. It may be nil.
	Changed func(v *Var)

	vars     map[string]*Var
	commands map[string]command
	depth    int // nesting depth of exec
}

type command struct {
	help string
	run  func(Args)
}

// New returns a console with the variables of a Left 4 Dead 2 server at their defaults.
func New(print func(string)) *Console {
	c := &Console{Print: print, vars: map[string]*Var{}, commands: map[string]command{}}
	for _, v := range defaults {
		c.Define(v)
	}
	c.Command("echo", "Echo text to console.", func(a Args) { c.Printf("%s\n", strings.Join(a.Words, " ")) })
	c.Command("exec", "Execute script file.", c.exec)
	c.Command("cvarlist", "Show the list of convars/concommands.", c.list)
	c.Command("find", "Find concommands with the specified string in their name/help text.", c.find)
	c.Command("help", "Find help about a convar/concommand.", c.help)
	return c
}

// Define adds a variable with its default value.
func (c *Console) Define(v Var) {
	v.Value = v.Default
	c.vars[strings.ToLower(v.Name)] = &v
}

// Command adds a command.
func (c *Console) Command(name, help string, run func(Args)) {
	c.commands[strings.ToLower(name)] = command{help, run}
}

// Printf prints formatted output.
func (c *Console) Printf(format string, args ...any) { c.Print(fmt.Sprintf(format, args...)) }

// String returns the value of a variable, or "" if it does not exist.
func (c *Console) String(name string) string {
	if v := c.vars[name]; v != nil {
		return v.Value
	}
	return ""
}

// Int returns the value of a variable as a number, or 0 if it is not a number.
func (c *Console) Int(name string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(c.String(name)))
	return n
}

// Bool reports whether a variable is not zero.
func (c *Console) Bool(name string) bool { return c.Int(name) != 0 }

// Set changes a variable as a command would, but does not require sv_cheats.
func (c *Console) Set(name, value string) {
	v := c.vars[strings.ToLower(name)]
	if v == nil || v.Value == value {
		return
	}
	v.Value = value
	if c.Changed != nil {
		c.Changed(v)
	}
}

// Run runs a line: console input, an RCON command, or one line of a script.
func (c *Console) Run(line string) {
	if len(line) >= MaxLine {
		c.Printf("CCommand::Tokenize: Encountered command which overflows the tokenizer buffer.. Skipping!\n")
		return
	}
	for _, one := range Split(line) {
		c.runOne(parse(one))
	}
}

// RunCommand runs a command that is already split into words, as on the command line of the process.
func (c *Console) RunCommand(name string, words []string) {
	rest := strings.Join(words, " ")
	c.runOne(Args{Name: name, Words: words, Rest: rest})
}

func (c *Console) runOne(a Args) {
	key := strings.ToLower(a.Name)
	if cmd, ok := c.commands[key]; ok {
		cmd.run(a)
		return
	}
	v := c.vars[key]
	switch {
	case v == nil:
		c.Printf("Unknown command \"%s\"\n", a.Name)
	case a.Rest == "":
		c.Printf("%s\n", v)
	case v.Flags&Cheat != 0 && !c.Bool("sv_cheats"):
		c.Printf("Can't use cheat cvar %s in multiplayer, unless the server has sv_cheats set to 1.\n", v.Name)
	default:
		c.Set(v.Name, a.Text())
	}
}

// exec runs a script in cfg/. Recursive scripts stop at the engine's nesting limit.
func (c *Console) exec(a Args) {
	const deepest = 16
	if len(a.Words) == 0 {
		c.Printf("exec <filename>: execute a script file\n")
		return
	}
	name := a.Words[0]
	if c.depth >= deepest {
		c.Printf("exec: too many nested scripts, %s\n", name)
		return
	}
	script, err := c.ReadScript(name)
	if err != nil {
		c.Printf("exec: couldn't exec %s\n", name)
		return
	}
	c.depth++
	defer func() { c.depth-- }()
	for line := range strings.Lines(string(script)) {
		c.Run(strings.TrimRight(line, "\r\n"))
	}
}

// Vars returns the variables that have all of the given flags, sorted by name.
func (c *Console) Vars(flags Flag) []*Var {
	var vs []*Var
	for _, v := range c.vars {
		if v.Flags&flags == flags {
			vs = append(vs, v)
		}
	}
	slices.SortFunc(vs, func(a, b *Var) int { return strings.Compare(a.Name, b.Name) })
	return vs
}

func (c *Console) list(a Args) {
	prefix := strings.ToLower(a.Word(0))
	rows := make(map[string]string)
	for key, cmd := range c.commands {
		rows[key] = fmt.Sprintf("%-41s: cmd      : %-20s : %s\n", key, "", cmd.help)
	}
	for key, v := range c.vars {
		if v.Flags&Hidden == 0 {
			rows[key] = v.row()
		}
	}
	var out strings.Builder
	out.WriteString("cvar list\n--------------\n")
	n := 0
	for _, key := range sortedKeys(rows) {
		if strings.HasPrefix(key, prefix) {
			out.WriteString(rows[key])
			n++
		}
	}
	fmt.Fprintf(&out, "--------------\n%3d total convars/concommands\n", n)
	c.Print(out.String())
}

func (c *Console) find(a Args) {
	if len(a.Words) == 0 {
		c.Printf("Usage:  find <string>\n")
		return
	}
	wanted := strings.ToLower(a.Words[0])
	for _, key := range sortedKeys(c.vars) {
		v := c.vars[key]
		if v.Flags&Hidden == 0 && strings.Contains(key+"\n"+strings.ToLower(v.Help), wanted) {
			c.Printf("%s\n", v)
		}
	}
	for _, key := range sortedKeys(c.commands) {
		if help := c.commands[key].help; strings.Contains(key+"\n"+strings.ToLower(help), wanted) {
			c.Printf("\"%s\"\n - %s\n", key, help)
		}
	}
}

func (c *Console) help(a Args) {
	if len(a.Words) == 0 {
		c.Printf("Usage:  help <cvarname>\n")
		return
	}
	key := strings.ToLower(a.Words[0])
	if v, ok := c.vars[key]; ok {
		c.Printf("%s\n", v)
	} else if cmd, ok := c.commands[key]; ok {
		c.Printf("\"%s\"\n - %s\n", key, cmd.help)
	} else {
		c.Printf("help:  no cvar or command named %s\n", a.Words[0])
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
