package download

// OnInternet exports onInternet.
var OnInternet = onInternet

// ContentRange exports contentRange.
var ContentRange = contentRange
