package harness

import (
	"reflect"
	"strings"

	"github.com/menshen-auth/menshen/impl/app"
)

// NoLimits turns all limits of an instance off, for tests that are about something else, or set one of them.
func NoLimits(c *app.Config) {
	for field, value := range reflect.ValueOf(c).Elem().Fields() {
		if strings.HasPrefix(field.Name, "Limit") {
			value.FieldByName("Max").SetInt(0)
		}
	}
	c.SMSBudget = 0
}

// NoLimitsEnviron is NoLimits for a program.
func NoLimitsEnviron() []string {
	environ := []string{"MENSHEN_SMS_BUDGET=0"}
	for field := range reflect.TypeFor[app.Config]().Fields() {
		if strings.HasPrefix(field.Name, "Limit") {
			environ = append(environ, field.Tag.Get("env")+"=off")
		}
	}
	return environ
}
