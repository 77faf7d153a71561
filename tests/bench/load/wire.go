package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// connection speaks just enough HTTP/1.1 to be fast: the generator shares its cores with what it measures, and net/http's
// client would cost more than most of the answers.
type connection struct {
	addr   string
	conn   net.Conn
	reader *bufio.Reader
	body   []byte
}

// do sends a whole request and returns status and body, which is good until the next call.
func (c *connection) do(request []byte) (status int, body []byte, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.addr); err != nil {
			return 0, nil, err
		}
		c.reader = bufio.NewReaderSize(c.conn, 32<<10)
	}
	if _, err = c.conn.Write(request); err == nil {
		status, err = c.read()
	}
	if err != nil {
		c.close()
	}
	return status, c.body, err
}

func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// read reads one answer.
func (c *connection) read() (status int, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("no answer of HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("no answer of HTTP: %q", line)
	}
	length, chunked := -1, false
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	c.body = c.body[:0]
	switch {
	case chunked:
		return status, c.chunks()
	case length >= 0:
		return status, c.more(length)
	}
	return 0, errors.New("an answer of unknown length")
}

// chunks reads a body that comes in pieces (RFC 9112 section 7.1).
func (c *connection) chunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.more(int(n)); err != nil {
			return err
		}
		if _, err := c.reader.Discard(len("\r\n")); err != nil || n == 0 {
			return err
		}
	}
}

func (c *connection) more(n int) error {
	at := len(c.body)
	if cap(c.body) < at+n {
		c.body = append(make([]byte, 0, 2*(at+n)), c.body...)
	}
	c.body = c.body[:at+n]
	_, err := io.ReadFull(c.reader, c.body[at:])
	return err
}
