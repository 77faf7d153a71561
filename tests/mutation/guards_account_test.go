package mutation

// accountGuards are those of sign-ins, sessions, tokens, applications and access keys.
var accountGuards = []guard{
	{
		name: "logout ends a session at once", file: "db/session.go",
		text: `AND s.id = $2 AND s.revoked_at IS NULL`, instead: `AND s.id = $2`,
		red: "TestLiveSession",
	},
	{
		name: "a session ends", file: "db/session.go",
		text: ` AND s.expires_at > $3 AND u`, instead: ` AND $3::timestamptz IS NOT NULL AND u`,
		red: "TestLiveSession",
	},
	{
		name: "a disabled user has no session", file: "db/session.go",
		text: `.status = 'Activated'`, instead: `.status <> ''`,
		red: "TestLiveSession",
	},
	{
		name: "a disabled user does not sign in", file: "db/account.go",
		text: ` AND status = 'Activated'
		RETURNING `, instead: `
		RETURNING `,
		red: "TestNoteLogin",
	},
	{
		name: "a refresh token is used once", file: "db/session.go",
		text: ` AND t.used_at IS NULL`,
		red:  "TestGuardedStatementsWinOnce/SpendRefreshToken",
	},
	{
		name: "a refresh token is its application's", file: "db/session.go",
		text: ` AND ($2 = '' OR s.app_id = $2)`, instead: ` AND $2::text IS NOT NULL`,
		red: "TestRefreshIsForTheApplication", in: "impl/account",
	},
	{
		name: "reuse of a refresh token ends its session", file: "impl/account/session.go",
		text: `if _, err := q.Sessions().Revoke(ctx, used.UserpoolID, used.SessionID, now); err != nil {`, instead: `if err := error(nil); err != nil {`,
		red: "TestRefreshTokenReuse",
	},
	{
		name: "a token has one use", file: "impl/account/session.go",
		text: `case err != nil, c.Use != use:`, instead: `case err != nil:`,
		red: "TestTokenOfOneUse",
	},
	{
		name: "a token is of its issuer", file: "impl/internal/keyring/token.go",
		text: `jwt.WithIssuer(issuer),`,
		red:  "TestForgedTokens",
	},
	{
		name: "a token has an end", file: "impl/internal/keyring/token.go",
		text: `jwt.WithExpirationRequired(),`,
		red:  "TestForgedTokens",
	},
	{
		name: "a token is signed as ours are", file: "impl/internal/keyring/token.go",
		text: `if err := jwt.SigningMethodRS256.Verify(parts[0]+"."+parts[1], signature, key); err != nil {`, instead: `if err := error(nil); signature == nil && err != nil {`,
		red: "TestForgedTokens",
	},
	{
		name: "a changed password ends all sessions", file: "impl/account/recover.go",
		text: `err := q.Sessions().RevokeAll(ctx, u.UserpoolID, u.ID, now)`, instead: `err := error(nil)`,
		red: "TestResetPassword",
	},
	{
		name: "a changed password ends sign-ins that are under way", file: "impl/account/session.go",
		text: `if password != nil && (`, instead: `if false && (`,
		red: "TestPasswordThatIsNoLongerTheUsers",
	},
	{
		name: "who has an authenticator needs its code", file: "impl/account/session.go",
		text: `if u.MFAAt != nil {`, instead: `if u.ID != "" {`,
		red: "TestOpenNeedsTheCode",
	},
	{
		name: "a sign-in that waits ends", file: "db/signin.go",
		text: ` AND token_hash = $2 AND expires_at > $3`, instead: ` AND token_hash = $2 AND $3::timestamptz IS NOT NULL`,
		red: "TestPendingSignIn",
	},
	{
		name: "passwords from an address are limited", file: "impl/account/signin.go",
		text: `err := s.limiter.Take(ctx, s.SignInPerIP, userpoolID, ip)`, instead: `err := error(nil)`,
		red: "TestSignInLimits/address",
	},
	{
		name: "an application proves itself with its own secret", file: "impl/account/tenancy.go",
		text: `if !known || !hmac.Equal(app.SecretHash, credential.ApplicationSecretHash(s.ring, id, secret)) {`, instead: `if !known {`,
		red: "TestApplicationSecret",
	},
	{
		name: "a request is signed", file: "impl/account/tenancy.go",
		text: `if !r.Matches(secret) {`, instead: `if !r.Matches(secret) && false {`,
		red: "TestSignature",
	},
	{
		name: "a signed request is near its date", file: "impl/account/tenancy.go",
		text: `if date.Sub(now).Abs() > s.SignatureSkew {`, instead: `if date.Sub(now).Abs() > s.SignatureSkew && false {`,
		red: "TestSignature",
	},
	{
		name: "a signed request is done once", file: "db/tenancy.go",
		text: `ON CONFLICT DO NOTHING`, instead: `ON CONFLICT (userpool_id, key_id, nonce) DO UPDATE SET expires_at = excluded.expires_at`,
		red: "TestGuardedStatementsWinOnce/UseNonce",
	},
	{
		name: "a signature covers the parameters", file: "impl/internal/authn/signature.go",
		text: `return []string{b.String() + "?" + strings.Join(params, "&")}`, instead: `return []string{b.String()}`,
		red: "TestStringsToSign|TestSignatureMatches",
	},
	{
		name: "management needs the scope", file: "impl/internal/authn/authn.go",
		text: `if !m.Has(scope) {`, instead: `if false {`,
		red: "TestRequire",
	},
	{
		name: "management is of its userpool", file: "impl/internal/authn/schemes.go",
		text: `if id != "" && id != p.Management.UserpoolID {`, instead: `if id != "" && false {`,
		red: "TestManagementOfAnotherUserpool",
	},
	{
		name: "a disabled access key is none", file: "db/tenancy.go",
		text: `FROM access_keys WHERE id = $1 AND disabled_at IS NULL`, instead: `FROM access_keys WHERE id = $1`,
		red: "TestDisabledAccessKey",
	},
	{
		name: "only proxies of ours tell addresses", file: "impl/internal/httpapi/describe.go",
		text: `i >= 0 && trusted(ip, proxies);`, instead: `i >= 0;`,
		red: "TestClientIP",
	},
	{
		name: "overload: who has waited long in a queue that stands is refused", file: "impl/internal/admission/admission.go",
		text: `admitted := now.Sub(w.since) <= limit`, instead: `admitted := limit > 0`,
		red: "TestStandingQueue",
	},
}
