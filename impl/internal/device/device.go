// Package device says what browser and system a client claims to be, in words that are safe to show to a person.
package device

import (
	"regexp"

	"github.com/mileusna/useragent"
)

// shown are the browsers and systems that are shown by name. A client writes its own user agent, and who lures somebody into
// scanning a QR code would have the phone say more than that: "Reply 42 to win", say.
var shown = map[string]bool{
	useragent.Chrome: true, useragent.HeadlessChrome: true, useragent.Firefox: true, useragent.Safari: true, useragent.MobileSafari: true,
	useragent.Edge: true, useragent.Opera: true, useragent.OperaMini: true, useragent.OperaTouch: true, useragent.Vivaldi: true,
	useragent.InternetExplorer: true, useragent.SamsungBrowser: true, "Android browser": true, "curl": true,
	useragent.Windows: true, useragent.Android: true, useragent.MacOS: true, useragent.IOS: true, useragent.Linux: true,
	useragent.FreeBSD: true, useragent.ChromeOS: true, useragent.CrOS: true, useragent.Harmony: true,
}

var version = regexp.MustCompile(`^[0-9]+(\.[0-9]+){0,3}$`)

// Name returns browser and operating system with their versions, as a User-Agent header tells; empty for one that is not known.
func Name(userAgent string) (browser, os string) {
	agent := useragent.Parse(userAgent)
	return named(agent.Name, agent.Version), named(agent.OS, agent.OSVersion)
}

// named joins a name that is shown and a version; of any other name there is neither.
func named(name, v string) string {
	switch {
	case !shown[name]:
		return ""
	case !version.MatchString(v):
		return name
	}
	return name + " " + v
}
