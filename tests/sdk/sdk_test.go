package sdk

import (
	"path/filepath"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness/script"
)

var (
	node   = script.Tool{Target: "sdk-tools", Program: "node"}
	python = script.Tool{
		Target: "sdk-tools", Program: filepath.Join(".venv", "bin", "python"), Args: []string{"-BEs", "-X", "utf8"},
	}
)

// TestNode: what the SDK for Node.js promises its callers, it gets from Menshen.
func TestNode(t *testing.T) {
	t.Parallel()
	node.Installed(t, "package-lock.json", "node_modules")
	for _, s := range nodeScripts {
		t.Run(s.Name, func(t *testing.T) { node.Run(t, s, filepath.Join("suite", s.Name+".mjs")) })
	}
}

// TestPython: what the SDK for Python promises its callers, it gets from Menshen.
func TestPython(t *testing.T) {
	t.Parallel()
	python.Installed(t, "requirements.txt", ".venv")
	for _, s := range pythonScripts {
		t.Run(s.Name, func(t *testing.T) { python.Run(t, s, filepath.Join("suite", s.Name+".py")) })
	}
}

// TestEveryScriptRuns: a story that nobody runs protects nothing.
func TestEveryScriptRuns(t *testing.T) {
	t.Parallel()
	script.EveryOneRuns(t, filepath.Join("suite", "*.mjs"), nodeScripts, "menshen")
	script.EveryOneRuns(t, filepath.Join("suite", "*.py"), pythonScripts, "menshen")
}
