// Package sos lets tenants sit at the serial consoles of their machines:
// `ssh <device>@sos.<site>`, with a key that the device was ordered with.
//
// An open console is nearly a keyboard at the machine, so that the door is
// narrow: keys alone, one interactive session to a connection, nothing
// forwarded, nothing executed. Who may sit there is asked again every few
// seconds, and whoever may not any more is sent away. Each use is recorded as an
// event of the device, before the first byte; what is typed is recorded nowhere.
//
// It imports metal, the console's seats and the ssh module, and must not import
// the store: a main says who answers for keys and events.
package sos
