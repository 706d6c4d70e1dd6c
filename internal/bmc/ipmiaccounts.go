package bmc

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// ipmiUser is a line of "ipmitool -c user list": a slot, used or free.
type ipmiUser struct {
	id        int
	name      string
	messages  bool // whether IPMI over the LAN is open to it
	privilege string
}

// opens is whether anybody may log in so. The first slot is of the user without
// a name, which opens a BMC to everybody where it has a privilege.
func (u ipmiUser) opens() bool {
	return u.messages && u.privilege != "NO ACCESS" && !strings.HasPrefix(u.privilege, "Unknown")
}

// parseUsers reads "3,tenant,true,false,true,ADMINISTRATOR"; a name may have
// commas, and the other columns have not.
func parseUsers(printed string) (list []ipmiUser) {
	for line := range strings.Lines(printed) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ",")
		n := len(fields)
		if n < 6 {
			continue
		}
		id, err := strconv.Atoi(fields[0])
		if err != nil || id < 1 || id > 63 || (fields[n-2] != "true" && fields[n-2] != "false") {
			continue
		}
		list = append(list, ipmiUser{
			id: id, name: strings.Join(fields[1:n-4], ","), messages: fields[n-2] == "true", privilege: fields[n-1],
		})
	}
	return list
}

// listUsers asks for the channel that the session came in by.
var listUsers = []string{"set csv 1", "user list", "set csv 0"}

func (s *ipmiSession) slots(ctx context.Context) ([]ipmiUser, error) {
	_, printed, err := s.script(ctx, listUsers)
	if err != nil {
		return nil, err
	}
	list := parseUsers(printed[0])
	if len(list) == 0 {
		return nil, fmt.Errorf("user list: the BMC names none")
	}
	return list, nil
}

func (s *ipmiSession) users(ctx context.Context) (names []string, err error) {
	list, err := s.slots(ctx)
	for _, u := range list {
		if u.opens() {
			names = append(names, u.name)
		}
	}
	return names, err
}

// lanChannel is the channel that a session came in by (IPMI 2.0, 6.3).
const lanChannel = "14"

// setPassword changes the user's slot, or takes a free one.
func (s *ipmiSession) setPassword(ctx context.Context, next metal.Credential) error {
	const longest = 20 // bytes that a BMC stores (22.30)
	if len(next.Password) > longest || len(next.User) > 16 {
		return fmt.Errorf("IPMI knows user names of 16 bytes and passwords of %d: %w", longest, metal.ErrUnsupported)
	}
	if unsafe(next.Password) || unsafe(next.User) {
		return errUnsafe
	}
	list, err := s.slots(ctx)
	if err != nil {
		return err
	}
	size := 16
	if len(next.Password) > size {
		size = longest
	}
	at := slices.IndexFunc(list, func(u ipmiUser) bool { return u.name == next.User })
	var commands []string
	if at < 0 {
		if at = slices.IndexFunc(list, func(u ipmiUser) bool { return u.id > 1 && u.name == "" }); at < 0 {
			return fmt.Errorf("make user %q: no slot is free: remove a user", next.User)
		}
		commands = append(commands, fmt.Sprintf("user set name %d %s", list[at].id, next.User))
	}
	id := list[at].id
	commands = append(commands, fmt.Sprintf("user set password %d %s %d", id, next.Password, size))
	if !list[at].opens() {
		commands = append(commands, fmt.Sprintf("user enable %d", id),
			fmt.Sprintf("channel setaccess %s %d callin=on ipmi=on link=on privilege=4", lanChannel, id))
	}
	_, printed, err := s.script(ctx, commands)
	if err == nil && !strings.Contains(printed[0], "Set User Password command successful") {
		return fmt.Errorf("user set password %d: %w", id, errNoAcknowledgement)
	}
	return err
}

// removeUser locks the slot. Its name stays: IPMI has no way to take it that
// all BMCs know.
func (s *ipmiSession) removeUser(ctx context.Context, user string) error {
	list, err := s.slots(ctx)
	if err != nil {
		return err
	}
	var commands []string
	for _, u := range list {
		if u.name == user && u.opens() {
			commands = append(commands, fmt.Sprintf("channel setaccess %s %d callin=off ipmi=off link=off privilege=15", lanChannel, u.id),
				fmt.Sprintf("user disable %d", u.id))
		}
	}
	if len(commands) > 0 {
		_, _, err = s.script(ctx, commands)
	}
	return err
}
