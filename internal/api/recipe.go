package api

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

func recipeOf(v overlays.Recipe) apitype.Recipe {
	parameters := make([]apitype.Parameter, len(v.Parameters))
	for i, p := range v.Parameters {
		parameters[i] = apitype.Parameter(p)
	}
	return apitype.Recipe{ID: v.ID, Title: v.Title, Text: v.Text, Parameters: parameters, Script: v.Script}
}

func listRecipes(context.Context, *ListInput) ([]apitype.Recipe, error) {
	found := overlays.Recipes()
	all := make([]apitype.Recipe, len(found))
	for i, v := range found {
		all[i] = recipeOf(v)
	}
	return all, nil
}

type recipeInput struct {
	Set []string `query:"set,explode" maxItems:"50" doc:"A parameter as NAME=VALUE; may be repeated"`
}

func showRecipe(_ context.Context, id string, in *recipeInput) (apitype.Recipe, error) {
	r, err := overlays.FindRecipe(id)
	if err != nil {
		return apitype.Recipe{}, err
	}
	values := map[string]string{}
	for _, s := range in.Set {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return apitype.Recipe{}, left4me.NewError(left4me.Invalid, "recipe.parameter_without_value").InField("set")
		}
		values[name] = value
	}
	r, err = r.Fill(values)
	return recipeOf(r), err
}
