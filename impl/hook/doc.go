// Package hook lets programs of the operator's take part in sign-ins to an application: asked before a session is opened
// (stage pre), or told afterwards (stage post). Requests are signed as Standard Webhooks has it; see internal/webhook.
//
// Invariants:
//   - There is no session without the pre hooks of its application having been asked, one after the other, the oldest first:
//     account.Open takes only what authn.Screen has made. They are asked when the first factor was right and before anything
//     is used up, outside of any transaction. Who waits for a code of the authenticator is not asked about again.
//   - A pre hook lets pass with 2xx and no body or {"decision":"allow"}, and refuses with {"decision":"deny"}, perhaps with a
//     "message" for the person. Anything else is a failure: the sign-in is refused, unless the hook is to fail open. A
//     denial never counts as a failure, and who asks several times at once is not let in by one. (Many who work together
//     can still keep a hook from answering: one that fails open protects from mistakes, not from them.)
//   - A post hook is told once for each session, at least: the event is written in the transaction that opens the session,
//     carried by the outbox for a day, and has the same webhook-id and body whenever it comes. A hook that fails is paused
//     for as long as it has been failing, ten minutes at most, and then tried with one event, so that it holds up no other.
//   - What a client sends as context reaches hooks byte for byte. It is never logged, nor are URL and secret; what waits to be
//     delivered is sealed, as the secrets are.
//
// Threats: a hook decides about sign-ins, so only who runs `menshen hook` can add one, and its URL is https but on this
// machine. It learns who signs in, and gets neither tokens nor anything to sign in with. It can hold a request up for its
// time-out, and holds no connection of the database meanwhile.
package hook
