// Package apitype defines the JSON types of requests and answers of /api/v1, for the API and its
// clients. Types that other parts of left4me share are in package left4me.
//
// Version 1 of the API only grows: no member is removed, renamed or given another type. The tags
// doc, enum and maxLength become part of the description, openapi.json.
//
// A newer left4me may answer with further members and with further values of a string, such as a
// state. A client ignores unknown members and passes unknown values on. A member that is absent
// from an answer has its zero value; lists are never null.
package apitype
