package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report prints the duels as a table. Ratios carry over to another machine; what stands after them says how they came about
// on this one.
func report(to io.Writer, duels []*duel) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	first := duels[0]
	_, _ = fmt.Fprintf(table, "job\tratio\tspread\ttarget\t\trequests/s\tof %s\tp50\tp99\tp99 of %s\tCPU/request\tand PostgreSQL\tof %s\tand PostgreSQL\tRSS\n",
		first.base.name, first.base.name, first.base.name)
	for _, d := range duels {
		low, middle, high := quartiles(d.ratios())
		s, b := d.subject, d.base
		_, _ = fmt.Fprintf(table, "%s\t%.2f\t%.2f-%.2f\t%s\t%s\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d MB\n",
			d.job, middle, low, high, aim(d.least), verdict(middle, d.least), s.total.rate(), b.total.rate(),
			milliseconds(s.total.quantile(50)), milliseconds(s.total.quantile(99)), milliseconds(b.total.quantile(99)),
			microseconds(s.perRequest(s.server)), microseconds(s.perRequest(s.postgres)), microseconds(b.perRequest(b.server)), microseconds(b.perRequest(b.postgres)), s.footprint>>20)
	}
	_ = table.Flush()
}

func aim(least float64) string {
	if least == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", least)
}

func verdict(ratio, least float64) string {
	switch {
	case least == 0:
		return ""
	case ratio >= least:
		return "met"
	}
	return "short"
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func microseconds(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }
