package fill

import (
	"fmt"
	"time"
)

func (o Options) mfaFactors() table {
	return table{
		name: "mfa_factors", rows: factors(o.Users), after: "users",
		columns: []string{"userpool_id", "id", "user_id", "secret_sealed", "algorithm", "digits", "period", "last_step", "created_at"},
		row: func(i int) []any {
			user, factor := UserID(owner(i)), id(kindFactor, i)
			sealed := random(kindSecret, i, 32)
			if o.Seal != nil {
				sealed = o.Seal(Secret(owner(i)), "mfa_factors", o.UserpoolID, user, factor)
			}
			return []any{o.UserpoolID, factor, user, sealed, "SHA1", 6, 30, 0, o.Now.Add(-30 * day)}
		},
	}
}

// recoveryCodes are ten for one in ten of those who have an authenticator.
func (o Options) recoveryCodes() table {
	return table{
		name: "mfa_recovery_codes", rows: factors(o.Users) / 10 * 10, after: "mfa_factors",
		columns: []string{"userpool_id", "user_id", "code_hash", "created_at"},
		row: func(i int) []any {
			return []any{o.UserpoolID, UserID(owner(i / 10)), random(kindCode, i, 32), o.Now.Add(-30 * day)}
		},
	}
}

func (o Options) identities() table {
	return table{
		name: "identities", rows: o.Users / 10, after: "users",
		columns: []string{"userpool_id", "id", "user_id", "ext_idp_id", "provider", "user_id_in_idp", "created_at"},
		row: func(i int) []any {
			return []any{o.UserpoolID, id(kindOther, i), UserID(i), "connection", "wechat", fmt.Sprintf("openid-%d", i), o.Now.Add(-30 * day)}
		},
	}
}

// aside is a table with a row for one in so many users, half of which have ended.
func (o Options) aside(name string, oneIn int, columns []string, row func(i int, ends time.Time) []any) table {
	rows := o.Users / oneIn
	return table{name: name, rows: rows, columns: columns, row: func(i int) []any {
		return row(i, within(o.Now.Add(-liveFor), 2*liveFor, i, rows))
	}}
}

func (o Options) limits() table {
	return o.aside("limits", 5, []string{"userpool_id", "key", "tat"}, func(i int, ends time.Time) []any {
		return []any{o.UserpoolID, "signin.ip|" + address(i), ends}
	})
}

func (o Options) quotas() table {
	return o.aside("quotas", 5, []string{"userpool_id", "key", "taken", "expires_at"}, func(i int, ends time.Time) []any {
		return []any{o.UserpoolID, "send|" + id(kindOther, i), "{" + ends.Add(-liveFor).Format(time.RFC3339) + "}", ends}
	})
}

// outbox is messages that were delivered: those on their way the service would try to deliver.
func (o Options) outbox() table {
	columns := []string{"userpool_id", "id", "channel", "template", "state", "attempts", "due_at", "created_at", "expires_at", "settled_at"}
	return o.aside("outbox", 10, columns, func(i int, ends time.Time) []any {
		created := ends.Add(-2 * liveFor)
		return []any{o.UserpoolID, id(kindOther, i), "email", "code", "delivered", 1, created, created, ends, created}
	})
}

func (o Options) fastpasses() table {
	columns := []string{"userpool_id", "id", "code_hash", "user_id", "session_id", "scope", "created_at", "expires_at"}
	t := o.aside("fastpasses", 20, columns, func(i int, ends time.Time) []any {
		return []any{o.UserpoolID, id(kindCode, i), random(kindCode, i, 32), UserID(i), id(kindSession, i), "openid", ends.Add(-time.Minute), ends}
	})
	t.after = "sessions"
	return t
}

func (o Options) mfaPending() table {
	t := o.aside("mfa_pending", 5, []string{"userpool_id", "user_id", "id", "session_id", "secret_sealed", "expires_at"}, func(i int, ends time.Time) []any {
		user, sealed := UserID(i), random(kindSecret, i, 32)
		if o.Seal != nil {
			sealed = o.Seal(Secret(i), "mfa_pending", o.UserpoolID, user)
		}
		return []any{o.UserpoolID, user, id(kindOther, i), id(kindSession, i), sealed, ends}
	})
	t.after = "users"
	return t
}

func (o Options) pendingSignIns() table {
	columns := []string{"userpool_id", "token_hash", "user_id", "app_id", "scope", "amr", "custom_data", "expires_at", "session_id"}
	t := o.aside("pending_signins", 20, columns, func(i int, ends time.Time) []any {
		var opens any
		if i%4 == 0 {
			opens = id(kindOther, i)
		}
		return []any{o.UserpoolID, random(kindToken, i, 32), UserID(i), o.AppID, "openid", "{pwd}", "{}", ends, opens}
	})
	t.after = "users"
	return t
}

func (o Options) nonces() table {
	return o.aside("request_nonces", 10, []string{"userpool_id", "key_id", "nonce", "expires_at"}, func(i int, ends time.Time) []any {
		return []any{o.UserpoolID, "key", id(kindOther, i), ends}
	})
}

func (o Options) wechatNonces() table {
	columns := []string{"userpool_id", "connection_id", "nonce_hash", "event_hash", "expires_at"}
	return o.aside("wechat_nonces", 5, columns, func(i int, ends time.Time) []any {
		return []any{o.UserpoolID, "connection", random(kindToken, i, 32), random(kindOther, i, 32), ends}
	})
}

func (o Options) wechatEvents() table {
	columns := []string{"userpool_id", "connection_id", "event_hash", "claimed_until", "settled", "expires_at"}
	return o.aside("wechat_events", 5, columns, func(i int, ends time.Time) []any {
		return []any{o.UserpoolID, "connection", random(kindOther, i, 32), ends, true, ends}
	})
}

func (o Options) wechatScans() table {
	columns := []string{"userpool_id", "connection_id", "open_id", "scan_sealed", "expires_at"}
	return o.aside("wechat_scans", 5, columns, func(i int, ends time.Time) []any {
		open := fmt.Sprintf("openid-%d", i)
		sealed := random(kindSecret, i, 32)
		if o.Seal != nil {
			sealed = o.Seal(random(kindOther, i, 24), "wechat_scans", o.UserpoolID, "connection", open)
		}
		return []any{o.UserpoolID, "connection", open, sealed, ends}
	})
}
