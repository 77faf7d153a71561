package puzzle

import (
	"github.com/mojocn/base64Captcha"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

func speak(digits string, l lang.Lang) (string, error) {
	item, err := base64Captcha.NewDriverAudio(digitCount, l.String()).DrawCaptcha(digits)
	if err != nil {
		return "", err
	}
	return item.EncodeB64string(), nil
}
