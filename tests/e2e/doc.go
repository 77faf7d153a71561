// Package e2e tells what people do with Menshen, one story a test: through the generated client, against the whole service
// on a database of its own. A comment names the guarantee and the requirement behind it.
package e2e
