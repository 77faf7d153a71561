// Package fault holds what must not happen whatever goes wrong around it: the mail server, the database, or Menshen itself,
// which is killed. Of messages on their way nothing is lost that certainly was not taken, and nothing that perhaps was taken
// is sent twice, unless the other side knows it again. Of what a page waits for it misses nothing.
package fault
