package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
)

const (
	// connectTimeout is how long a connection may take to be made, unless the address says otherwise (connect_timeout).
	connectTimeout = 5 * time.Second
	// lastWord is how long the server may take to confirm that it has stopped, when the context of a statement has ended.
	lastWord = 500 * time.Millisecond
)

// keepAlive finds a server that is gone on connections where nothing is asked: within 20 seconds.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 3 * time.Second, Count: 3}

// connector makes connections whose statements end with their contexts, whatever becomes of the network. lib/pq asks the
// server to stop, and waits for its answer for as long as the line is not known to be dead: that can take hours.
type connector struct{ config pq.Config }

// openPool returns a pool of such connections. None is made yet. With oneTrip, statements that are not prepared take one way to
// the server and back rather than two.
func openPool(url string, oneTrip bool) (*sql.DB, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.BinaryParameters = config.BinaryParameters || oneTrip
	return sql.OpenDB(connector{config}), nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return &pq.Driver{} }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	l := &line{}
	defer l.watch(ctx)()
	one, err := pq.NewConnectorConfig(c.config)
	if err != nil {
		return nil, err
	}
	one.Dialer(l)
	made, err := one.Connect(ctx)
	if err != nil {
		return nil, err
	}
	l.take(nil)
	return &conn{made.(pqConn), l}, nil
}

// pqConn is what a connection of lib/pq does.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type conn struct {
	pqConn
	line *line
}

// BeginTx implements driver.ConnBeginTx. That of lib/pq looks at the context only afterwards.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	defer c.line.watch(ctx)()
	return c.pqConn.BeginTx(ctx, o)
}

// ResetSession implements driver.SessionResetter. A statement that was stopped in time leaves a good connection.
func (c *conn) ResetSession(ctx context.Context) error {
	if err := c.line.conn.SetDeadline(time.Time{}); err != nil {
		return driver.ErrBadConn
	}
	return c.pqConn.ResetSession(ctx)
}

// line is a connection to the server, and dials for it. lib/pq dials a second time when a context has ended, to have the
// statement stopped: by that the line knows.
type line struct {
	mu   sync.Mutex
	conn net.Conn
	made bool
}

// Dial implements pq.Dialer.
func (l *line) Dial(network, address string) (net.Conn, error) {
	return l.DialContext(context.Background(), network, address)
}

// DialTimeout implements pq.Dialer.
func (l *line) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext.
func (l *line) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	if !l.made {
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			l.take(conn)
		}
		return conn, err
	}
	l.hurry()
	ctx, cancel := context.WithTimeout(ctx, lastWord)
	defer cancel()
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return brief{conn}, conn.SetDeadline(time.Now().Add(lastWord))
}

// brief is a connection with a deadline, which lib/pq would put off to that of making a connection.
type brief struct{ net.Conn }

// SetDeadline implements net.Conn.
func (brief) SetDeadline(time.Time) error { return nil }

// take notes the connection that is being made; nil: it is.
func (l *line) take(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if conn == nil {
		l.made = true
		return
	}
	l.conn = conn
}

// hurry gives the server a moment for its last word.
func (l *line) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.SetDeadline(time.Now().Add(lastWord))
	}
}

// watch hurries when the context ends, until stop.
func (l *line) watch(ctx context.Context) (stop func()) {
	hurried := make(chan struct{})
	off := context.AfterFunc(ctx, func() {
		defer close(hurried)
		l.hurry()
	})
	return func() {
		if !off() {
			<-hurried // nothing may happen to the connection later, when somebody else uses it
		}
	}
}
