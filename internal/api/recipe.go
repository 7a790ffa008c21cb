package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// recipeRoutes are those of scripts to begin with.
func (a *api) recipeRoutes(h huma.API) {
	route(h, http.MethodGet, "/recipes", "listRecipes", accounts.Look, 200, "List scripts to begin with",
		func(context.Context, *none) ([]overlays.Recipe, error) {
			return overlays.Recipes(), nil
		})
	route(h, http.MethodGet, "/recipes/{id}", "showRecipe", accounts.Look, 200, "Show a script to begin with, with chosen values",
		showRecipe)
}

type recipeInput struct {
	ID  string   `path:"id" maxLength:"64"`
	Set []string `query:"set,explode" maxItems:"50" doc:"A parameter as NAME=VALUE; repeated for more"`
}

func showRecipe(_ context.Context, in *recipeInput) (overlays.Recipe, error) {
	r, err := overlays.FindRecipe(in.ID)
	if err != nil {
		return r, err
	}
	values := map[string]string{}
	for _, s := range in.Set {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return r, &left4me.Error{Kind: left4me.Invalid, Field: "set", Text: "a parameter has no value", Hint: "use NAME=VALUE"}
		}
		values[name] = value
	}
	return r.Fill(values)
}
