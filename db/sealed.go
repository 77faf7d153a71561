package db

import (
	"context"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// SealedColumn is a column that holds values sealed with a key of the keyring (T10). There are no others than those of
// SealedColumns, so that no name gets into a statement that was not written here.
type SealedColumn struct {
	table, column string
	key           []string // the primary key, in its order
	bound         []string // whose values, after the table's name, a value is tied to: its additional authenticated data
}

// sealedColumns is every sealed column but keyring.key_sealed, which is sealed with the master key. A value may be replaced
// at any time by another that says the same, so no statement may recognise a secret by its sealed form.
var sealedColumns = []SealedColumn{
	{table: "access_keys", column: "secret_sealed", key: []string{"userpool_id", "id"}, bound: []string{"userpool_id", "id"}},
	{table: "hooks", column: "secret_sealed", key: []string{"userpool_id", "id"}, bound: []string{"userpool_id", "id"}},
	{
		table: "mfa_factors", column: "secret_sealed", key: []string{"userpool_id", "id"},
		bound: []string{"userpool_id", "user_id", "id"},
	},
	{
		table: "mfa_pending", column: "secret_sealed", key: []string{"userpool_id", "user_id"},
		bound: []string{"userpool_id", "user_id"},
	},
	{
		table: "connection_secrets", column: "secret_sealed", key: []string{"userpool_id", "connection_id", "kind"},
		bound: []string{"userpool_id", "connection_id", "kind"},
	},
	{
		table: "wechat_tokens", column: "token_sealed", key: []string{"userpool_id", "connection_id"},
		bound: []string{"userpool_id", "connection_id"},
	},
	{
		table: "wechat_scans", column: "scan_sealed", key: []string{"userpool_id", "connection_id", "open_id"},
		bound: []string{"userpool_id", "connection_id", "open_id"},
	},
	{table: "outbox", column: "message_sealed", key: []string{"userpool_id", "id"}, bound: []string{"userpool_id", "id"}},
}

// SealedColumns returns every sealed column of the database, but for the keys themselves.
func SealedColumns() []SealedColumn { return append([]SealedColumn(nil), sealedColumns...) }

// String is the table's name and the column's.
func (c SealedColumn) String() string { return c.table + "." + c.column }

// Key returns the columns of the primary key, in its order.
func (c SealedColumn) Key() []string { return append([]string(nil), c.key...) }

// AAD returns what a value is tied to: to which table, and which row of it.
func (c SealedColumn) AAD(v SealedValue) []string { return append([]string{c.table}, v.Bound...) }

// Row names the row of a value for an operator. It holds ids only.
func (c SealedColumn) Row(v SealedValue) string {
	parts := []string{c.table}
	for i, column := range c.key {
		parts = append(parts, column+"="+v.Key[i])
	}
	return strings.Join(parts, " ")
}

// SealedValue is a sealed value and its place.
type SealedValue struct {
	Key    pq.StringArray `db:"key"`   // values of the primary key
	Bound  pq.StringArray `db:"bound"` // values of the columns that it is tied to
	Sealed []byte         `db:"sealed"`
}

// other is the condition that a row holds a value that does not begin with $1.
func (c SealedColumn) other() string {
	return fmt.Sprintf(`%[1]s IS NOT NULL AND substring(%[1]s FROM 1 FOR octet_length($1::bytea)) <> $1::bytea`, c.column)
}

// selecting returns the statement for rows of a condition on $1, at most $2, along the primary key; of a further part, after
// the row $3, $4 ...
func (c SealedColumn) selecting(condition string, further bool) string {
	if further {
		var values []string
		for i := range c.key {
			values = append(values, fmt.Sprintf("$%d", i+3))
		}
		condition += fmt.Sprintf(" AND (%s) > (%s)", strings.Join(c.key, ", "), strings.Join(values, ", "))
	}
	return fmt.Sprintf(`SELECT ARRAY[%[1]s]::text[] AS key, ARRAY[%[2]s]::text[] AS bound, %[3]s AS sealed
		FROM %[4]s WHERE %[5]s ORDER BY %[1]s LIMIT $2`,
		strings.Join(c.key, ", "), strings.Join(c.bound, ", "), c.column, c.table, condition)
}

// locking is the statement of LockOther and AwaitOther.
func (c SealedColumn) locking(further bool, skip string) string {
	return c.selecting(c.other(), further) + " FOR NO KEY UPDATE" + skip
}

// countingOther is the statement of CountOther.
func (c SealedColumn) countingOther() string {
	return fmt.Sprintf(`SELECT count(*) FROM %s WHERE %s`, c.table, c.other())
}

// countingByPrefix is the statement of CountByPrefix.
func (c SealedColumn) countingByPrefix() string {
	return fmt.Sprintf(`SELECT substring(%[1]s FROM 1 FOR $1::int) AS prefix, count(*) AS values FROM %[2]s
		WHERE %[1]s IS NOT NULL GROUP BY 1`, c.column, c.table)
}

// replacing is the statement of Replace: an array for each column of the primary key, then the values before and after.
func (c SealedColumn) replacing() string {
	var match, unnested []string
	for i, column := range c.key {
		match = append(match, fmt.Sprintf("t.%[1]s = v.%[1]s", column))
		unnested = append(unnested, fmt.Sprintf("$%d::text[]", i+1))
	}
	return fmt.Sprintf(`UPDATE %[1]s t SET %[2]s = v.after
		FROM unnest(%[3]s, $%[4]d::bytea[], $%[5]d::bytea[]) AS v (%[6]s, before, after) WHERE %[7]s AND t.%[2]s = v.before`,
		c.table, c.column, strings.Join(unnested, ", "), len(c.key)+1, len(c.key)+2, strings.Join(c.key, ", "),
		strings.Join(match, " AND "))
}

// LockOther locks at most limit rows whose value does not begin with prefix, in the order of the primary key and after the
// row of after (nil for the first), and returns them. Rows that somebody else has locked are left out: who does not
// wait while it holds locks cannot be part of a deadlock, and keeps nobody waiting for longer than its own work.
func (q KeyringQueries) LockOther(ctx context.Context, c SealedColumn, prefix []byte, after []string, limit int) ([]SealedValue, error) {
	return q.lockOther(ctx, c, " SKIP LOCKED", prefix, after, limit)
}

// AwaitOther is LockOther for one row, which it waits for: where a row is locked again and again, luck would take long. The
// transaction must hold no other lock.
func (q KeyringQueries) AwaitOther(ctx context.Context, c SealedColumn, prefix []byte, after []string) ([]SealedValue, error) {
	return q.lockOther(ctx, c, "", prefix, after, 1)
}

func (q KeyringQueries) lockOther(
	ctx context.Context, c SealedColumn, skip string, prefix []byte, after []string, limit int,
) ([]SealedValue, error) {
	args := []any{prefix, limit}
	for _, value := range after {
		args = append(args, value)
	}
	return many[SealedValue](ctx, q.q, c.locking(after != nil, skip), args...)
}

// Other returns at most limit rows whose value does not begin with prefix, whoever has locked them.
func (q KeyringQueries) Other(ctx context.Context, c SealedColumn, prefix []byte, limit int) ([]SealedValue, error) {
	return many[SealedValue](ctx, q.q, c.selecting(c.other(), false), prefix, limit)
}

// CountOther returns how many values do not begin with prefix. It reads the whole table.
func (q KeyringQueries) CountOther(ctx context.Context, c SealedColumn, prefix []byte) (int64, error) {
	return one[int64](ctx, q.q, c.countingOther(), prefix)
}

// Replace puts resealed values in the place of those that LockOther has locked in the same transaction, and returns how
// many it has replaced: a value that is not the same any more stays.
func (q KeyringQueries) Replace(ctx context.Context, c SealedColumn, old []SealedValue, resealed [][]byte) (int64, error) {
	args := make([]any, 0, len(c.key)+2)
	for i := range c.key {
		values := make(pq.StringArray, len(old))
		for n, v := range old {
			values[n] = v.Key[i]
		}
		args = append(args, values)
	}
	before := make(pq.ByteaArray, len(old))
	for n, v := range old {
		before[n] = v.Sealed
	}
	args = append(args, before, pq.ByteaArray(resealed))
	return q.q.exec(ctx, c.replacing(), args...)
}

// CountByPrefix returns how many values of a column begin with which size bytes. It reads the whole table.
func (q KeyringQueries) CountByPrefix(ctx context.Context, c SealedColumn, size int) (map[string]int64, error) {
	rows, err := many[struct {
		Prefix []byte `db:"prefix"`
		Values int64  `db:"values"`
	}](ctx, q.q, c.countingByPrefix(), size)
	counts := map[string]int64{}
	for _, row := range rows {
		counts[string(row.Prefix)] = row.Values
	}
	return counts, err
}
