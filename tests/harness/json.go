package harness

import "encoding/json"

// JSON is v as the contract's free-form objects hold it.
func JSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Members is a free-form object, decoded.
func Members(raw json.RawMessage) map[string]any {
	var m map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &m); err != nil {
			panic(err)
		}
	}
	return m
}
