package download

// OnInternet is for tests of the rule.
var OnInternet = onInternet

// ContentRange is for the fuzz target.
var ContentRange = contentRange
