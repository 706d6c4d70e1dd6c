// Package bill writes what bills are made of: reports of what was used, as JSON
// and CSV. The same report is the same bytes, wherever it is written. It also
// reads the periods that reports are asked for.
//
// The package imports metal and the standard library. It knows no prices: those
// belong to the billing system.
package bill
