package fill

import (
	"fmt"
	"time"
)

const (
	liveFor    = time.Hour
	expiredFor = 24 * time.Hour
	day        = 24 * time.Hour
	userAgent  = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)

// tables is everything that is filled: a table comes after those that it refers to, and what takes long comes early.
func (o Options) tables() []table {
	return []table{
		o.users(), o.captchas(), o.qrlogins(), o.sentCodes(), o.auditLog(), o.sessions(), o.refreshTokens(),
		o.mfaFactors(), o.recoveryCodes(), o.identities(), o.limits(), o.outbox(), o.fastpasses(), o.mfaPending(), o.pendingSignIns(),
		o.nonces(), o.quotas(), o.wechatNonces(), o.wechatEvents(), o.wechatScans(), o.applications(),
	}
}

// codes shares the codes out to the tables, and tells when each ends: in the order of the rows, as they are created.
func (o Options) codes(percent int) (rows int, ends func(i int) time.Time) {
	expired, live := o.ExpiredCodes*percent/100, o.LiveCodes*percent/100
	return expired + live, func(i int) time.Time {
		if i < expired {
			return within(o.Now.Add(-expiredFor), expiredFor, i, expired)
		}
		return within(o.Now, liveFor, i-expired, live)
	}
}

func (o Options) captchas() table {
	rows, ends := o.codes(50)
	return table{
		name: "captchas", rows: rows,
		columns: []string{"userpool_id", "id", "type", "use", "account", "answer_hash", "created_at", "expires_at"},
		row: func(i int) []any {
			return []any{o.UserpoolID, id(kindCode, i), "image", "login", "", random(kindCode, i, 32), ends(i).Add(-3 * time.Minute), ends(i)}
		},
	}
}

// qrlogins are pending for the most part while they live; when they have ended, most had led to a sign-in.
func (o Options) qrlogins() table {
	rows, ends := o.codes(30)
	return table{
		name: "qrlogins", rows: rows,
		columns: []string{
			"userpool_id", "id", "app_id", "scan_hash", "poll_hash", "ticket_hash", "state", "user_id", "session_id", "ip", "user_agent",
			"created_at", "expires_at", "ticket_expires_at", "consumed_at",
		},
		row: func(i int) []any {
			end, user := ends(i), i%o.Users
			values := []any{
				o.UserpoolID, id(kindCode, i), o.AppID, random(kindScan, i, 32), random(kindPoll, i, 32), random(kindTicket, i, 32),
				"PENDING", nil, nil, address(i), userAgent, end.Add(-2 * time.Minute), end, nil, nil,
			}
			scanned, authorized := i%10 < 2, i%10 == 2
			if end.Before(o.Now) {
				scanned, authorized = i%10 < 1, i%10 > 3
			}
			if scanned || authorized {
				values[6], values[7], values[8] = "SCANNED", UserID(user), id(kindSession, user)
			}
			if authorized {
				values[6], values[13], values[14] = "AUTHORIZED", end, end.Add(-time.Minute)
			}
			return values
		},
	}
}

func (o Options) sentCodes() table {
	rows, ends := o.codes(20)
	return table{
		name: "sent_codes", rows: rows,
		columns: []string{
			"userpool_id", "channel", "use", "account_hash", "id", "answer_hash", "attempts", "attempts_until", "created_at", "expires_at", "kept_until",
		},
		row: func(i int) []any {
			end := ends(i)
			return []any{
				o.UserpoolID, []string{"email", "sms"}[i%2], "login", random(kindToken, i, 32), id(kindCode, i), random(kindCode, i, 32), i % 3,
				end, end.Add(-5 * time.Minute), end, end,
			}
		},
	}
}

func (o Options) users() table {
	var password any
	if o.PasswordHash != "" {
		password = o.PasswordHash
	}
	return table{
		name: "users", rows: o.Users,
		columns: []string{
			"userpool_id", "id", "username", "username_key", "email", "email_key", "email_verified", "phone", "phone_verified", "external_id",
			"password_hash", "status", "source", "profile", "logins_count", "last_login_at", "last_ip", "created_at", "updated_at",
		},
		row: func(i int) []any {
			var email, phone, externalID any
			if i%5 < 4 {
				email = Email(i)
			}
			if i%2 == 0 {
				phone = fmt.Sprintf("+86138%08d", i)
			}
			if i%5 == 0 {
				externalID = fmt.Sprintf("staff-%d", i)
			}
			created := within(o.Now.Add(-365*day), 365*day, i, o.Users)
			return []any{
				o.UserpoolID, UserID(i), Username(i), Username(i), email, email, email != nil, phone, phone != nil, externalID, password,
				"Activated", "register", fmt.Sprintf(`{"nickname":"Person %d"}`, i), i % 50, o.Now.Add(-day), address(i), created, created,
			}
		},
	}
}

// applications are a hundred besides the given one, so that those of one are not all sessions.
func (o Options) applications() table {
	return table{
		name: "applications", rows: 100, columns: []string{"userpool_id", "id", "name", "secret_hash", "created_at"},
		row: func(i int) []any {
			return []any{o.UserpoolID, id(kindOther, i), fmt.Sprintf("Application %d", i), random(kindOther, i, 32), o.Now}
		},
	}
}

// sessions are one for each user, of which one in twenty was ended and another has expired.
func (o Options) sessions() table {
	return table{
		name: "sessions", rows: o.Users, after: "users",
		columns: []string{
			"userpool_id", "id", "user_id", "app_id", "scope", "amr", "ip", "user_agent", "created_at", "auth_time", "expires_at", "revoked_at",
		},
		row: func(i int) []any {
			ends, app := o.sessionEnds(i), o.AppID
			if i%5 > 1 {
				app = id(kindOther, i%100)
			}
			var revoked any
			if i%20 == 7 {
				revoked = ends.Add(-15 * day)
			}
			created := ends.Add(-30 * day)
			return []any{
				o.UserpoolID, id(kindSession, i), UserID(i), app, "openid profile", "{pwd}", address(i), userAgent, created, created, ends, revoked,
			}
		},
	}
}

func (o Options) sessionEnds(i int) time.Time {
	return within(o.Now.Add(-36*time.Hour), 30*day, i, o.Users)
}

func (o Options) refreshTokens() table {
	return table{
		name: "refresh_tokens", rows: o.Users, after: "sessions",
		columns: []string{"userpool_id", "token_hash", "session_id", "created_at", "expires_at"},
		row: func(i int) []any {
			ends := o.sessionEnds(i)
			return []any{o.UserpoolID, random(kindToken, i, 32), id(kindSession, i), ends.Add(-30 * day), ends}
		},
	}
}

// auditLog is two events of every user.
func (o Options) auditLog() table {
	return table{
		name: "audit_log", rows: 2 * o.Users,
		columns: []string{"userpool_id", "at", "actor", "action", "target", "outcome", "ip", "request_id"},
		row: func(i int) []any {
			user := "user:" + UserID(i%o.Users)
			action, target := "user.login", user
			if i%10 == 0 {
				action, target = "qrlogin.confirm", "qrlogin:"+id(kindCode, i)
			}
			at := within(o.Now.Add(-90*day), 90*day, i, 2*o.Users)
			return []any{o.UserpoolID, at, user, action, target, "success", address(i), id(kindOther, i)}
		},
	}
}
