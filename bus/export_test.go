package bus

// OpenSmall is Open with a smaller bound of messages.
var OpenSmall = open
