// Package agent is the program that runs in RAM on a machine, as far as it
// does not depend on how disks are written: its conversation with the boot
// service, and the types that both sides of it speak.
//
// The real agent and the lab's simulated machines run this same loop; only
// their Disks differ. The package imports package metal and the standard
// library, and must not import a driver, a store or Temporal.
//
// The conversation, all of it with "Authorization: Bearer <token>" and the
// boot number in the query as boot=N:
//
//	POST /agent/up      Up                        204
//	GET  /agent/job     ?wait=20s&have=<job>      200 Job
//	POST /agent/report  Report                    204
//	POST /agent/step    Step                      204
//	POST /agent/log     ?at=<byte>, plain text    200 LogEnd
//	GET  /agent/noise   ?seed=<n>&for=10s         200 Noise, for at most a NoiseTurn
//	POST /agent/noise   ?seed=<n>, Noise          200 NoiseEnd
//
// Steps and log are told in the background and hold no work up: of steps the
// newest is told, at most once a second, and of a log that nobody takes the
// middle is dropped. A boot service that has no such path is not asked again.
//
// Noise goes to and from machines that are proven, a few at a time: the others
// are held, and 503 says that none had an end. Who sends it expects to be told
// to continue.
//
// A 410 says that this boot is over. Every other answer that is not a success
// is weather: the agent asks again for as long as it lives.
package agent
