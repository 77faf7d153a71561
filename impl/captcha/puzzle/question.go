package puzzle

import (
	"fmt"
	"strings"
)

// How many characters an answer has.
const (
	digitCount   = 6
	letterCount  = 5
	chineseCount = 4
)

// letters are those that no other letter or digit is taken for, however it is turned.
const letters = "ACEFHKLMNPRTUWXY"

// ask returns what is drawn or spoken, and what is to be answered.
func ask(k Kind, r Random) (question, answer string, err error) {
	switch k {
	case Digits, Audio:
		answer = r.Digits(digitCount)
		return answer, answer, nil
	case Letters:
		answer = pick(r, []rune(letters), letterCount)
		return answer, answer, nil
	case Chinese:
		answer = pick(r, characters, chineseCount)
		return answer, answer, nil
	case Arithmetic:
		question, answer = sum(r)
		return question, answer, nil
	}
	return "", "", fmt.Errorf("%q is no kind of captcha", k)
}

// pick returns n of the characters, uniformly.
func pick(r Random, of []rune, n int) string {
	var s strings.Builder
	for range n {
		s.WriteRune(of[r.Pick(len(of))])
	}
	return s.String()
}

// sum returns a sum that is done in the head: a number and one of 2 to 9. The answer is of 100 to 999, uniformly.
func sum(r Random) (question, answer string) {
	n, b, plus := 100+r.Pick(900), 2+r.Pick(8), r.Pick(2) == 0
	if plus && n-b >= 100 || n+b > 999 {
		return fmt.Sprintf("%d+%d=", n-b, b), fmt.Sprint(n)
	}
	return fmt.Sprintf("%d-%d=", n+b, b), fmt.Sprint(n)
}
