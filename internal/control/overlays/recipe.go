package overlays

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// Recipe is a script template.
type Recipe struct {
	ID         string
	Title      string
	Text       string // description
	Parameters []Parameter
	Script     string // bash script with a variable per parameter
}

// Parameter is a value in a recipe that users can change.
type Parameter struct {
	Name    string // variable name
	Title   string
	Default string // value in the script
	Hint    string
}

//go:embed recipes/*.sh
var recipeFiles embed.FS

// recipeOrder lists the recipes in display order.
var recipeOrder = []string{"sourcemod", "competitive", "l4dtoolz", "map-list", "map-archives", "blank"}

// Recipes returns all recipes.
func Recipes() []Recipe {
	all := make([]Recipe, len(recipeOrder))
	for i, id := range recipeOrder {
		b, err := recipeFiles.ReadFile("recipes/" + id + ".sh")
		if err == nil {
			all[i], err = readRecipe(id, string(b))
		}
		if err != nil {
			panic(err) // embedded recipes are checked by tests
		}
	}
	return all
}

// FindRecipe returns the recipe with this ID. Errors: left4me.NotFound.
func FindRecipe(id string) (Recipe, error) {
	all := Recipes()
	i := slices.IndexFunc(all, func(r Recipe) bool { return r.ID == id })
	if i < 0 {
		return Recipe{}, left4me.NewError(left4me.NotFound, "recipe.unknown", "recipe", id, "known", strings.Join(recipeOrder, ", "))
	}
	return all[i], nil
}

// MadeFrom returns the overlays whose script was made from a recipe: it starts with the recipe's title.
// Errors: left4me.NotFound for an unknown recipe.
func MadeFrom(ctx context.Context, c *Overlays, id string) (all []left4me.Name, err error) {
	r, err := FindRecipe(id)
	if err != nil {
		return nil, err
	}
	k, err := c.known(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range k.names() {
		v := k.defined(n)
		if v.DeletedAt.IsZero() && v.Script != nil && strings.HasPrefix(v.Script.Text, "#!/bin/bash\n# "+r.Title+"\n") {
			all = append(all, n)
		}
	}
	return all, nil
}

// Fill sets parameters by name. A value replaces the line that assigns the parameter's default, and
// is quoted as a single shell word. Errors: left4me.Invalid of the field "set", for an unknown
// parameter and for a value that isn't a single line of text.
func (r Recipe) Fill(values map[string]string) (Recipe, error) {
	r.Parameters = slices.Clone(r.Parameters)
	for i, p := range r.Parameters {
		value, ok := values[p.Name]
		if value = strings.TrimSpace(value); !ok || value == p.Default {
			continue
		}
		if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return r, left4me.NewError(left4me.Invalid, "recipe.parameter_not_plain", "parameter", p.Name).InField("set")
		}
		r.Parameters[i].Default = value
		r.Script = strings.Replace(r.Script, fmt.Sprintf(`: "${%s:=%s}"`, p.Name, p.Default), p.Name+"="+left4me.ShellWord(value), 1)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(r.Parameters, func(p Parameter) bool { return p.Name == name }) {
			return r, left4me.NewError(left4me.Invalid, "recipe.parameter_unknown", "recipe", r.ID, "parameter", name).InField("set")
		}
	}
	return r, nil
}

var assigned = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^: "\$\{([A-Z][A-Z0-9_]*):=([^}"]*)\}"$`)
})

// readRecipe parses a recipe. The first comment holds the title and the description. Each parameter
// is a variable that is assigned only if unset; the comment above it holds its title and, after a
// colon, a hint.
func readRecipe(id, script string) (Recipe, error) {
	r := Recipe{ID: id, Script: script, Parameters: []Parameter{}}
	lines := strings.Split(script, "\n")
	if len(lines) < 5 || lines[0] != "#!/bin/bash" || lines[2] != "#" || lines[4] != "" {
		return r, fmt.Errorf("recipe %s: it does not begin as one", id)
	}
	r.Title, r.Text = strings.TrimPrefix(lines[1], "# "), strings.TrimPrefix(lines[3], "# ")
	for i := 6; i < len(lines); i++ {
		m := assigned().FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		comment, ok := strings.CutPrefix(lines[i-1], "# ")
		title, hint, ok2 := strings.Cut(comment, ": ")
		if !ok || !ok2 {
			return r, fmt.Errorf("recipe %s: nothing is said about %s", id, m[1])
		}
		r.Parameters = append(r.Parameters, Parameter{Name: m[1], Title: title, Default: m[2], Hint: hint})
	}
	return r, nil
}
