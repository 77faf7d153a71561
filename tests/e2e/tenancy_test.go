package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestApplicationIsMadeAndSet: an application that an operator makes serves at once, on all replicas, with its own lifetimes; a
// setting that is changed holds from the next token on, and can be left to the service again.
func TestApplicationIsMadeAndSet(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	h.SignUp("alice")
	replica, o := h.Replica(), newOperator(t, h)
	bank := o.json("app", "create", "--name", "Bank 银行", "--access-ttl", "5m", "--session-ttl", "1h")
	if bank.UserpoolID != h.Credentials.UserpoolID || bank.Default || bank.Secret == "" || *bank.AccessTTL != 300 || bank.QRTTL != nil || len(bank.QRTypes) != 3 {
		t.Errorf("made: %+v", bank)
	}
	life := func(appID string) int {
		t.Helper()
		return tokenSet(t, signInTo(t, replica, "alice", appID, "")).ExpireIn
	}
	old := tokenSet(t, signInTo(t, replica, "alice", bank.ID, bank.Secret))
	if old.ExpireIn != 300 {
		t.Errorf("a token lives %d s, want 300", old.ExpireIn)
	}
	set := o.json("app", "set", bank.ID, "--access-ttl", "60s", "--qr-ttl=90s", "--ticket-ttl=30s", "--number-matching", "--browser-exchange",
		"--qr-types", "WECHAT_MINIPROGRAM,MOBILE_APP", "--logo", "https://bank.example/logo.png")
	if got := life(bank.ID); got != 60 || life(h.Credentials.AppID) != 900 {
		t.Errorf("a token lives %d s, want 60; of another application %d s, want 900", got, life(h.Credentials.AppID))
	}
	if *set.QRTTL != 90 || *set.TicketTTL != 30 || *set.SessionTTL != 3600 || !set.NumberMatching || !set.BrowserExchange || set.Secret != "" ||
		set.Name != "Bank 银行" || set.Logo != "https://bank.example/logo.png" || strings.Join(set.QRTypes, " ") != "MOBILE_APP WECHAT_MINIPROGRAM" {
		t.Errorf("set: %+v", set)
	}
	set = o.json("app", "set", bank.ID, "--access-ttl", "default", "--no-number-matching", "--name", "Bank")
	if life(bank.ID) != 900 || set.AccessTTL != nil || set.NumberMatching || !set.BrowserExchange || *set.QRTTL != 90 || set.Name != "Bank" {
		t.Errorf("set back: %+v", set)
	}
	signedIn := *old.RefreshToken
	h.Clock.Advance(59 * time.Minute)
	access, refresh := renewed(t, info(t, h, "", signedIn))
	h.Clock.Advance(2 * time.Minute)
	wantRefused(t, "after the hour of its sessions", info(t, h, access, refresh), "sign in again")

	human := o.run("app", "show", bank.ID)
	for _, want := range []string{bank.ID + "\n", `"Bank"`, "1m30s", "default", "MOBILE_APP,WECHAT_MINIPROGRAM"} {
		wantText(t, human, want)
	}
	if line, _, _ := strings.Cut(human, "\n"); line != bank.ID {
		t.Errorf("the first line is not the id alone: %q", line)
	}
	if list := o.jsonLines("app", "list"); len(list) != 2 || list[0].ID != h.Credentials.AppID || !list[0].Default || list[1].ID != bank.ID {
		t.Errorf("list: %+v", list)
	}
	table := strings.Split(o.run("app", "list"), "\n")
	if len(table) != 4 || !strings.HasPrefix(table[0], "APPLICATION ") || strings.Fields(table[2])[0] != bank.ID {
		t.Errorf("table:\n%s", strings.Join(table, "\n"))
	}
	if strings.Contains(human+strings.Join(table, ""), bank.Secret) || strings.Contains(h.Dump(), bank.Secret) {
		t.Error("the secret can be seen again")
	}
	got := strings.Join(audited(t, h, bank.UserpoolID, "app:"+bank.ID), " ")
	if got != "app.create app.set.logo app.set.access_ttl app.set.qr_ttl app.set.ticket_ttl app.set.browser_exchange app.set.number_matching "+
		"app.set.qr_types app.set.name app.set.access_ttl app.set.number_matching" {
		t.Errorf("audit log: %s", got)
	}
}

