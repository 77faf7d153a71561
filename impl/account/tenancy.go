package account

import (
	"cmp"
	"context"
	"crypto/hmac"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// Application returns the application with the id; without an id the default one of the default userpool. A disabled one is
// ErrApplication, like one that there is not.
func (s *Service) Application(ctx context.Context, id string) (db.Application, error) {
	if id == "" {
		return s.store.Tenancy().DefaultApplication(ctx)
	}
	return application(ctx, s.store.Queries, id)
}

func application(ctx context.Context, q db.Queries, id string) (db.Application, error) {
	app, err := q.Tenancy().Application(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		return app, ErrApplication
	}
	return app, err
}

// ApplicationOf returns the application with the id, provided that it belongs to the userpool; without an id the default
// one of the userpool. Without a userpool it is Application.
func (s *Service) ApplicationOf(ctx context.Context, userpoolID, id string) (app db.Application, err error) {
	switch {
	case userpoolID == "":
		return s.Application(ctx, id)
	case id == "":
		app, err = s.store.Tenancy().DefaultApplicationOf(ctx, userpoolID)
	default:
		app, err = s.store.Tenancy().Application(ctx, id)
	}
	if errors.Is(err, db.ErrNotFound) || err == nil && app.UserpoolID != userpoolID {
		return app, ErrApplication
	}
	return app, err
}

// LenientApplication is for clients that send anything as application and tenant: the application if there is one with
// the id, else the default one of the userpool with the tenant's id, else the default one of all.
func (s *Service) LenientApplication(ctx context.Context, id, tenant string) (db.Application, error) {
	app, err := db.Application{}, error(db.ErrNotFound)
	if id != "" {
		app, err = s.store.Tenancy().Application(ctx, id)
	}
	if tenant != "" && errors.Is(err, db.ErrNotFound) {
		app, err = s.store.Tenancy().DefaultApplicationOf(ctx, tenant)
	}
	if errors.Is(err, db.ErrNotFound) {
		app, err = s.store.Tenancy().DefaultApplication(ctx)
	}
	return app, err
}

// Userpool returns a userpool.
func (s *Service) Userpool(ctx context.Context, id string) (db.Userpool, error) {
	return s.store.Tenancy().Userpool(ctx, id)
}

// VerifyApplication tells whether the secret is the application's, as verified does.
func (s *Service) VerifyApplication(ctx context.Context, id, secret string) (authn.Application, error) {
	app, err := s.verified(ctx, id, secret)
	if err != nil {
		return authn.Application{}, err
	}
	return authn.Application{UserpoolID: app.UserpoolID, ID: app.ID}, nil
}

// verified returns the application that the secret is of. It is the one place where secrets of applications are tried:
// from one address so many on one application, and so many on those that there are not, which a right one makes good. A
// backend proves itself with every call, and all of its calls come from one address.
func (s *Service) verified(ctx context.Context, id, secret string) (db.Application, error) {
	var app db.Application
	known := false
	if isText(id) {
		var err error
		app, err = s.store.Tenancy().Application(ctx, id)
		if known = err == nil; !known && !errors.Is(err, db.ErrNotFound) {
			return db.Application{}, err
		}
	}
	counted := app
	if !known { // in the default userpool
		var err error
		if counted, err = s.Application(ctx, ""); err != nil {
			return db.Application{}, err
		}
	}
	key := limit.IPKey(reqinfo.From(ctx).IP) + "|" + app.ID
	if err := s.limiter.Take(ctx, s.SecretPerIP, counted.UserpoolID, key); err != nil {
		return db.Application{}, err
	}
	if !known || !hmac.Equal(app.SecretHash, credential.ApplicationSecretHash(s.ring, id, secret)) {
		return db.Application{}, s.noteSecret(ctx, app, ErrApplicationSecret)
	}
	return app, s.limiter.Clear(ctx, s.SecretPerIP, app.UserpoolID, key)
}

// noteSecret writes a wrong secret of an application into the audit log, and returns the refusal. An application that there is
// not has nobody whom it would tell anything.
func (s *Service) noteSecret(ctx context.Context, app db.Application, refusal error) error {
	if app.ID == "" {
		return refusal
	}
	err := audit.Write(ctx, s.store.Queries, s.clock.Now(), audit.Event{
		UserpoolID: app.UserpoolID, Actor: audit.Anonymous, Action: "app.secret", Target: audit.Application(app.ID), Outcome: audit.Refused,
	})
	return cmp.Or(err, refusal)
}

// Client is OAuthClient for an application that may be public.
func (s *Service) Client(ctx context.Context, id, secret string) (authn.Application, error) {
	app, err := s.OAuthClient(ctx, Client{ID: id, Secret: secret}, true)
	return authn.Application{UserpoolID: app.UserpoolID, ID: app.ID}, err
}

// limitKey holds down how fast the secrets of access keys can be tried from one address.
func (s *Service) limitKey(ctx context.Context) error {
	app, err := s.Application(ctx, "") // counted in the default userpool: the key need not exist
	if err != nil {
		return err
	}
	return s.limiter.Take(ctx, s.SignInPerIP, app.UserpoolID, "key|"+limit.IPKey(reqinfo.From(ctx).IP))
}

// isText tells whether PostgreSQL can hold s as text. What comes out of a header need not be.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// accessKey returns a key and its secret.
func (s *Service) accessKey(ctx context.Context, id string) (db.AccessKey, []byte, error) {
	if !isText(id) {
		return db.AccessKey{}, nil, ErrAccessKey
	}
	key, err := s.store.Tenancy().AccessKey(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		return key, nil, ErrAccessKey
	}
	if err != nil {
		return key, nil, err
	}
	secret, err := s.ring.Unseal(key.SecretSealed, credential.AccessKeyAAD(key.UserpoolID, key.ID)...)
	return key, secret, err
}

func management(k db.AccessKey) authn.Management {
	return authn.Management{UserpoolID: k.UserpoolID, KeyID: k.ID, Scopes: k.Scopes}
}

// ManagementToken exchanges an access key for a token that lives as long as it says.
func (s *Service) ManagementToken(ctx context.Context, keyID, keySecret string) (string, time.Duration, error) {
	if err := s.limitKey(ctx); err != nil {
		return "", 0, err
	}
	key, secret, err := s.accessKey(ctx, keyID)
	if err != nil {
		return "", 0, err
	}
	if !hmac.Equal(secret, []byte(keySecret)) {
		return "", 0, s.noteKey(ctx, key, "key.token", ErrAccessKey)
	}
	now := s.clock.Now()
	token, err := s.ring.Sign(managementClaims(key, now, now.Add(s.ManagementTTL)))
	if err != nil {
		return "", 0, err
	}
	return token, s.ManagementTTL, s.noteKey(ctx, key, "key.token", nil)
}

// noteKey writes what became of an access key's try into the audit log, and returns the refusal, if it was one.
func (s *Service) noteKey(ctx context.Context, k db.AccessKey, action string, refusal error) error {
	outcome := audit.Success
	if refusal != nil {
		outcome = audit.Refused
	}
	err := audit.Write(ctx, s.store.Queries, s.clock.Now(), audit.Event{
		UserpoolID: k.UserpoolID, Actor: audit.Key(k.ID), Action: action, Target: audit.Key(k.ID), Outcome: outcome,
	})
	return cmp.Or(err, refusal)
}

// VerifyManagement tells which access key a management token stands for. The key is looked up, so that disabling it or
// changing its scopes works at once.
func (s *Service) VerifyManagement(ctx context.Context, token string) (authn.Management, error) {
	var c claims
	if err := s.verify(token, &c, managementIssuer, useManagement); err != nil {
		return authn.Management{}, err
	}
	key, err := s.store.Tenancy().AccessKey(ctx, c.Subject)
	if errors.Is(err, db.ErrNotFound) {
		return authn.Management{}, ErrToken
	}
	return management(key), err
}

// VerifySignature tells which access key signed a request. A signature is good once and near its date only; the nonce
// is noted after everything else was right, so that nobody can fill the table.
func (s *Service) VerifySignature(ctx context.Context, r authn.SignedRequest) (authn.Management, error) {
	now := s.clock.Now()
	switch {
	case r.Method != authn.SignatureMethod:
		return authn.Management{}, ErrSignatureMethod
	case r.Version != authn.SignatureVersion:
		return authn.Management{}, ErrSignatureVersion
	case r.Date == "":
		return authn.Management{}, ErrSignatureNoDate
	case r.Nonce == "" || len(r.Nonce) > 128 || !isText(r.Nonce):
		return authn.Management{}, ErrSignature.WithDetail("x-authing-signature-nonce")
	}
	date, err := http.ParseTime(r.Date)
	if err != nil {
		return authn.Management{}, ErrSignatureDate
	}
	if date.Sub(now).Abs() > s.SignatureSkew {
		return authn.Management{}, ErrSignatureSkew
	}
	key, secret, err := s.accessKey(ctx, r.KeyID)
	if err != nil {
		return authn.Management{}, err
	}
	if !r.Matches(secret) {
		return authn.Management{}, s.noteKey(ctx, key, "key.signature", ErrSignature)
	}
	err = s.store.Tenancy().UseNonce(ctx, key.UserpoolID, key.ID, r.Nonce, date.Add(2*s.SignatureSkew))
	if errors.Is(err, db.ErrNotFound) {
		return authn.Management{}, s.noteKey(ctx, key, "key.signature", ErrSignatureUsed)
	}
	return management(key), err
}
