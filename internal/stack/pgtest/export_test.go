package pgtest

// TemplateFor lets a test see an error that Database would end the test with.
func TemplateFor(migrate Migrate) (string, error) {
	admin, err := server()
	if err != nil {
		return "", err
	}
	return templateFor(admin, migrate)
}
