// Package authn finds out who is calling, before anything else is looked at. The contract says which credentials an
// operation takes; Authenticator tries them in that order and returns a Principal. What a credential is good for is
// decided by Accounts, which the account capability fulfils.
package authn
