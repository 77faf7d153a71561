package qrlogin

import (
	"encoding/json"
	"time"
)

// scene marks a login QR code for the apps that scan it.
const scene = "APP_AUTH"

// payload is the text inside the picture. Older apps read random, newer ones qrcodeId; both are the scan id, and it is
// all that an app needs. The custom data is not in it: anybody can read a picture.
type payload struct {
	Scene      string   `json:"scene"`
	Random     string   `json:"random"`
	QRCodeID   string   `json:"qrcodeId"`
	UserpoolID string   `json:"userPoolId"`
	CreatedAt  string   `json:"createdAt"` // RFC 3339
	ExpiresIn  int      `json:"expiresIn"` // seconds
	CustomData struct{} `json:"customData"`
}

func payloadText(scanID, userpoolID string, createdAt, expiresAt time.Time) (string, error) {
	text, err := json.Marshal(payload{
		Scene: scene, Random: scanID, QRCodeID: scanID, UserpoolID: userpoolID,
		CreatedAt: createdAt.UTC().Format("2006-01-02T15:04:05.000Z"), ExpiresIn: int(expiresAt.Sub(createdAt).Seconds()),
	})
	return string(text), err
}
