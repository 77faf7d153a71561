package puzzle

import (
	"fmt"

	"github.com/mojocn/base64Captcha"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// The voices. The library adds noise and other voices in the background, and changes speed and pitch of every digit.
var voices = map[lang.Lang]*base64Captcha.DriverAudio{
	lang.English: base64Captcha.NewDriverAudio(digitCount, lang.English.String()),
	lang.Chinese: base64Captcha.NewDriverAudio(digitCount, lang.Chinese.String()),
}

// speak returns digits as a sound, a WAV in a data URI.
func speak(digits string, l lang.Lang) (string, error) {
	voice := voices[l]
	if voice == nil {
		return "", fmt.Errorf("nobody speaks %s", l)
	}
	item, err := voice.DrawCaptcha(digits)
	if err != nil {
		return "", err
	}
	return item.EncodeB64string(), nil
}