// TestRotatedSecretReplacesTheOldAtOnce: who has stolen an application's secret has nothing from the moment on that the new one
// is printed, whichever replica is asked. Sessions go on: they are the users'.
func TestRotatedSecretReplacesTheOldAtOnce(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	replica, o := h.Replica(), newOperator(t, h)
	c := h.Credentials
	wantSuccess(t, "the first secret", signInTo(t, replica, "alice", c.AppID, c.AppSecret))
	rotated := o.json("app", "rotate-secret", c.AppID)
	if rotated.ID != c.AppID || rotated.Secret == "" || rotated.Secret == c.AppSecret {
		t.Fatalf("rotated: %+v", rotated)
	}
	for name, one := range map[string]*harness.Instance{"here": h, "on another replica": replica} {
		wantStatus(t, "the old secret "+name, signInTo(t, one, "alice", c.AppID, c.AppSecret), 401, 0)
		wantSuccess(t, "the new secret "+name, signInTo(t, one, "alice", c.AppID, rotated.Secret))
	}
	if !h.Alive(alice.AccessToken) {
		t.Error("a session has ended")
	}
	human := strings.Fields(o.run("app", "rotate-secret", c.AppID))
	wantSuccess(t, "the secret of the table", signInTo(t, h, "alice", c.AppID, human[len(human)-1]))
	wantStatus(t, "the one before", signInTo(t, h, "alice", c.AppID, rotated.Secret), 401, 0)
	if got := strings.Join(audited(t, h, c.UserpoolID, "app:"+c.AppID), " "); got != "app.secret app.secret" {
		t.Errorf("audit log: %s", got)
	}
}

// TestDisabledApplicationIsAsIfThereWereNone: its sessions end, its id is answered like an unknown one, and others go on. The
// default application is not disabled, since sign-ins hang on it, until another one has taken its place.
func TestDisabledApplicationIsAsIfThereWereNone(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	replica, o := h.Replica(), newOperator(t, h)
	forum := o.json("app", "create", "--name", "Forum")
	session := tokenSet(t, signInTo(t, h, "alice", forum.ID, forum.Secret))
	disabled := o.json("app", "disable", forum.ID)
	if disabled.DisabledAt == nil || *disabled.SessionsEnded != 1 {
		t.Errorf("disabled: %+v", disabled)
	}
	if replica.Alive(*session.AccessToken) || !replica.Alive(alice.AccessToken) {
		t.Error("its session goes on, or another application's has ended")
	}
	wantRefused(t, "its refresh token", info(t, h, "", *session.RefreshToken), "sign in again")
	wantSame(t, "a disabled and an unknown application", signInTo(t, replica, "alice", forum.ID, ""), signInTo(t, replica, "alice", "unknown", ""))
	wantSame(t, "their secrets", signInTo(t, replica, "alice", forum.ID, forum.Secret), signInTo(t, replica, "alice", "unknown", forum.Secret))
	wantText(t, o.run("app", "list"), "disabled")
	wantText(t, o.fails(o.command("app", "set", forum.ID, "--default")), "disabled application")
	again := o.json("app", "disable", forum.ID)
	if !again.DisabledAt.Equal(*disabled.DisabledAt) || *again.SessionsEnded != 0 {
		t.Errorf("disabled twice: %+v", again)
	}

	if enabled := o.json("app", "enable", forum.ID); enabled.DisabledAt != nil {
		t.Errorf("enabled: %+v", enabled)
	}
	if h.Alive(*session.AccessToken) {
		t.Error("enabling has brought a session back")
	}
	wantSuccess(t, "enabled", signInTo(t, h, "alice", forum.ID, forum.Secret))

	first := h.Credentials.AppID
	wantText(t, o.fails(o.command("app", "disable", first)), "default application")
	if !h.Alive(alice.AccessToken) {
		t.Error("a refused disable has ended a session")
	}
	if set := o.json("app", "set", forum.ID, "--default"); !set.Default {
		t.Errorf("the default: %+v", set)
	}
	if *o.json("app", "disable", first).SessionsEnded != 1 || h.Alive(alice.AccessToken) {
		t.Error("the first application has sessions")
	}
	alice.Login("") // names no application
	if aud := verified(t, h, alice.AccessToken)["aud"]; aud != forum.ID {
		t.Errorf("who names no application signs in to %v, want %s", aud, forum.ID)
	}
	if got := strings.Join(audited(t, h, forum.UserpoolID, "app:"+forum.ID), " "); got != "app.create app.disable app.disable app.enable app.default" {
		t.Errorf("audit log: %s", got)
	}
}

