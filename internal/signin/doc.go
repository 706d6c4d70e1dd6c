// Package signin lets people in who have an account with a sign-in provider
// (OpenID Connect): it sends a browser there, believes what comes back only
// after it has checked it, and gives a key of the API that ends by itself.
//
//	browser                   here                                provider
//	GET /login            ->  remembers hash(state), hash(cookie) -> signs somebody in
//	GET /login/callback   <-  state, code                         <-
//	                          changes the code for an ID token (PKCE)
//	   a page with the key, once; or, for the command line:
//	   http://127.0.0.1:port/…?code=   ->  POST /login/exchange {code, verifier} -> the key
//
// The nonce and the PKCE verifier are made of the cookie and the state, so that
// what the database knows of a sign-in opens nothing. There is no session in a
// cookie: what is signed in is a key, and a page of somebody else's cannot use
// it.
//
// The package imports metal and an OpenID Connect library. It knows neither the
// API nor Postgres: the starter hands it the store behind an interface.
package signin
