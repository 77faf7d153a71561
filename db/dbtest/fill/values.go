package fill

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// What a row is for; rows of two kinds have no id or hash in common.
const (
	kindUser = iota + 1
	kindSession
	kindFactor
	kindCode
	kindScan
	kindPoll
	kindTicket
	kindToken
	kindSecret
	kindOther
)

// mix spreads numbers over all of 64 bits, no two to the same place (the finalizer of SplitMix64).
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// random returns at most 32 bytes, which differ in the first eight for every kind and number.
func random(kind, i, size int) []byte {
	var b [32]byte
	n := uint64(kind)<<48 | uint64(i)
	for at := 0; at < len(b); at += 8 {
		n = mix(n)
		binary.BigEndian.PutUint64(b[at:], n)
	}
	return b[:size]
}

// id is 24 hexadecimal digits, as the service's own ids are.
func id(kind, i int) string { return hex.EncodeToString(random(kind, i, 12)) }

// UserID is the id of a user, whose number is below Amounts.Users.
func UserID(user int) string { return id(kindUser, user) }

// Username is the name by which a user signs in.
func Username(user int) string { return fmt.Sprintf("person-%d", user) }

// Email is the address of a user who has one: four of five do.
func Email(user int) string { return fmt.Sprintf("person-%d@example.com", user) }

// HasFactor tells whether a user has an authenticator: three of ten do.
func HasFactor(user int) bool { return user%10 < 3 }

// Secret is that of the authenticator of a user who has one.
func Secret(user int) []byte { return random(kindSecret, user, 20) }

// factors is how many of so many users have an authenticator.
func factors(users int) int { return users/10*3 + min(users%10, 3) }

// owner is the user of an authenticator, by its number.
func owner(factor int) int { return factor/3*10 + factor%3 }

// address is the IP address of a client.
func address(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255) }

// within spreads n rows over a span of time, in their order.
func within(from time.Time, span time.Duration, i, n int) time.Time {
	return from.Add(time.Duration(float64(span) * (float64(i) + 0.5) / float64(n))).Truncate(time.Microsecond)
}
