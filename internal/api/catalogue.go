package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Catalogue is what the store knows of what can be ordered.
type Catalogue interface {
	Catalogue(ctx context.Context) (metal.Catalogue, error)
}

// catalogueRoutes are lists of what everybody with a key may choose from. Those
// below a project or an organization say the same: racks are not kept from
// anybody. They exist because clients ask there.
func (s *server) catalogueRoutes() []route {
	all := slices.Concat(s.planRoutes(), s.metroRoutes(), s.facilityRoutes(), s.systemRoutes())
	for i := range all {
		all[i].method, all[i].verb, all[i].code = http.MethodGet, access.See, http.StatusOK
		if all[i].kind == "" {
			all[i].kind = access.Catalogue
		}
	}
	return all
}

// stableID is the UUID of what has none of its own, because people name it by a
// word: the same word has the same one in every installation. It is of version 8
// (RFC 9562, section 5.8).
func stableID(kind, slug string) string {
	h := sha256.Sum256([]byte("millwright " + kind + " " + slug))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// called reports whether a request means the thing of this kind and word: it may
// name it by the word or by its UUID.
func called(given, kind, slug string) bool {
	return given == slug || given == stableID(kind, slug)
}

// catalogue reads all that can be chosen.
func (c *call) catalogue() (metal.Catalogue, error) { return c.server.Store.Catalogue(c.ctx) }
