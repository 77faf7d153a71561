// Package wechatid is what the capabilities say to each other about people at WeChat: wechat knows WeChat, others know
// what the people want, and neither knows the other.
package wechatid

import (
	"time"

	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// Person is somebody as one mini program or official account knows them.
type Person struct {
	AppID   string // of the mini program or official account, at WeChat
	OpenID  string // the person there, and nowhere else
	UnionID string // the person at all programs of one WeChat Open Platform account; empty if there is none
	// Partial: the union id could not be had. Whoever is not known without it may be known by it, and is not to be made anew.
	Partial bool
}

// provider is the kind of identity source of union ids.
const provider = "wechat"

// Identity is the person as an identity source, the connection, knows it. Open ids are unique within the WeChat app only, so
// that is the provider; the connections of two applications to one mini program know the same people.
func (p Person) Identity(connectionID string) authn.Identity {
	identity := authn.Identity{ExtIdpID: connectionID, Provider: provider + "-" + p.AppID, Type: "openid", UserIDInIdp: p.OpenID}
	if p.UnionID != "" {
		identity.Wider = &authn.Identity{ExtIdpID: provider, Provider: provider, Type: "unionid", UserIDInIdp: p.UnionID}
	}
	return identity
}

// Details are what a person must see of a login before confirming it (Q5).
type Details struct {
	AppID                string
	AppName, AppLogo     string
	Browser, OS, IP      string // of the page
	CreatedAt, ExpiresAt time.Time
	Numbers              []int // to choose from, with number matching
}

// Code is a code to be scanned with WeChat.
type Code struct {
	Content string // of an official account: the text to draw as a QR code
	Picture []byte // of a mini program: a PNG
}
