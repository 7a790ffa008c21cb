package content

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

// Recipe is a script to begin with.
type Recipe struct {
	ID, Title, Text string // of its page
	Parameters      []Parameter
	Script          string // where ${NAME} of its parameters stand as variables
}

// Parameter is what people may change of a recipe.
type Parameter struct{ Name, Title, Default, Hint string }

//go:embed recipes/*.sh
var recipeFiles embed.FS

// recipeOrder is how they are shown.
var recipeOrder = []string{"sourcemod", "competitive", "l4dtoolz", "map-list", "map-archives", "blank"}

// Recipes are the scripts to begin with.
func Recipes() []Recipe {
	all := make([]Recipe, len(recipeOrder))
	for i, id := range recipeOrder {
		b, err := recipeFiles.ReadFile("recipes/" + id + ".sh")
		if err == nil {
			all[i], err = readRecipe(id, string(b))
		}
		if err != nil {
			panic(err) // they are a part of the program, and tested
		}
	}
	return all
}

var assigned = regexp.MustCompile(`^: "\$\{([A-Z][A-Z0-9_]*):=([^}"]*)\}"$`)

// readRecipe understands what is written in a recipe for people: its title and
// text in the first comment, and behind it each parameter, as a variable that is
// only set when it isn't yet, beneath a comment with its title and, behind a
// colon, what is to be known about it.
func readRecipe(id, script string) (Recipe, error) {
	r := Recipe{ID: id, Script: script}
	lines := strings.Split(script, "\n")
	if len(lines) < 5 || lines[0] != "#!/bin/bash" || lines[2] != "#" || lines[4] != "" {
		return r, fmt.Errorf("recipe %s: it does not begin as one", id)
	}
	r.Title, r.Text = strings.TrimPrefix(lines[1], "# "), strings.TrimPrefix(lines[3], "# ")
	for i := 6; i < len(lines); i++ {
		m := assigned.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		said, ok := strings.CutPrefix(lines[i-1], "# ")
		title, hint, ok2 := strings.Cut(said, ": ")
		if !ok || !ok2 {
			return r, fmt.Errorf("recipe %s: nothing is said about %s", id, m[1])
		}
		r.Parameters = append(r.Parameters, Parameter{Name: m[1], Title: title, Default: m[2], Hint: hint})
	}
	return r, nil
}
