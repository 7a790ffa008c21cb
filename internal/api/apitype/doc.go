// Package apitype has the JSON types of requests and answers of /api/v1, for the
// API and for its clients. Types that both sides of left4me share are in package
// left4me.
//
// Version 1 of the API only grows: no member is removed, renamed or given another
// type. The tags doc, enum and maxLength become the description, openapi.json.
//
// A newer left4me may answer with further members and with further values of a
// string, such as a state: a client ignores the members and passes on the values.
// What is absent from an answer is the zero value; lists are never null.
package apitype
