// Command profile runs one job of the service under load, and leaves a CPU profile of the service.
//
//	make profile JOB=captcha SECONDS=20
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/menshen-auth/menshen/gen"
)

const (
	clients = 16
	warmUp  = 2 * time.Second // statements are prepared, connections made
)

func main() {
	names := slices.Sorted(maps.Keys(jobs))
	job := flag.String("job", "captcha", "one of "+strings.Join(names, ", "))
	seconds := flag.Int("seconds", 20, "for how long")
	program := flag.String("program", "bin/menshen", "the service")
	dir := flag.String("dir", "bin/profile", "where the profile goes")
	flag.Parse()
	if jobs[*job] == nil {
		fmt.Fprintf(os.Stderr, "profile: %s is no job; take one of %s\n", *job, strings.Join(names, ", "))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *program, *job, *seconds, filepath.Join(*dir, *job)); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program, job string, seconds int, to string) (err error) {
	s, err := start(ctx, program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	client, err := gen.NewClientWithResponses(s.url)
	if err != nil {
		return err
	}
	request, err := jobs[job](ctx, client, s.credentials)
	if err != nil {
		return err
	}
	profile, err := s.underLoad(ctx, request, seconds)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to+".pb.gz", profile, 0o644); err != nil {
		return err
	}
	return show(ctx, program, to)
}

// underLoad fetches a profile while clients do the job, and tells how often they did.
func (s *service) underLoad(ctx context.Context, r request, seconds int) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var all sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	for range clients {
		all.Go(func() {
			for client := (&http.Client{Transport: transport}); ctx.Err() == nil; done.Add(1) {
				if err := r.send(ctx, client, s.url); err != nil && ctx.Err() == nil {
					cancel(err)
				}
			}
		})
	}
	time.Sleep(warmUp)
	before, began := done.Load(), time.Now()
	profile, err := fetch(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", s.profiles, seconds))
	rate := float64(done.Load()-before) / time.Since(began).Seconds()
	if err == nil {
		fmt.Printf("%.0f requests/s by %d clients\n", rate, clients)
	} else if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	all.Wait()
	return profile, err
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: HTTP %d %.200s", url, response.StatusCode, body)
	}
	return body, err
}

// show writes the profile as text, by what the functions do themselves and by what they have others do, and, where Graphviz is
// there, as a picture; and prints the beginning of each list.
func show(ctx context.Context, program, of string) error {
	var text strings.Builder
	for _, order := range []string{"-flat", "-cum"} {
		list, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", order, "-nodecount=60", program, of+".pb.gz").Output()
		if err != nil {
			return fmt.Errorf("go tool pprof: %w", err)
		}
		text.WriteString(strings.TrimPrefix(order, "-") + "\n" + string(list) + "\n")
		lines := strings.SplitAfter(string(list), "\n")
		fmt.Printf("\n%s:\n%s", strings.TrimPrefix(order, "-"), strings.Join(lines[:min(len(lines), 31)], ""))
	}
	if err := os.WriteFile(of+".txt", []byte(text.String()), 0o644); err != nil {
		return err
	}
	fmt.Printf("\n%s.pb.gz (go tool pprof -http=: %s.pb.gz), %s.txt", of, of, of)
	if _, err := exec.LookPath("dot"); err == nil {
		if err := exec.CommandContext(ctx, "go", "tool", "pprof", "-svg", "-output", of+".svg", program, of+".pb.gz").Run(); err != nil {
			return fmt.Errorf("go tool pprof: %w", err)
		}
		fmt.Printf(", %s.svg", of)
	}
	fmt.Println()
	return nil
}
