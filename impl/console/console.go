package console

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/page"
)

// Prefix is where the pages are.
const Prefix = "/console"

// ApplicationID names the application that the pages sign in to, in the default userpool.
const ApplicationID = "menshen-console"

// SessionTTL is the life of a session of the pages, and of its access token.
const SessionTTL = 8 * time.Hour

//go:embed static/*.html static/*.css static/*.js static/*/*.js static/vendor/qr/*.js static/vendor/qr/*.txt
var static embed.FS

// Handler serves the pages below Prefix. reference is whether they may point to the reference.
func Handler(reference bool) (http.Handler, error) {
	files, err := fs.Sub(static, "static")
	if err != nil {
		return nil, err
	}
	site, err := page.NewSite(files)
	if err != nil {
		return nil, err
	}
	settings := fmt.Sprintf("export const application = %q;\nexport const reference = %t;\n", ApplicationID, reference)
	if err := site.Add("settings.js", []byte(settings)); err != nil {
		return nil, err
	}
	return site.Handler(Prefix), nil
}
