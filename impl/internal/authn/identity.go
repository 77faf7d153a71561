package authn

// Identity is somebody as an external identity source knows them.
type Identity struct {
	ExtIdpID    string // the identity source
	Provider    string // its kind; within it, UserIDInIdp is unique
	UserIDInIdp string
	// Wider is the same person under an id that several identity sources share; nil if there is none.
	Wider *Identity
}
