package shim

const maxLine = 4096
