package captcha

import (
	"fmt"

	"github.com/mojocn/base64Captcha"

	"github.com/menshen-auth/menshen/impl/internal/picture"
)

// The picture of the document: 240 x 80 pixels, six digits.
const (
	imageWidth  = 240
	imageHeight = 80
	imageDigits = 6
	imageSkew   = 0.7
	imageDots   = 80
)

var driver = base64Captcha.NewDriverDigit(imageHeight, imageWidth, imageDigits, imageSkew, imageDots)

// draw returns digits as a picture, a PNG in a data URI. Only the drawing is the library's; the digits are ours, because
// its own come from a predictable source.
func draw(digits string) (string, error) {
	item, err := driver.DrawCaptcha(digits)
	if err != nil {
		return "", fmt.Errorf("draw captcha: %w", err)
	}
	drawn, ok := item.(*base64Captcha.ItemDigit)
	if !ok {
		return "", fmt.Errorf("draw captcha: unexpected %T", item)
	}
	png, err := picture.PNG(drawn.Paletted)
	if err != nil {
		return "", fmt.Errorf("encode captcha: %w", err)
	}
	return picture.DataURI(png), nil
}
