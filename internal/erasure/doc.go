// Package erasure says what was erased, how that is known, and who says so: the
// certificate of a disk, its canonical bytes, and their signature.
//
// It imports package metal and the standard library, and must not import a
// driver, a store or Temporal. Package drive fills a Certificate; whoever holds
// the key adds Machine, Device and Boot, and signs it:
//
//	key, err := erasure.LoadKey(path)              // PEM, PKCS #8, Ed25519
//	signed, err := key.Sign(certificate)           // refuses what is not erased
//	text, err := json.Marshal(signed)
//	certificate, err := key.Public().Verify(signed)
//
// # To check a certificate without this program
//
// Signed.Payload is the very text that was signed. With the signed JSON in
// signed.json and the public key (PublicKey.PEM) in key.pem:
//
//	jq -j .payload signed.json >certificate.json
//	jq -r .signature signed.json | base64 -d >certificate.sig
//	openssl pkeyutl -verify -rawin -pubin -inkey key.pem -in certificate.json -sigfile certificate.sig
//
// The ID of a key is the SHA-256 of its DER form, in lower-case hex:
//
//	openssl pkey -pubin -in key.pem -outform DER | sha256sum
//
// A key is made with: openssl genpkey -algorithm ed25519 -out erasure.pem
package erasure
