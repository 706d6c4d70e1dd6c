// Package console keeps the serial consoles of a site's machines: from power-on
// to phone-home of every run it records what they print, and at any time it lets
// people sit at one.
//
// A BMC lends its console to one reader. So there is one keeper for each
// machine, over all processes, by a lease in the store; whoever sits at a
// console shares the keeper's one session with the record.
//
// It imports metal and the standard library. It knows neither BMCs nor
// Postgres: a main says who stands behind its interfaces.
package console
