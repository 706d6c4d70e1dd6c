package main

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"millwright/internal/agent"
	"millwright/internal/image"
)

// ImageConfig is where a site's images come from.
type ImageConfig struct {
	Folder   string   `default:"/var/lib/millwright/images" type:"path" help:"The store of images, as starter image import fills it; or, with an upstream, this site's copy of what its machines asked for."`
	Upstream []string `help:"URLs of image servers, such as another boot's http://10.9.0.1/images, for a site that keeps no store of its own." placeholder:"URL"`
	Room     int64    `default:"107374182400" help:"Bytes that the copy of an upstream's images may take."`
	Rate     int64    `default:"0" help:"Bytes a second for all machines together, each getting its fair share; 0: no limit."`
}

func (c ImageConfig) check() error {
	if c.Room < 1<<30 && len(c.Upstream) > 0 {
		return errors.New("the copy of an upstream's images needs room for one, 1 GiB at least")
	}
	if c.Rate < 0 {
		return errors.New("images: a rate is a number of bytes a second, or 0 for no limit")
	}
	return nil
}

// source is the site's store, or its copy of another's.
func (c ImageConfig) source(log *slog.Logger) (image.Source, error) {
	if len(c.Upstream) == 0 {
		return image.OpenStore(c.Folder, 0)
	}
	remote, err := image.NewRemote(image.RemoteConfig{Servers: c.Upstream, Log: log})
	if err != nil {
		return nil, err
	}
	return image.OpenCache(c.Folder, c.Room, remote, log)
}

// serveImages answers under /images/. A site's machines that install at once
// share what there is.
func (s *service) serveImages() http.Handler {
	var share *image.Share
	if s.Images.Rate > 0 {
		share = image.NewShare(s.Images.Rate)
	}
	return s.meter.meter(http.StripPrefix(strings.TrimSuffix(agent.PathImages, "/"), image.Handler(s.images, share, s.log)))
}
