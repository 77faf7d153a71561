package wechattest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // WeChat's scheme
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Account is the official account as WeChat's servers know it.
type Account struct {
	t          testing.TB
	URL        string // what the operator has entered
	Token      string
	AESKey     string // EncodingAESKey; empty for plain messages
	nonce, ids int
}

// Token and AESKey of the double's official account.
const (
	PushToken = "pushTokenCanary7"
	AESKey    = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// NewAccount returns the official account, which pushes to url.
func NewAccount(t testing.TB, url string, encrypted bool) *Account {
	a := &Account{t: t, URL: url, Token: PushToken}
	if encrypted {
		a.AESKey = AESKey
	}
	return a
}

// Sign is WeChat's signature.
func Sign(parts ...string) string {
	sort.Strings(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// Handshake is the request that WeChat makes when the URL is entered.
func (a *Account) Handshake(at time.Time, echo string) *http.Request {
	return a.request(http.MethodGet, a.query(at, a.next(), url.Values{"echostr": {echo}}), "")
}

// Push is the request with which WeChat tells of a message, at a time and with a nonce; without one, with the next.
func (a *Account) Push(at time.Time, nonce, message string) *http.Request {
	if nonce == "" {
		nonce = a.next()
	}
	more := url.Values{"openid": {"as-WeChat-adds"}}
	if a.AESKey != "" {
		sealed := a.Encrypt(message, OfficialID)
		message = "<xml>\n<ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>\n<Encrypt><![CDATA[" + sealed + "]]></Encrypt>\n</xml>"
		more.Set("encrypt_type", "aes")
		more.Set("msg_signature", Sign(a.Token, strconv.FormatInt(at.Unix(), 10), nonce, sealed))
	}
	return a.request(http.MethodPost, a.query(at, nonce, more), message)
}

func (a *Account) next() string {
	a.nonce++
	return fmt.Sprintf("nonce%d", a.nonce)
}

func (a *Account) query(at time.Time, nonce string, more url.Values) url.Values {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	more.Set("timestamp", timestamp)
	more.Set("nonce", nonce)
	more.Set("signature", Sign(a.Token, timestamp, nonce))
	return more
}

func (a *Account) request(method string, query url.Values, body string) *http.Request {
	a.t.Helper()
	r, err := http.NewRequest(method, a.URL+"&"+query.Encode(), strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/xml")
	}
	r.Header.Set("User-Agent", "Mozilla/4.0")
	return r
}

// Scan is that somebody who follows the account has scanned a code.
func Scan(openID, scene string, at time.Time) string { return event(openID, "SCAN", scene, at) }

// Subscribe is that somebody has followed the account by scanning a code.
func Subscribe(openID, scene string, at time.Time) string {
	return event(openID, "subscribe", "qrscene_"+scene, at)
}

func event(openID, name, key string, at time.Time) string {
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>
<FromUserName><![CDATA[%s]]></FromUserName>
<CreateTime>%d</CreateTime>
<MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[%s]]></Event>
<EventKey><![CDATA[%s]]></EventKey>
<Ticket><![CDATA[gQH47joAAAAAAAAAASxodHRwOi8v]]></Ticket>
</xml>`, openID, at.Unix(), name, key)
}

// Text is what somebody has written to the account.
func (a *Account) Text(openID, text string, at time.Time) string {
	a.ids++
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName>
<CreateTime>%d</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[%s]]></Content><MsgId>%d</MsgId></xml>`,
		openID, at.Unix(), text, 23000000000000000+a.ids)
}

// Encrypt is what WeChat does to a message for an app.
func (a *Account) Encrypt(message, appID string) string {
	key := a.key()
	plain := "0123456789abcdef" + string([]byte{
		byte(len(message) >> 24), byte(len(message) >> 16), byte(len(message) >> 8), byte(len(message)),
	}) + message + appID
	padding := 32 - len(plain)%32
	out := []byte(plain + strings.Repeat(string([]byte{byte(padding)}), padding))
	block, err := aes.NewCipher(key)
	if err != nil {
		a.t.Fatal(err)
	}
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(out, out)
	return base64.StdEncoding.EncodeToString(out)
}

func (a *Account) key() []byte {
	key, err := base64.StdEncoding.DecodeString(a.AESKey + "=")
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

// Reply is what a person is shown.
type Reply struct {
	To      string `xml:"ToUserName"`
	From    string `xml:"FromUserName"`
	Created int64  `xml:"CreateTime"`
	Type    string `xml:"MsgType"`
	Content string
}

// Open reads a reply as WeChat does. Nothing else but "success" is taken; that is an empty one.
func (a *Account) Open(body []byte) (reply Reply) {
	a.t.Helper()
	if string(body) == "success" {
		return reply
	}
	if a.AESKey != "" {
		var outer struct{ Encrypt, MsgSignature, TimeStamp, Nonce string }
		if err := xml.Unmarshal(body, &outer); err != nil {
			a.t.Fatalf("%v: %s", err, body)
		}
		if Sign(a.Token, outer.TimeStamp, outer.Nonce, outer.Encrypt) != outer.MsgSignature {
			a.t.Errorf("the reply's signature is wrong: %s", body)
		}
		body = a.decrypt(outer.Encrypt)
	}
	if err := xml.Unmarshal(body, &reply); err != nil {
		a.t.Fatalf("%v: %s", err, body)
	}
	if reply.Type != "text" || reply.From != "gh_7f083739789a" {
		a.t.Errorf("reply %+v", reply)
	}
	return reply
}

func (a *Account) decrypt(sealed string) []byte {
	a.t.Helper()
	key := a.key()
	out, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(out)%32 != 0 || len(out) == 0 {
		a.t.Fatalf("the reply is of %d bytes, %v", len(out), err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		a.t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(out, out)
	out = out[16 : len(out)-int(out[len(out)-1])]
	size := int(out[0])<<24 | int(out[1])<<16 | int(out[2])<<8 | int(out[3])
	if appID := string(out[4+size:]); appID != OfficialID {
		a.t.Errorf("the reply is for %q", appID)
	}
	return out[4 : 4+size]
}
