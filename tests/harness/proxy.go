package harness

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
)

// Proxy is the network between Menshen and PostgreSQL, which goes wrong on command.
type Proxy struct {
	// URL is that of the database, through the proxy.
	URL string

	network, address string // of PostgreSQL
	mu               sync.Mutex
	conns            map[net.Conn]bool
	latency          time.Duration
	silent           bool
}

// NewProxy starts one before a database. It ends with the test.
func NewProxy(t testing.TB, database string) *Proxy {
	t.Helper()
	config, err := pq.NewConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{network: "tcp", address: net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), conns: map[net.Conn]bool{}}
	if filepath.IsAbs(config.Host) {
		p.network, p.address = "unix", filepath.Join(config.Host, ".s.PGSQL."+strconv.Itoa(int(config.Port)))
	}
	through := url.URL{
		Scheme: "postgres", Host: listener.Addr().String(), User: url.UserPassword(config.User, config.Password), Path: config.Database,
		RawQuery: url.Values{"sslmode": {"disable"}}.Encode(),
	}
	p.URL = through.String()
	go p.serve(listener)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Reset()
	})
	return p
}

// Slow delays whatever is sent, in each direction.
func (p *Proxy) Slow(latency time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = latency
}

// Silence makes all connections half-open, new ones too: what is sent is taken, and nothing ever comes.
func (p *Proxy) Silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
}

// Heal ends all that is wrong. Connections that were silent are reset, as by a router that has forgotten them.
func (p *Proxy) Heal() {
	p.mu.Lock()
	forgotten := p.silent
	p.silent, p.latency = false, 0
	p.mu.Unlock()
	if forgotten {
		p.Reset()
	}
}

// Reset resets all connections (RST).
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	clear(p.conns)
}

func (p *Proxy) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.address)
		if err != nil { // PostgreSQL is away
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		go p.pump(client, server)
		go p.pump(server, client)
	}
}

// pump carries what one side sends to the other.
func (p *Proxy) pump(from, to net.Conn) {
	defer func() {
		_, _ = from.Close(), to.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, from)
	}()
	for part := make([]byte, 16<<10); ; {
		n, err := from.Read(part)
		if err != nil {
			return
		}
		p.mu.Lock()
		latency, silent := p.latency, p.silent
		p.mu.Unlock()
		time.Sleep(latency)
		if silent {
			continue
		}
		if _, err := to.Write(part[:n]); err != nil {
			return
		}
	}
}
