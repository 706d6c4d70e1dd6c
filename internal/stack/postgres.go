package stack

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// superuser is the one role of a stack's Postgres. It owns everything: pgtest
// makes databases with it, and migrations may create extensions.
const superuser = "millwright"

// cluster is a Postgres data folder and the program that serves it.
type cluster struct {
	programs string              // Debian's folder of one major version
	home     string              // holds data/ and password
	account  *syscall.Credential // nil: ourselves
	fsync    bool
	port     int
}

// newCluster finds the programs and the account to run them: Postgres refuses
// to run as root, so root runs it as Debian's user "postgres".
func newCluster(home string, fsync bool) (*cluster, error) {
	programs, err := findPostgres()
	if err != nil || os.Geteuid() != 0 {
		return &cluster{programs: programs, home: home, fsync: fsync}, err
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("run postgres, which refuses root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: uid %q: %w", u.Uid, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: gid %q: %w", u.Gid, err)
	}
	account := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return &cluster{programs: programs, home: home, fsync: fsync, account: account}, nil
}

// findPostgres prefers Debian's newest version, which is not on the PATH.
func findPostgres() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is well formed
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) })), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", fmt.Errorf("find postgres in /usr/lib/postgresql/NN/bin or on the PATH (make deps installs it): %w", err)
	}
	return filepath.Dir(path), nil
}

// major reads 15 from /usr/lib/postgresql/15/bin/postgres; what is no number
// counts as the oldest.
func major(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// create makes an empty data folder with a password of its own: 127.0.0.1 is
// shared with every user of the machine, and a superuser may run programs.
func (c *cluster) create(ctx context.Context) error {
	secret := filepath.Join(c.home, "password")
	if err := os.WriteFile(secret, []byte(rand.Text()), 0o600); err != nil {
		return fmt.Errorf("write the password of postgres: %w", err)
	}
	if err := c.own(secret); err != nil {
		return err
	}
	cmd := c.run(ctx, "initdb", "-D", c.data(), "-U", superuser, "--pwfile", secret,
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb in %s (user postgres must reach it): %w\n%s", c.home, err, out)
	}
	return nil
}

// serve is the command that serves the data. Its settings stand here and not
// in postgresql.conf, so that a data folder fits any port and any durability.
func (c *cluster) serve() *exec.Cmd {
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(c.port), "unix_socket_directories=",
		"max_connections=400", // Temporal takes up to 100, the rest is for many tests at a time
		// POSIX segments would stay in /dev/shm when Postgres is killed.
		"dynamic_shared_memory_type=mmap",
		"timezone=UTC", "log_timezone=UTC", "jit=off",
	}
	if !c.fsync {
		// Not synchronous_commit=off: what was committed must outlive a kill of
		// Postgres, or tests of kills would see losses that no production has.
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	args := []string{"-D", c.data()}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return c.run(context.Background(), "postgres", args...)
}

// run prepares one of Postgres' programs. Its environment is bare, because PG…
// variables change what the programs do, and in English, because we read it.
func (c *cluster) run(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.programs, name), args...)
	cmd.Dir = c.home
	cmd.Env = []string{"LC_ALL=C", "PATH=" + c.programs + ":/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.account}
	return cmd
}

// own gives a path to the account that runs Postgres.
func (c *cluster) own(path string) error {
	if c.account == nil {
		return nil
	}
	return os.Lchown(path, int(c.account.Uid), int(c.account.Gid))
}

func (c *cluster) data() string { return filepath.Join(c.home, "data") }

func (c *cluster) password() (string, error) {
	raw, err := os.ReadFile(filepath.Join(c.home, "password"))
	return string(raw), err
}

// dsn is the URL of one database, for the superuser.
func (c *cluster) dsn(database string) (string, error) {
	secret, err := c.password()
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, secret), Host: address(c.port),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String(), err
}

// answers asks whether it is our data that is served: if our port was taken,
// whoever has it may well be a Postgres that knows our password.
func (c *cluster) answers(ctx context.Context) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var served string
	if err := conn.QueryRow(ctx, "show data_directory").Scan(&served); err != nil {
		return fmt.Errorf("ask postgres at %s what it serves: %w", address(c.port), err)
	}
	if served != c.data() {
		return fmt.Errorf("postgres at %s serves %s, not %s", address(c.port), served, c.data())
	}
	return nil
}

// connect opens the database that every Postgres has.
func (c *cluster) connect(ctx context.Context) (*pgx.Conn, error) {
	dsn, err := c.dsn("postgres")
	if err != nil {
		return nil, err
	}
	return pgx.Connect(ctx, dsn)
}

// makeHome makes the folder that holds the data, for Postgres' eyes only.
func (c *cluster) makeHome() error {
	err := os.MkdirAll(c.home, 0o700)
	if err == nil {
		err = c.own(c.home)
	}
	if err != nil {
		return fmt.Errorf("make the home of postgres: %w", err)
	}
	return nil
}
