package limit

import (
	"testing"
	"time"
)

// TestRuleFromText: what operators write; what is not understood is an error, because a limit that silently is another
// one protects nothing.
func TestRuleFromText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rule{
		"20/1m":                   {Name: "r", Max: 20, Per: time.Minute},
		"1/24h":                   {Name: "r", Max: 1, Per: 24 * time.Hour},
		"3/1m30s":                 {Name: "r", Max: 3, Per: 90 * time.Second},
		"5/100ms":                 {Name: "r", Max: 5, Per: 100 * time.Millisecond},
		"off":                     {Name: "r"},
		"":                        {},
		"20":                      {},
		"20/":                     {},
		"/1m":                     {},
		"20/m":                    {},
		"20/60":                   {},
		"20 1m":                   {},
		"20/1m/5":                 {},
		"20/1m 30/1":              {},
		"20/1m foo":               {},
		"0/1m":                    {},
		"-1/1m":                   {},
		"1.5/1m":                  {},
		"x/1m":                    {},
		"20/0s":                   {},
		"20/-1m":                  {},
		"OFF":                     {},
		"99999999999999999999/1m": {},
		"20/9999999h":             {},
		"２０/1m":                   {},
		// More than one a nanosecond is no limit at all.
		"2000000000/1s": {},
	} {
		r := Rule{Name: "r"}
		err := r.UnmarshalText([]byte(text))
		if refused := want == (Rule{}); refused != (err != nil) || !refused && (r.Name != want.Name || r.Max != want.Max || want.Max > 0 && r.Per != want.Per) {
			t.Errorf("%q is %+v, %v; want %+v", text, r, err, want)
		}
	}
}

// TestIPKey (C7): one client is one key however its address is written, and for IPv6 whichever of its addresses it uses.
func TestIPKey(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.1":                    "192.0.2.1",
		"::ffff:192.0.2.1":             "192.0.2.1",
		"::ffff:c000:201":              "192.0.2.1",
		"2001:db8:1:2::":               "2001:db8:1:2::/64",
		"2001:db8:1:2:3:4:5:6":         "2001:db8:1:2::/64",
		"2001:0DB8:0001:0002::ffff":    "2001:db8:1:2::/64",
		"2001:db8:1:3::1":              "2001:db8:1:3::/64",
		"fe80::1%eth0":                 "fe80::/64",
		"::1":                          "::/64",
		"":                             "",
		"unix":                         "unix",
		"192.0.2.1:80":                 "192.0.2.1:80",
		"192.0.2.01":                   "192.0.2.01",
		"64:ff9b::192.0.2.1":           "64:ff9b::/64",
		"2001:db8:1:2:3:4:192.0.2.255": "2001:db8:1:2::/64",
	} {
		if got := IPKey(ip); got != want {
			t.Errorf("IPKey(%q) = %q, want %q", ip, got, want)
		}
	}
}
