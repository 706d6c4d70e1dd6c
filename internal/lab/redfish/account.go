package redfish

import (
	"crypto/subtle"
	"fmt"
	"slices"
	"strconv"
)

// account is a user of the BMC.
type account struct {
	id, user, password, role string
	enabled                  bool
}

// The roles that there are.
const (
	administrator = "Administrator"
	operator      = "Operator"
	readOnly      = "ReadOnly"
)

// The limits of real BMCs: ten slots are common, and IPMI 2.0 stores passwords
// of 20 bytes (section 22.30).
const (
	accountLimit     = 10
	shortestPassword = 8
	longestPassword  = 20
)

func accountService(*BMC) object {
	return resource(accountServicePath, "AccountService.v1_8_0.AccountService", "Account service", object{
		"ServiceEnabled": true, "MinPasswordLength": shortestPassword, "MaxPasswordLength": longestPassword,
		"Accounts": link(accountsPath), "Roles": link(rolesPath),
	})
}

func roleView(_ *BMC, id string) object {
	if id != administrator && id != operator && id != readOnly {
		return nil
	}
	return resource(rolesPath+"/"+id, "Role.v1_3_0.Role", id, object{"RoleId": id, "IsPredefined": true})
}

// knows says whether somebody may log in so.
func (b *BMC) knows(user, password string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.accounts {
		if a.enabled && a.user == user {
			return subtle.ConstantTimeCompare([]byte(a.password), []byte(password)) == 1
		}
	}
	return false
}

// Users are the names of those who may log in.
func (b *BMC) Users() (names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.accounts {
		if a.enabled {
			names = append(names, a.user)
		}
	}
	return names
}

func (b *BMC) accountIDs() (ids []string) {
	for _, a := range b.accounts {
		ids = append(ids, a.id)
	}
	return ids
}

func (b *BMC) account(id string) int {
	return slices.IndexFunc(b.accounts, func(a account) bool { return a.id == id })
}

func (b *BMC) accountView(id string) object {
	i := b.account(id)
	if i < 0 {
		return nil
	}
	a := b.accounts[i]
	return resource(accountsPath+"/"+id, "ManagerAccount.v1_8_0.ManagerAccount", "User "+a.user, object{
		"UserName": a.user, "Password": nil, "RoleId": a.role, "Enabled": a.enabled, "Locked": false,
		"AccountTypes": []string{"Redfish", "IPMI"}, "Links": object{"Role": link(rolesPath + "/" + a.role)},
	})
}

// addAccount takes the first free slot, unless the user is there. It wants the lock.
func (b *BMC) addAccount(a account) (id string, ok bool) {
	if len(b.accounts) >= accountLimit || slices.ContainsFunc(b.accounts, func(x account) bool { return x.user == a.user }) {
		return "", false
	}
	for slot := 1; ; slot++ {
		if a.id = strconv.Itoa(slot); b.account(a.id) < 0 {
			b.accounts = append(b.accounts, a)
			return a.id, true
		}
	}
}

// accountPatch is what may be said of an account, all of it or some.
type accountPatch struct {
	UserName, Password, RoleId *string
	Enabled                    *bool
}

// apply checks and takes over what the patch says.
func (p accountPatch) apply(a account) (account, error) {
	if p.UserName != nil {
		a.user = *p.UserName
	}
	if p.Password != nil {
		a.password = *p.Password
		if n := len(a.password); n < shortestPassword || n > longestPassword {
			return a, fmt.Errorf("a password of %d characters: want %d to %d", n, shortestPassword, longestPassword)
		}
	}
	if p.RoleId != nil {
		a.role = *p.RoleId
	}
	if p.Enabled != nil {
		a.enabled = *p.Enabled
	}
	if a.user == "" || len(a.user) > 16 || !slices.Contains([]string{administrator, operator, readOnly}, a.role) {
		return a, fmt.Errorf("UserName of %d characters, RoleId %q: want up to 16, and a role that there is", len(a.user), a.role)
	}
	return a, nil
}
