package db

// Composed returns the statements that are put together when they are run, by the function that runs them. All others are
// constants, which can be read from the source.
func Composed() map[string][]string {
	all := map[string][]string{}
	for _, e := range expiring {
		all["DB.DeleteExpired"] = append(all["DB.DeleteExpired"], e.deletion())
	}
	for _, c := range sealedColumns {
		all["KeyringQueries.lockOther"] = append(all["KeyringQueries.lockOther"], c.locking(false, " SKIP LOCKED"), c.locking(true, " SKIP LOCKED"), c.locking(false, ""), c.locking(true, ""))
		all["KeyringQueries.Other"] = append(all["KeyringQueries.Other"], c.selecting(c.other(), false))
		all["KeyringQueries.CountOther"] = append(all["KeyringQueries.CountOther"], c.countingOther())
		all["KeyringQueries.CountByPrefix"] = append(all["KeyringQueries.CountByPrefix"], c.countingByPrefix())
		all["KeyringQueries.Replace"] = append(all["KeyringQueries.Replace"], c.replacing())
	}
	return all
}
