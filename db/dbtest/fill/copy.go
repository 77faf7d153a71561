package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// table is what one table gets.
type table struct {
	name    string
	columns []string
	rows    int
	row     func(i int) []any
	after   string // the table that its rows refer to; empty for none that is filled
}

// fill copies the rows into the table and makes its indexes afterwards, which is several times faster than keeping them up row
// by row, where the keys are random.
func (t table) fill(ctx context.Context, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, `SET LOCAL maintenance_work_mem = '256MB'`); err != nil {
		return err
	}
	again, err := t.dropIndexes(ctx, tx)
	if err != nil {
		return err
	}
	if err := t.copy(ctx, tx); err != nil {
		return err
	}
	for _, statement := range again {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	// As autovacuum would have done by the time that a table is so large: what reads the rows first does not have to write, too.
	_, err = conn.ExecContext(ctx, `VACUUM (ANALYZE) `+pq.QuoteIdentifier(t.name))
	return err
}

// dropIndexes drops the indexes of the table but for those that foreign keys of others need, and returns what makes them again.
func (t table) dropIndexes(ctx context.Context, tx *sql.Tx) (again []string, err error) {
	const query = `
		SELECT
			CASE WHEN c.oid IS NULL THEN format('DROP INDEX %I', i.indexrelid::regclass)
				ELSE format('ALTER TABLE %I DROP CONSTRAINT %I', i.indrelid::regclass, c.conname) END,
			CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
				ELSE format('ALTER TABLE %I ADD CONSTRAINT %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) END
		FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u')
		WHERE i.indrelid = $1::text::regclass
			AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conindid = i.indexrelid AND f.contype = 'f')
		ORDER BY i.indexrelid`
	rows, err := tx.QueryContext(ctx, query, t.name)
	if err != nil {
		return nil, err
	}
	var drops []string
	for rows.Next() {
		var drop, add string
		if err := rows.Scan(&drop, &add); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		drops, again = append(drops, drop), append(again, add)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, drop := range drops {
		if _, err := tx.ExecContext(ctx, drop); err != nil {
			return nil, fmt.Errorf("%s: %w", drop, err)
		}
	}
	return again, nil
}

func (t table) copy(ctx context.Context, tx *sql.Tx) error {
	columns := make([]string, len(t.columns))
	for i, column := range t.columns {
		columns[i] = pq.QuoteIdentifier(column) // use is a word of SQL
	}
	statement, err := tx.PrepareContext(ctx, `COPY `+pq.QuoteIdentifier(t.name)+` (`+strings.Join(columns, ", ")+`) FROM STDIN`)
	if err != nil {
		return err
	}
	for i := range t.rows {
		if _, err := statement.ExecContext(ctx, t.row(i)...); err != nil {
			return errors.Join(err, statement.Close())
		}
	}
	_, err = statement.ExecContext(ctx) // the end of the data
	return errors.Join(err, statement.Close())
}
