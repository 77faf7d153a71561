// Package credential says how the secrets of applications and access keys are stored: who makes them and who checks them
// must agree.
package credential

import "github.com/menshen-auth/menshen/impl/internal/keyring"

// ApplicationSecretHash is how an application's secret is stored.
func ApplicationSecretHash(ring *keyring.Ring, id, secret string) []byte {
	return ring.MAC("applications", id, secret)
}

// AccessKeyAAD ties the sealed secret of an access key to its row.
func AccessKeyAAD(userpoolID, keyID string) []string {
	return []string{"access_keys", userpoolID, keyID}
}
