package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/lib/pq"
)

var (
	// ErrNotFound means that no row matched; of a guarded statement, that its guard did not hold.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable means that the database cannot be reached or has no room; the same call may succeed later.
	ErrUnavailable = errors.New("database unavailable")
)

// ErrDuplicate means that a unique index already has the value.
type ErrDuplicate struct {
	Index string // name of the index
}

func (e ErrDuplicate) Error() string { return "duplicate value for " + e.Index }

// Duplicate tells whether err is an ErrDuplicate of the named index.
func Duplicate(err error, index string) bool {
	var duplicate ErrDuplicate
	return errors.As(err, &duplicate) && duplicate.Index == index
}

// poolClosed is the text of an error of database/sql that has no name.
const poolClosed = "sql: database is closed"

// translate turns the driver's errors into ours.
func translate(err error) error {
	var pqError *pq.Error
	var netError net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.As(err, &pqError):
		return translatePostgres(pqError)
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.EOF),
		errors.Is(err, context.DeadlineExceeded), errors.As(err, &netError), err.Error() == poolClosed:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// translatePostgres reads the class of the SQLSTATE (PostgreSQL manual, appendix A). The error's own text may quote
// values of the row, so only its code and, of a duplicate, the index are kept.
func translatePostgres(err *pq.Error) error {
	switch err.Code.Class() {
	case "08", "53", "57", "40": // connection, resources, operator intervention, rollback
		return fmt.Errorf("%w: SQLSTATE %s", ErrUnavailable, err.Code)
	}
	if err.Code.Name() == "unique_violation" {
		return ErrDuplicate{Index: err.Constraint}
	}
	return fmt.Errorf("SQLSTATE %s (%s)", err.Code, err.Code.Name())
}
