package device

import "testing"

// TestAgentCannotSpeak (Q5): a client writes its own user agent. What a person is shown of it is a known name and a number, so that
// it is no way to talk to who holds the phone.
func TestAgentCannotSpeak(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string][2]string{
		"":                                  {"", ""},
		"Reply-42-now-to-finish-your-order": {"", ""},
		"回复42领取红包":                          {"", ""},
		"\x1b[31mred/1":                     {"", ""},
		"Mozilla/5.0 (X11; Linux x86_64) 请回复42领取红包/1.0":                                    {"", "Linux"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:1.0) Gecko/20100101 Firefox/reply42":           {"Firefox", "Linux"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:1.0) Gecko/20100101 Firefox/145.0.1":           {"Firefox 145.0.1", "Linux"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0": {"Firefox 145.0", "Windows 10.0"},
	} {
		if browser, os := Name(agent); browser != want[0] || os != want[1] {
			t.Errorf("%q is shown as %q on %q, want %q", agent, browser, os, want)
		}
	}
}
