package sim

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/cib"
)

// ErrScenario indicates a scenario file that cannot be used.
var ErrScenario = errors.New("scenario")

// Load reads a scenario file; the path of its CIB is relative to it.
func Load(file string) (*Scenario, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScenario, err)
	}
	return Parse(b, file, func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(file), path)
		}
		return os.ReadFile(path)
	})
}

// Parse reads a scenario; name is what errors call it, and open reads the file of
// a CIB. Every error names the line and what would be right.
func Parse(text []byte, name string, open func(path string) ([]byte, error)) (*Scenario, error) {
	p := &parser{sc: NewScenario(3, 0), open: open}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		p.line++
		words := strings.Fields(strings.SplitN(lines.Text(), "#", 2)[0])
		if len(words) == 0 {
			continue
		}
		if err := p.statement(words); err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", ErrScenario, name, p.line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %s:%d: %w", ErrScenario, name, p.line+1, err)
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrScenario, name, err)
	}
	return p.sc, nil
}

type parser struct {
	sc   *Scenario
	open func(string) ([]byte, error)
	line int
	ends bool
	// primitives of the configuration.
	rsc []string
}

// statement reads one line.
func (p *parser) statement(w []string) error {
	sc := p.sc
	if len(sc.Steps) > 0 && !slices.Contains([]string{"at", "settle", "end"}, w[0]) {
		return fmt.Errorf("%q describes the cluster and has to stand before the first \"at\"", w[0])
	}
	switch w[0] {
	case "nodes":
		return p.nodes(w[1:])
	case "keepalive", "deadtime", "initdead":
		d, err := p.duration(w, 1)
		if err != nil {
			return err
		}
		if d <= 0 {
			return fmt.Errorf("%s must be more than 0", w[0])
		}
		*map[string]*time.Duration{"keepalive": &sc.Keepalive, "deadtime": &sc.Deadtime, "initdead": &sc.Initdead}[w[0]] = d
		return none(w[2:])
	case "quorum":
		sc.Quorum = w[1:]
		if len(w) == 1 {
			return errors.New("quorum: name the plug-ins, for example \"quorum majority\"")
		}
		return nil
	case "cib":
		return p.cib(w)
	case "resource":
		return p.resource(w)
	case "arbiter", "spare":
		if len(w) != 2 || slices.Contains(sc.all(), w[1]) {
			return fmt.Errorf("%s: name one machine that is no node yet", w[0])
		}
		if w[0] == "arbiter" {
			sc.Arbiters = append(sc.Arbiters, w[1])
		} else {
			sc.Spares = append(sc.Spares, w[1])
		}
		return nil
	case "votes":
		if len(w) != 3 || !slices.Contains(sc.all(), w[1]) {
			return errors.New("votes: write \"votes NODE NUMBER\"")
		}
		n, err := votes(w[2])
		if err != nil {
			return err
		}
		if sc.Weights == nil {
			sc.Weights = map[string]int{}
		}
		sc.Weights[w[1]] = int(n)
		return nil
	case "views":
		if len(w) != 2 || w[1] != "random" && w[1] != "directed" {
			return errors.New("views: write \"views random\" or \"views directed\"")
		}
		sc.RandomViews, sc.DirectedViews = w[1] == "random", w[1] == "directed"
		return nil
	case "sessions":
		if len(w) != 2 || w[1] != "loose" {
			return errors.New("sessions: only \"sessions loose\" is known")
		}
		sc.Loose = true
		return nil
	case "steady":
		sc.Steady = true
		return none(w[1:])
	case "seed":
		if len(w) != 2 {
			return errors.New("seed: give one number")
		}
		n, err := strconv.ParseUint(w[1], 10, 64)
		if err != nil || n == 0 {
			return fmt.Errorf("seed: %q is no number above 0", w[1])
		}
		sc.Seed = n
		return nil
	case "resources":
		return p.resources(w)
	case "settle", "end":
		return p.end(w)
	case "at":
		return p.step(w)
	}
	return fmt.Errorf("%q is not known; a line begins with nodes, keepalive, deadtime, initdead, quorum, arbiter, spare, votes, views, sessions, steady, seed, cib, resources, resource, at, settle or end", w[0])
}

func (p *parser) nodes(w []string) error {
	if len(w) == 1 {
		if n, err := strconv.Atoi(w[0]); err == nil {
			if n < 1 || n > 64 {
				return fmt.Errorf("a cluster has 1 to 64 nodes, not %d", n)
			}
			w = NodeNames(n)
		}
	}
	if len(w) == 0 {
		return errors.New("nodes: give their number or their names")
	}
	for i, n := range w {
		if slices.Contains(w[:i], n) {
			return fmt.Errorf("node %s is named twice", n)
		}
		if slices.Contains([]string{"for", "on", ">"}, n) {
			return fmt.Errorf("%q is a word of the scenario and cannot name a node", n)
		}
	}
	p.sc.Nodes = slices.Clone(w)
	return nil
}

// votes reads a number of votes.
func votes(word string) (int64, error) {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || n < 0 || n > agree.MaxWeight {
		return 0, fmt.Errorf("%q is no number of votes between 0 and %d", word, agree.MaxWeight)
	}
	return n, nil
}

