package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// service is a Menshen in a process of its own, with a private PostgreSQL that writes to disk as in production, and without limits.
type service struct {
	url, profiles string
	credentials   app.Credentials
	dir           string
	process       *exec.Cmd
	said          bytes.Buffer
}

func start(ctx context.Context, program string) (*service, error) {
	dir, err := os.MkdirTemp("", "profile-")
	if err != nil {
		return nil, err
	}
	s := &service{dir: dir}
	if err := s.start(ctx, program); err != nil {
		return nil, errors.Join(err, s.stop(), fmt.Errorf("it said: %s", s.said.Bytes()))
	}
	return s, nil
}

func (s *service) start(ctx context.Context, program string) error {
	if err := os.Chmod(s.dir, 0o711); err != nil { // PostgreSQL runs as another user where we are root
		return err
	}
	addr, err := port.Free()
	if err != nil {
		return err
	}
	profiles, err := port.Free()
	if err != nil {
		return err
	}
	s.url, s.profiles = "http://"+addr, "http://"+profiles
	data := filepath.Join(s.dir, "data")
	s.process = exec.Command(program, "serve")
	s.process.Env = append(harness.NoLimitsEnviron(), "PATH="+os.Getenv("PATH"), "MENSHEN_ADDR="+addr, "MENSHEN_PROFILE_ADDR="+profiles,
		"MENSHEN_DATA_DIR="+data, "MENSHEN_LOG_LEVEL=warn", "MENSHEN_QR_TTL=10m")
	s.process.Stdout, s.process.Stderr = &s.said, &s.said
	if err := s.process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if _, err := fetch(ctx, s.url+"/readyz"); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the service does not get ready: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	text, err := os.ReadFile(filepath.Join(data, "credentials.json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &s.credentials)
}

func (s *service) stop() (err error) {
	if s.process != nil && s.process.Process != nil {
		http.DefaultClient.CloseIdleConnections()
		err = errors.Join(s.process.Process.Signal(syscall.SIGTERM), s.process.Wait())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
