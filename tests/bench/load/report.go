package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report prints the duels as two tables. Ratios carry over to another machine; the rest says how they came about on this one.
func report(to io.Writer, duels []*duel) {
	if len(duels) == 0 {
		return
	}
	subject, base := duels[0].subject.name, duels[0].base.name
	table := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintf(table, "job\tratio\tquartiles\ttarget\t\t%s/s\t%s/s\tp50\tp99\tp99 of %s\tp99 at half\tof %s\n",
		subject, base, base, base)
	for _, d := range duels {
		low, middle, high := quartiles(d.ratios())
		s, b := d.subject, d.base
		_, _ = fmt.Fprintf(table, "%s\t%.2f\t%.2f-%.2f\t%s\t%s\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%s\n",
			d.job, middle, low, high, aim(d.least), verdict(middle, d.least), s.total.rate(), b.total.rate(),
			milliseconds(s.total.quantile(50)), milliseconds(s.total.quantile(99)), milliseconds(b.total.quantile(99)),
			milliseconds(s.steady.quantile(99)), milliseconds(b.steady.quantile(99)))
	}
	_ = table.Flush()
	_, _ = fmt.Fprintf(to, "\nclosed loop; \"at half\": open loop at half of what %s sustains, from when a request was due\n\n", subject)
	_, _ = fmt.Fprintf(table, "CPU a request\t%s\tand PostgreSQL\t%s\tand PostgreSQL\tRSS of %s\tof %s\n", subject, base, subject, base)
	for _, d := range duels {
		s, b := d.subject, d.base
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d MB\t%d MB\n", d.job,
			microseconds(s.perRequest(s.server)), microseconds(s.perRequest(s.postgres)),
			microseconds(b.perRequest(b.server)), microseconds(b.perRequest(b.postgres)), s.footprint>>20, b.footprint>>20)
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
