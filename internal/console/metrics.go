package console

// Metrics are told what a keeper does, so that a main may count it. Each may be
// nil, and so may all of them.
type Metrics struct {
	Kept func(change int) // consoles that are read, or would be if their BMCs let it
	Read func(bytes int)
	Lost func() // a console ended, or did not open; it is opened again
}

func (m *Metrics) kept(change int) {
	if m != nil && m.Kept != nil {
		m.Kept(change)
	}
}

func (m *Metrics) read(bytes int) {
	if m != nil && m.Read != nil {
		m.Read(bytes)
	}
}

func (m *Metrics) lost() {
	if m != nil && m.Lost != nil {
		m.Lost()
	}
}
