// Package fault holds what must not happen whatever goes wrong around it: the mail server, the network, the database, or
// Menshen itself, which is killed or asked for too much. Of messages on their way nothing is lost that certainly was not
// taken, and nothing that perhaps was taken is sent twice, unless the other side knows it again. Of what a page waits for it
// misses nothing. What clients were told by a process that is killed, cut off or overloaded is compared with the database:
// nothing is lost, nothing used twice, no limit exceeded, and what cannot be done is refused.
//
// By default there are few rounds; MENSHEN_TEST_FAULT=full (make fault) takes all the time, and looks at how long things take.
package fault
