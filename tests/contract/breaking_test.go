package contract

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestBreakingChangesAreCaught: what clients of the last release rely on is not taken away unnoticed, what they do not send is not
// asked for, and what only adds to the contract passes.
func TestBreakingChangesAreCaught(t *testing.T) {
	t.Parallel()
	property := func(doc *openapi3.T, schema, name string) {
		delete(doc.Components.Schemas[schema].Value.Properties, name)
	}
	for name, test := range map[string]struct {
		change func(doc *openapi3.T)
		found  string // empty: nothing breaks
	}{
		"an operation is gone": {func(doc *openapi3.T) { doc.Paths.Delete("/auth/mfa/status") }, "removed"},
		"an operation has another name, and so have the methods of typed clients": {func(doc *openapi3.T) {
			doc.Paths.Value("/auth/mfa/status").Get.OperationID = "getStatus"
		}, "api-operation-id-removed"},
		"a member of an answer that is always there is gone": {func(doc *openapi3.T) { property(doc, "Base", "msg") }, "response-required-property-removed"},
		"a member of an answer that is there at times is gone": {func(doc *openapi3.T) {
			property(doc, "CheckQRCodeStatusDataDto", "matchNumber")
		}, "response-optional-property-removed"},
		"the header with the token is gone": {func(doc *openapi3.T) {
			delete(doc.Paths.Value("/user/login").Post.Responses.Status(200).Value.Headers, "Access-Token")
		}, "optional-response-header-removed"},
		"a member of a request is asked for": {func(doc *openapi3.T) {
			schema := doc.Components.Schemas["LoginRequest"].Value
			schema.Required = append(schema.Required, "code")
		}, "request-property-became-required"},
		"an operation that was open asks for a token": {func(doc *openapi3.T) {
			doc.Paths.Value("/user/login").Post.Security = openapi3.NewSecurityRequirements().With(openapi3.NewSecurityRequirement().Authenticate("AccessToken"))
		}, "api-security-added"},
		"nothing has changed": {func(*openapi3.T) {}, ""},
		"an operation, and what a request may have, are new": {func(doc *openapi3.T) {
			status := *doc.Paths.Value("/auth/mfa/status").Get
			status.OperationID = "getNews"
			doc.Paths.Set("/auth/mfa/news", &openapi3.PathItem{Get: &status})
			doc.Components.Schemas["LoginRequest"].Value.Properties["hint"] = openapi3.NewStringSchema().NewRef()
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(moduleRoot(t), "openapi", "released.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			test.change(doc)
			changed, err := doc.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "changed.json")
			if err := os.WriteFile(file, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := inRoot(t, "make", "--silent", "breaking", "CONTRACT="+file)
			if passes := err == nil; passes != (test.found == "") || !strings.Contains(string(out), test.found) {
				t.Errorf("%v, want %q in:\n%s", err, test.found, out)
			}
		})
	}
}

// TestCredentialsGoWhereTheyWent: clients of the last release put their tokens into the same headers.
func TestCredentialsGoWhereTheyWent(t *testing.T) {
	t.Parallel()
	load := func(name string) openapi3.SecuritySchemes {
		doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(moduleRoot(t), "openapi", name))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Components.SecuritySchemes
	}
	now := load("openapi.yaml")
	for name, released := range load("released.yaml") {
		scheme := now[name]
		if scheme == nil {
			t.Errorf("%s is gone", name)
			continue
		}
		was, is := released.Value, scheme.Value
		if is.Type != was.Type || is.In != was.In || is.Name != was.Name || is.Scheme != was.Scheme {
			t.Errorf("%s: %s %s %s %s, and was %s %s %s %s", name, is.Type, is.In, is.Name, is.Scheme, was.Type, was.In, was.Name, was.Scheme)
		}
	}
}

// TestReleasedContractIsThatOfTheTag: the contract that is compared with is the one that clients have, wherever a release is between
// its commit and its tag.
func TestReleasedContractIsThatOfTheTag(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(name string, args ...string) error {
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := command.CombinedOutput()
		t.Logf("%s %v\n%s", name, args, out)
		return err
	}
	must := func(name string, args ...string) {
		t.Helper()
		if err := run(name, args...); err != nil {
			t.Fatal(err)
		}
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commit := func() {
		t.Helper()
		must("git", "add", ".")
		must("git", "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=.")
	}
	wants := func(when string, passes bool) {
		t.Helper()
		if err := run("sh", "released.sh", "check"); (err == nil) != passes {
			t.Errorf("%s: %v", when, err)
		}
	}
	contract := func(version, rest string) string { return "info:\n  version: " + version + "\n" + rest }

	must("git", "init", "--quiet")
	write("released.sh", string(read(t, filepath.Join(moduleRoot(t), "openapi", "released.sh"))))
	write("openapi.yaml", contract("0.1.0", "first"))
	must("sh", "released.sh", "write")
	commit()
	wants("before the first tag", true)
	must("git", "tag", "v0.1.0")
	write("openapi.yaml", contract("0.1.0", "changed"))
	wants("while the next release is worked at", true)
	must("sh", "released.sh", "write")
	wants("when it was written again after the release: the tag counts", true)
	write("openapi.yaml", contract("0.10.0", "second"))
	must("sh", "released.sh", "write")
	commit()
	wants("right before a tag", true)
	write("openapi.yaml", contract("0.10.0", "more"))
	wants("when the contract has changed without a tag", false)
	must("git", "tag", "v0.10.0")
	wants("after the tag", true)
	write("openapi.yaml", contract("0.11.0", "third"))
	commit()
	must("git", "tag", "v0.11.0")
	wants("when it was forgotten", false)
	must("sh", "released.sh", "write")
	wants("when that was made good", true)
	must("git", "tag", "v0.11.0-rc1", "v0.10.0")
	wants("when the release had a candidate", true)
}
