package tenancy

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
)

// rig is a Service whose default userpool has the application first.
type rig struct {
	*Service
	t     *testing.T
	pool  db.Userpool
	first db.Application
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store := dbtest.New(t)
	ring, err := keyring.Open(t.Context(), store, clock.System{}, bytes.Repeat([]byte{7}, keyring.MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Service: New(store, ring, clock.System{}), t: t, pool: db.Userpool{ID: "pool", Name: "Pool", IsDefault: true, CreatedAt: time.Now()}}
	r.must(store.Tenancy().InsertUserpool(t.Context(), r.pool))
	r.first = db.Application{UserpoolID: "pool", ID: "first", Name: "First", SecretHash: []byte{1}, IsDefault: true, CreatedAt: time.Now()}
	r.must(store.Tenancy().InsertApplication(t.Context(), r.first))
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// make makes an application of the default userpool.
func (r *rig) make(name string) (made db.Application) {
	r.t.Helper()
	r.must(r.CreateApplication(r.t.Context(), "", Settings{Label: Label{Name: &name}}, func(a db.Application, _ string) error {
		made = a
		return nil
	}))
	return made
}

// atOnce runs all at one moment and returns what became of them.
func atOnce(runs ...func() error) []error {
	var all sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, len(runs))
	for i, run := range runs {
		all.Go(func() {
			<-start
			errs[i] = run()
		})
	}
	close(start)
	all.Wait()
	return errs
}

// TestThereIsAlwaysOneDefault: whoever makes and disables applications at one moment, the userpool has exactly one default
// application after it, and that is not disabled; a refusal is one that says why, and no deadlock.
func TestThereIsAlwaysOneDefault(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	ids := []string{r.first.ID, r.make("Second").ID, r.make("Third").ID}
	for range 10 {
		var runs []func() error
		for _, id := range ids {
			runs = append(runs, func() error {
				_, err := r.SetApplication(ctx, id, Settings{}, true)
				return err
			}, func() error {
				_, _, err := r.DisableApplication(ctx, id)
				return err
			}, func() error {
				_, err := r.EnableApplication(ctx, id)
				return err
			})
		}
		for _, err := range atOnce(runs...) {
			if err != nil && !errors.Is(err, ErrDefault) && !errors.Is(err, ErrDisabled) {
				t.Error(err)
			}
		}
		apps, err := r.Applications(ctx, "")
		r.must(err)
		defaults := 0
		for _, a := range apps {
			if a.IsDefault {
				defaults++
				if a.DisabledAt != nil {
					t.Error("the default application is disabled")
				}
			}
		}
		if defaults != 1 {
			t.Errorf("%d default applications", defaults)
		}
	}
}

// TestChangesAtOneMomentAllStay: two operators who change different settings of one application do not undo each other's work.
func TestChangesAtOneMomentAllStay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	set := func(s Settings) func() error {
		return func() error {
			_, err := r.SetApplication(t.Context(), r.first.ID, s, false)
			return err
		}
	}
	for n := range 10 {
		yes, life := n%2 == 0, &Lifetime{For: time.Duration(n+1) * time.Second}
		for _, err := range atOnce(set(Settings{NumberMatching: &yes}), set(Settings{BrowserExchange: &yes}),
			set(Settings{AccessTTL: life}), set(Settings{TicketTTL: life})) {
			r.must(err)
		}
		a, err := r.Application(t.Context(), r.first.ID)
		r.must(err)
		if a.NumberMatching != yes || a.BrowserExchange != yes || *a.AccessSeconds != n+1 || *a.TicketSeconds != n+1 {
			t.Fatalf("round %d: %+v", n, a.ApplicationSettings)
		}
	}
}

// TestWhatIsNotShownIsNot: a secret that cannot be shown was never made; one that is shown is stored hashed or sealed, in its own row.
func TestWhatIsNotShownIsNot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, name, broken := t.Context(), "Name", errors.New("nobody reads")
	for what, err := range map[string]error{
		"userpool":    r.CreateUserpool(ctx, Label{Name: &name}, func(db.Userpool, db.Application, string) error { return broken }),
		"application": r.CreateApplication(ctx, "", Settings{Label: Label{Name: &name}}, func(db.Application, string) error { return broken }),
		"secret":      r.RotateSecret(ctx, r.first.ID, func(db.Application, string) error { return broken }),
		"access key":  r.CreateAccessKey(ctx, "", nil, func(db.AccessKey, string) error { return broken }),
	} {
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	pools, err := r.Userpools(ctx)
	r.must(err)
	apps, err := r.Applications(ctx, r.pool.ID)
	r.must(err)
	keys, err := r.AccessKeys(ctx, r.pool.ID)
	r.must(err)
	if len(pools) != 1 || len(apps) != 1 || len(keys) != 0 || !bytes.Equal(apps[0].SecretHash, r.first.SecretHash) {
		t.Errorf("%+v %+v %+v", pools, apps, keys)
	}
	r.must(r.RotateSecret(ctx, r.first.ID, func(a db.Application, secret string) error {
		now, err := r.store.Tenancy().Application(ctx, a.ID)
		if err == nil && !bytes.Equal(now.SecretHash, r.first.SecretHash) {
			t.Error("it works before it is shown")
		}
		r.first.SecretHash = credential.ApplicationSecretHash(r.ring, a.ID, secret)
		return err
	}))
	if a, err := r.Application(ctx, r.first.ID); err != nil || !bytes.Equal(a.SecretHash, r.first.SecretHash) {
		t.Errorf("the new secret: %v", err)
	}
	r.must(r.CreateAccessKey(ctx, "", nil, func(k db.AccessKey, secret string) error {
		opened, err := r.ring.Unseal(k.SecretSealed, credential.AccessKeyAAD(k.UserpoolID, k.ID)...)
		if string(opened) != secret {
			t.Error("the key's secret is another one")
		}
		return err
	}))
}
