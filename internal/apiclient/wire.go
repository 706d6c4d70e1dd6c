package apiclient

// What people are shown of the API's things. Fields that nobody prints are left
// out: -o json prints answers as they came.

// Link is a thing that an answer only points to, or part of one.
type Link struct {
	ID   string `json:"id"`
	Href string `json:"href"`
	Name string `json:"name"`
	Slug string `json:"slug"`
	Code string `json:"code"`
}

// Device is a device, at any time of its life.
type Device struct {
	ID              string    `json:"id"`
	Hostname        string    `json:"hostname"`
	Description     string    `json:"description"`
	State           string    `json:"state"`
	Tags            []string  `json:"tags"`
	Plan            Link      `json:"plan"`
	OperatingSystem Link      `json:"operating_system"`
	Metro           Link      `json:"metro"`
	Facility        Link      `json:"facility"`
	Addresses       []Address `json:"ip_addresses"`
	Percentage      float64   `json:"provisioning_percentage"`
	Provisioning    []Event   `json:"provisioning_events"`
	Locked          bool      `json:"locked"`
	Created         string    `json:"created_at"`
	Termination     string    `json:"termination_time"`
}

// Address is an address of a device, or a reservation of some.
type Address struct {
	ID         string   `json:"id"`
	Address    string   `json:"address"`
	Network    string   `json:"network"`
	CIDR       int      `json:"cidr"`
	Family     int      `json:"address_family"`
	Public     bool     `json:"public"`
	Management bool     `json:"management"`
	Gateway    string   `json:"gateway"`
	Type       string   `json:"type"`
	State      string   `json:"state"`
	Metro      Link     `json:"metro"`
	Tags       []string `json:"tags"`
	Details    string   `json:"details"`
	Assigned   []Link   `json:"assignments"`
}

// Event is what happened; of provisioning, also what is yet to happen.
type Event struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	Body         string `json:"body"`
	Interpolated string `json:"interpolated"` // the body with names in it
	State        string `json:"state"`
	Created      string `json:"created_at"` // empty: not yet
}
