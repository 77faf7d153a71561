package mutation

// factorGuards are those of authenticators, recovery codes and OTP secrets.
var factorGuards = []guard{
	{
		name: "T3 one step to each side", file: "impl/mfa/totp.go",
		text: `offset := drift - skew; offset <= drift+skew;`, instead: `offset := drift - skew - 1; offset <= drift+skew+1;`,
		red: "TestMatchWindow",
	},
	{
		name: "T4 a time step is used once", file: "db/mfa.go",
		text: ` AND last_step < $3`,
		red:  "TestSpendStepMovesForward", always: true,
	},
	{
		name: "T4 the code that binds is spent", file: "impl/mfa/enrol.go",
		text: `LastStep: step,`, instead: `LastStep: step - 1,`,
		red: "TestBindCodeIsSpent",
	},
	{
		name: "T5 a try is charged", file: "db/mfa.go",
		text: `failures = failures + 1,`, instead: `failures = failures,`,
		red: "TestChargeAttempts",
	},
	{
		name: "T5 who waits has no try", file: "db/mfa.go",
		text: ` AND (blocked_until IS NULL OR blocked_until <= $3)`,
		red:  "TestChargeAttempts",
	},
	{
		name: "T5 waits double", file: "db/mfa.go",
		text: `least($5 * power(2, least(failures + 1 - $4, 30)), $6)`, instead: `least($5, $6)`,
		red: "TestLockOutSchedule", in: "impl/mfa",
	},
	{
		name: "T5 a hundred failures disable", file: "db/mfa.go",
		text: ` AND failures < $7`, instead: ` AND $7::integer > 0`,
		red: "TestLockOutSchedule", in: "impl/mfa",
	},
	{
		name: "T6 a replay is no guess", file: "impl/mfa/challenge.go",
		text: `if right == nil || f.ID != right.ID {`, instead: `if false {`,
		red: "TestReplayIsNoGuess",
	},
	{
		name: "T6 what a success has forgotten is not taken back", file: "db/mfa.go",
		text: ` AND last_step = $5`, instead: ` AND $5::bigint IS NOT NULL`,
		red: "TestRefundAttempt",
	},
	{
		name: "T9 all candidates are looked at", file: "impl/mfa/totp.go",
		text: `step, ok = max(step, candidate), true`, instead: `return candidate, true, nil`,
		red: "TestMatchTakesTheNewestStep",
	},
	{
		name: "T10 a seed opens at its own place only", file: "impl/mfa/mfa.go",
		text: `"mfa_factors", userpoolID, userID, factorID`, instead: `"mfa_factors", userpoolID`,
		red: "TestSeedIsSealed",
	},
	{
		name: "T10 parts of a place do not run together", file: "impl/internal/keyring/keyring.go",
		text: `uint32(len(part))`, instead: `0`,
		red: "TestMACSeparates",
	},
	{
		name: "T11 a waiting secret has five tries", file: "db/mfa_pending.go",
		text: ` AND attempts < $5`, instead: ` AND $5::integer > 0`,
		red: "TestGuardedStatementsWinOnce/ChargePending",
	},
	{
		name: "T11 a waiting secret ends", file: "db/mfa_pending.go",
		text: `AND expires_at > $6`, instead: `AND $6::timestamptz IS NOT NULL`,
		red: "TestChargePendingInTime",
	},
	{
		name: "T11 a code confirms the secret that it is of", file: "db/mfa_pending.go",
		text: ` AND user_id = $2 AND id = $3`, instead: ` AND user_id = $2 AND $3 <> ''`,
		red: "TestConsumePendingOfAnother",
	},
	{
		name: "T11 who has an authenticator shows a code to add one", file: "impl/mfa/enrol.go",
		text: `case len(factors) > 0 && !steppedUp:`, instead: `case len(factors) > 0 && !steppedUp && false:`,
		red: "TestWhoMayBind",
	},
	{
		name: "T14 a recovery code is used once", file: "db/recovery.go",
		text: ` AND code_hash = $3 AND used_at IS NULL`, instead: ` AND code_hash = $3`,
		red: "TestGuardedStatementsWinOnce/Spend_of_a_recovery_code",
	},
	{
		name: "T14 a recovery code has 96 bit", file: "impl/mfa/recovery.go",
		text: `recoveryCodeSize = 12`, instead: `recoveryCodeSize = 6`,
		red: "TestRecoveryCodes",
	},
	{
		name: "T15 a lookup is in the audit log first", file: "impl/otp/otp.go",
		text: `case err != nil:`, instead: `case limit.Refused(err):`,
		red: "TestNoAuditNoSecret",
	},
	{
		name: "T15 a lookup needs its scope", file: "impl/otp/otp.go",
		text: `err := caller.Need(authn.ScopeOTPSecretRead)`, instead: `err := error(nil)`,
		red: "TestLookupNeedsItsScope",
	},
	{
		name: "T15 lookups of a key are limited", file: "impl/otp/otp.go",
		text: `s.limiter.TakeWith(ctx, s.LookupsPerKey,`, instead: `s.limiter.TakeWith(ctx, limit.Rule{},`,
		red: "TestLookupsPerKey",
	},
	{
		name: "T15 the audit log is append only", file: "db/migrations/0003_audit.sql",
		text: `BEFORE UPDATE OR DELETE OR TRUNCATE`, instead: `BEFORE TRUNCATE`,
		red: "TestAuditLogIsAppendOnly", in: "db",
	},
	{
		name: "T16 an identity is split at the first colon", file: "impl/account/identifier.go",
		text: `source, id, ok := strings.Cut(text, ":")`, instead: `i := strings.LastIndex(text, ":")
	ok := i >= 0
	source, id = text[:max(i, 0)], text[i+1:]`,
		red: "FuzzSplitIdentity",
	},
}
