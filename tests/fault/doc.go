// Package fault holds what must not happen to a message on its way, whatever goes wrong around it: the mail server, the
// database, or Menshen itself, which is killed. Nothing is lost that certainly was not taken, and nothing that perhaps was
// taken is sent twice, unless the other side knows it again.
package fault
