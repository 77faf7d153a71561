package db

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON is a jsonb object as it was sent, so that no number loses a digit. Nil is the empty object.
type JSON json.RawMessage

// Value is called by the driver.
func (j JSON) Value() (driver.Value, error) {
	if len(j) == 0 {
		return "{}", nil
	}
	return string(j), nil
}

// Scan is called by the driver.
func (j *JSON) Scan(src any) error {
	text, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("scan %T into db.JSON", src)
	}
	*j = append(JSON(nil), text...) // the driver's own bytes do not last
	return nil
}

// Members is a jsonb object of which single members are of interest. Nil is the empty object.
type Members map[string]any

// Value is called by the driver.
func (m Members) Value() (driver.Value, error) {
	if len(m) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(map[string]any(m))
	return string(text), err
}

// Scan is called by the driver.
func (m *Members) Scan(src any) error {
	text, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("scan %T into db.Members", src)
	}
	return json.Unmarshal(text, (*map[string]any)(m))
}