// TestDisablingWaitsForSignInsUnderWay: a sign-in that has found the application enabled, and has not finished when it is disabled,
// leaves no session behind.
func TestDisablingWaitsForSignInsUnderWay(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	o := newOperator(t, h)
	forum := o.json("app", "create", "--name", "Forum")
	release := h.Hold("audit_log") // the last thing that a sign-in writes
	waiting := func(n int) func() bool {
		return func() bool { return h.Count(`SELECT count(*) FROM pg_locks WHERE NOT granted`) == n }
	}
	var late *gen.SignInResult
	signedIn, disabled := make(chan struct{}), make(chan error)
	go func() {
		late = signInTo(t, h, "alice", forum.ID, "")
		close(signedIn)
	}()
	harness.Eventually(t, "a sign-in under way", waiting(1))
	command := o.command("app", "disable", forum.ID)
	go func() { disabled <- command.Run() }()
	harness.Eventually(t, "a command that waits for it", waiting(2))
	release(0)
	<-signedIn
	if err := <-disabled; err != nil {
		t.Fatal(err)
	}
	if h.Alive(*tokenSet(t, late).AccessToken) {
		t.Error("a session of a disabled application")
	}
}

// TestAccessKeyIsTakenBack: scopes are gone at once, also from tokens that were bought before, and so is a key that is disabled.
func TestAccessKeyIsTakenBack(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	replica, o := h.Replica(), newOperator(t, h)
	key := o.json("key", "create", "--scopes", "user:write,user:read")
	if strings.Join(key.Scopes, " ") != "user:read user:write" || key.UserpoolID != h.Credentials.UserpoolID {
		t.Errorf("made: %+v", key)
	}
	buy := func() *gen.GetManagementTokenResult {
		return must(h.Client.GetManagementTokenWithResponse(t.Context(), gen.GetManagementAccessTokenDto{AccessKeyID: key.ID, AccessKeySecret: key.Secret}))(t)
	}
	token := buy().JSON200.Data.AccessToken
	client := replica.NewClient(harness.Header("Authorization", "Bearer "+token))
	create := func(name string) *gen.CreateUserResult {
		return must(client.CreateUserWithResponse(t.Context(), gen.CreateUserReqDto{Username: &name}))(t)
	}
	lookup := func() *gen.GetUserResult {
		return must(client.GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: "nobody"}))(t)
	}
	wantSuccess(t, "with all scopes", create("alice"))
	o.json("key", "set", key.ID, "--scopes", "user:read")
	wantStatus(t, "without user:write", create("bob"), 403, 0)
	wantStatus(t, "with user:read", lookup(), 404, 2004)
	if k := o.json("key", "disable", key.ID); k.DisabledAt == nil || k.Secret != "" {
		t.Errorf("disabled: %+v", k)
	}
	wantStatus(t, "disabled", lookup(), 401, 2020)
	wantStatus(t, "a disabled key", buy(), 401, 1300)
	if k := o.json("key", "enable", key.ID); k.DisabledAt != nil || strings.Join(k.Scopes, " ") != "user:read" {
		t.Errorf("enabled: %+v", k)
	}
	wantStatus(t, "enabled", lookup(), 404, 2004)
	if all := o.json("key", "create"); len(all.Scopes) != 4 {
		t.Errorf("without --scopes: %+v", all)
	}
	if list := o.jsonLines("key", "list"); len(list) != 3 || list[1].ID != key.ID || list[1].Secret != "" {
		t.Errorf("list: %+v", list)
	}
	if strings.Contains(h.Dump(), key.Secret) {
		t.Error("the secret is in the database in plain text")
	}
	if got := strings.Join(audited(t, h, key.UserpoolID, "key:"+key.ID), " "); got != "key.create key.scopes key.disable key.enable" {
		t.Errorf("audit log: %s", got)
	}
}

