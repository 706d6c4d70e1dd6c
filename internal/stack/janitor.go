package stack

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// sweep waits until its input says something, or ends because its owner has
// died; only then the folder is removed. The children got their death signals
// at the same moment, and some files may still be written: hence the tries.
const sweep = `trap '' HUP INT QUIT TERM
read -r _ && exit
for try in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.3
	umount -l -- "$0/postgres" 2>/dev/null # a disk of Postgres' own
	rm -rf -- "$0" && [ ! -e "$0" ] && exit
done`

// janitor removes a temporary folder if its owner dies and cannot do it.
type janitor struct {
	alive io.WriteCloser // the end of a pipe that only we hold: the kernel closes it for us
	done  chan struct{}
}

// watch sets a janitor over the folder. It runs in a session of its own, out
// of reach of the terminal's signals, and holds nothing of ours open.
func watch(folder string) (*janitor, error) {
	cmd := exec.Command("/bin/sh", "-c", sweep, folder)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	alive, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the janitor of %s: %w", folder, err)
	}
	j := &janitor{alive: alive, done: make(chan struct{})}
	// This also keeps j reachable while the janitor lives. Without it, a stack
	// that nobody refers to any more, but whose Postgres is in use, would have
	// its pipe closed by the garbage collector, and its folder swept away.
	go func() {
		_ = cmd.Wait()
		_ = j.alive.Close()
		close(j.done)
	}()
	return j, nil
}

// dismiss removes the folder and ends the janitor. What we cannot remove the
// janitor tries once more, because then its input ends without a word.
func (j *janitor) dismiss(folder string) error {
	err := os.RemoveAll(folder)
	if err == nil {
		_, _ = io.WriteString(j.alive, "done\n") // a janitor that is gone has nothing to do either
	} else {
		err = fmt.Errorf("remove the stack's folder %s: %w", folder, err)
	}
	_ = j.alive.Close()
	<-j.done
	return err
}
