package docs

import (
	"compress/gzip"
	"io"
	"sync"

	"github.com/swaggest/swgui/v5/static"
)

// swaggerUI is the script and the look of the reference. They are unpacked once, however many handlers there are. The handlers of
// that module serve a page with scripts in it, which our policy forbids, so only its files are used.
var swaggerUI = sync.OnceValues(func() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range []string{"swagger-ui-bundle.js", "swagger-ui.css"} {
		content, err := unpack(name)
		if err != nil {
			return nil, err
		}
		files[name] = content
	}
	return files, nil
})

func unpack(name string) ([]byte, error) {
	packed, err := static.FS.Open(name + ".gz")
	if err != nil {
		return nil, err
	}
	reader, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}
