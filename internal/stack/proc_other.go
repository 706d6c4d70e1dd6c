//go:build !linux

package stack

import "syscall"

// dieWithParent does nothing here: only Linux can tie a process to the life
// of its parent. Elsewhere a Stack whose owner is killed with -9 leaves its
// processes running; one that is stopped leaves none.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

// descendants finds none without /proc: Postgres' own processes then follow
// their postmaster by themselves, a little later.
func descendants(int) []int { return nil }

func awaitGone([]int) {}
