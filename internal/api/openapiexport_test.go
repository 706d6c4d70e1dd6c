package api

// DescribedRoutes are all that can be asked, as "GET /plans".
func DescribedRoutes() (all []string) {
	for _, r := range (&server{}).routes() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}
