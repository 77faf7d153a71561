package db

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON is a jsonb object. Its zero value is the empty object.
type JSON map[string]any

// Value is called by the driver.
func (j JSON) Value() (driver.Value, error) {
	if len(j) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(map[string]any(j))
	return string(text), err
}

// Scan is called by the driver.
func (j *JSON) Scan(src any) error {
	switch text := src.(type) {
	case nil:
		*j = nil
		return nil
	case []byte:
		return json.Unmarshal(text, (*map[string]any)(j))
	case string:
		return json.Unmarshal([]byte(text), (*map[string]any)(j))
	}
	return fmt.Errorf("scan %T into db.JSON", src)
}
