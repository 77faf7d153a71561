// Package transfer moves authenticators in and out without lock-in: users keep theirs when their accounts come from another
// system, or leave for one. It reads and writes files; it knows no database.
//
// Two formats, each in plain text or encrypted with a passphrase:
//
//   - pskc: the Portable Symmetric Key Container (RFC 6030), which hardware tokens are delivered in and most servers read.
//     Encrypted as its section 6.2 says: PBKDF2, AES-CBC, and a MAC over each encrypted value.
//   - otpauth: one line an authenticator in the Key Uri Format (T12), which apps and small systems read. Encrypted, the whole
//     file is one of age (age-encryption.org/v1, a scrypt recipient in ASCII armour), which the program "age" opens too.
//
// Guarantees:
//   - What a Writer wrote, Read reads back as the same records. Only otpauth changes issuer and account, where its labels
//     cannot have them: a colon becomes a space, and an account loses spaces in front.
//   - Nothing that was decrypted is used before its MAC was verified. A wrong passphrase is ErrPassphrase.
//   - No error quotes a secret, a passphrase or a line of the file.
//   - Files of any length take little memory: one record at a time, and 16 bytes or so for each to find duplicates. Lengths,
//     depth and the cost of a passphrase are bounded, and XML has no DTD and no entities of its own.
//   - Records are handed out as they are read, before the end of the file is known to be there. Import them in one
//     transaction, and undo it when an error comes that is not a RecordError.
//
// What RFC 6030 does not give: its MAC says nothing of names and parameters around a secret, and its MAC key is encrypted
// without one, so that somebody who may write to the file, and knows one of the secrets in it, could put that in the place of
// another. In otpauth encrypted, one changed bit anywhere is found. XML signatures (RFC 6030 section 7) are passed over.
package transfer
