package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestClientIP: limits are per address, so nobody may choose its own. X-Forwarded-For counts as far as proxies vouch
// for it, read from its end.
func TestClientIP(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		proxies   []netip.Prefix
		want      string
	}{
		"no proxy":                       {"192.0.2.1:1234", nil, proxies, "192.0.2.1"},
		"spoofed, none configured":       {"192.0.2.1:1234", []string{"198.51.100.7"}, nil, "192.0.2.1"},
		"spoofed, from elsewhere":        {"192.0.2.1:1234", []string{"198.51.100.7"}, proxies, "192.0.2.1"},
		"spoofed as a proxy":             {"192.0.2.1:1234", []string{"10.0.0.9"}, proxies, "192.0.2.1"},
		"by a proxy":                     {"10.0.0.1:1234", []string{"192.0.2.1"}, proxies, "192.0.2.1"},
		"by two proxies":                 {"10.0.0.1:1234", []string{"192.0.2.1, 10.0.0.2"}, proxies, "192.0.2.1"},
		"spoofed before the proxy":       {"10.0.0.1:1234", []string{"198.51.100.7, 192.0.2.1"}, proxies, "192.0.2.1"},
		"spoofed in a header of its own": {"10.0.0.1:1234", []string{"198.51.100.7", "192.0.2.1, 10.0.0.2"}, proxies, "192.0.2.1"},
		"proxies only":                   {"10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, proxies, "10.0.0.3"},
		"proxy without the header":       {"10.0.0.1:1234", nil, proxies, "10.0.0.1"},
		"proxy with an empty header":     {"10.0.0.1:1234", []string{""}, proxies, "10.0.0.1"},
		"junk from a proxy":              {"10.0.0.1:1234", []string{"192.0.2.1, unknown"}, proxies, "10.0.0.1"},
		"address with a port":            {"10.0.0.1:1234", []string{"192.0.2.1:99"}, proxies, "10.0.0.1"},
		"IPv6":                           {"[fd00::1]:1234", []string{"2001:db8::7"}, proxies, "2001:db8::7"},
		"IPv4 in IPv6":                   {"[::ffff:10.0.0.1]:1234", []string{"::ffff:192.0.2.1"}, proxies, "192.0.2.1"},
		"zone":                           {"[fe80::1%eth0]:1234", nil, proxies, "fe80::1"},
		"no address":                     {"@", nil, proxies, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := clientIP(r, c.proxies); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestUserAgentIsStorable: the user agent ends up in the database, which takes neither NUL nor broken UTF-8.
func TestUserAgentIsStorable(t *testing.T) {
	t.Parallel()
	for _, agent := range []string{"", "curl/8", "a\x00b", "\xff\xfe", strings.Repeat("a", 9000), strings.Repeat("门", 300), strings.Repeat("a", 511) + "门"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["User-Agent"] = []string{agent}
		if got := describe(r, nil).UserAgent; len(got) > maxUserAgent || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("%.20q became %.20q, %d bytes", agent, got, len(got))
		}
	}
}

// FuzzHeaders (C7, C10): whatever a client writes into the headers that everybody reads, its address is one that a proxy or
// the connection vouches for, and what is kept of the request can be stored and logged.
func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{"", "192.0.2.1", "192.0.2.1, 10.0.0.2", "::ffff:192.0.2.1", "fe80::1%eth0", "unknown", ",,,", "\x00", "\xff", "{{iThings-token}}"} {
		f.Add(seed, seed, seed)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	op := &operation{headers: []header{{"Ithings-Token", true}, {"Accept-Language", true}}}
	f.Fuzz(func(t *testing.T, forwarded, agent, any string) {
		for peer, trusted := range map[string]bool{"192.0.2.9:1234": false, "10.0.0.1:1234": true} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = peer
			r.Header = http.Header{
				"X-Forwarded-For": {forwarded}, "User-Agent": {agent}, "X-Request-Id": {any}, "Accept-Language": {any, ""}, "Ithings-Token": {"", any, any},
			}
			info := describe(r, proxies)
			ip, err := netip.ParseAddr(info.IP)
			if err != nil || ip.Zone() != "" || !trusted && info.IP != "192.0.2.9" {
				t.Errorf("%s with %q is %q, %v", peer, forwarded, info.IP, err)
			}
			if !utf8.ValidString(info.UserAgent) || strings.Contains(info.UserAgent, "\x00") || len(info.UserAgent) > maxUserAgent || len(info.ID) < 8 || len(info.ID) > 64 {
				t.Errorf("agent %q, id %q", info.UserAgent, info.ID)
			}
			if err := tidyHeaders(r, op); err != nil {
				t.Errorf("%q is an error: %v", any, err)
			}
			for _, h := range op.headers {
				if values := r.Header[h.name]; len(values) > 1 || len(values) == 1 && (values[0] == "" || !utf8.ValidString(values[0])) {
					t.Errorf("%s: %q", h.name, values)
				}
			}
		}
	})
}
