// Package keyring holds the service's own keys and what is done with them: sealing secrets at rest (AES-256-GCM),
// keyed hashing of what only needs to be recognised (HMAC-SHA-256), and signing tokens (RS256).
//
// The keys live in the database, each sealed with the master key, which never does (T10): a stolen dump opens nothing,
// and replicas that share database and master key share everything. A sealed value begins with the id of its key, so a
// key can be replaced while old values are still around.
package keyring
