// Command menshen is the verification service. Try `menshen --help`.
package main

import (
	"os"

	"github.com/menshen-auth/menshen/impl/app"
)

func main() {
	os.Exit(app.CLI(os.Args[1:]))
}
