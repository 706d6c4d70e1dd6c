package frr

import (
	"crypto/rand"
	"fmt"
	"strings"
	"unicode"
)

// A way back is a directory beside the lock. Its name says how far it is:
//
//	new-<token>      being written
//	undo-<token>     armed: a watchdog waits for its time
//	undoing-<token>  being taken, by the watchdog or by whoever has the lock
//
// Renaming decides between a confirmation and the watchdog.

// way is how to get back to what was.
type way struct {
	nft, ip, frr string
}

// wayBack is the whole table as it was, and each port's steps reversed. What
// ports share stays: unused, it does nothing.
func wayBack(p *plan, steps []step) way {
	kernel := []string{}
	for _, s := range steps {
		kernel = append(kernel, batch(s.back())...)
	}
	drop := fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\n", mark)
	return way{
		nft: drop + p.before,
		ip:  strings.Join(kernel, "\n"),
		frr: strings.Join(append(undone(steps, p.bgp), ""), "\n"),
	}
}

// restore takes the way back in directory $1. Each command goes on where
// another was refused: half of the way may not have been gone.
const restore = `cd "$1" || exit
nft -f nft
ip -force -batch ip
vtysh -f frr
cd / && rm -rf "$1"
`

// watch waits $3 seconds for a confirmation of $2 below $1. Nobody who is late
// confirms any more; a session that still has the lock (process group $4) hangs,
// maybe because of this very change.
const watch = `sleep "$3"
mv "$1/undo-$2" "$1/undoing-$2" || exit 0
exec 9>>"$1/lock"
flock -n 9 || { kill -KILL -- "-$4"; flock 9; }
[ -d "$1/undoing-$2" ] && sh "$1/undoing-$2/restore" "$1/undoing-$2"
`

// arm writes the way back down and starts its watchdog, in a session of its
// own, so that it outlives ours, and without the lock.
func (s *shell) arm(d *Driver, w way) (string, error) {
	token := rand.Text()
	files := []struct{ name, text string }{
		{"nft", w.nft}, {"ip", w.ip}, {"frr", w.frr}, {"restore", restore}, {"watch", watch},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "new=$dir/new-%[1]s undo=$dir/undo-%[1]s\nmkdir \"$new\"\n", token)
	for _, f := range files {
		fmt.Fprintf(&b, "cat >\"$new/%s\"%s", f.name, document(f.text))
	}
	seconds := max(1, int(d.confirmTimeout().Seconds()))
	fmt.Fprintf(&b, `mv "$new" "$undo"
setsid sh "$undo/watch" "$dir" %s %d "$PPID" </dev/null >/dev/null 2>&1 9>&- &
echo $! >"$undo/watchdog"`, token, seconds)
	_, err := s.run("write down the way back", b.String())
	return token, err
}

// recover takes every way back that is left, newest or not: under the lock
// there is one at most.
func (s *shell) recover() error {
	_, err := s.run("take back what was not confirmed", `rm -rf "$dir"/new-*
for undo in "$dir"/undo-*; do
	[ -d "$undo" ] || continue
	pid=$(cat "$undo/watchdog" || :)
	mv "$undo" "$dir/undoing-${undo##*/undo-}" || continue
	[ -z "$pid" ] || kill -- "-$pid" || :
done
for undo in "$dir"/undoing-*; do
	[ -d "$undo" ] && sh "$undo/restore" "$undo" >/dev/null 2>&1 || :
done`)
	return err
}

// confirm makes a change stay, writes it into the switch's log and keeps its
// filters for the next start. It is too late where the watchdog was faster. A
// change that is confirmed already is confirmed.
func (s *shell) confirm(token, comment string) error {
	said, err := s.run("confirm", fmt.Sprintf(`undo=$dir/undo-%[1]s
if [ -d "$dir/undoing-%[1]s" ]; then echo late; exit 0; fi
if [ -d "$undo" ]; then
	pid=$(cat "$undo/watchdog" || :)
	if ! mv "$undo" "$dir/new-%[1]s"; then echo late; exit 0; fi
	[ -z "$pid" ] || kill -- "-$pid" || :
	rm -rf "$dir/new-%[1]s"
fi
nft -s list table inet %[2]s >"$dir/filters.nft.new"
mv "$dir/filters.nft.new" "$dir/filters.nft"
{ logger -t %[2]s || :; }%[3]s`, token, mark, document(oneLine(comment))))
	if err == nil && strings.TrimSpace(said) == "late" {
		return fmt.Errorf("switch %s at %s: confirm: %w", s.sw.ID, s.sw.Address, errTakenBack)
	}
	return err
}

// oneLine keeps a comment from looking like several entries of a log.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// lock takes the switch's lock for the session, or says who has it. All that
// the session runs inherits it, so that it outlives the session by what that
// was doing.
func (s *shell) lock() error {
	if _, err := s.run("make its directory", `mkdir -p "$dir"; : >>"$dir/lock"`); err != nil {
		return err
	}
	said, err := s.keep("lock", `exec 9>>"$dir/lock"
if flock -n 9; then
	echo "$$ $(id -un) $(date +%s) ${SSH_CLIENT%% *}" >"$dir/lock"
else
	exec 9>&-; echo held; cat "$dir/lock"
fi`)
	if err != nil {
		return err
	}
	if holder, held := strings.CutPrefix(said, "held\n"); held {
		return fmt.Errorf("switch %s at %s: %w", s.sw.ID, s.sw.Address, heldBy(holder))
	}
	return nil
}
