// Package message is what the capabilities say to people outside of an answer: by e-mail or SMS. Capabilities write
// messages, notify delivers them, and neither knows the other.
package message

import (
	"time"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// Channel is a way to a person, or to a program. The values for persons are those of the contract.
type Channel string

// The channels.
const (
	Email Channel = "email"
	Phone Channel = "phone" // SMS
	Hook  Channel = "hook"  // a program of the operator's
)

// Template names a text.
type Template string

// The templates. Notices go by e-mail only: SMS are charged to a budget, and a notice must not be held up by one.
const (
	Code            Template = "code"             // a verification code
	Registered      Template = "registered"       // instead of a code: there is an account already
	PasswordChanged Template = "password_changed" // a notice
	EmailChanged    Template = "email_changed"    // a notice to the address of before
	PhoneChanged    Template = "phone_changed"    // a notice

	FactorBound       Template = "factor_bound" // notices about authenticators
	FactorRemoved     Template = "factor_removed"
	FactorDisabled    Template = "factor_disabled"
	RecoveryCodesMade Template = "recovery_codes_made"
	RecoveryCodeUsed  Template = "recovery_code_used"

	FastpassUsed Template = "fastpass_used" // a notice: a phone was signed in from the web (Q7)
	Event        Template = "event"         // for a program; it has no text but its Body
)

// Message is what somebody is to be told. What a person typed is no part of it but for the address (C10), and for what
// programs are told.
type Message struct {
	UserpoolID string
	Channel    Channel
	To         string // in the normal form of package address; of a program, the id of its hook
	Template   Template
	Lang       lang.Lang
	Code       string    // empty for notices
	Body       string    `json:",omitempty"` // for a program
	ExpiresAt  time.Time // when it makes no sense any more
	// Decoy is a message that is kept and charged like any other and not sent: nobody there may be told anything, and
	// nobody here may notice (C6).
	Decoy bool
}
