// Package keyring holds the service's own keys and what is done with them: sealing secrets at rest (AES-256-GCM),
// keyed hashing of what only needs to be recognised (HMAC-SHA-256), and signing tokens (RS256).
//
// The keys live in the database, each sealed with the master key, which never does (T10): a stolen dump opens nothing,
// and replicas that share database and master key share everything. A sealed value begins with the id of its key, so a
// key can be replaced while old values are still around.
//
// The sealing key can be replaced while any number of replicas serve (Ring.Rotate, `menshen keys rotate`). The new key is
// committed before anything is sealed with it. A replica that meets a value of a key it does not know reads the keys again
// (Ring.Unseal), so it is safe for the others to seal with the new key at once, and nobody has to be told before. Ring.Run
// lets every replica take the new key up within seconds; what one still seals with the old key until then is found by the
// last pass, which comes later than that. Old keys stay: they open backups, and what a replica that was stopped for long
// has sealed with the key it knew; the next rotation finds that too.
//
// A rotation is of no use against somebody who has the master key, which opens the new key as it did the old one.
package keyring
