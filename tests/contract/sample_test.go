package contract

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// samples are bodies that the operation takes, as JSON: the contract's own examples, by name.
func samples(op operation) (list [][]byte) {
	all := examples(op.sampled())
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text, err := json.Marshal(all[name])
		if err != nil {
			panic(err) // it came from the contract
		}
		list = append(list, text)
	}
	return list
}

// sample is the first of them.
func sample(op operation) []byte { return samples(op)[0] }

// form writes an object of strings as a form.
func form(object []byte) string {
	var members map[string]string
	if err := json.Unmarshal(object, &members); err != nil {
		panic(err)
	}
	values := url.Values{}
	for name, value := range members {
		values.Set(name, value)
	}
	return values.Encode()
}

// xmlSample is the contract's example of an XML body.
func xmlSample(op operation) string { return op.body(mediaXML).Example.(string) }

// eachMember calls visit once for every member of a JSON object, at any depth, with a function that writes the object
// with that member replaced by other JSON, or by what is not even JSON.
func eachMember(object []byte, visit func(replace func(string) string)) {
	var root map[string]any
	if err := json.Unmarshal(object, &root); err != nil {
		panic(err)
	}
	const mark = "\"\u2620\""
	var walk func(object map[string]any)
	walk = func(object map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(object)) {
			value := object[name]
			object[name] = "\u2620"
			text, err := json.Marshal(root)
			object[name] = value
			if err != nil {
				panic(err)
			}
			visit(func(written string) string { return strings.Replace(string(text), mark, written, 1) })
			switch value := value.(type) {
			case map[string]any:
				walk(value)
			case []any:
				for _, item := range value {
					if item, ok := item.(map[string]any); ok {
						walk(item)
					}
				}
			}
		}
	}
	walk(root)
}
