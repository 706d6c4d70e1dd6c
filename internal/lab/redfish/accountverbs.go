package redfish

import (
	"net/http"
	"slices"
)

func createAccount(b *BMC, w http.ResponseWriter, _ *http.Request, body []byte) {
	var asked accountPatch
	if !read(w, body, &asked) {
		return
	}
	if asked.UserName == nil || asked.Password == nil {
		refuse(w, http.StatusBadRequest, "CreateFailedMissingReqProperties", "want UserName and Password")
		return
	}
	a, err := asked.apply(account{role: readOnly, enabled: true})
	if err != nil {
		refuse(w, http.StatusBadRequest, "PropertyValueFormatError", err.Error())
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := b.addAccount(a)
	if !ok {
		refuse(w, http.StatusConflict, "ResourceAlreadyExists", "the user is there, or there is no slot left")
		return
	}
	w.Header().Set("Location", accountsPath+"/"+id)
	answer(w, http.StatusCreated, b.accountView(id))
}

// patchAccount ends the sessions of the account but the asker's own, as a new
// password does on most BMCs.
func patchAccount(b *BMC, w http.ResponseWriter, r *http.Request, body []byte) {
	var patch accountPatch
	if !read(w, body, &patch) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.account(base(r))
	if i < 0 {
		notFound(w, r)
		return
	}
	was := b.accounts[i]
	next, err := patch.apply(was)
	if err != nil {
		refuse(w, http.StatusBadRequest, "PropertyValueFormatError", err.Error())
		return
	}
	if !b.governedWithout(was) && (next.role != administrator || !next.enabled) {
		refuse(w, http.StatusBadRequest, "ResourceCannotBeDeleted", "it is the last administrator")
		return
	}
	b.accounts[i] = next
	if patch.Password != nil || patch.Enabled != nil {
		b.logOut(was.user, r.Header.Get("X-Auth-Token"))
	}
	w.WriteHeader(http.StatusNoContent)
}

func deleteAccount(b *BMC, w http.ResponseWriter, r *http.Request, _ []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.account(base(r))
	if i < 0 {
		notFound(w, r)
		return
	}
	was := b.accounts[i]
	if !b.governedWithout(was) {
		refuse(w, http.StatusBadRequest, "ResourceCannotBeDeleted", "it is the last administrator")
		return
	}
	b.accounts = slices.Delete(b.accounts, i, i+1)
	b.logOut(was.user, "")
	w.WriteHeader(http.StatusNoContent)
}

// governedWithout says whether some other administrator may log in.
func (b *BMC) governedWithout(one account) bool {
	return slices.ContainsFunc(b.accounts, func(a account) bool {
		return a.id != one.id && a.enabled && a.role == administrator
	})
}

// logOut ends a user's sessions but one.
func (b *BMC) logOut(user, except string) {
	for token, s := range b.sessions {
		if s.user == user && token != except {
			delete(b.sessions, token)
		}
	}
}