// TestUserpoolsShareNothing: a second userpool has its own alice, who is somebody else; the application and the key of one are
// good for nothing in the other.
func TestUserpoolsShareNothing(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	here := h.SignUp("alice")
	o := newOperator(t, h)
	pool := o.json("pool", "create", "--name", "Second", "--logo", "https://second.example/logo.png")
	key := o.json("key", "create", "--pool", pool.ID)
	token := must(h.Client.GetManagementTokenWithResponse(t.Context(), gen.GetManagementAccessTokenDto{AccessKeyID: key.ID, AccessKeySecret: key.Secret}))(t).JSON200.Data.AccessToken
	there := h.NewClient(harness.Header("Authorization", "Bearer "+token))
	created := must(there.CreateUserWithResponse(t.Context(), gen.CreateUserReqDto{Username: ptr("alice"), Password: ptr(harness.Password)}))(t)
	if created.JSON200 == nil || created.JSON200.Data == nil || created.JSON200.Data.UserID == here.ID {
		t.Fatalf("the other alice: %s", created.Body)
	}
	claims := verified(t, h, *tokenSet(t, signInTo(t, h, "alice", pool.AppID, pool.AppSecret)).AccessToken)
	if claims["sub"] != created.JSON200.Data.UserID || claims["aud"] != pool.AppID {
		t.Errorf("alice of the second userpool: %v", claims)
	}
	c, bob := h.Credentials, "bob"
	h.SignUp(bob)
	wantStatus(t, "bob of the first in the second", signInTo(t, h, bob, pool.AppID, pool.AppSecret), 403, 2333)
	wantStatus(t, "the second's secret for the first", signInTo(t, h, "alice", c.AppID, pool.AppSecret), 401, 0)
	wantStatus(t, "the first's user with the second's key", must(there.GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: here.ID}))(t), 404, 2004)
	show := gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp}
	wantStatus(t, "the first's application with the second's key",
		must(there.CreateQRCodeWithResponse(t.Context(), &gen.CreateQRCodeParams{XAuthingAppID: &c.AppID}, show))(t), 404, 2011)
	page := h.ShowQR(nil, harness.Header("x-authing-app-id", pool.AppID))
	wantStatus(t, "a user of the first scans a code of the second", here.Act(scan, page.ScanID), 404, 2241)

	for _, what := range []string{"app", "key"} {
		mine, theirs := o.jsonLines(what, "list"), o.jsonLines(what, "list", "--pool", pool.ID)
		if len(mine) != 1 || len(theirs) != 1 || mine[0].UserpoolID != c.UserpoolID || theirs[0].UserpoolID != pool.ID {
			t.Errorf("%s list: %+v, %+v", what, mine, theirs)
		}
	}
	named := o.json("pool", "set", pool.ID, "--name", "Zweiter", "--logo", "")
	if named.Name != "Zweiter" || named.Logo != "" {
		t.Errorf("set: %+v", named)
	}
	if list := o.jsonLines("pool", "list"); len(list) != 2 || !list[0].Default || list[1].Default || list[1].Name != "Zweiter" {
		t.Errorf("list: %+v", list)
	}
	if one := o.json("app", "show", pool.AppID); !one.Default || one.Name != "Second" {
		t.Errorf("its application: %+v", one)
	}
	// Its default application is its own matter.
	extra := o.json("app", "create", "--name", "Extra", "--pool", pool.ID)
	o.json("app", "set", extra.ID, "--default")
	if !o.json("app", "show", c.AppID).Default || o.json("app", "show", pool.AppID).Default {
		t.Error("the default applications are mixed up")
	}
	if got := strings.Join(audited(t, h, pool.ID, "userpool:"+pool.ID), " "); got != "userpool.create userpool.set" {
		t.Errorf("audit log: %s", got)
	}
}
