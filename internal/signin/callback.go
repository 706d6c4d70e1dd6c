package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"millwright/internal/metal"
)

// callback is where the provider leads a browser back to.
func (d *door) callback(w http.ResponseWriter, r *http.Request) (page, error) {
	q := r.URL.Query()
	in, cookie, err := d.returned(r, q.Get("state"))
	http.SetCookie(w, d.cookie("", -1))
	if err != nil {
		return page{}, err
	}
	if said := q.Get("error"); said != "" {
		return page{}, refuse(http.StatusForbidden, "the sign-in provider did not let you in: %.200s", said)
	}
	who, err := d.believe(r, q.Get("code"), cookie, q.Get("state"))
	if err != nil {
		return page{}, err
	}
	user, err := d.Store.Identify(r.Context(), who)
	if err != nil {
		return page{}, notThisUser(err)
	}
	if in.Loopback == "" {
		return d.shown(r, user)
	}
	code := random()
	keep := metal.SignInCode{Code: hashed(code), Challenge: in.Challenge, User: user.ID}
	if err := d.Store.KeepCode(r.Context(), keep, codeLife); err != nil {
		return page{}, err
	}
	return page{to: withCode(in.Loopback, code)}, nil
}

// returned finds the sign-in that a browser comes back from. A state is good
// once, and only in the browser that was sent away with it: whoever lures
// somebody to a link does not sign them in as somebody else.
func (d *door) returned(r *http.Request, state string) (metal.SignIn, string, error) {
	stale := refuse(http.StatusBadRequest, "this sign-in was begun elsewhere, too long ago, or is over; begin again at %s/login", d.Public)
	cookie, err := r.Cookie(cookieName)
	if err != nil || !secretForm.MatchString(cookie.Value) || !secretForm.MatchString(state) {
		return metal.SignIn{}, "", stale
	}
	in, err := d.Store.TakeSignIn(r.Context(), hashed(state))
	if errors.Is(err, metal.ErrNotFound) {
		return in, "", stale
	}
	if err != nil {
		return in, "", err
	}
	if subtle.ConstantTimeCompare(in.Browser, hashed(cookie.Value)) != 1 {
		return in, "", stale
	}
	return in, cookie.Value, nil
}

// believe changes the provider's code for an ID token, and checks that it was
// made by the provider, for us, now, for this very sign-in.
func (d *door) believe(r *http.Request, code, cookie, state string) (metal.Identity, error) {
	ways, err := d.ways(r)
	if err != nil {
		return metal.Identity{}, err
	}
	ctx := oidc.ClientContext(r.Context(), d.Client)
	token, err := ways.Exchange(ctx, code, oauth2.VerifierOption(derived(cookie, "verifier", state)))
	if err != nil {
		return metal.Identity{}, notExchanged(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return metal.Identity{}, untrue("it gave no ID token")
	}
	provider, err := d.known(r)
	if err != nil {
		return metal.Identity{}, err
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: d.ClientID}).Verify(ctx, raw)
	if err != nil {
		return metal.Identity{}, untrue(err.Error())
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(derived(cookie, "nonce", state))) != 1 {
		return metal.Identity{}, untrue("the nonce is another sign-in's")
	}
	return d.identity(ctx, provider, id, token)
}

// identity is what the ID token says of its person; a provider that keeps the
// address out of it tells it at its user info endpoint.
func (d *door) identity(ctx context.Context, provider *oidc.Provider, id *oidc.IDToken, token *oauth2.Token) (metal.Identity, error) {
	var said claims
	if err := id.Claims(&said); err != nil {
		return metal.Identity{}, untrue("the ID token cannot be read: " + err.Error())
	}
	if said.Email == "" && provider.UserInfoEndpoint() != "" {
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return metal.Identity{}, broken("ask the sign-in provider for an address", err)
		}
		if info.Subject != id.Subject { // OpenID Connect Core 1.0 section 5.3.2
			return metal.Identity{}, untrue("its user info is of somebody else")
		}
		if err := info.Claims(&said); err != nil {
			return metal.Identity{}, untrue("the user info cannot be read: " + err.Error())
		}
	}
	who := metal.Identity{Issuer: id.Issuer, Subject: id.Subject, Name: said.Name}
	var err error
	who.Email, err = d.address(said)
	return who, err
}
