package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestHostileXML: no document type, no entities, nothing deep or large, and nothing that two parsers would read differently.
func TestHostileXML(t *testing.T) {
	t.Parallel()
	good := containerOf(totp, secretOnly)
	laughs := `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>`
	head := strings.SplitAfter(good, ">")[0]
	for name, test := range map[string]struct {
		file string
		want error
	}{
		"a document type":           {laughs + good, ErrDTD},
		"an external one":           {`<!DOCTYPE x SYSTEM "file:///etc/passwd">` + good, ErrDTD},
		"one within":                {strings.Replace(good, "<k:Data>", laughs+"<k:Data>", 1), ErrDTD},
		"an entity":                 {strings.Replace(good, seedBase64, "&"+seedBase64[:8]+";", 1), ErrXML},
		"another encoding":          {`<?xml version="1.0" encoding="UTF-7"?>` + good, ErrXML},
		"no UTF-8":                  {strings.Replace(good, seedBase64, "\xff", 1), ErrXML},
		"a character of none":       {strings.Replace(good, seedBase64, "\x00", 1), ErrXML},
		"an attribute twice":        {strings.Replace(good, `Id="1"`, `Id="1" Id="2"`, 1), ErrXML},
		"two roots":                 {good + good, ErrXML},
		"text after it":             {good + seedBase64, ErrXML},
		"an end too many":           {good + "</x>", ErrXML},
		"no root":                   {"<!-- " + seedBase64 + " -->", ErrXML},
		"deep":                      {head + "<k:KeyPackage>" + strings.Repeat("<a>", 100), ErrTooLarge},
		"deep elsewhere":            {head + strings.Repeat("<a>", 100), ErrTooLarge},
		"a long text":               {strings.Replace(good, seedBase64, strings.Repeat("A", maxPart), 1), ErrTooLarge},
		"a long comment":            {strings.Replace(good, "<k:Data>", "<!--"+strings.Repeat("A", maxPart)+"--><k:Data>", 1), ErrTooLarge},
		"a long name":               {"<" + strings.Repeat("A", maxPart), ErrTooLarge},
		"a long end":                {good + strings.Repeat(" ", maxPart), ErrTooLarge},
		"many elements in a key":    {strings.Replace(good, "<k:Data>", strings.Repeat("<k:Issuer/>", maxPart/10), 1), ErrTooLarge},
		"many attributes":           {strings.Replace(good, "<k:Data>", "<k:Data"+attributes(maxAttributes+1)+">", 1), ErrAttributes},
		"many of an extension":      {strings.Replace(good, "</k:Data>", "</k:Data><x"+attributes(maxPart/9)+"/>", 1), ErrAttributes},
		"many of the root":          {strings.Replace(good, ` Version=`, attributes(maxAttributes)+` Version=`, 1), ErrAttributes},
		"another version":           {strings.Replace(good, `Version="1.0"`, `Version="2.0"`, 1), errors.ErrUnsupported},
		"no version":                {strings.Replace(good, `Version="1.0"`, ``, 1), errors.ErrUnsupported},
		"a draft's namespace":       {strings.Replace(good, nsPSKC, nsPSKC+":1.0", 1), ErrFormat},
		"a draft's packages":        {strings.ReplaceAll(good, "KeyPackage", "Device"), errors.ErrUnsupported},
		"another root":              {strings.ReplaceAll(good, "KeyContainer", "KeyChain"), ErrFormat},
		"an encryption given twice": {strings.Replace(good, "<k:KeyPackage>", "<k:EncryptionKey/><k:EncryptionKey/><k:KeyPackage>", 1), errors.ErrUnsupported},
		"an encryption after keys":  {strings.Replace(good, "</k:KeyContainer>", "<k:MACMethod/></k:KeyContainer>", 1), errors.ErrUnsupported},
		"an encrypted value without a key": {
			strings.Replace(good, "<k:PlainValue>"+seedBase64+"</k:PlainValue>", `<k:EncryptedValue><EncryptionMethod Algorithm="`+aes256CBC+
				`"/><CipherData><CipherValue>`+strings.Repeat("A", 64)+`</CipherValue></CipherData></k:EncryptedValue>`, 1), errors.ErrUnsupported,
		},
	} {
		_, refused, err := readAll(strings.NewReader(test.file), "")
		if err == nil || refused != nil || test.want != errors.ErrUnsupported && !errors.Is(err, test.want) || strings.Contains(err.Error(), seedBase64[:8]) {
			t.Errorf("%s: %v, %v; want %v", name, refused, err, test.want)
		}
	}
}

// attributes are n of different names.
func attributes(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, ` a%x=""`, i)
	}
	return all.String()
}

// TestAttributesUpToTheLimit: as many as an element may have are read, though nobody knows them.
func TestAttributesUpToTheLimit(t *testing.T) {
	t.Parallel()
	file := strings.Replace(containerOf(totp, secretOnly), "<k:Data>", "<k:Data"+attributes(maxAttributes)+">", 1)
	if records, refused, err := readAll(strings.NewReader(file), ""); len(records) != 1 || refused != nil || err != nil {
		t.Errorf("%d records, %v, %v", len(records), refused, err)
	}
}

// TestACutFileIsNoFile: a container that ends early is an error wherever it ends, also after whole keys.
func TestACutFileIsNoFile(t *testing.T) {
	t.Parallel()
	file := write(t, PSKC, "", record("alice"), record("bob"))
	for n := 1; n < len(file)-1; n++ {
		if _, _, err := readAll(bytes.NewReader(file[:n]), ""); err == nil {
			t.Errorf("the first %d bytes are read as a whole", n)
		}
	}
}

// TestAnEndlessFileIsLeftSoon: what never ends in one element is given up after its limit, not when memory is.
func TestAnEndlessFileIsLeftSoon(t *testing.T) {
	t.Parallel()
	start := time.Now()
	for _, begin := range []string{"<", "<!--", "<!DOCTYPE", "<?xml ", strings.SplitAfter(containerOf(totp, ""), "Id=\"")[0]} {
		endless := &counter{r: io.MultiReader(strings.NewReader(begin), zeros{})}
		if _, _, err := readAll(endless, ""); err == nil || endless.n > 2*maxPart {
			t.Errorf("%s: %d bytes are read, %v", begin, endless.n, err)
		}
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
