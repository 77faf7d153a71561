package e2e

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness"
)

// tenancyRows are the rows that an operator changes, and those that tell about it.
func tenancyRows(h *harness.Instance) (rows string) {
	for table := range strings.SplitSeq(h.Dump(), "-- ") {
		switch name, _, _ := strings.Cut(table, "\n"); name {
		case "access_keys", "applications", "audit_log", "userpools":
			rows += table
		}
	}
	return rows
}

// TestWrongSettingsChangeNothing: a command that is refused says which flag is wrong and what it takes, and leaves everything as it
// was, also what was right beside it.
func TestWrongSettingsChangeNothing(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	o := newOperator(t, h)
	app, pool, key := h.Credentials.AppID, h.Credentials.UserpoolID, h.Credentials.AccessKeyID
	before := tenancyRows(h)
	for _, test := range []struct{ args, complaint string }{
		{"app set " + app + " --name Bank --access-ttl 25h", "--access-ttl: 1s to 24h"},
		{"app set " + app + " --access-ttl 0s", "--access-ttl: 1s to 24h"},
		{"app set " + app + " --access-ttl 1500ms", "--access-ttl: 1s to 24h in whole seconds, or default"},
		{"app set " + app + " --session-ttl 87601h", "--session-ttl: 1s to 87600h"},
		{"app set " + app + " --qr-ttl 601s", "--qr-ttl: 1s to 10m"},
		{"app set " + app + " --ticket-ttl 301s", "--ticket-ttl: 1s to 5m"},
		{"app set " + app + " --ticket-ttl=-1s", "--ticket-ttl: 1s to 5m"},
		{"app set " + app + " --qr-types MOBILE_APP,FAX", "--qr-types: one or more of MOBILE_APP,WECHAT_MINIPROGRAM"},
		{"app set " + app + " --qr-types=", "--qr-types: one or more of"},
		{"app set " + app + " --name=", "--name: 1 to 64 printable characters"},
		{"app set " + app + " --name " + strings.Repeat("名", 65), "--name: 1 to 64 printable characters"},
		{"app set " + app + " --name=\x1b[2J", "--name: 1 to 64 printable characters"},
		{"app set " + app + " --logo javascript:alert(1)", "--logo: an http or https URL"},
		{"app set " + app, "Say what to set."},
		{"app set nobody --name Bank", "There is no application with this id."},
		{"app show nobody", "There is no application with this id."},
		{"app rotate-secret nobody", "There is no application with this id."},
		{"app disable nobody", "There is no application with this id."},
		{"app enable nobody", "There is no application with this id."},
		{"app disable " + app, "default application of its userpool"},
		{"app create --name Bank --pool nowhere", "There is no such userpool. (--pool)"},
		{"app create --name Bank --qr-ttl 1h", "--qr-ttl: 1s to 10m"},
		{"app list --pool nowhere", "There is no such userpool. (--pool)"},
		{"pool create --name=", "--name: 1 to 64 printable characters"},
		{"pool set nowhere --name Bank", "There is no such userpool."},
		{"pool set " + pool, "Say what to set."},
		{"pool set " + pool + " --name Bank --logo http:", "--logo: an http or https URL"},
		{"key create --pool nowhere", "There is no such userpool. (--pool)"},
		{"key create --scopes root", "--scopes: one or more of user:read,user:write,otp:secret:read,otp:secret:write"},
		{"key create --scopes=", "--scopes: one or more of"},
		{"key set " + key + " --scopes user:read,root", "--scopes: one or more of"},
		{"key set nobody --scopes user:read", "There is no access key with this id."},
		{"key disable nobody", "There is no access key with this id."},
		{"key enable nobody", "There is no access key with this id."},
	} {
		wantText(t, o.fails(o.command(strings.Split(test.args, " ")...)), test.complaint)
	}
	if tenancyRows(h) != before {
		t.Error("something was changed")
	}
	if command := o.command("app", "set", app, "--access-ttl", "soon"); command.Run() == nil {
		t.Error("soon is a lifetime")
	}
}

// TestSecretThatCannotBePrintedIsNone: where nobody reads what a command prints, or the disk is full, no application is left whose
// secret nobody knows, and no secret stops for one that nobody has.
func TestSecretThatCannotBePrintedIsNone(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	o, c := newOperator(t, h), h.Credentials
	before := tenancyRows(h)
	for _, args := range []string{"pool create --name Lost", "app create --name Lost", "key create", "app rotate-secret " + c.AppID} {
		in, out, err := os.Pipe()
		full, fullErr := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err := errors.Join(err, fullErr, in.Close()); err != nil {
			t.Fatal(err)
		}
		for _, stdout := range []*os.File{out, full} {
			command := o.command(strings.Fields(args)...)
			command.Stdout = stdout
			wantText(t, o.fails(command), "nothing was changed, since the secret could not be written")
			_ = stdout.Close()
		}
	}
	if tenancyRows(h) != before {
		t.Error("something was made")
	}
	wantSuccess(t, "the secret of before", signInTo(t, h, "alice", c.AppID, c.AppSecret))
}
