package embedded

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// command is the server of the cluster, ready to be started.
func (c cluster) command(socketDir string, log *os.File, o Options) *exec.Cmd {
	args := []string{
		"-D", c.data,
		"-h", "", // no TCP, ever
		"-k", `"` + strings.ReplaceAll(socketDir, `"`, `""`) + `"`, // the syntax is that of a list of identifiers
		"-p", port, // names the socket; PGPORT would change it
		"-c", "unix_socket_permissions=0700",
		"-c", "max_connections=" + strconv.Itoa(o.MaxConnections),
		"-c", "timezone=UTC",
		"-c", "log_timezone=UTC",
		"-c", "logging_collector=off",
		"-c", "cluster_name=menshen",
	}
	if !o.Durable {
		args = append(args,
			"-c", "fsync=off",
			"-c", "synchronous_commit=off",
			"-c", "full_page_writes=off",
			"-c", "autovacuum=off", // with hundreds of databases it never rests
			"-c", "log_checkpoints=off",
		)
	}
	cmd := exec.Command(filepath.Join(c.install.dir, "postgres"), args...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes(c.runAs)
	return cmd
}

// environment is all that the server gets to see of ours. It must not learn
// our secrets (SQL can read its environment), nor be led astray by PG... variables.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
