module millwright/tools/redfish

go 1.26.0

require (
	github.com/go-logr/logr v1.4.3
	github.com/ironcore-dev/metal-operator v0.3.0
)
