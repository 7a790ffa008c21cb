package content

// Recipe is a script to begin with.
type Recipe struct {
	ID, Title, Text string // of its page
	Parameters      []Parameter
	Script          string // where ${NAME} of its parameters stand as variables
}

// Parameter is what people may change of a recipe.
type Parameter struct{ Name, Title, Default, Hint string }

// Recipes are the scripts to begin with.
func Recipes() []Recipe { return nil }
