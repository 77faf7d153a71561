package wechat

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxDepth    = 8   // of elements; WeChat's deepest have 4
	maxElements = 256 // in a message
)

// message is what WeChat pushes: an event, or what a person has written.
type message struct {
	To, From   string
	CreateTime string // seconds since 1970
	Type       string // "event", "text" ...
	Event      string
	EventKey   string
	Content    string
	ID         string // of what a person has written; events have none
	Encrypt    string // the message itself, encrypted
}

// errXML is for the log; the text may be anybody's.
var errXML = errors.New("the message is not XML of WeChat")

// parseMessage reads a message. A DOCTYPE, a comment, a processing instruction but for the prolog, an entity of its own, a
// member that comes twice, and what is nested too deep are refused: WeChat sends none of it (Q10).
func parseMessage(text []byte) (message, error) {
	members, err := parseMembers(text)
	if err != nil {
		return message{}, err
	}
	return message{
		To: members["ToUserName"], From: members["FromUserName"], CreateTime: members["CreateTime"], Type: members["MsgType"],
		Event: members["Event"], EventKey: members["EventKey"], Content: members["Content"], ID: members["MsgId"],
		Encrypt: members["Encrypt"],
	}, nil
}

// parseMembers returns the texts right below the root, by name. Of what is nested deeper there is nothing.
func parseMembers(text []byte) (map[string]string, error) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	members := map[string]string{}
	var (
		path     []string
		value    strings.Builder
		elements int
		closed   bool
	)
	for started := false; ; started = true {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			if !closed {
				return nil, errXML
			}
			return members, nil
		}
		if err != nil {
			return nil, errXML
		}
		switch t := token.(type) {
		case xml.ProcInst:
			if started || t.Target != "xml" {
				return nil, errXML
			}
		case xml.StartElement:
			elements++
			if closed || len(path) == maxDepth || elements > maxElements || len(path) == 0 && name(t.Name) != "xml" {
				return nil, errXML
			}
			path = append(path, name(t.Name))
			value.Reset()
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != name(t.Name) {
				return nil, errXML
			}
			if len(path) == 2 {
				if _, twice := members[path[1]]; twice {
					return nil, errXML
				}
				members[path[1]] = value.String()
			}
			path = path[:len(path)-1]
			value.Reset()
			closed = len(path) == 0
		case xml.CharData:
			if len(path) == 0 && len(bytes.TrimSpace(t)) > 0 {
				return nil, errXML
			}
			value.Write(t)
		default: // comments and directives, of which DOCTYPE is one
			return nil, errXML
		}
	}
}

// name is an element's as it is written.
func name(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// cdata is a text that WeChat need not unescape.
type cdata struct {
	Text string `xml:",cdata"`
}

type textReply struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   cdata
	FromUserName cdata
	CreateTime   int64
	MsgType      cdata
	Content      cdata
}

type encryptedReply struct {
	XMLName      xml.Name `xml:"xml"`
	Encrypt      cdata
	MsgSignature cdata
	TimeStamp    string
	Nonce        cdata
}

// maxReply is how long a text may be that WeChat shows a person, in bytes.
const maxReply = 2048

// printable is a text as it may stand in a reply: names come from elsewhere, and XML takes no control characters.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxReply {
		text = strings.ToValidUTF8(text[:maxReply], "")
	}
	return text
}
