// Package browser looks at Menshen's pages as a person does: in a real Chromium without a window, with a real service behind it. It
// finds what it clicks by role and name in the accessibility tree, so that what a screen reader cannot find, these tests cannot
// either. A desk and a phone are two browser contexts, which share nothing.
//
// Every page that a test opens is watched until the test ends: it may run no script that fails, break no rule of its own policy, and
// call nothing but this service.
//
// TestPages writes a picture of every page to bin/screenshots, for a person to look at.
package browser
