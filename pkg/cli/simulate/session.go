package simulate

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pengine/simulate"
	"github.com/quorate/quorate/pkg/cli"
)

// session is one simulation from the input to the revised status.
type session struct {
	o      *options
	root   *cib.Element
	now    time.Time
	clock  time.Time // of the results, whatever time is pretended
	date   string    // the line about the pretended time, "" without one
	events simulate.Events
	fail   []simulate.OpSpec
	fancy  bytes.Buffer
	report report
}

func (o *options) newSession() (*session, error) {
	s := &session{o: o, clock: time.Now()}
	s.now = s.clock
	if o.inPlace {
		if o.file == "" || o.file == "-" {
			return nil, cli.Exitf(cli.ExitUsage, "%s: --in-place needs a file to write to: name it with --xml-file", o.name)
		}
		o.simulate = true
		if o.saveOutput == "" {
			o.saveOutput = o.file
		}
	}
	var err error
	if s.events, s.fail, err = o.events(s.clock); err != nil {
		return nil, err
	}
	if s.root, err = o.load(); err != nil {
		return nil, err
	}
	return s, s.setTime()
}

// setTime finds the time that the input or the user wants.
func (s *session) setTime() error {
	if d := s.o.date; d != "" {
		t, ok := pengine.ParseTime(d, time.Local)
		if !ok {
			return cli.Exitf(cli.ExitUsage, "%s: the date %q cannot be read: write it as ISO 8601 has it, such as 2026-01-31 12:00:00Z", s.o.name, d)
		}
		s.now = t
		s.date = "Setting effective cluster time: " + d
		return nil
	}
	if d := s.root.Get("execution-date"); d != "" {
		sec, err := strconv.ParseInt(d, 10, 64)
		if err != nil {
			return cli.Exitf(cli.ExitDataErr, "%s: the execution-date %q of the input is no number of seconds", s.o.name, d)
		}
		s.now = time.Unix(sec, 0)
		s.date = "Using the original execution date of: " + formatDate(s.now)
	}
	return nil
}

func formatDate(t time.Time) string {
	t = t.In(time.Local)
	if _, off := t.Zone(); off == 0 {
		return t.Format("2006-01-02 15:04:05Z")
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

// process reports whether a transition is wanted, not merely the status.
func (s *session) process() bool {
	o := s.o
	return o.runOnly || o.simulate || o.scores || o.utilization || o.graph != "" || o.dot != "" || o.name == "ptest"
}

func (s *session) do(w *bytes.Buffer) error {
	err := s.steps()
	switch o := s.o; {
	case o.structured():
		if err == nil {
			err = s.report.write(w, o.request())
		}
	case (o.scores || o.utilization) && !o.fancy:
		w.Write(plain(s.fancy.Bytes()))
	default:
		w.Write(s.fancy.Bytes())
	}
	return err
}

// request is the command line for the XML form.
func (o *options) request() string { return o.name + " " + strings.Join(o.args, " ") }

func (s *session) printf(format string, a ...any) {
	if !s.o.quiet {
		fmt.Fprintf(&s.fancy, format, a...)
	}
}

func (s *session) steps() error {
	s.tellDate()
	if err := s.status(s.root, false); err != nil {
		return err
	}
	if err := s.inject(); err != nil {
		return err
	}
	if err := s.o.save(s.o.saveInput, s.writer(s.root)); err != nil {
		return err
	}
	if !s.process() {
		return s.o.save(s.o.saveOutput, s.writer(s.root))
	}
	res, err := s.transition()
	if err != nil || !s.o.simulate {
		if err == nil {
			err = s.o.save(s.o.saveOutput, s.writer(s.root))
		}
		return err
	}
	return s.execute(res)
}

func (s *session) writer(root *cib.Element) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := root.WriteTo(w)
		return err
	}
}

func (s *session) tellDate() {
	if s.date != "" {
		s.printf("%s\n", s.date)
	}
}

// schedule runs the engine; its complaints go to standard error on demand.
func (s *session) schedule(root *cib.Element, opts pengine.Options) (*pengine.Result, error) {
	opts.Sanitized = true // an input for support may have its secrets hidden
	res, err := pengine.Schedule(root, s.now, opts)
	if err != nil {
		return nil, &cli.Exit{Code: cli.ExitDataErr, Err: fmt.Errorf("%s: %w", s.o.name, err)}
	}
	if !opts.StatusOnly && s.o.verbose > 0 {
		for _, m := range res.Errors {
			fmt.Fprintf(s.o.env.Stderr, "error: %s\n", m)
		}
		for _, m := range res.Warnings {
			fmt.Fprintf(s.o.env.Stderr, "warning: %s\n", m)
		}
	}
	return res, nil
}

