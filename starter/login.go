package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"millwright/internal/signin"
)

// waitForPerson is as long as the endpoint remembers who it sent to the provider.
const waitForPerson = 10 * time.Minute

type loginCommand struct {
	API     string `name:"api" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where the API is."`
	KeyFile string `type:"path" default:"~/.config/millwright/key" placeholder:"FILE" help:"Where to put your key."`
}

type logoutCommand loginCommand

// Run signs somebody in by a browser, which leads back to a socket of ours.
func (c loginCommand) Run(ctx context.Context, a *app) error {
	ctx, cancel := context.WithTimeout(ctx, waitForPerson)
	defer cancel()
	at, err := serverOf(c.API)
	if err != nil {
		return err
	}
	verifier, path := secret(), secret()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("wait for your browser: %w", err)
	}
	codes := make(chan string, 1)
	server := &http.Server{Handler: waitingFor("/"+path, codes), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	defer stopLater(server)
	begin := at + "/login?" + url.Values{"loopback": {"http://" + l.Addr().String() + "/" + path}, "challenge": {signin.Challenge(verifier)}}.Encode()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	fmt.Fprintf(a.errs, loginAdvice, begin, port, port, at)
	select {
	case code := <-codes:
		return c.keep(ctx, a, at, code, verifier)
	case <-ctx.Done():
		return fmt.Errorf("sign in at %s: nobody came back from the browser: %w", at, context.Cause(ctx))
	}
}

// stopLater lets the browser have its page.
func stopLater(server *http.Server) {
	limited, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = server.Shutdown(limited) // we go away anyhow
}

const loginAdvice = `Open this in your browser, and sign in:

    %s

If your browser is on another machine, forward the port first: ssh -L %s:127.0.0.1:%s this-machine
or open %s/login there, and put the key that it shows in MILLWRIGHT_KEY.
`

// serverOf is the root of the server below which the API is.
func serverOf(api string) (string, error) {
	u, err := url.Parse(api)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", usage(fmt.Errorf("--api %q: want a URL, such as https://api.example.net", api))
	}
	return u.Scheme + "://" + u.Host, nil
}

func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// waitingFor takes the code that a browser brings to a path that nobody guesses.
func waitingFor(path string, codes chan<- string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Connection", "close")
		select {
		case codes <- r.URL.Query().Get("code"):
			fmt.Fprintln(w, "Signed in. You can close this page, and go on where you typed starter login.")
		default:
			http.Error(w, "This was done before.", http.StatusGone)
		}
	})
	return mux
}

// keep changes the code for a key, and puts it where commands look for it.
func (c loginCommand) keep(ctx context.Context, a *app, at, code, verifier string) error {
	asked, _ := json.Marshal(map[string]string{"code": code, "verifier": verifier}) // strings are JSON
	var got struct {
		Key     string    `json:"key"`
		Expires time.Time `json:"expires_at"`
	}
	if err := post(ctx, at+"/login/exchange", "", asked, &got); err != nil {
		return err
	}
	if err := writeKey(c.KeyFile, got.Key); err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"key_file": c.KeyFile, "expires_at": got.Expires})
	}
	_, err := fmt.Fprintf(a.out, "signed in until %s; the key is in %s\n", moment(got.Expires), c.KeyFile)
	return err
}

func post(ctx context.Context, to, key string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("X-Auth-Token", key)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", to, err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		var said struct{ Errors []string }
		_ = json.Unmarshal(text, &said)
		return fmt.Errorf("%s answers %d: %s", to, answer.StatusCode, strings.Join(said.Errors, "; "))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// writeKey replaces the file whole, and lets nobody else read it.
func writeKey(file, key string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keep your key: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".key-*") // 0600
	if err != nil {
		return fmt.Errorf("keep your key: %w", err)
	}
	defer os.Remove(temporary.Name()) // gone already where it was renamed
	_, err = temporary.WriteString(key + "\n")
	if err := errors.Join(err, temporary.Close()); err != nil {
		return fmt.Errorf("keep your key in %s: %w", file, err)
	}
	return os.Rename(temporary.Name(), file)
}

// Run ends the session, and forgets its key.
func (c logoutCommand) Run(ctx context.Context, a *app) error {
	at, err := serverOf(c.API)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return fmt.Errorf("read your key: %w", err)
	}
	if err := post(ctx, at+"/logout", strings.TrimSpace(string(text)), nil, nil); err != nil {
		return err
	}
	if err := os.Remove(c.KeyFile); err != nil {
		return fmt.Errorf("forget your key: %w", err)
	}
	_, err = fmt.Fprintln(a.out, "signed out")
	return err
}
