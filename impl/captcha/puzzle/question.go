package puzzle

import (
	"fmt"
	"strings"
)

const (
	digitCount   = 6
	letterCount  = 5
	chineseCount = 4
)

const letters = "ACEFHKLMNPRTUWXY"

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

func pick(r Random, of []rune, n int) string {
	var s strings.Builder
	for range n {
		s.WriteRune(of[r.Pick(len(of))])
	}
	return s.String()
}

func sum(r Random) (question, answer string) {
	n, b, plus := 100+r.Pick(900), 2+r.Pick(8), r.Pick(2) == 0
	if plus && n-b >= 100 || n+b > 999 {
		return fmt.Sprintf("%d+%d=", n-b, b), fmt.Sprint(n)
	}
	return fmt.Sprintf("%d-%d=", n+b, b), fmt.Sprint(n)
}
