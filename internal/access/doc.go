// Package access says who may do what: one table, by kind of thing, by what is
// done to it, and by role. What the table does not say is refused.
//
// The package imports metal and the standard library. It knows neither HTTP nor
// the database: whoever asks brings the roles.
package access
