// Command go shows how a billing system orders devices of Millwright and reads
// what they used: with Temporal's SDK and HTTP, and nothing of Millwright's own.
// docs/billing.md tells the story; copy what fits.
//
// It must not import any package of this module: it stands for a program of
// somebody else's.
package main