// status shows the state of the cluster, before or after the transition.
func (s *session) status(root *cib.Element, revised bool) error {
	if s.o.quiet && !s.o.structured() {
		return nil
	}
	res, err := s.schedule(root, pengine.Options{StatusOnly: true, ShowPending: !revised})
	if err != nil {
		return err
	}
	s.report.status(res, revised, s.o.extrasXML(root, s.now, revised))
	title := "Revised Cluster Status"
	if !revised {
		title = "Current cluster status"
		if res.Maintenance() {
			s.printf("\n              *** Resource management is DISABLED ***\n  The cluster will not attempt to start, stop or recover services\n\n")
		}
		if total, disabled, blocked := res.Counts(); disabled > 0 || blocked > 0 {
			s.printf("%d of %d resource instances DISABLED and %d BLOCKED from further action due to failure\n\n", disabled, total, blocked)
		}
	}
	s.printf("%s:\n", title)
	var b bytes.Buffer
	res.StatusText(&b)
	s.printf("%s", b.Bytes())
	s.printf("%s", s.o.extras(root, s.now))
	return nil
}

// inject makes the synthetic events happen.
func (s *session) inject() error {
	if s.events.Empty() {
		return nil
	}
	root, events, err := simulate.Inject(s.root, s.events)
	s.printf("\nPerforming Requested Modifications:\n")
	for _, e := range events {
		s.printf("%s\n", e)
	}
	if err != nil {
		return &cli.Exit{Code: cli.ExitNoSuchObject, Err: fmt.Errorf("%s: %w", s.o.name, err)}
	}
	s.report.modified(events)
	s.root = root
	if s.o.quiet {
		s.fancy.WriteByte('\n')
	}
	if s.process() {
		s.tellDate()
	}
	return nil
}

// transition plans, shows scores and summary, and saves the graph.
func (s *session) transition() (*pengine.Result, error) {
	res, err := s.schedule(s.root, pengine.Options{})
	if err != nil {
		return nil, err
	}
	o := s.o
	if o.scores || o.utilization {
		s.allocations(res)
	}
	s.printf("\nTransition Summary:\n")
	var b bytes.Buffer
	res.SummaryText(&b)
	s.printf("%s", b.Bytes())
	s.report.actions(res.Summary())
	if err := o.save(o.graph, res.Graph.WriteXML); err != nil {
		return nil, err
	}
	return res, o.save(o.dot, func(w io.Writer) error { return res.WriteDOT(w, o.allActions) })
}

func (s *session) allocations(res *pengine.Result) {
	o := s.o
	title := "Utilization Information"
	switch {
	case o.scores && o.utilization:
		title = "Allocation Scores and Utilization Information"
	case o.scores:
		title = "Allocation Scores"
	}
	s.printf("\n%s:\n", title)
	e := s.report.allocations(o.scores, o.utilization)
	show := func(line string, x *cib.Element) {
		if !o.quiet || o.fancy {
			s.fancy.WriteString("  * ")
		}
		s.fancy.WriteString(line + "\n")
		e.Children = append(e.Children, x)
	}
	next := 0
	capacities := func(at int) {
		for ; next < len(res.Capacity) && res.Capacity[next].At <= at; next++ {
			if c := res.Capacity[next]; o.utilization {
				show(c.String(), capacityElement(c))
			}
		}
	}
	for i, l := range res.Scores {
		capacities(i)
		if o.scores {
			show(l.String(), scoreElement(l))
		}
	}
	capacities(len(res.Scores))
	s.report.add(e)
}

// execute carries the transition out and shows what comes of it.
func (s *session) execute(res *pengine.Result) error {
	if s.o.quiet && s.o.scores {
		s.fancy.WriteByte('\n')
	}
	s.printf("\nExecuting Cluster Transition:\n")
	after, events, complete := simulate.Run(s.root, res.Graph, simulate.Options{Now: s.clock, Fail: s.fail, Known: res.Knows})
	failed := false
	for _, e := range events {
		s.printf("%s\n", e)
		failed = failed || e.Kind == simulate.Pretended
	}
	s.report.transition(events)
	if !complete && !failed {
		fmt.Fprintln(s.o.env.Stderr, "Transition failed: terminated\nAn invalid transition was produced")
		for _, l := range pengine.OrderLoops(s.root) {
			fmt.Fprintln(s.o.env.Stderr, l)
		}
	}
	if err := s.o.save(s.o.saveOutput, s.writer(after)); err != nil {
		return err
	}
	s.tellDate()
	s.printf("\n")
	if err := s.status(after, true); err != nil {
		return err
	}
	if !complete && !failed {
		return &cli.Exit{Code: cli.ExitError}
	}
	return nil
}
