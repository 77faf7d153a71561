package authn

import "encoding/json"

// Identity is somebody as an external identity source knows them.
type Identity struct {
	ExtIdpID    string // the identity source
	Provider    string // its kind; within it, UserIDInIdp is unique
	Type        string // what UserIDInIdp is, as the contract's IdentityDto names it
	UserIDInIdp string
	// Wider is the same person under an id that several identity sources share; nil if there is none.
	Wider *Identity
}

// Entry is somebody whom an external identity source has let in.
type Entry struct {
	UserpoolID, UserID, AppID string
	SessionID                 string // of the session to open
	Method                    Method
	AMR                       string          // RFC 8176
	IP, UserAgent             string          // of who is going to use the session
	Context                   json.RawMessage // for the hooks
}
