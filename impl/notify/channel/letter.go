package channel

import (
	"fmt"
	"regexp"
)

// What a letter must look like before anything is done with it. Whoever writes letters keeps to it; here it is the last
// gate before identifiers become headers and file names.
var (
	idForm    = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
	phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // E.164
)

func (l Letter) checkID() error {
	if !idForm.MatchString(l.ID) {
		return fmt.Errorf("%w: the letter has no proper ID", ErrRefused)
	}
	return nil
}

// checkSMS is checkID and that the letter goes to one phone number.
func (l Letter) checkSMS() error {
	if !phoneForm.MatchString(l.To) {
		return fmt.Errorf("%w: not a phone number in E.164", ErrRefused)
	}
	return l.checkID()
}
