package main

import (
	"context"
	"io"
	"strings"
)

// agentVersion is the file that says which agent lies beside it.
const agentVersion = "version"

// introduce tells the database what this boot service hands out, and what it
// signs with: so warm machines with an older agent are booted again, and
// certificates can be checked long after their key is gone. It is said again and
// again, because the agent is replaced while boot runs.
func (s *service) introduce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, oneLimit)
	defer cancel()
	public := s.key.Public()
	if err := s.store.PutCertificateKey(ctx, public.ID(), public.PEM()); err != nil {
		s.log.Warn("the key that signs certificates is not known yet; said again soon", "key", public.ID(), "error", err)
	}
	version := s.agentVersion()
	if version == "" {
		return
	}
	if err := s.store.SetAgentVersion(ctx, s.Site, version); err != nil {
		s.log.Warn("the version of the agent is not known yet; said again soon", "version", version, "error", err)
	}
}

// agentVersion is empty where no file says it: then no agent is ever too old.
func (s *service) agentVersion() string {
	f, err := s.agentFiles.Open(agentVersion)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 200))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
