// Package app is the composition root: it reads the configuration, plugs the capabilities together, and runs them.
//
// Config is every setting with its default. New builds the service on a database; Serve runs it, with a private
// PostgreSQL where no database is configured. CLI is the command line.
package app
