package fault

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// generator makes one request again and again, on connections of its own that are kept: cheaply, since it shares the machine
// with the service that it is to overload.
type generator struct {
	t       *testing.T
	addr    string
	request []byte
}

// newGenerator returns one for a request with a JSON body; an empty body is a GET.
func newGenerator(t *testing.T, addr, path, body string) *generator {
	head := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n", path, addr)
	if body != "" {
		head = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", path, addr, len(body))
	}
	return &generator{t, addr, []byte(head + "\r\n" + body)}
}

// tally is what became of requests. The latencies are of those that were accepted, the shortest first.
type tally struct {
	accepted, refused, odd, broken int
	latencies                      []time.Duration
	took                           time.Duration
}

func (y *tally) add(other *tally) {
	y.accepted, y.refused, y.odd, y.broken = y.accepted+other.accepted, y.refused+other.refused, y.odd+other.odd, y.broken+other.broken
	y.latencies = append(y.latencies, other.latencies...)
}

func (y *tally) rate() float64 { return float64(y.accepted) / y.took.Seconds() }

func (y *tally) p99() time.Duration {
	if len(y.latencies) == 0 {
		return 0
	}
	return y.latencies[len(y.latencies)*99/100]
}

func (y *tally) String() string {
	return fmt.Sprintf("%d accepted (%.0f/s, p99 %v), %d refused, %d odd, %d broken", y.accepted, y.rate(), y.p99(), y.refused, y.odd, y.broken)
}

// closed keeps connections busy for some time: each asks again when it is answered.
func (g *generator) closed(connections int, lasts time.Duration) *tally {
	until := time.Now().Add(lasts)
	return g.run(connections, func() (time.Time, bool) {
		now := time.Now()
		return now, now.Before(until)
	})
}

// open makes requests at a rate for some time, however long the answers take. Latencies count from the moment at which a
// request was due.
func (g *generator) open(connections int, rate float64, lasts time.Duration) *tally {
	due := make(chan time.Time, int(rate*lasts.Seconds())+1)
	go func() {
		defer close(due)
		began, sent := time.Now(), 0
		for time.Since(began) < lasts {
			time.Sleep(time.Millisecond)
			for ; float64(sent) < rate*time.Since(began).Seconds(); sent++ {
				due <- time.Now()
			}
		}
	}()
	return g.run(connections, func() (time.Time, bool) {
		at, more := <-due
		return at, more
	})
}

func (g *generator) run(connections int, next func() (time.Time, bool)) *tally {
	began := time.Now()
	all := &tally{}
	var mu sync.Mutex
	var work sync.WaitGroup
	for range connections {
		work.Go(func() {
			one := &tally{}
			var conn net.Conn
			var answers *bufio.Reader
			for {
				at, more := next()
				if !more {
					break
				}
				if conn == nil {
					var err error
					if conn, err = net.Dial("tcp", g.addr); err != nil {
						one.broken++
						continue
					}
					answers = bufio.NewReader(conn)
				}
				if !g.ask(conn, answers, at, one) {
					_ = conn.Close()
					conn = nil
				}
			}
			if conn != nil {
				_ = conn.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			all.add(one)
		})
	}
	work.Wait()
	all.took = time.Since(began)
	slices.Sort(all.latencies)
	return all
}

// ask makes the request once; false: the connection is of no more use.
func (g *generator) ask(conn net.Conn, answers *bufio.Reader, at time.Time, y *tally) bool {
	_, err := conn.Write(g.request)
	var answer *http.Response
	if err == nil {
		answer, err = http.ReadResponse(answers, nil)
	}
	var body []byte
	if err == nil {
		body, err = io.ReadAll(answer.Body)
	}
	if err != nil {
		y.broken++
		return false
	}
	switch code := answer.StatusCode; {
	case code == http.StatusOK:
		y.accepted++
		y.latencies = append(y.latencies, time.Since(at))
	case (code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests) && answer.Header.Get("Retry-After") != "":
		y.refused++
	default:
		if y.odd++; y.odd == 1 {
			g.t.Errorf("HTTP %d %v: %s", code, answer.Header, body)
		}
	}
	return !answer.Close
}
