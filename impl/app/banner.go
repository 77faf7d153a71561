package app

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// banner tells a person where to look and what to try. It names the file with the secrets and shows none.
func banner(w io.Writer, c Config, private bool) {
	where := "your own"
	if private {
		where = "private, in " + filepath.Join(c.DataDir, "postgres")
	}
	see := ""
	if c.Console == settingOn {
		see = "\nSee it all work in a browser, within two minutes:\n\n  " + c.PublicURL + "/console/\n"
	}
	if c.Docs == settingOn {
		see += "\n  reference    " + c.PublicURL + "/docs/"
	}
	text := `
Menshen 门神 is ready at URL
SEE
  contract     URL/openapi.yaml
  credentials  CREDENTIALS  (application, access key, demo user)
  database     DATABASE

Worth trying:

  curl URL/readyz
  curl URL/api/v1/system/user/captcha -H 'Content-Type: application/json' -d '{"type":"image","use":"login"}'
  curl URL/user/register -H 'Content-Type: application/json' -d '{"username":"alice","password":"correct horse battery"}'
  curl -i URL/user/login -H 'Content-Type: application/json' -d '{"username":"alice","password":"correct horse battery"}'
  curl URL/api/v1/system/user/captcha -H 'Content-Type: application/json' -d '{"type":"email","use":"register","account":"bob@example.com"}'
  bin/menshen outbox
  curl URL/api/v3/gene-qrcode -H 'Content-Type: application/json' -d '{"type":"MOBILE_APP"}'

`
	fmt.Fprint(w, strings.NewReplacer("SEE", see, "URL", c.PublicURL, "CREDENTIALS", filepath.Join(c.DataDir, "credentials.json"), "DATABASE", where).Replace(text))
}
