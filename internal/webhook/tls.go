package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
)

// inTLS says what is wrong with an endpoint's certificate; empty where the
// error is none of TLS's.
func inTLS(err error) string {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &host):
		return "the certificate is for another name"
	case errors.As(err, &authority):
		return "nobody known has signed the certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate has expired, or is not valid yet"
	case errors.As(err, &verification), errors.As(err, &invalid):
		return "the certificate is not valid"
	case errors.As(err, &alert):
		return alert.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "what answers speaks no TLS"
	}
	return ""
}