func (p *parser) cib(w []string) error {
	if len(w) != 2 {
		return errors.New("cib: name one file")
	}
	b, err := p.open(w[1])
	if err != nil {
		return fmt.Errorf("cib: %w", err)
	}
	root, err := ReadCIB(b, w[1])
	if err != nil {
		return err
	}
	p.sc.SetCIB(root, w[1])
	p.sc.Resources, p.sc.StartDelay = 0, 0
	return nil
}

// ReadCIB reads a configuration as an administrator has it: either dialect, with
// or without a status, which is left out.
func ReadCIB(text []byte, name string) (*cib.Element, error) {
	root, err := cib.Parse(text, name)
	if err != nil {
		return nil, err
	}
	if root, _, err = cib.Upgrade(root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if root.First("configuration") == nil {
		return nil, fmt.Errorf("%s: there is no section configuration in it", name)
	}
	for _, p := range cib.Check(root) {
		if p.Severity == cib.Error {
			return nil, fmt.Errorf("%s:%d: %s", name, p.Line, p.Sentence)
		}
	}
	if st := root.First("status"); st != nil {
		root = root.WithReplaced(st, nil)
	}
	return root, nil
}

// SetCIB makes a configuration that of the cluster. Where it names nodes, they
// are those of the cluster.
func (sc *Scenario) SetCIB(root *cib.Element, file string) {
	sc.CIB, sc.CIBFile = root, file
	var names []string
	for _, n := range root.Path("configuration", "nodes").All("node") {
		if t := n.Get("type"); t == "" || t == "member" || t == "normal" {
			names = append(names, n.Get("uname"))
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		sc.Nodes = names
	}
	// A wish about nodes, or of resources to spread, may move a healthy resource.
	cons := root.Path("configuration", "constraints")
	sc.Sticky = cons == nil || len(cons.All("rsc_location"))+len(cons.All("rsc_colocation")) == 0
	if controllerOption(root, "placement-strategy") != "" {
		sc.Sticky = false
	}
	if !hasStickiness(root) {
		sc.Sticky = false
	}
}

// resources reads "resources N [start-delay DURATION]".
func (p *parser) resources(w []string) error {
	if len(w) != 2 && (len(w) != 4 || w[2] != "start-delay") {
		return errors.New("resources: write \"resources NUMBER\" or \"resources NUMBER start-delay DURATION\"")
	}
	n, err := strconv.Atoi(w[1])
	if err != nil || n < 1 || n > 1000 {
		return fmt.Errorf("resources: %q is no number between 1 and 1000", w[1])
	}
	delay := time.Duration(0)
	if len(w) == 4 {
		if delay, err = p.duration(w, 3); err != nil {
			return err
		}
		if delay < time.Millisecond || delay%time.Millisecond != 0 {
			return errors.New("resources: start-delay is whole milliseconds, 1 or more")
		}
	}
	p.sc.SetResources(n, delay)
	return nil
}

func (p *parser) resource(w []string) error {
	if len(w) < 4 || len(w)%2 != 0 {
		return errors.New("resource: write \"resource NAME start DURATION stop DURATION\"")
	}
	m := Model{Start: defaultStart, Stop: defaultStop}
	for i := 2; i < len(w); i += 2 {
		d, err := p.duration(w, i+1)
		if err != nil {
			return err
		}
		switch w[i] {
		case "start":
			m.Start = d
		case "stop":
			m.Stop = d
		default:
			return fmt.Errorf("resource %s: %q is neither start nor stop", w[1], w[i])
		}
	}
	if p.sc.Models == nil {
		p.sc.Models = map[string]Model{}
	}
	p.sc.Models[w[1]] = m
	return nil
}

func (p *parser) end(w []string) error {
	if len(w) != 3 || w[1] != "at" {
		return fmt.Errorf("%s: write \"%s at DURATION\"", w[0], w[0])
	}
	d, err := p.duration(w, 2)
	if err != nil {
		return err
	}
	if p.ends {
		return errors.New("the end is given twice")
	}
	p.ends, p.sc.Length, p.sc.Settle = true, d, w[0] == "settle"
	return nil
}

// finish checks what only the whole can show.
func (p *parser) finish() error {
	sc := p.sc
	if !p.ends {
		return errors.New("the last line is missing: \"settle at DURATION\" repairs everything then and checks that the cluster recovers, \"end at DURATION\" just ends")
	}
	for i := range sc.Steps {
		if e := &sc.Steps[i]; e.At > sc.Length {
			return fmt.Errorf("line %d is at %s, after the end at %s", e.Line, seconds(e.At), seconds(sc.Length))
		}
	}
	slices.SortStableFunc(sc.Steps, func(a, b Step) int { return int(a.At - b.At) })
	return nil
}

// duration reads the word i as a duration.
func (p *parser) duration(w []string, i int) (time.Duration, error) {
	if i >= len(w) {
		return 0, fmt.Errorf("a duration is missing after %q", w[len(w)-1])
	}
	d, err := time.ParseDuration(w[i])
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write 30s, 1m30s or 250ms", w[i])
	}
	return d, nil
}

func none(w []string) error {
	if len(w) > 0 {
		return fmt.Errorf("%q is too much", strings.Join(w, " "))
	}
	return nil
}
