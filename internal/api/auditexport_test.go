package api

import "millwright/internal/access"

// ChangingRoutes are method and path of what is recorded.
func ChangingRoutes() (all [][2]string) {
	for _, r := range (&server{}).routes() {
		if r.verb != access.See {
			all = append(all, [2]string{r.method, r.path})
		}
	}
	return all
}
