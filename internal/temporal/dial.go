package temporal

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// Config says where Temporal is. A main embeds it in its flags.
type Config struct {
	Address   string `default:"127.0.0.1:7233" help:"Temporal's frontend, host:port."`
	Namespace string `default:"default" help:"The namespace that Millwright's runs are in."`

	CA   string `name:"tls-ca" type:"path" help:"PEM file of who vouches for Temporal's certificate; given, the connection is TLS."`
	Cert string `name:"tls-cert" type:"path" help:"PEM file of the certificate that this program shows to Temporal."`
	Key  string `name:"tls-key" type:"path" help:"PEM file of that certificate's key."`

	Name    string                `kong:"-"` // of this program, as operators read it in histories
	Log     *slog.Logger          `kong:"-"` // nil says nothing
	Metrics client.MetricsHandler `kong:"-"` // nil measures nothing
}

// Dial makes a client without asking for the server: a program starts while
// Temporal is away, and its calls fail until it is back. A bad TLS file is an
// error at once, because no waiting mends it.
func Dial(_ context.Context, cfg Config) (client.Client, error) {
	options, err := cfg.options()
	if err != nil {
		return nil, err
	}
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("make a client of Temporal at %s: %w", cfg.Address, err)
	}
	return c, nil
}

func (c Config) options() (client.Options, error) {
	logger := c.Log
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	tlsConfig, err := c.tls()
	if err != nil {
		return client.Options{}, fmt.Errorf("connect to Temporal at %s: %w", c.Address, err)
	}
	options := client.Options{
		HostPort: c.Address, Namespace: c.Namespace,
		Logger: log.NewStructuredLogger(logger), MetricsHandler: c.Metrics,
		// Messages are some hundred bytes, and mostly new each time: to compress
		// them took 7 % of a worker's time, and 5 % of the server's.
		ConnectionOptions: client.ConnectionOptions{TLS: tlsConfig, GrpcCompression: &client.GrpcCompressionNone{}},
	}
	if c.Name != "" {
		host, _ := os.Hostname() // without one the process number has to do
		options.Identity = fmt.Sprintf("%s/%d@%s", c.Name, os.Getpid(), host)
	}
	return options, nil
}

// tls is nil where no TLS file is given.
func (c Config) tls() (*tls.Config, error) {
	if c.CA == "" && c.Cert == "" && c.Key == "" {
		return nil, nil
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("a TLS certificate and its key go together; give both or neither")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("read the TLS authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the TLS authority: no PEM certificate in %s", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("read the TLS certificate %s and its key: %w", c.Cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
