package transfer

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// nsOwn is the namespace of what RFC 6030 has no element for.
const nsOwn = "https://github.com/menshen-auth/menshen/transfer"

// algorithmTOTP is from the IANA registry of PSKC algorithm profiles.
const algorithmTOTP = nsPSKC + ":totp"

// Sizes of what is written, in bytes.
const (
	saltSize   = 16
	keySize    = 32 // of AES-256
	macKeySize = 32 // of HMAC-SHA-256, as long as its output (RFC 2104 section 3)
)

// container writes a key container (RFC 6030), with the prefixes of the RFC's own examples: some readers look for "Salt" and
// others outside of any namespace, as the RFC has them.
type container struct {
	w       *bufio.Writer
	cipher  cipher.Block // nil in plain text
	macKey  []byte
	records int
}

func newContainer(w io.Writer, passphrase string, l limits) (*container, error) {
	out := &container{w: bufio.NewWriter(w)}
	out.print(`<?xml version="1.0" encoding="UTF-8"?>`, "\n", `<pskc:KeyContainer Version="1.0" xmlns:pskc="`, nsPSKC, `"`)
	if passphrase == "" {
		out.print(">\n")
		return out, nil
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails; it ends the program where there is no randomness
	key, err := pbkdf2.Key(sha256.New, passphrase, salt, l.iterations, keySize)
	if err != nil {
		return nil, err
	}
	if out.cipher, err = aes.NewCipher(key); err != nil {
		return nil, err
	}
	out.macKey = make([]byte, macKeySize)
	rand.Read(out.macKey)
	out.print(` xmlns:xenc="`, nsXenc, `" xmlns:xenc11="`, nsXenc11, `" xmlns:pkcs5="`, nsPKCS5, `">
<pskc:EncryptionKey><xenc11:DerivedKey>
<xenc11:KeyDerivationMethod Algorithm="`, pbkdf2PKCS5, `"><pkcs5:PBKDF2-params>
<Salt><Specified>`, base64.StdEncoding.EncodeToString(salt), `</Specified></Salt>
<IterationCount>`, strconv.Itoa(l.iterations), `</IterationCount>
<KeyLength>`, strconv.Itoa(keySize), `</KeyLength>
<PRF Algorithm="`, hmacSHA256, `"/>
</pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod>
</xenc11:DerivedKey></pskc:EncryptionKey>
<pskc:MACMethod Algorithm="`, hmacSHA256, `"><pskc:MACKey>
`, encryptedXML(encryptCBC(out.cipher, out.macKey)), `
</pskc:MACKey></pskc:MACMethod>
`)
	return out, nil
}

func (c *container) write(r Record) error {
	c.records++
	c.print(`<pskc:KeyPackage><pskc:Key Id="`, escape(r.ID), `" Algorithm="`, algorithmTOTP, `">`, "\n")
	c.text("Issuer", r.Key.Issuer)
	c.print(`<pskc:AlgorithmParameters><pskc:Suite>HMAC-`, r.Key.Algorithm, `</pskc:Suite><pskc:ResponseFormat Length="`,
		strconv.Itoa(r.Key.Digits), `" Encoding="DECIMAL"/></pskc:AlgorithmParameters>`, "\n")
	c.text("FriendlyName", r.Name)
	c.print("<pskc:Data>", c.secret(r.Key.Secret), "<pskc:TimeInterval><pskc:PlainValue>", strconv.Itoa(r.Key.Period),
		"</pskc:PlainValue></pskc:TimeInterval>")
	if r.Drift != 0 {
		c.print("<pskc:TimeDrift><pskc:PlainValue>", strconv.Itoa(r.Drift), "</pskc:PlainValue></pskc:TimeDrift>")
	}
	c.print("</pskc:Data>\n")
	if r.User != "" {
		c.text("UserId", formatDN(r.User))
	}
	c.extensions(r)
	return c.print("</pskc:Key></pskc:KeyPackage>\n")
}

// extensions writes what other readers pass over. The last step is no Time, which some read as an offset of the clock, and
// refuse.
func (c *container) extensions(r Record) {
	var own strings.Builder
	if r.Key.Account != r.User {
		fmt.Fprintf(&own, "<m:Account>%s</m:Account>", escape(r.Key.Account))
	}
	if r.LastStep != 0 {
		fmt.Fprintf(&own, "<m:LastStep>%d</m:LastStep>", r.LastStep)
	}
	if own.Len() > 0 {
		c.print(`<pskc:Extensions xmlns:m="`, nsOwn, `">`, own.String(), "</pskc:Extensions>\n")
	}
}

func (c *container) secret(secret []byte) string {
	if c.cipher == nil {
		return "<pskc:Secret><pskc:PlainValue>" + base64.StdEncoding.EncodeToString(secret) + "</pskc:PlainValue></pskc:Secret>\n"
	}
	ciphertext := encryptCBC(c.cipher, secret)
	mac := hmac.New(sha256.New, c.macKey)
	mac.Write(ciphertext)
	return "<pskc:Secret><pskc:EncryptedValue>" + encryptedXML(ciphertext) + "</pskc:EncryptedValue>\n<pskc:ValueMAC>" +
		base64.StdEncoding.EncodeToString(mac.Sum(nil)) + "</pskc:ValueMAC></pskc:Secret>\n"
}

func encryptedXML(ciphertext []byte) string {
	return `<xenc:EncryptionMethod Algorithm="` + aes256CBC + `"/><xenc:CipherData><xenc:CipherValue>` +
		base64.StdEncoding.EncodeToString(ciphertext) + `</xenc:CipherValue></xenc:CipherData>`
}

// text writes an element, unless it is empty.
func (c *container) text(name, text string) {
	if text != "" {
		c.print("<pskc:", name, ">", escape(text), "</pskc:", name, ">\n")
	}
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

// print writes texts; the writer keeps its first error.
func (c *container) print(texts ...string) (err error) {
	for _, text := range texts {
		_, err = c.w.WriteString(text)
	}
	return err
}

func (c *container) close() error {
	if c.records == 0 {
		c.print("<pskc:KeyPackage/>\n") // the schema wants one
	}
	c.print("</pskc:KeyContainer>\n")
	return c.w.Flush()
}
