package metal

// Quota is how much of a resource a project may have, and has.
type Quota struct {
	Project  ProjectID
	Resource string
	Most     int64
	Has      float64
}
