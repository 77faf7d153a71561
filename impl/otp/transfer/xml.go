package transfer

import (
	"bufio"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of an XML file.
const (
	maxPart       = 64 << 10 // bytes of one child of the root, with what precedes it; a key package has some kilobytes
	maxDepth      = 24       // of elements; PSKC has ten
	maxAttributes = 32       // of an element, namespaces included; PSKC has some ten
)

// What is wrong with an XML file.
var (
	ErrXML        = errors.New("not well-formed XML 1.0 in UTF-8")
	ErrDTD        = errors.New("the XML has a document type, which is not read")
	ErrTooLarge   = fmt.Errorf("a part of the XML has more than %d bytes or %d levels", maxPart, maxDepth)
	ErrAttributes = fmt.Errorf("an element of the XML has more than %d attributes", maxAttributes)
)

// The namespaces of RFC 6030; an element of any other is somebody's extension.
const (
	nsPSKC   = "urn:ietf:params:xml:ns:keyprov:pskc"
	nsXenc   = "http://www.w3.org/2001/04/xmlenc#"
	nsXenc11 = "http://www.w3.org/2009/xmlenc11#"
	nsPKCS5  = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#"
	nsDS     = "http://www.w3.org/2000/09/xmldsig#"
)

var namespaces = []string{"", nsPSKC, nsXenc, nsXenc11, nsPKCS5, nsDS}

// element is an XML element. Its methods take nil for one that is absent and has nothing.
type element struct {
	name       xml.Name
	attributes []xml.Attr
	text       string // without that of its children
	children   []*element
}

// child returns the child of that name, of a namespace of RFC 6030; nil if there is none. Two are an error.
func (e *element) child(name string) (*element, error) {
	var found *element
	if e == nil {
		return nil, nil
	}
	for _, c := range e.children {
		if c.name.Local != name || !slices.Contains(namespaces, c.name.Space) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("it has two elements %s", name)
		}
		found = c
	}
	return found, nil
}

// find follows a path of children.
func (e *element) find(path ...string) (_ *element, err error) {
	for _, name := range path {
		if e, err = e.child(name); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *element) attribute(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attributes {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// words is the text as it was meant: where it was broken into lines to look nice, white space counts as one space.
func (e *element) words() string {
	if e == nil {
		return ""
	}
	if strings.ContainsAny(e.text, "\t\r\n") {
		return strings.Join(strings.Fields(e.text), " ")
	}
	return e.text
}

// base64 decodes the text, with white space anywhere (xs:base64Binary).
func (e *element) base64() ([]byte, bool) {
	if e == nil {
		return nil, false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(e.text), ""))
	return decoded, err == nil
}

// meter limits how much is read before it is set again.
type meter struct {
	r    *bufio.Reader
	left int
}

// ReadByte implements io.ByteReader, which is what the decoder uses, so that nothing is read ahead.
func (m *meter) ReadByte() (byte, error) {
	if m.left == 0 {
		return 0, ErrTooLarge
	}
	m.left--
	return m.r.ReadByte()
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.left == 0 {
		return 0, ErrTooLarge
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// document reads XML, one child of the root at a time.
type document struct {
	meter   *meter
	decoder *xml.Decoder
}

func newDocument(r *bufio.Reader) *document {
	m := &meter{r: r}
	return &document{m, xml.NewDecoder(m)}
}

// token returns the next start, end or text; io.EOF after the root. No error quotes the file.
func (d *document) token() (xml.Token, error) {
	for {
		token, err := d.decoder.Token()
		if syntax := (*xml.SyntaxError)(nil); errors.As(err, &syntax) {
			return nil, fmt.Errorf("line %d: %w", syntax.Line, ErrXML)
		}
		switch {
		case err == io.EOF || err == ErrTooLarge:
			return nil, err
		case err != nil: // another encoding; or it cannot be read on, which others know better
			return nil, ErrXML
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, ErrDTD
		case xml.StartElement:
			if len(t.Attr) > maxAttributes { // each is compared to the others
				return nil, ErrAttributes
			}
			return token, nil
		case xml.EndElement, xml.CharData:
			return token, nil
		}
	}
}

// root reads up to the start of the root, and returns it without its children.
func (d *document) root() (*element, error) {
	d.meter.left = maxPart
	for {
		switch token, err := d.token(); t := token.(type) {
		case xml.StartElement:
			return &element{name: t.Name, attributes: t.Attr}, nil
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return nil, ErrXML
			}
		default:
			if err == nil || err == io.EOF {
				err = ErrXML
			}
			return nil, err
		}
	}
}

// next reads the next child of the root with all that is in it; nil when there is none, and nothing after the root.
func (d *document) next() (*element, error) {
	d.meter.left = maxPart
	for {
		switch token, err := d.token(); t := token.(type) {
		case xml.StartElement:
			return d.element(t, 2)
		case xml.EndElement:
			return nil, d.end()
		case nil:
			return nil, err
		}
	}
}

func (d *document) element(start xml.StartElement, depth int) (*element, error) {
	if depth > maxDepth {
		return nil, ErrTooLarge
	}
	e := &element{name: start.Name, attributes: start.Attr}
	for i, a := range start.Attr { // which the decoder does not look for
		if slices.ContainsFunc(start.Attr[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
			return nil, ErrXML
		}
	}
	var text strings.Builder
	for {
		switch token, err := d.token(); t := token.(type) {
		case xml.StartElement:
			c, err := d.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			e.children = append(e.children, c)
		case xml.EndElement:
			e.text = text.String()
			return e, nil
		case xml.CharData:
			text.Write(t)
		default:
			return nil, err
		}
	}
}

// end reads up to the end of the file.
func (d *document) end() error {
	for {
		token, err := d.token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if text, ok := token.(xml.CharData); !ok || strings.TrimSpace(string(text)) != "" {
			return ErrXML
		}
	}
}
