// Package openapi carries the merged contract inside the binary.
//
// openapi.yaml is built from base.yaml and fragments/ by merge; README.md tells how each of the five documents was read.
package openapi

import _ "embed"

// YAML is the merged contract, byte for byte, comments included. Do not modify it.
//
//go:embed openapi.yaml
var YAML []byte
