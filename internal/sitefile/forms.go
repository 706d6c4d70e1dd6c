package sitefile

// FitsName reports whether a word can name a machine, a rack or a plan.
func FitsName(word string) bool { return nameForm.MatchString(word) }

// FitsPort reports whether a switch of this driver can have an interface so
// called, without its unit.
func FitsPort(ofDriver, name string) bool {
	if ofDriver == string(frrDriver) {
		return linuxPortForm.MatchString(name)
	}
	return portForm.MatchString(name)
}

// FitsBundle reports whether an aggregated interface can be so called.
func FitsBundle(name string) bool { return bundleForm.MatchString(name) }
