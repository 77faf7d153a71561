package puzzle

import (
	"os"
	"strconv"
	"strings"
)

func P(name string, def float64) float64 {
	for _, kv := range strings.Split(os.Getenv("P"), ",") {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			f, _ := strconv.ParseFloat(v, 64)
			return f
		}
	}
	return def
}
